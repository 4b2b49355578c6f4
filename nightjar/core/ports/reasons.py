"""The reasons of published scores."""

from collections.abc import Collection
from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Run


class ReasonLedger(Protocol):
    def record(self, run: Run, reasons: pl.DataFrame, note: str | None = None) -> None:
        """Store the reasons of a run, once. A second call changes nothing.

        reasons: the columns REASONS of nightjar/core/explaining/reasons.py; none if no row was asked for.
        note: why rows that were asked for have no reasons.
        All or nothing.
        """
        ...

    def explained(self, runs: Collection[int]) -> frozenset[int]:
        """Return the ids of those of some runs of which something was recorded, reasons or none."""
        ...

    def reasons(self, run: Run) -> pl.DataFrame:
        """Return the columns REASONS, by key and rank."""
        ...
