"""The sixth list of faults: tables of features, stored scores and weekly outcomes that are wrong (ADR 102).

    uv run python benchmarks/unlisted_faults.py --model flight_delay --home FOLDER --of tables scores
    uv run python benchmarks/unlisted_faults.py --model route_delay --home FOLDER

A fault of a table is written into its Parquet files, behind the back of what builds them. One of the scores
is written by the store in place of what was scored. Then the night is scored, audited and published as any
other: by `ScoreNight`, with a challenger that serves half of the rows. The nights are of July to December.
They have no published night before them, so they are held to rehearsed ones. Weekly outcomes are checked as
they land. A year's folder takes minutes to make and is kept.
"""

import argparse
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import structlog
from own_home import platform_in
from structlog.testing import capture_logs

import models
from models.route_delay.datasets import ROUTE_WEEKS
from models.route_delay.population import outcomes, population
from models.route_delay.source import weeks
from nightjar.adapters.files.feature_tables import read_kept
from nightjar.core.errors.base import NightjarError
from nightjar.core.inputs.findings import Finding
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION
from nightjar.core.model.generations import FIRST
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.monitoring.outcome_days import days_of, step_of, with_outcomes
from nightjar.core.monitoring.outcome_guard import checked
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.outcome_relations import answered
from nightjar.core.monitoring.outcome_rules import HOLDS, TELLS, Limits
from nightjar.core.night.clock import evening_by_now, night_of
from nightjar.core.night.entities import Part, Run
from nightjar.executors.in_turn import InTurn
from nightjar.usecases.scoring.part import ScorePart
from nightjar.wiring.platform import Platform

FLIGHTS, ROUTES = "flight_delay", "route_delay"
NIGHTS: Mapping[str, Sequence[date]] = {
    FLIGHTS: (
        date(2013, 12, 9),
        date(2013, 11, 17),
        date(2013, 10, 24),
        date(2013, 8, 24),
        date(2013, 7, 23),
    ),
    ROUTES: (date(2013, 12, 16), date(2013, 11, 18), date(2013, 10, 21), date(2013, 9, 9), date(2013, 8, 19)),
}
"""Newest first, so that none has a published one before it."""
TRAINED: Mapping[str, tuple[date, date]] = {
    FLIGHTS: (date(2013, 6, 30), date(2013, 6, 15)),
    ROUTES: (date(2013, 8, 10), date(2013, 8, 1)),
}
"""When champion and challenger were trained."""
SHARE = 0.5
A_DAY = timedelta(days=1)
FILE = "__file"

Rows = pl.DataFrame


@dataclass(frozen=True, slots=True)
class Newest:
    """The rows of a table of the last day of events that a night knows, and those before and after."""

    table: FeatureTable
    rows: Rows
    before: Rows
    after: Rows

    @property
    def features(self) -> list[str]:
        return [*self.table.features]

    def of(self, other: Rows, *columns: str) -> Rows:
        """The newest rows with features of the same keys of other rows."""
        keys, names = [*self.table.keys], [*(columns or self.features)]
        if len(self.rows["event_timestamp"].unique()) > 1:
            other = other.with_columns(hour=pl.col("event_timestamp").dt.hour())
            rows, keys = self.rows.with_columns(hour=pl.col("event_timestamp").dt.hour()), [*keys, "hour"]
        else:
            rows = self.rows
        old = other.unique(keys, keep="first").select(
            *keys, *(pl.col(each).alias(f"{each} old") for each in names)
        )
        joined = rows.join(old, on=keys, how="left", maintain_order="left")
        return joined.with_columns(pl.coalesce(f"{each} old", each).alias(each) for each in names).select(
            self.rows.columns
        )

    def ago(self, days: int) -> Rows:
        """The rows of the day of events so many days before."""
        last = self.rows["event_timestamp"].max() - timedelta(days=days, hours=-1)  # clocks change
        return self.before.filter(pl.col("event_timestamp") <= last).sort("event_timestamp", descending=True)


InTable = Callable[[Newest], Rows]


def each_of(of: Callable[[pl.Expr], pl.Expr], *starts: str, where: pl.Expr | None = None) -> InTable:
    """Other values of the features that begin so, of all rows or of some."""
    chosen = pl.lit(value=True) if where is None else where
    return lambda new: new.rows.with_columns(
        pl.when(chosen).then(of(pl.col(name))).otherwise(name).cast(pl.Float64).alias(name)
        for name in new.features
        if not starts or name.startswith(starts)
    )


def only(wanted: pl.Expr) -> InTable:
    return lambda new: new.rows.filter(wanted)


def of_next_key(new: Newest) -> Rows:
    return new.rows.sort(*new.table.keys).with_columns(pl.col(new.features).shift(-1))


def of_one(column: str, value: str) -> InTable:
    """Each key has what the keys with a value have; keys that differ in nothing else are matched."""

    def change(new: Newest) -> Rows:
        others = [name for name in (*new.table.keys, "event_timestamp") if name != column]
        given = new.rows.filter(pl.col(column) == value).select(
            *others, *(pl.col(name).alias(f"{name} other") for name in new.features)
        )
        joined = new.rows.join(given, on=others, how="left", maintain_order="left")
        return joined.with_columns(
            pl.coalesce(f"{name} other", name).alias(name) for name in new.features
        ).select(new.rows.columns)

    return change


def exchanged(column: str, one: str, other: str) -> InTable:
    return lambda new: new.rows.with_columns(pl.col(column).replace({one: other, other: one}))


def swapped(*pairs: tuple[str, str]) -> InTable:
    both = [*pairs, *((b, a) for a, b in pairs)]
    return lambda new: new.rows.with_columns(pl.col(b).alias(a) for a, b in both)


def later(column: str, by: timedelta) -> InTable:
    return lambda new: new.rows.with_columns(pl.col(column) + by)


def again(of: Callable[[pl.Expr], pl.Expr]) -> InTable:
    """A second version of the rows that is as new and lies behind them."""
    return lambda new: pl.concat([new.rows, each_of(of)(new)])


NULL, EVERY = pl.lit(None, pl.Float64), pl.int_range(pl.len())
TABLES: Mapping[str, Mapping[str, tuple[str, InTable]]] = {
    FLIGHTS: {
        "routes end a day before": ("route", only(pl.lit(value=False))),
        "carriers end a day before": ("carrier", only(pl.lit(value=False))),
        "aircraft end a day before": ("aircraft", only(pl.lit(value=False))),
        "routes of the day before under the newest day": ("route", lambda new: new.of(new.ago(1))),
        "airports of a week ago": ("origin", lambda new: new.of(new.ago(7))),
        "carriers of the day after": ("carrier", lambda new: new.of(new.after)),
        "weather of the day before": ("weather", lambda new: new.of(new.ago(1))),
        "aircraft all 0": ("aircraft", each_of(lambda _: pl.lit(0.0))),
        "routes never cancel": ("route", each_of(lambda _: pl.lit(0.0), "route_cancel")),
        "airports without values": ("origin", each_of(lambda _: NULL)),
        "routes without delays": ("route", each_of(lambda _: NULL, "route_dep")),
        "carriers' delays in seconds": ("carrier", each_of(lambda value: value * 60, "carrier_dep")),
        "routes' rates in per cent": ("route", each_of(lambda value: value * 100, "route_late", "route_can")),
        "weather in Celsius": ("weather", each_of(lambda value: (value - 32) / 1.8, "weather_temp")),
        "routes of JFK under EWR": ("route", of_one("origin", "JFK")),
        "JFK's record for all airports": ("origin", of_one("origin", "JFK")),
        "LGA's weather for all airports": ("weather", of_one("origin", "LGA")),
        "two carriers exchanged": ("carrier", exchanged("carrier", "UA", "B6")),
        "two small carriers exchanged": ("carrier", exchanged("carrier", "VX", "WN")),
        "two airports exchanged": ("origin", exchanged("origin", "EWR", "LGA")),
        "half of the routes are not there": ("route", only(pl.len() // 2 > EVERY)),
        "a tenth of the aircraft are not there": ("aircraft", only(EVERY % 10 != 0)),
        "aircraft of the next flight": ("aircraft", of_next_key),
        "routes' weeks exchanged": ("route", swapped(("route_late_rate_7d", "route_late_rate_28d"))),
        "carriers' four weeks lack the last day": (
            "carrier",
            lambda new: new.of(new.ago(1), *(name for name in new.features if name.endswith("28d"))),
        ),
        "routes of one decimal": ("route", each_of(lambda value: value.round(1))),
        "carriers are known a day late": ("carrier", later("created", A_DAY)),
        "routes lie a day later": ("route", later("event_timestamp", A_DAY)),
        "routes lie a day earlier": ("route", later("event_timestamp", -A_DAY)),
        "weather in local time": ("weather", later("event_timestamp", timedelta(hours=-5))),
        "weather ends six hours before": (
            "weather",
            only(pl.col("event_timestamp") <= pl.col("event_timestamp").max() - timedelta(hours=5)),
        ),
        "routes in lower case": (
            "route",
            lambda new: new.rows.with_columns(pl.col("dest").str.to_lowercase()),
        ),
        "no weather at one airport": ("weather", each_of(lambda _: NULL, where=pl.col("origin") == "LGA")),
        "seats of one carrier doubled": (
            "aircraft",
            each_of(lambda value: value * 2, "aircraft_seats", where=pl.col("carrier") == "DL"),
        ),
        "ages a year more": ("aircraft", each_of(lambda value: value + 1, "aircraft_age")),
        "a flight less": ("aircraft", each_of(lambda value: value - 1, "flight_count")),
        "carriers a tenth worse": ("carrier", each_of(lambda value: value * 1.1)),
        "routes a hundredth worse": ("route", each_of(lambda value: value * 1.01)),
        "airports written twice, then halved": ("origin", again(lambda value: value / 2)),
        "delays of carriers with the other sign": ("carrier", each_of(lambda value: -value, "carrier_dep")),
        "an airport's record is not there": ("origin", only(pl.col("origin") != "LGA")),
        "-1 for one aircraft in fifty": ("aircraft", each_of(lambda _: pl.lit(-1.0), where=EVERY % 50 == 0)),
        "late and cancelled of one carrier exchanged": (
            "carrier",
            lambda new: new.rows.with_columns(
                pl.when(pl.col("carrier") == "EV").then(b).otherwise(a).alias(a)
                for a, b in (
                    ("carrier_late_rate_28d", "carrier_cancel_rate_28d"),
                    ("carrier_cancel_rate_28d", "carrier_late_rate_28d"),
                )
            ),
        ),
    },
    ROUTES: {
        "routes end a week before": ("route_weeks", only(pl.lit(value=False))),
        "airports end a week before": ("airport_weeks", only(pl.lit(value=False))),
        "routes of the week before under the newest": ("route_weeks", lambda new: new.of(new.ago(7))),
        "airports of the week before": ("airport_weeks", lambda new: new.of(new.ago(7))),
        "routes of the week after": ("route_weeks", lambda new: new.of(new.after)),
        "routes' delays all 0": ("route_weeks", each_of(lambda _: pl.lit(0.0), "route_delay")),
        "airports' delays all 0": ("airport_weeks", each_of(lambda _: pl.lit(0.0))),
        "airports without values": ("airport_weeks", each_of(lambda _: NULL)),
        "routes without delays": ("route_weeks", each_of(lambda _: NULL, "route_delay")),
        "routes' delays in seconds": ("route_weeks", each_of(lambda value: value * 60, "route_delay")),
        "airports' delays in hours": ("airport_weeks", each_of(lambda value: value / 60)),
        "minutes of the day in hours": ("route_weeks", each_of(lambda value: value / 60, "route_minute")),
        "flights of four weeks": ("route_weeks", each_of(lambda value: value * 4, "route_flights")),
        "three weeks of four": ("route_weeks", each_of(lambda value: value * 0.75, "route_flights")),
        "routes of the next row": ("route_weeks", of_next_key),
        "routes of JFK under the others": ("route_weeks", of_one("origin", "JFK")),
        "one airport for all": ("airport_weeks", of_one("origin", "JFK")),
        "two airports exchanged": ("airport_weeks", exchanged("origin", "EWR", "LGA")),
        "two airports' routes exchanged": ("route_weeks", exchanged("origin", "EWR", "LGA")),
        "half of the routes are not there": ("route_weeks", only(pl.len() // 2 > EVERY)),
        "an airport is not there": ("airport_weeks", only(pl.col("origin") != "LGA")),
        "delays with the other sign": ("route_weeks", each_of(lambda value: -value, "route_delay")),
        "delays and flights exchanged": ("route_weeks", swapped(("route_delay", "route_flights"))),
        "delays without decimals": ("route_weeks", each_of(lambda value: value.round(), "route_delay")),
        "routes are known a week late": ("route_weeks", later("created", 7 * A_DAY)),
        "routes lie a week later": ("route_weeks", later("event_timestamp", 7 * A_DAY)),
        "delays a tenth more": ("route_weeks", each_of(lambda value: value * 1.1, "route_delay")),
        "delays of one route in twenty are 0": (
            "route_weeks",
            each_of(lambda _: pl.lit(0.0), "route_delay", where=EVERY % 20 == 0),
        ),
    },
}
"""Name -> the table, and what lies in its newest day."""

InScores = Callable[[Rows], Rows]
SCORE, SHADOW, ARM = pl.col("score"), pl.col("challenger_score"), pl.col("arm")


def stored(**columns: pl.Expr) -> InScores:
    """Other scores in the second part, and where there is one alone in it."""
    return lambda rows: rows.with_columns(**columns)


SCORES: Mapping[str, InScores] = {
    "scores of the row before": stored(score=SCORE.shift(1).fill_null(SCORE)),
    "scores in reverse": stored(score=SCORE.reverse()),
    "one score for all": stored(score=SCORE.mean()),
    "one row of a hundred is reflected": stored(
        score=pl.when(EVERY % 100 == 50).then(SCORE.max()).otherwise(SCORE)
    ),
    "scores of two decimals": stored(score=SCORE.round(2)),
    "half of the scores are lower by a thousandth": stored(
        score=pl.when(EVERY % 2 == 0).then(SCORE - 0.001).otherwise(SCORE)
    ),
    "the challenger's under the champion's name": stored(score=SHADOW),
    "the champion's under the challenger's name": stored(challenger_score=SCORE),
    "the two exchanged": stored(score=SHADOW, challenger_score=SCORE),
    "the challenger's of the row before": stored(challenger_score=SHADOW.shift(1).fill_null(SHADOW)),
    "the challenger gives one score": stored(challenger_score=SHADOW.mean()),
    "the challenger gives half": stored(challenger_score=SHADOW / 2),
    "the challenger of a tenth of the rows shuffled": stored(
        challenger_score=pl.when(EVERY % 10 == 0).then(SHADOW.reverse()).otherwise(SHADOW)
    ),
    "the challenger gives no score": stored(challenger_score=NULL),
    "the challenger gives none to a third": stored(challenger_score=pl.when(EVERY % 3 != 0).then(SHADOW)),
    "the challenger serves nothing": stored(arm=pl.lit(CHAMPION)),
    "the challenger serves all": stored(arm=pl.lit(CHALLENGER)),
    "the arms are exchanged": stored(arm=ARM.replace({CHAMPION: CHALLENGER, CHALLENGER: CHAMPION})),
    "no arms": stored(arm=pl.lit(None, pl.String)),
}
"""What is stored of the second part, or of the only one, in place of its scores."""
SHADOW_SCORES = {name: change for name, change in SCORES.items() if "challenger's" in name or "gives" in name}
"""The same of a challenger that serves nothing."""

Weekly = Callable[[Rows], Rows]
DELAY, FLOWN, LEFT = pl.col("delay_minutes"), pl.col("flights"), pl.col("departed")
NOON, EWR = pl.col("schedule_minutes"), pl.col("origin") == "EWR"


def made(*columns: pl.Expr, where: pl.Expr | None = None) -> Weekly:
    """Other values in all rows or in some."""

    def plant(rows: Rows) -> Rows:
        chosen = pl.lit(value=True) if where is None else where
        return rows.with_columns(
            pl.when(chosen)
            .then(each)
            .otherwise(each.meta.output_name())
            .cast(rows.schema[each.meta.output_name()])
            .alias(each.meta.output_name())
            for each in columns
        )

    return plant


OUTCOMES: Mapping[str, Weekly] = {
    "delays shuffled": made(DELAY.shuffle(seed=1)),
    "delays shuffled within each airport": made(DELAY.shuffle(seed=1).over("origin")),
    "delays of the row before": made(DELAY.shift(1).fill_null(DELAY)),
    "delays of one airport shuffled": made(DELAY.shuffle(seed=1).over("origin"), where=EWR),
    "delays in order of size": made(DELAY.sort()),
    "delays of the other airport of the route": made(DELAY.reverse().over("dest").alias("delay_minutes")),
    "early is 0": made(DELAY.clip(lower_bound=0)),
    "at most 500 minutes a route": made(DELAY.clip(upper_bound=500)),
    "rounded to hundreds": made((DELAY / 100).round() * 100),
    "one airport on time": made(pl.lit(0).alias("delay_minutes"), where=EWR),
    "one airport in seconds": made(DELAY * 60, where=EWR),
    "one airport in hours": made(DELAY // 60, where=EWR),
    "ten minutes more a flight": made(DELAY + 10 * LEFT),
    "a fifth more": made(DELAY * 1.2),
    "every tenth route twice as late": made(DELAY * 2, where=EVERY % 10 == 0),
    "every tenth route on time": made(pl.lit(0).alias("delay_minutes"), where=EVERY % 10 == 0),
    "one route is told in milliseconds": made(DELAY * 60_000, where=EVERY == 40),
    "16 bits": made((DELAY + 1024) % 2048 - 1024),
    "nothing was cancelled": made(FLOWN.alias("departed")),
    "all but one left": made((FLOWN - 1).clip(lower_bound=0).alias("departed")),
    "flights and departed exchanged": made(LEFT.alias("flights"), FLOWN.alias("departed")),
    "departed of the row before": made(LEFT.shift(1).fill_null(LEFT)),
    "the counts of six days": made(
        *((each * 6 // 7).alias(each.meta.output_name()) for each in (FLOWN, LEFT, DELAY, NOON))
    ),
    "the counts of eight days": made(
        *((each * 8 // 7).alias(each.meta.output_name()) for each in (FLOWN, LEFT, DELAY, NOON))
    ),
    "two airports exchanged": made(pl.col("origin").replace({"EWR": "JFK", "JFK": "EWR"})),
    "destinations of the row before": made(pl.col("dest").shift(1).fill_null(pl.col("dest"))),
    "small routes are not there": lambda rows: rows.filter(FLOWN > 7),
    "routes with cancellations are not there": lambda rows: rows.filter(FLOWN == LEFT),
    "a tenth of the routes are not there": lambda rows: rows.filter(EVERY % 10 != 0),
    "late routes are not there": lambda rows: rows.filter(DELAY / LEFT < 25),
    "a third without a delay": made(pl.lit(None, pl.Int64).alias("delay_minutes"), where=EVERY % 3 == 0),
    "noise of five minutes a flight": made(DELAY + LEFT * (EVERY * 7919 % 11 - 5)),
}
"""What lands of a week of the routes."""


class Recorded:
    """The readings of a platform, which remember the last findings."""

    def __init__(self, kept: Any) -> None:
        self.kept, self.found = kept, list[Finding]()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.kept, name)

    def record_findings(self, run: Run, findings: Sequence[Finding]) -> None:
        self.found = [*findings]
        self.kept.record_findings(run, findings)


class Stores:
    """A store that writes something else of one part."""

    def __init__(self, store: Any, change: InScores) -> None:
        self.store, self.change = store, change

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def write_part(self, run: Run, part: Part, scores: Rows, *others: Any) -> Any:
        assert run.population is not None
        chosen = part.number == min(1, run.population.parts - 1)
        return self.store.write_part(run, part, self.change(scores) if chosen else scores, *others)


def told(platform: Platform, spec: ModelSpec, day: date, change: InScores | None = None) -> list[str]:
    """Score a night once more. The names of what holds it back, of its doubts, or of errors in the log."""
    inputs = lambda name: platform.night_inputs(models.model(name))  # noqa: E731
    store = platform.store if change is None else Stores(platform.store, change)
    night = platform.score_night(spec, executor=InTurn(ScorePart(inputs=inputs, store=store)))
    kept = Recorded(night.guard.readings)
    night = replace(night, guard=replace(night.guard, readings=kept))
    with capture_logs() as logs:
        try:
            night.run(night_of(spec, day), force=True)
        except NightjarError as error:
            return sorted({each.name for each in kept.found}) or [type(error).__name__]
    return sorted(
        {each.name for each in kept.found} | {e["event"] for e in logs if e["log_level"] == "error"}
    )


@contextmanager
def lying(platform: Platform, table: FeatureTable, as_of: datetime, change: InTable) -> Iterator[bool]:
    """Write other rows into the newest day of a table for a while. False: they are the same."""
    files = platform.feature_files
    near = [
        file
        for span, file in files.files(
            table, files.generations(table)[-1].name if files.generations(table) else FIRST
        )
        if span.meets((as_of - 21 * A_DAY).date(), (as_of + 8 * A_DAY).date())
    ]
    kept = {file: file.read_bytes() for file in near}
    every = pl.concat(read_kept(file, table).with_columns(pl.lit(str(file)).alias(FILE)) for file in near)
    known = every.filter((pl.col("event_timestamp") <= as_of) & (pl.col("created") <= as_of))
    last = known["event_timestamp"].max()
    newest = pl.col("event_timestamp").is_between(last - A_DAY, last, closed="right")
    by_time = every.sort("event_timestamp", maintain_order=True)
    new = Newest(
        table,
        by_time.filter(newest),
        by_time.filter(pl.col("event_timestamp") <= last - A_DAY),
        by_time.filter(pl.col("event_timestamp") > last),
    )
    changed = change(new)
    planted = pl.concat([every.filter(~newest), changed.select(every.columns).cast(dict(every.schema))])
    try:
        for file in near:
            planted.filter(pl.col(FILE) == str(file)).drop(FILE).write_parquet(file)
        yield not changed.equals(new.rows)
    finally:
        for file, content in kept.items():
            file.write_bytes(content)


def ready(platform: Platform, spec: ModelSpec) -> None:
    """Land the year, and have a champion and a challenger."""
    if platform.registry.holder(spec.name, CHALLENGER) is not None:
        return
    platform.prepare(spec).ready(evening_by_now(spec, NIGHTS[spec.name][0] + 14 * A_DAY))
    champion, challenger = (platform.retrain(spec, day, promote=False).version for day in TRAINED[spec.name])
    platform.registry.promote(champion, CHAMPION, "the benchmark's")
    platform.registry.promote(challenger, CHALLENGER, "the benchmark's")


def serving(platform: Platform, spec: ModelSpec, share: float) -> None:
    """Let the challenger serve a share from now on."""
    champion, challenger = (platform.registry.holder(spec.name, role) for role in (CHAMPION, CHALLENGER))
    assert champion is not None
    assert challenger is not None
    now = share_of(platform.registry.promotions(spec.name))
    if share != now:
        platform.registry.set_share(challenger, champion, share, "the benchmark's", instead_of=now)


def of_nights(
    home: Path, spec: ModelSpec, wanted: Sequence[str]
) -> Iterator[tuple[str, str, list[list[str]]]]:
    tables = {table.name: table for table in spec.feature_tables}
    with platform_in(home) as platform:
        ready(platform, spec)
        found = dict[tuple[str, str], list[list[str]]]()
        for day in NIGHTS[spec.name]:
            serving(platform, spec, SHARE)
            found.setdefault(("no fault", "an ordinary night"), []).append(told(platform, spec, day))
            for name, (table, change) in TABLES[spec.name].items() if "tables" in wanted else ():
                with lying(platform, tables[table], night_of(spec, day).as_of, change) as other:
                    if other:
                        found.setdefault(("tables", name), []).append(told(platform, spec, day))
            for name, other_scores in SCORES.items() if "scores" in wanted else ():
                found.setdefault(("scores", name), []).append(told(platform, spec, day, other_scores))
            serving(platform, spec, 0)
            for name, other_scores in SHADOW_SCORES.items() if "shadow" in wanted else ():
                found.setdefault(("shadow", name), []).append(told(platform, spec, day, other_scores))
    for (kind, name), nights in found.items():
        yield kind, name, nights


def looks(spec: ModelSpec, files: Rows) -> dict[date, OutcomeDay]:
    """As the guard sees the weeks when they land."""
    found = days_of(ROUTE_WEEKS, files, step=step_of([*weeks()]))
    return {day: look(spec, found[day], files.filter(pl.col("date") == day), day) for day in found}


def look(spec: ModelSpec, found: OutcomeDay, file: Rows, sunday: date) -> OutcomeDay:
    """A week with its outcomes, and with how many routes of the four weeks before lack one."""
    monday = sunday - 6 * A_DAY
    before = [rows for day, rows in weeks().items() if monday - 28 * A_DAY <= day < monday]
    told = outcomes({ROUTE_WEEKS.name: file}, monday)
    rates = dict(found.rates)
    if before:
        entities = population({ROUTE_WEEKS.name: pl.concat(before)}, monday)["entity_key"]
        rates |= answered(entities, told["entity_key"])
    return with_outcomes(found, told["outcome"], spec.kind).model_copy(update={"rates": rates})


def of_weeks(spec: ModelSpec, half: str) -> Iterator[tuple[str, str, list[list[str]]]]:
    files = {
        day: rows.with_columns(date=pl.lit(day), recorded_at=pl.lit(datetime(2014, 1, 1, tzinfo=UTC)))
        for day, rows in weeks().items()
    }
    days = looks(spec, pl.concat(files.values()))
    first, last = {"first": (3, 6), "second": (7, 12)}[half]
    chosen = [day for day in files if first <= day.month <= last][::2]
    ordinary = [day for day in days if day.month <= last]
    for kind, limits in (("no fault", HOLDS), ("no fault, told", TELLS)):
        yield kind, "an ordinary week", [names(day, days[day], days, limits) for day in ordinary]
    for name, plant in OUTCOMES.items():
        planted = {day: plant(files[day]) for day in chosen}
        seen = {
            day: looks(spec, pl.concat([files[day - 7 * A_DAY], rows]))[day]
            for day, rows in planted.items()
            if not rows.equals(files[day])
        }
        for kind, limits in (("outcomes", HOLDS), ("outcomes, held or told", TELLS)):
            yield kind, name, [names(day, now, days, limits) for day, now in seen.items()]


def names(day: date, now: OutcomeDay, days: Mapping[date, OutcomeDay], limits: Limits) -> list[str]:
    return sorted({each.name for each in checked(day, now, days, limits=limits)})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=(FLIGHTS, ROUTES), default=ROUTES)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument(
        "--half", choices=("first", "second"), default="second", help="of the weekly outcomes"
    )
    kinds = ("tables", "scores", "shadow", "outcomes")
    parser.add_argument("--of", nargs="+", choices=kinds, default=kinds)
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    spec = models.model(wanted.model)
    found = dict[str, list[bool]]()
    weekly = of_weeks(spec, wanted.half) if "outcomes" in wanted.of and wanted.model == ROUTES else ()
    nightly = of_nights(wanted.home, spec, wanted.of) if {*kinds[:3]} & {*wanted.of} else ()
    for kind, name, nights in (row for rows in (weekly, nightly) for row in rows):
        checks = ", ".join(f"`{each}`" for each in dict.fromkeys(n for night in nights for n in night))
        print(f"| {kind}: {name} | {sum(map(bool, nights))} of {len(nights)} | {checks[:120]} |", flush=True)
        found.setdefault(kind, []).extend(map(bool, nights))
    for kind, held in found.items():
        print(f"{kind}: {sum(held)} of {len(held)} ({sum(held) / len(held):.1%})")


if __name__ == "__main__":
    main()
