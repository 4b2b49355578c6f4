"""Rows of a source by time alone, without entities: what materialising, monitoring and saved datasets read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL

from nightjar.adapters.feast_polars.files import scan
from nightjar.adapters.feast_polars.keys import codes, numbered
from nightjar.adapters.feast_polars.moments import UTC_US, Window, utc_us
from nightjar.adapters.feast_polars.pointintime import newest

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pull:
    """Which columns of a source, under their stored names, from when till when (UTC, both included; None: unbounded)."""

    source: DataSource
    keys: Sequence[str]
    features: Sequence[str]
    happened: str
    recorded: str | None
    start: datetime | None
    end: datetime | None

    def all(self, root: Path, rows: int | None) -> Iterator[pl.DataFrame]:
        """The rows in file order, in frames of at most `rows` rows; at least one frame."""
        return _sliced(self._read(root), rows)

    def latest(self, root: Path, rows: int | None) -> Iterator[pl.DataFrame]:
        """The row of each key that happened, then was recorded, then stands last. Keys with a null are left out.

        Without join keys there is one row, and Feast's placeholder key beside it.
        """
        frame = self._read(root)
        keys = frame.select(self.keys) if self.keys else pl.DataFrame(height=frame.height)
        times = pl.DataFrame(
            {
                "code": codes(keys, numbered(keys)),
                "happened": frame.select(utc_us(self.happened, frame.schema[self.happened])).to_series(),
                "recorded": frame.select(utc_us(self.recorded, frame.schema[self.recorded])).to_series() if self.recorded else None,
            },
            schema_overrides={"recorded": UTC_US},
        )
        last = newest(times).drop_nulls("code")["row"]
        latest = frame.select(pl.all().gather(last.sort()))
        if not self.keys:
            latest = latest.with_columns(pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID))
        return _sliced(latest, rows)

    def _read(self, root: Path) -> pl.DataFrame:
        times = [self.happened, self.recorded] if self.recorded else [self.happened]
        columns: list[str] = list(dict.fromkeys([*self.keys, *self.features, *times]))
        window = Window(self.start, self.end or END_OF_TIME)
        rows = scan(self.source, root, window)
        if rows is None:
            return pl.DataFrame(schema={name: UTC_US if name in times else pl.Null() for name in columns})
        return rows.filter(window.holds(self.happened, rows.collect_schema()[self.happened])).select(columns).collect()


def _sliced(frame: pl.DataFrame, rows: int | None) -> Iterator[pl.DataFrame]:
    return frame.iter_slices(rows) if rows and frame.height else iter((frame,))
