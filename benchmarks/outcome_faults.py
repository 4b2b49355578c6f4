"""How many planted faults of the flights' outcomes are held or told on their first day, and real days are.

    uv run python benchmarks/outcome_faults.py      # some minutes; needs no database

Each real day of the recorded year is checked in turn. Then each fault is planted on every sixth day from July
to December. The faults and the days from July on chose no limit but FACTOR_SIZE (docs/adr/0071). The limits
of what is told were chosen on the days and the faults up to June (docs/adr/0105).
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import polars as pl

import models
from models.flight_delay.population import late, outcomes, population
from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_days import days_of, with_outcomes
from nightjar.core.monitoring.outcome_findings import HoldFinding
from nightjar.core.monitoring.outcome_guard import RATE, TOLD_RATE, Verdict, judged, rate_told
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.outcome_relations import answered

SPEC = models.model("flight_delay")
FLIGHTS, SCHEDULES = SPEC.dataset("flights"), SPEC.dataset("schedules")
FIRST, LAST = date(2013, 1, 1), date(2013, 12, 31)
HALVES = {"first": (date(2013, 3, 1), date(2013, 6, 30)), "second": (date(2013, 7, 1), LAST)}
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


Fault = Callable[[Rows, Rows], Rows]
FAULTS: Mapping[str, Fault] = {
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

DEPARTURE = pl.col("dep_delay")
WEST = pl.col("dest").is_in(["LAX", "SFO", "SEA", "LAS", "SAN", "PDX", "SJC", "OAK"])
BOTH = ("arr_delay", "dep_delay")


def made(*columns: pl.Expr) -> Fault:
    return lambda rows, _: rows.with_columns(columns)


def both(of: Callable[[pl.Expr], pl.Expr]) -> Fault:
    """The same change of both delays."""
    return made(*(of(pl.col(name)).cast(pl.Int64).alias(name) for name in BOTH))


def of_before(*columns: str, where: pl.Expr | None = None) -> Fault:
    """Columns of the same flights as they were the day before, where they flew then."""
    keys = ["carrier", "flight", "origin"]

    def planted(rows: Rows, before: Rows) -> Rows:
        old = before.select(*keys, *(pl.col(each).alias(f"{each} old") for each in columns), known=True)
        chosen = pl.col("known").is_not_null() & (pl.lit(value=True) if where is None else where)
        return rows.join(old, on=keys, how="left", maintain_order="left").with_columns(
            pl.when(chosen).then(f"{each} old").otherwise(each).alias(each) for each in columns
        )

    return planted


def shared_codes(rows: Rows, _: Rows) -> Rows:
    """A third of the flights a second time, under the number of a partner."""
    return pl.concat([rows, rows.filter(THIRD).with_columns(pl.col("flight") + 5000)])


FOURTH: Mapping[str, Fault] = {
    "destinations in the west three hours early": lambda rows, _: where(WEST, rows, ARRIVAL - 180),
    "late ones are of the day after": lambda rows, _: where(ARRIVAL > 120, rows, ARRIVAL - 1440),
    "no sign": both(lambda delay: delay.abs()),
    "early arrivals as 0": made(ARRIVAL.clip(lower_bound=0)),
    "early ones as 0": both(lambda delay: delay.clip(lower_bound=0)),
    "in steps of 15 minutes": both(lambda delay: delay // 15 * 15),
    "groups of 15 minutes": both(lambda delay: (delay // 15).clip(-2, 12)),
    "arrivals of the flight before of its carrier": made(ARRIVAL.shift(1).over("carrier")),
    "arrivals of the day before": of_before("arr_delay"),
    "arrivals of the day before for a third": of_before("arr_delay", where=THIRD),
    "both delays of the day before": of_before(*BOTH),
    "both delays of the day before at one airport": of_before(*BOTH, where=LGA),
    "a carrier delivers its schedule": lambda rows, _: rows.with_columns(
        pl.when(carrier="EV").then(pl.lit(0, pl.Int64)).otherwise(name).alias(name) for name in BOTH
    ),
    "written before the late ones arrived": lambda rows, _: where(DEPARTURE > 30, rows, pl.lit(None)),
    "unknown arrivals as 0": made(ARRIVAL.fill_null(0)),
    "unknown delays as 0, none cancelled": made(
        ARRIVAL.fill_null(0), DEPARTURE.fill_null(0), pl.lit(value=False).alias("cancelled")
    ),
    "only late ones": lambda rows, _: rows.filter(ARRIVAL > 0),
    "those without an arrival are dropped": lambda rows, _: rows.filter(ARRIVAL.is_not_null()),
    "those without seats are dropped": lambda rows, _: rows.filter(pl.col("seats").is_not_null()),
    "regional carriers under the names of the big ones": made(
        pl.col("carrier").replace({"9E": "DL", "EV": "UA", "MQ": "AA"})
    ),
    "no tail numbers": made(pl.lit(None, pl.String).alias("tailnum")),
    "planes of the row before": made(pl.col("tailnum", "seats", "built").shift(1)),
    "ages for years": made((2013 - pl.col("built")).alias("built")),
    "years in two digits": made(pl.col("built") % 100),
    "seats in tens": made(pl.col("seats") // 10 * 10),
    "two airports exchanged": made(pl.col("origin").replace({"EWR": "JFK", "JFK": "EWR"})),
    "origin and destination exchanged": made(pl.col("dest").alias("origin"), pl.col("origin").alias("dest")),
    "arrivals are departures": made(DEPARTURE.alias("arr_delay")),
    "arrivals and departures added": made(ARRIVAL + DEPARTURE),
    "hours and minutes in one number": both(
        lambda delay: pl.when(delay >= 60).then(delay // 60 * 100 + delay % 60).otherwise(delay)
    ),
    "9999 for unknown": both(lambda delay: delay.fill_null(9999)),
    "one byte": both(lambda delay: (delay + 128) % 256 - 128),
    "to the ground and not to the gate": made(ARRIVAL - 8),
    "destinations in two letters": made(pl.col("dest").str.head(2)),
    "half of an airport missing": lambda rows, _: rows.filter(
        (pl.col("origin") != "JFK") | (pl.int_range(pl.len()) % 2 == 0)
    ),
    "partners' numbers too": shared_codes,
    "noise of ten minutes": made(ARRIVAL + (pl.int_range(pl.len()) * 7919 % 21 - 10)),
    "cancelled turned": made(~pl.col("cancelled")),
    "a tenth in seconds": lambda rows, _: where(TENTH, rows, ARRIVAL * 60),
    "arrivals in order of size": made(ARRIVAL.sort()),
    "the mean of the carrier": made(ARRIVAL.mean().over("carrier").round().cast(pl.Int64)),
}
"""Written before its author had read the features and the readings; parts of the guard were known."""

CARRIER, MINUTES = pl.col("carrier"), (ARRIVAL, DEPARTURE)
B6, DL, EV, MQ, UA = (pl.col("carrier") == name for name in ("B6", "DL", "EV", "MQ", "UA"))
JFK = pl.col("origin") == "JFK"


def part(chosen: pl.Expr, *columns: pl.Expr) -> Fault:
    """Other values of some columns in some rows."""

    def planted(rows: Rows, _: Rows) -> Rows:
        named = [(each, each.meta.output_name()) for each in columns]
        return rows.with_columns(
            pl.when(chosen).then(each.cast(rows.schema[name])).otherwise(name).alias(name)
            for each, name in named
        )

    return planted


def shuffled(chosen: pl.Expr, *columns: str) -> Fault:
    """Some columns shuffled together among some rows."""

    def planted(rows: Rows, _: Rows) -> Rows:
        numbered = rows.with_row_index("place")
        some = numbered.filter(chosen).with_columns(pl.struct(columns).shuffle(seed=3).struct.field(*columns))
        return pl.concat([some, numbered.filter(~chosen)]).sort("place").drop("place")

    return planted


FIFTH: Mapping[str, Fault] = {
    "minutes in tens": part(pl.lit(value=True), *(each // 10 for each in MINUTES)),
    "arrivals in tens": part(pl.lit(value=True), ARRIVAL // 10),
    "B6 in hours": part(B6, *(each // 60 for each in MINUTES)),
    "UA in tens of minutes": part(UA, *(each // 10 for each in MINUTES)),
    "MQ in hours": part(MQ, *(each // 60 for each in MINUTES)),
    "DL arrivals in hours": part(DL, ARRIVAL // 60),
    "DL in seconds": part(DL, *(each * 60 for each in MINUTES)),
    "sign of B6": part(B6, *(-each for each in MINUTES)),
    "UA an hour late": part(UA, ARRIVAL + 60),
    "DL arrivals half an hour early": part(DL, ARRIVAL - 30),
    "B6 all on time": part(B6, *(each * 0 for each in MINUTES)),
    "UA arrivals shuffled": shuffled(UA, "arr_delay"),
    "B6 flight numbers shuffled": shuffled(B6, "flight"),
    "MQ flight numbers shuffled": shuffled(MQ, "flight"),
    "DL flight numbers one further": part(DL, pl.col("flight") + 1),
    "UA delays of the day before": of_before(*BOTH, where=UA),
    "DL arrivals of the day before": of_before("arr_delay", where=DL),
    "DL under UA and UA under DL": made(CARRIER.replace({"DL": "UA", "UA": "DL"})),
    "B6 twice": lambda rows, _: pl.concat([rows, rows.filter(B6)]),
    "half of UA missing": lambda rows, _: rows.filter(~UA | (pl.int_range(pl.len()) % 2 == 1)),
    "B6 without tail numbers": part(B6, pl.lit(None, pl.String).alias("tailnum")),
    "UA planes shuffled": shuffled(UA, "tailnum", "seats", "built"),
    "one seat count at DL": part(DL, pl.col("seats") * 0 + 150),
    "seats of B6 halved": part(B6, pl.col("seats") // 2),
    "B6 cancelled unreported": part(B6, pl.lit(value=False).alias("cancelled")),
    "UA all cancelled": part(UA, pl.lit(value=True).alias("cancelled")),
    "UA early ones as 0": part(UA, *(each.clip(lower_bound=0) for each in MINUTES)),
    "DL in steps of five": part(DL, *(each // 5 * 5 for each in MINUTES)),
    "EV arrivals are departures": part(EV, DEPARTURE.alias("arr_delay")),
    "B6 departures and arrivals exchanged": part(
        B6, DEPARTURE.alias("arr_delay"), ARRIVAL.alias("dep_delay")
    ),
    "DL noise of an hour": part(DL, ARRIVAL + (pl.int_range(pl.len()) * 7919 % 121 - 60)),
    "UA destinations shuffled": shuffled(UA, "dest"),
    "LAX under SFO": made(pl.col("dest").replace({"LAX": "SFO"})),
    "LAX and ATL exchanged": made(pl.col("dest").replace({"LAX": "ATL", "ATL": "LAX"})),
    "JFK in tens of minutes": part(JFK, *(each // 10 for each in MINUTES)),
    "JFK arrivals shuffled": shuffled(JFK, "arr_delay"),
    "two bytes unsigned": made(ARRIVAL % 65536, DEPARTURE % 65536),
    "unknown arrivals as the mean": part(pl.lit(value=True), ARRIVAL.fill_null(ARRIVAL.mean().round())),
    "arrivals in half hours up": part(pl.lit(value=True), (ARRIVAL / 30).ceil() * 30),
    "no arrival that is more than three hours late": part(ARRIVAL > 180, pl.lit(None).alias("arr_delay")),
}
"""Written after the gauges of edges and before those of carriers (docs/adr/0114)."""
ALL = pl.lit(value=True)
EWR = pl.col("origin") == "EWR"


def less_mean(of: str | None) -> Fault:
    """Delays beside the mean of the day, or of those with the same value of a column."""
    return both(lambda delay: (delay - (delay.mean() if of is None else delay.mean().over(of))).round())


SIXTH: Mapping[str, Fault] = {
    "arrivals 16 to 30 minutes late as 15": part(ARRIVAL.is_between(16, 30), ARRIVAL * 0 + 15),
    "arrivals 16 to 20 minutes late as 15": part(ARRIVAL.is_between(16, 20), ARRIVAL * 0 + 15),
    "arrivals up to ten minutes late as 0": part(ARRIVAL.is_between(1, 10), ARRIVAL * 0),
    "departures up to five minutes late as 0": part(DEPARTURE.is_between(1, 5), DEPARTURE * 0),
    "30 for a twentieth of the arrivals": part(pl.int_range(pl.len()) % 20 == 0, ARRIVAL * 0 + 30),
    "JFK: arrivals 16 to 30 minutes late as 15": part(JFK & ARRIVAL.is_between(16, 30), ARRIVAL * 0 + 15),
    "no arrival of UA later than 14 minutes": part(UA, ARRIVAL.clip(upper_bound=14)),
    "no arrival of EV late": part(EV, ARRIVAL.clip(upper_bound=0)),
    "-5 for a fifth of the arrivals of B6": part(B6 & (pl.int_range(pl.len()) % 5 == 0), ARRIVAL * 0 - 5),
    "less the mean": less_mean(None),
    "less the mean of the airport": less_mean("origin"),
    "less the mean of the carrier": less_mean("carrier"),
    "ten minutes less": both(lambda delay: delay - 10),
    "five minutes less": both(lambda delay: delay - 5),
    "five minutes more": both(lambda delay: delay + 5),
    "ten minutes less at JFK": part(JFK, *(each - 10 for each in MINUTES)),
    "ten minutes less at UA": part(UA, *(each - 10 for each in MINUTES)),
    "arrivals twice": made(ARRIVAL * 2),
    "both delays twice": both(lambda delay: delay * 2),
    "both delays twice at EWR": part(EWR, *(each * 2 for each in MINUTES)),
    "both delays twice at UA": part(UA, *(each * 2 for each in MINUTES)),
    "even minutes": both(lambda delay: delay // 2 * 2),
    "seven tenths of both delays": both(lambda delay: (delay * 0.7).round()),
    "noise of three minutes": part(
        ALL, *(each + (pl.int_range(pl.len()) * 7919 % 7 - 3) for each in MINUTES)
    ),
}
"""What a feed may do that is like what lists before missed (docs/adr/0138). First tried up to June."""

PLANES = (pl.col("seats"), pl.col("built"))
SEVENTH: Mapping[str, Fault] = {
    "delays by the flight number alone": both(lambda delay: delay.first().over("flight")),
    "arrivals by the flight number alone": made(ARRIVAL.first().over("flight")),
    "delays without the airline": both(lambda delay: delay.last().over("flight", "origin")),
    "delays without the airport": both(lambda delay: delay.first().over("carrier", "flight")),
    "arrivals without the flight number": made(ARRIVAL.first().over("carrier", "origin")),
    "planes by the flight number alone": made(*(each.first().over("flight") for each in PLANES)),
}
"""Joins by a part of the key."""


def by_clock(change: Callable[[Rows], Rows]) -> Fault:
    """A change that needs the schedule of each flight: when it was to leave, and to land, in minutes."""

    def planted(rows: Rows, _: Rows) -> Rows:
        times = populations()[rows["date"][0]].select("carrier", "flight", "origin", "leaves", "lands")
        return change(rows.join(times, on=["carrier", "flight", "origin"], how="left", maintain_order="left"))

    return planted


def known_at(hour: int) -> Fault:
    """What was known at an hour: who had not landed or left by then has no delay."""
    return by_clock(
        lambda rows: rows.with_columns(
            dep_delay=pl.when(pl.col("leaves") + DEPARTURE < hour * 60).then(DEPARTURE),
            arr_delay=pl.when(pl.col("lands") + ARRIVAL < hour * 60).then(ARRIVAL),
        )
    )


def of_hours(first: int, last: int, *changed: pl.Expr) -> Fault:
    """Other delays of the flights that were to leave within these hours."""
    within = pl.col("leaves").is_between(60 * first, 60 * last - 1)
    return by_clock(
        lambda rows: rows.with_columns(
            pl.when(within).then(each).otherwise(each.meta.output_name()).cast(pl.Int64) for each in changed
        )
    )


UNKNOWN = pl.lit(None, pl.Int64)
EIGHTH: Mapping[str, Fault] = {
    "written at six in the evening": known_at(18),
    "written at nine in the evening": known_at(21),
    "written at eleven in the evening": known_at(23),
    "no delays of flights after 18:00": of_hours(18, 24, *(each * 0 for each in MINUTES)),
    "no arrivals of flights before 9:00": of_hours(0, 9, UNKNOWN.alias("arr_delay")),
    "no rows of flights after 20:00": by_clock(lambda rows: rows.filter(pl.col("leaves") < 20 * 60)),
    "the afternoon an hour early": of_hours(12, 18, *(each - 60 for each in MINUTES)),
    "the evening in hours": of_hours(18, 24, *(each // 60 for each in MINUTES)),
    "cancelled flights are not told": lambda rows, _: rows.with_columns(cancelled=pl.lit(value=False)),
}
"""What is wrong with the flights of some hours: the file does not say when they were to leave."""


def of_before(every: int) -> Fault:
    """Each n-th flight has the row of the day before, as a cache gives it."""

    def planted(rows: Rows, before: Rows) -> Rows:
        keys = ["carrier", "flight", "origin", "dest"]
        old = before.gather_every(every).with_columns(
            flight_date=rows["flight_date"][0], date=rows["date"][0]
        )
        old = old.join(rows, on=keys, how="semi").select(rows.columns)
        return pl.concat([rows.join(old, on=keys, how="anti"), old])

    return planted


NINTH: Mapping[str, Fault] = {
    "early flights count as punctual": both(lambda delay: delay.clip(0)),
    "early arrivals count as punctual": made(ARRIVAL.clip(0)),
    "less than a quarter of an hour late counts as punctual": both(
        lambda delay: pl.when(~delay.is_between(1, 14)).then(delay).otherwise(delay * 0)
    ),
    "no flight is less than a quarter of an hour late": both(
        lambda delay: pl.when(~delay.is_between(1, 14)).then(delay).otherwise(delay * 0 + 15)
    ),
    "delays in per cent of the planned duration": by_clock(
        lambda rows: rows.with_columns(
            (each / (40 + pl.col("lands") - pl.col("leaves")).clip(40) * 100).round().cast(pl.Int64)
            for each in MINUTES
        )
    ),
    "a sixth of the rows is that of the day before": of_before(6),
    "a fifteenth of the rows is that of the day before": of_before(15),
}
"""Numbers that do not belong together, and parts of the file before. Written with the rules."""
LISTS: Mapping[str, Mapping[str, Fault]] = {
    "the first list": FAULTS,
    "the list of ADR 92": FOURTH,
    "the list of ADR 114": FIFTH,
    "the list of ADR 138": SIXTH,
    "joins by a part of the key": SEVENTH,
    "hours that the file does not say": EIGHTH,
    "the list of ADR 142": NINTH,
}


def recorded_year(folder: Path, dataset: RawDataset = FLIGHTS) -> Rows:
    """What is delivered of each day, read without landing it."""
    delivered = (each for each in SPEC.deliveries(folder, FIRST, LAST) if each.dataset == dataset.name)
    return pl.concat(
        pl.read_csv(each.path, comment_prefix="#", schema_overrides=dict(dataset.columns)).with_columns(
            date=pl.lit(each.day), recorded_at=pl.lit(each.recorded_at)
        )
        for each in delivered
    )


@cache
def populations() -> Mapping[date, Rows]:
    """The flights that were scheduled for each day. `lands`: on the clock of the place where they leave."""
    with tempfile.TemporaryDirectory() as folder:
        rows = recorded_year(Path(folder), SCHEDULES)
    leaves = pl.col("sched_dep_minute")
    return {
        key[0]: population({SCHEDULES.name: part}, key[0]).with_columns(
            leaves=leaves, lands=leaves + pl.col("sched_block_minutes")
        )
        for key, part in rows.partition_by("date", as_dict=True).items()
    }


def looks(rows: Rows) -> dict[date, OutcomeDay]:
    return {
        day: look(found, outcomes({"flights": rows.filter(pl.col("date") == day)}, day), day)
        for day, found in days_of(FLIGHTS, rows).items()
    }


def look(found: OutcomeDay, told: Rows, day: date) -> OutcomeDay:
    """A day with its outcomes, and with how many flights lack one."""
    rates = {**found.rates, **answered(populations()[day]["entity_key"], told["entity_key"])}
    return with_outcomes(found, told["outcome"], SPEC.kind).model_copy(update={"rates": rates})


Judged = tuple[Verdict, Sequence[HoldFinding]]


def in_turn(days: Mapping[date, OutcomeDay]) -> dict[date, Judged]:
    """Each day as it lands: what is held is compared with no later one."""
    counting: dict[date, OutcomeDay] = {}
    found = dict[date, Judged]()
    for day, look_ in days.items():
        found[day] = judged(day, look_, counting, SPEC.is_holiday)
        if found[day][0] is not Verdict.HELD:
            counting[day] = look_
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--half", choices=HALVES, default="second")
    parser.add_argument("--only", choices=LISTS, help="one list of faults")
    wanted = parser.parse_args()
    first, last = HALVES[wanted.half]
    with tempfile.TemporaryDirectory() as folder:
        year = recorded_year(Path(folder))
    days = {day: found for day, found in looks(year).items() if day <= last}
    real = in_turn(days)
    for verdict, rate in ((Verdict.HELD, RATE), (Verdict.DOUBTED, TOLD_RATE)):
        odd = [day for day, (became, _) in real.items() if became is verdict]
        late = f"{sum(day >= first for day in odd)} of {sum(day >= first for day in days)}"
        print(f"real days that are {verdict.value}: {len(odd)} of {len(days)}; from {first} on {late}")
        for day in odd:
            every = "; ".join(f"{each.name}: {each.told}" for each in real[day][1])
            print(f"  {day}: {every}. {rate_told(rate)}")
    by_day = {key[0]: rows for key, rows in year.partition_by("date", as_dict=True).items()}
    planted = [day for day in days if day >= first][::EVERY]
    for title, faults in LISTS.items():
        if wanted.only not in {None, title}:
            continue
        totals = Counter[Verdict]()
        for name, plant in faults.items():
            nights = [*against(plant, planted, by_day, days)]
            totals += (of := Counter(became for became, _ in nights))
            checks = Counter(check for _, each in nights for check in sorted({one.name for one in each}))
            names = ", ".join(check for check, _ in checks.most_common(3)) or "nothing"
            print(f"{name}: {counted(of)}, by {names}", flush=True)
        named = totals[Verdict.HELD] + totals[Verdict.DOUBTED]
        print(f"{title}: {counted(totals)} ({named / totals.total():.1%})")


def counted(of: Counter[Verdict]) -> str:
    held, told = of[Verdict.HELD], of[Verdict.DOUBTED]
    return f"{held} of {of.total()} held" + (f", {told} told" if told else "")


def against(
    plant: Fault, planted: Sequence[date], by_day: Mapping[date, Rows], days: Mapping[date, OutcomeDay]
) -> Iterator[Judged]:
    """What becomes of each day that a fault changes."""
    for day in planted:
        before = by_day[day - DAY]
        faulty = plant(by_day[day], before).select(before.columns)
        if not faulty.equals(by_day[day]):
            yield judged(day, looks(pl.concat([before, faulty]))[day], days, SPEC.is_holiday)


if __name__ == "__main__":
    main()
