"""What the audit takes of a population is the same, however the population is cut into parts."""

from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from nightjar.core.comparison.profile import SAMPLE_ROWS, sample_of
from nightjar.core.inputs.drawn import Drawn, drawn
from nightjar.core.inputs.readings import counts, of_each_row, same_entities
from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import ModelSpec
from nightjar.testing.specs import toy_spec

DAY = date(2024, 3, 1)
SLICED = toy_spec(
    categorical=("city",),
    numeric=("x",),
    slices=(Slice(name="large", by=pl.col("x") > 3), Slice(name="odd", by=pl.col("x") % 2)),
)
RANKED = replace(SLICED, slices=(Slice(name="above the median", by=pl.col("x") > pl.col("x").median()),))


def population(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, dtype=pl.Int64)
    return pl.select(
        entity_key=pl.format("{}-{}", number * 7919 % 1_000_003, pl.lit(str(DAY))),
        city=pl.concat_str(pl.lit("c"), number % 5),
        x=(number * number % 11).cast(pl.Float64),
        fault=pl.lit(None, pl.String),
    )


def taken(rows: pl.DataFrame, spec: ModelSpec, part_rows: int) -> Drawn:
    return drawn(lambda: rows.iter_slices(part_rows), rows.height, spec, DAY)


@pytest.mark.parametrize("spec", [SLICED, RANKED])
@pytest.mark.parametrize(
    ("rows", "part_rows"),
    [(50, 7), (SAMPLE_ROWS, 999), (SAMPLE_ROWS + 1, 999), (9_000, 9_000), (9_000, 2_500)],
)
def test_parts_give_what_all_rows_at_once_give(spec: Any, rows: int, part_rows: int) -> None:
    whole = population(rows)
    found = taken(whole, spec, part_rows)
    assert found.sample.equals(sample_of(whole, spec.seed))
    assert found.alike.equals(same_entities(whole, DAY))
    assert found.counted.equals(counts(whole, spec))
    assert found.rows == rows


def test_rows_that_cannot_be_scored_are_left_out() -> None:
    rows = population(5_000)
    whole = rows.filter(pl.int_range(pl.len()) % 3 > 0)
    found = drawn(lambda: whole.iter_slices(700), rows.height, SLICED, DAY)
    assert found.sample.equals(sample_of(whole, SLICED.seed))
    assert found.counted.equals(counts(whole, SLICED))


def test_a_population_without_a_row_that_can_be_scored_gives_nothing() -> None:
    found = drawn(lambda: [population(3).clear(), population(3).clear()], 0, SLICED, DAY)
    assert (found.sample.height, found.alike.height) == (0, 0)
    assert found.counted["value"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("value", "alone"),
    [
        ("city", True),
        (pl.col("x") // 360, True),
        (pl.when(pl.col("x") > 3).then(pl.lit("far")).otherwise(pl.col("city").str.head(2)), True),
        (pl.col("x") > pl.col("x").median(), False),
        (pl.col("city").is_duplicated(), False),
        (pl.len().over("city") > 3, False),
        (pl.col("x").map_batches(lambda values: values), False),
    ],
)
def test_a_slice_says_of_a_row_by_itself_only_if_each_step_does(value: Any, alone: bool) -> None:
    assert of_each_row(replace(SLICED, slices=(Slice(name="of", by=value),))) is alone
