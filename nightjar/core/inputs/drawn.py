"""What the audit takes of a population that comes part by part. Only the rows that it chooses are kept."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from io import BytesIO

import numpy as np
import polars as pl

from nightjar.core.comparison.profile import places_of_sample
from nightjar.core.inputs.readings import HASH, MOST_ROWS, counted, hashes, least_hashes, sliced
from nightjar.core.model.spec import ModelSpec

LARGEST_HASH = 2**64 - 1
Parts = Callable[[], Iterable[pl.DataFrame]]
"""Gives the parts of a population in their order, once more at each call: the rows that can be scored."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What is taken of a population of `rows` rows that can be scored.

    sample: the rows of `sample_of`. alike: those of `same_entities`. counted: the readings of `counts`, and
    of what was delivered for the features.
    """

    rows: int
    sample: pl.DataFrame
    alike: pl.DataFrame
    counted: pl.DataFrame


class Drawing:
    """Takes a population part by part, and gives what the same functions give of all its rows at once."""

    def __init__(self, spec: ModelSpec, score_date: date) -> None:
        self._spec, self._score_date = spec, score_date
        self.begin(0)

    def begin(self, rows: int) -> None:
        """Forget what was taken. rows: those that will come, as far as it is known."""
        self._rows = rows
        self._gather, self._alike = Gather(places_of_sample(rows, self._spec.seed)), Alike(self._score_date)
        self._told = list[pl.DataFrame]()

    def take(self, part: pl.DataFrame) -> None:
        """part: rows that can be scored."""
        self._gather.take(part)
        self._alike.take(part)
        self._told.append(sliced(part, self._spec))

    @property
    def rows(self) -> int:
        """So many rows came."""
        return self._gather.passed

    @property
    def complete(self) -> bool:
        """As many came as were known of. With any other number of rows the sample has other places."""
        return self.rows == self._rows > 0

    def drawn(self) -> Drawn:
        """Of the rows that came. Only if it is complete, its sample is that of `sample_of`."""
        told = counted(self._told, self.rows, self._spec)
        return Drawn(self.rows, self._gather.rows(), self._alike.rows(), told)


def drawn(parts: Parts, rows: int, spec: ModelSpec, score_date: date) -> Drawn:
    """Read a population once.

    rows: of the population, with those that cannot be scored. If there are any of these, the population is
    read again, because the places of the sample depend on how many can be scored.
    """
    drawing = Drawing(spec, score_date)
    while True:  # ends because the second time it is known how many come
        drawing.begin(rows)
        for part in parts():
            drawing.take(part)
        if drawing.rows == rows:
            return drawing.drawn()
        rows = drawing.rows


class Gather:
    """The rows at some places of a frame that comes in parts, in the order of the places."""

    def __init__(self, places: pl.Series) -> None:
        self._order = np.argsort(places)
        self._places = places.to_numpy()[self._order]
        self._taken, self.passed = list[pl.DataFrame](), 0

    def take(self, part: pl.DataFrame) -> None:
        first, end = np.searchsorted(self._places, [self.passed, self.passed + part.height])
        self._taken.append(small(part[self._places[first:end] - self.passed], part))
        self.passed += part.height

    def rows(self) -> pl.DataFrame:
        taken = pl.concat(self._taken)
        return taken[np.argsort(self._order[: taken.height])]


class Alike:
    """The rows of `same_entities` of a frame that comes in parts."""

    def __init__(self, score_date: date) -> None:
        self._score_date = score_date
        self._like: str | None = None
        self._least, self._limit = pl.Series(HASH, dtype=pl.UInt64), LARGEST_HASH
        self._kept, self._passed = list[pl.DataFrame](), 0

    def take(self, part: pl.DataFrame) -> None:
        """Keep the rows that are among those with the least hashes so far."""
        if self._like is None and part.height:
            self._like = str(part["entity_key"][0])
        hashed = hashes(part, self._score_date, self._like or "")
        near = hashed.filter(hashed <= self._limit)
        self._least = pl.concat([self._least, near]).bottom_k(MOST_ROWS)
        if self._least.len() == MOST_ROWS:
            self._limit = int(self._least.to_numpy().max())
        here = (hashed <= self._limit).arg_true()
        self._kept.append(small(part[here], part).with_columns(hashed[here]))
        self._passed += part.height

    def rows(self) -> pl.DataFrame:
        kept = pl.concat(self._kept)
        return kept.drop(HASH) if self._passed <= MOST_ROWS else least_hashes(kept)


def small(rows: pl.DataFrame, part: pl.DataFrame) -> pl.DataFrame:
    """Rows chosen of a part, without the texts of the others, whose buffers they share.

    Half of a part is not worth a copy.
    """
    if 2 * rows.height >= part.height:
        return rows
    rows.write_ipc_stream(copy := BytesIO())  # a file of Polars' other format takes six times as long
    copy.seek(0)
    return pl.read_ipc_stream(copy)
