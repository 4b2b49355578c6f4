"""The steps after every publication, of any origin.

They store drift rows, reasons and estimates of its metrics, and measure the night as soon as its outcomes are
known.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import polars as pl
import structlog
from structlog.contextvars import bound_contextvars

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import REFUSALS, told_of
from nightjar.core.monitoring.challenge import Step as Follows
from nightjar.core.night.entities import Publication, Run
from nightjar.core.ports.advice import Advise, unadvised
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.stages import Meter
from nightjar.usecases.explaining.night import ExplainNight
from nightjar.usecases.monitoring.challenge import JudgeChallenger, Standing
from nightjar.usecases.monitoring.estimate import EstimateNights
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.monitoring.monitor import WatchNight
from nightjar.usecases.scoring.patience import patient

log = structlog.get_logger(__name__)

TOLD = {"rows", "with_outcome", "measured_at"}
Work = Callable[[], None]
Step = Callable[[str, Run, Work], None]
"""Carries out one step, given its name, its run and its work. Raises the errors of the work."""


def patiently(name: str, run: Run, work: Work) -> None:  # noqa: ARG001  # every step alike
    patient()(work)


def metered(step: Step, meter: Meter) -> Step:
    """Return the step with its work measured, as a stage of its name."""

    def carried_out(name: str, run: Run, work: Work) -> None:
        def counted() -> None:
            with meter(run, follows=True) as stages, stages(name):
                work()

        step(name, run, counted)

    return carried_out


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Does the missing steps of a published run. Idempotent: finished steps are not done twice."""

    watch: WatchNight
    measure: MeasureNights
    explain: ExplainNight
    estimate: EstimateNights
    judge: JudgeChallenger
    step: Step = patiently
    advised: Advise = unadvised

    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
        """Do the missing steps, and return a text for each step that failed.

        It raises no error, because the publication stays valid.
        audited: the rows that were just audited, with their features and scores. They are not fetched again.
        """
        return tuple(
            self._failures(
                run,
                (
                    ("drift", lambda: self._drift(run, audited)),
                    ("reasons", lambda: self._reasons(run, audited)),
                    ("estimates", lambda: self._estimates(run, self._unestimated())),
                    ("measurement", lambda: self._measurement(run)),
                    ("challenger", self._challenge),
                ),
            )
        )

    def settle(self) -> Standing | None:
        """Do what follows from the nights of the challenger. Return what they say; None without one."""
        return self.judge.settle()

    def catch_up(self, progress: Progress = silent) -> dict[date, tuple[str, ...]]:
        """Do what is missing of the published nights, but for their measurement.

        That is drift rows, reasons and estimates. Return the nights where that failed, with the reasons. A
        step is missing if the process that published the night died before it, or failed in it.
        """
        published = self.watch.store.published(self.watch.inputs.spec.name)
        compared = self.watch.ledger.compared([night.run_id for night in published])
        unexplained = self.explain.lacking(night.run_id for night in published)
        unestimated = self.estimate.lacking(published)
        left = [
            night
            for night in published
            if night.run_id not in compared or night.run_id in unexplained | unestimated
        ]
        if not left:
            return {}
        lacks: dict[date, tuple[str, ...]] = {}
        with progress("nights compared, explained and estimated", len(left)) as advance:
            for night in left:
                run = self.watch.store.run(night.run_id)
                steps = (
                    ("drift", partial(self._drift, run, None)),
                    ("reasons", partial(self._reasons, run, None)),
                    ("estimates", partial(self._estimates, run, unestimated)),
                )
                lacks[night.score_date] = tuple(self._failures(run, steps))
                advance()
        return {night: failures for night, failures in lacks.items() if failures}

    def _failures(self, run: Run, steps: Iterable[tuple[str, Callable[[], Work | None]]]) -> Iterator[str]:
        """Each failed step with its reason."""
        with bound_contextvars(model=run.model, score_date=str(run.score_date), run=run.id):
            for name, due in steps:
                try:
                    if (work := due()) is not None:
                        self.step(name, run, work)
                # The night is published in any case; a person reads the error by day.
                except Exception as error:
                    told = told_of(self.advised(error))
                    expected = isinstance(error, (NightjarError, *REFUSALS))
                    fields = {"step": name, "error": told, "runbook": "runbooks/report-failed.md"}
                    # `error`, not `exception`: an expected error needs no traceback.
                    log.error("follow_up_failed", **fields, exc_info=not expected)  # noqa: TRY400
                    yield f"{name}: {told}"

    def _drift(self, run: Run, audited: pl.DataFrame | None) -> Work | None:
        return None if self.watch.ledger.drift(run) else lambda: self._compare(run, audited)

    def _compare(self, run: Run, audited: pl.DataFrame | None) -> None:
        drifted = [column.column for column in self.watch.drift(run, audited) if column.drifted]
        log.info("drift_measured", drifted=drifted)

    def _reasons(self, run: Run, audited: pl.DataFrame | None) -> Work | None:
        return (lambda: self.explain(run, audited)) if self.explain.lacking([run.id]) else None

    def _unestimated(self) -> frozenset[int]:
        return self.estimate.lacking(self.watch.store.published(self.watch.inputs.spec.name))

    def _estimates(self, run: Run, lacking: frozenset[int]) -> Work | None:
        return (lambda: self.estimate(run)) if run.id in lacking else None

    def _measurement(self, run: Run) -> Work | None:
        due = self.measure.due(run)
        return None if due is None else lambda: self._measure(*due)

    def _challenge(self) -> Work | None:
        found = self.judge.standing()
        return None if found is None or found.step is Follows.WAIT else self._settle

    def _settle(self) -> None:
        self.judge.settle()

    def _measure(self, publication: Publication, known_at: datetime) -> None:
        (measured,) = self.measure.measure([publication], known_at)
        headline = {name: measured.metrics[name] for name in self.watch.inputs.spec.kind.headline}
        log.info("night_measured", **measured.model_dump(mode="json", include=TOLD), **headline)
