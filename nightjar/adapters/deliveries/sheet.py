"""Rows of a delivered file, and the rules that they keep whatever the format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import TypeVar

import polars as pl

from nightjar.adapters.deliveries.csv_text import shortened
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset

MOST_DAYS = 3660
"""How many days a file may be about: ten years. More is a slip, and every read looks up each of them."""
BATCH_ROWS = 20_000
"""Rows that are texts in memory at one time: a text takes many times the memory of its value."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of a file with their types.

    places: where each row is in the file, counted from 1. unit: what is counted, lines or rows. A quoted text
    in a CSV may hold line ends.
    """

    file: Path
    rows: pl.DataFrame
    places: pl.Series
    unit: str = "line"

    def place(self, row: int) -> str:
        return f"{self.unit} {self.places[row]}"


def in_batches(file: Path, found: Iterator[Record], sheet_of: Callable[[Sequence[Record]], Sheet]) -> Sheet:
    """All records of a file as one sheet, made BATCH_ROWS at a time. Without a record it has the columns."""
    sheets = [sheet_of([])]
    while batch := list(islice(found, BATCH_ROWS)):
        sheets.append(sheet_of(batch))
    return Sheet(
        file, pl.concat([sheet.rows for sheet in sheets]), pl.concat([sheet.places for sheet in sheets])
    )


def check(sheet: Sheet, dataset: RawDataset, first: date, last: date) -> None:
    """Raises BadDelivery for impossible days, no rows, a row about another day, and a repeated key."""
    check_span(sheet.file, first, last)
    if sheet.rows.is_empty():
        raise BadDelivery(
            sheet.file, "holds no rows", "A day without rows is not delivered; have the day's rows sent."
        )
    if first != last and dataset.day_column is None:
        remedy = "Declare one in the model's spec, or have one file a day delivered."
        raise BadDelivery(sheet.file, f"is about several days, and {dataset.name} has no day_column", remedy)
    check_days(sheet, dataset, first, last)
    check_keys(sheet, dataset, several=first != last)


def check_span(file: Path, first: date, last: date) -> None:
    if last < first:
        problem = f"is said to be about {first} to {last}, and the last day is before the first"
        raise BadDelivery(file, problem, "Say the first day and the last day that it is about.")
    if (days := (last - first).days + 1) > MOST_DAYS:
        problem = f"is said to be about {first} to {last}: {days} days, and the limit is {MOST_DAYS}"
        raise BadDelivery(file, problem, "If these are its days, have it delivered in several files.")


def check_keys(sheet: Sheet, dataset: RawDataset, *, several: bool) -> None:
    """several: the file is about several days, and a key may be there once a day."""
    by_day = (
        [pl.col(dataset.day_column).cast(pl.Date).alias("date")] if several and dataset.day_column else []
    )
    keys = sheet.rows.select(*by_day, *dataset.keys)
    repeated = keys.select(pl.struct(pl.all()).is_duplicated().arg_true()).to_series().to_list()
    if repeated:
        key = shortened(", ".join(str(value) for value in keys.row(repeated[0])))
        where = f"{sheet.unit}s {', '.join(str(sheet.places[row]) for row in repeated[:3])}"
        raise BadDelivery(
            sheet.file,
            f"{where} repeat the key ({key})",
            "One row a key: have the duplicates removed.",
            ", ".join(dataset.keys),
        )


def check_days(sheet: Sheet, dataset: RawDataset, first: date, last: date) -> None:
    if dataset.day_column is None:
        return
    days = sheet.rows[dataset.day_column].cast(pl.Date)
    if (odd := ~days.is_between(first, last).fill_null(value=False)).any():
        row = odd.arg_max() or 0
        about = f"{first}" if first == last else f"{first} to {last}"
        problem = f"{sheet.place(row)} is about {days[row]}, the file about {about}"
        raise BadDelivery(sheet.file, problem, own_days(days), dataset.day_column)


def own_days(days: pl.Series) -> str:
    """What to do with a file that was said to be about other days than its rows."""
    first, last = days.drop_nulls().min(), days.drop_nulls().max()
    if first == last:
        return "Land it under its own day."
    return f"Its rows are about {first} to {last}. If they should be, say both days when you land it."
