"""What the audit keeps of a night to compare later nights with, and what it found."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Protocol

import polars as pl

from nightjar.core.inputs.findings import Finding
from nightjar.core.night.entities import Run


class Readings(Protocol):
    """Readings and sampled rows of nights, and the findings of their audits. Append-only."""

    def record(self, run: Run, readings: pl.DataFrame, sample: pl.DataFrame) -> None:
        """Store a run's readings, with the columns of READING, and its sampled rows.

        What is stored already stays: it describes what was scored first. Raises ClaimLost.
        """
        ...

    def record_findings(self, run: Run, findings: Sequence[Finding]) -> None:
        """Store what this attempt's audit found, in order. A second call for the attempt changes nothing.

        Raises ClaimLost.
        """
        ...

    def findings(self, run: Run) -> Sequence[Finding]:
        """Return what the audit of a run's newest attempt found, in order."""
        ...

    def doubts(self, model: str) -> Mapping[date, tuple[Finding, ...]]:
        """Return what did not hold a published night and is told of it, by night, in order.

        Only of the run that analysts see. A night that a person accepted with findings is left out: the
        person has seen them all.
        """
        ...

    def published(self, model: str, before: date, most: int) -> Mapping[date, bool]:
        """Return the last published nights before a date that have readings, newest first.

        True for a night that a person accepted with findings.
        """
        ...

    def of_nights(self, model: str, nights: Collection[date]) -> Mapping[date, pl.DataFrame]:
        """Return the readings of published nights, by night."""
        ...

    def samples(self, model: str, before: date, most: int) -> Mapping[date, pl.DataFrame]:
        """Return the sampled rows of the last published nights before a date, by night, newest first."""
        ...
