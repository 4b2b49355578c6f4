"""Rehearsed nights: nights before the published ones, read as they would have been scored.

A young model has too few published nights to be held to, and so has one that is taken up again after a pause.
The deliveries go back further. So the audit reads these nights as of their own evenings, and holds a night to
them.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from itertools import islice

import polars as pl
import structlog

from nightjar.core.comparison.comparable import since_pause
from nightjar.core.errors.base import NightjarError
from nightjar.core.inputs.readings import EARLIER, as_kept, counts, readings, same_entities
from nightjar.core.model.entities import Version
from nightjar.core.model.occasions import occasions_by
from nightjar.core.night.clock import as_of, dates_between
from nightjar.core.night.entities import Run
from nightjar.core.night.repair import sound
from nightjar.core.night.same_code import Terms
from nightjar.core.night.windows import readable, span
from nightjar.core.ports.rehearsal import Rehearsed, RehearsedNights
from nightjar.core.values import INSTANT
from nightjar.usecases.scoring.feeds import Feeds
from nightjar.usecases.scoring.inputs import NightInputs

log = structlog.get_logger(__name__)

NIGHTS = 35
"""So many nights are compared with: five of each weekday of a daily model. Published ones come first."""
MOST_ROWS = 10_000
"""Larger nights are not rehearsed: 35 populations would be read, and that takes longer than the night."""


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Reads the nights that a young model lacks.

    known: those that were read before. terms: what this process reads them with, its code and its libraries.
    """

    inputs: NightInputs
    known: RehearsedNights
    terms: Callable[[], Terms]

    def __call__(self, run: Run, published: Collection[date], rows: int) -> Mapping[date, Rehearsed]:
        """The nights before those published since a pause, newest first: NIGHTS together with these.

        published: score dates before that of the run. rows: of the run. Nothing if a dataset is a
        table that only knows what it holds now. If a night cannot be read, none is, and the log says why.
        """
        spec = self.inputs.spec
        stretch = since_pause(spec, published, run.score_date, NIGHTS)
        oldest, lacking = min(stretch, default=run.score_date), NIGHTS - len(stretch)
        if lacking <= 0 or rows > MOST_ROWS or not all(each.remembers for each in spec.datasets):
            return {}
        days = [day for day in self._days(oldest) if day not in published]
        group = self._group(run, days)
        if (nights := self.known.get(run.model, group)) is None:
            try:
                steady = replace(self, inputs=self.inputs.listed_once())
                nights = Rehearsal._nights(steady, run, days)
            except NightjarError as error:
                log.warning("not_rehearsed", model=run.model, night=str(run.score_date), error=str(error))
                return {}
            self.known.put(run.model, group, nights)
        return dict(islice(nights.items(), lacking))

    def _days(self, oldest: date) -> list[date]:
        """The NIGHTS occasions before a date, without populations that were not known then. Oldest first."""
        spec = self.inputs.spec
        before = [*islice(occasions_by(spec, oldest - timedelta(days=1)), NIGHTS)]
        reads = spec.population_reads
        asked = {day for window in reads for day in dates_between(*span(spec, window, before))}
        recorded = {window.dataset: self.inputs.raw.recorded(window.dataset, asked) for window in reads}
        return sorted(day for day in before if readable(spec, reads, day, recorded, as_of(spec, day)))

    def _group(self, run: Run, days: Sequence[date]) -> str:
        """A name for nights that the same code and version score, with the features that the run reads."""
        generations = sorted((self.inputs.generations(run) or {}).items())
        told = repr((run.version_id, generations, [*map(str, days)], sorted(self.terms().items())))
        return sha256(told.encode()).hexdigest()[:32]

    def _nights(self, run: Run, days: list[date]) -> Mapping[date, Rehearsed]:
        """These nights, newest first. days: oldest first."""
        version, nights = self.inputs.registry.version_by_id(run.version_id), dict[date, Rehearsed]()
        for day, rows in self._rows(run, days):
            before = [nights[each].sample for each in sorted(nights, reverse=True)[:EARLIER]]
            sample = self._sample(version, rows, day)
            told = self._readings(run, day, rows, sample, before)
            nights[day] = Rehearsed(readings=told, sample=sample)
        newest = sorted(nights, reverse=True)
        lasting = {*newest[:EARLIER]}  # no other night is compared row by row
        return {
            day: nights[day] if day in lasting else replace(nights[day], sample=nights[day].sample.clear())
            for day in newest
        }

    def _readings(
        self, run: Run, day: date, rows: pl.DataFrame, sample: pl.DataFrame, before: list[pl.DataFrame]
    ) -> pl.DataFrame:
        """before: the samples of the nights before, newest first."""
        spec, evening = self.inputs.spec, as_of(self.inputs.spec, day)
        at = run.model_copy(update={"score_date": day, "as_of": evening, "known_at": evening})
        told = [counts(rows, spec), Feeds(spec, self.inputs.raw).readings(at)]
        return pl.concat([readings(sample, spec, before), *told] if sample.height else told)

    def _rows(self, run: Run, days: list[date]) -> Iterator[tuple[date, pl.DataFrame]]:
        """The populations of these nights with their features, which are retrieved at once."""
        spec, inputs = self.inputs.spec, self.inputs
        populations = [
            sound(inputs.population(day, as_of(spec, day))).with_columns(
                score_date=pl.lit(day), event_timestamp=pl.lit(as_of(spec, day), INSTANT)
            )
            for day in days
        ]
        if populations:
            rows = inputs.retrieved(pl.concat(populations), inputs.generations(run))
            featured = rows.drop("event_timestamp")
            for night in featured.partition_by("score_date", maintain_order=True):
                yield night["score_date"][0], night.drop("score_date")

    def _sample(self, version: Version, rows: pl.DataFrame, day: date) -> pl.DataFrame:
        """The rows of a night whose entities are compared, with the scores that the version gives them."""
        chosen = self.inputs.check(self.inputs.spec, same_entities(rows, day)).valid
        scores = self.inputs.scorer.given(version, chosen)
        return as_kept(chosen, chosen.select("entity_key", scores["score"]), self.inputs.spec, day)
