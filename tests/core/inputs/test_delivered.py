"""Faults of a feed are found in its file, where a night sees few of its values."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.inputs.delivered import DAYS, of_delivery
from nightjar.core.inputs.ordinary_readings import unusual
from nightjar.core.model.spec import RawDataset
from nightjar.core.values import INSTANT

WEATHER = RawDataset(
    name="weather",
    columns={
        "city": pl.String(),
        "hour": INSTANT,
        "temp": pl.Float64(),
        "dewp": pl.Float64(),
        "wind": pl.Float64(),
        "rain": pl.Float64(),
    },
    keys=("city", "hour"),
    nullable=frozenset({"temp"}),
    day_column="hour",
)
CITIES = ("cairo", "oslo", "rome")
FIRST = date(2013, 1, 1)
NIGHTS = 24
VALUES = ["temp", "dewp", "wind", "rain"]


def day_of(number):
    """Each city by hour: a warm afternoon, a dew point below it, wind in whole knots as miles an hour."""
    chance = np.random.default_rng(number)
    start = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(days=number)
    hours, places = np.tile(np.arange(24), 3), np.repeat(np.arange(3), 24)
    warm = 60 + 4 * places + 2 * np.sin(number) + 9 * np.sin((hours - 6) / 24 * 2 * np.pi)
    temp = np.round((warm + chance.normal(0, 0.6, 72)) / 0.18) * 0.18
    return pl.DataFrame(
        {
            "city": np.repeat(CITIES, 24),
            "hour": [start + timedelta(hours=int(hour)) for hour in hours],
            "temp": temp.round(2),
            "dewp": (temp - 0.18 * chance.integers(0, 60, 72)).round(2),
            "wind": (chance.integers(0, 16, 72) * 1.15078).round(2),
            "rain": np.where(chance.random(72) < 0.05, 0.1, 0.0),
        }
    ).cast(dict(WEATHER.columns))


DAY = [day_of(number) for number in range(NIGHTS + 1)]


def read(number, rows=None):
    return of_delivery(
        WEATHER,
        DAY[number] if rows is None else rows,
        [DAY[before] for before in range(number - 1, max(-1, number - 1 - DAYS), -1)],
    )


PAST = [read(number) for number in range(2, NIGHTS)]


def found(rows):
    return {each.name: each for each in unusual(read(NIGHTS, rows), PAST)}


def test_an_ordinary_day_has_no_finding():
    assert found(DAY[NIGHTS]) == {}


EIGHT_HOURS = pl.col("hour").dt.hour().is_between(8, 15)
SIX_HOURS = pl.col("hour").dt.hour() >= 18


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (pl.col("temp").sub(32).truediv(1.8).round(2), "units"),
        (pl.col("wind").mul(1.609).round(2), "units"),
        (pl.when(city="rome").then(pl.col("wind").mul(1.609).round(2)).otherwise("wind"), "units"),
        (pl.col("temp").add(150).round(2), "range"),
        ([pl.col("dewp").alias("temp"), pl.col("temp").alias("dewp")], "swapped"),
        (pl.col(VALUES).first().over("city"), "frozen"),
        (
            [pl.when(SIX_HOURS).then(None).otherwise(name).forward_fill().alias(name) for name in VALUES],
            "frozen",
        ),
        (pl.col("temp").shuffle(seed=1), "order"),
        (pl.when(pl.int_range(pl.len()) % 3 == 0).then(None).otherwise("temp").alias("temp"), "missing"),
        (pl.col("temp").round(0), "precision"),
        (pl.col("wind").first(), "repeated"),
        (pl.col("city").replace({"cairo": "oslo", "oslo": "cairo"}), "keys_exchanged"),
        (pl.when(pl.col("city") != "rome").then("wind"), "missing"),
        (pl.when(city="rome").then(pl.col("temp") + 12).otherwise("temp"), "by_others"),
        (pl.col("temp") + 20, "jump"),
        (pl.col("rain") * 25.4, "units"),
        (pl.when(pl.col("rain") == 0).then(0.001).otherwise("rain").alias("rain"), "units"),
        (pl.when(city="rome").then(pl.col("temp").floor()).otherwise("temp"), "decimals"),
        (pl.col("wind").cum_sum().over("city"), "one_way"),
        (pl.when(EIGHT_HOURS).then(99.0).otherwise("wind").alias("wind"), "repeated"),
        (pl.when(~EIGHT_HOURS).then("temp").interpolate().over("city").round(2).alias("temp"), "filled"),
    ],
    ids=[
        "celsius",
        "kilometres",
        "kilometres in one city",
        "out of range",
        "exchanged",
        "the first hour all day",
        "stuck for six hours",
        "shuffled",
        "a third missing",
        "rounded",
        "constant",
        "two cities exchanged",
        "no wind in one city",
        "warmer in one city",
        "warmer everywhere",
        "rain in millimetres",
        "a trace of rain for none",
        "no decimals in one city",
        "wind added up since midnight",
        "a code for calm air",
        "a gap that is filled by a straight line",
    ],
)
def test_a_fault_of_a_feed_is_named(rows, name):
    assert name in found(DAY[NIGHTS].with_columns(rows))


def test_a_city_that_is_missing_is_named():
    odd = found(DAY[NIGHTS].filter(pl.col("city") != "rome"))
    assert "All rows of weather city rome are missing" in odd["slice_missing"].sentence
    assert odd["volume"].column == "weather"


def test_the_day_before_once_more_is_named():
    again = DAY[NIGHTS - 1].with_columns(pl.col("hour") + timedelta(days=1))
    frozen = {each.column for each in unusual(read(NIGHTS, again), PAST) if each.name == "frozen"}
    assert frozen >= {"weather", "weather.temp", "weather.dewp"}


def test_a_file_that_is_late_is_named():
    both = pl.concat(DAY[NIGHTS - 1 :]).sort("city", "hour")
    moved = both.with_columns(pl.col("temp", "wind").shift(5).over("city"))
    odd = unusual(read(NIGHTS, moved.filter(pl.col("hour") >= DAY[NIGHTS]["hour"].min())), PAST)
    assert {each.column for each in odd if each.name == "late"} == {"weather.temp", "weather.wind"}


def test_after_a_gap_nothing_is_said_of_how_a_day_goes_on():
    told = of_delivery(WEATHER, DAY[NIGHTS], DAY[NIGHTS - 2 : NIGHTS - 2 - DAYS : -1])
    assert told.filter(pl.col("name").is_in(["jump", "late", "exchanged"])).is_empty()


def test_a_finding_names_dataset_column_and_key():
    wind = pl.when(city="rome").then(pl.col("wind").mul(1.609).round(2)).otherwise("wind")
    sentence = found(DAY[NIGHTS].with_columns(wind))["units"].sentence
    what, numbers = sentence.split("\n")
    assert what == "weather.wind for city rome has values that the days before did not have"
    assert numbers.startswith("Share of values that the days before had too: ")


def test_a_large_day_is_read_by_the_same_keys_every_day():
    shops = RawDataset(
        name="shops",
        columns={"shop": pl.Int64(), "day": pl.Date(), "sales": pl.Float64()},
        keys=("shop", "day"),
        day_column="day",
    )

    def sold(day):
        there = pl.DataFrame({"shop": range(5_000), "day": [FIRST + timedelta(days=day)] * 5_000})
        return there.with_columns(sales=pl.col("shop") * 1.0 + day).sample(fraction=1, shuffle=True, seed=day)

    told = of_delivery(shops, sold(1), [sold(0)])
    assert told.filter(name="rows")["value"].to_list() == [5_000]
    assert told.filter(name="changed", column="shops.sales")["value"].to_list() == [1.0]
    assert told.filter(name="step", column="shops.sales")["value"].to_list() == [1.0]
    assert told.filter(pl.col("name").is_in(["stuck", "smooth", "longest"])).is_empty()


def test_a_feed_without_numbers_is_counted():
    words = RawDataset(name="words", columns={"word": pl.String()}, keys=("word",))
    told = of_delivery(words, pl.DataFrame({"word": ["a", "b"]}), [])
    counted = [("rows", "words", "", 2.0), *(("rows", "words", f"words word={each}", 1.0) for each in "ab")]
    assert sorted(told.rows()) == counted


def test_a_dataset_that_changes_its_columns_is_read_beside_its_days_before():
    """A dataset's code may give its columns in another order, in another type, or one more of them."""
    newest, *earlier = (day_of(number) for number in range(NIGHTS - 1, NIGHTS - 8, -1))
    told = of_delivery(WEATHER, newest, earlier)
    reordered = newest.select(reversed(newest.columns)).with_columns(pl.col("rain").cast(pl.Float32))
    assert of_delivery(WEATHER, reordered, [day.drop("wind") for day in earlier]).height > 0
    same = newest.select(reversed(newest.columns)).with_columns(note=pl.lit("new"))
    assert of_delivery(WEATHER, same, earlier).sort(pl.all()).equals(told.sort(pl.all()))


@pytest.mark.parametrize(("hours", "equal"), [(4, []), (5, [1.0])])
def test_a_few_gusts_say_whether_they_are_the_wind(hours, equal):
    gusts = replace(WEATHER, columns={**WEATHER.columns, "gust": pl.Float64()})
    city = (pl.col("city") == "rome") & (pl.col("hour").dt.hour() < hours)
    usual = [
        day.with_columns(wind=pl.col("wind") + 9).with_columns(gust=pl.when(city).then("wind"))
        for day in DAY[:9]
    ]
    told = of_delivery(gusts, usual[-1], usual[:-1])
    assert told.filter(name="equal", column="weather.wind and gust")["value"].to_list() == equal
