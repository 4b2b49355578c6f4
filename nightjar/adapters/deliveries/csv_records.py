"""A delivered CSV cut into records.

It finds the trailer that proves the file whole, the line of each record, and where one is not CSV.
"""

import csv
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.csv_text import shortened
from nightjar.adapters.deliveries.delivered import RESEND
from nightjar.core.errors.inputs import BadDelivery

TRAILER = re.compile(r"# rows=([0-9]+)")
MOST_TEXT = 131_072
"""Characters of one field: what Python's reader takes.

A longer one is a quote that was never closed, or no value of a table.
"""
LOOKED_AT = 2**25
"""Bytes that are looked at to say what is wrong with a record."""
FIELD = re.compile(r'"[^"]*(?:""[^"]*)*"|[^",\r\n][^,\r\n]*|')
"""A field as it should be, up to what ends it; empty where it is not."""

QUOTING = (
    "Shorten or correct it at the source: a text with a comma, a quote or a line end is quoted, each quote "
    "in it is doubled, and a quote is closed."
)

Record = tuple[int, list[str]]
"""The line on which it begins, counted from 1, and its fields."""


class Lines:
    """The lines from one place to another, read one by one.

    `line`, `at`: how many were read, and where the next begins. most: bytes that a line can have.
    """

    def __init__(self, content: Content, start: int, end: int, columns: int) -> None:
        self.content, self.end, self.line, self.at = content, end, 0, start
        self.most = max(1, columns) * (4 * MOST_TEXT + 3)
        content.file.seek(start)

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        """Raises UnicodeDecodeError, and csv.Error for a line that no row of so many columns has."""
        if self.at >= self.end:
            raise StopIteration
        encoded = self.content.file.readline(min(self.most + 1, self.end - self.at))
        if len(encoded) > self.most:
            stop = self.content.find(b"\n", self.at, self.end) + 1 or self.end
            raise csv.Error(f"it has {stop - self.at:,} bytes, more than its fields can hold")
        text = encoded.decode()
        self.line, self.at = self.line + 1, self.at + len(encoded)
        return text


def body_of(content: Content, file: Path) -> tuple[int, str]:
    """Where the rows end, and how many there are by the trailer.

    Raises BadDelivery where the last line is no trailer.
    """
    start = content.rfind(b"\n", content.size - 1) + 1
    last = content.between(start).decode(errors="replace")
    trailer = TRAILER.fullmatch(last.removesuffix("\n").removesuffix("\r"))
    if trailer is None or not last.endswith("\n"):
        raise without_trailer(content, start, last, file)
    return start, trailer[1]


def without_trailer(content: Content, start: int, last: str, file: Path) -> BadDelivery:
    """What is wrong with a file whose last line, which begins at `start`, is no trailer."""
    shown = shortened(last.rstrip("\r\n"))
    if (line := trailer_within(content, start)) is not None:
        number = content.count(b"\n", start) + 1
        what = (
            f"and line {number}, {shown!r}, follows it"
            if shown
            else f"and line {number}, which is blank, follows it"
        )
        return BadDelivery(
            file, f"line {line} is the trailer, {what}", "Have the trailer written once, as the last line."
        )
    if not last.endswith("\n"):
        return BadDelivery(
            file,
            f"is truncated: its last line, {shown!r}, is not the trailer `# rows=N` with a line end",
            RESEND,
        )
    if shown.startswith("#"):
        remedy = "Have N, the number of rows, written in the digits 0 to 9, and nothing after it."
        return BadDelivery(file, f"its last line, {shown!r}, is not the trailer `# rows=N`", remedy)
    remedy = f"{RESEND} A feed without trailers must add one."
    return BadDelivery(file, f"is truncated: its last line, {shown!r}, is not the trailer `# rows=N`", remedy)


def trailer_within(content: Content, end: int) -> int | None:
    """The line of the first trailer before `end`, as far as that can be read."""
    with suppress(BadDelivery):
        return next((line for line, fields in records(content, end, (), Path()) if is_trailer(fields)), None)
    return None


def is_trailer(fields: Sequence[str]) -> bool:
    return len(fields) == 1 and TRAILER.fullmatch(fields[0]) is not None


def records(content: Content, end: int, columns: Sequence[str], file: Path) -> Iterator[Record]:
    """The records up to `end`, the header first.

    Raises BadDelivery where one is not CSV, or not UTF-8; `columns` and `file` only name it.
    """
    lines = Lines(content, 0, end, len(columns))
    reader = csv.reader(lines, strict=True)
    while True:
        begin, line = lines.at, lines.line + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except UnicodeDecodeError as error:
            at = lines.at + error.start
            byte = content.between(at, at + 1).hex()
            problem = f"line {lines.line + 1} holds the byte 0x{byte}, which is not UTF-8 there"
            column = column_at(content, begin, at, columns)
            raise BadDelivery(file, problem, "Have it written as UTF-8.", column) from error
        except csv.Error as error:
            looked_at = min(end, lines.at + max(lines.most, LOOKED_AT))
            text = content.between(begin, looked_at).decode(errors="replace")
            index, problem = misquoted(text, whole=looked_at == end)
            raise BadDelivery(
                file, f"line {line} {problem or f'is not CSV: {error}'}", QUOTING, named(columns, index)
            ) from error
        yield line, fields


def misquoted(text: str, *, whole: bool) -> tuple[int, str]:
    """The first field of a record that is wrong, counted from 0, and what is wrong with it.

    Nothing if no field is wrong.
    whole: the text goes on to the end of the rows, so a quote that it does not close is never closed.
    """
    at = index = 0
    while True:
        found = FIELD.match(text, at)
        end = at if found is None else found.end()
        goes_on = not whole and (end == len(text) or (end == at and text[at : at + 1] == '"'))
        if goes_on and len(text) - at > MOST_TEXT:
            return index, f"holds a text of {len(text) - at:,} characters or more, the limit is {MOST_TEXT:,}"
        if end - at > MOST_TEXT:
            return index, f"holds a text of {end - at:,} characters, the limit is {MOST_TEXT:,}"
        if text[end : end + 1] != ",":
            return index, ending(text, at, end)
        at, index = end + 1, index + 1


def ending(text: str, at: int, end: int) -> str:
    """What is wrong with a field that begins at `at`, looks right up to `end`, and is ended by no comma."""
    shown = repr(shortened(text[at:].partition("\n")[0], 40))
    if end == at and text[at : at + 1] == '"':
        return f"is not CSV: {shown} opens a quote that is never closed"
    if text[end : end + 1] == "\r" and text[end + 1 : end + 2] != "\n":
        return f"is not CSV: {shown} holds a carriage return that is not quoted"
    if text[at : at + 1] == '"' and text[end : end + 1] not in ("\r", "\n", ""):
        return f"is not CSV: {shown} goes on after its closing quote"
    return ""


def column_at(content: Content, start: int, end: int, columns: Sequence[str]) -> str | None:
    """The column in which the records between two places end, as far as they can be read."""
    last: deque[list[str]] = deque(maxlen=1)
    with suppress(csv.Error, UnicodeDecodeError):
        last.extend(csv.reader(Lines(content, start, end, len(columns))))
    return named(columns, len(last[0]) - 1) if last else named(columns, 0)


def named(columns: Sequence[str], index: int) -> str | None:
    return columns[index] if index < len(columns) else None
