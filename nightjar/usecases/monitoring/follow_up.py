"""What follows every publication, whichever way it came about.

It is drift rows, and a measurement as soon as its outcomes are known.
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
from nightjar.core.night.entities import Publication, Run
from nightjar.core.ports.advice import Advise, unadvised
from nightjar.core.ports.progress import Progress, silent
from nightjar.usecases.monitoring.monitor import WatchNight
from nightjar.usecases.scoring.patience import patient

log = structlog.get_logger(__name__)

TOLD = {"rows", "with_outcome", "measured_at"}
Work = Callable[[], None]
Step = Callable[[str, Run, Work], None]
"""How a step is done: what it is called, of which run, and its work. Raises what the work raises."""


def patiently(name: str, run: Run, work: Work) -> None:  # noqa: ARG001  # every step alike
    patient()(work)


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Does what a published run lacks. Safe to do again at any time: what is there is not done twice."""

    watch: WatchNight
    step: Step = patiently
    advised: Advise = unadvised

    def __call__(self, run: Run, audited: pl.DataFrame | None = None) -> tuple[str, ...]:
        """Return what could not be done, in words. It raises no error: what is published stays published.

        audited: rows of the run with their features, as the audit has just looked at them, so that they need
        not be fetched again.
        """
        return tuple(
            self._failures(
                run,
                (
                    ("drift", lambda: self._drift(run, audited)),
                    ("measurement", lambda: self._measurement(run)),
                ),
            )
        )

    def catch_up(self, progress: Progress = silent) -> dict[date, tuple[str, ...]]:
        """Compare what is published and was never compared with its training sample.

        Give the nights where that failed, and why. Such a night was published by a process that died before
        it came to that, or failed at it.
        """
        done = self.watch.ledger.compared(self.watch.inputs.spec.name)
        left = [
            night
            for night in self.watch.store.published(self.watch.inputs.spec.name)
            if night.run_id not in done
        ]
        if not left:
            return {}
        lacks: dict[date, tuple[str, ...]] = {}
        with progress("nights compared with their training sample", len(left)) as advance:
            for night in left:
                run = self.watch.store.run(night.run_id)
                lacks[night.score_date] = tuple(
                    self._failures(run, [("drift", partial(self._drift, run, None))])
                )
                advance()
        return {night: failures for night, failures in lacks.items() if failures}

    def _failures(self, run: Run, steps: Iterable[tuple[str, Callable[[], Work | None]]]) -> Iterator[str]:
        """Each step that could not be done, and why."""
        with bound_contextvars(model=run.model, score_date=str(run.score_date), run=run.id):
            for name, due in steps:
                try:
                    if (work := due()) is not None:
                        self.step(name, run, work)
                except (
                    Exception
                ) as error:  # whatever it is, the night is published, and a person looks at it by day
                    told, expected = (
                        told_of(self.advised(error)),
                        isinstance(error, (NightjarError, *REFUSALS)),
                    )
                    fields = {"step": name, "error": told, "runbook": "runbooks/report-failed.md"}
                    # `error`, not `exception`: an expected error needs no traceback.
                    log.error("follow_up_failed", **fields, exc_info=not expected)  # noqa: TRY400
                    yield f"{name}: {told}"

    def _drift(self, run: Run, audited: pl.DataFrame | None) -> Work | None:
        return None if self.watch.ledger.drift(run) else lambda: self._compare(run, audited)

    def _compare(self, run: Run, audited: pl.DataFrame | None) -> None:
        drifted = [column.column for column in self.watch.drift(run, audited) if column.drifted]
        log.info("drift_measured", drifted=drifted)

    def _measurement(self, run: Run) -> Work | None:
        due = self.watch.due(run)
        return None if due is None else lambda: self._measure(*due)

    def _measure(self, publication: Publication, known_at: datetime) -> None:
        (measured,) = self.watch.measure([publication], known_at)
        headline = {name: measured.metrics[name] for name in self.watch.inputs.spec.kind.headline}
        log.info("night_measured", **measured.model_dump(mode="json", include=TOLD), **headline)
