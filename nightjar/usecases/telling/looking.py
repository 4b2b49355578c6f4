"""Gather what is known of a model now: what the rules look at."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import islice, takewhile
from typing import TypeVar

from nightjar.core.errors.base import NightjarError
from nightjar.core.inputs.findings import Finding
from nightjar.core.model.entities import Promotion
from nightjar.core.model.schedule import starts_before
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.due import last_due
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.monitoring.losses import NightLoss, TrailingLoss, trailing_loss
from nightjar.core.monitoring.outcome_guard import OutcomeCheck
from nightjar.core.night.clock import as_of, evening_by_now, local_time, today_of
from nightjar.core.night.entities import Publication, RunState
from nightjar.core.night.plan import Standing
from nightjar.core.night.promises import Promised, promised_by
from nightjar.core.ports.drift import DriftLedger
from nightjar.core.ports.nights import NightReader
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.readings import Readings
from nightjar.core.ports.registry import Registry
from nightjar.core.telling.facts import (
    MOST_TRAININGS,
    Decision,
    Fault,
    ModelFacts,
    NightFacts,
    SetAside,
)
from nightjar.usecases.data.landing import lost, set_aside
from nightjar.usecases.data.outcome_guard import GuardOutcomes

T = TypeVar("T")

NIGHTS = 7
"""Nights that are looked at, at least."""
NEWEST_NIGHTS = 100
"""Of so many of the newest published nights it is read how good they were, and which rows they lack."""
MEASURED_WITHIN = timedelta(hours=1)
"""A night that is scored after its outcomes are due is measured after its publication."""
OUTCOME_DAYS = timedelta(days=30)

Published = dict[date, Publication]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtModel:
    """Reads, and changes nothing.

    has_data: False if the data folder is not there, as a disk that is not mounted: then it says nothing.
    """

    spec: ModelSpec
    store: NightReader
    registry: Registry
    outcomes: Outcomes
    drift: DriftLedger
    raw: RawStore
    guard: GuardOutcomes
    readings: Readings
    has_data: Callable[[], bool]

    def __call__(
        self,
        now: datetime,
        open_nights: Collection[date] = (),
        open_outcomes: Collection[date] = (),
        open_refused: Collection[str] = (),
    ) -> ModelFacts:
        """open_nights, open_outcomes, open_refused: about which incidents are open, however old they are."""
        published = {each.score_date: each for each in self.store.published(self.spec.name)}
        champions = [each for each in self.registry.promotions(self.spec.name) if each.role == "champion"]
        since = min((each.promoted_at for each in champions), default=None)
        newest = [*published.values()][-NEWEST_NIGHTS:]
        scheduled = [*self._promised(now, since)]
        owed = partial(self._owed, {each.score_date for each in scheduled}, since)
        promised = {each.score_date: each for each in scheduled[: max(self.spec.catch_up, NIGHTS)]}
        nights = tuple(self._nights(promised, owed, open_nights, published))
        drift_of, drifted = self._drifted(nights, published)
        measured = self._measured(newest)
        undecided, too_old = self.guard.undecided_and_too_old()
        lacking, lacking_long = self._without_outcomes(now, published, measured)
        trained_at = next((version.created_at for version in self.registry.versions(self.spec.name)), None)
        return ModelFacts(
            model=self.spec.name,
            now=now,
            zone=self.spec.time_zone,
            nights=nights,
            max_quarantine_share=self.spec.audit["max_quarantine_share"],
            set_aside=tuple(self._set_aside([night for night in newest if owed(night.score_date)])),
            drifted=drifted,
            drift_of=drift_of,
            trained_at=trained_at,
            trained_on_files=trained_at is not None and bool(self.spec.delivered),
            trainings_due=0 if trained_at is None else self._trainings(trained_at, now),
            loss=self._loss(measured),
            without_outcomes=lacking,
            outcomes_too_old=lacking_long,
            doubts_too_old=frozenset(check.day for check in too_old),
            nights_too_old=len(published) - len(newest),
            held={check.day: _fault(check) for check in undecided if not check.counts},
            doubted_outcomes={check.day: _fault(check) for check in undecided if check.counts},
            refused=self._found(partial(set_aside, self.spec, self.raw)),
            settled=self._found(self._settled) if open_refused else None,
            lost=self._found(partial(lost, self.spec, self.raw)),
            doubted=self.readings.doubts(self.spec.name),
            decided_nights={
                day: each for day, it in published.items() if (each := _decision(it)) is not None
            },
            decided_outcomes=self._decided_outcomes(open_outcomes),
            promoted=_promoted(max(champions, key=lambda each: each.id, default=None)),
        )

    def _nights(
        self,
        promised: Mapping[date, Promised],
        owed: Callable[[date], bool],
        also: Collection[date],
        published: Published,
    ) -> Iterator[NightFacts]:
        scheduled = {*promised, *also}
        standings = self._standings(scheduled) | self._waiting(scheduled)
        days = sorted(scheduled | standings.keys(), reverse=True)
        runs = [published[day].run_id for day in days if day in published]
        compared, counts = self.drift.compared(runs), self.store.counts(runs)
        for day in days:
            by = promised[day].by if day in promised else None
            shown = published.get(day)
            rows, aside = (0, 0) if shown is None else counts.get(shown.run_id, (0, 0))
            yield NightFacts(
                score_date=day,
                promised=by,
                standing=standings.get(day),
                published_at=None if shown is None else shown.published_at,
                rows=rows,
                quarantined=aside,
                compared=shown is None or shown.run_id in compared,
                findings=self._findings(standings.get(day)),
                owed=owed(day),
            )

    def _standings(self, days: Collection[date]) -> dict[date, Standing]:
        found = self.store.standings(self.spec.name, min(days), max(days)) if days else {}
        return {day: standing for day, standing in found.items() if day in days}

    def _waiting(self, but: Collection[date]) -> dict[date, Standing]:
        """Other nights of the newest runs that wait for a person: no schedule started them.

        A person scored them, or the platform caught up with them, before the model was in service.
        """
        newest = self.store.runs(self.spec.name, NIGHTS)
        failed = {run.score_date for run in newest if run.state is RunState.FAILED}.difference(but)
        return {day: each for day, each in self._standings(failed).items() if each.waits}

    def _findings(self, standing: Standing | None) -> tuple[Finding, ...]:
        """Only of a night that no retry can mend."""
        if standing is None or not standing.waits:
            return ()
        return tuple(self.readings.findings(standing.run))

    def _promised(self, now: datetime, since: datetime | None) -> Iterator[Promised]:
        """The scheduled nights since the model is in service, newest first."""
        if since is None:
            return iter(())
        nights = islice(promised_by(self.spec, now), max(self.spec.catch_up, NEWEST_NIGHTS))
        return takewhile(lambda night: night.started_at >= since, nights)

    def _owed(self, scheduled: Collection[date], since: datetime | None, day: date) -> bool:
        """True for a night since the model is in service. Of a recorded stretch only the schedule says so."""
        return day in scheduled or (since is not None and as_of(self.spec, day) >= since)

    def _set_aside(self, nights: Sequence[Publication]) -> Iterator[SetAside]:
        counts = self.store.counts([each.run_id for each in nights])
        for night in nights:
            _, rows = counts.get(night.run_id, (0, 0))
            if rows:
                yield SetAside(score_date=night.score_date, published_at=night.published_at, rows=rows)

    def _drifted(
        self, nights: Collection[NightFacts], published: Published
    ) -> tuple[date | None, Mapping[str, str] | None]:
        """Of the newest night that is published and compared: column -> what is told of it."""
        newest = next((night for night in nights if night.published and night.compared), None)
        if newest is None:
            return None, None
        columns = self.drift.drift(self.store.run(published[newest.score_date].run_id))
        return newest.score_date, {each.column: each.note or "" for each in columns if each.drifted}

    def _trainings(self, trained_at: datetime, now: datetime) -> int:
        since = local_time(self.spec, trained_at)
        starts = starts_before(self.spec.retrain_cron, local_time(self.spec, now))
        return sum(1 for _ in islice(takewhile(lambda start: start > since, starts), MOST_TRAININGS))

    def _loss(self, measured: Sequence[Measurement]) -> TrailingLoss | None:
        """None if too few nights are measured of versions whose tests gave an interval.

        A night whose outcomes its version has seen says nothing.
        """
        metric = self.spec.kind.loss.metric
        versions = {
            version: self.registry.version_by_id(version)
            for version in {each.version_id for each in measured}
        }
        expected = {version: known.interval(metric)[1] for version, known in versions.items()}
        return trailing_loss(
            NightLoss(
                score_date=each.score_date, metric=metric, value=value, expected=most, rows=each.with_outcome
            )
            for each in measured
            if (value := each.metrics.get(metric)) is not None
            and (most := expected[each.version_id]) is not None
            and not versions[each.version_id].has_seen(each.score_date)
        )

    def _measured(self, nights: Sequence[Publication]) -> list[Measurement]:
        """By score date, one a night: of what analysts see of these nights, and only with outcomes."""
        shown = {each.run_id for each in nights}
        since = min((each.score_date for each in nights), default=None)
        measured = self.outcomes.measured(self.spec.name, since=since, whole=True)
        return sorted(
            (each for each in measured if each.with_outcome and each.run_id in shown),
            key=lambda each: each.score_date,
        )

    def _without_outcomes(
        self, now: datetime, published: Published, measured: Iterable[Measurement]
    ) -> tuple[tuple[date, ...], tuple[date, ...]]:
        """Published nights whose outcomes are due and unknown: of OUTCOME_DAYS, and of as many before."""
        evening = evening_by_now(self.spec, today_of(self.spec, now), now)
        last = last_due(self.spec, evening)
        known = {each.run_id for each in measured}
        lacking = [
            day
            for day, publication in published.items()
            if last - 2 * OUTCOME_DAYS < day <= last
            and publication.run_id not in known
            and now - publication.published_at > MEASURED_WITHIN
        ]
        since = last - OUTCOME_DAYS
        return tuple(day for day in lacking if day > since), tuple(day for day in lacking if day <= since)

    def _decided_outcomes(self, days: Collection[date]) -> dict[date, Decision]:
        """What a person decided last about each of these days."""
        found = self.guard.decided(days) if days else ()
        return {
            check.day: Decision(check.verdict.value.capitalize(), check.reason or "", check.decided_at)
            for check in sorted(found, key=lambda check: check.decided_at or check.recorded_at)
            if check.decided_at is not None
        }

    def _settled(self) -> frozenset[str]:
        """The deliveries that were set aside and are settled."""
        return frozenset(
            each.name for dataset in self.spec.delivered for each in self.raw.settled(dataset.name)
        )

    def _found(self, look: Callable[[], T]) -> T | None:
        """What the data folder says. None if it cannot be read now, or is not there."""
        try:
            return look() if self.has_data() else None
        except (OSError, NightjarError):
            return None


def _fault(check: OutcomeCheck) -> Fault:
    return Fault(check.told, next((finding.name for finding in check.findings), ""))


def _decision(publication: Publication) -> Decision | None:
    """Of what analysts see of a night, if somebody gave a reason."""
    if publication.reason is None:
        return None
    if publication.action == "rollback":
        what = "Rolled back"
    else:
        what = "Accepted" if publication.findings else "Published"
    return Decision(what, publication.reason, publication.published_at)


def _promoted(promotion: Promotion | None) -> Decision | None:
    if promotion is None:
        return None
    what = f"Version {promotion.version_number} is champion"
    return Decision(what, promotion.reason, promotion.promoted_at)
