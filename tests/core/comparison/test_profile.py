"""Profiles describe whatever a night holds."""

from datetime import date

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.comparison.columns import LONGEST
from nightjar.core.comparison.entities import Distribution
from nightjar.core.comparison.profile import (
    MOST_CATEGORIES,
    SAMPLE_ROWS,
    categories_of,
    numbers_of,
    profile_of,
    quantiles_of,
    sample_of,
)
from nightjar.testing.specs import WEATHER, toy_spec

DAY = date(2013, 6, 15)
SPEC = toy_spec(feature_tables=(WEATHER,), categorical=("city",), numeric=("size", "rain"))
SCORES = Distribution(score_date=DAY, rows=3, mean=0.2, stddev=0.1, distinct=2, quantiles=(0.1, 0.2, 0.3))


@given(st.lists(st.none() | st.floats(), max_size=60))
def test_numbers_are_described_without_what_is_missing_or_not_finite(values):
    column = numbers_of(pl.Series("x", values, pl.Float64), 7)
    there = sorted(value for value in values if value is not None and abs(value) < float("inf"))
    assert (column.rows, column.values, column.entities) == (len(values), len(there), 7)
    assert column.distinct == len(set(there))
    assert list(column.quantiles) == sorted(column.quantiles)
    assert (len(column.quantiles), column.quantiles[:1], column.quantiles[-1:]) == (
        (41, (there[0],), (there[-1],)) if there else (0, (), ())
    )


def test_flags_are_numbers_and_numbers_may_be_categories():
    assert numbers_of(pl.Series("x", [True, False, None]), 3).quantiles[::40] == (0.0, 1.0)
    assert categories_of(pl.Series("x", [1, 1, None]), 3).categories == {"1": 2}


@given(st.lists(st.none() | st.text(max_size=5), max_size=40))
def test_every_row_of_a_text_column_is_counted(values):
    column = categories_of(pl.Series("x", values, pl.String), 1)
    assert (
        sum(column.categories.values())
        == column.values
        == len([value for value in values if value is not None])
    )
    assert not any("\0" in name for name in column.categories)


def test_only_the_most_frequent_categories_are_kept_and_long_ones_in_part():
    values = [f"c{n}" for n in range(MOST_CATEGORIES + 50)] + ["often", "often", "x" * 1000]
    column = categories_of(pl.Series("x", values), 1)
    assert (len(column.categories), column.categories["often"], column.distinct) == (
        MOST_CATEGORIES,
        2,
        MOST_CATEGORIES + 52,
    )
    assert max(map(len, column.categories)) <= LONGEST


def test_a_night_is_described_by_its_inputs_and_all_its_scores():
    rows = pl.DataFrame({"city": ["OSLO", "ROME", "ROME"], "size": [1, 2, 3], "rain": [0.1, 0.2, 0.2]})
    night = profile_of(rows, SCORES, SPEC)
    assert [column.column for column in night.columns] == ["city", "size", "rain", "score"]
    assert [column.entities for column in night.columns] == [3, 3, 2, 3], "two cities share the weather"
    assert night.score[0] == 0.2
    assert night.column("score").quantiles == SCORES.quantiles


def test_a_night_of_which_nothing_could_be_sampled_is_described_by_its_scores_alone():
    night = profile_of(
        pl.DataFrame({"entity_key": []}), SCORES.model_copy(update={"rows": 0, "mean": float("nan")}), SPEC
    )
    assert [column.column for column in night.columns] == ["score"]
    assert night.score is None


def test_the_sample_is_all_sound_rows_or_the_same_few_each_time():
    rows = pl.DataFrame(
        {
            "entity_key": [f"{n}" for n in range(SAMPLE_ROWS + 10)],
            "fault": [None] * SAMPLE_ROWS + ["repeated"] * 10,
        },
        schema_overrides={"fault": pl.String},
    )
    assert sample_of(rows, 1).height == SAMPLE_ROWS
    many = pl.concat([rows, rows.with_columns(fault=pl.lit(None, pl.String))])
    assert sample_of(many, 1).equals(sample_of(many, 1))
    assert sample_of(many, 1).height == SAMPLE_ROWS


@given(st.lists(st.floats(0, 1), max_size=200))
def test_quantiles_are_values_that_occur(values):
    assert set(quantiles_of(np.array(sorted(values), float))) <= set(values)
