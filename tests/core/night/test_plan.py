"""Which nights are scored and in what order: each asked for once, none taken that waits for a person."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nightjar.core.errors.base import NightjarError, Retryable
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.night import AuditFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.occasions import is_occasion, occasions_between
from nightjar.core.model.spec import Replay
from nightjar.core.night.clock import due_before, score_date_of
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.plan import Stage, Standing, kinds, missed, passes, plan, require_order
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.testing.specs import toy_spec

DAY = date(2013, 6, 15)
DAYS = [DAY + timedelta(days=n) for n in range(8)]
PASSING, WAITING = "StoreUnavailable: the database is gone", "AuditFailed: the mean is off"


def standing(day, state, *, error=None, published=False, held=False):
    instant = datetime(2013, 6, 1, tzinfo=UTC)
    run = Run(
        id=1,
        model="toy",
        score_date=day,
        revision=1,
        attempt=1,
        state=state,
        as_of=instant,
        known_at=instant,
        version_id=1,
    )
    return Standing(run=run, error=error, published=published, held=held)


def standings(days=DAYS):
    ends = st.builds(
        dict,
        state=st.sampled_from([RunState.CLAIMED, RunState.FAILED, RunState.PRUNED, RunState.PUBLISHED]),
        error=st.sampled_from([None, PASSING, WAITING]),
        published=st.booleans(),
        held=st.booleans(),
    )
    return st.dictionaries(st.sampled_from(days), ends).map(
        lambda found: {day: standing(day, **end) for day, end in found.items()}
    )


@given(st.lists(st.sampled_from(DAYS)), standings(), st.sampled_from(Reprocess), st.sampled_from(Order))
def test_a_plan_has_each_date_once_in_its_order(dates, found, reprocess, order):
    days = [night.score_date for night in plan(dates, found, reprocess, order)]
    assert days == sorted(set(dates), reverse=order is Order.NEWEST)


@given(standings(), st.sampled_from(Order))
def test_each_way_to_reprocess_scores_what_the_one_before_does_and_more(found, order):
    none, failed, everything = (
        {night.score_date: night for night in plan(DAYS, found, reprocess, order)} for reprocess in Reprocess
    )
    for day in DAYS:
        assert none[day].wanted == (day not in found)
        assert failed[day].wanted == (day not in found or not found[day].published)
        assert everything[day].wanted
        assert everything[day].force == (day in found and found[day].published)
        assert (none[day].force, failed[day].force) == (False, False)


def test_a_plan_says_how_far_each_night_has_come():
    found = {
        DAYS[1]: standing(DAYS[1], RunState.FAILED, error=WAITING),
        DAYS[2]: standing(DAYS[2], RunState.CLAIMED),
        DAYS[3]: standing(DAYS[3], RunState.CLAIMED, held=True),
        DAYS[4]: standing(DAYS[4], RunState.FAILED, error=WAITING, published=True),
        DAYS[5]: standing(DAYS[5], RunState.PRUNED),
        DAYS[6]: standing(DAYS[6], RunState.FAILED, error="NoPopulation: nothing landed"),
        DAYS[7]: standing(DAYS[7], RunState.FAILED, error=PASSING),
    }
    nights = plan(DAYS[:8], found, Reprocess.FAILED, Order.OLDEST)
    assert [night.stage for night in nights] == [
        Stage.NEVER,
        Stage.HELD_BACK,
        Stage.UNFINISHED,
        Stage.SCORING,
        Stage.PUBLISHED,
        Stage.FAILED,
        Stage.FAILED,
        Stage.FAILED,
    ]
    errors = [None, WAITING, None, None, None, None, "NoPopulation: nothing landed", PASSING]
    assert [night.error for night in nights] == errors
    assert [day for day, each in found.items() if each.waits] == [DAYS[1], DAYS[5], DAYS[6]]


@given(standings(), st.none() | st.sampled_from(DAYS))
def test_missed_nights_come_oldest_first_and_wait_for_nobody(found, first_published):
    nights = missed(DAYS, found, first_published)
    days = [night.score_date for night in nights]
    assert days == sorted(days)
    assert not days or first_published is not None
    for day in DAYS:
        left = found.get(day)
        taken = left is None or (
            not left.published
            and not left.held
            and (left.run.state is RunState.CLAIMED or left.error == PASSING)
        )
        if left is not None and left.run.state in {RunState.PRUNED, RunState.PUBLISHED}:
            continue
        assert (day in days) == (first_published is not None and day > first_published and taken)
    assert all(night.wanted and not night.force for night in nights)


def test_before_the_first_publication_nothing_was_missed():
    assert missed(DAYS, {DAYS[0]: standing(DAYS[0], RunState.CLAIMED)}, None) == ()


NEW_YORK = ZoneInfo("America/New_York")


ZONES = (
    "America/New_York",
    "Pacific/Pago_Pago",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Africa/Cairo",
    "America/Scoresbysund",
    "UTC",
)


CRONS = ("30 21 * * *", "0 6 * * 1-5", "0 6 * * 1", "15 2 1 * *", "0 0 31 * *", "0 5 1 1,7 *")
REPLAYS = (None, Replay(date(2013, 1, 1), date(2013, 12, 31)), Replay(date(2012, 3, 5), date(2014, 8, 1)))


@given(
    st.datetimes(datetime(2013, 1, 1), datetime(2040, 1, 1)),
    st.integers(0, 9),
    st.sampled_from(REPLAYS),
    st.sampled_from(ZONES),
    st.sampled_from(CRONS),
)
def test_due_nights_are_the_occasions_before_in_the_order_of_the_calendar(
    moment, catch_up, replay, zone, cron
):
    model = toy_spec(catch_up=catch_up, replay=replay, time_zone=zone, cron=cron)
    start = moment.replace(tzinfo=ZoneInfo(zone))
    own, due = score_date_of(model, start), due_before(model, start)
    assert list(due) == sorted(set(due))
    assert all(is_occasion(model, day) for day in (*due, own))
    assert all(day < own for day in due)
    if replay is None:
        assert len(due) == catch_up
        assert not due or due == occasions_between(model, due[0], own)[:-1]


@pytest.mark.parametrize(
    ("evening", "due"),
    [
        (datetime(2026, 12, 14, 21, 30), [date(2013, 12, 30)]),
        (datetime(2026, 12, 15, 21, 30), []),  # begins anew
        (datetime(2026, 12, 16, 21, 30), [date(2013, 1, 2)]),
    ],
)
def test_a_replayed_stretch_is_not_caught_up_over_its_turn(evening, due):
    replayed = toy_spec(replay=REPLAYS[1])
    assert list(due_before(replayed, evening.replace(tzinfo=NEW_YORK)))[-1:] == due


def test_days_without_a_schedule_are_not_due():
    monday = datetime(2026, 6, 15, 21, 30, tzinfo=NEW_YORK)
    workdays = due_before(toy_spec(cron="30 21 * * 1-5"), monday)
    assert [day.strftime("%a %d") for day in workdays] == [
        "Fri 05",
        "Sat 06",
        "Tue 09",
        "Wed 10",
        "Thu 11",
        "Fri 12",
        "Sat 13",
    ]


@given(st.sampled_from([*kinds(Retryable)]))
def test_what_passes_by_itself_is_told_from_what_waits_for_a_person(kind):
    assume(kind is not Retryable)
    assert passes(f"{kind.__name__}: the text")
    assert passes("OSError: [Errno 28] No space left on device")
    assert not any(
        passes(f"{error.__name__}: StoreUnavailable")
        for error in (AuditFailed, ContractBroken, NightjarError)
    )
    assert not passes("")


def test_the_last_date_may_not_lie_before_the_first():
    require_order(DAY, DAY)
    with pytest.raises(BadSettings, match=f"{DAY}, lies before the first, {DAYS[1]}. Name the earlier"):
        require_order(DAYS[1], DAY)
