"""CPU time of stages that run at once is shared, and none of it is lost or counted twice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.night.stages import Stage, shared, totals

SECONDS = st.floats(0, 1e6)


@given(st.dictionaries(st.integers(), SECONDS, min_size=1, max_size=20), SECONDS)
def test_the_shares_add_up_to_what_was_spent(spent, seconds):
    assert sum(shared(spent, seconds).values()) == pytest.approx(sum(spent.values()) + seconds)


@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_a_stage_that_is_alone_gets_all_of_it(each):
    spent = {"write": 0.0}
    for seconds in each:
        spent = shared(spent, seconds)
    assert spent["write"] == pytest.approx(sum(each))


def test_two_stages_get_halves_and_nobody_gets_what_is_spent_between_stages():
    assert shared({"predict": 1.0, "write": 0.0}, 4.0) == {"predict": 3.0, "write": 2.0}
    assert shared({}, 4.0) == {}


def stage(name, role="", **told):
    took = {"started_at": datetime(2013, 6, 15, tzinfo=UTC), "seconds": 1.0, "cpu_seconds": 0.5}
    return Stage(stage=name, role=role, peak_memory=told.pop("peak_memory", 10), **took, **told)


def test_parts_and_attempts_of_a_stage_are_added_up_in_the_order_of_a_night():
    found = totals(
        [
            stage("write", rows=3, size=30, quarantined=1, peak_memory=20),
            stage("own", error="OSError"),
            stage("write", rows=2, size=20, quarantined=0, retries=2),
            stage("predict", "champion", rows=4),
            stage("predict", "challenger", rows=4),
        ]
    )
    assert [(total.stage, total.role, total.times) for total in found] == [
        ("predict", "challenger", 1),
        ("predict", "champion", 1),
        ("write", "", 2),
        ("own", "", 1),
    ]
    write, own = found[2:]
    assert (write.rows, write.size, write.quarantined, write.retries, write.peak_memory) == (5, 50, 1, 2, 20)
    assert (write.seconds, write.cpu_seconds, write.errors) == (2.0, 1.0, ())
    assert (own.rows, own.size, own.errors) == (None, None, ("OSError",))
