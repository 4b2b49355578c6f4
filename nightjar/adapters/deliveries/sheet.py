"""Some rows of a delivered file, whatever its format."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeVar

import polars as pl

BATCH_ROWS = 20_000
"""Rows that are texts in memory at one time: a text takes many times the memory of its value."""

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows with their types.

    places: where each row is in the file, in lines or rows counted from 1. A quoted text in a CSV may hold
    line ends.
    """

    rows: pl.DataFrame
    places: pl.Series


def in_batches(found: Iterator[Record], sheet_of: Callable[[Sequence[Record]], Sheet]) -> Iterator[Sheet]:
    """The records of a file as sheets of BATCH_ROWS rows."""
    while batch := list(islice(found, BATCH_ROWS)):
        yield sheet_of(batch)
