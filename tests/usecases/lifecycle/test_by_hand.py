"""What a person decides about a version, in Prefect's form or on the command line."""

import pytest

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.model import ArtifactBroken, GateFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.gates import GateResult
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.lifecycle import by_hand
from nightjar.usecases.lifecycle.by_hand import Decided, decide_by_hand, serve_by_hand

FAILED = GateResult(name="min_auc", passed=False, value=0.5, threshold=0.6, reason="0.5 is below 0.6")


@pytest.fixture
def registry():
    registry = MemoryRegistry()
    champion_of(registry)
    registered(registry, artifact_sha256="2" * 64, gates=(FAILED,))
    return registry


def decide(registry, number, decided, **more):
    return decide_by_hand(toy_spec(), registry, None, number, Decided(decided), "I say so", **more)


def test_a_person_makes_a_challenger_withdraws_it_and_makes_it_champion(registry):
    assert decide(registry, 2, "challenger") == "toy version 2 is challenger"
    assert decide(registry, 2, "withdrawn") == "toy version 2 is no longer challenger"
    assert registry.holder("toy", "challenger") is None
    decide(registry, 2, "challenger")
    assert decide(registry, 2, "champion", despite_gates=True) == (
        "toy version 2 is champion, although it did not pass its gates: min_auc: 0.5 is below 0.6"
    )
    assert decide(registry, 1, "champion", despite_gates=True) == "toy version 1 is champion"
    assert decide(registry, 2, "champion", despite_gates=True).startswith(
        "toy version 2 is champion, although"
    )
    assert registry.holder("toy", "champion").number == 2
    assert registry.holder("toy", "challenger") is None
    assert {row.reason for row in registry.promotions("toy")} == {"the first", "I say so"}


def test_a_version_whose_measurements_are_lost_is_promoted_in_spite_of_that_alone(registry, monkeypatch):
    def lost(*_):
        raise ArtifactBroken("file:///evidence", "the file is missing")

    monkeypatch.setattr(by_hand, "require_todays_gates", lost)
    with pytest.raises(ArtifactBroken, match="the file is missing"):
        decide(registry, 2, "champion")
    assert registry.holder("toy", "champion").number == 1
    assert decide(registry, 2, "champion", despite_gates=True) == (
        "toy version 2 is champion, although what was measured of it cannot be read"
    )


def test_a_share_for_a_version_that_failed_a_gate_says_so(registry):
    decide(registry, 2, "challenger")
    with pytest.raises(GateFailed, match="min_auc"):
        serve_by_hand(toy_spec(), registry, None, 2, 0.25, "I say so")
    told = serve_by_hand(toy_spec(), registry, None, 2, 0.25, "I say so", despite_gates=True)
    assert told.endswith(
        "from the next night on, although it did not pass its gates: min_auc: 0.5 is below 0.6"
    )


def test_a_version_that_failed_a_gate_is_refused_as_champion(registry):
    with pytest.raises(GateFailed, match="min_auc"):
        decide(registry, 2, "champion")


@pytest.mark.parametrize(
    ("number", "decided", "says"),
    [
        (9, "champion", r"toy has no version 9. Registered: 2, 1"),
        (1, "challenger", "toy version 1 is champion"),
        (2, "withdrawn", "toy version 2 is not challenger. There is none"),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_the_roles(registry, number, decided, says):
    with pytest.raises(BadSettings, match=says):
        decide(registry, number, decided)
    assert len(registry.promotions("toy")) == 1
