"""A published night seen with later knowledge: which entities that touches, and the population of a run that scores just those again."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

import polars as pl

from nightjar.core.entities import Publication, Run
from nightjar.core.ports import RawStore, ScoreStore
from nightjar.core.repair import CARRIED, Touched, late_days, same_rows, touched, with_carried
from nightjar.core.spec import ModelSpec


class Inputs(Protocol):
    """What a model saw, or would see, of a night. The scoring use case is one."""

    @property
    def spec(self) -> ModelSpec: ...

    @property
    def raw(self) -> RawStore: ...

    @property
    def store(self) -> ScoreStore: ...

    def population(self, run: Run) -> pl.DataFrame:
        """The run's snapshot."""
        ...

    def population_known(self, score_date: date, known_at: datetime) -> pl.DataFrame:
        """The population as known at an instant, sorted, its faults named."""
        ...

    def features_of(self, run: Run, population: pl.DataFrame) -> pl.DataFrame:
        """The rows with features up to the run's as-of, as corrected by the run's `known_at`."""
        ...

    def sound_rows(self, rows: pl.DataFrame) -> int:
        """How many of the rows, with features, keep the contract."""
        ...


@dataclass(frozen=True, slots=True)
class LateNight:
    """A published night that late data touches."""

    run: Run
    publication: Publication
    touched: Touched


def late_nights(inputs: Inputs, dates: Iterable[date], known_at: datetime) -> Iterator[LateNight]:
    """The published nights among `dates` that corrections recorded by `known_at` touch, oldest first.

    Only nights that a late delivery can reach are looked at closely: their inputs are fetched as known then and as known now, and compared.
    """
    wanted = set(dates)
    recorded = {dataset.name: inputs.raw.recorded(dataset.name) for dataset in inputs.spec.datasets}
    for publication in inputs.store.published(inputs.spec.name):
        if publication.score_date not in wanted:
            continue
        run = inputs.store.run(publication.run_id)
        first = run.score_date - reach(inputs.spec)
        late = {day for instants in recorded.values() for day in late_days(instants, run.known_at, known_at)}
        if any(first <= day <= run.score_date for day in late) and (found := touched_by(inputs, run, known_at)):
            yield LateNight(run, publication, found)


def reach(spec: ModelSpec) -> timedelta:
    """How far back a delivery can lie and still touch a night: through a feature's window and the time its rows may be used."""
    return max((table.ttl + timedelta(days=table.lookback_days) for table in spec.feature_tables), default=timedelta(0)) + timedelta(days=1)


def touched_by(inputs: Inputs, base: Run, known_at: datetime) -> Touched:
    """What became of a published night's entities by `known_at`."""
    now, then = inputs.population_known(base.score_date, known_at), inputs.population(base)
    return touched(then, now, same_inputs(inputs, base, then, now, known_at))


def would_change(inputs: Inputs, base: Run, known_at: datetime) -> bool:
    """Whether a repair of a published night would publish anything else: inputs differ by then, or a row set aside keeps the contract now."""
    now, then = inputs.population_known(base.score_date, known_at), inputs.population(base)
    if touched(then, now, same_inputs(inputs, base, then, now, known_at)):
        return True
    aside = now.filter(~pl.col("entity_key").is_in(inputs.store.published_scores(base)["entity_key"].implode()))
    later = base.model_copy(update={"known_at": known_at})
    return any(inputs.sound_rows(inputs.features_of(later, part)) for part in aside.iter_slices(inputs.spec.part_rows) if part.height)


def repaired_population(inputs: Inputs, run: Run, base: Run) -> pl.DataFrame:
    """The population as the run knows it, with the scores of `base` that its untouched rows keep."""
    now = inputs.population_known(run.score_date, run.known_at)
    same = same_inputs(inputs, base, inputs.population(base), now, run.known_at)
    return with_carried(now, same, inputs.store.published_scores(base), base.id)


def same_inputs(inputs: Inputs, base: Run, then: pl.DataFrame, now: pl.DataFrame, known_at: datetime) -> pl.Series:
    """Keys of the rows that look to the model as they did to `base`. Fetched a part at a time, so that memory stays bounded."""
    later = base.model_copy(update={"known_at": known_at})
    rows = now.filter(pl.col("entity_key").is_in(same_rows(then.drop(CARRIED, strict=False), now).implode()))
    parts = rows.iter_slices(inputs.spec.part_rows)
    return pl.concat([rows["entity_key"].clear(), *(same_rows(inputs.features_of(base, part), inputs.features_of(later, part)) for part in parts)])
