"""Nights that were never scored, read as they would have been: what a young model's nights are held to."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Run


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """readings: with the columns of READING. sample: the rows that are compared, as a published night's.

    The sample has no row where it lies so far back that no night is compared with it row by row.
    """

    readings: pl.DataFrame
    sample: pl.DataFrame


class RehearsedNights(Protocol):
    """What was rehearsed already. A group is made of the same code, version, features and days.

    Losing it loses time alone.
    """

    def get(self, model: str, group: str) -> Mapping[date, Rehearsed] | None: ...

    def put(self, model: str, group: str, nights: Mapping[date, Rehearsed]) -> None:
        """nights: newest first."""
        ...


Rehearse = Callable[[Run, Collection[date], int], Mapping[date, Rehearsed]]
"""A run, the published nights before it and its rows -> nights before those, newest first."""


def unrehearsed(run: Run, published: Collection[date], rows: int) -> Mapping[date, Rehearsed]:
    """No night is rehearsed, whatever is published."""
    return {}
