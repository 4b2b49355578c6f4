"""A night is measured again when more is known of it than was, and not otherwise."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.monitoring.due import complete_at, outdated
from nightjar.core.monitoring.entities import NightPerformance
from nightjar.core.night.entities import Publication
from nightjar.testing.specs import toy_spec

DAY = date(2013, 6, 15)
MIDNIGHT = datetime(2013, 6, 16, tzinfo=UTC)
NIGHT = Publication(id=1, model="toy", score_date=DAY, run_id=7, action="publish", published_at=MIDNIGHT)


def after(days):
    return MIDNIGHT + timedelta(days=days)


def measured(days, with_outcome=10):
    night = NightPerformance(
        run_id=7,
        model="toy",
        score_date=DAY,
        rows=10,
        with_outcome=with_outcome,
        metrics={},
        measured_at=after(days),
    )
    return {7: night}


@pytest.mark.parametrize(
    ("kept", "delivered", "due"),
    [
        pytest.param({}, {}, True, id="never measured"),
        pytest.param({8: measured(1)[7]}, {}, True, id="another run was measured"),
        pytest.param(measured(2), {0: [after(1)]}, False, id="nothing new"),
        pytest.param(measured(2, with_outcome=9), {0: [after(1)]}, True, id="a row without outcome"),
        pytest.param(measured(2), {0: [after(1), after(3)]}, True, id="a correction"),
        pytest.param(measured(2), {0: [after(1), after(6)]}, False, id="a correction not known yet"),
        pytest.param(measured(2), {1: [after(3)]}, True, id="a delivery until maturity"),
        pytest.param(measured(2), {2: [after(3)]}, False, id="a delivery after maturity"),
    ],
)
def test_what_is_new_makes_a_measurement_outdated(kept, delivered, due):
    recorded = {DAY + timedelta(days=n): instants for n, instants in delivered.items()}
    assert list(outdated([NIGHT], kept, recorded, after(5), maturity_days=1)) == [NIGHT] * due


@given(st.lists(st.integers(0, 9)), st.integers(0, 9))
def test_a_night_measured_just_now_is_up_to_date(delivered, now):
    assert not list(
        outdated(
            [NIGHT], measured(now), {DAY: [after(n) for n in sorted(delivered)]}, after(now), maturity_days=0
        )
    )


NEW_YORK = toy_spec(time_zone="America/New_York", maturity_days=1)
BEFORE_MIDNIGHT = datetime(2013, 6, 16, 3, 59, tzinfo=UTC)
"""Of DAY in New York, though it is the day after in UTC."""


def test_outcomes_are_known_once_something_was_delivered_after_the_night_is_mature():
    assert complete_at(NEW_YORK, DAY, {}) is None
    assert complete_at(NEW_YORK, DAY, {DAY: (BEFORE_MIDNIGHT,)}) is None
    assert complete_at(
        NEW_YORK, DAY, {DAY: (BEFORE_MIDNIGHT + timedelta(minutes=1),)}
    ) == BEFORE_MIDNIGHT + timedelta(minutes=1)
    assert complete_at(
        NEW_YORK, DAY, {DAY: (after(0.5), after(3)), DAY + timedelta(days=1): (after(1.5),)}
    ) == after(3)
