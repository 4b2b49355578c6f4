"""The history that answers one view: read once, with no more columns, files, times or keys than its entities can ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from nightjar.adapters.feast_polars.bitemporal import Bitemporal
from nightjar.adapters.feast_polars.entity_frame import EntityFrame
from nightjar.adapters.feast_polars.files import UnusableSourceError, scan
from nightjar.adapters.feast_polars.keys import codes, numbered
from nightjar.adapters.feast_polars.moments import UTC_US, Window, utc_us
from nightjar.adapters.feast_polars.pointintime import Sight, Snapshot, Timeline
from nightjar.adapters.feast_polars.view import View

CODE, HAPPENED, RECORDED = "__code", "__happened", "__recorded"


@dataclass(frozen=True, slots=True)
class History:
    """A view's rows, which any slice of the entities may look into.

    key_types: the source's type of each key. numbers: the code of each combination of keys that was asked for.
    sight: which row a moment sees. features: the rows. sight None: there is nothing to see.
    """

    view: View
    key_types: Mapping[str, pl.DataType]
    numbers: pl.DataFrame
    sight: Sight | None
    features: pl.DataFrame

    @classmethod
    def read(cls, view: View, entities: EntityFrame, root: Path, *, as_known_at: bool) -> "History":
        """The rows that may answer any of these entities. Raises UnusableSourceError, FileNotFoundError, TypeError (join keys)."""
        nothing = cls(view, {}, pl.DataFrame(), None, pl.DataFrame(schema=dict(view.types)))
        bounds = entities.bounds
        if not bounds or (view.recorded and not entities.cutoff_bounds):
            return nothing
        cutoffs = entities.cutoff_bounds if as_known_at or entities.cutoffs is not None else None
        window = Window.reaching_back(*bounds, view.ttl)
        lazy = scan(view.source, root, window)
        if lazy is None:
            return nothing
        rows, key_types = usable(view, lazy, window, known_until=cutoffs[1] if cutoffs else None)
        numbers = numbered(view.keys_of(entities, key_types)) if view.keys else pl.DataFrame({"code": [0]}, schema={"code": pl.UInt32})
        loaded = _of_entities(view, rows, numbers).collect()
        times = loaded.select(pl.col(CODE).alias("code"), pl.col(HAPPENED).alias("happened"), pl.col(RECORDED).alias("recorded"))
        sight = _sight(view, times, entities, as_known_at=as_known_at)
        return cls(view, key_types, numbers, sight, _as_declared(view, loaded.drop(CODE, HAPPENED, RECORDED)))

    def seen_by(self, entities: EntityFrame) -> pl.DataFrame:
        """The view's features, one row per entity row and in its order; null where nothing is usable."""
        height = entities.frame.height
        if self.sight is None:
            return pl.DataFrame([pl.repeat(None, height, dtype=dtype, eager=True).alias(name) for name, dtype in self.features.schema.items()])
        if self.view.keys:
            asked = codes(self.view.keys_of(entities, self.key_types), self.numbers)
        else:
            asked = pl.repeat(0, height, dtype=pl.UInt32, eager=True)
        moments = pl.DataFrame(
            {"code": asked, "at": entities.frame[entities.time]} | ({} if entities.cutoffs is None else {"until": entities.cutoffs})
        )
        seen = self.sight.rows(moments)
        return self.features.select(pl.all().gather(seen))


def _sight(view: View, times: pl.DataFrame, entities: EntityFrame, *, as_known_at: bool) -> Sight:
    """Rows recorded later than all the entities' cutoffs are left out of `times` already."""
    assert entities.bounds
    first, last = entities.bounds
    if view.recorded is None or entities.cutoffs is None:
        each = as_known_at and view.recorded is not None
    elif entities.cutoffs.equals(entities.frame[entities.time]):
        each = True
    elif entities.cutoffs.n_unique() == 1 and not entities.corrections_only:
        each = False
    else:
        return Bitemporal.of(times, view.ttl, corrections_only=entities.corrections_only)
    return Snapshot.of(times, view.ttl, last, as_known_at=each) if first == last else Timeline.of(times, view.ttl, as_known_at=each)


def usable(view: View, rows: pl.LazyFrame, window: Window, *, known_until: datetime | None) -> tuple[pl.LazyFrame, dict[str, pl.DataType]]:
    """Rows of the window, recorded by `known_until` (None: whenever), with HAPPENED and RECORDED added, and the types of their keys: categories become text."""
    schema = rows.collect_schema()
    if lacking := [column for column in view.columns() if column not in schema]:
        raise UnusableSourceError(f"Feature view {view.name!r}: {view.source.name} lacks columns {lacking}. It has {schema.names()}.")
    inside = window.holds(view.happened, schema[view.happened])
    recorded = pl.lit(None, dtype=UTC_US)
    if view.recorded:
        recorded = utc_us(view.recorded, schema[view.recorded], round_up=True)
        if known_until:  # a row that doesn't say when it was recorded is not known at any time: null fails the filter
            inside &= Window(None, known_until).holds(view.recorded, schema[view.recorded])
    key_types = {key: pl.String() if isinstance(schema[key], (pl.Categorical, pl.Enum)) else schema[key] for key in view.keys}
    times = (utc_us(view.happened, schema[view.happened], round_up=True).alias(HAPPENED), recorded.alias(RECORDED))
    return rows.filter(inside).with_columns(*times, *(pl.col(key).cast(dtype) for key, dtype in key_types.items())), key_types


def _of_entities(view: View, rows: pl.LazyFrame, numbers: pl.DataFrame) -> pl.LazyFrame:
    """The rows of the keys that were asked for, in file order: CODE, HAPPENED, RECORDED and the features by their output names."""
    if view.keys:
        rows = rows.join(numbers.lazy().rename({"code": CODE}), on=list(view.keys), how="inner", maintain_order="left")
    else:
        rows = rows.with_columns(pl.lit(0, dtype=pl.UInt32).alias(CODE))
    return rows.select(CODE, HAPPENED, RECORDED, *(pl.col(column).alias(name) for name, column in view.features.items()))


def _as_declared(view: View, features: pl.DataFrame) -> pl.DataFrame:
    """Plain values as the types the view declares, so that they don't depend on the files; nested and temporal ones as they are stored."""
    plain = [name for name, dtype in view.types.items() if _is_plain(dtype) and _is_plain(features.schema[name])]
    return features.with_columns(pl.col(name).cast(view.types[name]) for name in plain)


def _is_plain(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or isinstance(dtype, (pl.String, pl.Boolean, pl.Categorical, pl.Enum, pl.Null))
