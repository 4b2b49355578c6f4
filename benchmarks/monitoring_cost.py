"""What watching a night costs, beside the night: the share of the processor's time of each check.

    uv run python benchmarks/monitoring_cost.py --rows 1000000 --rounds 3
    uv run python benchmarks/monitoring_cost.py --rows 1000 1000000 --json

A night is scored by the real use case, with everything that it does to be believed: the audit, the score
profile, drift, reasons and the telemetry. Past nights are there, so that each check has something to compare
with. In turns with it a bare night is scored, without all that: population, features, contract, scores,
publication. CPU seconds are those of this process and of Postgres, as the kernel counts them. Medians count.
For them nothing runs side by side. Both nights are then scored as they are every night, parts on threads and
some checks beside them, for the seconds of the clock: a check costs less of these where a processor is idle.

What happens when a night's outcomes come, once a night, is a table of its own: their check, their storing
and the measurement. Its floor is one COPY of the outcomes and one read of the scores with their outcomes.
Each round delivers all outcomes anew. Those of the round before are taken out of the database, as if these
came first. "known already" is the same night asked again without news.

The report is apart: it is drawn of a sample, so its cost does not grow with the rows.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import polars as pl
from kernel import Cost, Meter, in_turn, postmaster_of
from large_night import DAY, NUMBERS, land, ready_platform, spec_of
from sqlalchemy import text

import models
from db.copy import copy_frame
from db.stores import parts as stored_parts
from db.stores.outcomes import OUTCOMES, PostgresOutcomes
from models.flight_delay.datasets import FLIGHTS, recorded_at
from models.flight_delay.source import recording
from nightjar.adapters.telemetry.meter import ProcessMeter
from nightjar.core.comparison.entities import Distribution
from nightjar.core.inputs.drawn import Drawing, Drawn
from nightjar.core.model.entities import Version
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.outcome_days import days_of, with_outcomes
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import Run
from nightjar.core.ports.following import nothing_follows
from nightjar.executors.in_turn import InTurn
from nightjar.executors.pools import Threads
from nightjar.showing import console
from nightjar.usecases.data.windows import outcomes_of
from nightjar.usecases.monitoring.follow_up import patiently
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.scoring import night as nights
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.part import ScorePart
from nightjar.usecases.scoring.scorers import Scorers
from nightjar.wiring.platform import Platform

PAST = 14
"""So many nights before are scored, as they were recorded: each weekday twice."""
NIGHT = "night"
REPORT = "report"
METHODS = {
    "_with_features": "audit: features of the rows that it draws",
    "_audited": "audit: scores of the rows that it draws",
    "_scored_otherwise": "audit: the sample scored again",
    "_audit": "audit: checks and readings",
}
PROFILE = "score profile"
DRAWN = "audit: rows of the population drawn and counted"
PAST_READ = "audit: what is kept of the nights before"
COMPUTED = "audit: newest rows of feature tables computed once more"
TELEMETRY = "telemetry"
GUARD = "outcomes are checked"
STORED = "outcomes are read and stored"
MEASURED = "the night is measured"
AGAIN = "known already: every morning after"
COPIED = "floor: COPY of the outcomes"
READ = "floor: scores and outcomes are read back"
RECORD = "_record"
COME = (GUARD, STORED, MEASURED)
FLOOR = (COPIED, READ)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Nights of one size, each a new revision of the same night."""

    platform: Platform
    spec: ModelSpec
    champion: Version

    def watched(self) -> dict[str, Cost]:
        """Score a night with everything that watches it. Return the cost of each, and of the night's rest."""
        meter = self._meter()
        with metered(meter), meter.stage(NIGHT):
            self._run(self._night(meter))
        return meter.costs

    def outcomes(self, rows: int) -> dict[str, Cost]:
        """Deliver outcomes of the night, and do all that follows. Return the cost of each, and the floor."""
        forget_outcomes(self.platform)
        land_outcomes(self.platform, rows)
        meter, watch = self._meter(), self.platform.measure_nights(self.spec)
        with meter.stage(GUARD):
            self._guard()
        due = watch.due(self._shown())
        assert due is not None
        with (
            patched([(MeasureNights, RECORD, meter.metered(STORED, getattr(MeasureNights, RECORD)))]),
            meter.stage(MEASURED),
        ):
            watch.measure([due[0]], due[1])
        with meter.stage(AGAIN):
            watch.outcomes_known(due[1])
        self._floor(meter, due[1])
        return meter.costs

    def _floor(self, meter: Meter, known_at: datetime) -> None:
        found = outcomes_of(self.spec, self.platform.raw_of(self.spec), [DAY], known_at)
        rows = found.sort("entity_key").with_columns(model=pl.lit("floor"))
        with self.platform.engine.connect() as connection, meter.stage(COPIED):
            copy_frame(connection, OUTCOMES, rows)
            connection.rollback()
        with meter.stage(READ):
            PostgresOutcomes(self.platform.engine).scored(self.spec.name, DAY, known_at)

    def _shown(self) -> Run:
        shown = self.platform.store.publication(self.spec.name, DAY)
        assert shown is not None
        return self.platform.store.run(shown.run_id)

    def bare(self) -> Cost:
        """Score a night that nobody watches."""
        meter = self._meter()
        store, inputs = self.platform.store, self.platform.night_inputs(self.spec)
        night = self.platform.score_night(self.spec)
        executor = InTurn(ScorePart(lambda _: inputs, store))
        bare = replace(night, executor=executor, follow=nothing_follows, beside=in_turn)
        with unaudited(), meter.stage(NIGHT):
            self._run(bare)
        return meter.whole()

    def seconds(self) -> tuple[float, float]:
        """Of the clock: a bare night, then a watched one, each as it is scored every night."""
        inputs, threads = self.platform.night_inputs(self.spec), self.platform.settings.threads
        executor = Threads(ScorePart(lambda _: inputs, self.platform.store), threads)
        watched = self.platform.score_night(self.spec, as_on_its_evening, executor)
        with unaudited():
            bare = clocked(replace(watched, follow=nothing_follows), self._run)
        return bare, clocked(watched, self._run)

    def report(self) -> Cost:
        meter = self._meter()
        shown = self._shown()
        with meter.stage(REPORT):
            self.platform.watch_night(self.spec).report(shown)
        return meter.whole()

    def _meter(self) -> Meter:
        return Meter(postmaster_of(self.platform.engine))

    def _night(self, meter: Meter) -> ScoreNight:
        keep = meter.metered(TELEMETRY, self.platform.stages.record)
        ours = ProcessMeter(keep=(keep,))
        night = self.platform.score_night(self.spec)

        def step(name: str, run: Any, work: Any) -> None:
            # On the evening of a real night its outcomes are not there yet.
            if name == "measurement":
                return
            with ours(run, follows=True) as stages, stages(name), meter.stage(name):
                work()

        inputs = self.platform.night_inputs(self.spec)
        executor = InTurn(ScorePart(lambda _: inputs, self.platform.store, meter=ours))
        follow = replace(self.platform.follow_up(self.spec, inputs=inputs), step=step)
        return replace(night, inputs=inputs, executor=executor, follow=follow, meter=ours, beside=in_turn)

    def _run(self, night: ScoreNight) -> None:
        by = Scorers(champion=self.champion, challenger=None)
        told = night.run(night_of(self.spec, DAY), force=True, accept="a benchmark", choose=lambda *_: by)
        if told.lacks:
            raise SystemExit("; ".join(told.lacks))

    def _guard(self) -> None:
        """What the guard of outcomes counts of a new day."""
        rows = self.platform.raw.read(FLIGHTS, DAY - timedelta(days=1), DAY)
        found = days_of(FLIGHTS, rows)[DAY]
        known_at = recorded_at(FLIGHTS.name, DAY) + timedelta(days=1)
        outcomes = outcomes_of(self.spec, self.platform.raw_of(self.spec), [DAY], known_at)
        with_outcomes(found, outcomes["outcome"], self.spec.kind)


def as_on_its_evening(name: str, run: Run, work: Callable[[], None]) -> None:
    """Carry out a step after the publication. On the evening of a real night its outcomes are not there."""
    if name != "measurement":
        patiently(name, run, work)


def clocked(night: ScoreNight, run: Callable[[ScoreNight], None]) -> float:
    started = time.perf_counter()
    run(night)
    return time.perf_counter() - started


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Count what the audit does and what keeps the stages."""
    places: list[tuple[Any, str, str]] = [(ScoreNight, name, told) for name, told in METHODS.items()]
    places += [
        (nights.Stored, "of", PROFILE),
        (Drawing, "take", DRAWN),
        (nights.NightInputs, "drawn", DRAWN),
        (nights.SecondReading, "computed", COMPUTED),
        (nights.NightGuard, "past", PAST_READ),
        (stored_parts, "add_stages", TELEMETRY),
    ]
    with patched((owner, name, meter.metered(told, getattr(owner, name))) for owner, name, told in places):
        yield


@contextmanager
def unaudited() -> Iterator[None]:
    """Leave the audit out of nights: all that happens between the last part and the publication."""
    empty = pl.DataFrame(schema={"entity_key": pl.String})
    with patched(
        [
            (ScoreNight, "_audited", lambda *_: nights.Audited(empty, empty, empty)),
            (ScoreNight, "_audit", lambda *_, **__: ()),
            (Drawing, "take", lambda *_: None),
            (nights.NightInputs, "drawn", lambda *_: Drawn(0, empty, empty, empty)),
            (nights.SecondReading, "computed", lambda *_: {}),
            (nights.NightGuard, "past", lambda *_: None),
            (nights.Stored, "of", staticmethod(lambda *_: nothing_stored())),
        ]
    ):
        yield


def nothing_stored() -> Any:
    """Receipts and scores that nobody looked at."""
    empty = Distribution(score_date=DAY, rows=0, mean=0.0, stddev=0.0, distinct=0, quantiles=())
    return nights.Stored(receipts=(), scores=empty)


@contextmanager
def patched(places: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, other in places:
            stack.enter_context(patch.object(owner, name, other))
        yield


def land_outcomes(platform: Platform, rows: int) -> None:
    """Deliver what became of the flights of DAY, once each copy of its schedules.

    No two deliveries are alike: the first flight is later each time.
    """
    real = recording()[FLIGHTS.name][DAY]
    copies = range(-(-rows // real.height))
    many = pl.concat(real.with_columns(flight=pl.col("flight") + copy * NUMBERS) for copy in copies)
    before = len(platform.raw.recorded(FLIGHTS.name, [DAY]).get(DAY, ()))
    later = pl.when(pl.int_range(pl.len()) == 0).then(before).otherwise(0).cast(many["arr_delay"].dtype)
    many = many.with_columns(pl.col("arr_delay") + later)
    deliver(platform, FLIGHTS, DAY, many, recorded_at(FLIGHTS.name, DAY))


def forget_outcomes(platform: Platform) -> None:
    """Delete the stored outcomes of DAY, and the room that they took."""
    engine = platform.migrated("owner", pool_size=1).execution_options(isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("DELETE FROM nightjar.outcome WHERE score_date = :day"), {"day": DAY})
        connection.execute(text("VACUUM ANALYZE nightjar.outcome"))
    engine.dispose()


def deliver(platform: Platform, dataset: Any, day: date, rows: pl.DataFrame, at: datetime) -> None:
    known = at + timedelta(minutes=len(platform.raw.recorded(dataset.name, [day]).get(day, ())))
    with TemporaryDirectory() as folder:
        rows.write_parquet(file := Path(folder) / f"{day}.parquet")
        platform.raw.land(replace(dataset, source=Files(format="parquet")), day, file, known)


def score_past(platform: Platform, champion: Version) -> None:
    """Score the nights before DAY that are not published."""
    spec = models.model("flight_delay")
    night = platform.score_night(spec)
    by = Scorers(champion=champion, challenger=None)
    for before in range(PAST, 0, -1):
        day = DAY - timedelta(days=before)
        if platform.store.publication(spec.name, day) is None:
            night.run(night_of(spec, day), accept="a benchmark", choose=lambda *_: by)


@dataclass(frozen=True, slots=True)
class Found:
    """CPU seconds, here and in Postgres. watching: by what watches. bare: of a night that nobody watches.
    rest: of the watched night without what watches it; both should be alike. outcomes: by what happens when
    they come, and its floor. seconds: of the clock, of both nights as they are scored every night.
    """

    rows: int
    bare: float
    rest: float
    watching: Mapping[str, float]
    outcomes: Mapping[str, float]
    report: float | None
    bare_seconds: float
    watched_seconds: float

    @property
    def share_of_seconds(self) -> float:
        """Of a bare night as it is scored every night: how much longer the watched one takes."""
        return self.watched_seconds / self.bare_seconds - 1

    @property
    def share(self) -> float:
        """Of a bare night: what happens every night."""
        return sum(self.watching.values()) / self.bare


def measured(bench: Bench, rows: int, rounds: int, *, report: bool) -> Found:
    land(bench.platform, rows)
    bench.bare(), bench.watched(), bench.outcomes(rows)  # whatever is imported or read for the first time
    bare, watched, come = list[Cost](), list[dict[str, Cost]](), list[dict[str, Cost]]()
    clock = list[tuple[float, float]]()
    for _ in range(rounds):
        clock.append(bench.seconds())
        bare.append(bench.bare())
        watched.append(bench.watched())
        come.append(bench.outcomes(rows))
    spent = by_name(watched)
    rest = spent.pop(NIGHT)
    drawn = cpu(bench.report()) if report else None
    spent = dict(sorted(spent.items(), key=lambda each: -each[1]))
    seconds = map(statistics.median, zip(*clock, strict=True))
    return Found(rows, middle(bare), rest, spent, by_name(come), drawn, *seconds)


def by_name(rounds: Sequence[Mapping[str, Cost]]) -> dict[str, float]:
    names = {name: None for costs in rounds for name in costs}
    return {name: middle([costs.get(name, Cost()) for costs in rounds]) for name in names}


def middle(costs: Sequence[Cost]) -> float:
    return statistics.median(map(cpu, costs))


def cpu(cost: Cost) -> float:
    return cost.cpu + cost.postgres_cpu


def show(found: Found) -> None:
    def row(name: str, seconds: float) -> tuple[str, str, str]:
        return name, f"{seconds:.3f}", f"{seconds / found.bare:.1%}"

    def whole(names: Sequence[str]) -> float:
        return sum(found.outcomes[name] for name in names)

    every = [
        *(row(*each) for each in found.watching.items()),
        row("all that happens every night", sum(found.watching.values())),
        row("a bare night", found.bare),
        row("the watched night without what watches", found.rest),
        *([] if found.report is None else [row("Evidently's page of a sample, apart", found.report)]),
    ]
    come = [
        *(row(name, found.outcomes[name]) for name in COME),
        row("all that happens when outcomes come", whole(COME)),
        *(row(name, found.outcomes[name]) for name in FLOOR),
        row("floor", whole(FLOOR)),
        row(AGAIN, found.outcomes[AGAIN]),
    ]
    columns = ("what", "CPU s", "of a bare night")
    console.out.print(console.table(f"a night of {found.rows:,} rows", columns, every))
    console.out.print(
        f"of the clock: {found.bare_seconds:.2f} s bare, {found.watched_seconds:.2f} s watched, "
        f"{found.share_of_seconds:+.1%}"
    )
    console.out.print(console.table(f"its {found.rows:,} outcomes come", columns, come))


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--part-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--report", action="store_true", help="draw the report too, in half a minute")
    parser.add_argument("--home", type=Path, help="a folder that is kept: the next run needs no training")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    options = parser.parse_args()
    with ready_platform(options.home) as (platform, champion, _):
        score_past(platform, champion)
        bench = Bench(platform=platform, spec=spec_of(options.part_rows), champion=champion)
        sizes = [
            measured(bench, rows, options.rounds, report=options.report) for rows in sorted(options.rows)
        ]
    if options.json:
        print(json.dumps({"nights": [vars_of(each) for each in sizes]}))
    else:
        for each in sizes:
            show(each)


def vars_of(found: Found) -> dict[str, Any]:
    kept = ("rows", "bare", "rest", "watching", "outcomes", "report", "share")
    kept += ("bare_seconds", "watched_seconds", "share_of_seconds")
    return {name: getattr(found, name) for name in kept}


if __name__ == "__main__":
    main()
