"""A profile describes each input of a night in a few numbers.

Profiles are stored with the run, so that later nights can be compared with it.
"""

import math
from collections.abc import Iterator
from typing import TypedDict

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.comparison import columns
from nightjar.core.comparison.entities import (
    PREDICTED_CLASS,
    SCORE,
    ColumnProfile,
    Distribution,
    NightProfile,
)
from nightjar.core.model.spec import ModelSpec

SAMPLE_ROWS = 2_000
"""At most this many rows of a night are looked at.

By chance the distance between two samples of this size is 0.04. This is far below any limit.
"""
STEPS = 40
"""Every 2.5th percentile is kept, so the distance between two profiles is exact to 2.5%."""
MOST_CATEGORIES = 200
SOME = 2**20
"""So many values are looked at together: a million scores at once."""


def compared_columns(spec: ModelSpec) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the category columns and the number columns that are compared: inputs and predictions."""
    classes = (PREDICTED_CLASS,) if spec.kind.classes else ()
    return (*spec.categorical, *classes), (*spec.numeric, SCORE)


def sample_of(population: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Return all rows that can be scored, or a sample of them that the seed fixes."""
    sound = population.filter(pl.col("fault").is_null())
    return sound if sound.height <= SAMPLE_ROWS else sound[places_of_sample(sound.height, seed)]


def places_of_sample(rows: int, seed: int) -> pl.Series:
    """The places of the rows of `sample_of` among so many rows that can be scored, in the sample's order."""
    places = pl.int_range(rows, eager=True)
    return places if rows <= SAMPLE_ROWS else places.sample(SAMPLE_ROWS, seed=seed)


def profile_of(rows: pl.DataFrame, scores: Distribution, spec: ModelSpec) -> NightProfile:
    """Return a profile of each input, from the sampled rows, and a profile of all scores.

    If there are no sampled rows, the result has the profile of the scores alone.
    """
    if rows.is_empty():
        return NightProfile(score_date=scores.score_date, columns=(*predictions_of(scores),))
    keys = keys_of_inputs(spec)
    counted = {shared: rows.select(shared).n_unique() for shared in set(keys.values())}
    entities = {name: counted[keys[name]] if name in keys else rows.height for name in spec.inputs}
    return NightProfile(
        score_date=scores.score_date,
        columns=(
            *(categories_of(rows[name], entities[name]) for name in spec.categorical),
            *(numbers_of(rows[name], entities[name]) for name in spec.numeric),
            *predictions_of(scores),
        ),
    )


def keys_of_inputs(spec: ModelSpec) -> dict[str, tuple[str, ...]]:
    """The keys of the table of each input that is a feature of one."""
    return {
        feature: tuple(table.keys)
        for table in spec.feature_tables
        for feature in table.features
        if feature in spec.inputs
    }


def numbers_of(column: pl.Series, entities: int) -> ColumnProfile:
    values = columns.finite(column)
    spread = spread_of(values)
    return ColumnProfile(
        column=column.name,
        rows=column.len(),
        nulls=column.len() - values.size,
        distinct=spread["distinct"],
        entities=entities,
        mean=spread["mean"] if values.size else None,
        stddev=spread["stddev"] if values.size else None,
        quantiles=spread["quantiles"],
    )


class Spread(TypedDict):
    """The numbers of a Distribution that are those of its scores."""

    rows: int
    mean: float
    stddev: float
    distinct: int
    quantiles: tuple[float, ...]


def spread_of(values: NDArray[np.float64]) -> Spread:
    """Sort finite values where they lie, and describe them. So their order changes no bit of the result.

    mean and stddev are NaN if there are none. Beside the values, memory holds a few of them.
    """
    values.sort()
    with np.errstate(over="ignore", invalid="ignore"):  # the greatest numbers have no square
        mean = float(values.mean()) if values.size else math.nan
        squares = sum(float(np.square(values[at : at + SOME] - mean).sum()) for at in _steps(values))
    return Spread(
        rows=values.size,
        mean=mean,
        stddev=math.sqrt(squares / values.size) if values.size else math.nan,
        distinct=1 + sum(_changes(values[at : at + SOME + 1]) for at in _steps(values)) if values.size else 0,
        quantiles=quantiles_of(values),
    )


def _steps(values: NDArray[np.float64]) -> range:
    return range(0, values.size, SOME)


def _changes(ordered: NDArray[np.float64]) -> int:
    return int(np.count_nonzero(ordered[1:] != ordered[:-1]))


def quantiles_of(ordered: NDArray[np.float64]) -> tuple[float, ...]:
    """Return STEPS + 1 of the sorted values, evenly spaced from least to greatest; () if there are none."""
    return tuple(ordered[places_of(ordered.size, STEPS)].tolist()) if ordered.size else ()


def places_of(rows: int, steps: int) -> list[int]:
    """Return steps + 1 places of so many rows, at least one, evenly spaced from the first to the last."""
    return [round((rows - 1) * step / steps) for step in range(steps + 1)]


def categories_of(column: pl.Series, entities: int) -> ColumnProfile:
    values = columns.categories(column).drop_nulls().alias("category")
    counted = values.value_counts(name="rows").sort("rows", "category", descending=[True, False])
    return ColumnProfile(
        column=column.name,
        rows=column.len(),
        nulls=column.null_count(),
        distinct=counted.height,
        entities=entities,
        categories=dict(counted.head(MOST_CATEGORIES).iter_rows()),
    )


def predictions_of(scores: Distribution) -> Iterator[ColumnProfile]:
    """One profile for the scores, and one for the predicted classes if there are any."""
    yield scores_of(scores)
    if scores.classes:
        yield ColumnProfile(
            column=PREDICTED_CLASS,
            rows=scores.rows,
            nulls=0,
            distinct=len(scores.classes),
            entities=scores.rows,
            categories=scores.classes,
        )


def scores_of(scores: Distribution) -> ColumnProfile:
    there = scores.rows > 0
    return ColumnProfile(
        column=SCORE,
        rows=scores.rows,
        nulls=0,
        distinct=scores.distinct,
        entities=scores.rows,
        mean=scores.mean if there else None,
        stddev=scores.stddev if there else None,
        quantiles=scores.quantiles,
    )
