"""Which raw rows belong to a row: those that agree with it in the columns that both have."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

from nightjar.core.explaining.row import Source
from nightjar.core.model.spec import RawDataset

ADDED = frozenset({"date", "recorded_at"})
KEYS_TOLD = 3
"""Of how many rows of a delivery the keys are told."""


def of_row(rows: pl.DataFrame, values: Mapping[str, Any], columns: Collection[str]) -> pl.Series:
    """True for the raw rows that agree with a row in these columns, as far as both have them.

    values: the row. Without a column in common every raw row belongs to it.
    """
    shared = [name for name in rows.columns if name in columns and name in values and name not in ADDED]
    agrees = [
        pl.col(name).cast(pl.String).eq_missing(pl.lit(_text(values[name], rows[name]))) for name in shared
    ]
    return rows.select(belongs=pl.all_horizontal(pl.lit(value=True), *agrees)).to_series()


def _text(value: Any, like: pl.Series) -> str | None:
    """A value as the text that it has in a raw column, or as it is if it is none of that column's type."""
    try:
        return pl.Series([value]).cast(like.dtype).cast(pl.String)[0]
    except pl.exceptions.PolarsError:
        return str(value)


def sources_of(
    dataset: RawDataset, rows: pl.DataFrame, belongs: pl.Series, place: Callable[[date, datetime], str]
) -> Iterator[Source]:
    """Each day and instant of recording of which rows belong to the row.

    rows: as `RawStore.read` gives them. place: where those of a day and an instant lie.
    """
    groups = rows.with_columns(belongs=belongs).group_by("date", "recorded_at", maintain_order=True)
    for (day, instant), group in groups:
        mine = group.filter("belongs")
        if mine.height:
            yield Source(
                dataset=dataset.name,
                day=day,
                recorded_at=instant,
                place=place(day, instant),
                rows=mine.height,
                of=group.height,
                keys=tuple(mine.select(dataset.keys).head(KEYS_TOLD).to_dicts()),
            )
