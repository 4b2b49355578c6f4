"""The strict reading of a delivered CSV: every fault is named by file, column, line and remedy, and nothing is guessed.

What is read here is the form: whole, well-formed, of the right types. Whether a value is plausible is the model's contract's to say, row by row.
"""

import csv
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from nightjar.core.errors import BadDelivery
from nightjar.core.spec import RawDataset

TRAILER = re.compile(r"# rows=([0-9]{1,18})")
DAY = r"^(000[1-9]|00[1-9]\d|0[1-9]\d\d|[1-9]\d{3})-\d\d-\d\d"
INSTANT = DAY + r"T\d\d:\d\d:[0-5]\dZ$"
"""Years 0001 to 9999, which Python's dates end with too, and no leap second, which no frame can hold."""
DATE_FORMAT, INSTANT_FORMAT = "%Y-%m-%d", "%Y-%m-%dT%H:%M:%SZ"
FORMS = {pl.Date: "a date like 2013-06-15", pl.Datetime: "an instant in UTC like 2013-06-15T09:30:00Z", pl.Boolean: "true or false"}
"""How a value of a type is written, where its name alone does not tell."""
RESEND = "Have it delivered again, whole."


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file cut into records. `lines`: where each row begins, counted from 1; a quoted text may hold line ends."""

    file: Path
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[int]


def parse(content: bytes, dataset: RawDataset, day: date, file: Path) -> pl.DataFrame:
    """The rows of a delivered file with the dataset's columns and types. Raises BadDelivery; `file` only names it."""
    sheet = whole(content, file)
    check_header(sheet, dataset)
    check_width(sheet)
    texts = pl.DataFrame(sheet.rows, schema=dict.fromkeys(dataset.columns, pl.String), orient="row")
    frame = pl.DataFrame([typed(texts[name], kind, sheet, nullable=name in dataset.nullable) for name, kind in dataset.columns.items()])
    check_keys(frame, dataset, sheet)
    check_day(frame, dataset, day, sheet)
    return frame


def whole(content: bytes, file: Path) -> Sheet:
    """The records of a file, once the trailer has shown that nothing is missing."""
    *lines, ending = decoded(content, file).split("\n")
    trailer = TRAILER.fullmatch(lines[-1].rstrip("\r")) if lines else None
    if trailer is None or ending:
        raise BadDelivery(file, "is truncated: its last line is not the trailer `# rows=N`", f"{RESEND} A feed without trailers must add one.")
    found = list(records(lines[:-1], file))
    rows = len(found) - 1
    if rows != int(trailer[1]):
        raise BadDelivery(file, f"is truncated: it holds {max(0, rows)} rows, its trailer says {trailer[1]}", RESEND)
    if rows == 0:
        raise BadDelivery(file, "holds no rows", "A day without rows is not delivered; have the day's rows sent.")
    return Sheet(file, found[0][1], [row for _, row in found[1:]], [line for line, _ in found[1:]])


def decoded(content: bytes, file: Path) -> str:
    if not content.strip():
        raise BadDelivery(file, "is empty", RESEND)
    if content.startswith(BOM_UTF8):
        raise BadDelivery(file, "begins with a byte order mark", "Have it written as UTF-8 without one.")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadDelivery(file, f"byte {error.start} (line {line_of(content, error.start)}) is not UTF-8", "Have it written as UTF-8.") from error
    if (at := content.find(b"\0")) >= 0:
        raise BadDelivery(file, f"line {line_of(content, at)} holds a NUL character", "Have it written as UTF-8, without NULs: no text may hold one.")
    if "\n" not in text and "\r" in text:
        raise BadDelivery(file, "ends its lines with a carriage return alone", "Have its lines end with a line feed.")
    return text


def line_of(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def records(lines: Sequence[str], file: Path) -> Iterator[tuple[int, list[str]]]:
    """The line on which each record begins, and its fields; the header first."""
    reader = csv.reader((f"{line}\n" for line in lines), strict=True)
    begins = 1
    try:
        for record in reader:
            yield begins, record
            begins = reader.line_num + 1
    except csv.Error as error:
        raise BadDelivery(file, f"line {begins} is not CSV: {error}", "Correct its quoting.") from error


def check_header(sheet: Sheet, dataset: RawDataset) -> None:
    declared = list(dataset.columns)
    if missing := [name for name in declared if name not in sheet.header]:
        raise BadDelivery(sheet.file, "is missing from the header", f"{dataset.name} has the columns {', '.join(declared)}.", column=missing[0])
    if extra := [name for name in sheet.header if name not in declared]:
        raise BadDelivery(
            sheet.file, f"is not a column of {dataset.name}", "Remove it, or declare it in the model's spec.", column=shortened(extra[0])
        )
    if list(sheet.header) != declared:
        odd = next(name for name, place in zip(sheet.header, [*declared, *sheet.header], strict=False) if name != place)
        raise BadDelivery(sheet.file, "is repeated or out of order", f"Write the columns as {', '.join(declared)}.", column=odd)


def check_width(sheet: Sheet) -> None:
    width = len(sheet.header)
    for line, row in zip(sheet.lines, sheet.rows, strict=True):
        if len(row) != width:
            raise BadDelivery(sheet.file, f"line {line} has {len(row)} fields, the header {width}", RESEND)


def typed(texts: pl.Series, kind: pl.DataType, sheet: Sheet, *, nullable: bool) -> pl.Series:
    """A column of texts as its type; an empty text is null."""
    present = texts.set(texts == "", None)
    if not nullable and present.null_count():
        line = sheet.lines[int(present.is_null().arg_max() or 0)]
        raise BadDelivery(
            sheet.file, f"line {line} is empty, and {texts.name} may not be", "Fill it, or declare it nullable in the model's spec.", texts.name
        )
    values = converted(present, kind)
    if bad := (values.is_null() & present.is_not_null()).arg_true().to_list():
        expected = FORMS.get(kind.base_type(), f"{'a finite ' if kind.is_float() else 'an '}{kind}")
        raise BadDelivery(
            sheet.file,
            f"line {sheet.lines[bad[0]]} holds {shortened(present[bad[0]])!r}, which is not {expected}",
            "Correct the value at its source.",
            texts.name,
        )
    return values


def converted(texts: pl.Series, kind: pl.DataType) -> pl.Series:
    """Null wherever a text is not a value of the type, written as it should be."""
    if isinstance(kind, pl.Datetime):
        formed = texts.set(~texts.str.contains(INSTANT), None)
        return formed.str.to_datetime(INSTANT_FORMAT, time_unit=kind.time_unit, time_zone=kind.time_zone, strict=False)
    if isinstance(kind, pl.Date):
        return texts.set(~texts.str.contains(DAY + "$"), None).str.to_date(DATE_FORMAT, strict=False)
    if isinstance(kind, pl.Boolean):
        return texts.replace_strict({"true": True, "false": False}, default=None, return_dtype=pl.Boolean())
    values = texts.cast(kind, strict=False)
    return values.set(~values.is_finite(), None) if kind.is_float() else values


def shortened(text: str, most: int = 80) -> str:
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} characters)"


def check_keys(frame: pl.DataFrame, dataset: RawDataset, sheet: Sheet) -> None:
    if repeated := frame.select(pl.struct(dataset.keys).is_duplicated().arg_true()).to_series().to_list():
        key = shortened(", ".join(str(value) for value in frame.select(dataset.keys).row(repeated[0])))
        where = f"lines {', '.join(str(sheet.lines[row]) for row in repeated[:3])}"
        raise BadDelivery(sheet.file, f"{where} repeat the key ({key})", "One row a key: have the duplicates removed.", ", ".join(dataset.keys))


def check_day(frame: pl.DataFrame, dataset: RawDataset, day: date, sheet: Sheet) -> None:
    if dataset.day_column is None:
        return
    days = frame[dataset.day_column].cast(pl.Date)
    if odd := (days != day).arg_true().to_list():
        problem = f"line {sheet.lines[odd[0]]} is about {days[odd[0]]}, the file about {day}"
        raise BadDelivery(sheet.file, problem, "Land it under its own day.", dataset.day_column)
