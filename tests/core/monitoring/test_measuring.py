"""Measuring the rows of a night: whole and by slices, each number with its interval."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.core.errors.model import CodeFailed
from nightjar.core.model.row_metrics import RowMetric
from nightjar.core.model.slices import Slice
from nightjar.core.monitoring.entities import Role
from nightjar.core.monitoring.measuring import MOST_VALUES, measurements_of
from nightjar.core.night.entities import Run
from nightjar.testing.specs import toy_spec

AT = datetime(2013, 6, 16, tzinfo=UTC)
RUN = Run(
    id=7,
    model="toy",
    score_date=date(2013, 6, 15),
    revision=1,
    attempt=1,
    state="published",
    as_of=AT,
    known_at=AT,
    version_id=1,
)


def rows(count, challenger=None):
    """Scores of 0.25 and 0.75 in turn, and the outcomes 0, 1, 1 in turn; x counts from 0."""
    n = pl.int_range(count, eager=True)
    return pl.DataFrame(
        {
            "score": 0.25 + n % 2 / 2,
            "outputs": None,
            "challenger_score": challenger,
            "challenger_outputs": None,
            "arm": None,
            "outcome": (n % 3 > 0).cast(pl.Float64),
            "x": n.cast(pl.Float64),
        },
        schema_overrides={
            "outputs": pl.List(pl.Float64),
            "challenger_score": pl.Float64,
            "challenger_outputs": pl.List(pl.Float64),
            "arm": pl.String,
        },
    )


def measured(given, run=RUN, **changes):
    return [*measurements_of(toy_spec(**changes), run, given, AT)]


def test_a_night_is_measured_whole_and_by_slices_with_support():
    halves = Slice(name="half", by=(pl.col("x") < 50).cast(pl.Int8), least_rows=40)
    found = measured(rows(80), slices=(halves,))
    assert [(each.slice, each.slice_value, each.rows, each.supported) for each in found] == [
        ("", "", 80, True),
        ("half", "1", 50, True),
        ("half", "0", 30, False),
    ]
    assert sum(each.metrics["brier"] * each.rows for each in found[1:]) / 80 == pytest.approx(
        found[0].metrics["brier"]
    )


def test_rows_without_an_outcome_count_for_the_coverage_alone():
    known = pl.when(pl.col("x") < 60).then(pl.col("outcome"))
    (night,) = measured(rows(80).with_columns(outcome=known))
    assert (night.rows, night.with_outcome) == (80, 60)
    assert night.metrics == measured(rows(60))[0].metrics


def test_each_number_has_an_interval_and_few_rows_have_none():
    (night,) = measured(rows(300))
    assert {*night.intervals} == {*night.metrics}
    for name, (low, high) in night.intervals.items():
        assert low <= night.metrics[name] <= high
    assert measured(rows(9))[0].intervals == {}


def test_both_versions_are_measured_on_the_rows_that_both_scored():
    given = rows(60).with_columns(challenger_score=pl.when(pl.col("x") < 30).then(0.5))
    found = measured(given, RUN.model_copy(update={"challenger_id": 2}))
    assert [(each.role, each.rows) for each in found] == [
        (Role.CHAMPION, 60),
        (Role.BESIDE, 30),
        (Role.CHALLENGER, 30),
    ]
    assert [each.metrics["mean_score"] for each in found] == [0.5, 0.5, 0.5]


def test_of_a_slice_the_most_frequent_values_are_measured():
    by_ten = Slice(name="ten", by=(pl.col("x") // 10).cast(pl.Int64), least_rows=1)
    found = measured(rows(1005), slices=(by_ten,))
    assert len(found) == 1 + MOST_VALUES


def test_without_the_inputs_of_its_slices_a_night_is_measured_whole():
    found = measured(rows(60).drop("x"), slices=(Slice(name="x", by="x"),))
    assert [each.slice for each in found] == [""]


def test_a_metric_of_its_own_is_a_mean_with_an_interval_by_slice():
    cost = RowMetric(name="cost", title="cost", unit="USD", of_row=pl.col("x") * pl.col("outcome"))
    (night,) = measured(rows(60), metrics=(cost,))
    assert night.metrics["cost"] == pytest.approx((rows(60)["x"] * rows(60)["outcome"]).mean())
    assert night.intervals["cost"][0] < night.metrics["cost"] < night.intervals["cost"][1]


def test_a_metric_of_its_own_that_fails_is_told_as_the_models_code():
    broken = RowMetric(name="cost", title="cost", unit="USD", of_row=pl.col("x").str.to_uppercase())
    with pytest.raises(CodeFailed, match="metrics"):
        measured(rows(60), metrics=(broken,))
