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

        The newest measurement of each method counts. Recording the same one again changes nothing.
        """
        ...

    def record_report(self, run: Run, kind: str, uri: str) -> None:
        """Store the uri of a run's report. The same uri twice gives one row."""
        ...

    def drift(self, run: Run) -> tuple[ColumnDrift, ...]:
        """Return the rows of the method "psi", by column. They decide about drift.

        There are none if the run was never compared.
        """
        ...

    def compared(self, model: str) -> frozenset[int]:
        """Return the ids of a model's runs that have rows of the method "psi"."""
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
        """Write one HTML file that opens offline. Return the rows per column that the library computed.

        Their method is "evidently:<name>". The report and `columns` say which columns are missing, constant
        or all null. Such columns never raise an error.
        """
        ...
