"""The history of one view, read once.

It reads only the columns, files, times and keys that its entities can ask for.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

import polars as pl

from .bitemporal import Bitemporal
from .columns import column
from .entity_frame import EntityFrame
from .files import Listed, Listing
from .keys import Keys, Numbering, codes, key_name, numbered
from .moments import BEGINNING, UTC_US, Window, utc_us
from .places import UnusableSourceError
from .pointintime import Moments, Sight, Snapshot, Timeline
from .view import View

CODE, HAPPENED, RECORDED = "\0code", "\0happened", "\0recorded"
"""Names that no column of a source has."""
NEVER = Window(BEGINNING, BEGINNING)


@dataclass(frozen=True, slots=True)
class History:
    """A view's rows, which any slice of the entities may look into.

    sight: finds the row that a moment sees; None: there are no rows.
    """

    sight: Sight | None
    features: pl.DataFrame

    def seen_by(self, codes: pl.Series, moments: Moments) -> pl.DataFrame:
        """The view's features, one row per entity row and in its order; null where nothing is usable.

        codes: of the view's keys.
        """
        if self.sight is None or not self.features.height:
            return pl.DataFrame(
                [
                    pl.repeat(None, codes.len(), dtype=dtype, eager=True).alias(name)
                    for name, dtype in self.features.schema.items()
                ]
            )
        rows = self.sight.rows(codes, moments)
        if not rows.null_count():
            return self.features.select(pl.all().gather(rows))
        # This is 3x faster than a gather by numbers of which some are null.
        gathered = pl.all().gather(rows.fill_null(0))
        return self.features.select(pl.when(rows.is_not_null()).then(gathered))


@dataclass(frozen=True, slots=True)
class Prepared:
    """A history and the numbers of the keys that it answers for. size: bytes."""

    numbering: Numbering
    history: History

    @property
    def size(self) -> int:
        return int(self.numbering.numbers.estimated_size() + self.history.features.estimated_size())


@dataclass(frozen=True)
class Reading:
    """A view's rows that may answer some entities, before any row is read.

    listing None: no entity asks for any. known_until: rows recorded later do not count; None: all count.
    first_known_by: as in `newest`.
    instant: names the view's question and the files that answer it, if all entities ask the same question.
    None: they ask several, or there are no files.
    """

    view: View
    listing: Listing | None
    window: Window
    known_until: datetime | None = None
    first_known_by: datetime | None = None
    instant: Hashable = None

    @classmethod
    def of(
        cls,
        view: View,
        entities: EntityFrame,
        root: Path,
        *,
        as_known_at: bool,
        remembered: bool = False,
        listed: Listed = Listing.of,
    ) -> "Reading":
        """remembered: whether the instant has to be named. Raises UnusableSourceError, FileNotFoundError."""
        cutoffs = entities.cutoff_bounds if as_known_at or entities.cutoffs is not None else None
        if not entities.bounds or (view.recorded and not entities.cutoff_bounds):
            return cls(view, None, NEVER)
        window = Window.reaching_back(*entities.bounds, view.ttl)
        listing = listed(view.source, root, window)
        first_known_by = entities.first_known_by if view.recorded else None
        one = entities.of_one_instant and not (view.recorded and entities.bitemporal)
        state = listing.state if one and remembered else None
        instant = (view.identity, window, cutoffs, first_known_by, state) if state else None
        return cls(view, listing, window, cutoffs[1] if cutoffs else None, first_known_by, instant)

    @property
    def rows(self) -> pl.LazyFrame | None:
        """The rows with HAPPENED and RECORDED. None: there are no files."""
        return self._usable[0]

    @property
    def keys(self) -> Keys:
        """The keys by their names in the entity frame, with the types that the files have."""
        return self._usable[1]

    @cached_property
    def _usable(self) -> tuple[pl.LazyFrame | None, Keys]:
        """Found only when asked for: who has the answer to the instant reads no file."""
        stored = None if self.listing is None else self.listing.rows()
        if stored is None:
            return None, ()
        rows, types = usable(self.view, stored, self.window, known_until=self.known_until)
        return rows, tuple((entity, types[key]) for key, entity in self.view.keys.items())

    def schema(self) -> pl.Schema:
        """The view's features as any answer has them."""
        if self.rows is None:
            return pl.Schema(self.view.types)
        return _as_declared(self.view, self.rows.select(self._features()).clear().collect()).schema

    def snapshot(self) -> Prepared:
        """Read the rows of all keys, and keep the one that each has at the one instant."""
        assert self.rows is not None
        names = [key_name(position) for position in range(len(self.view.keys))]
        columns = [column(key).alias(name) for key, name in zip(self.view.keys, names, strict=True)]
        loaded = self.rows.select(HAPPENED, RECORDED, *columns, *self._features()).collect()
        keys = loaded.select(names) if names else pl.DataFrame(height=loaded.height)
        numbers = numbered(keys)
        times = pl.DataFrame(
            {"code": codes(keys, numbers), "happened": loaded[HAPPENED], "recorded": loaded[RECORDED]}
        )
        newest = Snapshot.of(times, numbers.height, self.first_known_by).newest
        features = _as_declared(self.view, loaded.select(map(column, self.view.features))).select(
            pl.all().gather(newest.drop_nulls())
        )
        # A key of which nothing was known by then (`first_known_by`) has a number, and no row of features.
        there = newest.is_not_null()
        place = pl.select(pl.when(there).then(there.cum_sum() - 1).cast(pl.UInt32)).to_series()
        return Prepared(
            Numbering(self.keys, numbers, f"Feature view {self.view.name!r}"),
            History(Snapshot(place), features),
        )

    def history(self, numbering: Numbering, entities: EntityFrame, *, as_known_at: bool) -> History:
        """Read the rows whose keys have a number."""
        if self.rows is None:
            return History(None, pl.DataFrame(schema=dict(self.view.types)))
        loaded = self._numbered(self.rows, numbering).collect()
        times = loaded.select(
            pl.col(CODE).alias("code"), pl.col(HAPPENED).alias("happened"), pl.col(RECORDED).alias("recorded")
        )
        sight = self._sight(times, numbering, entities, as_known_at=as_known_at)
        # To gather from one chunk is 5x faster.
        return History(sight, _as_declared(self.view, loaded.drop(CODE, HAPPENED, RECORDED)).rechunk())

    def _sight(
        self, times: pl.DataFrame, numbering: Numbering, entities: EntityFrame, *, as_known_at: bool
    ) -> Sight:
        """Rows recorded later than all the entities' cutoffs are left out of `times` already."""
        recorded, ttl = self.view.recorded is not None, self.view.ttl
        if recorded and entities.bitemporal:
            return Bitemporal.of(times, ttl, corrections_only=entities.corrections_only)
        if entities.of_one_instant:
            return Snapshot.of(times, numbering.numbers.height, self.first_known_by)
        own = as_known_at if entities.cutoffs is None else entities.cutoffs.equals(entities.instants)
        return Timeline.of(times, ttl, as_known_at=own and recorded)

    def _numbered(self, rows: pl.LazyFrame, numbering: Numbering) -> pl.LazyFrame:
        """The rows of the keys that were asked for, in file order.

        Columns: CODE, HAPPENED, RECORDED and the features by their output names.
        """
        numbers = numbering.numbers.lazy().rename({"code": CODE})
        if self.view.keys:
            rows = rows.join(
                numbers,
                left_on=[column(key) for key in self.view.keys],
                right_on=numbering.names,
                how="inner",
                maintain_order="left",
            )
        else:
            rows = rows.with_columns(pl.lit(0, dtype=pl.UInt32).alias(CODE))
        return rows.select(CODE, HAPPENED, RECORDED, *self._features())

    def _features(self) -> list[pl.Expr]:
        return [column(stored).alias(name) for name, stored in self.view.features.items()]


def usable(
    view: View, rows: pl.LazyFrame, window: Window, *, known_until: datetime | None
) -> tuple[pl.LazyFrame, Mapping[str, pl.DataType]]:
    """Rows of the window, recorded by `known_until` (None: whenever), with HAPPENED and RECORDED added.

    Beside them, the types of their keys: categories become text.
    """
    schema = rows.collect_schema()
    if lacking := [name for name in view.columns() if name not in schema]:
        raise UnusableSourceError(
            f"Feature view {view.name!r}: {view.source.name} lacks columns {lacking}. It has "
            f"{schema.names()}."
        )
    inside = window.holds(view.happened, schema[view.happened])
    recorded = pl.lit(None, dtype=UTC_US)
    if view.recorded:
        recorded = utc_us(view.recorded, schema[view.recorded], round_up=True)
        # A row that doesn't say when it was recorded is not known at any time: null fails the filter.
        if known_until:
            inside &= Window(None, known_until).holds(view.recorded, schema[view.recorded])
    key_types = {
        key: pl.String() if isinstance(schema[key], (pl.Categorical, pl.Enum)) else schema[key]
        for key in view.keys
    }
    times = (
        utc_us(view.happened, schema[view.happened], round_up=True).alias(HAPPENED),
        recorded.alias(RECORDED),
    )
    return rows.filter(inside).with_columns(
        *times, *(column(key).cast(dtype) for key, dtype in key_types.items())
    ), key_types


def _as_declared(view: View, features: pl.DataFrame) -> pl.DataFrame:
    """Plain values as the types the view declares, so that they don't depend on the files.

    Nested and temporal values stay as they are stored, and so do doubles, which lose nothing to a Float32.
    Raises TypeError for values that the declared type cannot hold, as fractions that are declared as
    integers.
    """
    stored = features.schema
    plain = [name for name, dtype in view.types.items() if _is_plain(dtype) and _is_plain(stored[name])]
    whole = [
        name
        for name in plain
        if (stored[name].is_float() or stored[name].is_decimal()) and view.types[name].is_integer()
    ]
    if lossy := _true_of(features, {name: column(name) % 1 != 0 for name in whole}):
        raise TypeError(
            f"Feature view {view.name!r}: {lossy} hold fractions or NaN and are declared as integers. "
            "Declare them as Float64."
        )
    to_float = [name for name in plain if stored[name].is_integer() and view.types[name].is_float()]
    if lossy := _true_of(features, {name: _is_rounded(name, view.types[name]) for name in to_float}):
        raise TypeError(
            f"Feature view {view.name!r}: {lossy} hold integers that no float does. Declare them as Int64."
        )
    other = [name for name in plain if (stored[name], view.types[name]) != (pl.Float64, pl.Float32)]
    try:
        return features.with_columns(column(name).cast(view.types[name]) for name in other)
    except pl.exceptions.InvalidOperationError as error:
        raise TypeError(
            f"Feature view {view.name!r}: {str(error).splitlines()[0]}. Declare what the files hold."
        ) from error


def _true_of(features: pl.DataFrame, conditions: Mapping[str, pl.Expr]) -> list[str]:
    """The names whose condition holds for any row."""
    found = features.select(condition.any().alias(name) for name, condition in conditions.items())
    return [name for name in conditions if found[name].item()]


def _is_rounded(name: str, dtype: pl.DataType) -> pl.Expr:
    return column(name).cast(dtype).cast(pl.Int128, strict=False) != column(name).cast(pl.Int128)


def _is_plain(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null))
