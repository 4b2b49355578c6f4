"""A night is measured again when more is known of it than was, and not otherwise."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.model.sources import KnownAfter, ParquetTable
from nightjar.core.model.spec import Window
from nightjar.core.monitoring.due import complete_at, deliveries_of, outdated
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.night.entities import Publication
from nightjar.testing.specs import HAPPENED, PLANNED, toy_spec

DAY = date(2013, 6, 15)
TWO_DAYS = toy_spec(outcome_reads=(Window(HAPPENED.name, days_after=1),))
MIDNIGHT = datetime(2013, 6, 16, tzinfo=UTC)
NIGHT = Publication(id=1, model="toy", score_date=DAY, run_id=7, action="publish", published_at=MIDNIGHT)


def after(days):
    return MIDNIGHT + timedelta(days=days)


def measured(days, with_outcome=10):
    night = Measurement(
        run_id=7,
        version_id=1,
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
        pytest.param(measured(2), {1: [after(3)]}, True, id="a delivery within the window"),
        pytest.param(measured(2), {2: [after(3)]}, False, id="a delivery after the window"),
    ],
)
def test_what_is_new_makes_a_measurement_outdated(kept, delivered, due):
    recorded = {"happened": {DAY + timedelta(days=n): instants for n, instants in delivered.items()}}
    assert list(outdated(TWO_DAYS, [NIGHT], kept, recorded, after(5))) == [NIGHT] * due


@given(st.sets(st.integers(0, 9)), st.sets(st.integers(0, 9)), st.integers(0, 9), st.sampled_from([9, 10]))
def test_a_night_is_measured_again_if_other_deliveries_are_there(before, now, known, with_outcome):
    """Also a night whose rows all have an outcome: a correction may land after its measurement."""
    then, there = ({"happened": {DAY: sorted(map(after, days))}} for days in (before, now))
    read = deliveries_of(TWO_DAYS, DAY, then, after(known))
    kept = {7: measured(known, with_outcome)[7].model_copy(update={"deliveries": read})}
    other = {day for day in before if day <= known} != {day for day in now if day <= known}
    assert list(outdated(TWO_DAYS, [NIGHT], kept, there, after(known))) == [NIGHT] * other


def test_a_table_that_is_scanned_may_change_without_a_delivery():
    scanned = replace(
        HAPPENED,
        source=ParquetTable(url="/table", known=KnownAfter(delay=timedelta())),
        columns={**HAPPENED.columns, "day": pl.Date()},
        day_column="day",
    )
    spec = replace(TWO_DAYS, datasets=(PLANNED, scanned))
    assert deliveries_of(spec, DAY, {"happened": {DAY: (after(1),)}}, after(2)) is None


@given(st.lists(st.integers(0, 9)), st.integers(0, 9))
def test_a_night_measured_just_now_is_up_to_date(delivered, now):
    assert not list(
        outdated(
            toy_spec(),
            [NIGHT],
            measured(now),
            {"happened": {DAY: [after(n) for n in sorted(delivered)]}},
            after(now),
        )
    )


NEW_YORK = toy_spec(time_zone="America/New_York", maturity_days=1)
BEFORE_MIDNIGHT = datetime(2013, 6, 16, 3, 59, tzinfo=UTC)
"""Of DAY in New York, though it is the day after in UTC."""


def complete(spec, delivered):
    return complete_at(spec, DAY, {"happened": delivered})


def test_outcomes_are_known_once_something_was_delivered_after_the_night_is_mature():
    assert complete(NEW_YORK, {}) is None
    assert complete(NEW_YORK, {DAY: (BEFORE_MIDNIGHT,)}) is None
    in_time = BEFORE_MIDNIGHT + timedelta(minutes=1)
    assert complete(NEW_YORK, {DAY: (in_time,)}) == in_time
    assert complete(NEW_YORK, {DAY: (after(0.5), after(3)), DAY + timedelta(days=1): (after(1.5),)}) == after(
        3
    )


def test_outcomes_wait_for_the_last_day_of_their_window():
    quarter = toy_spec(maturity_days=90, outcome_reads=(Window(HAPPENED.name, days_after=90),))
    delivered = {DAY + timedelta(days=n): (after(n + 1),) for n in range(90)}
    assert complete(quarter, delivered) is None
    assert complete(quarter, {**delivered, DAY + timedelta(days=91): (after(92),)}) is None
    assert complete(quarter, {**delivered, DAY + timedelta(days=90): (after(91),)}) == after(91)
