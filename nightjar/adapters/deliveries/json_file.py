"""The strict reading of delivered JSON lines: each line is an object with the declared columns.

Texts, dates and instants are in quotes, numbers and flags are not. Dates and instants have the form that they
have in a CSV. A member that is missing is null.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.csv_text import require_text, shortened
from nightjar.adapters.deliveries.csv_values import converted, wrong
from nightjar.adapters.deliveries.sheet import Sheet, in_batches
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset

Members = Sequence[tuple[str, Any]]
Record = tuple[int, Mapping[str, Any]]
"""Its line, counted from 1, and its members."""


class Number(str):
    """A number as it is written, so that no digit is lost before its column's type is known."""

    __slots__ = ()


class NotAnObject(Exception):
    """A line that is JSON, but no object with each name once. It never leaves this module."""


def read_json(content: Content, dataset: RawDataset, file: Path) -> Iterator[Sheet]:
    """The rows of a file with the dataset's columns and types, some at a time.

    Raises BadDelivery; `file` only names it.
    """
    require_text(content, file, "JSON lines")
    yield from in_batches(objects(content, dataset, file), partial(sheet_of, dataset=dataset, file=file))


def objects(content: Content, dataset: RawDataset, file: Path) -> Iterator[Record]:
    """The object of each line. Raises BadDelivery where a line is none, or has other members."""
    for line, text in lines(content, file):
        try:
            members = json.loads(
                text,
                parse_int=Number,
                parse_float=Number,
                parse_constant=Number,
                object_pairs_hook=distinct,
            )
        except NotAnObject as error:
            raise BadDelivery(file, f"line {line} {error}", "Have each name written once.") from error
        except (ValueError, RecursionError) as error:
            remedy = "Have each row written as one JSON object on one line."
            raise BadDelivery(
                file, f"line {line} is not JSON: {why(error)}: {shortened(text)!r}", remedy
            ) from error
        if not isinstance(members, dict):
            remedy = 'Have each row written as an object like {"column": value}.'
            raise BadDelivery(file, f"line {line} holds {shortened(text)}, which is no object", remedy)
        yield line, of_columns(members, line, dataset, file)


def lines(content: Content, file: Path) -> Iterator[tuple[int, str]]:
    content.file.seek(0)
    for line, encoded in enumerate(content.file, 1):
        if not encoded.strip():
            raise BadDelivery(file, f"line {line} is blank", "Have it written without blank lines.")
        try:
            yield line, encoded.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            byte = encoded[error.start]
            problem = f"line {line} holds the byte 0x{byte:02x}, which is not UTF-8 there"
            raise BadDelivery(file, problem, "Have it written as UTF-8.") from error


def distinct(members: Members) -> dict[str, Any]:
    found = dict(members)
    if len(found) < len(members):
        times = Counter(name for name, _ in members)
        repeated = next(name for name in times if times[name] > 1)
        raise NotAnObject(f"names {shortened(repeated)!r} twice")
    return found


def why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at character {error.pos + 1}"
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def of_columns(members: dict[str, Any], line: int, dataset: RawDataset, file: Path) -> Mapping[str, Any]:
    extra = next((name for name in members if name not in dataset.columns), None)
    if extra is not None:
        problem = f"line {line} has this name, which is not a column of {dataset.name}"
        raise BadDelivery(file, problem, "Remove it, or declare it in the model's spec.", shortened(extra))
    return members


def sheet_of(batch: Sequence[Record], dataset: RawDataset, file: Path) -> Sheet:
    places = pl.Series([line for line, _ in batch], dtype=pl.UInt32)
    columns = [
        typed(
            name,
            [members.get(name) for _, members in batch],
            kind,
            places,
            file,
            nullable=name in dataset.nullable,
        )
        for name, kind in dataset.columns.items()
    ]
    return Sheet(pl.DataFrame(columns), places)


def typed(
    name: str, values: Sequence[Any], kind: pl.DataType, places: pl.Series, file: Path, *, nullable: bool
) -> pl.Series:
    """The values of a column as its type. Raises BadDelivery for the first that is no value of it."""
    absent = pl.Series([value is None for value in values], dtype=pl.Boolean)
    if not nullable and absent.any():
        problem = f"line {places[absent.arg_max() or 0]} has no value in this column, which must be filled"
        raise BadDelivery(file, problem, "Fill it, or declare it nullable in the model's spec.", name)
    texts = pl.Series(name, [text_of(value, kind) for value in values], dtype=pl.String)
    read = converted(texts, kind)
    if (bad := read.is_null() & ~absent).any():
        row = bad.arg_max() or 0
        said, text = written(values[row]), texts[row]
        problem = "which is not " + form_of(kind) if text is None else wrong(text, kind)
        remedy = "Correct the value at its source, or declare another type in the model's spec."
        raise BadDelivery(file, f"line {places[row]} holds {said}, {problem}", remedy, name)
    return read


def text_of(value: object, kind: pl.DataType) -> str | None:
    """A value as a CSV would write it. None for null, and for a value of another JSON type."""
    if isinstance(value, bool):
        return str(value).lower() if isinstance(kind, pl.Boolean) else None
    if isinstance(value, Number):
        return str(value) if kind.is_numeric() else None
    in_quotes = isinstance(kind, pl.String | pl.Date | pl.Datetime)
    return value if isinstance(value, str) and in_quotes and is_storable(value) else None


def is_storable(text: str) -> bool:
    """False for a text with a NUL or half of a surrogate pair, which no UTF-8 column holds."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def written(value: object) -> str:
    return shortened(str(value) if isinstance(value, Number) else json.dumps(value, default=str))


def form_of(kind: pl.DataType) -> str:
    """How JSON writes a value of the type."""
    if isinstance(kind, pl.Boolean):
        return "true or false, without quotes"
    if kind.is_numeric():
        return "a number, without quotes"
    return "a text in quotes, of characters that UTF-8 can hold and without NUL"
