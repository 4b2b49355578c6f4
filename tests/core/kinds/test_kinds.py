"""What every kind must keep, whoever adds it."""

import pytest

from nightjar.core.kinds import KINDS

every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)


@every_kind
def test_the_metrics_that_a_kind_names_are_its_own(kind):
    names = [metric.name for metric in kind.metrics]
    used = {*kind.headline, *(gate.metric for gate in kind.gates)} | {
        metric.skill_of for metric in kind.metrics if metric.skill_of
    }
    assert len(set(names)) == len(names)
    assert used <= set(names)
    assert all(
        metric.better == "lower"
        for metric in kind.metrics
        if metric.name in {skill.skill_of for skill in kind.metrics}
    )


@every_kind
def test_a_limit_has_one_name_and_room(kind):
    limits = [*kind.gate_limits(), *kind.absurdities]
    assert len({limit.name for limit in limits}) == len(limits)
    assert all(limit.low < limit.high for limit in limits)
    assert kind.low < kind.high
