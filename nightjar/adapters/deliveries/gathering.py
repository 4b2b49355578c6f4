"""The rows of a delivered file while it is read: few in memory, many on the disk."""

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from nightjar.adapters.deliveries.sheet import Sheet
from nightjar.core.parquet import parquet

PLACE = "__place"
"""The column that says where in the file a row was read. No column of a dataset begins like this."""
AT_HAND = 2**25
"""So many bytes of rows stay in memory."""


@dataclass(slots=True)
class Gathering:
    """Rows in the order of their file. folder: where they lie if they are many."""

    folder: Path
    height: int = 0
    _at_hand: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    _size: int = 0
    _pieces: list[Path] = field(default_factory=list[Path])

    def take(self, sheet: Sheet) -> None:
        rows = sheet.rows.with_columns(sheet.places.alias(PLACE))
        self._at_hand.append(rows)
        self.height, self._size = self.height + rows.height, self._size + int(rows.estimated_size())
        if self._size > AT_HAND:
            self._put_away()

    def _put_away(self) -> None:
        piece = self.folder / f"{len(self._pieces)}.parquet"
        piece.write_bytes(parquet(pl.concat(self._at_hand)))
        self._pieces.append(piece)
        self._at_hand.clear()
        self._size = 0

    @property
    def rows(self) -> pl.LazyFrame:
        """All rows, with their PLACE. There is at least one."""
        if not self._pieces:
            return pl.concat(self._at_hand).lazy()
        if self._at_hand:
            self._put_away()
        return pl.scan_parquet(self._pieces, glob=False)
