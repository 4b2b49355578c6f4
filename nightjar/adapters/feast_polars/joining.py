"""A retrieval joins the histories of several views to the same entity rows.

If no entity rows are given, it makes them.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import polars as pl

from .cache import Cache
from .columns import column
from .entity_frame import EVENT_TIMESTAMP, EntityFrame
from .files import Listed, Listing, scan
from .history import HAPPENED, Prepared, Reading, usable
from .keys import Numbering
from .moments import UTC_US, Window
from .places import UnusableSourceError
from .pointintime import Moments
from .view import View

SNAPSHOTS: Cache[Prepared] = Cache()
"""The instants that this process was asked for. Each store limits the size of the cache (`cache_mb`)."""


@dataclass(frozen=True, slots=True)
class PointInTimeJoin:
    """The entity rows joined to their views.

    cache_bytes: a retrieval of an instant prepares values that later ones may use. At most this many bytes of
    them are kept. With 0 nothing is kept. listed: lists the files of a source.
    """

    views: Sequence[View]
    entities: EntityFrame
    root: Path
    as_known_at: bool
    cache_bytes: int = 0
    listed: Listed = Listing.of

    def schema(self) -> pl.Schema:
        readings = self._readings(self.views, remembered=False)
        return pl.Schema(
            self.entities.frame.schema
            | {name: dtype for reading in readings for name, dtype in reading.schema().items()}
        )

    def frames(self, rows: int | None, columns: Collection[str] | None = None) -> Iterator[pl.DataFrame]:
        """Yield the entity rows with the views' features beside them, in frames of at most `rows` rows.

        There is at least one frame.
        columns: the wanted features; only these are read. None: all of them.
        """
        views = (
            self.views
            if columns is None
            else [asked for view in self.views if (asked := view.only(columns)).features]
        )
        readings = self._readings(views, remembered=self.cache_bytes > 0)
        wanted = {
            reading.keys: f"Feature view {reading.view.name!r}"
            for reading in readings
            if reading.instant is None
        }
        numberings = {
            keys: Numbering.of_entities(keys, self.entities.frame, where) for keys, where in wanted.items()
        }

        def prepared(reading: Reading) -> Prepared:
            if reading.instant is not None:
                return SNAPSHOTS.get(reading.instant, reading.snapshot, self.cache_bytes)
            numbering = numberings[reading.keys]
            return Prepared(
                numbering, reading.history(numbering, self.entities, as_known_at=self.as_known_at)
            )

        height = self.entities.frame.height
        if not rows or rows >= height:  # each history is needed once, so none is kept
            asked = _Asked(self.entities, numberings.values())
            yield asked.beside([asked.of(prepared(reading)) for reading in readings])
            return
        histories = [prepared(reading) for reading in readings]
        for start in range(0, height, rows):
            asked = _Asked(self.entities.slice(start, rows), numberings.values())
            yield asked.beside([asked.of(history) for history in histories])

    def _readings(self, views: Iterable[View], *, remembered: bool) -> list[Reading]:
        return [
            Reading.of(
                view,
                self.entities,
                self.root,
                as_known_at=self.as_known_at,
                remembered=remembered,
                listed=self.listed,
            )
            for view in views
        ]


class _Asked:
    """A batch of entity rows, its keys encoded and its instants sorted once for all views."""

    def __init__(self, entities: EntityFrame, numberings: Iterable[Numbering]) -> None:
        self._frame = entities.frame
        self._moments = Moments.of(entities.instants, entities.cutoffs)
        self._codes = {numbering: numbering.codes(entities.frame) for numbering in numberings}

    def of(self, prepared: Prepared) -> pl.DataFrame:
        codes = self._codes.get(prepared.numbering)
        return prepared.history.seen_by(
            prepared.numbering.codes(self._frame) if codes is None else codes, self._moments
        )

    def beside(self, seen: Iterable[pl.DataFrame]) -> pl.DataFrame:
        return pl.concat([self._frame, *seen], how="horizontal")


def entities_seen(
    views: Sequence[View], window: Window, root: Path, *, as_known_at: bool
) -> tuple[tuple[View, ...], EntityFrame]:
    """Return the entities of any view that occur in the window, as of its end.

    The views must not look back beyond the window's start.
    Raises UnusableSourceError for views with different keys. Only an entity frame can say which combinations
    of those keys are wanted.
    """
    names = {frozenset(view.keys.values()) for view in views}
    if len(names) != 1:
        raise UnusableSourceError(
            f"Without entity rows all views need the same join keys, not {sorted(map(sorted, names))}. Pass "
            "an entity frame."
        )
    assert window.start is not None
    bound = tuple(replace(view, ttl=_shorter(view.ttl, window.end - window.start)) for view in views)
    seen = [
        keys
        for view in bound
        if (keys := _keys_seen(view, window, root, as_known_at=as_known_at)) is not None
    ]
    order = [*views[0].keys.values(), EVENT_TIMESTAMP]
    none = pl.DataFrame(schema=dict.fromkeys(order[:-1], pl.Null()) | {EVENT_TIMESTAMP: UTC_US})
    frame = (
        pl.concat([keys.select(map(column, order)) for keys in seen], how="vertical_relaxed")
        .unique()
        .sort([column(name) for name in order])
        if seen
        else none
    )
    return bound, EntityFrame(frame, EVENT_TIMESTAMP)


def _shorter(ttl: timedelta | None, span: timedelta) -> timedelta | None:
    return min(ttl, span) if ttl else span


def _keys_seen(view: View, window: Window, root: Path, *, as_known_at: bool) -> pl.DataFrame | None:
    """Return each combination of keys in the window, beside the window's end.

    For a view without keys it is one row, if the window has any row.
    """
    reach = Window.reaching_back(window.end, window.end, view.ttl)
    rows = scan(view.source, root, reach)
    if rows is None:
        return None
    inside, _ = usable(view, rows, reach, known_until=window.end if as_known_at else None)
    keys = [column(key).alias(name) for key, name in view.keys.items()]
    end = pl.when(pl.col(HAPPENED).is_not_null()).then(pl.lit(window.end, dtype=UTC_US))
    return inside.select(*keys, end.alias(EVENT_TIMESTAMP)).drop_nulls().unique().collect()
