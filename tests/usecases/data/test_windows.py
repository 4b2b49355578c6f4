"""A population and its outcomes see their windows and nothing else, whoever reads them."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import CodeFailed
from nightjar.core.model.spec import RawDataset, Window
from nightjar.core.values import INSTANT
from nightjar.testing.specs import HAPPENED, PLANNED, toy_spec
from nightjar.usecases.data.windows import outcomes_of, population_of, read_windows

FIRST = date(2013, 3, 1)
LOG = RawDataset(
    name="log",
    columns={"who": pl.String(), "at": INSTANT},
    keys=("who", "at"),
    day_column="at",
)


def day(n):
    return FIRST + timedelta(days=n)


def evening(n):
    return datetime(2013, 3, 1, 21, tzinfo=UTC) + timedelta(days=n)


@dataclass
class Days:
    """A raw store of one row for each dataset and each day that landed, recorded on its evening."""

    landed: dict = field(default_factory=dict)

    def recorded(self, dataset):
        return {day(n): (evening(n),) for n in sorted(self.landed[dataset])}

    def read(self, dataset, first, last, known_at=None):
        days = [n for n in sorted(self.landed[dataset.name]) if first <= day(n) <= last]
        rows = [
            {"entity_key": f"k{n}", "x": float(n), "late": n % 2, "date": day(n), "recorded_at": evening(n)}
            for n in days
            if known_at is None or evening(n) <= known_at
        ]
        types = {**PLANNED.columns, "late": pl.Int8, "date": pl.Date, "recorded_at": INSTANT}
        return pl.DataFrame(rows, schema=types)


def of_window(dataset, column):
    """A function that tells which days it saw of a dataset."""

    def seen(raw, score_date):
        return raw[dataset].select(
            pl.format("{}-{}", pl.lit(score_date), "entity_key").alias("entity_key"),
            "recorded_at",
            outcome=column,
        )

    return seen


def spec_with(before, after, behind):
    return toy_spec(
        time_zone="UTC",
        maturity_days=after,
        population_reads=(Window(PLANNED.name, before, behind),),
        population=lambda raw, _: raw[PLANNED.name],
        outcome_reads=(Window(HAPPENED.name, before, after),),
        outcomes=of_window(HAPPENED.name, "late"),
    )


small, landed = st.integers(0, 5), st.sets(st.integers(0, 20))


@given(small, small, landed, st.integers(0, 20))
def test_a_population_sees_the_days_around_its_date_that_were_known(before, behind, days, n):
    spec, raw = spec_with(before, 0, behind), Days({PLANNED.name: days})
    rows = population_of(spec, raw, day(n), evening(n))
    assert set(rows["date"]) == {day(d) for d in days if n - before <= d <= min(n, n + behind)}


@given(small, small, landed, st.sets(st.integers(0, 20)))
def test_outcomes_of_many_dates_are_those_of_each_date(before, after, days, asked):
    spec, raw = spec_with(before, after, 0), Days({HAPPENED.name: days})
    known = evening(30)
    together = outcomes_of(spec, raw, [day(n) for n in asked], known)
    apart = [outcomes_of(spec, raw, [day(n)], known) for n in sorted(asked)]
    assert_frame_equal(
        together, pl.concat([together.clear(), *apart], how="vertical_relaxed"), check_dtypes=False
    )


@given(small, small, landed, st.integers(0, 20))
def test_outcomes_of_a_date_see_its_whole_window_or_wait_for_its_end(before, after, days, n):
    spec, raw = spec_with(before, after, 0), Days({HAPPENED.name: days})
    rows = outcomes_of(spec, raw, [day(n)], evening(30))
    window = {d for d in days if n - before <= d <= n + after}
    complete = max(days, default=-1) >= n + after
    assert set(rows["entity_key"]) == ({f"{day(n)}-k{d}" for d in window} if complete else set())


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", (5, 29)), ("Pacific/Auckland", (-13, 11))])
def test_instants_are_cut_to_the_local_days_of_the_window(zone, hours):
    class Hours:
        def read(self, dataset, first, last, known_at=None):
            start = datetime(2013, 3, 1, tzinfo=UTC)
            at = [start + timedelta(hours=n) for n in range(-48, 72)]
            at = [moment for moment in at if first <= moment.date() <= last]
            return pl.DataFrame({"at": at}, schema={"at": INSTANT})

    spec = toy_spec(time_zone=zone, datasets=(PLANNED, HAPPENED, LOG))
    rows = read_windows(spec, Hours(), [Window(LOG.name)], FIRST, evening(9))[LOG.name]
    start = datetime(2013, 3, 1, tzinfo=UTC)
    assert rows["at"].to_list() == [start + timedelta(hours=n) for n in range(*hours)]


def test_an_error_of_the_models_own_code_names_the_date_and_the_line():
    def fails(raw, score_date):
        return raw["orders"]

    raw = Days({PLANNED.name: {0}, HAPPENED.name: {0}})
    spec = toy_spec(time_zone="UTC", population=fails, outcomes=fails)
    told = rf"for {FIRST} raised at .*test_windows\.py:\d+: KeyError: 'orders'"
    with pytest.raises(CodeFailed, match=f"toy: `population` {told}"):
        population_of(spec, raw, FIRST, evening(9))
    with pytest.raises(CodeFailed, match=f"toy: `outcomes` {told}"):
        outcomes_of(spec, raw, [FIRST], evening(9))


def test_outcomes_without_a_column_are_told_by_the_column():
    spec = toy_spec(time_zone="UTC", outcomes=lambda raw, _: raw[HAPPENED.name].select("entity_key", "late"))
    with pytest.raises(
        ContractBroken, match="outcomes of toy: column outcome is missing; column recorded_at"
    ):
        outcomes_of(spec, Days({HAPPENED.name: {0}}), [FIRST], evening(9))
