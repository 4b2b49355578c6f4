"""What each day of outcomes looks like, counted for many days at once."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations

import polars as pl
from polars import selectors

from nightjar.core.kinds.kind import Kind
from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_guard import OutcomeDay

MOST_VALUES = 100
"""A column of texts with more values names things, and is not counted by value."""
FEW_VALUES = 10
"""Of a column with so many values at most, numbers are looked at by value too."""
MOST_COUPLED = 8
"""With more columns of numbers their correlations are not looked at."""
DAY = timedelta(days=1)
ROW = "__row"


def days_of(dataset: RawDataset, rows: pl.DataFrame) -> Mapping[date, OutcomeDay]:
    """The days of rows as `RawStore.read` gives them, without their outcomes.

    The day before each counts for `repeated`, if its rows are there too.
    """
    if rows.is_empty():
        return {}
    numbers = [name for name in rows.select(selectors.numeric()).columns if name in dataset.columns]
    sized = rows.group_by("date").agg(pl.len().alias("__rows"), pl.col(numbers).cast(pl.Float64).abs().mean())
    coupled = _couplings(rows, numbers)
    values = _values(dataset, rows)
    by_value = _sizes_by_value(rows, numbers, [name for name, count in values.items() if count <= FEW_VALUES])
    counted = {name: _counted(rows, name) for name, count in values.items() if count <= MOST_VALUES}
    repeated = _repeated(dataset, rows)
    return {
        row["date"]: OutcomeDay(
            rows=row["__rows"],
            sizes={name: row[name] for name in numbers} | by_value.get(row["date"], {}),
            couplings=coupled.get(row["date"], {}),
            values={name: counts.get(row["date"], {}) for name, counts in counted.items()},
            repeated=repeated.get(row["date"], 0.0),
        )
        for row in sized.sort("date").iter_rows(named=True)
    }


def with_outcomes(found: OutcomeDay, outcomes: pl.Series, kind: Kind) -> OutcomeDay:
    """A day with its outcomes, as the kind codes them: their shares, or of any number their mean size."""
    if kind.outcomes is None:
        size = outcomes.cast(pl.Float64).abs().mean()
        return found.model_copy(update={"outcomes": outcomes.len(), "mean_size": size})
    counted = outcomes.drop_nulls().value_counts().iter_rows()
    shares = {
        kind.classes[int(value)] if kind.classes else f"{value:g}": rows / outcomes.len()
        for value, rows in counted
    }
    return found.model_copy(update={"outcomes": outcomes.len(), "shares": shares})


def _values(dataset: RawDataset, rows: pl.DataFrame) -> dict[str, int]:
    """How many different values each column of texts has."""
    texts = [name for name, dtype in dataset.columns.items() if dtype == pl.String]
    return {name: rows[name].n_unique() for name in texts}


def _counted(rows: pl.DataFrame, column: str) -> dict[date, dict[str, int]]:
    counted: dict[date, dict[str, int]] = {}
    for day, value, count in rows.drop_nulls(column).group_by("date", column).len().iter_rows():
        counted.setdefault(day, {})[value] = count
    return counted


def _sizes_by_value(
    rows: pl.DataFrame, numbers: Sequence[str], categories: Sequence[str]
) -> dict[date, dict[str, float | None]]:
    """The sizes of each value of a column with few of them, as `arr_delay where origin is EWR`."""
    found: dict[date, dict[str, float | None]] = {}
    for column in categories:
        sized = rows.group_by("date", column).agg(pl.col(numbers).cast(pl.Float64).abs().mean())
        for row in sized.drop_nulls(column).iter_rows(named=True):
            named = {f"{name} where {column} is {row[column]}": row[name] for name in numbers}
            found.setdefault(row["date"], {}).update(named)
    return found


def _couplings(rows: pl.DataFrame, numbers: Sequence[str]) -> dict[date, dict[str, float | None]]:
    """The correlation of each two columns; none where there are many columns."""
    if len(numbers) > MOST_COUPLED:
        return {}
    pairs = {f"{a} and {b}": (a, b) for a, b in combinations(numbers, 2)}
    correlations = [pl.corr(a, b).fill_nan(None).alias(pair) for pair, (a, b) in pairs.items()]
    found = rows.group_by("date").agg(correlations)
    return {row.pop("date"): row for row in found.iter_rows(named=True)}


def _repeated(dataset: RawDataset, rows: pl.DataFrame) -> dict[date, float]:
    """The share of each day's rows that the day before had with the same values, dates and times apart."""
    same = [name for name, dtype in dataset.columns.items() if not dtype.is_temporal()]
    kept = rows.select("date", rows.select(same).hash_rows(seed=0).alias(ROW))
    before = kept.unique().with_columns(pl.col("date") + DAY, pl.lit(value=True).alias("there"))
    joined = kept.join(before, on=["date", ROW], how="left")
    shares = joined.group_by("date").agg(pl.col("there").is_not_null().mean())
    return dict(shares.iter_rows())
