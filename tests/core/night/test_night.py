"""The night's decisions, as properties."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.profile import scores_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.inputs.findings import sentences
from nightjar.core.model.spec import AuditLimits, RawDataset, Replay
from nightjar.core.night.audit import Findings, audit
from nightjar.core.night.clock import (
    as_of,
    dates_between,
    file_days,
    local_date,
    score_date_of,
    today_from,
    wanted_until,
)
from nightjar.core.night.entities import BrokenCheck, Part, Population, Receipt, Run, RunState
from nightjar.core.night.population import cut, key_is_storable, missing_parts, ordered_population
from nightjar.testing.specs import toy_spec

NEW_YORK = ZoneInfo("America/New_York")
LIMITS = AuditLimits(max_quarantine_share=0.05, max_mean_shift=0.2, min_distinct_share=0.1)
YEAR = Replay(date(2013, 1, 1), date(2013, 12, 31))
AS_OF = datetime(2013, 6, 15, 1, tzinfo=UTC)


def test_a_schedule_in_the_evening_scores_tomorrow_by_the_models_calendar():
    assert score_date_of(toy_spec(), datetime(2026, 6, 14, 21, 30, tzinfo=NEW_YORK)) == date(2026, 6, 15)
    assert score_date_of(toy_spec(), datetime(2026, 6, 15, 1, 30, tzinfo=UTC)) == date(2026, 6, 15)


def test_a_replayed_stretch_keeps_the_weekday_and_is_never_left():
    replayed = toy_spec(replay=YEAR)
    assert score_date_of(replayed, datetime(2026, 3, 15, 21, 30, tzinfo=NEW_YORK)) == date(2013, 4, 1)


def test_a_naive_start_is_refused_because_nobody_knows_its_date():
    with pytest.raises(ValueError, match="no time zone"):
        score_date_of(toy_spec(), datetime(2026, 6, 15, 1, 30))


@given(st.dates(date(2010, 1, 1), date(2030, 12, 31)))
def test_the_scheduled_start_at_the_as_of_scores_the_date_it_is_the_as_of_of(score_date):
    moment = as_of(toy_spec(), score_date)
    assert score_date_of(toy_spec(), moment) == score_date
    assert moment.astimezone(NEW_YORK).time() == time(21)


ZONES = (
    *(
        "America/New_York",
        "America/Sao_Paulo",
        "Pacific/Pago_Pago",
        "Pacific/Apia",
        "Pacific/Kiritimati",
        "Pacific/Auckland",
    ),
    *(
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
        "Africa/Cairo",
        "Asia/Beirut",
        "Atlantic/Azores",
        "Europe/London",
        "UTC",
    ),
)
"""From UTC-11 to UTC+14, with clocks that change at midnight, by half an hour, in either half of the year,
or never.
"""
DATES = st.dates(date(2012, 1, 2), date(2030, 12, 31))


@given(st.sampled_from(ZONES), DATES, st.times(), st.integers(0, 3))
def test_the_as_of_of_a_score_date_lies_on_its_evening_in_every_zone(
    zone, score_date, as_of_time, horizon_days
):
    model = toy_spec(time_zone=zone, horizon_days=horizon_days, as_of_time=as_of_time)
    assert local_date(model, as_of(model, score_date)) == score_date - timedelta(days=horizon_days)
    assert score_date_of(model, as_of(model, score_date)) == score_date


INSTANTS = RawDataset(
    name="events", columns={"at": pl.Datetime("us", "UTC"), "id": pl.Int64()}, keys=("id",), day_column="at"
)
LOCAL_DAYS = RawDataset(
    name="events", columns={"on": pl.Date(), "id": pl.Int64()}, keys=("id",), day_column="on"
)


@given(
    st.sampled_from(ZONES), st.datetimes(datetime(2012, 1, 2), datetime(2030, 12, 31), timezones=st.just(UTC))
)
def test_a_file_by_utc_days_is_about_each_local_date_that_it_overlaps(zone, moment):
    day = local_date(toy_spec(time_zone=zone), moment)
    first, last = file_days(INSTANTS, zone, day)
    assert first <= moment.date() <= last
    assert (last - first).days <= 1
    assert file_days(LOCAL_DAYS, zone, day) == (day, day)
    if zone == "UTC":
        assert (first, last) == (day, day)


def test_a_day_that_has_not_come_is_refused_by_the_models_calendar():
    noon = datetime(2026, 6, 15, 1, 30, tzinfo=UTC)
    assert (
        today_from(toy_spec(), None, noon)
        == today_from(toy_spec(), date(2026, 6, 14), noon)
        == date(2026, 6, 14)
    )
    with pytest.raises(
        BadSettings, match="2026-06-15 has not come yet: in America/New_York it is 2026-06-14"
    ):
        today_from(toy_spec(), date(2026, 6, 15), noon)
    replayed = toy_spec(replay=YEAR)
    assert today_from(replayed, None, noon) == date(2013, 6, 30)
    assert today_from(replayed, date(2014, 1, 2), noon) == date(2014, 1, 2)


@given(st.integers(1, 5000), st.integers(1, 1000))
def test_parts_cover_every_row_once_and_none_is_a_sliver(rows, part_rows):
    parts = cut(rows, part_rows)
    assert [row for part in parts for row in range(part.start, part.stop)] == list(range(rows))
    sizes = [part.rows for part in parts]
    assert max(sizes) <= part_rows
    assert max(sizes) - min(sizes) <= 1


@given(st.integers(1, 5000), st.integers(1, 1000))
def test_cutting_by_the_number_of_parts_gives_the_same_parts_again(rows, part_rows):
    parts = cut(rows, part_rows)
    assert cut(rows, -(-rows // len(parts))) == parts


def test_no_rows_make_no_parts():
    assert cut(0, 10) == ()


def test_a_date_range_includes_both_ends():
    assert dates_between(date(2013, 10, 1), date(2013, 10, 3)) == (
        date(2013, 10, 1),
        date(2013, 10, 2),
        date(2013, 10, 3),
    )
    assert dates_between(date(2013, 10, 2), date(2013, 10, 1)) == ()


@given(st.lists(st.one_of(st.none(), st.sampled_from(["", "a", "b", "c"])), max_size=12))
def test_a_population_keeps_every_row_and_lets_one_row_a_key_pass(keys):
    ordered = ordered_population(pl.DataFrame({"entity_key": keys}, schema={"entity_key": pl.String}))
    assert ordered.height == len(keys)
    passing = ordered.filter(pl.col("fault").is_null())["entity_key"].to_list()
    assert passing == sorted({key for key in keys if key})


@pytest.mark.parametrize(
    ("key", "fault"),
    [
        ("k" * 512, None),
        ("k" * 513, "entity_key is longer than 512 bytes"),
        ("🦉" * 129, "entity_key is longer than 512 bytes"),
        ("a\0b", "entity_key holds a NUL character"),
        ("\u202eltr", None),
    ],
)
def test_a_key_that_no_store_could_hold_is_a_fault_of_its_row(key, fault):
    rows = pl.DataFrame({"entity_key": [key]})
    assert ordered_population(rows)["fault"].to_list() == [fault]
    assert rows.select(key_is_storable()).item() is (fault is None)


@pytest.mark.parametrize(
    "rows",
    [pl.DataFrame({"entity_key": [1]}), pl.DataFrame({"key": ["a"]}), pl.DataFrame({"entity_key": [None]})],
)
def test_a_population_without_a_column_of_keys_is_refused(rows):
    with pytest.raises(ContractBroken, match="column entity_key"):
        ordered_population(rows)


def run(rows=10, parts=2):
    return Run(
        id=1,
        model="m",
        score_date=date(2013, 6, 15),
        revision=1,
        attempt=1,
        state=RunState.CLAIMED,
        as_of=AS_OF,
        known_at=AS_OF,
        version_id=1,
        population=Population(uri="u", sha256="0" * 64, rows=rows, parts=parts),
    )


def receipt(part, rows, quarantined=0):
    return Receipt(
        run_id=1, part=part, rows=rows, scored=rows - quarantined, quarantined=quarantined, stored_at=AS_OF
    )


def scores(rows, mean=0.3, distinct=None):
    return Distribution(
        score_date=date(2013, 6, 15),
        rows=rows,
        mean=mean,
        stddev=0.1,
        distinct=rows if distinct is None else distinct,
    )


def night(found=None):
    """A night whose inputs nobody profiled."""
    return NightProfile(score_date=date(2013, 6, 14), columns=(scores_of(found or scores(900)),))


def audited(receipts, held, trailing=1):
    return audit(run(), cut(10, 5), receipts, held, night(held), [night()] * trailing, toy_spec(audit=LIMITS))


def test_a_whole_and_ordinary_night_may_be_published():
    assert audited([receipt(0, 5), receipt(1, 5)], scores(10)) == Findings()


@pytest.mark.parametrize(
    ("receipts", "held", "finding"),
    [
        ([receipt(0, 5)], scores(5), "have no receipt"),
        ([receipt(0, 5), receipt(1, 4)], scores(9), "another number of rows"),
        ([receipt(0, 5), receipt(1, 5)], scores(9), "The table holds 9"),
        (
            [receipt(0, 5), receipt(1, 5, quarantined=2)],
            scores(8),
            "Many rows are quarantined. Rows: 2 (20%). Limit: ",
        ),
        ([receipt(0, 5, quarantined=5), receipt(1, 5, quarantined=5)], scores(0), "No row was scored"),
        ([receipt(0, 5), receipt(1, 5)], scores(10, distinct=0), "Many rows have the same score"),
        ([receipt(0, 5), receipt(1, 5)], scores(10, mean=0.6), "The mean score is higher than usual"),
        ([receipt(0, 5), receipt(1, 5)], scores(10, mean=float("nan")), "The mean score"),
    ],
)
def test_a_night_that_does_not_add_up_or_looks_absurd_is_held_back(receipts, held, finding):
    findings = audited(receipts, held)
    assert any(finding in found for found in sentences(findings.every)), findings


def test_a_night_of_broken_rows_names_the_checks_that_most_of_them_broke():
    broken = [BrokenCheck(column="city", check="isin(['OSLO'])", rows=n) for n in (3, 1)]
    whole = BrokenCheck(column=None, check="adds up", rows=2)
    receipts = [
        receipt(0, 5, quarantined=3).model_copy(update={"broken": (broken[0], whole)}),
        receipt(1, 5, quarantined=1).model_copy(update={"broken": (broken[1],)}),
    ]
    [told] = sentences(audited(receipts, scores(6)).odd)
    assert told.startswith(
        "Many rows are quarantined: they broke city: isin(['OSLO']) (4 rows), adds up (2 rows). Rows: 4 (40%)"
    )


def test_what_a_person_may_accept_is_told_apart_from_rows_that_do_not_add_up():
    whole = [receipt(0, 5), receipt(1, 5)]
    odd, broken = audited(whole, scores(10, mean=0.9)), audited(whole[:1], scores(5))
    empty = audited([receipt(n, 5, quarantined=5) for n in (0, 1)], scores(0))
    assert (len(odd.broken), len(odd.odd), bool(broken.broken), sentences(empty.broken)) == (
        0,
        1,
        True,
        ("No row was scored",),
    )


def test_the_first_night_has_nothing_to_be_compared_with():
    assert audited([receipt(0, 5), receipt(1, 5)], scores(10, mean=0.9), trailing=0) == Findings()


def test_a_retry_has_only_the_parts_without_a_receipt_to_do():
    assert missing_parts(cut(10, 4), [receipt(1, 3)]) == (
        Part(number=0, start=0, stop=3),
        Part(number=2, start=6, stop=10),
    )


@pytest.mark.parametrize("day", [date.min, date(1899, 12, 31), date(2200, 1, 1), date.max])
def test_a_date_that_nobody_can_mean_is_refused(day):
    with pytest.raises(BadSettings, match=f"The score date {day} is not between 1900 and 2199"):
        as_of(toy_spec(), day)


def test_as_of_follows_the_clock_change():
    assert as_of(toy_spec(), date(2013, 11, 3)) == datetime(2013, 11, 3, 1, tzinfo=UTC)
    assert as_of(toy_spec(), date(2013, 11, 4)) - as_of(toy_spec(), date(2013, 11, 3)) == timedelta(hours=25)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        pytest.param(
            datetime(2013, 6, 14, 20, tzinfo=UTC),
            datetime(2013, 6, 15, 1, tzinfo=UTC),
            id="before the as-of, which is waited for",
        ),
        pytest.param(
            datetime(2013, 6, 15, 12, tzinfo=UTC),
            datetime(2013, 6, 15, 12, tzinfo=UTC),
            id="on the day itself: what there is",
        ),
        pytest.param(
            datetime(2026, 1, 1, tzinfo=UTC),
            datetime(2013, 6, 17, 1, tzinfo=UTC),
            id="long after: until the outcomes are known",
        ),
    ],
)
def test_nights_scored_by_hand_bring_in_their_outcomes_if_there_are_any_yet(now, until):
    assert wanted_until(toy_spec(maturity_days=1), date(2013, 6, 15), now) == until
