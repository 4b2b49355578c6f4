"""A model's world, landed and built once: eight weeks of its data, and the days that their outcomes take.

They begin at `data_from`. Of a recorded year they are those around the change to summer time.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property

import polars as pl
import pytest

from db.refusals import lasting
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.adapters.tables.sources import RawSources
from nightjar.core.lifecycle.training_set import known_days
from nightjar.core.model.occasions import occasions_between
from nightjar.core.model.spec import FeastService, FeatureTable, ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.ports.raw import RawStore
from nightjar.core.values import INSTANT
from nightjar.usecases.data.features import build_features
from nightjar.usecases.data.landing import land_until
from nightjar.usecases.data.windows import population_of
from nightjar.wiring.settings import environment

FEBRUARY_8 = (2, 8)
WEEKS = timedelta(weeks=8)


@dataclass(frozen=True)
class World:
    """What has landed by the evening before `last`, the last night that can be scored, what the tables to
    scan hold, and the features of it.
    """

    spec: ModelSpec
    raw: RawStore
    features: FeatureDirectory
    first: date
    last: date

    def table(self, table: FeatureTable) -> pl.DataFrame:
        return pl.concat(
            pl.read_parquet(file, hive_partitioning=False) for _, file in reversed(self.features.files(table))
        )

    def newest(self, table: FeatureTable) -> date:
        """The newest day of which a table has rows."""
        raw = self.frames(table, self.last - WEEKS, self.last, as_of(self.spec, self.last))
        return table.compute(raw, self.last - WEEKS, self.last)["date"].max()

    @cached_property
    def nights(self) -> tuple[date, ...]:
        """The dates of the schedule that have rows to score, oldest first."""
        scheduled = occasions_between(self.spec, self.first, self.last)
        return tuple(day for day in scheduled if not self.population(day).is_empty())

    @property
    def told(self) -> tuple[date, ...]:
        """Those of the nights whose outcomes have landed."""
        return tuple(night for night in self.nights if night <= self.last - maturing(self.spec))

    def population(self, score_date: date) -> pl.DataFrame:
        return population_of(self.spec, self.raw, score_date, as_of(self.spec, score_date))

    def night(self, score_date: date) -> pl.DataFrame:
        """The population with its features by the plain rule: of each key the newest row that had happened
        and was recorded in time.
        """
        now, rows = as_of(self.spec, score_date), self.population(score_date)
        if self.spec.features is not None:
            return served(self.spec, self.spec.features, rows, now)
        for table in self.spec.feature_tables:
            rows = rows.join(
                self.known(table, now).select(*table.keys, *table.features), on=list(table.keys), how="left"
            )
        return rows

    def known(self, table: FeatureTable, now: datetime) -> pl.DataFrame:
        usable = self.table(table).filter(
            pl.col("event_timestamp").is_between(now - table.ttl, now), pl.col("created") <= now
        )
        return usable.sort("event_timestamp", "created").unique(list(table.keys), keep="last")

    def frames(
        self, table: FeatureTable, first: date, last: date, known_at: datetime | None = None
    ) -> dict[str, pl.DataFrame]:
        """The raw days a table sees when it computes first..last."""
        seen = first - timedelta(days=table.lookback_days)
        return {name: self.raw.read(self.spec.dataset(name), seen, last, known_at) for name in table.sources}


def served(spec: ModelSpec, named: FeastService, rows: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Rows with the features that a Feast of the model's own gives them."""
    from nightjar.adapters.feast.services import ServiceFeatures

    with warnings.catch_warnings(action="ignore"):  # its own definitions cause some
        at = rows.with_columns(event_timestamp=pl.lit(now, INSTANT))
        return ServiceFeatures(named).retrieve(spec, at).drop("event_timestamp")


def span(spec: ModelSpec) -> tuple[date, date]:
    """The first day and the last night: the outcomes of the first eight weeks are complete by then."""
    recorded = date(2013 if spec.replay is None else spec.replay.last.year, *FEBRUARY_8)
    first = recorded if spec.replay or spec.data_from is None else spec.data_from
    return first, first + WEEKS + maturing(spec)


def maturing(spec: ModelSpec) -> timedelta:
    return timedelta(days=spec.maturity_days + spec.horizon_days)


def nothing_to_score(world: World) -> str:
    """What to look at if no night with complete outcomes has a row, in words."""
    spec = world.spec
    landed = "; ".join(
        known_days(dataset.name, world.raw.recorded(dataset.name), as_of(spec, world.last))
        for dataset in spec.datasets
    )
    return (
        f"models/{spec.name}: `population` gives no row for a night up to "
        f"{world.last - maturing(spec)}, so there is nothing to check. "
        f"`deliver` and the tables were asked for {world.first} to {world.last}: {landed}. "
        "If this is not enough, set `data_from` in spec.py to the first day that the feed has, and look at "
        "`deliver` and at the tables. If it is, look at `population`."
    )


@pytest.fixture(scope="session")
def world_of(tmp_path_factory) -> Callable[[ModelSpec], World]:
    worlds: dict[str, World] = {}

    def make(spec: ModelSpec) -> World:
        first, last = span(spec)
        root = tmp_path_factory.mktemp(spec.name)
        raw = RawSources.of(spec, RawFiles(root), environment(), lasting)
        features = FeatureDirectory(root)
        until = as_of(spec, last)
        land_until(spec, raw=raw, inbox=root / "inbox", until=until, first=first)
        build_features(spec, raw=raw, features=features, known_at=until, recipe_of=lambda table: table.name)
        return World(spec, raw, features, first, last)

    def known(spec: ModelSpec) -> World:
        if spec.name not in worlds:
            worlds[spec.name] = make(spec)
        world = worlds[spec.name]
        if not world.told:
            pytest.fail(nothing_to_score(world), pytrace=False)
        return world

    return known
