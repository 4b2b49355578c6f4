"""The faults that `audit_guard.py` puts into ordinary nights: what feeds, joins and models get wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

Nights = Mapping[date, pl.DataFrame]
MINUTES_A_DAY = 24 * 60
HOURS_TO_UTC = 5
ROUTE_DELAY = "route_dep_delay_28d"
KEYS = {
    "carrier_": ["carrier"],
    "origin_": ["origin"],
    "route_": ["origin", "dest"],
    "aircraft_": ["carrier", "flight"],
    "flight_late": ["carrier", "flight"],
    "weather_": ["origin"],
}


@dataclass(frozen=True, slots=True)
class Case:
    """An ordinary night, and the year that it is of."""

    day: date
    nights: Nights

    @property
    def rows(self) -> pl.DataFrame:
        return self.nights[self.day]

    def before(self, days: int = 1) -> pl.DataFrame:
        return self.nights[self.day - timedelta(days=days)]


Change = Callable[[Case], pl.DataFrame]


def only(wanted: pl.Expr) -> Change:
    return lambda case: case.rows.filter(wanted)


def to(column: str, value: pl.Expr, where: pl.Expr | None = None) -> Change:
    """Give a column other values, everywhere or in some rows. Its type stays."""

    def change(case: Case) -> pl.DataFrame:
        kind = case.rows.schema[column]
        new = value.cast(kind, strict=False)
        return case.rows.with_columns(
            (new if where is None else pl.when(where).then(new).otherwise(column)).alias(column)
        )

    return change


def together(*changes: Change) -> Change:
    def change(case: Case) -> pl.DataFrame:
        for each in changes:
            case = Case(case.day, {**case.nights, case.day: each(case)})
        return case.rows

    return change


def shuffled(column: str) -> Change:
    return lambda case: case.rows.with_columns(case.rows[column].shuffle(seed=1))


def file_of(days: int) -> Change:
    """The file of an earlier day under today's date."""

    def change(case: Case) -> pl.DataFrame:
        old, day = case.before(days), case.day - timedelta(days=days)
        return old.with_columns(
            pl.col("entity_key").str.replace(str(day), str(case.day), literal=True),
            pl.col("sched_dep") + timedelta(days=days),
            score_date=pl.lit(case.day),
            event_timestamp=pl.lit(case.rows["event_timestamp"][0]),
            weekday=pl.lit(case.day.isoweekday(), pl.Int64),
        )

    return change


def copied(where: pl.Expr) -> Change:
    """Rows delivered twice, the second time under other flight numbers."""

    def change(case: Case) -> pl.DataFrame:
        again = case.rows.filter(where).with_columns(
            pl.format(
                "{}{}-{}", "carrier", pl.col("flight") % 1000 + 8000, pl.col("entity_key").str.tail(14)
            ).alias("entity_key"),
            flight=pl.col("flight") % 1000 + 8000,
        )
        return pl.concat([case.rows, again]).unique("entity_key", keep="first").sort("entity_key")

    return change


def frozen(prefix: str, *columns: str) -> Change:
    """A table, or some of its columns, as it was the night before."""

    def change(case: Case) -> pl.DataFrame:
        keys = KEYS[prefix]
        names = columns or [name for name in case.rows.columns if name.startswith(prefix)]
        old = case.before().unique(keys).select(*keys, *names)
        return (
            case.rows.drop(names)
            .join(old, on=keys, how="left", maintain_order="left")
            .select(case.rows.columns)
        )

    return change


def shifted_rows(*names: str) -> Change:
    """A join that is off by one row."""
    return lambda case: case.rows.with_columns(pl.col(name).shift(1) for name in names)


def swapped(one: str, other: str) -> Change:
    return lambda case: case.rows.with_columns(pl.col(other).alias(one), pl.col(one).alias(other))


every = pl.int_range(pl.len())
minute, distance = pl.col("sched_dep_minute"), pl.col("distance")
score = pl.col("score")

POPULATION: Mapping[str, Change] = {
    "half of the schedule": only(every % 2 == 0),
    "a third of the schedule missing": only(every % 3 != 0),
    "a tenth of the schedule": only(every % 10 == 0),
    "an airport missing": only(pl.col("origin") != "JFK"),
    "the biggest carrier missing": only(pl.col("carrier") != "UA"),
    "a middle carrier missing": only(pl.col("carrier") != "US"),
    "a carrier halved": only((pl.col("carrier") != "B6") | (every % 2 == 0)),
    "every row twice": copied(pl.lit(value=True)),
    "an airport twice": copied(pl.col("origin") == "LGA"),
    "the evening missing": only(minute < 18 * 60),
    "the morning missing": only(minute >= 9 * 60),
    "cut off in the alphabet": only(every < 0.6 * pl.len()),
    "yesterday's file": file_of(1),
    "the file of two days ago": file_of(2),
    "the file of five days ago": file_of(5),
}
INPUTS: Mapping[str, Change] = {
    "kilometres for miles": to("distance", (distance * 1.609344).round()),
    "kilometres of one carrier": to("distance", (distance * 1.609344).round(), pl.col("carrier") == "UA"),
    "kilometres of one airport": to("distance", (distance * 1.609344).round(), pl.col("origin") == "LGA"),
    "block time in hours": to("sched_block_minutes", pl.col("sched_block_minutes") // 60),
    "delays of carriers in seconds": to("carrier_dep_delay_28d", pl.col("carrier_dep_delay_28d") * 60),
    "delays of routes in hours": to(ROUTE_DELAY, pl.col(ROUTE_DELAY) / 60),
    "rates of routes in tenths": to("route_late_rate_28d", pl.col("route_late_rate_28d") / 10),
    "temperature in Celsius": to("weather_temp", (pl.col("weather_temp") - 32) / 1.8),
    "humidity as a share": to("weather_humid", pl.col("weather_humid") / 100),
    "seats doubled": to("aircraft_seats", pl.col("aircraft_seats") * 2),
    "ages in months": to("aircraft_age", pl.col("aircraft_age") * 12, pl.col("aircraft_age") < 10),
    "departures in UTC": to("sched_dep_minute", (minute + HOURS_TO_UTC * 60) % MINUTES_A_DAY),
    "arrivals in UTC": to(
        "sched_arr_minute", (pl.col("sched_arr_minute") + HOURS_TO_UTC * 60) % MINUTES_A_DAY
    ),
    "arrivals an hour late": to("sched_arr_minute", (pl.col("sched_arr_minute") + 60) % MINUTES_A_DAY),
    "carriers' record frozen": frozen("carrier_"),
    "airports' record frozen": frozen("origin_"),
    "routes' record frozen": frozen("route_"),
    "aircraft frozen": frozen("aircraft_"),
    "weather frozen": frozen("weather_"),
    "one rate of carriers frozen": frozen("carrier_", "carrier_late_rate_7d"),
    "one rate of routes frozen": frozen("route_", "route_late_rate_28d"),
    "one rate of airports frozen": frozen("origin_", "origin_late_rate_7d"),
    "flights' record frozen": frozen("flight_late", "flight_late_rate_28d", "flight_count_28d"),
    "delays without decimals": to(ROUTE_DELAY, pl.col(ROUTE_DELAY).round()),
    "rates with one decimal": to("route_late_rate_28d", pl.col("route_late_rate_28d").round(1)),
    "-999 for a third of a column": to(ROUTE_DELAY, pl.lit(-999.0), every % 3 == 0),
    "9999 for a third of a column": to(ROUTE_DELAY, pl.lit(9999.0), every % 3 == 0),
    "zero for a third of a column": to("route_late_rate_28d", pl.lit(0.0), every % 3 == 0),
    "the sign of delays flipped": to("route_dep_delay_7d", -pl.col("route_dep_delay_7d")),
    "a rate reflected": to("route_late_rate_28d", 1 - pl.col("route_late_rate_28d")),
    "distances shuffled": shuffled("distance"),
    "rates of routes shuffled": shuffled("route_late_rate_28d"),
    "departures shuffled": shuffled("sched_dep_minute"),
    "a column constant": to("distance", pl.col("distance").median()),
    "a column missing": to("route_late_rate_28d", pl.lit(None)),
    "half of a column missing": to("route_late_rate_28d", pl.lit(None), every % 2 == 0),
    "two columns swapped": swapped("route_late_rate_28d", "flight_late_rate_28d"),
    "departure and arrival swapped": swapped("sched_dep_minute", "sched_arr_minute"),
    "features of the row before": shifted_rows("aircraft_seats", "aircraft_age", "flight_late_rate_28d"),
    "carriers in lower case": to("carrier", pl.col("carrier").str.to_lowercase()),
    "destinations with a space": to("dest", pl.col("dest") + " "),
    "one carrier in lower case": to("carrier", pl.lit("b6"), pl.col("carrier") == "B6"),
    "one carrier under another's code": to("carrier", pl.lit("AA"), pl.col("carrier") == "UA"),
    "all destinations the same": to("dest", pl.lit("ATL")),
    "unknown destinations in a tenth": to("dest", pl.lit("ZZZ"), every % 10 == 0),
}
SCORES: Mapping[str, Change] = {
    "scores reflected about their mean": to("score", (2 * score.mean() - score).clip(0, 1)),
    "scores of one number": to("score", score.mean()),
    "scores shuffled": shuffled("score"),
    "scores of the complement": to("score", 1 - score),
    "scores in three steps": to("score", (score * 3).round() / 3),
}
