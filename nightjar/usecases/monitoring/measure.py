"""Measure published nights as soon as their outcomes are known, and again when these change."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache

import polars as pl
import structlog

from nightjar.core.errors.model import ArtifactBroken
from nightjar.core.keyed import with_columns_of
from nightjar.core.lifecycle.training_set import last_mature_date
from nightjar.core.model.entities import Version
from nightjar.core.model.occasions import oldest_of
from nightjar.core.monitoring.due import Wait, complete_at, days_to_maturity, deliveries_of, outdated, waiting
from nightjar.core.monitoring.entities import Measurement, Role
from nightjar.core.monitoring.measuring import inputs_read, measurements_of
from nightjar.core.monitoring.trailing import WINDOWS, trailing
from nightjar.core.night.entities import Publication, Run
from nightjar.core.night.repair import sound
from nightjar.core.night.windows import Recorded
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.usecases.data.windows import NO_OUTCOMES, outcomes_of
from nightjar.usecases.scoring.inputs import NightInputs

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureNights:
    """Measurements of published nights, whole and by slices, alone and trailing.

    Nights of a version of another kind, or of other classes, keep what was measured of them: outcomes mean
    something else now.
    What is measured as of an instant counts only what was recorded by then. Nothing is overwritten: a
    correction adds a measurement, and the one before stays.
    """

    inputs: NightInputs
    store: NightReader
    outcomes: Outcomes
    go_on: GoOn = unasked
    _versions: dict[int, Version] = field(default_factory=dict[int, Version], repr=False)

    def outcomes_known(self, known_at: datetime) -> tuple[Measurement, ...]:
        """Load the outcomes of published nights recorded by `known_at`.

        Return the newest measurement of each night as of then, by score date. A night is measured again only
        if other deliveries are there than its measurement has read. Raises Stopped before the outcomes are
        kept, or before a night is measured.
        """
        last = last_mature_date(self.inputs.spec, known_at)
        nights = [night for night in self.store.published(self.inputs.spec.name) if night.score_date <= last]
        kept = self._kept(known_at)
        lacking = outdated(self.inputs.spec, nights, kept, self._recorded(), known_at)
        due = tuple(night for night in lacking if self._is_of_kind(self.store.run(night.run_id)))
        kept |= {night.run_id: night for night in self.measure(due, known_at, self.go_on)}
        return tuple(kept[night.run_id] for night in nights if night.run_id in kept)

    def due(self, run: Run) -> tuple[Publication, datetime] | None:
        """The publication to measure now, and the instant until which its outcomes were recorded.

        None if its outcomes are not known yet, if its measurement holds all of them already, if analysts see
        another run of the night, or if its version is of another kind than the model is now.
        """
        if not (self._any_landed(run.score_date) and self._is_of_kind(run)):
            return None
        publication, recorded = self.store.publication(run.model, run.score_date), self._recorded()
        known_at = complete_at(self.inputs.spec, run.score_date, recorded)
        if publication is None or publication.run_id != run.id or known_at is None:
            return None
        kept = self._kept(known_at, run.score_date)
        lacking = any(outdated(self.inputs.spec, [publication], kept, recorded, known_at))
        return (publication, known_at) if lacking else None

    def measure(
        self, nights: Sequence[Publication], known_at: datetime, go_on: GoOn = unasked
    ) -> tuple[Measurement, ...]:
        """Load the outcomes of these nights recorded by `known_at`. Return the newest measurement of each.

        Of each night all measurements are stored at once, and then the windows that the nights belong to.
        go_on is called before outcomes are kept, and before each night.
        """
        go_on()
        if not nights:
            return ()
        dates = [night.score_date for night in nights]
        # Before outcomes are read: what lands meanwhile is read next time.
        read = self._deliveries(dates, known_at)
        before = self.outcomes.measured(self.inputs.spec.name, known_at, since=min(dates))
        first, outcomes = self._record([day for day in dates if not _holds(before, day, read[day])], known_at)
        known = _by_subject(before)
        measured, changed = list[Measurement](), set[date]()
        for night in nights:
            go_on()
            day = night.score_date
            told = outcomes.filter(pl.col("score_date") == day) if day in first else None
            found = self._measured(night, known_at, told)
            whole = next(found).model_copy(update={"deliveries": read[night.score_date]})
            # Equal numbers of all rows, by the same deliveries, say that no outcome has changed.
            if not whole.same_as(known.get(whole.of)):
                self._add([whole, *found], known)
                changed.add(night.score_date)
            measured.append(known[whole.of])
        self._trail(changed, known_at)
        return tuple(measured)

    def waiting(self, measured: Iterable[Measurement], known_at: datetime) -> tuple[Wait, ...]:
        """The reasons why published nights are not measured, or are measured on no outcome."""
        published = self.store.published(self.inputs.spec.name)
        return tuple(waiting(self.inputs.spec, published, measured, self._recorded(), known_at))

    def trailing(self, nights: Sequence[Measurement], known_at: datetime) -> tuple[Measurement, ...]:
        """The windows that end with the last of these nights, as of an instant. Those with support."""
        if not nights:
            return ()
        last = nights[-1]
        measured = self.outcomes.measured(last.model, known_at, since=last.score_date)
        own = (each for each in measured if each.run_id == last.run_id)
        return tuple(each for each in own if each.occasions > 1 and each.supported)

    def _record(self, dates: Collection[date], known_at: datetime) -> tuple[Collection[date], pl.DataFrame]:
        """Store the outcomes of some dates.

        Return those of the dates of which none was stored before, and the outcomes: they need not be read.
        """
        if not dates:
            return (), NO_OUTCOMES
        model = self.inputs.spec.name
        outcomes = outcomes_of(self.inputs.spec, self.inputs.raw, dates, known_at)
        unknown = self.outcomes.unknown(model, dates)
        self.outcomes.record(model, outcomes)
        return unknown, outcomes

    def _deliveries(self, dates: Iterable[date], known_at: datetime) -> dict[date, str | None]:
        recorded = self._recorded()
        return {day: deliveries_of(self.inputs.spec, day, recorded, known_at) for day in dates}

    def _measured(
        self, night: Publication, known_at: datetime, outcomes: pl.DataFrame | None
    ) -> Iterator[Measurement]:
        run = self.store.run(night.run_id)
        rows = self.outcomes.scored(run.model, run.score_date, known_at, outcomes)
        return measurements_of(self.inputs.spec, run, self._with_inputs(run, rows), known_at)

    def _with_inputs(self, run: Run, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with the inputs that slices and the model's own metrics read, as the run saw them.

        Without them if the population of the run is gone, or if the model did not read one of them then.
        """
        read = inputs_read(self.inputs.spec)
        if not read or rows.is_empty():
            return rows
        try:
            population = sound(self.inputs.snapshot(run))
        except ArtifactBroken as gone:
            log.warning("measured_without_slices", run=run.id, score_date=str(run.score_date), why=str(gone))
            return rows
        if not read <= {*population.columns}:
            population = self.inputs.with_features(population, run)
        if lacking := read - {*population.columns}:
            why = f"its population has no {sorted(lacking)}"
            log.warning("measured_without_slices", run=run.id, score_date=str(run.score_date), why=why)
            return rows
        return with_columns_of(rows, population.select("entity_key", *sorted(read)), "entity_key")

    def _trail(self, changed: Collection[date], known_at: datetime) -> None:
        """Measure each window again that a changed night belongs to."""
        if not changed:
            return
        spec = self.inputs.spec
        first = self._since(min(changed), max(WINDOWS))
        measured = self.outcomes.measured(spec.name, known_at, since=first)
        shown = {night.run_id for night in self.store.published(spec.name)}
        nightly = [each for each in measured if each.occasions == 1 and each.run_id in shown]
        windows = trailing(
            filter(self._counts, nightly),
            spec.nightly,
            {each.name: each.least_rows for each in spec.slices},
            cache(self._since),  # all slices and metrics of a night ask for the same few windows
            changed,
            known_at,
        )
        self._add([*windows], _by_subject(measured))

    def _since(self, last: date, occasions: int) -> date:
        return oldest_of(self.inputs.spec, last + DAY, occasions)

    def _counts(self, night: Measurement) -> bool:
        """True if no version whose scores it measures may have seen its outcomes, or is of another kind."""
        other = None if night.role is Role.CHAMPION else night.challenger_id
        versions = (night.version_id, *(() if other is None else (other,)))
        known, kind = [self._version(each) for each in versions], self.inputs.spec.kind
        return all(each.is_of(kind) and not each.has_seen(night.score_date) for each in known)

    def _is_of_kind(self, run: Run) -> bool:
        """True if the version of a run predicts what the model is for now."""
        return self._version(run.version_id).is_of(self.inputs.spec.kind)

    def _version(self, version_id: int) -> Version:
        if version_id not in self._versions:
            self._versions[version_id] = self.inputs.registry.version_by_id(version_id)
        return self._versions[version_id]

    def _add(self, found: Sequence[Measurement], known: dict[tuple[object, ...], Measurement]) -> None:
        """Store what says more than is known, and know it from now on."""
        news = [each for each in found if not each.same_as(known.get(each.of))]
        self.outcomes.add(news)
        known.update(_by_subject(news))

    def _kept(self, known_at: datetime, since: date | None = None) -> dict[int, Measurement]:
        """The newest measurement of each whole night, by run."""
        measured = self.outcomes.measured(self.inputs.spec.name, known_at, since=since, whole=True)
        return {each.run_id: each for each in measured}

    def _any_landed(self, score_date: date) -> bool:
        """False if nothing of a date's outcomes has landed: so it is on the evening of its night.

        To list these few days takes no longer in the third year than in the first.
        """
        spec, raw = self.inputs.spec, self.inputs.raw
        return any(
            raw.recorded(window.dataset, days_to_maturity(spec, score_date, window))
            for window in spec.outcome_reads
        )

    def _recorded(self) -> Recorded:
        """When the deliveries of each dataset of the outcomes were recorded."""
        reads = self.inputs.spec.outcome_reads
        return {window.dataset: self.inputs.raw.recorded(window.dataset) for window in reads}


def _holds(measured: Iterable[Measurement], day: date, deliveries: str | None) -> bool:
    """True if some run of a night was measured by these deliveries. Then their outcomes are stored."""
    return deliveries is not None and any(
        each.score_date == day and each.deliveries == deliveries for each in measured
    )


def _by_subject(measured: Iterable[Measurement]) -> dict[tuple[object, ...], Measurement]:
    return {each.of: each for each in measured}
