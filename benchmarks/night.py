"""Where the time and the memory of a large night go, beside the floor of each of its stages.

    uv run python benchmarks/night.py --rows 1000000 --rounds 3
    uv run python benchmarks/night.py --rows 10000 100000 1000000 --json
    uv run python benchmarks/night.py --rows 1000000 --picture night.html

A night is scored by the real use case, `ScoreNight.run`, from the claim to the commit of the publication.
The floor of a stage is the same work by the bare library: `night_floors.py`. Night and floors take turns,
and the scores of both are equal to the last bit. Seconds are of the clock; CPU seconds are those of this
process and of Postgres. Medians count, and the peak before the first floors. Each night writes into an
empty month. The stages are measured one after the other, also those that a night does at the same time;
beside that, whole nights with several parts at once, with a challenger, and with what follows a publication.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg
from kernel import Cost, Meter, in_turn, postmaster_of
from large_night import DAY, land, ready_platform, spec_of
from night_floors import Floors

from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import night_of
from nightjar.core.ports.execution import PartExecutor
from nightjar.core.ports.following import nothing_follows
from nightjar.executors.in_turn import InTurn
from nightjar.executors.pools import Threads
from nightjar.showing import console
from nightjar.showing.page import page
from nightjar.showing.plots import Bar, bars
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.part import ScorePart
from nightjar.usecases.scoring.scorers import Scorers
from nightjar.wiring.platform import Platform

STAGES = {
    "population": "read the raw day, make the population",
    "snapshot": "store the population",
    "snapshot read": "read it, for the parts and the audit",
    "features": "retrieve features",
    "contract": "hold the rows to the contract",
    "predict": "score",
    "store": "store scores and receipts, committed",
    "distribution": "describe the scores",
    "rest": "claim, audit, publish and all else",
}
STORED = {
    "write_part": "store",
    "distribution": "distribution",
}


class Metered:
    """A port whose methods are stages. stages: name of a method -> name of its stage."""

    def __init__(self, inner: Any, meter: Meter, stages: dict[str, str]) -> None:
        self._inner, self._meter, self._stages = inner, meter, stages

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._meter.metered(self._stages[name], found) if name in self._stages else found


@dataclass(frozen=True, slots=True, kw_only=True)
class MeteredInputs(NightInputs):
    meter: Meter

    def population(self, *args: Any) -> pl.DataFrame:
        with self.meter.stage("population"):
            return NightInputs.population(self, *args)

    def fix_streamed(self, *args: Any) -> Any:
        with self.meter.stage("population"):
            return NightInputs.fix_streamed(self, *args)

    def fix(self, *args: Any) -> Any:
        with self.meter.stage("snapshot"):
            return NightInputs.fix(self, *args)

    def part(self, *args: Any) -> pl.DataFrame:
        with self.meter.stage("snapshot read"):
            return NightInputs.part(self, *args)

    def snapshot(self, *args: Any) -> pl.DataFrame:
        with self.meter.stage("snapshot read"):
            return NightInputs.snapshot(self, *args)

    def with_features_of(self, *args: Any) -> pl.DataFrame:
        with self.meter.stage("features"):
            return NightInputs.with_features_of(self, *args)

    def scores(self, *args: Any) -> pl.DataFrame:
        with self.meter.stage("predict"):
            return NightInputs.scores(self, *args)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Nights of one size. Each is a new revision of the same night."""

    platform: Platform
    spec: ModelSpec
    champion: Version
    challenger: Version
    postmaster: int

    def stages(self) -> Meter:
        """Score a night with one part after the other."""
        meter = Meter(self.postmaster)
        night, inputs = self._night(), self.platform.night_inputs(self.spec)
        given = {each.name: getattr(inputs, each.name) for each in fields(inputs)}
        inputs = MeteredInputs(**{**given, "check": meter.metered("contract", inputs.check)}, meter=meter)
        store: Any = Metered(self.platform.store, meter, STORED)
        executor = InTurn(ScorePart(lambda _: inputs, store))
        self.clear()
        with meter.stage("rest"):
            self._run(replace(night, inputs=inputs, store=store, executor=executor, beside=in_turn))
        return meter

    def whole(
        self,
        *,
        at_once: int = 1,
        challenged: bool = False,
        followed: bool = False,
        executor: PartExecutor | None = None,
    ) -> Cost:
        """Score a night, and say what it cost as a whole. executor: None for this process."""
        meter, night = Meter(self.postmaster), self._night(at_once=at_once, followed=followed)
        night = night if executor is None else replace(night, executor=executor)
        self.clear()
        with meter.stage("night"):
            self._run(night, self.challenger if challenged else None)
        return meter.whole()

    def clear(self) -> None:
        """Remove all scores, so that each night writes into an empty month."""
        with psycopg.connect(self.platform.local.url("admin", "nightjar"), autocommit=True) as admin:
            admin.execute("TRUNCATE nightjar.score")
            admin.execute("CHECKPOINT")

    def scores(self) -> pl.DataFrame:
        """What analysts see now."""
        shown = self.platform.store.publication(self.spec.name, DAY)
        assert shown is not None
        stored = self.platform.store.published_scores(self.platform.store.run(shown.run_id))
        return stored.select("entity_key", "score")

    def _night(self, *, at_once: int = 1, followed: bool = False) -> ScoreNight:
        night = self.platform.score_night(self.spec)
        work = ScorePart(lambda _: self.platform.night_inputs(self.spec), self.platform.store)
        executor = InTurn(work) if at_once == 1 else Threads(work, at_once)
        return replace(night, executor=executor, follow=night.follow if followed else nothing_follows)

    def _run(self, night: ScoreNight, challenger: Version | None = None) -> None:
        by = Scorers(champion=self.champion, challenger=challenger)
        night.run(night_of(self.spec, DAY), force=True, accept="a benchmark", choose=lambda *_: by)


WHOLE: dict[str, dict[str, Any]] = {
    "one part at a time": {},
    "two parts at once": {"at_once": 2},
    "with a challenger": {"challenged": True},
    "with what follows": {"followed": True},
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was measured for one number of rows: landing, stages and floors by name, whole nights by kind."""

    rows: int
    landing: Cost
    stages: dict[str, Cost]
    floors: dict[str, Cost]
    whole: dict[str, Cost]


def measured(bench: Bench, rows: int, rounds: int, folder: Path) -> Found:
    landing = Meter(bench.postmaster)
    with landing.stage("land"):
        land(bench.platform, rows)
    bench.whole()  # whatever is imported or read for the first time
    floors = Floors(platform=bench.platform, spec=bench.spec, champion=bench.champion, folder=folder)
    nights, bare, whole = list[Meter](), list[Meter](), list[dict[str, Cost]]()
    for _ in range(rounds):
        nights.append(bench.stages())
        whole.append({name: bench.whole(**how) for name, how in WHOLE.items()})
        stored = bench.scores()
        bench.clear()
        bare.append(Meter(bench.postmaster))
        floors.run(bare[-1])
        require_equal(stored, floors.scores)
    return Found(
        rows,
        landing.whole(),
        middle([each.costs for each in nights]),
        middle([each.costs for each in bare]),
        middle(whole),
    )


def require_equal(ours: pl.DataFrame, bare: pl.DataFrame) -> None:
    if not ours.sort("entity_key").equals(bare.sort("entity_key")):
        raise SystemExit("the night and the bare libraries give other scores")


def middle(rounds: list[dict[str, Cost]]) -> dict[str, Cost]:
    """The median of each number over the rounds, and of peaks the first.

    The bare libraries run after the first nights, and what they leave in memory counts for later ones.
    """
    peaks = ("peak_mb", "postgres_peak_mb")

    def of(stage: str, number: str) -> float:
        values = [getattr(found[stage], number) for found in rounds]
        return values[0] if number in peaks else statistics.median(values)

    return {stage: Cost(*(of(stage, each.name) for each in fields(Cost))) for stage in rounds[0]}


def report(found: Found) -> None:
    nothing = Cost()
    rows = [
        row_of(STAGES[name], found.stages.get(name, nothing), found.floors.get(name, nothing))
        for name in STAGES
    ]
    ours, bare = total(found.stages), total(found.floors)
    measures = ("s", "CPU s", "Postgres CPU s", "peak MB")
    columns = ("stage", *measures, "floor s", "floor CPU s", "times the floor")
    title = f"a night of {found.rows:,} rows, one part after the other"
    console.out.print(console.table(title, columns, [*rows, row_of("all", ours, bare)]))
    columns = ("night", *measures, "a backend's peak MB", "times the floors")
    told = [
        (name, *spent(cost), f"{cost.postgres_peak_mb:.0f}", f"{cost.seconds / bare.seconds:.2f}")
        for name, cost in {**found.whole, "landing, before it": found.landing}.items()
    ]
    console.out.print(console.table(f"whole nights of {found.rows:,} rows", columns, told))


def total(costs: dict[str, Cost]) -> Cost:
    whole = Cost()
    for cost in costs.values():
        whole.add(cost)
    return whole


def spent(cost: Cost) -> tuple[str, ...]:
    seconds = (cost.seconds, cost.cpu, cost.postgres_cpu)
    return (*(f"{each:.2f}" for each in seconds), f"{cost.peak_mb:.0f}")


def row_of(name: str, ours: Cost, bare: Cost) -> tuple[str, ...]:
    times = f"{ours.seconds / bare.seconds:.1f}" if bare.seconds else ""
    return (name, *spent(ours), f"{bare.seconds:.2f}", f"{bare.cpu + bare.postgres_cpu:.2f}", times)


def exponent(sizes: list[Found]) -> float:
    """Of the power law from the fewest to the most rows of at least 100,000: 1 is the same time a row."""
    large = [each for each in sizes if each.rows >= 100_000]
    if len(large) < 2:
        return np.nan
    seconds = [each.whole["one part at a time"].seconds for each in large]
    return float(np.polyfit(np.log([each.rows for each in large]), np.log(seconds), 1)[0])


def picture(found: Found) -> str:
    """A page with the seconds of each stage and of its floor."""
    shown = [
        bar
        for name in STAGES
        for bar in (
            Bar(name, found.stages.get(name, Cost()).seconds),
            Bar("its floor", found.floors.get(name, Cost()).seconds),
        )
    ]
    return page("Where the time goes", [bars(f"Seconds of a night of {found.rows:,} rows", shown)])


@contextmanager
def benches(part_rows: int, home: Path | None) -> Iterator[tuple[Bench, Path]]:
    with (
        ready_platform(home) as (platform, champion, challenger),
        tempfile.TemporaryDirectory(prefix="nightjar-benchmark-") as folder,
    ):
        Path(folder).chmod(0o755)  # Postgres reads files there
        bench = Bench(
            platform=platform,
            spec=spec_of(part_rows),
            champion=champion,
            challenger=challenger,
            postmaster=postmaster_of(platform.engine),
        )
        yield bench, Path(folder)


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000])
    parser.add_argument("--part-rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--home", type=Path, help="a folder that is kept: the next run needs no training")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    parser.add_argument("--picture", type=Path, help="where to draw the stages of the largest night, as HTML")
    options = parser.parse_args()
    with benches(options.part_rows, options.home) as (bench, folder):
        sizes = [measured(bench, rows, options.rounds, folder) for rows in sorted(options.rows)]
    if options.json:
        print(json.dumps({"nights": sizes, "exponent": exponent(sizes)}, default=as_json))
    else:
        for each in sizes:
            report(each)
        console.out.print(f"power law of seconds by rows, from 100,000 rows on: {exponent(sizes):.2f}")
    if options.picture is not None:
        options.picture.write_text(picture(sizes[-1]))


def as_json(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


if __name__ == "__main__":
    main()
