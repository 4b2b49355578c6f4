"""The fifth list of faults: written down before its author had read the rules and the other lists (ADR 96).

    uv run python benchmarks/judged_faults.py --home FOLDER      # minutes; the folder of audit_guard.py

Each is put into five nights of July to December: an ordinary Wednesday, a day of thunderstorms, a Saturday,
Thanksgiving, and a day of snow. Outcomes have the same faults on the same days.
"""

import argparse
import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import structlog
from audit_faults import (
    Case,
    Change,
    copied,
    every,
    file_of,
    frozen,
    in_share,
    missing,
    of_another,
    of_days_ago,
    only,
    renumbered,
    shuffled,
    swapped,
    times,
    to,
    together,
)
from audit_guard import TRAINED, faulty, read_year, second_reading_of
from outcome_faults import (
    ARRIVAL,
    BOTH,
    DEPARTURE,
    WEST,
    Fault,
    both,
    looks,
    made,
    recorded_year,
    where,
)
from outcome_faults import FAULTS as FIRST
from recorded_year import recorded_year as year_in

import models
from nightjar.core.comparison.entities import SCORE
from nightjar.core.monitoring.outcome_guard import checked

DAYS = (date(2013, 7, 17), date(2013, 9, 12), date(2013, 10, 19), date(2013, 11, 28), date(2013, 12, 10))
ALL, DAY = pl.lit(value=True), 24 * 60
MINUTE, BLOCK, DISTANCE = pl.col("sched_dep_minute"), pl.col("sched_block_minutes"), pl.col("distance")
ARRIVES = pl.col("sched_arr_minute")
WEATHER = ("temp", "humid", "wind", "pressure", "visib", "precip_6h")
CHANGES = [f"weather_{name}_change_24h" for name in ("pressure", "dewp", "wind_from_east", "wind_from_north")]
SCORED = pl.col(SCORE)


def charter(case: Case) -> pl.DataFrame:
    """A charter operator whose rows are copies of others'."""
    added = case.rows.filter(every % 7 == 0).with_columns(
        carrier=pl.lit("ZZ"), entity_key="ZZ" + pl.col("entity_key").str.slice(2)
    )
    return pl.concat([case.rows, added]).sort("entity_key")


def shuffled_within(column: str, *others: str) -> Change:
    """Destinations, and what goes with them, of other flights of the carrier."""
    return lambda case: case.rows.with_columns(
        pl.col(column, *others).shuffle(seed=3).over("carrier", mapping_strategy="group_to_rows")
    )


def each_of(prefix: str, value: Callable[[pl.Expr], pl.Expr]) -> Change:
    return lambda case: case.rows.with_columns(
        value(pl.col(name)).cast(case.rows.schema[name], strict=False).alias(name)
        for name in case.rows.columns
        if name.startswith(prefix)
    )


def scores(of: pl.Expr) -> Change:
    return lambda case: case.rows.with_columns(of.cast(pl.Float64).clip(0, 1).alias(SCORE))


def of_last_night(case: Case) -> pl.DataFrame:
    """The scores of the night before, of the flights that flew then."""
    last = (
        case.before().select("carrier", "flight", "origin", old=SCORE).unique(["carrier", "flight", "origin"])
    )
    return (
        case.rows.join(last, on=["carrier", "flight", "origin"], how="left", maintain_order="left")
        .with_columns(pl.col("old").fill_null(SCORED).alias(SCORE))
        .drop("old")
    )


POPULATION: Mapping[str, Change] = {
    "the morning only": only(MINUTE < 720),
    "the first 60% of the file": only(every < 0.6 * pl.len()),
    "LGA missing": only(pl.col("origin") != "LGA"),
    "UA missing": only(pl.col("carrier") != "UA"),
    "every row under a partner's number too": copied(ALL),
    "yesterday's file under today's date": file_of(1),
    "the file of three days earlier": file_of(3),
    "every third row": only(every % 3 == 0),
    "regional flights missing": only(DISTANCE >= 400),
    "long hauls missing": only(DISTANCE <= 2000),
    "a charter operator with a seventh more rows": charter,
    "flight numbers one further, all": renumbered(1),
    "US flies as AA": to("carrier", pl.lit("AA"), pl.col("carrier") == "US"),
    "JFK and LGA exchanged": lambda case: case.rows.with_columns(
        pl.col("origin").replace({"JFK": "LGA", "LGA": "JFK"})
    ),
    "a carrier's destinations unknown": to("dest", pl.lit("XXX"), pl.col("carrier") == "EV"),
}
INPUTS: Mapping[str, Change] = {
    "kilometres": to("distance", (DISTANCE * 1.609344).round()),
    "nautical miles": to("distance", (DISTANCE * 0.868976).round()),
    "arrivals in another zone": to("sched_arr_minute", (ARRIVES + 300) % DAY),
    "arrivals as hours and minutes": to("sched_arr_minute", (ARRIVES // 60 * 100 + ARRIVES % 60) % DAY),
    "distance 1 in a tenth": to("distance", pl.lit(1), in_share(0.1)),
    "departures of the full hour": to("sched_dep_minute", MINUTE // 60 * 60),
    "destinations shuffled in each carrier": shuffled_within("dest", "distance"),
    "block times in hours": to("sched_block_minutes", BLOCK // 60),
    "hours of the whole city": to("hour_departures", pl.len().over(MINUTE // 60)),
    "share before is a half": to("day_share_before", pl.lit(0.5)),
    "Sunday is the first day": to("weekday", pl.col("weekday") % 7 + 1),
    "Celsius": to("weather_temp", (pl.col("weather_temp") - 32) / 1.8),
    "pressure of the standard": to("weather_pressure", pl.lit(1013.25)),
    "knots": times("weather_wind", 0.869),
    "metres a second": times("weather_wind", 0.447),
    "kilometres an hour": times("weather_wind", 1.609),
    "visibility in kilometres": to("weather_visib", pl.col("weather_visib") * 1.609),
    "humidity a share": to("weather_humid", pl.col("weather_humid") / 100),
    "rain in millimetres": to("weather_precip_6h", pl.col("weather_precip_6h") * 25.4),
    "all airports have one weather": each_of("weather_", lambda value: value.first()),
    "airports rotated": of_another("weather_", "origin"),
    "weather of yesterday": frozen("weather_"),
    "weather of a week ago": of_days_ago("weather_", 7),
    "temperature 0": to("weather_temp", pl.lit(0.0)),
    "calm everywhere": to("weather_wind", pl.lit(0.0)),
    "no change within 24 hours": together(*(to(name, pl.lit(0.0)) for name in CHANGES)),
    "changes with the other sign": together(*(to(name, -pl.col(name)) for name in CHANGES)),
    "ten times the change of pressure": to(CHANGES[0], pl.col(CHANGES[0]) * 10),
    "never rain": to("weather_precip_6h", pl.lit(0.0)),
    "always ten miles of view": to("weather_visib", pl.lit(10.0)),
    "fifteen degrees colder": to("weather_temp", pl.col("weather_temp") - 15),
    "late rates a hundredth": each_of("route_late", lambda value: value / 100),
    "cancelled is late": to("route_cancel_rate_28d", pl.col("route_late_rate_28d")),
    "a week is four": together(
        *(
            to(f"{subject}_{name}_7d", pl.col(f"{subject}_{name}_28d"))
            for subject in ("carrier", "route")
            for name in ("late_rate", "cancel_rate", "dep_delay")
        )
    ),
    "delays in seconds": each_of("carrier_dep_delay", lambda value: value * 60),
    "delays in hours": each_of("carrier_dep_delay", lambda value: value / 60),
    "early is 0": each_of("route_dep_delay", lambda value: value.clip(lower_bound=0)),
    "carriers of four weeks ago": of_days_ago("carrier_", 28),
    "routes of two weeks ago": of_days_ago("route_", 14),
    "all tables of last night": together(
        *(frozen(prefix) for prefix in ("carrier_", "origin_", "route_", "aircraft_", "weather_"))
    ),
    "seats all 150": to("aircraft_seats", pl.lit(150.0)),
    "age 0": to("aircraft_age", pl.lit(0.0)),
    "a carrier without aircraft": missing("aircraft_", pl.col("carrier") == "UA"),
    "routes by destination alone": lambda case: case.rows.with_columns(
        pl.col(name).first().over("dest") for name in case.rows.columns if name.startswith("route_")
    ),
    "carriers one further": of_another("carrier_", "carrier"),
    "airports without a record": missing("origin_", ALL),
    "a week's count for four": to("flight_count_28d", (pl.col("flight_count_28d") / 4).ceil()),
    "on time for late": to("route_late_rate_28d", 1 - pl.col("route_late_rate_28d")),
    "routes shuffled": shuffled("route_late_rate_28d"),
    "rates of one decimal": each_of("route_late", lambda value: value.round(1)),
    "0 for a third of the routes": together(
        *(to(f"route_{name}", pl.lit(0.0), every % 3 == 0) for name in ("late_rate_28d", "dep_delay_28d"))
    ),
    "two rates exchanged": swapped("route_late_rate_7d", "route_cancel_rate_7d"),
}
SCORES: Mapping[str, Change] = {
    "reflected about the mean": scores(2 * SCORED.mean() - SCORED),
    "of the other class": scores(1 - SCORED),
    "the base rate": scores(SCORED.mean()),
    "the mean of the carrier": scores(SCORED.mean().over("carrier")),
    "one decimal": scores(SCORED.round(1)),
    "half as far from the mean": scores((SCORED + SCORED.mean()) / 2),
    "in order of size": scores(SCORED.sort()),
    "of other rows": scores(SCORED.shuffle(seed=2)),
    "of last night": of_last_night,
    "twice the log odds": scores(SCORED**2 / (SCORED**2 + (1 - SCORED) ** 2)),
    "cut off at 0.05 and 0.5": scores(SCORED.clip(0.05, 0.5)),
    "of the next part": scores(SCORED.shift(300).fill_null(SCORED)),
}

OUTCOMES: Mapping[str, Fault] = {
    "seconds": both(lambda delay: delay * 60),
    "hours": both(lambda delay: delay // 60),
    "a carrier in seconds": lambda rows, _: where(pl.col("carrier") == "EV", rows, ARRIVAL * 60),
    "other sign": made(-ARRIVAL),
    "all on time": made(pl.lit(-1, pl.Int64).alias("arr_delay")),
    "nobody arrived": made(pl.lit(None, pl.Int64).alias("arr_delay")),
    "departures for arrivals": made(DEPARTURE.alias("arr_delay")),
    "western arrivals three hours more": lambda rows, _: where(WEST, rows, ARRIVAL + 180),
    "an hour more": made(ARRIVAL + 60),
    "UA missing": lambda rows, _: rows.filter(pl.col("carrier") != "UA"),
    "JFK missing": lambda rows, _: rows.filter(pl.col("origin") != "JFK"),
    "doubled under other numbers": lambda rows, _: pl.concat(
        [rows, rows.with_columns(pl.col("flight") % 4000 + 5000)]
    ),
    "the day before": FIRST["the day before"],
    "all cancelled": made(
        pl.lit(value=True).alias("cancelled"),
        *(pl.lit(None, pl.Int64).alias(name) for name in BOTH),
    ),
    "cancelled rows missing": lambda rows, _: rows.filter(~pl.col("cancelled")),
    "cancelled on time": made(
        pl.when("cancelled").then(pl.lit(0, pl.Int64)).otherwise(ARRIVAL).alias("arr_delay")
    ),
    "early is 0": both(lambda delay: delay.clip(lower_bound=0)),
    "at most an hour": both(lambda delay: delay.clip(upper_bound=60)),
    "arrivals of the row after": made(ARRIVAL.shift(-1)),
    "in steps of 15": both(lambda delay: (delay / 15).round() * 15),
    "ten minutes more": made(ARRIVAL + 10),
    "all diverted": made(pl.lit(value=True).alias("diverted")),
    "reflected about the limit": made((30 - ARRIVAL).alias("arr_delay")),
    "half of the rows": lambda rows, _: rows.gather_every(2),
    "on time is missing": lambda rows, _: where(ARRIVAL <= 15, rows, pl.lit(None)),
    "modulo 128": both(lambda delay: delay % 128),
    "an early copy: the last third of the file has no delay": lambda rows, _: rows.with_columns(
        pl.when(pl.int_range(pl.len()) < pl.len() * 2 // 3).then(name).alias(name) for name in BOTH
    ),
}


def of_nights(home: Path) -> Iterator[tuple[str, str, Sequence[Sequence[str]]]]:
    with year_in(models.model("flight_delay"), TRAINED, home) as year:
        audits, _ = read_year(year, None, "second")
        second = second_reading_of(year)
        for kind, faults in (("population", POPULATION), ("inputs", INPUTS), ("scores", SCORES)):
            for name, change in faults.items():
                found = (faulty(audits, kind, change, day, second) for day in DAYS)
                yield kind, name, [[*names] for names in found if names is not None]


def of_outcomes() -> Iterator[tuple[str, str, Sequence[Sequence[str]]]]:
    with tempfile.TemporaryDirectory() as folder:
        rows = recorded_year(Path(folder))
    days, is_holiday = looks(rows), models.model("flight_delay").is_holiday
    by_day = {key[0]: part for key, part in rows.partition_by("date", as_dict=True).items()}
    for name, plant in OUTCOMES.items():
        told = list[Sequence[str]]()
        for day in DAYS:
            before = by_day[day - timedelta(days=1)]
            planted = plant(by_day[day], before).select(before.columns).cast(dict(before.schema))
            if not planted.equals(by_day[day]):
                found = checked(
                    day,
                    looks(pl.concat([before, planted]))[day],
                    days,
                    is_holiday,
                )
                told.append(sorted({each.name for each in found}))
        yield "outcomes", name, told


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--home", type=Path, required=True)
    home = parser.parse_args().home
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    found = dict[str, list[bool]]()
    for rows in (of_outcomes(), of_nights(home)):
        for kind, name, nights in rows:
            checks = ", ".join(f"`{each}`" for each in dict.fromkeys(n for night in nights for n in night))
            print(
                f"| {kind}: {name} | {sum(map(bool, nights))} of {len(nights)} | {checks[:120]} |", flush=True
            )
            found.setdefault(kind, []).extend(map(bool, nights))
    for kind, held in found.items():
        print(f"{kind}: {sum(held)} of {len(held)} ({sum(held) / len(held):.1%})")
    every_one = [each for held in found.values() for each in held]
    print(f"all: {sum(every_one)} of {len(every_one)} ({sum(every_one) / len(every_one):.1%})")


if __name__ == "__main__":
    main()
