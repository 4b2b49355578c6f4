"""Which days features lack tonight, and which ones they lacked last night."""

from datetime import UTC, date, datetime, timedelta

import pytest

from nightjar.core.inputs.gaps import changes, gaps

DAY, FIRST = timedelta(days=1), date(2013, 6, 1)
EVENING = datetime(2013, 7, 1, 20, tzinfo=UTC)
GONE = FIRST + 10 * DAY


def delivered(*left_out, days=range(20)):
    """Each day is recorded in the next morning."""
    recorded = {FIRST + n * DAY: (datetime(2013, 6, 1, 6, tzinfo=UTC) + (n + 1) * DAY,) for n in days}
    return {day: instants for day, instants in recorded.items() if day not in left_out}


@pytest.mark.parametrize(("lookback_days", "found"), [(0, set()), (8, set()), (9, {GONE}), (60, {GONE})])
def test_a_day_is_a_gap_while_a_table_looks_back_to_it(lookback_days, found):
    assert gaps(delivered(GONE), EVENING, lookback_days) == found


def test_a_day_that_counts_later_is_a_gap_until_then():
    recorded = delivered() | {GONE: (EVENING,)}
    assert gaps(recorded, EVENING - DAY, 15) == {GONE}
    assert gaps(recorded, EVENING, 15) == set()


def test_a_feed_without_saturdays_and_one_of_mondays_have_no_gaps():
    weekdays = delivered(days=[n for n in range(20) if (FIRST + n * DAY).weekday() < 5])
    mondays = delivered(days=[n for n in range(20) if (FIRST + n * DAY).weekday() == 0])
    assert gaps(weekdays, EVENING, 15) == gaps(mondays, EVENING, 15) == set()
    monday = FIRST + 9 * DAY
    del mondays[monday]
    assert gaps(mondays, EVENING, 15) == {monday}


def test_what_is_not_known_yet_and_what_was_before_the_first_day_are_no_gaps():
    assert gaps(delivered(), EVENING, 60) == gaps(delivered(), EVENING - 20 * DAY, 60) == set()
    assert gaps({}, EVENING, 60) == set()


def test_a_gap_is_told_when_it_comes_and_when_it_goes():
    def told(then, now, lookback_days=3):
        return [*changes({"visits": delivered(GONE)}, lookback_days, then, now, date(2013, 6, 30))]

    came, went = datetime(2013, 6, 13, 20, tzinfo=UTC), datetime(2013, 6, 16, 20, tzinfo=UTC)
    assert told(came - DAY, came) == [
        "tonight's features lack visits 2013-06-11, and those of 2013-06-30 did not"
    ]
    assert told(came, went - DAY) == []
    assert told(went - DAY, went) == [
        "the features of 2013-06-30 lacked visits 2013-06-11, and tonight's do not"
    ]
    assert told(went - DAY, went, lookback_days=9) == []
