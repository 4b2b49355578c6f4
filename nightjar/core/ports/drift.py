"""How far runs are from their training sample."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run


class DriftLedger(Protocol):
    def record_drift(self, run: Run, columns: Sequence[ColumnDrift]) -> None:
        """Add a measurement of a run's drift by one or more methods.

        Of each method the newest counts; the same twice is kept once.
        """
        ...

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        """Keep where a run's report lies. The same uri twice gives one row."""
        ...

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        """The rows that decide, those of the method "psi", by column.

        There are none where the run was never compared.
        """
        ...

    def compared(self, model: str) -> frozenset[int]:
        """The runs of a model that have rows of the method "psi"."""
        ...

    def reports(self, run: Run) -> tuple[str, ...]: ...


class ReportWriter(Protocol):
    def draw(
        self,
        spec: ModelSpec,
        run: Run,
        night: pl.DataFrame,
        reference: pl.DataFrame,
        columns: Sequence[ColumnDrift],
        into: Path,
    ) -> Sequence[ColumnDrift]:
        """Write one HTML file that opens offline; return the per-column rows the library computed.

        Their method is "evidently:<name>". All-null, missing or constant columns are said so in the report
        and in `columns`; they never raise.
        """
        ...
