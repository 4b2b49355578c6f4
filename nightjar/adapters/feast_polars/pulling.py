"""A pull reads rows of a source by time alone, without entities.

Materialising, monitoring and saved datasets use it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from feast.feature_view import DUMMY_ENTITY_ID, DUMMY_ENTITY_VAL

from .columns import column
from .files import scan
from .keys import codes, key_name, numbered
from .moments import UTC_US, Window, utc_us
from .places import Source
from .pointintime import newest

END_OF_TIME = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pull:
    """A request for columns of a source, by their stored names, between two times.

    Both times are UTC and included. None: unbounded.
    newest_only: only the last row of each key, by event time, then record time, then file order. Keys with a
    null are left out. Without join keys the result is one row, with Feast's placeholder key.
    """

    source: Source
    keys: Sequence[str]
    features: Sequence[str]
    happened: str
    recorded: str | None
    start: datetime | None
    end: datetime | None
    root: Path
    newest_only: bool

    def schema(self) -> pl.Schema:
        stored = self._rows().collect_schema()
        return (
            pl.Schema(stored | {DUMMY_ENTITY_ID: pl.String()})
            if self.newest_only and not self.keys
            else stored
        )

    def frames(self, rows: int | None, columns: Collection[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the rows in file order, in frames of at most `rows` rows. There is at least one frame.

        columns: the wanted columns. None: all.
        """
        if self.newest_only:
            return _sliced(self._newest(), rows)
        wanted = self._rows() if columns is None else self._rows().select(map(column, columns))
        return _sliced(wanted.collect(), rows)

    def _newest(self) -> pl.DataFrame:
        frame = self._rows().collect()
        numbers = [column(key).alias(key_name(position)) for position, key in enumerate(self.keys)]
        keys = frame.select(numbers) if numbers else pl.DataFrame(height=frame.height)
        times = pl.DataFrame(
            {
                "code": codes(keys, numbered(keys)),
                "happened": frame.select(utc_us(self.happened, frame.schema[self.happened])).to_series(),
                "recorded": frame.select(utc_us(self.recorded, frame.schema[self.recorded])).to_series()
                if self.recorded
                else None,
            },
            schema_overrides={"recorded": UTC_US},
        )
        last = newest(times).drop_nulls("code")["row"]
        latest = frame.select(pl.all().gather(last.sort()))
        return latest if self.keys else latest.with_columns(pl.lit(DUMMY_ENTITY_VAL).alias(DUMMY_ENTITY_ID))

    def _rows(self) -> pl.LazyFrame:
        times = [self.happened, self.recorded] if self.recorded else [self.happened]
        columns: list[str] = list(dict.fromkeys([*self.keys, *self.features, *times]))
        window = Window(self.start, self.end or END_OF_TIME)
        rows = scan(self.source, self.root, window)
        if rows is None:
            return pl.LazyFrame(schema={name: UTC_US if name in times else pl.Null() for name in columns})
        return rows.filter(window.holds(self.happened, rows.collect_schema()[self.happened])).select(
            map(column, columns)
        )


def _sliced(frame: pl.DataFrame, rows: int | None) -> Iterator[pl.DataFrame]:
    return frame.iter_slices(rows) if rows and frame.height else iter((frame,))
