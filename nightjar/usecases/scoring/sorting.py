"""Sort a population that does not fit into memory, on the disk."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import polars as pl

from nightjar.core.night.entities import Part
from nightjar.core.night.population import by_content, ordered_population, require_keys

ROWS_AT_ONCE = 250_000
"""So many rows are sorted at once."""
EVERY = 100
"""So many rows stand behind each key by which rows are spread over heaps."""
Batches = Iterable[pl.DataFrame | pl.LazyFrame]
AT_HAND = 2**28
"""Bytes of rows that are not worth the disk: a million rows of the flights, which are sorted as a whole."""


@dataclass(slots=True)
class Sorting:
    """Rows on their way into the order of `entity_key`.

    They come in batches. While they are few, they stay in memory. Else all go to the disk. There each batch
    is cut into heaps by its keys, and a heap is sorted as a whole: all rows with the same key are in one.
    folder: where the rows lie meanwhile.
    """

    folder: Path
    rows: int = 0
    _at_hand: list[pl.DataFrame] = field(default_factory=list[pl.DataFrame])
    _size: int = 0
    _keys: list[pl.Series] = field(default_factory=list[pl.Series])
    _batches: list[Callable[[], pl.DataFrame]] = field(default_factory=list[Callable[[], pl.DataFrame]])

    def take(self, batches: Batches) -> "Sorting":
        """Keep the rows. Raises ContractBroken for rows without a text column `entity_key`.

        A LazyFrame lies on the disk already. Its keys are read now, its rows when they are sorted.
        """
        for batch in batches:
            if isinstance(batch, pl.LazyFrame):
                self._leave(batch)
                continue
            require_keys(batch)
            self._at_hand.append(batch)
            self.rows, self._size = self.rows + batch.height, self._size + int(batch.estimated_size())
            if self._size > AT_HAND:
                self._put_away()
        return self

    def _leave(self, batch: pl.LazyFrame) -> None:
        require_keys(batch.head(0).collect())
        keys = batch.select("entity_key").collect(engine="streaming")
        self.rows += keys.height
        self._batches.append(partial(batch.collect, engine="streaming"))
        self._choose(keys)

    def _put_away(self) -> None:
        for batch in self._at_hand:
            file = kept(batch, self.folder / f"batch-{len(self._batches)}")
            self._batches.append(partial(read_back, file))
            self._choose(batch)
        self._at_hand.clear()

    def _choose(self, batch: pl.DataFrame) -> None:
        # A copy: keys that are chosen of others share their memory.
        self._keys.append(pl.Series(batch["entity_key"].gather_every(EVERY).to_list(), dtype=pl.String))

    def sorted(self) -> Iterator[pl.DataFrame]:
        """The rows as `ordered_population` gives them, a heap at a time. It can be read once."""
        if not self._batches:
            yield from self._whole()
            return
        self._put_away()
        heaps = -(-self.rows // ROWS_AT_ONCE)
        bounds = bounds_of(pl.concat(self._keys), heaps)
        pieces: list[list[Path]] = [[] for _ in range(heaps)]
        for number, batch in enumerate(self._batches):
            for heap, piece in spread(batch(), bounds):
                pieces[heap].append(kept(piece, self.folder / f"heap-{heap}-{number}"))
        for heap in pieces:
            if heap:
                yield ordered_population(by_content(pl.concat(map(read_back, heap))))

    def _whole(self) -> Iterator[pl.DataFrame]:
        if self._at_hand:
            rows = pl.concat(self._at_hand)
            self._at_hand.clear()
            yield ordered_population(by_content(rows))


def bounds_of(keys: pl.Series, heaps: int) -> pl.Series:
    """The first keys of all heaps but the first: they cut the keys into heaps of about the same size."""
    known = keys.drop_nulls().sort()
    places = [known.len() * heap // heaps for heap in range(1, heaps)]
    return known.gather(places).unique(maintain_order=True) if known.len() else known


def spread(rows: pl.DataFrame, bounds: pl.Series) -> Iterator[tuple[int, pl.DataFrame]]:
    """The rows of each heap, in their order. A row without a key belongs to the last one."""
    keys = rows["entity_key"]
    heap = pl.select(
        pl.when(keys.is_null()).then(bounds.len()).otherwise(bounds.search_sorted(keys, side="right"))
    ).to_series()
    for number in heap.unique().sort():
        yield number, rows.filter(heap == number)


def in_parts(rows: Iterable[pl.DataFrame], parts: Iterable[Part]) -> Iterator[pl.DataFrame]:
    """The rows of each part, of frames of other sizes that follow each other."""
    frames, held = iter(rows), None
    for part in parts:
        while held is None or held.height < part.rows:
            following = next(frames)
            held = following if held is None else pl.concat([held, following], rechunk=True)
        yield held.slice(0, part.rows)
        held = held.slice(part.rows)


def kept(rows: pl.DataFrame, file: Path) -> Path:
    file.write_bytes(rows.write_ipc(None, compression="lz4").getvalue())
    return file


def read_back(file: Path) -> pl.DataFrame:
    """The rows, whose file is needed no longer."""
    rows = pl.read_ipc(file.read_bytes())
    file.unlink()
    return rows
