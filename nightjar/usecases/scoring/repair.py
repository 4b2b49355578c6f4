"""Find the published nights that later corrections change, and the rows that change.

This module also makes the population of a run that scores only the changed rows again.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from nightjar.core.model.generations import Generations
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Publication, Run, RunState
from nightjar.core.night.plan import Planned, Stage
from nightjar.core.night.reach import days_read
from nightjar.core.night.repair import (
    CARRIED,
    Compared,
    Touched,
    came_from,
    compared,
    late_days,
    split_carried,
    touched,
    with_carried,
)
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightReader
from nightjar.usecases.scoring.inputs import NightInputs


@dataclass(frozen=True, slots=True)
class LateNight:
    """A published night that late data touches.

    late: the raw datasets that can be the source, each with the instant of its last late delivery (UTC).
    """

    run: Run
    publication: Publication
    touched: Touched
    late: Mapping[str, datetime]

    @property
    def planned(self) -> Planned:
        return Planned(score_date=self.run.score_date, stage=Stage.PUBLISHED, repair=True)


def late_nights(
    inputs: NightInputs,
    store: NightReader,
    first: date,
    last: date,
    known_at: datetime,
    go_on: GoOn = unasked,
) -> Iterator[LateNight]:
    """The published nights of first..last that corrections recorded by `known_at` touch, oldest first.

    Only nights that a late delivery can reach are compared: their inputs are fetched as known then and as
    known now.
    Raises Stopped.
    """
    recorded = {dataset.name: inputs.raw.recorded(dataset.name) for dataset in inputs.spec.datasets}
    for publication in store.published(inputs.spec.name):
        if not first <= publication.score_date <= last:
            continue
        go_on()
        run = store.run(publication.run_id)
        late = dict(late_deliveries(inputs.spec, recorded, run, known_at))
        if (late or finds_late_features(inputs)) and (found := seen(inputs, run, known_at).touched):
            sources = came_from(found, inputs.spec)
            yield LateNight(
                run, publication, found, {name: instant for name, instant in late.items() if name in sources}
            )


def finds_late_features(inputs: NightInputs) -> bool:
    """True if features may have come late that no delivery of ours tells of: those of a Feast of your own."""
    return inputs.spec.features is not None and inputs.features.finds_late_data(inputs.spec)


def late_deliveries(
    spec: ModelSpec, recorded: Mapping[str, Mapping[date, Sequence[datetime]]], run: Run, known_at: datetime
) -> Iterator[tuple[str, datetime]]:
    """Each raw dataset with a late delivery that can reach the night, and the instant of the last one."""
    for name, (first, last) in days_read(spec, run.score_date, run.as_of).items():
        late = late_days(recorded[name], run.known_at, known_at)
        if instants := [instant for day, instant in late.items() if first <= day <= last]:
            yield name, max(instants)


def nights_aside(store: NightReader, model: str, first: date, last: date) -> tuple[Planned, ...]:
    """The nights of first..last that have rows set aside.

    The published run of each night counts. Without one, the run that was held back counts.
    """
    return tuple(
        Planned(
            score_date=run.score_date,
            stage=Stage.PUBLISHED if run.state is RunState.PUBLISHED else Stage.FAILED,
            repair=True,
        )
        for run in runs_aside(store, model, first, last)
    )


def runs_aside(store: NightReader, model: str, first: date, last: date) -> list[Run]:
    """Of the nights of first..last, by date: their published run, else their newest one, if it has rows set
    aside.
    """
    published = {night.score_date: night.run_id for night in store.published(model)}
    newest = [each.run for _, each in sorted(store.standings(model, first, last).items())]
    shown = {run.score_date: published.get(run.score_date, run.id) for run in newest}
    counts = store.counts([*shown.values()])
    return [
        run if run.id == shown[run.score_date] else store.run(shown[run.score_date])
        for run in newest
        if counts.get(shown[run.score_date], (0, 0))[1]
    ]


@dataclass(frozen=True, slots=True)
class Seen:
    """A published night's population as known later.

    unchanged, touched: the keys of the rows that later data left alone, and what it changed, both with
    today's feature tables. A change of their code is no reason to repair a night.
    same: the keys of the rows whose inputs are those that were scored. A repair scores all others again, so
    that all rows of a night are of the same generations.
    """

    population: pl.DataFrame
    unchanged: pl.Series
    same: pl.Series
    touched: Touched


def seen(inputs: NightInputs, base: Run, known_at: datetime) -> Seen:
    now, then = inputs.population(base.score_date, known_at), inputs.snapshot(base)
    of_base, today = inputs.generations(base), inputs.generations()
    found = inputs_compared(inputs, base, then, now, known_at, (today, today))
    same = (
        found.same
        if of_base == today
        else inputs_compared(inputs, base, then, now, known_at, (of_base, today)).same
    )
    return Seen(now, found.same, same, touched(then, now, found))


def inputs_compared(
    inputs: NightInputs,
    base: Run,
    then: pl.DataFrame,
    now: pl.DataFrame,
    known_at: datetime,
    generations: tuple[Generations | None, Generations | None],
) -> Compared:
    """Compare the rows' inputs as known now with those as known when `base` was scored.

    generations: of the feature tables, for then and for now.
    Features are fetched one part at a time, so that memory stays bounded.
    """
    found = compared(then.drop(CARRIED, strict=False), now)
    rows = now.filter(pl.col("entity_key").is_in(found.same.implode()))
    parts = [
        compared(
            *(
                inputs.with_features_of(part, base.as_of, known, read)
                for known, read in zip((base.known_at, known_at), generations, strict=True)
            )
        )
        for part in rows.iter_slices(inputs.spec.part_rows)
    ]
    same = pl.concat([rows["entity_key"].clear(), *(part.same for part in parts)])
    return Compared(same, found.differing.union(*(part.differing for part in parts)))


@dataclass(frozen=True, slots=True)
class Repair:
    """The result that a repair of a published night would have.

    population: its rows. Untouched rows keep the scores of `base`.
    worthwhile: True if the repair would change the publication. That is so if inputs differ, or if a row
    set aside keeps the contract now.
    """

    base: Run
    known_at: datetime
    population: pl.DataFrame
    worthwhile: bool


def repair_of(inputs: NightInputs, store: NightReader, base: Run, known_at: datetime) -> Repair:
    """The repair of a published run. known_at: corrections recorded by then count."""
    found = seen(inputs, base, known_at)
    scored = store.published_scores(base)
    population = with_carried(found.population, found.same, scored, base.id)
    aside = split_carried(with_carried(found.population, found.unchanged, scored, base.id))[1]
    return Repair(
        base,
        known_at,
        population,
        worthwhile=bool(found.touched) or any_sound(inputs, base, known_at, aside),
    )


def any_sound(inputs: NightInputs, base: Run, known_at: datetime, rows: pl.DataFrame) -> bool:
    """True if any row keeps the contract now. Features are fetched one part at a time."""
    today = inputs.generations()
    parts = (part for part in rows.iter_slices(inputs.spec.part_rows) if part.height)
    looked_at = (
        inputs.check(inputs.spec, inputs.with_features_of(part, base.as_of, known_at, today))
        for part in parts
    )
    return any(checked.valid.height for checked in looked_at)
