"""How old features may be, and what is said of those that are older."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.inputs.freshness import stale_views
from nightjar.testing.specs import WEATHER

AS_OF = datetime(2013, 6, 15, 1, tzinfo=UTC)
HOURS = timedelta(hours=1)


def table(name="weather", hours=6):
    return replace(WEATHER, name=name, max_age=None if hours is None else hours * HOURS)


def test_a_stale_view_is_named_with_its_newest_row_and_its_age():
    newest = {"weather": AS_OF - 14.5 * HOURS, "carrier": AS_OF - 20 * HOURS}
    assert stale_views([table(), table("carrier", 48)], newest, AS_OF) == (
        "the newest row of weather is of 2013-06-14 10:30 UTC, 14.5 h old at the as-of; 6.0 h is the limit",
    )


@given(hours=st.integers(1, 100), age=st.integers(0, 200))
def test_a_view_is_stale_once_it_is_older_than_its_limit(hours, age):
    assert bool(stale_views([table(hours=hours)], {"weather": AS_OF - age * HOURS}, AS_OF)) == (age > hours)


def test_a_table_without_rows_is_empty_and_one_without_a_limit_may_be_of_any_age():
    assert stale_views([table()], {"weather": None}, AS_OF) == ()
    assert stale_views([table(hours=None)], {"weather": AS_OF - 9999 * HOURS}, AS_OF) == ()
