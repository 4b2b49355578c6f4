"""Rows that have types of their own, held to the columns and types that a dataset declares.

No value is changed: a type becomes another one only where every value stays what it is. A fraction with a
fixed number of digits (Decimal) becomes the nearest value of a Float column, as in a CSV.
"""

from collections.abc import Callable, Mapping
from datetime import date

import polars as pl

from nightjar.core.model.spec import RawDataset

DECLARE = "or declare another type in the model's spec"


FIRST_DAY, LAST_DAY = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))
"""The days of Python's calendar, counted from 1970."""
A_DAY: Mapping[str, int] = {"days": 1, "ms": 86_400 * 10**3, "us": 86_400 * 10**6}
"""Units in a day. Nanoseconds are left out: all that they hold lies in the calendar."""

Place = Callable[[int], str]
"""What a row is called, given its index."""


def numbered(row: int) -> str:
    return f"row {row + 1}"


class Misfit(Exception):
    """The rows are not as declared. The reader of a source names the file or table."""

    def __init__(self, problem: str, remedy: str, column: str | None = None) -> None:
        super().__init__(problem)
        self.problem, self.remedy, self.column = problem, remedy, column


def as_declared(rows: pl.DataFrame, dataset: RawDataset, place: Place = numbered) -> pl.DataFrame:
    """The declared columns in their order and types. rows: instants of a zone are in UTC. Raises Misfit."""
    for name in dataset.columns:
        if name not in rows.columns:
            declared = ", ".join(dataset.columns)
            raise Misfit("is missing", f"Have it sent with the columns {declared}.", name)
    for name in rows.columns:
        if name not in dataset.columns:
            problem = f"is not a column of {dataset.name}"
            raise Misfit(problem, "Remove it, or declare it in the model's spec.", name)
    return pl.DataFrame(
        [
            typed(rows[name], kind, place, nullable=name in dataset.nullable)
            for name, kind in dataset.columns.items()
        ]
    )


def typed(values: pl.Series, kind: pl.DataType, place: Place, *, nullable: bool) -> pl.Series:
    if not nullable and values.null_count():
        row = values.is_null().arg_max() or 0
        problem = f"{place(row)} is null in this column, which must be filled"
        raise Misfit(problem, "Fill it, or declare it nullable in the model's spec.", values.name)
    if not convertible(values.dtype, kind):
        remedy = f"Have the column written as {kind}, {DECLARE}."
        raise Misfit(f"holds {values.dtype}, which is not {kind}", remedy, values.name)
    if (beyond := out_of_calendar(values)).any():
        problem = f"{place(beyond.arg_max() or 0)} is before the year 1 or after the year 9999"
        raise Misfit(problem, "Correct the value at its source.", values.name)
    converted = values.cast(kind, strict=False)
    kept = converted if isinstance(values.dtype, pl.Decimal) else unchanged(values, converted, kind)
    if (bad := values.is_not_null() & kept.is_null()).any():
        row = bad.arg_max() or 0
        problem = f"{place(row)} holds {values[row]!r}, which {kind} cannot hold"
        raise Misfit(problem, f"Correct the value at its source, {DECLARE}.", values.name)
    if kind.is_float() and (odd := kept.is_not_null() & ~kept.is_finite()).any():
        row = odd.arg_max() or 0
        problem = f"{place(row)} holds {kept[row]}, which is not a finite number"
        raise Misfit(problem, "Have a value that is unknown written as null.", values.name)
    if isinstance(kind, pl.String) and (nul := kept.str.contains("\0", literal=True)).any():
        problem = f"{place(nul.arg_max() or 0)} holds a NUL character"
        raise Misfit(problem, "Have it written without NULs: no text may hold one.", values.name)
    return kept


def out_of_calendar(values: pl.Series) -> pl.Series:
    """Which dates and instants no calendar of Python has: to show one of them ends the process."""
    unit = values.dtype.time_unit if isinstance(values.dtype, pl.Datetime) else "days"
    if not isinstance(values.dtype, pl.Date | pl.Datetime) or unit not in A_DAY:
        return pl.repeat(value=False, n=values.len(), eager=True)
    first, last = (day * A_DAY[unit] for day in (FIRST_DAY, LAST_DAY + 1))
    physical = values.to_physical()
    return ((physical < first) | (physical >= last)).fill_null(value=False)


def convertible(found: pl.DataType, kind: pl.DataType) -> bool:
    """Whether values of one type can be values of the other, each meaning the same."""
    if isinstance(kind, pl.String):
        return isinstance(found, pl.String | pl.Categorical | pl.Enum | pl.Null)
    if isinstance(kind, pl.Datetime):  # one without a zone may be of any
        return isinstance(found, pl.Null) or (isinstance(found, pl.Datetime) and found.time_zone is not None)
    if kind.is_integer():
        return found.is_integer() or isinstance(found, pl.Null)
    if kind.is_float():
        return found.is_numeric() or isinstance(found, pl.Null)
    return isinstance(found, type(kind) | pl.Null)


def unchanged(values: pl.Series, converted: pl.Series, kind: pl.DataType) -> pl.Series:
    """The converted values, null where converting back does not give the value again."""
    if values.dtype == kind or isinstance(values.dtype, pl.Null | pl.Categorical | pl.Enum):
        return converted
    back = converted.cast(values.dtype, strict=False)
    return converted.set((back != values).fill_null(value=True), None)
