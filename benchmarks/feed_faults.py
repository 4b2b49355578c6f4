"""How many planted faults of the weather's files the audit names on their first day, and how many real days.

    uv run python benchmarks/feed_faults.py --half first     # the rules were chosen on it
    uv run python benchmarks/feed_faults.py --half second    # some minutes; needs no database

Each real day of a half of the recorded year is read beside the days before it and held to its comparable
days, as `Unlike` does. Then each fault is planted on every sixth day.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
EVERY = 6
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


def at_jfk(value: pl.Expr) -> Fault:
    """Other values of a column at one airport."""
    column = value.meta.output_name()
    return made(pl.when(origin="JFK").then(value).otherwise(column).alias(column))


def of_column(column: str, days: int) -> Fault:
    """A column as it was some days ago, at the same hour."""
    return lambda rows, day: (
        rows.drop(column)
        .join(
            FEED[day - days * DAY].select("origin", pl.col("time_hour") + days * DAY, column),
            on=["origin", "time_hour"],
            how="left",
            maintain_order="left",
        )
        .select(rows.columns)
    )


def late(hours: int, *columns: str) -> Fault:
    """Columns that are some hours late; the day begins with the last hours of the day before."""

    def planted(rows: Rows, day: date) -> Rows:
        both = pl.concat([FEED[day - DAY], rows]).sort("origin", "time_hour")
        moved = both.with_columns(pl.col(columns or SENSED).shift(hours).over("origin"))
        return moved.join(rows.select("origin", "time_hour"), on=["origin", "time_hour"], how="semi")

    return planted


def celsius(column: str) -> pl.Expr:
    return ((pl.col(column) - 32) / 1.8).round(2)


FIRST: Mapping[str, Fault] = {
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
MORE: Mapping[str, Fault] = {
    "two degrees too warm": made(pl.col("temp") + 2),
    "ten times the temperature": made(pl.col("temp") * 10),
    "pressure five too high": made(pl.col("pressure") + 5),
    "humidity reflected": made((100 - pl.col("humid")).alias("humid")),
    "sign of the dew point": made(-pl.col("dewp")),
    "wind in kilometres at one airport": at_jfk((pl.col("wind_speed") * 1.609).round(2)),
    "five degrees too warm at one airport": at_jfk(pl.col("temp") + 5),
    "no pressure at one airport": at_jfk(pl.lit(None, pl.Float64).alias("pressure")),
    "one temperature at one airport": at_jfk(pl.col("temp").median()),
    "pressure of one airport is stuck": at_jfk(pl.col("pressure").first()),
    "JFK has the rows of EWR": lambda rows, _: pl.concat(
        [
            rows.filter(pl.col("origin") != "JFK"),
            rows.filter(origin="EWR").with_columns(origin=pl.lit("JFK")),
        ]
    ),
    "temperatures of yesterday": of_column("temp", 1),
    "pressures of yesterday": of_column("pressure", 1),
    "humidity of a week ago": of_column("humid", 7),
    "wind of two days ago": of_column("wind_speed", 2),
    "three hours late": late(3),
    "five hours late, as in local time": late(5),
    "temperatures three hours late": late(3, "temp"),
    "pressures six hours late": late(6, "pressure"),
    "temperatures an hour early": made(pl.col("temp").shift(-1).over("origin").fill_null(pl.col("temp"))),
    "the hours in reverse": each(lambda value: value.reverse().over("origin")),
    "the first half of the day twice": each(
        lambda value: pl.when(HOUR >= 12).then(value.shift(12).over("origin")).otherwise(value)
    ),
    "rows shuffled among the airports": lambda rows, _: rows.with_columns(
        pl.struct(SENSED).shuffle(seed=1).over("time_hour").struct.field(*SENSED)
    ),
    "rows shuffled among the hours": lambda rows, _: rows.with_columns(
        pl.struct(SENSED).shuffle(seed=1).over("origin").struct.field(*SENSED)
    ),
    "temperatures cut off at their middle": made(pl.min_horizontal("temp", pl.col("temp").median())),
    "wind cut off at ten": made(pl.col("wind_speed").clip(upper_bound=10)),
    "pressures without decimals": made(pl.col("pressure").round(0)),
    "humidity without decimals": made(pl.col("humid").round(0)),
    "one temperature": made(pl.col("temp").mean().round(2)),
    "one pressure": made(pl.col("pressure").mean().round(1)),
    "0 for missing gusts": made(pl.col("wind_gust").fill_null(0.0)),
    "-1 for a fifth of the pressures": made(
        pl.when(pl.int_range(pl.len()) % 5 == 0).then(-1.0).otherwise("pressure").alias("pressure")
    ),
    "humidity and dew point exchanged": exchanged("humid", "dewp"),
    "wind and its direction exchanged": exchanged("wind_dir", "wind_speed"),
    "direction the other way round": made(((360 - pl.col("wind_dir")) % 360).alias("wind_dir")),
    "a third of the rows missing": only(pl.int_range(pl.len()) % 3 != 0),
    "the last six hours missing": only(HOUR < 18),
    "humidity with noise of five": lambda rows, _: rows.with_columns(
        (pl.col("humid") + pl.Series(np.random.default_rng(1).normal(0, 5, rows.height))).round(2)
    ),
    "pressure with noise of one": lambda rows, _: rows.with_columns(
        (pl.col("pressure") + pl.Series(np.random.default_rng(1).normal(0, 1, rows.height))).round(1)
    ),
    "wind halved": made((pl.col("wind_speed") / 2).round(5)),
    "the dew point is the temperature": made(pl.col("temp").alias("dewp")),
}
OTHERS: Mapping[str, Fault] = {
    "temperatures of the next airport": made(
        pl.col("temp").shift(1).over("time_hour").fill_null(pl.col("temp").last().over("time_hour"))
    ),
    "dew points of two days ago": of_column("dewp", 2),
    "humidity squared": made((pl.col("humid") ** 2 / 100).round(2)),
    "pressure a hundredth too high": made((pl.col("pressure") * 1.01).round(1)),
    "temperature a tenth too high": made((pl.col("temp") * 1.1).round(2)),
    "wind three miles too strong": made(pl.col("wind_speed") + 3),
    "gusts halved": made((pl.col("wind_gust") / 2).round(5)),
    "wind direction in tens": made(pl.col("wind_dir") / 10),
    "sign of the temperature at one airport": at_jfk(-pl.col("temp")),
    "all in Celsius at one airport": made(
        *(pl.when(origin="LGA").then(celsius(each)).otherwise(each).alias(each) for each in ("temp", "dewp"))
    ),
    "40 degrees more in one row of twenty": made(
        pl.when(pl.int_range(pl.len()) % 20 == 0).then(pl.col("temp") + 40).otherwise("temp").alias("temp")
    ),
    "noise of one degree": lambda rows, _: rows.with_columns(
        (pl.col("temp") + pl.Series(np.random.default_rng(1).normal(0, 1, rows.height))).round(2)
    ),
    "every second hour is the mean of its neighbours": made(
        pl.when(HOUR % 2 == 1)
        .then(((pl.col("temp").shift(1) + pl.col("temp").shift(-1)) / 2).over("origin"))
        .otherwise("temp")
        .fill_null(pl.col("temp"))
        .round(2)
    ),
    "temperatures in steps of five": made((pl.col("temp") / 5).round(0) * 5),
    "humidity cut off at 80": made(pl.col("humid").clip(upper_bound=80)),
    "an inch of rain in each hour": made(pl.lit(1.0).alias("precip")),
    "two hours late": late(2),
    "twelve hours late": late(12),
    "the afternoon of yesterday": lambda rows, day: pl.concat(
        [rows.filter(HOUR < 12), of_days_before(1)(rows, day).filter(HOUR >= 12).select(rows.columns)]
    ),
    "one airport two hours late": lambda rows, day: pl.concat(
        [rows.filter(pl.col("origin") != "JFK"), late(2)(rows, day).filter(origin="JFK").select(rows.columns)]
    ),
    "three hours of one airport are one": each(
        lambda value: (
            pl.when((HOUR.is_between(9, 11)) & (pl.col("origin") == "LGA"))
            .then(value.filter(HOUR == 8).first().over("origin"))
            .otherwise(value)
        )
    ),
    "a tenth of the rows missing": only(pl.int_range(pl.len()) % 10 != 0),
    "pressures of one airport at another": made(
        pl.when(origin="LGA")
        .then(pl.col("pressure").filter(origin="JFK").first().over("time_hour"))
        .otherwise("pressure")
        .alias("pressure")
    ),
}


def of_each_hour(value: pl.Expr) -> pl.Expr:
    """The mean of the airports at each instant."""
    return value.mean().over("time_hour")


def in_part(chosen: pl.Expr, other: Fault) -> Fault:
    """Another fault in some of the rows; the fault keeps the rows and their order."""

    def planted(rows: Rows, day: date) -> Rows:
        names = [name for name in rows.columns if name not in {"origin", "time_hour"}]
        values = other(rows, day).select(
            pl.col(name).cast(rows.schema[name]).alias(f"{name} other") for name in names
        )
        return (
            rows.hstack(values.get_columns())
            .with_columns(pl.when(chosen).then(f"{name} other").otherwise(name).alias(name) for name in names)
            .select(rows.columns)
        )

    return planted


def at_hour_of(days: int) -> Fault:
    """All values of some days ago at the same hour; rows that were not there then have none."""
    return lambda rows, day: rows.select("origin", "time_hour").join(
        FEED[day - days * DAY].with_columns(pl.col("time_hour") + days * DAY),
        on=["origin", "time_hour"],
        how="left",
        maintain_order="left",
    )


def usual(days: int) -> Fault:
    """The means of some days at each hour of each airport, as a fallback gives them."""

    def planted(rows: Rows, day: date) -> Rows:
        before = pl.concat(FEED[day - each * DAY] for each in range(1, days + 1) if day - each * DAY in FEED)
        means = before.group_by("origin", HOUR.alias("hour")).agg(pl.col(SENSED).mean().round(2))
        return (
            rows.select("origin", "time_hour", HOUR.cast(pl.Int8).alias("hour"))
            .join(
                means.with_columns(pl.col("hour").cast(pl.Int8)),
                on=["origin", "hour"],
                how="left",
                maintain_order="left",
            )
            .drop("hour")
        )

    return planted


def early(hours: int) -> Fault:
    """Values of some hours later; the day ends with the first hours of the day after."""

    def planted(rows: Rows, day: date) -> Rows:
        both = pl.concat([rows, FEED[day + DAY]]).sort("origin", "time_hour")
        moved = both.with_columns(pl.col(SENSED).shift(-hours).over("origin"))
        return moved.join(rows.select("origin", "time_hour"), on=["origin", "time_hour"], how="semi")

    return planted


def columns_on(chosen: pl.Expr) -> Fault:
    """A field too many before the dew point: each later column has the value of the one to its left."""
    moved = dict(zip(SENSED[1:], SENSED[:-1], strict=True))
    return made(*(pl.when(chosen).then(pl.col(old)).otherwise(new).alias(new) for new, old in moved.items()))


def reports_between(rows: Rows, _: date) -> Rows:
    """Special reports at half past, which hold the values of the hour."""
    between = rows.filter(pl.int_range(pl.len()) % 4 == 0).with_columns(
        pl.col("time_hour") + timedelta(minutes=30)
    )
    return pl.concat([rows, between]).sort("origin", "time_hour")


def straight(column: str) -> pl.Expr:
    """A gap of eight hours that is filled by a straight line."""
    kept = pl.when(~HOUR.is_between(8, 15)).then(column)
    return kept.interpolate().over("origin").round(2).alias(column)


ALL = pl.lit(value=True)
FOURTH: Mapping[str, Fault] = {
    "rain added up over the day": made(pl.col("precip").cum_sum().over("origin")),
    "rain of six hours": made(pl.col("precip").rolling_sum(6, min_samples=1).over("origin")),
    "no rain reported": made(pl.lit(0.0).alias("precip")),
    "a trace of rain for none": made(
        pl.when(pl.col("precip") == 0).then(0.001).otherwise("precip").alias("precip")
    ),
    "the wind for missing gusts": made(pl.col("wind_gust").fill_null(pl.col("wind_speed"))),
    "variable wind as 990": made(pl.col("wind_dir").fill_null(990.0)),
    "light wind has the direction 990": made(
        pl.when(pl.col("wind_speed") < 6).then(990.0).otherwise("wind_dir").alias("wind_dir")
    ),
    "magnetic wind direction": made((pl.col("wind_dir") + 13) % 360),
    "wind direction in 16 points": made(((pl.col("wind_dir") / 22.5).round() * 22.5) % 360),
    "the wind towards the east": made(
        (-pl.col("wind_speed") * (pl.col("wind_dir") * np.pi / 180).sin()).round(5).alias("wind_speed")
    ),
    "means of three hours": each(lambda value: value.rolling_mean(3, min_samples=1).over("origin").round(2)),
    "a straight line for eight hours at all airports": made(
        *map(straight, ["temp", "dewp", "humid", "pressure"])
    ),
    "a straight line for eight hours at one airport": in_part(
        pl.col("origin") == "JFK", made(*map(straight, ["temp", "dewp", "humid", "pressure"]))
    ),
    "the usual values of the hour": usual(14),
    "the usual values of the hour at one airport": in_part(pl.col("origin") == "EWR", usual(14)),
    "yesterday's rows at one airport": in_part(pl.col("origin") == "EWR", at_hour_of(1)),
    "yesterday's rows for a third": in_part(pl.int_range(pl.len()) % 3 == 0, at_hour_of(1)),
    "the file of six weeks ago": of_days_before(42),
    "four hours early": early(4),
    "an hour early": early(1),
    "one airport from the mean of the others": in_part(
        pl.col("origin") == "LGA",
        lambda rows, _: rows.with_columns(
            pl.col(name).filter(pl.col("origin") != "LGA").mean().over("time_hour").round(2)
            for name in SENSED
        ),
    ),
    "the mean of the airports under each": each(lambda value: of_each_hour(value).round(2)),
    "temperatures without decimals at one airport": at_jfk(pl.col("temp").floor()),
    "temperatures of whole degrees Celsius": made(
        *((((pl.col(name) - 32) / 1.8).round(0) * 1.8 + 32).round(2).alias(name) for name in ("temp", "dewp"))
    ),
    "the point lost in pressures": made((pl.col("pressure") * 10).alias("pressure")),
    "pressure in inches at one airport": at_jfk((pl.col("pressure") / 33.864).round(2)),
    "pressure of 100 metres above": at_jfk((pl.col("pressure") - 12).alias("pressure")),
    "pressures in a byte": made(pl.col("pressure") % 256),
    "humidity as a share at one airport": at_jfk(pl.col("humid") / 100),
    "visibility 99 for ten": made(
        pl.when(pl.col("visib") >= 10).then(99.0).otherwise("visib").alias("visib")
    ),
    "the depression for the dew point": made((pl.col("temp") - pl.col("dewp")).round(2).alias("dewp")),
    "wind chill for temperatures": made((pl.col("temp") - 0.3 * pl.col("wind_speed")).round(2).alias("temp")),
    "the highest temperature so far": made(pl.col("temp").cum_max().over("origin")),
    "wind in knots at one airport": at_jfk((pl.col("wind_speed") * 0.869).round(5)),
    "rows without a pressure are dropped": only(pl.col("pressure").is_not_null()),
    "rows without gusts are dropped": only(pl.col("wind_gust").is_not_null()),
    "the night of one airport missing": only((pl.col("origin") != "LGA") | (HOUR >= 6)),
    "three hours missing": only(~HOUR.is_between(12, 14)),
    "temperatures in order of size": made(pl.col("temp").sort().over("origin")),
    "each column in order of size": each(lambda value: value.sort().over("origin")),
    "columns one further to the right": columns_on(ALL),
    "columns one further at one airport": columns_on(pl.col("origin") == "LGA"),
    "two airports exchanged from noon on": made(
        pl.when(HOUR >= 12)
        .then(pl.col("origin").replace({"EWR": "LGA", "LGA": "EWR"}))
        .otherwise("origin")
        .alias("origin")
    ),
    "reports between the hours": reports_between,
    "a gauge that warms by the hour": at_jfk((pl.col("temp") + 0.4 * HOUR).round(2)),
    "one pressure of 850 at each airport": made(
        pl.when(HOUR == 10).then(850.0).otherwise("pressure").alias("pressure")
    ),
    "rain of one airport for all": made(
        pl.col("precip")
        .filter(pl.col("origin") == "JFK")
        .max()
        .over("time_hour")
        .fill_null(0.0)
        .alias("precip")
    ),
    "visibility of ten for less": made(pl.lit(10.0).alias("visib")),
    "humidity from other temperatures": made((pl.col("humid") * 0.8).round(2).alias("humid")),
    "the second half of the night before": in_part(HOUR < 6, at_hour_of(1)),
}
"""Written before its author had read the rules."""


def rotated(hours: int) -> Fault:
    """Hours of another clock under the date of this one: the last hours of the file come first."""
    midnight, hour = pl.col("time_hour").dt.truncate("1d"), HOUR.cast(pl.Int64)
    return lambda rows, _: rows.with_columns(
        time_hour=midnight + pl.duration(hours=(hour + 24 - hours) % 24)
    ).sort("origin", "time_hour")


FIFTH: Mapping[str, Fault] = {
    "hours of New York under the date of universal time": rotated(4),
    "hours of Tokyo under the date of universal time": rotated(15),
    "an hour too few, within the date": rotated(1),
    "the halves of the day exchanged": rotated(12),
    "hours of New York at one airport": in_part(pl.col("origin") == "JFK", rotated(4)),
    "the last six hours come first": rotated(18),
}
"""A day that begins at another of its instants. Written with the rule."""
SIXTH: Mapping[str, Fault] = {
    "wind direction in tens of degrees": made(pl.col("wind_dir") / 10),
    "wind direction in gradians": made((pl.col("wind_dir") / 0.9).round()),
    "wind direction in points of the compass": made((pl.col("wind_dir") / 22.5).round()),
    "wind direction in radians": made((pl.col("wind_dir") * np.pi / 180).round(2)),
    "magnetic wind direction, three degrees": made((pl.col("wind_dir") + 3) % 360),
    "wind direction in tens at one airport": at_jfk(pl.col("wind_dir") / 10),
}
"""A column of whole numbers leaves the steps that it always has. Written with the rule."""
LISTS: Mapping[str, Mapping[str, Fault]] = {
    "the first list": FIRST,
    "the list of ADR 90": MORE,
    "written after the rules": OTHERS,
    "the list of ADR 92": FOURTH,
    "the list of ADR 140": FIFTH,
    "the list of ADR 142": SIXTH,
}
FAULTS: Mapping[str, Fault] = {**FIRST, **MORE, **OTHERS, **FOURTH, **FIFTH, **SIXTH}


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
    told = unusual(now, every, alike, holiday=near.holiday, steady=SPEC.without_holidays)
    return (*told, *repeated(now, past, RATE))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, default="first")
    parser.add_argument("--only", choices=LISTS, help="one list of faults")
    wanted = parser.parse_args()
    first, last = HALVES[wanted.half]
    lists = {wanted.only: LISTS[wanted.only]} if wanted.only else LISTS
    known, held, days = dict[date, Rows](), list[date](), 0
    for day in sorted(each for each in FEED if each <= last):
        now = read(day, FEED[day])
        if odd := found(day, now, known):
            print(f"{day}: {odd[0].in_one_line}")
            held.append(day)
        else:
            known[day] = now
        days += 1
    print(f"real days up to {last} that are named: {len(held)} of {days}")
    print("| fault of the file | found | by |\n|---|---|---|")
    days_of_half = [each for each in known if first <= each <= last][::EVERY]
    every = {
        name: [*against(plant, days_of_half, known)]
        for list_ in lists.values()
        for name, plant in list_.items()
    }
    for name, nights in every.items():
        names = Counter(check for checks in nights for check in sorted(checks))
        told = ", ".join(f"`{each}`" for each, _ in names.most_common(3)) or "nothing"
        print(f"| {name} | {sum(map(bool, nights))} of {len(nights)} | {told} |")
    print()
    for title, faults in {**lists, "all": every}.items():
        counted = [bool(checks) for name in faults for checks in every[name]]
        print(f"found, {title}: {sum(counted)} of {len(counted)} ({sum(counted) / len(counted):.1%})")


def against(plant: Fault, days: Sequence[date], known: Mapping[date, Rows]) -> Iterator[set[str]]:
    """The names of the checks that find a fault on each of the days that it changes and leaves rows of."""
    for day in days:
        rows = plant(FEED[day], day).select(FEED[day].columns)
        if not rows.is_empty() and not rows.equals(FEED[day]):
            yield {finding.name for finding in found(day, read(day, rows), known)}


if __name__ == "__main__":
    main()
