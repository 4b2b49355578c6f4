"""Estimate the metrics of a night whose outcomes are not known, and keep score of such estimates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from nightjar.core.kinds.binary import BINARY
from nightjar.core.lifecycle.arms import as_served
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.monitoring.estimated import DAYS, WEEKS, Foreseen, estimated, record_of, told
from nightjar.core.night.entities import Publication
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.sampling import sampled
from nightjar.usecases.scoring.inputs import NightInputs

PAST = 28
"""So many measured nights before a night say what a score means."""
MOST_ROWS = 100_000
"""Nights of more rows are not estimated: their scores would have to be read for weeks."""
SAMPLE_ROWS = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateNights:
    """Says what is expected of the newest night, with the record of such estimates."""

    inputs: NightInputs
    store: NightReader
    outcomes: Outcomes

    def told(self, known_at: datetime) -> tuple[str, ...]:
        """One sentence a metric, as of an instant (UTC). Empty if no night waits for its outcomes.

        An estimate of a past night uses the outcomes of the nights that were mature on its evening, as they
        are known by `known_at`.
        """
        spec = self.inputs.spec
        known = self.outcomes.measured(spec.name, known_at, whole=True)
        measured = {each.score_date: each for each in known if each.with_outcome}
        published = self.store.published(spec.name)
        if not published or published[-1].score_date in measured:
            return ()
        if any(night.rows > MOST_ROWS for night in measured.values()):
            return (f"metrics are not estimated: nights have more than {MOST_ROWS:,} rows",)
        frames = {day: self._rows(day, known_at) for day in sorted(measured)[-WEEKS * DAYS - PAST :]}
        return tuple(self._sentences(published[-1], measured, frames, known_at))

    def _sentences(
        self,
        newest: Publication,
        measured: Mapping[date, Measurement],
        frames: Mapping[date, pl.DataFrame],
        known_at: datetime,
    ) -> Iterator[str]:
        now = self._estimate(newest.score_date, self._rows(newest.score_date, known_at), frames)
        judged = list(frames)[-WEEKS * DAYS :]
        earlier = {day: self._estimate(day, frames[day], frames) for day in judged}
        for metric in (self.inputs.spec.kind.loss.metric, *self._further):
            nights = [
                Foreseen(score_date=day, estimate=found[metric], trailing=before, truth=truth)
                for day, found in earlier.items()
                if metric in found
                and (truth := measured[day].metrics.get(metric)) is not None
                and (before := self._before(day, metric, measured)) is not None
            ]
            title = self.inputs.spec.kind.metric(metric).title
            yield f"{newest.score_date}: {told(title, record_of(nights), now.get(metric))}"

    @property
    def _further(self) -> tuple[str, ...]:
        return ("base_rate", "auc") if self._binary else ()

    @property
    def _binary(self) -> bool:
        return self.inputs.spec.kind.name == BINARY.name

    def _estimate(
        self, day: date, rows: pl.DataFrame, frames: Mapping[date, pl.DataFrame]
    ) -> Mapping[str, float]:
        past = [frames[other] for other in self._mature(day, list(frames))]
        if not past:
            return {}
        metric = self.inputs.spec.kind.loss.metric
        return estimated(pl.concat(past).drop_nulls(), rows["score"], metric, binary=self._binary)

    def _before(self, day: date, metric: str, measured: Mapping[date, Measurement]) -> float | None:
        """The mean of a metric over the nights that were known before a night."""
        values = [measured[other].metrics.get(metric) for other in self._mature(day, sorted(measured))]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None

    def _mature(self, day: date, days: Sequence[date]) -> list[date]:
        """The last nights whose outcomes were mature on the evening before a night."""
        last = day - timedelta(days=self.inputs.spec.maturity_days + 1)
        return [other for other in days if other <= last][-PAST:]

    def _rows(self, day: date, known_at: datetime) -> pl.DataFrame:
        """`score`, `outcome` and `loss` of a sample of a night's rows; null where no outcome is known."""
        rows = sampled(as_served(self.outcomes.scored(self.inputs.spec.name, day, known_at)), SAMPLE_ROWS)
        return rows.select("score", "outcome", loss=self.inputs.spec.kind.loss.of_row)
