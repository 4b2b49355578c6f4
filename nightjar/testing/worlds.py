"""A small made-up world of the toy model, as delivered files. Its outcome follows x, and its level moves."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.model.spec import ModelSpec, RawDataset
from nightjar.testing.specs import HAPPENED, PLANNED, TOY

FIRST = date(2013, 3, 1)


class NoFeatures:
    """A feature source without features. asked: how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def require(self, spec: ModelSpec) -> None:
        """It has whatever is asked for."""

    def retrieve(self, spec: ModelSpec, entities: pl.DataFrame) -> pl.DataFrame:  # noqa: ARG002
        self.asked += 1
        return entities


def evening(day: date) -> datetime:
    """The as-of of the toy in UTC."""
    return datetime.combine(day - timedelta(days=1), TOY.as_of_time, UTC)


def land(
    raw: RawFiles,
    dataset: RawDataset,
    day: date,
    rows: Sequence[Sequence[object]],
    recorded_at: datetime,
    folder: Path,
) -> None:
    """Deliver the rows of a day as a CSV file with a trailer. folder: for the file."""
    file = folder / f"{dataset.name}-{day}.csv"
    lines = [",".join(dataset.columns), *(",".join(map(str, row)) for row in rows), f"# rows={len(rows)}"]
    file.write_text("\n".join(lines) + "\n")
    raw.land(dataset, day, file, recorded_at)


def made(folder: Path, days: int, rows: int, drift_days: float = 40) -> RawFiles:
    """The days from FIRST on. The log odds are 2 x, and rise by 1 in `drift_days`."""
    raw, random = RawFiles(folder / "data"), np.random.default_rng(0)
    for n, day in enumerate(FIRST + timedelta(days=n) for n in range(days)):
        x = random.normal(size=rows).round(3)
        late = (random.random(rows) < 1 / (1 + np.exp(-2 * x - n / drift_days))).astype(int)
        keys = [f"{day}-{i:02}" for i in range(rows)]
        before, after = evening(day) - timedelta(hours=1), evening(day) + timedelta(days=1, hours=12)
        land(raw, PLANNED, day, [*zip(keys, x, strict=True)], before, folder)
        land(raw, HAPPENED, day, [*zip(keys, late, strict=True)], after, folder)
    return raw
