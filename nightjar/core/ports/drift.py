"""How far runs are from comparable nights and from their training sample."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run


class DriftLedger(Protocol):
    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        """Add a measurement of a run's drift by one or more methods.

        The newest measurement of each method counts. Recording the same one again changes nothing.
        """
        ...

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        """Store the uri of a run's report. The same uri twice gives one row."""
        ...

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        """Return the rows that hold the verdict, by column: of the method "nights", of old runs "psi".

        There are none if the run was never compared.
        """
        ...

    def compared(self, runs: Collection[int]) -> frozenset[int]:
        """Return the ids of those of some runs that have such rows."""
        ...

    def reports(self, run: Run, kind: str) -> tuple[str, ...]:
        """Return the uris of a run's reports of a kind, as drift or card, in the order of writing."""
        ...


class ReportWriter(Protocol):
    def draw(
        self,
        spec: ModelSpec,
        run: Run,
        night: pl.DataFrame,
        reference: pl.DataFrame,
        columns: Sequence[ColumnDrift],
        into: Path,
    ) -> None:
        """Write one HTML file that opens offline.

        Its only verdict is that of `columns`. They say which columns are missing, constant or all null. Such
        columns never raise an error.
        """
        ...
