"""What a night gets through Feast, its registry in Postgres and our offline store is what the plain rule
gives.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import models
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.errors.night import AuditFailed
from nightjar.core.night.clock import as_of, night_of
from nightjar.core.ports.features import FeatureSource
from nightjar.usecases.data.windows import population_of

SPEC = models.model("flight_delay")


@pytest.mark.parametrize(
    "score_date", [date(2013, 1, 1), date(2013, 1, 2), date(2013, 2, 10), date(2013, 3, 11)], ids=str
)
def test_every_row_gets_the_newest_features_known_in_time(world, score_date):
    now = as_of(SPEC, score_date)
    population = population_of(SPEC, world.platform.raw, score_date, now)
    asked = population.with_columns(event_timestamp=pl.lit(now, pl.Datetime("us", "UTC")))

    expected = asked
    for table in SPEC.feature_tables:
        files = [file for _, file in FeatureDirectory(world.home / "data").files(table)]
        rows = pl.read_parquet(files, hive_partitioning=False)
        usable = rows.filter(
            pl.col("event_timestamp").is_between(now - table.ttl, now), pl.col("created") <= now
        )
        newest = usable.sort("event_timestamp", "created").unique(list(table.keys), keep="last")
        expected = expected.join(
            newest.select(*table.keys, *table.features),
            on=list(table.keys),
            how="left",
            maintain_order="left",
        )

    assert_frame_equal(world.platform.features.retrieve(SPEC, asked), expected, check_column_order=False)
    if score_date > date(2013, 1, 7):
        carriers = expected["carrier_late_rate_7d"]
        assert carriers.null_count() < carriers.len() / 10, "a night that gets no features proves nothing"


def test_training_and_scoring_see_the_same_features(world):
    """The training snapshot's rows of a night are the rows that the night itself would get."""
    version = world.platform.registry.versions(SPEC.name)[0]
    sample = pl.read_parquet(world.platform.artifacts.get(version.reference_uri))
    night = sample["score_date"].max() - timedelta(days=1)
    rows = sample.filter(score_date=night)
    population = population_of(SPEC, world.platform.raw, night, as_of(SPEC, night))
    scored = world.platform.features.retrieve(
        SPEC, population.with_columns(event_timestamp=pl.lit(as_of(SPEC, night), pl.Datetime("us", "UTC")))
    )
    same = rows.select("entity_key").join(scored, on="entity_key", maintain_order="left")
    assert rows.height > 50
    assert_frame_equal(rows.select(SPEC.inputs), same.select(SPEC.inputs))


@dataclass(frozen=True)
class Leaky:
    """A feature store that looks a day too far."""

    store: FeatureSource

    def __getattr__(self, name):
        return getattr(self.store, name)

    def reading(self, generations):
        return Leaky(self.store.reading(generations))

    def retrieve(self, spec, entities):
        moment = pl.col("event_timestamp")
        later = self.store.retrieve(spec, entities.with_columns(moment + timedelta(days=1)))
        return later.with_columns(moment - timedelta(days=1))


def test_features_of_tomorrow_keep_a_night_from_being_published(world):
    night = world.platform.score_night(SPEC)
    leaky = replace(night, inputs=replace(night.inputs, features=Leaky(night.inputs.features)))
    with pytest.raises(AuditFailed, match=r"other values of carrier_late_rate_7d, .* than the table carrier"):
        leaky.run(night_of(SPEC, date(2013, 3, 11)), force=True)
