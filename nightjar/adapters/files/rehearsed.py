"""Rehearsed nights in the data folder, so that a process does not read anew what another one has read.

They only save time: whoever deletes them loses some seconds of a young model's next night.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import structlog

from nightjar.adapters.files.atomic import write_parquet
from nightjar.core.inputs.readings import READING
from nightjar.core.ports.rehearsal import Rehearsed

log = structlog.get_logger(__name__)

KEPT = 8
"""So many groups of nights are kept of a model: those of its last versions."""
NIGHT = "__night"


@dataclass(frozen=True, slots=True)
class RehearsedFiles:
    """Implements `RehearsedNights`. root: where the files lie. What was read once stays in memory."""

    root: Path
    _known: dict[str, Mapping[date, Rehearsed]] = field(default_factory=dict[str, Mapping[date, Rehearsed]])

    def get(self, model: str, group: str) -> Mapping[date, Rehearsed] | None:
        if group not in self._known:
            try:
                # The readings are written last.
                readings, samples = (_read(file) for file in self._files(model, group))
            except (OSError, pl.exceptions.PolarsError):
                return None
            empty = next(iter(samples.values()), pl.DataFrame()).clear()
            self._known[group] = {
                night: Rehearsed(readings=told, sample=samples.get(night, empty))
                for night, told in readings.items()
            }
        return self._known[group]

    def put(self, model: str, group: str, nights: Mapping[date, Rehearsed]) -> None:
        """A full disk, or one that is read-only, stops no night."""
        self._known[group] = nights
        readings, samples = self._files(model, group)
        try:
            _write({night: each.sample for night, each in nights.items()}, samples)
            _write({night: each.readings.select(*READING) for night, each in nights.items()}, readings)
            _forget_all_but_the_last(readings.parent.parent)
        except OSError as error:
            log.warning("rehearsal_not_kept", model=model, error=str(error))

    def _files(self, model: str, group: str) -> tuple[Path, Path]:
        folder = self.root / model / group
        return folder / "readings.parquet", folder / "samples.parquet"


def _forget_all_but_the_last(groups: Path) -> None:
    oldest_first = sorted(groups.iterdir(), key=lambda folder: folder.stat().st_mtime)
    for old in oldest_first[:-KEPT]:
        for file in old.iterdir():
            file.unlink(missing_ok=True)
        old.rmdir()


def _write(frames: Mapping[date, pl.DataFrame], file: Path) -> None:
    told = [rows.with_columns(pl.lit(night).alias(NIGHT)) for night, rows in frames.items() if rows.width]
    write_parquet(pl.concat(told) if told else pl.DataFrame(schema={NIGHT: pl.Date}), file)


def _read(file: Path) -> dict[date, pl.DataFrame]:
    """Night -> its rows, in the order in which they were written."""
    rows = pl.read_parquet(file, glob=False, hive_partitioning=False)
    parts = rows.partition_by(NIGHT, maintain_order=True, include_key=False, as_dict=True)
    return {night: part for (night,), part in parts.items()}
