"""Faults of feeds, joins and models move the readings of a night; ordinary nights do not."""

import random
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.core.inputs.again import repeated
from nightjar.core.inputs.by_key import keyed
from nightjar.core.inputs.ordinary_readings import LEAST_NIGHTS, RATE, unusual
from nightjar.core.inputs.readings import (
    LEAST_OTHERS,
    READING,
    columns_by_date,
    counts,
    entities,
    met_again,
    others,
    readings,
    same_by_chance,
    same_entities,
)
from nightjar.core.model.slices import Slice
from nightjar.testing.specs import WEATHER, toy_spec

FIRST = date(2013, 6, 3)
CITIES = ["OSLO", "ROME", "CAIRO"]
SHOPS = 240
SPEC = toy_spec(
    categorical=("city",), numeric=("size", "sales", "opens"), slices=(Slice(name="city", by="city"),)
)


def night(number):
    """A night of shops. Their size and city never change, their sales do a little."""
    shops, chance = random.Random(1), random.Random(number + 2)
    sizes = [shops.uniform(50, 500) for _ in range(SHOPS)]
    sales = [size * chance.uniform(0.9, 1.1) + 0.5 for size in sizes]
    rows = pl.DataFrame(
        {
            "entity_key": [f"{shop:03}-{FIRST + timedelta(number)}" for shop in range(SHOPS)],
            "city": [CITIES[shop % 3] for shop in range(SHOPS)],
            "size": sizes,
            "sales": sales,
            "opens": [(7 + shop % 24) * 60 % 1440 for shop in range(SHOPS)],
            "score": [(sale + chance.uniform(0, 20)) / 700 for sale in sales],
        }
    )
    keep = [chance.random() < 0.9 for _ in range(SHOPS)]
    return entities(rows.filter(pl.Series(keep)), FIRST + timedelta(number))


NIGHTS = [night(number) for number in range(LEAST_NIGHTS + 3)]


def read(rows, number):
    return pl.concat([readings(rows, SPEC, NIGHTS[:number][-7:][::-1]), counts(rows, SPEC)])


READ = [read(rows, number) for number, rows in enumerate(NIGHTS)]
TONIGHT = len(NIGHTS)


def found(rows, past=READ):
    return {(each.name, each.column, each.slice) for each in unusual(read(rows, TONIGHT), past[1:])}


@pytest.mark.parametrize("number", range(TONIGHT, TONIGHT + 12))
def test_an_ordinary_night_has_no_finding(number):
    assert found(night(number)) == set()


def test_few_nights_say_nothing():
    assert unusual(read(night(TONIGHT).head(40), TONIGHT), READ[: LEAST_NIGHTS - 1]) == ()


def of(change):
    return change(night(TONIGHT))


size = pl.col("size")
every = pl.int_range(pl.len())


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda rows: rows.head(100), ("volume", "", "")),
        (lambda rows: pl.concat([rows, rows]), ("volume", "", "")),
        (lambda rows: rows.filter(pl.col("city") != "ROME"), ("slice_missing", "", "city=ROME")),
        (
            lambda rows: rows.filter((pl.col("city") != "ROME") | (every % 4 == 0)),
            ("slice_volume", "", "city=ROME"),
        ),
        (lambda rows: rows.with_columns(size * 1.609344), ("units", "size", "")),
        (
            lambda rows: rows.with_columns(
                size=pl.when(pl.col("city") == "OSLO").then(size * 2).otherwise(size)
            ),
            ("units", "size", "city=OSLO"),
        ),
        (lambda rows: rows.with_columns(opens=(pl.col("opens") + 300) % 1440), ("offset", "opens", "")),
        (lambda rows: rows.with_columns(sales=-pl.col("sales")), ("sign", "sales", "")),
        (lambda rows: rows.with_columns(sales=pl.col("sales").round()), ("precision", "sales", "")),
        (
            lambda rows: rows.with_columns(sales=pl.when(every % 3 == 0).then(0.0).otherwise("sales")),
            ("zeros", "sales", ""),
        ),
        (
            lambda rows: rows.with_columns(sales=pl.when(every % 3 == 0).then(999.0).otherwise("sales")),
            ("repeated", "sales", ""),
        ),
        (lambda rows: rows.with_columns(size=size.shuffle(seed=1)), ("order", "size", "")),
        (lambda rows: rows.with_columns(score=1 - pl.col("score")), ("scores_unexplained", "score", "")),
    ],
)  # fmt: skip
def test_a_fault_is_found_by_name(change, finding):
    assert finding in found(of(change))


def test_values_of_last_night_are_frozen():
    last = NIGHTS[-1].select("entity", last="sales")
    rows = night(TONIGHT).join(last, on="entity", how="left").with_columns(sales=pl.coalesce("last", "sales"))
    assert ("frozen", "sales", "") in found(rows)


def test_the_population_of_last_night_is_known_again():
    old, day = FIRST + timedelta(TONIGHT - 1), FIRST + timedelta(TONIGHT)
    key = pl.col("entity_key").str.replace(str(old), str(day), literal=True)
    assert ("population_repeated", "", "") in found(entities(NIGHTS[-1].with_columns(key), day))


def steady(number, others):
    """A night of which so many entities are in no other one."""
    kept = night(0).with_columns(
        pl.when(every < others)
        .then(pl.format("new {} {}", pl.lit(number), every))
        .otherwise("entity")
        .alias("entity")
    )
    return kept.with_columns(entity_key=pl.col("entity"))


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([LEAST_OTHERS] * (LEAST_NIGHTS + 2), True),
        ([1] * (LEAST_NIGHTS + 2), False),
        ([20, 1, 1, *[20] * (LEAST_NIGHTS - 1)], True),
    ],
    ids=["it changes", "it hardly changes", "two nights hardly differ"],
)
def test_a_population_that_hardly_changes_is_the_same_by_chance(others, told):
    rows = [steady(number, count) for number, count in enumerate(others)]
    past = [
        pl.concat([readings(each, SPEC, rows[:number][-7:][::-1]), counts(each, SPEC)])
        for number, each in enumerate(rows)
    ]
    again = pl.concat([readings(rows[-1], SPEC, rows[-7:][::-1]), counts(rows[-1], SPEC)])
    assert same_by_chance(again, past[1:]) is not told
    names = {each.name for each in unusual(again, past[1:])}
    nights = {FIRST + timedelta(number): each for number, each in enumerate(past)}
    names |= {each.name for each in repeated(again, nights, RATE, by_chance=same_by_chance(again, past[1:]))}
    assert ("population_repeated" in names) is told


STEADY = pl.DataFrame({"entity": [f"shop {number}" for number in range(100)]})
REPLACED = STEADY.with_columns(
    pl.when(every < 20).then(pl.lit("new ") + pl.col("entity")).otherwise("entity").alias("entity")
)


@pytest.mark.parametrize(("rows", "gone"), [(STEADY, 0), (STEADY.head(80), 0.2), (REPLACED, 0)])
def test_entities_of_all_nights_are_gone_unless_others_came_instead(rows, gone):
    assert ("gone", "", "", pytest.approx(gone)) in met_again(rows, [STEADY] * 3)


@pytest.mark.parametrize(("rows", "within"), [(STEADY, 1), (STEADY.head(80), 1), (REPLACED, 0.8)])
def test_entities_are_within_an_earlier_night_if_none_is_new(rows, within):
    assert ("within_most", "", "", within) in met_again(rows, [STEADY.tail(50), STEADY])


def test_entities_that_one_of_two_nights_has_are_counted_by_slice():
    last = night(0)
    renamed = pl.when(city="ROME").then(pl.lit("x") + pl.col("entity")).otherwise("entity")
    rows = last.with_columns(renamed.alias("entity"))
    sizes = dict(rows["city"].value_counts().iter_rows())
    told = {part: count for _, _, part, count in others(rows, keyed(rows, ["entity"], last), SPEC)}
    assert told == {f"city={city}": (2 * size if city == "ROME" else 0) for city, size in sizes.items()}
    few = rows.head(20)
    assert [*others(few, keyed(few, ["entity"], last), SPEC)] == []


def test_two_slices_are_counted_together():
    spec = replace(SPEC, slices=(*SPEC.slices, Slice(name="early", by=pl.col("opens") < 720)))
    told = counts(night(0), spec).filter(pl.col("slice").str.starts_with("city and early="))
    assert told.height == 6
    assert told["value"].sum() == night(0).height


def test_a_factor_is_told_with_its_likely_cause():
    rows = night(TONIGHT).with_columns(size * 1.609344)
    units = next(each for each in unusual(read(rows, TONIGHT), READ[1:]) if each.name == "units")
    assert units.what.endswith(": it looks like kilometres for miles, by the factor 1.609")
    assert (units.expected, units.number, units.rate) == (0.0, pytest.approx(1.0), RATE)


def test_what_is_told_of_a_column_is_not_told_again_of_its_slices():
    told = found(night(TONIGHT).with_columns(size * 1.609344))
    assert {part for name, column, part in told if (name, column) == ("units", "size")} == {""}


def test_the_same_entities_are_compared_every_night(monkeypatch):
    monkeypatch.setattr("nightjar.core.inputs.readings.MOST_ROWS", 50)
    chosen = [
        set(entities(same_entities(night(n), FIRST + timedelta(n)), FIRST + timedelta(n))["entity"])
        for n in (0, 1)
    ]
    assert len(chosen[0]) == 50
    assert len(chosen[0] & chosen[1]) > 35


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize(
    "inputs",
    [
        {"numeric": ("rain",), "feature_tables": (WEATHER,)},
        {"numeric": ("rain",), "categorical": ("city",), "feature_tables": (WEATHER,)},
        {"numeric": (), "categorical": ("city",)},
        {"numeric": ("sales",)},
        {"numeric": ("sales", "rain"), "feature_tables": (WEATHER,)},
    ],
    ids=["a table alone", "a table and its key", "texts alone", "a number alone", "both"],
)
def test_a_model_with_inputs_of_any_kind_is_read(inputs, before):
    """Of the inputs, an entity may have no number of its own, or a number without a text."""
    spec = toy_spec(**inputs)
    rain = pl.col("city").replace_strict(CITIES, [0.0, 2.5, 11.0])
    nights = [rows.with_columns(rain=rain * number) for number, rows in enumerate(NIGHTS[: before + 1])]
    wanted = dict.fromkeys(("entity_key", "entity", "city", *spec.inputs, "score"))  # each once
    *earlier, rows = (rows.select(*wanted) for rows in nights)
    read = readings(rows, spec, earlier[::-1])
    assert read.schema == pl.Schema(READING)
    assert {"seal"} <= {*read["name"]}


def test_the_calendar_says_a_column_of_one_value_and_no_other_one():
    def of(day):
        values = {"month": day.month, "price": day.day * 7 % 5, "sales": None}
        told = [("only", name, "", float(value)) for name, value in values.items() if value is not None]
        return pl.DataFrame(told, schema=READING, orient="row")

    first = date(2013, 7, 1)
    nights = {day: of(day) for n in range(1, 15) if (day := first - timedelta(n))}
    assert columns_by_date(first, of(first), nights) == {"month"}
    assert columns_by_date(first, of(first + timedelta(40)), nights) == set()
