"""How many planted faults of the flights' outcomes are held on their first day, and how many real days are.

    uv run python benchmarks/outcome_faults.py      # half a minute; needs no database

Each real day of the recorded year is checked in turn. Then each fault is planted on every sixth day from July
to December. The faults and the days from July on chose no limit but FACTOR_SIZE (docs/adr/0071).
"""

import tempfile
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path

import polars as pl

import models
from models.flight_delay.population import late, outcomes
from nightjar.core.monitoring.outcome_days import days_of, with_outcomes
from nightjar.core.monitoring.outcome_guard import OutcomeDay, checked

SPEC = models.model("flight_delay")
FLIGHTS = SPEC.dataset("flights")
FIRST, JULY, LAST = date(2013, 1, 1), date(2013, 7, 1), date(2013, 12, 31)
DAY = timedelta(days=1)
EVERY = 6

Rows = pl.DataFrame
ARRIVAL = pl.col("arr_delay")
THIRD, TENTH = (pl.int_range(pl.len()) % every == 0 for every in (3, 10))
LGA = pl.col("origin") == "LGA"


def where(chosen: pl.Expr, rows: Rows, arrival: pl.Expr) -> Rows:
    """Other arrivals in some rows."""
    return rows.with_columns(
        pl.when(chosen).then(arrival).otherwise(ARRIVAL).cast(pl.Int64).alias("arr_delay")
    )


FAULTS: Mapping[str, Callable[[Rows, Rows], Rows]] = {
    "seconds for minutes": lambda rows, _: rows.with_columns(ARRIVAL * 60, pl.col("dep_delay") * 60),
    "arrivals alone in seconds": lambda rows, _: rows.with_columns(ARRIVAL * 60),
    "an hour added": lambda rows, _: rows.with_columns(ARRIVAL + 60),
    "the sign turned": lambda rows, _: rows.with_columns(-ARRIVAL),
    "all on time to the minute": lambda rows, _: rows.with_columns(arr_delay=pl.lit(0, pl.Int64)),
    "all an hour late": lambda rows, _: rows.with_columns(arr_delay=pl.lit(60, pl.Int64)),
    "no arrival known": lambda rows, _: rows.with_columns(arr_delay=pl.lit(None, pl.Int64)),
    "late and on time swapped": lambda rows, _: rows.with_columns(
        arr_delay=pl.when(late()).then(pl.lit(-5, pl.Int64)).otherwise(pl.lit(40, pl.Int64))
    ),
    "an airport all on time": lambda rows, _: rows.with_columns(
        arr_delay=pl.when(pl.col("origin") == "EWR").then(pl.lit(-3, pl.Int64)).otherwise(ARRIVAL)
    ),
    "the day before": lambda rows, before: before.with_columns(
        flight_date=pl.lit(rows["date"][0]), date=pl.lit(rows["date"][0])
    ),
    "half of the rows": lambda rows, _: rows.sample(fraction=0.5, seed=1),
    "an airport missing": lambda rows, _: rows.filter(pl.col("origin") != "LGA"),
    "minutes in hours": lambda rows, _: rows.with_columns(ARRIVAL // 60, pl.col("dep_delay") // 60),
    "0 for a third of the arrivals": lambda rows, _: where(THIRD, rows, pl.lit(0)),
    "a third of the arrivals missing": lambda rows, _: where(THIRD, rows, pl.lit(None)),
    "-999 for a tenth of the arrivals": lambda rows, _: where(TENTH, rows, pl.lit(-999)),
    "an airport in seconds": lambda rows, _: where(LGA, rows, ARRIVAL * 60),
    "a carrier in seconds": lambda rows, _: where(pl.col("carrier") == "B6", rows, ARRIVAL * 60),
    "an airport in another time zone": lambda rows, _: where(LGA, rows, ARRIVAL - 180),
    "the labels of an airport flipped": lambda rows, _: where(
        LGA, rows, pl.when(late()).then(pl.lit(-5)).otherwise(pl.lit(40))
    ),
    "twice as many late at an airport": lambda rows, _: where(LGA & (ARRIVAL > -5), rows, ARRIVAL + 20),
    "half of the late ones on time": lambda rows, _: where(late() & (TENTH | THIRD), rows, pl.lit(0)),
    "a carrier without arrivals": lambda rows, _: where(pl.col("carrier") == "B6", rows, pl.lit(None)),
    "arrivals shuffled": lambda rows, _: rows.with_columns(pl.col("arr_delay").shuffle(seed=1)),
    "arrivals of the row before": lambda rows, _: rows.with_columns(ARRIVAL.shift(1).fill_null(0)),
    "departures and arrivals swapped": lambda rows, _: rows.with_columns(
        arr_delay="dep_delay", dep_delay="arr_delay"
    ),
    "noise of an hour": lambda rows, _: rows.with_columns(
        ARRIVAL + (pl.int_range(pl.len()) * 7919 % 121 - 60)
    ),
    "every row twice": lambda rows, _: pl.concat([rows, rows]),
    "a tenth of the rows": lambda rows, _: rows.gather_every(10),
    "cut off at an hour": lambda rows, _: rows.with_columns(ARRIVAL.clip(upper_bound=60)),
    "a big carrier missing": lambda rows, _: rows.filter(pl.col("carrier") != "UA"),
}


def recorded_year(folder: Path) -> Rows:
    """What is delivered of each day, read without landing it."""
    delivered = (each for each in SPEC.deliveries(folder, FIRST, LAST) if each.dataset == FLIGHTS.name)
    return pl.concat(
        pl.read_csv(each.path, comment_prefix="#", schema_overrides=dict(FLIGHTS.columns)).with_columns(
            date=pl.lit(each.day), recorded_at=pl.lit(each.recorded_at)
        )
        for each in delivered
    )


def looks(rows: Rows) -> dict[date, OutcomeDay]:
    return {
        day: with_outcomes(
            found, outcomes({"flights": rows.filter(pl.col("date") == day)}, day)["outcome"], SPEC.kind
        )
        for day, found in days_of(FLIGHTS, rows).items()
    }


def held_in_turn(days: Mapping[date, OutcomeDay]) -> list[date]:
    counting: dict[date, OutcomeDay] = {}
    held = list[date]()
    for day, found in days.items():
        if checked(day, found, counting):
            held.append(day)
        else:
            counting[day] = found
    return held


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        year = recorded_year(Path(folder))
    days = looks(year)
    held = held_in_turn(days)
    print(f"real days held: {len(held)} of {len(days)} {[str(day) for day in held]}")
    by_day = {key[0]: rows for key, rows in year.partition_by("date", as_dict=True).items()}
    planted = [day for day in days if day >= JULY][::EVERY]
    total = 0
    for name, plant in FAULTS.items():
        found = 0
        for day in planted:
            before = by_day[day - DAY]
            faulty = plant(by_day[day], before).select(year.columns)
            found += bool(checked(day, looks(pl.concat([before, faulty]))[day], days))
        total += found
        print(f"{name}: {found} of {len(planted)} held")
    print(f"all faults: {total} of {len(planted) * len(FAULTS)} held")


if __name__ == "__main__":
    main()
