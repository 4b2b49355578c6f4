"""How many planted faults of the weather's files the audit names on their first day, and how many real days.

    uv run python benchmarks/feed_faults.py --half first     # the rules were chosen on it
    uv run python benchmarks/feed_faults.py --half second    # a minute; needs no database

Each real day of a half of the recorded year is read beside the days before it and held to its comparable
days, as `Unlike` does. Then each fault is planted on every thirteenth day.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta

import numpy as np
import polars as pl

import models
from models.flight_delay.datasets import WEATHER
from models.flight_delay.source import recording
from nightjar.core.comparison.comparable import comparables
from nightjar.core.inputs.again import repeated
from nightjar.core.inputs.delivered import DAYS, of_delivery
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.ordinary_readings import LEAST_NIGHTS, RATE, unusual

SPEC = models.model("flight_delay")
DAY = timedelta(days=1)
EVERY = 13
HALVES = {"first": (date(2013, 3, 1), date(2013, 6, 30)), "second": (date(2013, 7, 1), date(2013, 12, 30))}
FEED: Mapping[date, pl.DataFrame] = recording()[WEATHER.name]
SENSED = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
HOUR, KEYS = pl.col("time_hour").dt.hour(), ("EWR", "JFK", "LGA")

Rows = pl.DataFrame
Fault = Callable[[Rows, date], Rows]


def made(*columns: pl.Expr) -> Fault:
    return lambda rows, _: rows.with_columns(columns)


def only(wanted: pl.Expr) -> Fault:
    return lambda rows, _: rows.filter(wanted)


def of_days_before(days: int) -> Fault:
    return lambda _, day: FEED[day - days * DAY].with_columns(pl.col("time_hour") + days * DAY)


def each(of: Callable[[pl.Expr], pl.Expr]) -> Fault:
    return made(*(of(pl.col(name)).alias(name) for name in SENSED))


def exchanged(one: str, other: str) -> Fault:
    return made(pl.col(one).alias(other), pl.col(other).alias(one))


def stations(**others: str) -> Fault:
    return made(pl.col("origin").replace(others))


def celsius(column: str) -> pl.Expr:
    return ((pl.col(column) - 32) / 1.8).round(2)


FAULTS: Mapping[str, Fault] = {
    "temperatures in Celsius": made(celsius("temp"), celsius("dewp")),
    "one temperature in Celsius": made(celsius("temp")),
    "Celsius at one airport": made(
        pl.when(origin="JFK").then(celsius("temp")).otherwise("temp").alias("temp")
    ),
    "Kelvin": made((celsius("temp") + 273.15).round(2)),
    "humidity as a share": made(pl.col("humid") / 100),
    "humidity doubled": made(pl.col("humid") * 2),
    "wind in kilometres an hour": made((pl.col("wind_speed", "wind_gust") * 1.609).round(2)),
    "wind in knots": made((pl.col("wind_speed", "wind_gust") * 0.869).round(2)),
    "wind in metres a second": made((pl.col("wind_speed", "wind_gust") * 0.447).round(2)),
    "pressure in inches": made((pl.col("pressure") / 33.864).round(2)),
    "pressure less 1,000": made(pl.col("pressure") - 1000),
    "visibility in kilometres": made((pl.col("visib") * 1.609).round(2)),
    "visibility in metres": made((pl.col("visib") * 1609).round(0)),
    "rain in millimetres": made((pl.col("precip") * 25.4).round(2)),
    "wind direction in radians": made((pl.col("wind_dir") * 0.01745).round(2)),
    "wind direction turned": made((pl.col("wind_dir") + 180) % 360),
    "five degrees too warm": made(pl.col("temp") + 5),
    "20 degrees too warm": made(pl.col("temp") + 20),
    "sign of the temperature": made(-pl.col("temp")),
    "the first hour all day": each(lambda value: value.first().over("origin")),
    "the last hour all day": each(lambda value: value.last().over("origin")),
    "stuck from 18:00 on": each(
        lambda value: (
            pl.when(HOUR >= 18).then(value.filter(HOUR == 17).first().over("origin")).otherwise(value)
        )
    ),
    "one airport stuck all day": each(
        lambda value: pl.when(origin="LGA").then(value.filter(origin="LGA").first()).otherwise(value)
    ),
    "yesterday's file": of_days_before(1),
    "the file of two days ago": of_days_before(2),
    "the file of a week ago": of_days_before(7),
    "the file of four weeks ago": of_days_before(28),
    "an hour late": each(lambda value: value.shift(1).over("origin")),
    "five hours late": each(lambda value: value.shift(5).over("origin")),
    "an airport missing": only(pl.col("origin") != "JFK"),
    "half of the hours": only(HOUR < 12),
    "every row twice": lambda rows, _: pl.concat([rows, rows]),
    "temperature and dew point exchanged": exchanged("temp", "dewp"),
    "temperature and humidity exchanged": exchanged("temp", "humid"),
    "wind and gusts exchanged": exchanged("wind_speed", "wind_gust"),
    "pressure and temperature exchanged": exchanged("pressure", "temp"),
    "two airports exchanged": stations(EWR="JFK", JFK="EWR"),
    "airports one further": stations(EWR="JFK", JFK="LGA", LGA="EWR"),
    "one airport for all": lambda rows, _: pl.concat(
        rows.filter(origin="EWR").with_columns(origin=pl.lit(key)) for key in KEYS
    ),
    "no temperature": made(pl.lit(None, pl.Float64).alias("temp")),
    "a third of the temperatures missing": made(
        pl.when(pl.int_range(pl.len()) % 3 != 0).then("temp").alias("temp")
    ),
    "-999 for a tenth": made(
        pl.when(pl.int_range(pl.len()) % 10 == 0).then(-999.0).otherwise("temp").alias("temp")
    ),
    "no decimals": made(pl.col("temp").round(0)),
    "temperatures shuffled": made(pl.col("temp").shuffle(seed=1)),
    "pressures shuffled": made(pl.col("pressure").shuffle(seed=1)),
    "temperatures of the row before": made(pl.col("temp").shift(1)),
    "noise of three degrees": lambda rows, _: rows.with_columns(
        (pl.col("temp") + pl.Series(np.random.default_rng(1).normal(0, 3, rows.height))).round(2)
    ),
    "no wind": made(pl.lit(0.0).alias("wind_speed")),
    "no visibility": made(pl.lit(0.0).alias("visib")),
}


def read(day: date, rows: Rows) -> Rows:
    before = (day - number * DAY for number in range(1, DAYS + 1))
    return of_delivery(WEATHER, rows, [FEED[each] for each in before if each in FEED])


def found(day: date, now: Rows, known: Mapping[date, Rows]) -> tuple[Finding, ...]:
    """known: readings of the days before, of which held ones are no part."""
    past = {each: looks for each, looks in known.items() if each < day}
    near = comparables(day, past, is_holiday=SPEC.is_holiday)
    if len(near.every) < LEAST_NIGHTS:
        return ()
    every, alike = ([past[each] for each in days] for days in (near.every, near.alike))
    return (*unusual(now, every, alike, holiday=near.holiday), *repeated(now, past, RATE))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, default="first")
    first, last = HALVES[parser.parse_args().half]
    known, held, days = dict[date, Rows](), list[date](), 0
    for day in sorted(each for each in FEED if each <= last):
        now = read(day, FEED[day])
        against = found(day, now, known)
        if against:
            print(f"{day}: {against[0].sentence}")
            held.append(day)
        else:
            known[day] = now
        days += 1
    print(f"real days up to {last} that are named: {len(held)} of {days}")
    print("| fault of the file | found | by |\n|---|---|---|")
    total, hits = 0, 0
    for name, plant in FAULTS.items():
        names, seen, planted = Counter[str](), 0, 0
        for day in [each for each in known if first <= each <= last][::EVERY]:
            rows = plant(FEED[day], day).select(FEED[day].columns)
            if rows.equals(FEED[day]):
                continue
            against = {each.name for each in found(day, read(day, rows), known)}
            names.update(sorted(against))
            seen, planted = seen + bool(against), planted + 1
        told = ", ".join(f"`{each}`" for each, _ in names.most_common(3)) or "nothing"
        print(f"| {name} | {seen} of {planted} | {told} |")
        hits, total = hits + seen, total + planted
    print(f"\nfound: {hits} of {total} ({hits / total:.1%})")


if __name__ == "__main__":
    main()
