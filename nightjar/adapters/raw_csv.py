"""The strict reading of a delivered CSV: every fault is named by file, column, line and remedy, and nothing is guessed."""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

from nightjar.core.errors import BadDelivery
from nightjar.core.spec import RawDataset

TRAILER = re.compile(r"^# rows=(\d+)$")
DATE, DATETIME = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"
FORMS = {pl.Date: "a date like 2013-06-15", pl.Datetime: "an instant in UTC like 2013-06-15T09:30:00Z", pl.Boolean: "true or false"}
"""How a value of a type is written, where its name alone does not tell."""
RESEND = "Have it delivered again, whole."


def parse(content: bytes, dataset: RawDataset, day: date, file: Path) -> pl.DataFrame:
    """The rows of a delivered file with the dataset's columns and types. Raises BadDelivery; `file` only names it."""
    header, *rows = records(content, file)
    check_header(header, dataset, file)
    check_width(rows, len(header), file)
    texts = pl.DataFrame(rows, schema=dict.fromkeys(dataset.columns, pl.String), orient="row")
    frame = pl.DataFrame([typed(texts[name], kind, file, nullable=name in dataset.nullable) for name, kind in dataset.columns.items()])
    check_keys(frame, dataset, file)
    check_day(frame, dataset, day, file)
    return frame


def records(content: bytes, file: Path) -> list[list[str]]:
    """Header and rows as lists of texts, once the trailer has shown that nothing is missing."""
    if not content.strip():
        raise BadDelivery(file, "is empty", RESEND)
    try:
        *lines, ending = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise BadDelivery(file, f"byte {error.start} is not UTF-8", "Have it written as UTF-8.") from error
    if content.startswith(BOM_UTF8):
        raise BadDelivery(file, "begins with a byte order mark", "Have it written as UTF-8 without one.")
    trailer = TRAILER.match(lines[-1].rstrip("\r")) if lines else None
    if trailer is None or ending:
        raise BadDelivery(file, "is truncated: its last line is not the trailer `# rows=N`", f"{RESEND} A feed without trailers must add one.")
    try:
        found = list(csv.reader((f"{line}\n" for line in lines[:-1]), strict=True))
    except csv.Error as error:
        raise BadDelivery(file, f"is not CSV: {error}", "Correct its quoting.") from error
    if len(found) - 1 != int(trailer[1]):
        raise BadDelivery(file, f"is truncated: it holds {max(0, len(found) - 1)} rows, its trailer says {trailer[1]}", RESEND)
    if len(found) == 1:
        raise BadDelivery(file, "holds no rows", "A day without rows is not delivered; have the day's rows sent.")
    return found


def check_header(header: Sequence[str], dataset: RawDataset, file: Path) -> None:
    declared = list(dataset.columns)
    if missing := [name for name in declared if name not in header]:
        raise BadDelivery(file, "is missing from the header", f"{dataset.name} has the columns {', '.join(declared)}.", column=missing[0])
    if extra := [name for name in header if name not in declared]:
        raise BadDelivery(file, f"is not a column of {dataset.name}", "Remove it, or declare it in the model's spec.", column=extra[0])
    if list(header) != declared:
        odd = next(name for name, place in zip(header, [*declared, *header], strict=False) if name != place)
        raise BadDelivery(file, "is repeated or out of order", f"Write the columns as {', '.join(declared)}.", column=odd)


def check_width(rows: Sequence[Sequence[str]], width: int, file: Path) -> None:
    for line, row in enumerate(rows, start=2):
        if len(row) != width:
            raise BadDelivery(file, f"line {line} has {len(row)} fields, the header {width}", RESEND)


def typed(texts: pl.Series, kind: pl.DataType, file: Path, *, nullable: bool) -> pl.Series:
    """A column of texts as its type; an empty text is null."""
    present = texts.set(texts == "", None)
    if not nullable and present.null_count():
        line = int(present.is_null().arg_max() or 0) + 2
        raise BadDelivery(
            file, f"line {line} is empty, and {texts.name} may not be", "Fill it, or declare it nullable in the model's spec.", texts.name
        )
    values = converted(present, kind)
    if bad := (values.is_null() & present.is_not_null()).arg_true().to_list():
        expected = FORMS.get(kind.base_type(), f"{'a finite ' if kind.is_float() else 'an '}{kind}")
        raise BadDelivery(
            file, f"line {bad[0] + 2} holds {present[bad[0]]!r}, which is not {expected}", "Correct the value at its source.", texts.name
        )
    return values


def converted(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    """Null wherever a text is not a value of the type."""
    if isinstance(kind, pl.Datetime):
        return texts.str.to_datetime(DATETIME, time_unit=kind.time_unit, time_zone=kind.time_zone, strict=False)
    if isinstance(kind, pl.Date):
        return texts.str.to_date(DATE, strict=False)
    if isinstance(kind, pl.Boolean):
        return texts.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean())
    values = texts.cast(kind, strict=False)
    return values.set(~values.is_finite(), None) if kind.is_float() else values


def check_keys(frame: pl.DataFrame, dataset: RawDataset, file: Path) -> None:
    if repeated := frame.select(pl.struct(dataset.keys).is_duplicated().arg_true()).to_series().to_list():
        key = ", ".join(str(value) for value in frame.select(dataset.keys).row(repeated[0]))
        where = f"lines {', '.join(str(row + 2) for row in repeated[:3])}"
        raise BadDelivery(file, f"{where} repeat the key ({key})", "One row a key: have the duplicates removed.", ", ".join(dataset.keys))


def check_day(frame: pl.DataFrame, dataset: RawDataset, day: date, file: Path) -> None:
    if dataset.day_column is None:
        return
    days = frame[dataset.day_column].cast(pl.Date)
    if odd := (days != day).arg_true().to_list():
        raise BadDelivery(file, f"line {odd[0] + 2} is about {days[odd[0]]}, the file about {day}", "Land it under its own day.", dataset.day_column)
