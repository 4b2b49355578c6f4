"""The newest rows of a feature table are computed once more, from what was delivered by the night."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import RawDataset
from nightjar.core.night.clock import night_of
from nightjar.core.values import INSTANT
from nightjar.testing.runs import claimed
from nightjar.testing.specs import HAPPENED, PLANNED, WEATHER, toy_spec
from nightjar.usecases.data.features import build_features
from nightjar.usecases.scoring import anew as module
from nightjar.usecases.scoring.anew import Anew
from nightjar.usecases.scoring.second_reading import SecondReading

CITIES = ["cairo", "oslo", "rome"]
GAUGES = RawDataset(
    name="gauges",
    columns={"city": pl.String(), "rain": pl.Float64()},
    keys=("city",),
    source=Files(format="parquet"),
)
NIGHT = night_of(toy_spec(), date(2013, 6, 15))
LAST = NIGHT.as_of.date() - timedelta(days=1)
HOUR = timedelta(hours=1)


def rain_of_two_days(raw, first, last):
    days = raw["gauges"].sort("date")
    return days.select(
        "city",
        "date",
        pl.col("rain").rolling_sum_by("date", window_size="2d").over("city"),
        pl.col("date").cast(INSTANT).alias("event_timestamp"),
        pl.col("recorded_at").max().over("date").alias("created"),
    ).filter(pl.col("date").is_between(first, last))


TABLE = replace(
    WEATHER, ttl=timedelta(days=9), lookback_days=1, sources=("gauges",), compute=rain_of_two_days
)


class Platform:
    """A model with one feature table, whose gauges were delivered for some days."""

    def __init__(self, folder, table=TABLE):
        self.spec = toy_spec(
            datasets=(PLANNED, HAPPENED, GAUGES), feature_tables=(table,), numeric=("x", "rain")
        )
        self.raw, self.files, self.folder = RawFiles(folder / "data"), FeatureDirectory(folder), folder
        self.recipe = "recipe"
        for before, rain in enumerate([1.0, 10.0, 100.0, 1000.0]):
            self.deliver(before, rain)
        self.build()

    def deliver(self, before, rain, recorded_at=None):
        day, file = LAST - timedelta(days=before), self.folder / "rain.parquet"
        pl.DataFrame({"city": CITIES, "rain": [rain, 2 * rain, 3 * rain]}).write_parquet(file)
        self.raw.land(GAUGES, day, file, recorded_at or NIGHT.as_of - before * 24 * HOUR - HOUR)

    def build(self):
        build_features(self.spec, raw=self.raw, features=self.files, recipe_of=lambda _: "recipe")

    def found(self, known_at=NIGHT.as_of, more=0.0):
        (table,) = self.spec.feature_tables
        run = claimed(NIGHT, known_at=known_at)
        anew = Anew(spec=self.spec, files=self.files, recipe_of=lambda _: self.recipe)
        second = SecondReading(spec=self.spec, tables=self.files, anew=anew)
        given = self.files.recent(table, pl.DataFrame({"city": CITIES}), run.as_of, known_at)
        rows = given.select("city", pl.col("rain") + more).with_columns(x=0.0)
        self.computed = second.computed(run, self.raw)
        return [(each.name, each.column) for each in second.findings(run, rows, {}, self.computed)]

    def tamper(self, change):
        """Other rows in the file of the newest day."""
        (table,) = self.spec.feature_tables
        _, file = self.files.files(table)[0]
        rows = pl.read_parquet(file, hive_partitioning=False)
        change(rows).write_parquet(file)


@pytest.fixture
def platform(tmp_path):
    return Platform(tmp_path)


def test_a_table_is_as_it_was_computed(platform):
    assert platform.found() == []
    assert platform.computed["weather"].sort("city").rows() == [
        ("cairo", 11.0),
        ("oslo", 22.0),
        ("rome", 33.0),
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.with_columns(rain=pl.lit(0.0)),
        lambda rows: rows.with_columns(rain=pl.lit(None, pl.Float64)),
        lambda rows: rows.with_columns(pl.col("rain") * 60),
        lambda rows: rows.with_columns(pl.col("rain").shift(1)),
        lambda rows: rows.with_columns(pl.col("rain") * 1.000_001),
        lambda rows: rows.with_columns(pl.col("rain") * 10),
        lambda rows: rows.with_columns(pl.col("created") + 24 * HOUR),
        lambda rows: rows.with_columns(pl.col("event_timestamp") + 48 * HOUR),
        lambda rows: rows.filter(pl.col("city") != "oslo"),
        lambda rows: rows.clear(),
    ],
    ids=[
        "zeros",
        "missing",
        "another unit",
        "other keys",
        "a little more",
        "the day before",
        "known late",
        "two days later",
        "a key less",
        "no row",
    ],
)
def test_a_file_that_says_something_else_is_found(platform, change):
    platform.tamper(change)
    assert platform.found() == [("misbuilt", "rain")]


def test_rows_that_were_given_other_values_than_a_right_table_holds_were_misread(platform):
    assert platform.found(more=1.0) == [("misread", "rain")]


def test_a_correction_counts_from_when_it_was_recorded(platform):
    platform.deliver(1, 50.0, NIGHT.as_of - HOUR / 2)
    assert platform.found() == [("misbuilt", "rain")], "it is not built"
    platform.build()
    assert platform.found() == []
    platform.deliver(0, 7.0, NIGHT.as_of + HOUR)
    platform.build()
    assert platform.found() == []
    assert platform.computed["weather"].filter(city="cairo")["rain"].item() == 51.0


def test_a_night_that_knows_corrections_is_not_computed_again(platform):
    assert platform.found(NIGHT.as_of + HOUR) == []
    assert platform.computed == {}


def test_what_other_code_made_is_not_held_to_this_code(platform):
    platform.recipe = "another"
    platform.tamper(lambda rows: rows.with_columns(rain=pl.lit(0.0)))
    assert platform.found() == []
    platform.files.use(TABLE, Generation(FIRST, "another"))
    assert platform.found() == [("misbuilt", "rain")]


def test_a_table_that_needs_many_rows_is_not_computed(platform, monkeypatch):
    monkeypatch.setattr(module, "MOST_ROWS", 9)
    assert platform.found() == []
    assert "weather" in platform.computed
    monkeypatch.setattr(module, "MOST_ROWS", 8)
    assert platform.found() == []
    assert platform.computed == {}
