"""Estimate the metrics of each published night by what was known on its evening, and keep the estimates.

Later they are held to what came true.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl
import structlog

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.lifecycle.training_set import last_mature_date
from nightjar.core.monitoring.entities import Expectation
from nightjar.core.monitoring.estimated import expected_by
from nightjar.core.monitoring.foreseen import MOST_NIGHTS, Expected, records_of, shown, told
from nightjar.core.night.entities import Publication, Run
from nightjar.core.ports.expectations import Expectations
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.readings import Readings
from nightjar.core.retyped import beside
from nightjar.core.sampling import sampled
from nightjar.usecases.scoring.inputs import NightInputs

log = structlog.get_logger(__name__)

DAY = timedelta(days=1)
PAST = 28
"""So many nights before a night, whose outcomes are known, say what a score means."""
SAMPLE_ROWS = 1_000
"""At most so many rows of each of them, of those that the audit has sampled."""
LATELY = 2 * PAST
"""Of nights older than the last so many nothing is estimated any more."""
NOTHING = pl.DataFrame(schema={"score": pl.Float64})
KEY = ["score_date", "entity_key"]
NO_ROWS = pl.DataFrame(schema={"score_date": pl.Date, "entity_key": pl.String, "score": pl.Float64})


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimateNights:
    """Estimates of published nights, and what is expected of the newest one, with the record of the methods.

    Rows, inputs and scores are those that the audits of the nights have sampled.
    """

    inputs: NightInputs
    store: NightReader
    outcomes: Outcomes
    readings: Readings
    ledger: Expectations

    def lacking(self, nights: Iterable[Publication]) -> frozenset[int]:
        """Of the last LATELY published nights the runs of which nothing is stored. nights: all, by date."""
        lately = frozenset(night.run_id for night in [*nights][-LATELY:])
        return lately - self.ledger.expected(lately)

    def __call__(self, run: Run) -> None:
        """Store what each method expects of a run that analysts see. A second time changes nothing.

        Only outcomes recorded by the as-of of the run count, whenever it is called. Nights of versions of
        another kind, or of other classes, say nothing of it.
        """
        mature = last_mature_date(self.inputs.spec, run.as_of)
        before = self._of_kind(self.readings.samples(run.model, mature + DAY, PAST))
        newest = self.readings.samples(run.model, run.score_date + DAY, 1)
        like = next(iter(newest.values()), NOTHING)
        before = {night: beside(like, rows) for night, rows in before.items()}
        served = self._served(run, {**before, **newest})
        known = (served[night].drop_nulls("outcome") for night in before)
        past, tonight = [rows for rows in known if rows.height], served.get(run.score_date, NOTHING)
        self.ledger.record([*self._expected(run, tonight, past)])
        log.info("night_estimated", nights=len(past), rows=sum(rows.height for rows in past))

    def told(self, known_at: datetime) -> tuple[str, ...]:
        """One sentence a metric, as of an instant (UTC). Empty if no night waits for its outcomes."""
        spec = self.inputs.spec
        published = self.store.published(spec.name)
        if not published:
            return ()
        newest, since = published[-1].score_date, published[-MOST_NIGHTS:][0].score_date
        known = self.outcomes.measured(spec.name, known_at, since=since, whole=True)
        truths = {each.run_id: each.metrics for each in known if each.with_outcome}
        if published[-1].run_id in truths:
            return ()
        expected = [
            Expected(
                score_date=one.score_date,
                method=one.method,
                metric=one.metric,
                value=one.value,
                note=one.note,
                came_true=truths.get(one.run_id, {}).get(one.metric),
            )
            for one in self.ledger.of_nights(spec.name, since)
        ]
        return tuple(f"{newest}: {sentence}" for sentence in self._told(newest, expected))

    def _told(self, newest: date, expected: list[Expected]) -> Iterator[str]:
        tonight = [one for one in expected if one.score_date == newest]
        for metric in self._metrics:
            records = records_of(expected, metric)
            title = self.inputs.spec.kind.metric(metric).title
            yield told(title, records, shown(tonight, metric, records))

    @property
    def _metrics(self) -> tuple[str, ...]:
        binary = ("base_rate", "auc") if self._binary else ()
        return self.inputs.spec.kind.loss.metric, *binary

    @property
    def _binary(self) -> bool:
        return self.inputs.spec.kind.name == BINARY.name

    def _of_kind(self, samples: Mapping[date, pl.DataFrame]) -> Mapping[date, pl.DataFrame]:
        """The nights whose version predicts what the model is for now. Most models never had another kind."""
        spec, registry = self.inputs.spec, self.inputs.registry
        if all(each.is_of(spec.kind) for each in registry.versions(spec.name)):
            return samples
        shown = self._shown()
        versions = {
            night: registry.version_by_id(self.store.run(shown[night]).version_id) for night in samples
        }
        return {night: rows for night, rows in samples.items() if versions[night].is_of(spec.kind)}

    def _served(self, run: Run, samples: Mapping[date, pl.DataFrame]) -> dict[date, pl.DataFrame]:
        """At most SAMPLE_ROWS of the rows of each night, as they were served, with `outcome` and `loss`.

        Both are null where the outcome was not known by the as-of of the run. Rows without a score are
        left out.
        """
        few = {night: sampled(rows, SAMPLE_ROWS) for night, rows in samples.items()}
        each = (
            rows.select(pl.lit(night).alias("score_date"), "entity_key", "score")
            for night, rows in few.items()
        )
        asked = self._with_outputs(pl.concat([NO_ROWS, *each]))
        outcome = self.outcomes.of_rows(self.inputs.spec.name, asked.select(KEY), run.as_of)
        # The nights may differ in their inputs: what they share is joined at once, and cut apart again.
        known = asked.join(outcome, on=KEY, how="left", maintain_order="left")
        of_rows, start = known.select("outcome", loss=self.inputs.spec.kind.loss.of_row), 0
        served = dict[date, pl.DataFrame]()
        for night, rows in few.items():
            told = of_rows.slice(start, rows.height).get_columns()
            served[night] = rows.with_columns(told).drop_nulls("score")
            start += rows.height
        return served

    def _with_outputs(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with the `outputs` that classes need. A sample keeps the score alone."""
        if not self.inputs.spec.kind.classes:
            return rows
        shown = self._shown()
        found = (
            self.store.scores_for(self.store.run(shown[night]), of_night["entity_key"]).select(
                pl.lit(night).alias("score_date"), "entity_key", "outputs"
            )
            for (night,), of_night in rows.group_by("score_date")
        )
        nothing = NO_ROWS.select(*KEY, outputs=pl.lit(None, OUTPUTS))
        return rows.join(pl.concat([nothing, *found]), on=KEY, how="left", maintain_order="left")

    def _shown(self) -> Mapping[date, int]:
        """The runs that analysts see, by night."""
        return {night.score_date: night.run_id for night in self.store.published(self.inputs.spec.name)}

    def _expected(
        self, run: Run, tonight: pl.DataFrame, past: Sequence[pl.DataFrame]
    ) -> Iterator[Expectation]:
        spec, rows = self.inputs.spec, sum(night.height for night in past)
        methods = expected_by(
            past, tonight, spec.kind.loss.metric, spec.numeric, spec.categorical, binary=self._binary
        )
        for method, said in methods.items():
            for metric in self._metrics:
                yield Expectation(
                    run_id=run.id,
                    model=run.model,
                    score_date=run.score_date,
                    method=method,
                    metric=metric,
                    value=said.values.get(metric),
                    note=None if metric in said.values else said.note,
                    rows=rows,
                    effective_rows=said.effective_rows,
                    nights=len(past),
                    known_at=run.as_of,
                )
