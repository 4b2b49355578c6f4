"""The contract tests find the data of a model, or say what to look at, not that 0 is not above 0."""

from dataclasses import replace
from datetime import timedelta

import polars as pl
import pytest

from nightjar.core.model.sources import KnownAfter, ParquetTable
from nightjar.testing.scaffolds import SCAFFOLDS

SPEC = SCAFFOLDS["new_binary"]


@pytest.mark.parametrize(
    ("changed", "landed"),
    [
        pytest.param(
            {"name": "no_feed", "deliver": lambda *_: iter(())}, "no new_binary_plan landed", id="feed"
        ),
        pytest.param(
            {"name": "nobody", "population": lambda raw, day: SPEC.population(raw, day).clear()},
            "new_binary_plan of 59 days",
            id="population",
        ),
    ],
)
def test_a_population_without_rows_is_told_with_what_landed(world_of, changed, landed):
    with pytest.raises(pytest.fail.Exception, match="`population` gives no row for") as told:
        world_of(replace(SPEC, **changed))
    assert landed in str(told.value)
    assert "`data_from`" in str(told.value)


def test_outcomes_that_take_long_are_waited_for(world_of):
    weekly = SCAFFOLDS["new_regression"]

    def mondays(inbox, first, last):
        return (each for each in weekly.deliver(inbox, first, last) if each.day.isoweekday() == 1)

    slow = replace(weekly, name="slow", maturity_days=90, deliver=mondays, feature_tables=())
    assert len(world_of(slow).told) == 9


def test_nights_of_tables_are_found(world_of, tmp_path):
    plan, results = SPEC.datasets
    days = pl.date_range(SPEC.data_from, SPEC.data_from + timedelta(days=60), eager=True)
    rows = pl.DataFrame({"day": days}).with_columns(shop=pl.lit("S001"), region=pl.lit("north"))
    rows.with_columns(promotion=pl.lit(0)).write_parquet(tmp_path / "plan.parquet")
    happened = rows.select("day", "shop", visitors=pl.lit(1), sold_out=pl.lit(1))
    happened.write_parquet(tmp_path / "results.parquet")
    world = world_of(
        replace(
            SPEC,
            name="scanned",
            deliver=None,
            datasets=(
                replace(
                    plan,
                    source=ParquetTable(url=f"{tmp_path}/plan.parquet", known=KnownAfter(timedelta(days=-1))),
                ),
                replace(
                    results,
                    source=ParquetTable(
                        url=f"{tmp_path}/results.parquet", known=KnownAfter(timedelta(days=1))
                    ),
                ),
            ),
            feature_tables=(),
            numeric=("promotion", "weekday"),
        )
    )
    assert world.nights[0] == SPEC.data_from
    assert world.told[-1] == SPEC.data_from + timedelta(weeks=8)
