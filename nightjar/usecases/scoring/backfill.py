"""Score many nights. A published night is scored again only if that is asked for.

One bad night does not stop the rest.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

import structlog

from nightjar.core.errors.machine import REFUSALS, may_pass, refused
from nightjar.core.errors.night import NightBusy, Stopped
from nightjar.core.errors.settings import NoOccasion
from nightjar.core.model.occasions import nearest, occasions_between
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import due_before, night_of
from nightjar.core.night.entities import NightSummary
from nightjar.core.night.plan import Planned, Stage, missed, plan, require_order
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.progress import Progress, silent
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.patience import PAUSE_S, patient
from nightjar.usecases.scoring.scorers import Choose, by_then

log = structlog.get_logger(__name__)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FailedNight:
    score_date: date
    error: Exception

    @property
    def stopped(self) -> bool:
        """True if the process was stopped, and the night itself had no error."""
        return isinstance(self.error, Stopped)


@dataclass(frozen=True, slots=True)
class BackfillSummary:
    """The results of the nights, in the order of the plan.

    stopped: nights not scored because the backfill was stopped. left: nights that the plan left unchanged.
    """

    nights: tuple[NightSummary, ...] = ()
    failed: tuple[FailedNight, ...] = ()
    stopped: tuple[FailedNight, ...] = ()
    left: tuple[Planned, ...] = ()

    @property
    def published_now(self) -> tuple[NightSummary, ...]:
        return tuple(night for night in self.nights if not night.already_published)

    @property
    def skipped(self) -> tuple[Planned, ...]:
        """The nights that were left unchanged and are not published."""
        return tuple(night for night in self.left if night.stage is not Stage.PUBLISHED)

    def raise_failure(self) -> None:
        """Raise Stopped if the backfill was stopped. Otherwise raise the error of the first failed night."""
        for night in (*self.stopped, *self.failed):
            raise night.error

    def __str__(self) -> str:
        already = len(self.nights) - len(self.published_now) + len(self.left) - len(self.skipped)
        stopped = f", {len(self.stopped)} stopped" if self.stopped else ""
        return (
            f"{len(self.published_now)} published now, {already} already, {len(self.failed)} failed, "
            f"{len(self.skipped)} skipped{stopped}"
        )


def planned_nights(
    store: NightReader, spec: ModelSpec, first: date, last: date, reprocess: Reprocess, order: Order
) -> tuple[Planned, ...]:
    """The plan of a backfill of first..last: the action for each night, given its current state.

    The nights are those of the schedule, and those that were attempted by an earlier schedule. Raises
    BadSettings if last is before first, or if there are none.
    """
    require_order(first, last)
    standings = store.standings(spec.name, first, last)
    dates = {*occasions_between(spec, first, last), *standings}
    if not dates:
        raise NoOccasion(spec.name, f"{first} to {last}", spec.cron, nearest(spec, first))
    return plan(dates, standings, reprocess, order)


def missed_nights(store: NightReader, spec: ModelSpec, scheduled_start: datetime) -> tuple[Planned, ...]:
    """The nights that the schedule missed before its start at this instant (aware), oldest first."""
    due = due_before(spec, scheduled_start)
    if not due:
        return ()
    first_published = min((night.score_date for night in store.published(spec.name)), default=None)
    return missed(due, store.standings(spec.name, due[0], due[-1]), first_published)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfill:
    """The use case: the scoring of one night, many times.

    wait_s: how long to wait for another process that holds a night. parallel: number of nights at a time,
    each on a thread. flow_run: the flow run that asks for the backfill.
    known_at: corrections recorded by then count. accept: the reason to publish nights that look odd.
    choose: the versions that score each night.
    pause_s: the longest pause before the second attempt. It doubles with each attempt.
    """

    night: ScoreNight
    wait_s: float = 0
    parallel: int = 1
    flow_run: str | None = None
    known_at: datetime | None = None
    accept: str | None = None
    choose: Choose = by_then
    pause_s: float = PAUSE_S

    def run(self, nights: Iterable[Planned], progress: Progress = silent) -> BackfillSummary:
        """Score the wanted nights. Errors are collected and not raised.

        A second run does the missing nights. After an interrupt no other night begins, and the nights on
        threads are finished first. After a stop no other part begins.
        """
        nights = tuple(nights)
        wanted = [night for night in nights if night.wanted]
        log.info(
            "nights_planned",
            model=self.night.inputs.spec.name,
            wanted=len(wanted),
            left=len(nights) - len(wanted),
            repairs=sum(n.repair for n in wanted),
        )
        with progress("nights scored", len(wanted)) as advance:

            def ended(night: Planned) -> NightSummary | FailedNight:
                result = self.result(night)
                advance()
                return result

            results = (
                on_threads(ended, wanted, self.parallel)
                if self.parallel > 1
                else [ended(night) for night in wanted]
            )
        failed = tuple(result for result in results if isinstance(result, FailedNight))
        summary = BackfillSummary(
            nights=tuple(result for result in results if isinstance(result, NightSummary)),
            failed=tuple(night for night in failed if not night.stopped),
            stopped=tuple(night for night in failed if night.stopped),
            left=tuple(night for night in nights if not night.wanted),
        )
        log.info("nights_ended", model=self.night.inputs.spec.name, summary=str(summary))
        return summary

    def result(self, night: Planned) -> NightSummary | FailedNight:
        """A night's summary, or its last error.

        After a temporary error the night is tried again, a few times. NightBusy is not tried again, because
        the attempt has waited for the other process already.
        """
        again = patient(self.pause_s, lambda error: may_pass(error) and not isinstance(error, NightBusy))
        try:
            return again(self.score, night)
        except REFUSALS as error:
            return FailedNight(night.score_date, refused(error))
        except Exception as error:  # noqa: BLE001  # any error of one night leaves the others to be scored
            return FailedNight(night.score_date, error)

    def score(self, night: Planned) -> NightSummary:
        return self.night.run(
            night_of(self.night.inputs.spec, night.score_date),
            force=night.force,
            repair=night.repair,
            known_at=self.known_at,
            accept=self.accept,
            choose=self.choose,
            wait_s=self.wait_s,
            flow_run=self.flow_run,
        )


def on_threads(work: Callable[[Planned], T], nights: Sequence[Planned], threads: int) -> list[T]:
    """Do the work of each night on a thread, in a copy of this context.

    So the threads have the same flow context and the same bound log fields.
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="night") as pool:
        futures = [pool.submit(copy_context().run, work, night) for night in nights]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
