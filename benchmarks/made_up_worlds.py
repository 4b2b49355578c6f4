"""How often ordinary nights of made-up models of other shapes than flights are held or doubted.

    uv run python benchmarks/made_up_worlds.py    eleven models of `worlds.py`: 5 minutes
    uv run python benchmarks/made_up_worlds.py --worlds shops one_row

Nothing is ever wrong with these nights. Each is held to those before it, with the functions of a real night:
the readings and the profile beside those of the nights before (`Unlike`, `oddities`), and drift
(`night_drift`). A person accepts each night that is held. The first nights of a model are not counted.
"""

import argparse
import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl
import structlog
from audit_guard import Kept, run_of
from worlds import FIRST, WORLDS, World

from nightjar.core.comparison.entities import SCORE, Distribution, NightProfile
from nightjar.core.comparison.profile import compared_columns, profile_of, sample_of, spread_of
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.oddities import oddities
from nightjar.core.inputs.readings import as_kept, counts, same_entities
from nightjar.core.model.occasions import occasions_between
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.drift import night_drift
from nightjar.core.monitoring.training import TrainingSample
from nightjar.core.night.audit import TRAILING_NIGHTS
from nightjar.core.night.clock import as_of
from nightjar.showing import console
from nightjar.usecases.scoring.unlike import Unlike

TRAINED_ON, BEFORE = 28, 30
"""In nights: what drift is compared with, and how many come first and are not counted."""
COLUMNS = ("model", "what it scores", "nights", "held", "doubted", "drifted")
SOUND = pl.lit(None, pl.String).alias("fault")


@dataclass(frozen=True, slots=True)
class Accepting(Kept):
    """The port `Readings` where a person accepts each night that is held. held: these nights."""

    held: set[date] = field(default_factory=set[date])

    def published(self, _model: str, before: date, most: int) -> Mapping[date, bool]:
        return {night: night in self.held for night in self._before(before)[:most]}


@dataclass(frozen=True, slots=True)
class Told:
    """What was said of one night. drifted: the columns."""

    findings: Sequence[Finding]
    drifted: Sequence[str]

    def checks(self, *, holds: bool) -> set[str]:
        """The names of the checks that held the night, or doubted it."""
        return {each.name for each in self.findings if each.holds == holds}


@dataclass(frozen=True, slots=True)
class History:
    """The nights of a model so far. profiles: oldest first."""

    spec: ModelSpec
    kept: Accepting = field(default_factory=Accepting)
    profiles: list[NightProfile] = field(default_factory=list[NightProfile])

    def audited(self, day: date, rows: pl.DataFrame) -> tuple[Finding, ...]:
        """What stands against the next night, which becomes history."""
        alike, counted = same_entities(rows, day), counts(rows, self.spec)
        sample = as_kept(alike.drop(SCORE), alike.select("entity_key", SCORE), self.spec, day)
        run = run_of(self.spec.name, day, as_of(self.spec, day), 1, rows.height)
        unlike, profile = Unlike(self.spec, self.kept), profiled(self.spec, day, rows)
        found = (
            *oddities(profile, self.profiles[-TRAILING_NIGHTS:][::-1], self.spec),
            *unlike.findings(run, counted, sample, unlike.earlier(run, counted)),
        )
        self.profiles.append(profile)
        if any(each.holds for each in found):
            self.kept.held.add(day)
        return found

    def drifted(self, rows: pl.DataFrame, training: TrainingSample) -> list[str]:
        """The columns by which the newest night drifted."""
        *past, tonight = self.profiles
        each = night_drift(tonight, past, training.compared(rows), is_holiday=self.spec.is_holiday)
        return [column.column for column in each if column.drifted]


def profiled(spec: ModelSpec, day: date, rows: pl.DataFrame) -> NightProfile:
    scores = Distribution(score_date=day, **spread_of(rows[SCORE].cast(pl.Float64).to_numpy().copy()))
    return profile_of(sample_of(rows.with_columns(SOUND), spec.seed), scores, spec)


def told(world: World) -> Iterator[Told]:
    """What is said of each night that is counted, in order."""
    history, nights = History(world.spec), occasions_between(world.spec, FIRST, world.last)
    trained_on = pl.concat(
        (world.night(day).with_columns(score_date=day) for day in nights[:TRAINED_ON]),
        how="diagonal_relaxed",
    )
    training = TrainingSample(trained_on, *compared_columns(world.spec))
    for number, day in enumerate(nights):
        rows = world.night(day)
        findings = history.audited(day, rows)
        if number >= BEFORE:
            yield Told(findings, history.drifted(rows, training))


def by_world(every: Mapping[str, Sequence[Told]]) -> Iterator[tuple[str, str, int, int, int, int]]:
    for name, nights in every.items():
        held, doubted = (sum(bool(night.checks(holds=holds)) for night in nights) for holds in (True, False))
        yield (
            name,
            WORLDS[name].title,
            len(nights),
            held,
            doubted,
            sum(bool(night.drifted) for night in nights),
        )


def by_check(every: Iterable[Told]) -> list[tuple[str, int, int]]:
    """Each check with the nights that it held and those that it doubted, those that held most first."""
    held, doubted = Counter[str](), Counter[str]()
    for night in every:
        held.update(night.checks(holds=True))
        doubted.update(night.checks(holds=False))
    names = sorted(held | doubted, key=lambda name: (-held[name], -doubted[name], name))
    return [(name, held[name], doubted[name]) for name in names]


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--worlds", nargs="+", choices=[*WORLDS], default=[*WORLDS])
    wanted = parser.parse_args().worlds
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    every = {name: [*told(WORLDS[name])] for name in wanted}
    checks = by_check(night for nights in every.values() for night in nights)
    console.out.print(console.table("ordinary nights of made-up models", COLUMNS, [*by_world(every)]))
    console.out.print(console.table("what held or doubted them", ("check", "held", "doubted"), checks))


if __name__ == "__main__":
    main()
