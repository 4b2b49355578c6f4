"""Nights that were never scored, read as they would have been: what a young model's nights are held to."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl

from nightjar.core.night.entities import Run


@dataclass(frozen=True)
class Rehearsed:
    """sample: the rows that are compared, as a published night's. read: makes the readings."""

    sample: pl.DataFrame
    read: Callable[[], pl.DataFrame]

    @cached_property
    def readings(self) -> pl.DataFrame:
        """With the columns of READING. They are made when they are asked for, and kept."""
        return self.read()


Rehearse = Callable[[Run, Collection[date], int], Mapping[date, Rehearsed]]
"""A run, the published nights before it and its rows -> nights before those, newest first."""


def unrehearsed(run: Run, published: Collection[date], rows: int) -> Mapping[date, Rehearsed]:
    """No night is rehearsed, whatever is published."""
    return {}
