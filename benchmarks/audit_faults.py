"""The faults that `audit_guard.py` puts into ordinary nights: what feeds, joins and models get wrong.

`GRADED` holds faults of any size: "found from" is asked of them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
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


def keys_of(prefix: str) -> list[str]:
    """The keys of the table of the columns that begin so."""
    return next(keys for start, keys in KEYS.items() if prefix.startswith(start))


def frozen(prefix: str, *columns: str) -> Change:
    """A table, or some of its columns, as it was the night before."""

    def change(case: Case) -> pl.DataFrame:
        keys = keys_of(prefix)
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


def of_days_ago(prefix: str, days: int, where: pl.Expr | None = None) -> Change:
    """A table as it was on an earlier night, for all of its keys or for some rows."""

    def change(case: Case) -> pl.DataFrame:
        keys = keys_of(prefix)
        names = [name for name in case.rows.columns if name.startswith(prefix)]
        old = (
            case.before(days)
            .unique(keys)
            .select(*keys, *(pl.col(name).alias(f"{name} old") for name in names))
        )
        both = case.rows.join(old, on=keys, how="left", maintain_order="left")
        chosen = pl.lit(value=True) if where is None else where
        return both.with_columns(
            pl.when(chosen).then(f"{name} old").otherwise(name).alias(name) for name in names
        ).select(case.rows.columns)

    return change


def of_another(prefix: str, key: str) -> Change:
    """A table that is joined on other keys: each value of `key` has the features of the next one."""

    def change(case: Case) -> pl.DataFrame:
        keys = keys_of(prefix)
        names = [name for name in case.rows.columns if name.startswith(prefix)]
        values = case.rows[key].unique().sort()
        others = pl.DataFrame({key: values, "other": [*values[1:], values[0]]})
        table = case.rows.unique(keys).select(*keys, *names).rename({key: "other"})
        keyed = case.rows.drop(names).join(others, on=key, how="left", maintain_order="left")
        on = ["other", *(name for name in keys if name != key)]
        return keyed.join(table, on=on, how="left", maintain_order="left").select(case.rows.columns)

    return change


def missing(prefix: str, where: pl.Expr) -> Change:
    """No feature of a table in some rows."""
    return lambda case: case.rows.with_columns(
        pl.when(~where).then(name).alias(name) for name in case.rows.columns if name.startswith(prefix)
    )


def renumbered(by: int, where: pl.Expr | None = None) -> Change:
    """Flights under other numbers: their keys are those of other flights, or of none."""

    def change(case: Case) -> pl.DataFrame:
        chosen = pl.lit(value=True) if where is None else where
        flight = pl.when(chosen).then(pl.col("flight") + by).otherwise("flight")
        key = pl.format("{}{}-{}", "carrier", flight, pl.col("entity_key").str.tail(14))
        return case.rows.with_columns(entity_key=key, flight=flight).sort("entity_key")

    return change


def noisy(column: str, share: float) -> Change:
    """Noise on a column: so many of its standard deviations."""

    def change(case: Case) -> pl.DataFrame:
        noise = np.random.default_rng(1).normal(0, share, case.rows.height)
        values = case.rows[column]
        return case.rows.with_columns(
            (values + pl.Series(noise) * values.std()).cast(values.dtype).alias(column)
        )

    return change


def renamed(column: str) -> Change:
    """Each category of a column under the name of the next one."""

    def change(case: Case) -> pl.DataFrame:
        values = case.rows[column].unique().sort().to_list()
        return case.rows.with_columns(pl.col(column).replace(values, [*values[1:], values[0]]))

    return change


def of_one(prefix: str, key: str, value: str, other: str) -> Change:
    """One value of a key has the features of another one."""

    def change(case: Case) -> pl.DataFrame:
        names = [name for name in case.rows.columns if name.startswith(prefix)]
        given = case.rows.filter(pl.col(key) == other).select(names).head(1)
        return case.rows.with_columns(
            pl.when(pl.col(key) == value).then(given[name][0]).otherwise(name).alias(name) for name in names
        )

    return change


def times(prefix: str, factor: float, where: pl.Expr | None = None) -> Change:
    """All columns of a prefix in other units, everywhere or in some rows."""
    chosen = pl.lit(value=True) if where is None else where
    return lambda case: case.rows.with_columns(
        pl.when(chosen).then(pl.col(name) * factor).otherwise(name).alias(name)
        for name in case.rows.columns
        if name.startswith(prefix)
    )


def in_share(share: float) -> pl.Expr:
    """True in this share of the rows, without an order in them."""
    return (pl.int_range(pl.len()) * 7919 % 1000) < 1000 * share


every = pl.int_range(pl.len())
minute, distance = pl.col("sched_dep_minute"), pl.col("distance")
score = pl.col("score")

POPULATION: dict[str, Change] = {
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
    "last week's file": file_of(7),
    "the file of four weeks ago": file_of(28),
    "an hour missing": only((minute < 8 * 60) | (minute >= 9 * 60)),
    "the biggest destination missing": only(pl.col("dest") != "ATL"),
    "an airport halved": only((pl.col("origin") != "LGA") | (every % 2 == 0)),
    "a fifth of the rows twice": copied(every % 5 == 0),
    "a carrier twice": copied(pl.col("carrier") == "DL"),
    "only the short flights": only(distance < 1_000),
    "the file of three weeks ago": file_of(21),
    "the file of eight weeks ago": file_of(56),
    "the file of three days ago": file_of(3),
    "a tenth of the rows missing": only(~in_share(0.1)),
    "a fifth of the rows missing": only(~in_share(0.2)),
    "the last tenth of the file missing": only(every < 0.9 * pl.len()),
    "a small carrier missing": only(pl.col("carrier") != "WN"),
    "a destination twice": copied(pl.col("dest") == "ATL"),
    "an airport in the evening missing": only((pl.col("origin") != "EWR") | (minute < 17 * 60)),
    "all flights at noon and after twice": copied(minute >= 12 * 60),
}
INPUTS: dict[str, Change] = {
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
    "wind in kilometres an hour": to("weather_wind", pl.col("weather_wind") * 1.609344),
    "pressure in hectopascals less 1,000": to("weather_pressure", pl.col("weather_pressure") - 1000),
    "the weather of one airport under all": to("weather_temp", pl.col("weather_temp").first()),
    "all the weather of one airport under all": lambda case: case.rows.with_columns(
        pl.col(name).first() for name in case.rows.columns if name.startswith("weather_")
    ),
    "the weather of a week ago": of_days_ago("weather_", 7),
    "the weather of one airport is stuck": of_days_ago("weather_", 1, pl.col("origin") == "LGA"),
    "carriers' record of a week ago": of_days_ago("carrier_", 7),
    "routes' record of two days ago": of_days_ago("route_", 2),
    "routes' record of a week ago": of_days_ago("route_", 7),
    "routes' record of four weeks ago": of_days_ago("route_", 28),
    "airports' record of a week ago": of_days_ago("origin_", 7),
    "aircraft of a week ago": of_days_ago("aircraft_", 7),
    "routes' record frozen at one airport": of_days_ago("route_", 1, pl.col("origin") == "LGA"),
    "routes' record frozen in half of the rows": of_days_ago("route_", 1, every % 2 == 0),
    "carriers' records under the next carrier": of_another("carrier_", "carrier"),
    "routes' records under the next airport": of_another("route_", "origin"),
    "routes' records under the next destination": of_another("route_", "dest"),
    "aircraft of the next carrier": of_another("aircraft_", "carrier"),
    "the weather of the next airport": of_another("weather_", "origin"),
    "two rates of carriers exchanged": swapped("carrier_late_rate_7d", "carrier_late_rate_28d"),
    "two rates of routes exchanged": swapped("route_late_rate_7d", "route_late_rate_28d"),
    "two delays of routes exchanged": swapped("route_dep_delay_7d", "route_dep_delay_28d"),
    "two rates of airports exchanged": swapped("origin_late_rate_7d", "origin_late_rate_28d"),
    "temperature and humidity exchanged": swapped("weather_temp", "weather_humid"),
    "seats and age exchanged": swapped("aircraft_seats", "aircraft_age"),
    "a rate of routes in place of another": to("route_late_rate_7d", pl.col("route_late_rate_28d")),
    "routes' records of the row before": shifted_rows("route_late_rate_28d", "route_dep_delay_28d"),
    "carriers' records of the row before": shifted_rows("carrier_late_rate_28d"),
    "block times of the row before": shifted_rows("sched_block_minutes"),
    "distances of the row before": shifted_rows("distance"),
    "rates of flights shuffled in each carrier": lambda case: case.rows.with_columns(
        pl.col("flight_late_rate_28d").shuffle(seed=1).over("carrier")
    ),
    "yesterday's weekday": to("weekday", (pl.col("weekday") - 2) % 7 + 1),
    "every destination under the next code": renamed("dest"),
    "every carrier under the next code": renamed("carrier"),
    "two airports exchanged": to("origin", pl.col("origin").replace({"EWR": "LGA", "LGA": "EWR"})),
    "destinations of the row before": shifted_rows("dest"),
    "destinations in two letters": to("dest", pl.col("dest").str.head(2)),
    "noise on rates of routes": noisy("route_late_rate_28d", 0.5),
    "noise on distances": noisy("distance", 0.1),
    "noise on seats": noisy("aircraft_seats", 0.3),
    "distances in hundreds": to("distance", (distance / 100).round() * 100),
    "arrivals in full hours": to("sched_arr_minute", pl.col("sched_arr_minute") // 60 * 60),
    "delays cut off at ten minutes": to(ROUTE_DELAY, pl.col(ROUTE_DELAY).clip(upper_bound=10)),
    "distances cut off at 1,000": to("distance", distance.clip(upper_bound=1000)),
    "seats cut off at 150": to("aircraft_seats", pl.col("aircraft_seats").clip(upper_bound=150)),
    "early departures as 0": to("route_dep_delay_7d", pl.col("route_dep_delay_7d").clip(lower_bound=0)),
    "delays without the decimal comma": to(ROUTE_DELAY, (pl.col(ROUTE_DELAY).round(1) * 10).round()),
    "zero for missing ages": to("aircraft_age", pl.col("aircraft_age").fill_null(0)),
    "-1 for missing ages": to("aircraft_age", pl.col("aircraft_age").fill_null(-1)),
    "routes' records missing at one airport": missing("route_", pl.col("origin") == "LGA"),
    "one rate of routes missing at one airport": missing("route_late_rate_28d", pl.col("origin") == "LGA"),
    "aircraft of one carrier missing": missing("aircraft_", pl.col("carrier") == "DL"),
    "a tenth of one column missing": missing("route_dep_delay_28d", every % 10 == 0),
    "no carrier has a record": missing("carrier_", pl.lit(value=True)),
    "departures of the hour doubled": to("hour_departures", pl.col("hour_departures") * 2),
    "departures of the day halved": to("day_departures", pl.col("day_departures") // 2),
    "the share of the day reversed": to("day_share_before", 1 - pl.col("day_share_before")),
    "flights counted twice": to("flight_count_28d", pl.col("flight_count_28d") * 2),
    "delays of one carrier in seconds": to(ROUTE_DELAY, pl.col(ROUTE_DELAY) * 60, pl.col("carrier") == "DL"),
    "the sign of delays flipped at one airport": to(
        "route_dep_delay_7d", -pl.col("route_dep_delay_7d"), pl.col("origin") == "JFK"
    ),
    "arrivals an hour late of one carrier": to(
        "sched_arr_minute", (pl.col("sched_arr_minute") + 60) % MINUTES_A_DAY, pl.col("carrier") == "DL"
    ),
    "a column of zeros": to("route_late_rate_28d", pl.lit(0.0)),
    "zeros in a weather column": to("weather_humid", pl.lit(0.0)),
    "carriers' rates of all together": to("carrier_late_rate_28d", pl.col("carrier_late_rate_28d").mean()),
    "one carrier's record frozen": of_days_ago("carrier_", 1, pl.col("carrier") == "UA"),
    "aircraft of one carrier frozen": of_days_ago("aircraft_", 1, pl.col("carrier") == "UA"),
    "routes' record of one carrier frozen": of_days_ago("route_", 1, pl.col("carrier") == "UA"),
    "one rate of routes of a week ago": of_days_ago("route_late_rate_7d", 7),
    "carriers' record of four weeks ago": of_days_ago("carrier_", 28),
    "airports' record of four weeks ago": of_days_ago("origin_", 28),
    "the weather of four weeks ago": of_days_ago("weather_", 28),
    "the weather of two days ago": of_days_ago("weather_", 2),
    "carriers' record of tomorrow": of_days_ago("carrier_", -1),
    "routes' record of tomorrow": of_days_ago("route_", -1),
    "the weather of tomorrow": of_days_ago("weather_", -1),
    "aircraft of tomorrow": of_days_ago("aircraft_", -1),
    "one carrier with another's record": of_one("carrier_", "carrier", "UA", "AA"),
    "one airport with another's record": of_one("origin_", "origin", "LGA", "EWR"),
    "one airport with another's weather": of_one("weather_", "origin", "LGA", "JFK"),
    "one destination with another's distance": to(
        "distance", pl.col("distance").filter(pl.col("dest") == "BOS").first(), pl.col("dest") == "ATL"
    ),
    "rates of carriers in percent": times("carrier_late_rate", 100),
    "rates of airports in percent": times("origin_late_rate", 100),
    "delays of airports in seconds": times("origin_dep_delay", 60),
    "delays of routes in percent": times("route_dep_delay", 100),
    "distances in metres": to("distance", distance * 1609),
    "distances in nautical miles": to("distance", (distance * 0.868976).round()),
    "block time in seconds": to("sched_block_minutes", pl.col("sched_block_minutes") * 60),
    "block times with half an hour more": to("sched_block_minutes", pl.col("sched_block_minutes") + 30),
    "visibility in kilometres": to("weather_visib", pl.col("weather_visib") * 1.609344),
    "rain in millimetres": to("weather_precip_6h", pl.col("weather_precip_6h") * 25.4),
    "pressure in inches of mercury": to("weather_pressure", pl.col("weather_pressure") * 0.02953),
    "changes of pressure with the other sign": to(
        "weather_pressure_change_24h", -pl.col("weather_pressure_change_24h")
    ),
    "the sign of the delays of carriers flipped": times("carrier_dep_delay", -1),
    "the sign of the delays of airports flipped": times("origin_dep_delay", -1),
    "local time of the west coast": to("sched_dep_minute", (minute - 180) % MINUTES_A_DAY),
    "arrivals in the clock of the west": to(
        "sched_arr_minute", (pl.col("sched_arr_minute") - 180) % MINUTES_A_DAY
    ),
    "arrivals an hour late at one airport": to(
        "sched_arr_minute", (pl.col("sched_arr_minute") + 60) % MINUTES_A_DAY, pl.col("origin") == "LGA"
    ),
    "the mean for missing ages": to(
        "aircraft_age", pl.col("aircraft_age").fill_null(pl.col("aircraft_age").mean())
    ),
    "0 for missing records of routes": lambda case: case.rows.with_columns(
        pl.col(name).fill_null(0.0) for name in case.rows.columns if name.startswith("route_")
    ),
    "-1 for a twentieth of a column": to(ROUTE_DELAY, pl.lit(-1.0), every % 20 == 0),
    "9999 for one row in a hundred": to(ROUTE_DELAY, pl.lit(9999.0), every % 100 == 0),
    "seats without decimals": to("aircraft_seats", pl.col("aircraft_seats").floor()),
    "rates with two decimals": to("route_late_rate_28d", pl.col("route_late_rate_28d").round(2)),
    "rates of carriers with two decimals": to(
        "carrier_late_rate_28d", pl.col("carrier_late_rate_28d").round(2)
    ),
    "temperatures without decimals": to("weather_temp", pl.col("weather_temp").floor()),
    "rates of routes cut off at the middle": to(
        "route_late_rate_28d",
        pl.min_horizontal("route_late_rate_28d", pl.col("route_late_rate_28d").median()),
    ),
    "ages cut off at ten": to("aircraft_age", pl.col("aircraft_age").clip(upper_bound=10)),
    "departures cut off at noon": to("sched_arr_minute", pl.col("sched_arr_minute").clip(upper_bound=720)),
    "rates of carriers constant": times("carrier_late_rate_28d", 0),
    "a rate of airports constant": to("origin_late_rate_28d", pl.lit(0.2)),
    "no cancellations of carriers": times("carrier_cancel", 0),
    "departures of the hour constant": to("hour_departures", pl.lit(10)),
    "departures of the hour shuffled": shuffled("hour_departures"),
    "departures before as of the day": to("day_departures_before", pl.col("day_departures")),
    "noise on rates of carriers": noisy("carrier_late_rate_28d", 0.5),
    "noise on block times": noisy("sched_block_minutes", 0.2),
    "noise on departures of the hour": noisy("hour_departures", 0.5),
    "noise on delays of routes": noisy("route_dep_delay_28d", 0.2),
    "destinations in lower case": to("dest", pl.col("dest").str.to_lowercase()),
    "carriers with a space before": to("carrier", pl.lit(" ") + pl.col("carrier")),
    "destinations in broken encoding": to("dest", pl.col("dest").str.replace("A", "Ã")),
    "the biggest destination under a new name": to("dest", pl.lit("QQQ"), pl.col("dest") == "ATL"),
    "one carrier under a new name": to("carrier", pl.lit("Q9"), pl.col("carrier") == "DL"),
    "carriers of the row before": shifted_rows("carrier"),
    "airports of the row before": shifted_rows("origin"),
    "all inputs of the schedule of the row before": shifted_rows(
        "sched_arr_minute", "sched_block_minutes", "distance"
    ),
    "origin's rates under carriers' names": lambda case: case.rows.with_columns(
        pl.col(name.replace("carrier_", "origin_")).alias(name)
        for name in case.rows.columns
        if name.startswith("carrier_")
    ),
    "late and cancelled of routes exchanged": swapped("route_late_rate_28d", "route_cancel_rate_28d"),
    "late and cancelled of carriers exchanged": swapped("carrier_late_rate_28d", "carrier_cancel_rate_28d"),
    "block time and distance exchanged": swapped("sched_block_minutes", "distance"),
    "a rate of one week in place of four": to("carrier_late_rate_28d", pl.col("carrier_late_rate_7d")),
    "wind of east and north exchanged": swapped(
        "weather_wind_from_east_change_24h", "weather_wind_from_north_change_24h"
    ),
    "records of one carrier missing": missing("carrier_", pl.col("carrier") == "UA"),
    "the weather of one airport missing": missing("weather_", pl.col("origin") == "LGA"),
    "records of airports missing": missing("origin_", pl.lit(value=True)),
    "the rates of carriers halved": times("carrier_late_rate", 0.5),
    "the rates of airports halved": times("origin_late_rate", 0.5),
    "the rates of one carrier doubled": times("carrier_late_rate", 2, pl.col("carrier") == "UA"),
    "the rates of one airport doubled": times("origin_late_rate", 2, pl.col("origin") == "LGA"),
    "the delays of routes greater by ten minutes": to(ROUTE_DELAY, pl.col(ROUTE_DELAY) + 10),
    "next weekday": to("weekday", pl.col("weekday") % 7 + 1),
    "weekdays from 0": to("weekday", pl.col("weekday") - 1),
}
LATER_POPULATION: dict[str, Change] = {
    "half of the rows, without an order": only(in_share(0.5)),
    "flight numbers one further": renumbered(1),
    "flight numbers of one carrier one further": renumbered(1, pl.col("carrier") == "DL"),
    "the rows of one airport under another": lambda case: pl.concat(
        [
            case.rows.filter(pl.col("origin") != "LGA"),
            case.rows.filter(origin="EWR").with_columns(
                pl.col("entity_key").str.replace("-EWR-", "-LGA-"), origin=pl.lit("LGA")
            ),
        ]
    ).sort("entity_key"),
    "the last carriers of the alphabet missing": only(pl.col("carrier") < "US"),
    "the file of six days ago": file_of(6),
    "the first hours missing": only(minute >= 8 * 60),
    "destinations that begin with A missing": only(~pl.col("dest").str.starts_with("A")),
    "one row in ten twice": copied(every % 10 == 0),
}
LATER_INPUTS: dict[str, Change] = {
    "arrivals shuffled": shuffled("sched_arr_minute"),
    "arrivals of the row before": shifted_rows("sched_arr_minute"),
    "arrivals an hour early": to("sched_arr_minute", (pl.col("sched_arr_minute") - 60) % MINUTES_A_DAY),
    "block times a tenth longer": to("sched_block_minutes", (pl.col("sched_block_minutes") * 1.1).round()),
    "block times cut off at 200": to(
        "sched_block_minutes", pl.col("sched_block_minutes").clip(upper_bound=200)
    ),
    "block times of one carrier with an hour more": to(
        "sched_block_minutes", pl.col("sched_block_minutes") + 60, pl.col("carrier") == "DL"
    ),
    "block times shuffled in each airport": lambda case: case.rows.with_columns(
        pl.col("sched_block_minutes").shuffle(seed=1).over("origin")
    ),
    "distances a hundred longer": to("distance", distance + 100),
    "distances of one destination doubled": to("distance", distance * 2, pl.col("dest") == "BOS"),
    "distances of one carrier shuffled": lambda case: case.rows.with_columns(
        pl.when(carrier="B6").then(distance.shuffle(seed=1).over("carrier")).otherwise(distance)
    ),
    "twenty departures of the day more": to("day_departures", pl.col("day_departures") + 20),
    "one departure of the hour more": to("hour_departures", pl.col("hour_departures") + 1),
    "the share of the day squared": to("day_share_before", pl.col("day_share_before") ** 2),
    "departures of the day of one airport for all": to(
        "day_departures", pl.col("day_departures").filter(pl.col("origin") == "EWR").first()
    ),
    "rates of routes reflected at one airport": to(
        "route_late_rate_28d", 1 - pl.col("route_late_rate_28d"), pl.col("origin") == "LGA"
    ),
    "rates of routes squared": to("route_late_rate_28d", pl.col("route_late_rate_28d") ** 2),
    "all routes' records of one week and four exchanged": together(
        *(
            swapped(f"route_{name}_7d", f"route_{name}_28d")
            for name in ("late_rate", "cancel_rate", "dep_delay")
        )
    ),
    "delays of carriers in hours": times("carrier_dep_delay", 1 / 60),
    "delays of routes in place of rates of carriers": to(
        "carrier_late_rate_7d", pl.col("route_late_rate_7d")
    ),
    "ages ten years more": to("aircraft_age", pl.col("aircraft_age") + 10),
    "ages of one carrier doubled": times("aircraft_age", 2, pl.col("carrier") == "UA"),
    "seats of one carrier halved": times("aircraft_seats", 0.5, pl.col("carrier") == "UA"),
    "seats shuffled": shuffled("aircraft_seats"),
    "a flight's own rate reflected": to("flight_late_rate_28d", 1 - pl.col("flight_late_rate_28d")),
    "28 flights for all": to("flight_count_28d", pl.lit(28.0)),
    "humidity reflected": to("weather_humid", 100 - pl.col("weather_humid")),
    "temperatures of the night 30 degrees more": to("weather_temp", pl.col("weather_temp") + 30),
    "wind in metres a second": to("weather_wind", pl.col("weather_wind") * 0.44704),
    "carriers shuffled": shuffled("carrier"),
    "airports shuffled": shuffled("origin"),
    "destinations shuffled in each airport": lambda case: case.rows.with_columns(
        pl.col("dest").shuffle(seed=1).over("origin")
    ),
    "no rate of carriers at one airport": missing("carrier_late", pl.col("origin") == "JFK"),
    "no record of a fifth of the flights": missing("flight_", every % 5 == 0),
    "-1 for missing records of flights": to(
        "flight_late_rate_28d", pl.col("flight_late_rate_28d").fill_null(-1)
    ),
    "rates of routes without their third decimal": to(
        "route_late_rate_7d", (pl.col("route_late_rate_7d") * 100).floor() / 100
    ),
    "noise of a twentieth on rates of carriers": noisy("carrier_late_rate_7d", 0.05),
    "routes' records of two weeks ago": of_days_ago("route_", 14),
    "one carrier with the record of last week": of_days_ago("carrier_", 7, pl.col("carrier") == "DL"),
    "aircraft of the row before": shifted_rows("aircraft_seats", "aircraft_age"),
    "the weather of three days ago": of_days_ago("weather_", 3),
}
"""Written after the rules of ADR 90; none was chosen on them."""


def old_where(where: pl.Expr, days: int) -> Change:
    """Some rows are those of the file so many days ago."""
    return lambda case: (
        pl.concat(
            [case.rows.filter(~where), file_of(days)(case).filter(where).select(case.rows.columns)],
            how="vertical_relaxed",
        )
        .unique("entity_key", keep="first")
        .sort("entity_key")
    )


def keyed_again(case: Case, **columns: pl.Expr) -> pl.DataFrame:
    """Other carriers or numbers, and the keys that they make."""
    rows = case.rows.with_columns(**columns)
    key = pl.format("{}{}-{}", "carrier", "flight", pl.col("entity_key").str.tail(14))
    return rows.with_columns(entity_key=key).unique("entity_key", keep="first").sort("entity_key")


def smoothed(column: str) -> Change:
    """Half-way to the mean, as a shrunken rate is."""
    return to(column, (pl.col(column) + pl.col(column).mean()) / 2)


hhmm = minute // 60 * 100 + minute % 60
arrival = pl.col("sched_arr_minute")
PART_OF_POPULATION: dict[str, Change] = {
    "the second half is yesterday's": old_where(every >= 0.5 * pl.len(), 1),
    "the last fifth is yesterday's": old_where(every >= 0.8 * pl.len(), 1),
    "the afternoon is yesterday's": old_where(minute >= 12 * 60, 1),
    "EWR is yesterday's": old_where(pl.col("origin") == "EWR", 1),
    "UA is yesterday's": old_where(pl.col("carrier") == "UA", 1),
    "DL is yesterday's": old_where(pl.col("carrier") == "DL", 1),
    "9E is yesterday's": old_where(pl.col("carrier") == "9E", 1),
}
"""What is left of the file of the night before (docs/adr/0138)."""
FOURTH_POPULATION: dict[str, Change] = {
    "flights that arrive after midnight missing": only(arrival >= minute),
    "regional carriers under the names of the big ones": lambda case: keyed_again(
        case, carrier=pl.col("carrier").replace({"9E": "DL", "EV": "UA", "MQ": "AA"})
    ),
    "flight numbers without their last digit": lambda case: keyed_again(case, flight=pl.col("flight") // 10),
    "the schedule of last week at one airport": old_where(pl.col("origin") == "LGA", 7),
    "the schedule of last week for one carrier": old_where(pl.col("carrier") == "UA", 7),
    "a third of the schedule of last week": old_where(pl.col("flight") % 3 == 0, 7),
    "long flights missing": only(distance < 2_000),
    "every flight number once": lambda case: case.rows.unique("flight", keep="first").sort("entity_key"),
}
FOURTH_INPUTS: dict[str, Change] = {
    "departures an hour early at one airport": to("sched_dep_minute", minute - 60, pl.col("origin") == "LGA"),
    "departures as hours and minutes": to("sched_dep_minute", hhmm),
    "arrivals as hours and minutes": to("sched_arr_minute", arrival // 60 * 100 + arrival % 60),
    "departures in quarters of an hour": to("sched_dep_minute", minute // 15 * 15),
    "no distance for a tenth": to("distance", pl.lit(0), in_share(0.1)),
    "distances of one carrier in nautical miles": to(
        "distance", (distance * 0.869).round(), pl.col("carrier") == "DL"
    ),
    "block times without the time zones": to(
        "sched_block_minutes", pl.col("sched_block_minutes") + 180, distance > 2_000
    ),
    "block times that are negative after midnight": to("sched_block_minutes", arrival - minute),
    "destinations by city": to(
        "dest", pl.col("dest").replace({"IAD": "DCA", "BWI": "DCA", "MDW": "ORD", "SJC": "SFO", "OAK": "SFO"})
    ),
    "destinations in two letters for one carrier": to(
        "dest", pl.col("dest").str.head(2), pl.col("carrier") == "B6"
    ),
    "rates of routes half-way to their mean": smoothed("route_late_rate_28d"),
    "rates of carriers half-way to their mean": smoothed("carrier_late_rate_28d"),
    "rates of flights half-way to their mean": smoothed("flight_late_rate_28d"),
    "rates of routes between 0.1 and 0.4": to(
        "route_late_rate_28d", pl.col("route_late_rate_28d").clip(0.1, 0.4)
    ),
    "no more than 20 flights counted": to(
        "flight_count_28d", pl.col("flight_count_28d").clip(upper_bound=20)
    ),
    "one row in twenty has another's record": to(
        "flight_late_rate_28d", pl.col("flight_late_rate_28d").shuffle(seed=1), in_share(0.05)
    ),
    "the delays of carriers of the week for four weeks": to(
        "route_dep_delay_28d", pl.col("route_dep_delay_7d")
    ),
    "ages of the planes from the year after": to("aircraft_age", pl.col("aircraft_age") - 1),
    "most frequent seats for missing ones": to("aircraft_seats", pl.col("aircraft_seats").fill_null(149)),
    "seats in tens": to("aircraft_seats", pl.col("aircraft_seats") // 10 * 10),
    "wind towards the west": to("weather_wind", -pl.col("weather_wind")),
    "no departure before": to("day_departures_before", pl.lit(0)),
    "departures of the hour of the next hour": to(
        "hour_departures", pl.col("hour_departures").shift(-7).fill_null(1)
    ),
}
"""Written before its author had read the rules."""
SCORES: Mapping[str, Change] = {
    "scores reflected about their mean": to("score", (2 * score.mean() - score).clip(0, 1)),
    "scores of one number": to("score", score.mean()),
    "scores shuffled": shuffled("score"),
    "scores of the complement": to("score", 1 - score),
    "scores in three steps": to("score", (score * 3).round() / 3),
    "scores doubled": to("score", (2 * score).clip(0, 1)),
    "scores of two decimals": to("score", score.round(2)),
    "scores of single precision": to("score", score.cast(pl.Float32)),
    "scores in order of size": to("score", score.sort()),
    "scores of the row before": to("score", score.shift(1).fill_null(score.mean())),
    "another score in every tenth row": to("score", score / 2, every % 10 == 0),
    "scores halved": to("score", score / 2),
    "scores cut off at a fifth": to("score", score.clip(upper_bound=0.2)),
    "scores of a slightly other model": to("score", score**1.02),
    "the scores of one carrier at their mean": to("score", score.mean(), pl.col("carrier") == "UA"),
    "yesterday's scores": lambda case: case.rows.with_columns(
        score=case.before()["score"].sample(case.rows.height, with_replacement=True, seed=1)
    ),
}
VERSION: Mapping[str, Change] = {
    "a version that gives the complement": SCORES["scores of the complement"],
    "a version that gives reflected scores": SCORES["scores reflected about their mean"],
    "a version that gives one number": SCORES["scores of one number"],
    "a version that gives doubled scores": SCORES["scores doubled"],
    "a version that exchanges rows": SCORES["scores shuffled"],
    "a version that rounds": SCORES["scores of two decimals"],
    "a version that differs by a thousandth": to("score", score * 1.001),
}
"""What the predictor gives for every row. Its golden rows are predicted before the night is scored."""

Size = tuple[Callable[[float], Change], tuple[float, ...]]
SMALL = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)
FACTORS = (1.02, 1.05, 1.1, 1.25, 1.5, 2.0)
GRADED_POPULATION: Mapping[str, Size] = {
    "share of the rows missing": (lambda share: only(~in_share(share)), SMALL),
    "share of the rows twice": (lambda share: copied(in_share(share)), SMALL),
}
GRADED: Mapping[str, Size] = {
    "share of a column missing": (lambda share: to(ROUTE_DELAY, pl.lit(None), in_share(share)), SMALL),
    "share of a column -999": (lambda share: to(ROUTE_DELAY, pl.lit(-999.0), in_share(share)), SMALL),
    "share of a column 0": (lambda share: to("route_late_rate_28d", pl.lit(0.0), in_share(share)), SMALL),
    "share of the distances in kilometres": (
        lambda share: to("distance", (distance * 1.609344).round(), in_share(share)),
        SMALL,
    ),
    "share of unknown destinations": (lambda share: to("dest", pl.lit("ZZZ"), in_share(share)), SMALL),
    "share of routes' records frozen": (lambda share: of_days_ago("route_", 1, in_share(share)), SMALL),
    "factor of the distances": (lambda factor: to("distance", (distance * factor).round()), FACTORS),
    "factor of the delays of routes": (lambda factor: to(ROUTE_DELAY, pl.col(ROUTE_DELAY) * factor), FACTORS),
    "factor of the rates of carriers": (lambda factor: times("carrier_late_rate_28d", factor), FACTORS),
    "factor of the rates of airports": (lambda factor: times("origin_late_rate_28d", factor), FACTORS),
    "noise on distances, standard deviations": (lambda share: noisy("distance", share), SMALL),
    "noise on rates of routes, standard deviations": (
        lambda share: noisy("route_late_rate_28d", share),
        SMALL,
    ),
    "minutes that arrivals are late": (
        lambda late: to("sched_arr_minute", (pl.col("sched_arr_minute") + int(late)) % MINUTES_A_DAY),
        (5, 15, 30, 60, 120),
    ),
}
"""Name -> the change of a size, and the sizes that are tried, least first."""
