"""Days of outcomes that are unlike others are held when they land, until a person decides."""

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest
from structlog.testing import capture_logs

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.spec import AuditLimits, GateLimits, RawDataset
from nightjar.core.monitoring.outcome_findings import HoldFinding
from nightjar.core.monitoring.outcome_guard import TOLD_DAYS, Verdict, rate_told
from nightjar.testing.memory import MemoryOutcomeChecks
from nightjar.testing.specs import PLANNED, toy_spec
from nightjar.usecases.data.outcome_guard import GuardOutcomes
from nightjar.usecases.data.windows import outcomes_of

DAY = timedelta(days=1)
FIRST, DAYS, ROWS = date(2013, 6, 10), 14, 120
ODD = FIRST + timedelta(days=DAYS)
LATER = datetime(2013, 7, 10, tzinfo=UTC)
HAPPENED = RawDataset(
    name="happened",
    columns={
        "entity_key": pl.String(),
        "shop": pl.String(),
        "planned": pl.Float64(),
        "delay": pl.Float64(),
    },
    keys=("entity_key",),
    nullable=frozenset({"delay"}),
)


def outcomes(raw, score_date):
    late = (pl.col("delay") > 15).fill_null(value=True).cast(pl.Int8)
    return raw["happened"].select("entity_key", "recorded_at", outcome=late)


def happened(day):
    """What happened on a day: a delay in minutes for each parcel, which follows what was planned."""
    random = np.random.default_rng(day.toordinal())
    planned = random.gamma(2, 8, ROWS).round(1)
    return pl.DataFrame(
        {
            "entity_key": [f"k{n}" for n in range(ROWS)],
            "shop": ["north", "south", "west"] * (ROWS // 3),
            "planned": planned,
            "delay": (planned + random.normal(0, 3, ROWS)).round(1),
        }
    )


@pytest.fixture(scope="module")
def ordinary(tmp_path_factory):
    """The ordinary days, landed once."""
    folder = tmp_path_factory.mktemp("ordinary")
    raw = RawFiles(folder / "data")
    for day in (FIRST + timedelta(days=n) for n in range(DAYS)):
        land(raw, folder, day, happened(day))
    return folder


@pytest.fixture
def guard(tmp_path, ordinary):
    shutil.copytree(ordinary / "data", tmp_path / "data")
    checks = MemoryOutcomeChecks()
    spec = toy_spec(datasets=(PLANNED, HAPPENED), outcomes=outcomes, maturity_days=0)
    guard = GuardOutcomes(spec=spec, raw=RawFiles(tmp_path / "data", held=checks.held), checks=checks)
    assert guard() == ()
    return guard


def recorded(day):
    return datetime.combine(day + timedelta(days=1), time(6), UTC)


def land(raw, folder, day, rows, at=None):
    file = folder / f"{day}.csv"
    file.write_text(rows.write_csv() + f"# rows={rows.height}\n")
    raw.land(HAPPENED, day, file, at or recorded(day))


ZERO = happened(ODD).with_columns(delay=pl.lit(0.0))
THIRD = pl.int_range(pl.len()) % 3 == 0
FAULTS = {
    "seconds": (happened(ODD).with_columns(pl.col("delay") * 60), "units"),
    "zeros": (ZERO, "units"),
    "missing": (happened(ODD).with_columns(delay=pl.lit(None, pl.Float64)), "units"),
    "half": (happened(ODD).head(ROWS // 3), "volume"),
    "a shop": (happened(ODD).filter(pl.col("shop") != "west"), "slice_missing"),
    "the day before": (happened(ODD - timedelta(days=1)), "repeated"),
    "a third is 0": (happened(ODD).with_columns(delay=pl.when(THIRD).then(0.0).otherwise("delay")), "values"),
    "a third is missing": (happened(ODD).with_columns(delay=pl.when(~THIRD).then("delay")), "values"),
    "two numbers of a shop": (
        happened(ODD).with_columns(
            delay=pl.when(pl.col("shop") != "west").then("delay").otherwise((pl.col("delay") > 9) * 20.0)
        ),
        "values",
    ),
    "reflected": (happened(ODD).with_columns(delay=40 - pl.col("delay")), "coupling"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_day_that_is_unlike_others_is_held_by_name_and_nothing_reads_it(guard, tmp_path, fault):
    rows, name = FAULTS[fault]
    land(guard.raw, tmp_path, ODD, rows)
    (held,) = guard()
    assert name in {finding.name for finding in held.findings}
    assert (held.day, held.verdict, guard.held()) == (ODD, Verdict.HELD, (held,))
    assert guard() == ()
    assert ODD not in guard.raw.days("happened")
    assert ODD not in guard.raw.recorded("happened")
    assert guard.raw.read(HAPPENED, ODD, ODD).is_empty()
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER).is_empty()


def test_an_ordinary_day_counts_and_is_checked_once(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, happened(ODD))
    assert guard.unchecked() == (ODD,)
    assert guard() == ()
    assert guard.unchecked() == ()
    kept = len(guard.checks.added)
    assert guard() == ()
    assert len(guard.checks.added) == kept == DAYS + 1
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER).height == ROWS


def test_an_accepted_day_counts_from_its_acceptance_and_not_for_an_earlier_night(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, ZERO)
    guard()
    guard.decide(ODD, Verdict.ACCEPTED, "it was quiet", LATER)
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER - timedelta(seconds=1)).is_empty()
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER)["recorded_at"].unique().to_list() == [LATER]
    assert (guard(), guard.held()) == ((), ())


def test_a_reading_asks_once_what_is_held(guard):
    """A decision between two answers would be half in the rows."""
    asked = []

    def held(dataset):
        asked.append(dataset)
        return guard.checks.held(dataset)

    assert not replace(guard.raw, held=held).read(HAPPENED, FIRST, ODD).is_empty()
    assert asked == ["happened"]


def test_a_correction_of_a_held_day_is_checked_by_itself(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, ZERO)
    guard()
    land(guard.raw, tmp_path, ODD, happened(ODD), LATER)
    assert guard() == ()
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER)["recorded_at"].unique().to_list() == [LATER]
    guard.decide(ODD, Verdict.REFUSED, "it was wrong", LATER)
    assert guard.held() == ()
    assert guard.raw.recorded("happened")[ODD] == (LATER,)


FEWER = happened(ODD).head(70)
"""Fewer than on any day before, and not so few that they are held."""


def test_a_doubted_day_counts_and_is_told_by_name(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    with capture_logs() as logged:
        assert guard() == ()
    (doubted,) = guard.undecided()
    assert (doubted.day, doubted.verdict, [each.name for each in doubted.findings]) == (
        ODD,
        Verdict.DOUBTED,
        ["volume"],
    )
    assert doubted.told == "42% of the rows are missing (volume): 70 where 120 is usual"
    assert doubted.findings[0].told == "rows: 70. 14 comparable days: 120 to 120. Limit: 78.49"
    assert rate_told(doubted.rate) == "At most 5% of ordinary days reach a limit."
    assert [(each["event"], each["log_level"]) for each in logged] == [("outcomes_doubted", "warning")]
    assert (guard.held(), guard()) == ((), ())
    assert outcomes_of(guard.spec, guard.raw, [ODD], LATER).height == 70


def test_who_lands_many_days_is_not_warned_of_a_doubt_about_an_old_one(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    for n in range(1, TOLD_DAYS + 1):
        land(guard.raw, tmp_path, ODD + n * DAY, happened(ODD + n * DAY))
    with capture_logs() as logged:
        guard()
    assert [each["log_level"] for each in logged if each["day"] == str(ODD)] == ["info"]


def test_an_accepted_doubt_is_over_and_the_day_counts_since_its_delivery(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    guard()
    guard.decide(ODD, Verdict.ACCEPTED, "a holiday", LATER)
    assert (guard.undecided(), guard()) == ((), ())
    assert outcomes_of(guard.spec, guard.raw, [ODD], recorded(ODD))["recorded_at"].unique().to_list() == [
        recorded(ODD)
    ]


def test_a_doubted_day_cannot_be_refused_for_nights_have_seen_it(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    guard()
    with pytest.raises(BadSettings, match=r"count already.*Land a corrected file"):
        guard.decide(ODD, Verdict.REFUSED, "half of it", LATER)
    assert len(guard.undecided()) == 1


@pytest.mark.parametrize("accepted_first", [True, False])
def test_of_a_held_and_a_doubted_file_of_a_day_one_is_refused_and_the_other_accepted(
    guard, tmp_path, accepted_first
):
    land(guard.raw, tmp_path, ODD, ZERO)
    guard()
    land(guard.raw, tmp_path, ODD, FEWER, LATER)
    guard()
    decisions = [Verdict.ACCEPTED, Verdict.REFUSED]
    for verdict in decisions if accepted_first else reversed(decisions):
        (decided,) = guard.decide(ODD, verdict, "the second one is right", LATER)
        assert (decided.recorded_at == LATER) is (verdict is Verdict.ACCEPTED)
    assert guard.undecided() == ()
    assert guard.raw.recorded("happened")[ODD] == (LATER,)


def test_a_right_file_of_the_day_ends_a_doubt_and_a_wrong_one_is_held(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    guard()
    land(guard.raw, tmp_path, ODD, happened(ODD), LATER)
    assert (guard(), guard.undecided()) == ((), ())
    land(guard.raw, tmp_path, ODD, ZERO, LATER + timedelta(days=1))
    (held,) = guard()
    assert guard.undecided() == (held,)


def test_doubts_about_the_newest_days_alone_are_told(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, FEWER)
    guard()
    for n in range(1, TOLD_DAYS):
        land(guard.raw, tmp_path, ODD + timedelta(days=n), happened(ODD + timedelta(days=n)))
    guard()
    assert ODD in {check.day for check in guard.undecided()}
    land(guard.raw, tmp_path, ODD + timedelta(days=TOLD_DAYS), happened(ODD + timedelta(days=TOLD_DAYS)))
    guard()
    assert ODD not in {check.day for check in guard.undecided()}


def test_of_the_days_before_only_comparable_ones_are_read(guard, tmp_path):
    """So that a night costs the same however long the history is."""
    asked = []

    class Counting(MemoryOutcomeChecks):
        def looks(self, model, dataset, days):
            asked.append(set(days))
            return super().looks(model, dataset, days)

    counting = replace(guard, checks=Counting(guard.checks.added))
    for n in range(4):
        land(guard.raw, tmp_path, ODD + timedelta(days=n), happened(ODD + timedelta(days=n)))
        counting()
    last = ODD + timedelta(days=3)
    assert asked[-1] == {*(last - timedelta(days=n) for n in range(1, 15))}
    assert len(asked) == 4
    counting()
    assert len(asked) == 4


class TestWeeklyFilesWithoutSundays:
    """A day without rows has landed too, and is not like a day with rows."""

    WEEKLY = replace(HAPPENED, columns={**HAPPENED.columns, "day": pl.Date()}, day_column="day")

    class Reading:
        """A raw store that counts what is read."""

        def __init__(self, raw):
            self.raw, self.read_of = raw, []

        def __getattr__(self, name):
            return getattr(self.raw, name)

        def read(self, dataset, *days, **known):
            self.read_of.append(days)
            return self.raw.read(dataset, *days, **known)

    def land(self, guard, folder, monday, rows=ROWS):
        """A week of which Saturday has some rows."""
        days = [monday + n * DAY for n in range(6)]
        week = pl.concat(happened(day).with_columns(day=pl.lit(day)) for day in days)
        file = folder / "week.csv"
        week = week.head(5 * ROWS + rows)
        file.write_text(week.write_csv() + f"# rows={week.height}\n")
        guard.raw.land(self.WEEKLY, monday, file, recorded(monday + 6 * DAY), monday + 6 * DAY)

    @pytest.fixture
    def guard(self, tmp_path):
        checks = MemoryOutcomeChecks()
        raw = self.Reading(RawFiles(tmp_path / "weekly", held=checks.held))
        spec = toy_spec(datasets=(PLANNED, self.WEEKLY), outcomes=outcomes, maturity_days=0)
        return GuardOutcomes(spec=spec, raw=raw, checks=checks)

    def test_a_day_without_rows_is_looked_at_once(self, guard, tmp_path):
        self.land(guard, tmp_path, FIRST)
        guard()
        guard.raw.read_of.clear()
        assert (guard(), guard.raw.read_of) == ((), [])
        assert len(guard.checks.added) == 7

    def test_no_day_is_compared_with_one_without_rows(self, guard, tmp_path):
        for week in range(3):
            self.land(guard, tmp_path, FIRST + 7 * week * DAY)
            assert guard() == ()
        self.land(guard, tmp_path, FIRST + 21 * DAY, rows=70)
        guard()
        (doubted,) = guard.undecided()
        assert doubted.day == FIRST + 26 * DAY
        assert doubted.findings[0].told.startswith("rows: 70. 15 comparable days: 120 to 120. ")


def test_a_bad_correction_leaves_the_delivery_before_it(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, happened(ODD))
    guard()
    land(guard.raw, tmp_path, ODD, ZERO, LATER)
    (held,) = guard()
    assert held.recorded_at == LATER
    assert guard.raw.read(HAPPENED, ODD, ODD).drop("date", "recorded_at").equals(happened(ODD))


def test_only_a_held_day_can_be_decided(guard):
    with pytest.raises(BadSettings, match=r"for 2013-06-24 are held or doubted.*Held or doubted: none"):
        guard.decide(ODD, Verdict.ACCEPTED, "why not", LATER)


def test_an_outcome_that_cannot_be_holds_its_day_and_no_other(guard, tmp_path):
    def other(raw, score_date):
        return outcomes(raw, score_date).with_columns(
            outcome=pl.when(pl.col("entity_key") == "k999").then(2).otherwise("outcome")
        )

    broken = replace(guard, spec=replace(guard.spec, outcomes=other))
    for day in (ODD, ODD + timedelta(days=1), ODD + timedelta(days=2)):
        rows = happened(day)
        if day != ODD:
            rows = rows.with_columns(pl.col("entity_key").replace({"k0": f"k{990 + day.day}"}))
        land(broken.raw, tmp_path, day, rows)
    odd = happened(ODD + timedelta(days=3)).with_columns(pl.col("entity_key").replace({"k0": "k999"}))
    land(broken.raw, tmp_path, ODD + timedelta(days=3), odd)
    (held,) = broken()
    assert (held.day, [finding.name for finding in held.findings]) == (ODD + timedelta(days=3), ["bounds"])


def test_outcomes_of_any_number_are_held_to_their_size(guard, tmp_path):
    def minutes(raw, score_date):
        return raw["happened"].drop_nulls("delay").select("entity_key", "recorded_at", outcome="delay")

    spec = toy_spec(
        datasets=(PLANNED, HAPPENED),
        outcomes=minutes,
        kind=REGRESSION,
        gates=GateLimits(min_coverage=0.5),
        audit=AuditLimits(max_quarantine_share=0.1, min_distinct_share=0.1, max_mean_shift_sd=9),
    )
    checks = MemoryOutcomeChecks()
    numbers = replace(guard, spec=spec, checks=checks, raw=replace(guard.raw, held=checks.held))
    assert numbers() == ()
    land(numbers.raw, tmp_path, ODD, happened(ODD).with_columns(pl.col("delay") * 60))
    (held,) = numbers()
    assert "outcome" in {finding.where for finding in held.findings}
    assert "seconds for minutes" in held.findings[0].lines


def test_the_day_after_a_held_one_is_not_compared_with_it_if_both_land_at_once(guard, tmp_path):
    odd = happened(ODD).with_columns(pl.col("delay") * 60)
    land(guard.raw, tmp_path, ODD, odd)
    land(guard.raw, tmp_path, ODD + DAY, happened(ODD + DAY))
    assert [check.day for check in guard()] == [ODD]
    (after,) = (check for check in guard.checks.added if check.day == ODD + DAY)
    alone = guard._looks(HAPPENED, *guard.spec.outcome_reads, [ODD + DAY], DAY)
    assert after.looks == alone[ODD + DAY]


def test_of_a_day_with_many_findings_the_first_is_told_and_the_others_by_their_names(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, happened(ODD).with_columns(pl.col("delay") * 60))
    (check,) = guard()
    names = [*dict.fromkeys(finding.name for finding in check.findings)]
    assert len(check.findings) > len(names) > 1
    said = "delay is larger than usual (units): 918 where 14.4 to 18.5 are usual, 56 times the usual size"
    assert check.told.startswith(f"{said}, which looks like")
    assert check.told.count("where") == 1
    assert check.told.endswith(f". {len(check.findings)} findings in all, also of {', '.join(names[1:])}")


def test_a_large_number_is_told_without_an_exponent():
    late = HoldFinding(name="units", where="delay", value=83412.6, low=0.01234, high=1980.4, told="x")
    assert late.brief == "delay is larger than usual (units): 83,413 where 0.0123 to 1,980 are usual"


def test_what_has_no_numbers_is_told_in_its_own_words():
    impossible = HoldFinding(name="bounds", where="outcome", value=0, low=0, high=0, told="2 is no share")
    assert impossible.brief == "2 is no share (bounds)"


def impossible(raw, score_date):
    """As `outcomes`, by code that gives what no outcome of the kind can be."""
    return outcomes(raw, score_date).with_columns(outcome=pl.lit(7))


def told_by(code):
    return lambda spec: {"population": "p", "outcomes": code}


def test_code_that_makes_no_outcome_of_any_day_is_an_error_and_holds_nothing(tmp_path, ordinary):
    shutil.copytree(ordinary / "data", tmp_path / "data")
    checks = MemoryOutcomeChecks()
    spec = toy_spec(datasets=(PLANNED, HAPPENED), outcomes=impossible, maturity_days=0)
    guard = GuardOutcomes(spec=spec, raw=RawFiles(tmp_path / "data", held=checks.held), checks=checks)
    with pytest.raises(ContractBroken, match=r"outcomes of toy: .* the first is 7, in the row of"):
        guard()
    assert checks.added == []
    mended = replace(guard, spec=replace(spec, outcomes=outcomes))
    assert mended() == ()
    assert len(mended.raw.recorded(HAPPENED.name)) == DAYS


def test_days_that_wrong_code_held_are_checked_again_once_it_is_another_and_count_since_their_delivery(
    guard, tmp_path
):
    days = [ODD, ODD + DAY]
    for day in days:
        land(guard.raw, tmp_path, day, happened(day))
    wrong = replace(guard, spec=replace(guard.spec, outcomes=impossible), recipes=told_by("wrong"))
    assert [check.day for check in wrong()] == days
    before = len(guard.checks.added)
    assert wrong() == ()
    assert len(guard.checks.added) == before, "the same code says the same again"
    mended = replace(guard, recipes=told_by("right"))
    assert mended() == ()
    assert mended.held() == ()
    assert mended.raw.recorded(HAPPENED.name, days) == {day: (recorded(day),) for day in days}


def test_a_wrong_file_stays_held_under_other_code_and_nothing_is_compared_with_it(guard, tmp_path):
    first = replace(guard, recipes=told_by("first"))
    land(guard.raw, tmp_path, ODD, ZERO)
    land(guard.raw, tmp_path, ODD + DAY, happened(ODD + DAY))
    assert [check.day for check in first()] == [ODD]
    again = replace(guard, recipes=told_by("second"))
    assert [check.day for check in again()] == [ODD]
    assert ODD not in again.raw.recorded(HAPPENED.name)
    land(guard.raw, tmp_path, ODD + 2 * DAY, happened(ODD + 2 * DAY))
    assert again() == ()


def test_a_day_that_a_person_refused_is_not_checked_again(guard, tmp_path):
    land(guard.raw, tmp_path, ODD, ZERO)
    replace(guard, recipes=told_by("first"))()
    guard.decide(ODD, Verdict.REFUSED, "in other units", LATER)
    assert replace(guard, recipes=told_by("second"))() == ()
    assert ODD not in guard.raw.recorded(HAPPENED.name)
