"""The strict reading of a delivered CSV, which guesses nothing.

Every fault is named by file, column, line, value and remedy. What is read here is the form: whole,
well-formed, of the right types. Whether a value is plausible is the model's contract's to say, row by row.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.csv_records import Record, body_of, column_at, is_trailer, records
from nightjar.adapters.deliveries.csv_text import require_text, shortened
from nightjar.adapters.deliveries.csv_values import converted, wrong
from nightjar.adapters.deliveries.delivered import RESEND
from nightjar.adapters.deliveries.sheet import Sheet, in_batches
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset

LINE_END = b"\n"
ONE_FIELD_A_COLUMN = "Have it delivered again, with one field a column; a text with a comma in it is quoted."


def read_csv(content: Content, dataset: RawDataset, file: Path) -> Iterator[Sheet]:
    """The rows of a CSV file with the dataset's columns and types, some at a time.

    Where the dataset has trailers, the file has as many rows as its trailer says.
    Raises BadDelivery; `file` only names it.
    """
    require_text(content, file)
    require_no_nul(content, dataset, file)
    with_trailer, rows = dataset.files.proof == "trailer", 0
    end, promised = body_of(content, file) if with_trailer else (content.size, "")
    for sheet in read(records(content, end, tuple(dataset.columns), file), dataset, file):
        rows += sheet.rows.height
        yield sheet
    if with_trailer:
        check_count(rows, promised, file)


def require_no_nul(content: Content, dataset: RawDataset, file: Path) -> None:
    if (at := content.find(b"\0")) < 0:
        return
    problem = f"line {content.count(LINE_END, at) + 1} holds a NUL character"
    column = column_at(content, 0, at, tuple(dataset.columns))
    raise BadDelivery(file, problem, "Have it written as UTF-8, without NULs: no text may hold one.", column)


def read(found: Iterator[Record], dataset: RawDataset, file: Path) -> Iterator[Sheet]:
    header = next(found, None)
    if header is None:
        raise BadDelivery(file, "has no header: its first line is the trailer", RESEND)
    check_header(header[1], dataset, file)
    return in_batches(of_width(found, dataset, file), partial(sheet_of, dataset=dataset, file=file))


def check_header(header: Sequence[str], dataset: RawDataset, file: Path) -> None:
    declared = list(dataset.columns)
    wanted = f"Write the columns as {','.join(declared)}."
    if other := separator(header, declared):
        raise BadDelivery(file, f"separates its columns by {other!r}, not by a comma", wanted)
    if missing := [name for name in declared if name not in header]:
        raise BadDelivery(file, "is missing from the header", wanted, missing[0])
    if extra := [name for name in header if name not in declared]:
        raise BadDelivery(
            file,
            f"is not a column of {dataset.name}",
            "Remove it, or declare it in the model's spec.",
            shortened(extra[0]),
        )
    if repeated := [name for name in declared if header.count(name) > 1]:
        raise BadDelivery(file, f"is {header.count(repeated[0])} times in the header", wanted, repeated[0])
    if list(header) != declared:
        odd = next(name for name, place in zip(header, declared, strict=True) if name != place)
        raise BadDelivery(file, "is out of order in the header", wanted, odd)


def separator(header: Sequence[str], declared: Sequence[str]) -> str | None:
    """What stands between the declared columns in the place of commas."""
    if len(header) != 1 or len(declared) == 1:
        return None
    return next((other for other in ";\t|" if header[0].split(other) == declared), None)


def of_width(found: Iterator[Record], dataset: RawDataset, file: Path) -> Iterator[Record]:
    width = len(dataset.columns)
    for line, fields in found:
        if is_trailer(fields):
            raise unexpected_trailer(line, dataset, file)
        if not fields:
            raise BadDelivery(file, f"line {line} is blank", "Have it written without blank lines.")
        if len(fields) != width:
            problem, column = other_width(fields, tuple(dataset.columns))
            raise BadDelivery(
                file,
                f"line {line} has {len(fields)} fields, the header {width}: {problem}",
                ONE_FIELD_A_COLUMN,
                column,
            )
        yield line, fields


def unexpected_trailer(line: int, dataset: RawDataset, file: Path) -> BadDelivery:
    if dataset.files.proof == "trailer":
        problem = f"line {line} is a trailer, and so is the last line"
        return BadDelivery(file, problem, "Have the trailer written once, as the last line.")
    problem = f"line {line} is a trailer, and {dataset.name} is declared without trailers"
    return BadDelivery(
        file, problem, "Have the file written without it, or declare the trailer in the model's spec."
    )


def other_width(fields: Sequence[str], columns: Sequence[str]) -> tuple[str, str | None]:
    if len(fields) < len(columns):
        return f"it ends with {shortened(fields[-1])!r}", columns[len(fields)]
    return f"after them comes {shortened(fields[len(columns)])!r}", None


def sheet_of(batch: Sequence[Record], dataset: RawDataset, file: Path) -> Sheet:
    """Records as a frame. Raises BadDelivery for a text that is no value of its column."""
    lines = pl.Series([line for line, _ in batch], dtype=pl.UInt32)
    texts = pl.DataFrame(
        [fields for _, fields in batch], schema=dict.fromkeys(dataset.columns, pl.String), orient="row"
    )
    columns = [
        typed(texts[name], kind, lines, file, nullable=name in dataset.nullable)
        for name, kind in dataset.columns.items()
    ]
    return Sheet(pl.DataFrame(columns), lines)


def typed(texts: pl.Series, kind: pl.DataType, lines: pl.Series, file: Path, *, nullable: bool) -> pl.Series:
    """A column of texts as its type; an empty text is null."""
    present = texts.set(texts == "", None)
    if not nullable and present.null_count():
        problem = (
            f"line {lines[present.is_null().arg_max() or 0]} is empty in this column, which must be filled"
        )
        raise BadDelivery(file, problem, "Fill it, or declare it nullable in the model's spec.", texts.name)
    values = converted(present, kind)
    if (bad := values.is_null() & present.is_not_null()).any():
        row = bad.arg_max() or 0
        raise no_value(present[row], kind, lines[row], file, texts.name, nullable=nullable)
    return values


def no_value(
    text: str, kind: pl.DataType, line: int, file: Path, column: str, *, nullable: bool
) -> BadDelivery:
    declare = ", or declare another type in the model's spec" if kind.is_numeric() else ""
    unknown = " Leave the field empty where it is unknown." if nullable else ""
    remedy = f"Correct the value at its source{declare}.{unknown}"
    return BadDelivery(file, f"line {line} holds {shortened(text)!r}, {wrong(text, kind)}", remedy, column)


def check_count(rows: int, promised: str, file: Path) -> None:
    digits = promised.lstrip("0") or "0"
    if str(rows) == digits:
        return
    fewer = (len(str(rows)), str(rows)) < (len(digits), digits)
    counts = f"holds {rows} rows, its trailer says {shortened(digits, 20)}"
    if fewer:
        raise BadDelivery(file, f"is truncated: it {counts}", RESEND)
    raise BadDelivery(file, counts, "Have the trailer count the rows that are delivered.")
