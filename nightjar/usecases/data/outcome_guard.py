"""Check each day of outcomes when it lands. A day that is not like others is held until a person decides."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

import polars as pl
import structlog

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.spec import ModelSpec, RawDataset, Window
from nightjar.core.monitoring.outcome_days import days_of, step_of, with_outcomes
from nightjar.core.monitoring.outcome_guard import (
    TOLD_DAYS,
    CheckedDelivery,
    OutcomeCheck,
    Verdict,
    compared_with,
    judged,
)
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.outcome_relations import answered
from nightjar.core.night.clock import as_of, dates_between
from nightjar.core.night.windows import files_of
from nightjar.core.ports.features import RecipesOfModel, unknown_recipes
from nightjar.core.ports.outcome_checks import OutcomeChecks
from nightjar.core.ports.raw import DeliveredDay, RawStore
from nightjar.usecases.data.windows import outcomes_of, population_of

DAY = timedelta(days=1)
NO_ROWS = OutcomeDay(rows=0, sizes={}, values={})
"""How a day looks that a file about several days has no row of. It passes, and no day is compared with it."""
MOST_ENTITIES = 10_000
"""Of a day of more rows nobody asks which entities lack an outcome."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardOutcomes:
    """Checks the delivered days of the datasets that the outcomes read.

    A held day is read by nothing: no training, no feature, no measurement. An accepted one counts from the
    instant on for which it was accepted, so that earlier nights can be told again as they were. A refused
    one never counts; a corrected file of the day is checked by itself. A doubted day is read as any other.
    A held day is checked again once other code makes its outcomes. If it passes, it counts since its
    delivery.
    Tables that are scanned are not checked: nothing is delivered that could be held.
    recipes: of the code that makes the population and the outcomes.
    """

    spec: ModelSpec
    raw: RawStore
    checks: OutcomeChecks
    recipes: RecipesOfModel = unknown_recipes

    def __call__(self) -> tuple[OutcomeCheck, ...]:
        """Check what has landed since the last call. Return the days that are held now.

        A held day is stored before the day after it is looked at, so that nothing is compared with it.
        Raises ContractBroken if several days of a dataset have landed and none has an outcome that can be, or
        ever had: the code is wrong then, not the files. Nothing is stored of them.
        """
        known = self.checks.deliveries(self.spec.name)
        again = self._made_otherwise(known)
        guard = replace(self, raw=self.raw.believing(again)) if again else self
        new, kept = list[OutcomeCheck](), 0
        for dataset, window in self._guarded():
            for check in GuardOutcomes._check(guard, dataset, window, known, again):
                new.append(check)
                if not check.counts:
                    self.checks.add(new[kept:])
                    kept = len(new)
                    again.discard((check.dataset, check.day, check.recorded_at))
        self.checks.add(new[kept:])
        self._log(new, self._recent({(each.dataset, each.day) for each in (*known, *new)}))
        return tuple(check for check in new if check.verdict is Verdict.HELD)

    def held(self) -> tuple[OutcomeCheck, ...]:
        """The days that wait for a person."""
        return tuple(check for check in self.undecided() if check.verdict is Verdict.HELD)

    def undecided(self) -> tuple[OutcomeCheck, ...]:
        """The days that are held, and those that are doubted of the newest TOLD_DAYS days of each dataset.

        A doubt is over when another file of the day has landed, which is checked by itself.
        """
        return self.undecided_and_too_old()[0]

    def undecided_and_too_old(self) -> tuple[tuple[OutcomeCheck, ...], tuple[OutcomeCheck, ...]]:
        """Return also the doubted days that are told no more, only because so many days landed since."""
        undecided = self.checks.undecided(self.spec.name)
        held, doubted = ([check for check in undecided if check.counts is counts] for counts in (False, True))
        newest = self._newest() if doubted else {}
        valid = [check for check in doubted if newest.get((check.dataset, check.day)) == check.recorded_at]
        recent = self._recent(newest)
        told = [check for check in valid if (check.dataset, check.day) in recent]
        return (*held, *told), tuple(check for check in valid if check not in told)

    def unchecked(self) -> tuple[date, ...]:
        """The days of which a file has landed since the last check."""
        known = self.checks.deliveries(self.spec.name)
        names = {dataset.name for dataset, _ in self._guarded()}
        return tuple(sorted({day for name in names for day in _new(name, self.raw.recorded(name), known)}))

    def undecided_of(self, day: date) -> tuple[OutcomeCheck, ...]:
        """Those of `undecided` about a day. Raises BadSettings if there are none."""
        undecided = self.undecided()
        if not (of_day := tuple(check for check in undecided if check.day == day)):
            days = ", ".join(str(check.day) for check in undecided) or "none"
            raise BadSettings(
                f"No outcomes of {self.spec.name} for {day} are held or doubted", f"Held or doubted: {days}."
            )
        return of_day

    def decided(self, days: Collection[date]) -> tuple[OutcomeCheck, ...]:
        """What a person decided about deliveries of these days."""
        return self.checks.decided(self.spec.name, days)

    def decide(
        self, day: date, verdict: Verdict, reason: str, counts_from: datetime
    ) -> tuple[OutcomeCheck, ...]:
        """Accept or refuse the held deliveries of a day. If one is doubted, it is the one that is accepted.

        counts_from: the instant (UTC) from which a held day counts. A doubted one counts since its delivery.
        Raises BadSettings if none is held or doubted. Raises it if a doubted one alone is to be refused:
        nights have seen it.
        """
        of_day = self.undecided_of(day)
        held, doubted = ([check for check in of_day if check.counts is counts] for counts in (False, True))
        if verdict is Verdict.REFUSED and not held:
            raise BadSettings(
                f"The outcomes of {self.spec.name} for {day} count already, and nights have seen them",
                "Land a corrected file of the day, or accept it.",
            )
        chosen = doubted if doubted and verdict is Verdict.ACCEPTED else held
        decided = [_decided(check, verdict, reason, counts_from) for check in chosen]
        self.checks.add(decided)
        return tuple(decided)

    def _log(self, checks: Iterable[OutcomeCheck], recent: Collection[tuple[str, date]]) -> None:
        """recent: the days of datasets of which people are told. A doubt about another one is no warning."""
        for check in checks:
            if check.verdict is Verdict.PASSED:
                continue
            doubted = log.warning if (check.dataset, check.day) in recent else log.info
            (log.error if check.verdict is Verdict.HELD else doubted)(
                f"outcomes_{check.verdict.value}",
                model=check.model,
                dataset=check.dataset,
                day=str(check.day),
                why=check.told,
                runbook="runbooks/outcomes-held.md",
            )

    def _made_otherwise(self, known: Iterable[CheckedDelivery]) -> set[DeliveredDay]:
        """The held days whose outcomes were made by other code.

        Of days from before the code was kept, those whose outcomes could not be. known: every verdict. What a
        day looks like is large, and is read only if one is held.
        """
        if not any(each.verdict is Verdict.HELD for each in known):
            return set()
        code = self._code()
        return {
            (check.dataset, check.day, check.recorded_at)
            for check in self.checks.undecided(self.spec.name)
            if check.verdict is Verdict.HELD
            and check.looks.code != code
            and (check.looks.code or check.looks.broken)
        }

    def _code(self) -> str:
        return " ".join(self.recipes(self.spec).values())

    def _guarded(self) -> Iterator[tuple[RawDataset, Window]]:
        for window in self.spec.outcome_reads:
            dataset = self.spec.dataset(window.dataset)
            if dataset.delivered:
                yield dataset, window

    def _newest(self) -> dict[tuple[str, date], datetime]:
        """When the newest delivery of each day of a dataset was recorded."""
        known = self.checks.deliveries(self.spec.name)
        return {(each.dataset, each.day): each.recorded_at for each in known}

    def _recent(self, newest: Collection[tuple[str, date]]) -> set[tuple[str, date]]:
        """The newest TOLD_DAYS days of each dataset."""
        return {
            (dataset.name, day)
            for dataset, _ in self._guarded()
            for day in sorted(day for name, day in newest if name == dataset.name)[-TOLD_DAYS:]
        }

    def _check(
        self,
        dataset: RawDataset,
        window: Window,
        known: Sequence[CheckedDelivery],
        again: Collection[DeliveredDay],
    ) -> Iterator[OutcomeCheck]:
        """again: held days to check once more."""
        recorded = self.raw.recorded(dataset.name)
        newest = {(dataset.name, day, instants[-1]) for day, instants in recorded.items()}
        new = _new(dataset.name, recorded, known) | {day: at for _, day, at in newest.intersection(again)}
        if not new:
            return
        step = step_of(recorded)
        looks = self._looks(dataset, window, [*new], step)
        check_of, code = partial(OutcomeCheck, model=self.spec.name, dataset=dataset.name), self._code()
        for day in new:
            if day not in looks:
                yield check_of(day=day, recorded_at=new[day], verdict=Verdict.PASSED, looks=NO_ROWS)
        counts = {each.day for each in known if each.dataset == dataset.name and each.counts}
        if len(looks) > 1 and not counts and all(each.broken for each in looks.values()):
            self._require_outcomes(window, [*looks])
        counting = self._compared(dataset, [*looks], counts)
        for day in [*looks]:
            verdict, findings = judged(day, looks[day], counting, self.spec.is_holiday, step)
            made = looks[day].model_copy(update={"code": code})
            check = check_of(day=day, recorded_at=new[day], verdict=verdict, looks=made, findings=findings)
            if check.counts:
                counting[day] = looks[day]
            yield check
            if not check.counts and day + step in looks:
                looks |= self._looks(dataset, window, [day + step], step)

    def _compared(
        self, dataset: RawDataset, new: Sequence[date], counting: Collection[date]
    ) -> dict[date, OutcomeDay]:
        """What the days look like that count and that new ones are compared with. None is without rows."""
        days = {*counting}
        while near := compared_with(new, days, self.spec.is_holiday):
            looks = {**self.checks.looks(self.spec.name, dataset.name, near)}
            if not (empty := {day for day, each in looks.items() if not each.rows}):
                return looks
            days -= empty
        return {}

    def _looks(
        self, dataset: RawDataset, window: Window, days: Sequence[date], step: timedelta
    ) -> dict[date, OutcomeDay]:
        """What the newest delivery of each of these days looks like, by day. A day without rows has none."""
        found = days_of(dataset, self.raw.read(dataset, min(days) - step, max(days)), days, step)
        dates = {day: self._score_date(window, day) for day in days if day in found}
        outcomes = self._outcomes([each for each in dates.values() if each is not None])
        return {
            day: self._with_outcomes(found[day], outcomes.get(date_), date_) for day, date_ in dates.items()
        }

    def _with_outcomes(
        self, found: OutcomeDay, outcomes: pl.DataFrame | str | None, score_date: date | None
    ) -> OutcomeDay:
        if outcomes is None or score_date is None:
            return found
        if isinstance(outcomes, str):
            return found.model_copy(update={"broken": outcomes})
        rates = {**found.rates, **answered(self._entities(found, score_date), outcomes["entity_key"])}
        looks = with_outcomes(found, outcomes["outcome"], self.spec.kind)
        return looks.model_copy(update={"rates": rates})

    def _require_outcomes(self, window: Window, days: Sequence[date]) -> None:
        """Raises ContractBroken if the outcomes of these days together cannot be."""
        dates = [each for day in days if (each := self._score_date(window, day)) is not None]
        outcomes_of(self.spec, self.raw, dates, self._newest_instant())

    def _entities(self, found: OutcomeDay, score_date: date) -> pl.Series:
        """The keys that were to be scored, as known on the night's evening. None of a large day."""
        if found.rows > MOST_ENTITIES:
            return pl.Series([], dtype=pl.String)
        rows = population_of(self.spec, self.raw, score_date, as_of(self.spec, score_date))
        return rows["entity_key"]

    def _score_date(self, window: Window, day: date) -> date | None:
        """The last score date whose window ends with the file of a day."""
        around = dates_between(day - timedelta(days=window.days_after + 1), day + DAY)
        return max((each for each in around if files_of(self.spec, window, each)[1] == day), default=None)

    def _outcomes(self, dates: Sequence[date]) -> Mapping[date | None, pl.DataFrame | str]:
        """The outcomes of each date, or why they cannot be."""
        known_at = self._newest_instant()
        if not dates:
            return {}
        try:
            rows = outcomes_of(self.spec, self.raw, dates, known_at)
        except ContractBroken as error:
            if len(dates) == 1:
                return {dates[0]: str(error)}
            halves = dates[: len(dates) // 2], dates[len(dates) // 2 :]
            return {day: found for half in halves for day, found in self._outcomes(half).items()}
        parts = rows.partition_by("score_date", as_dict=True)
        return {day[0]: part for day, part in parts.items()}

    def _newest_instant(self) -> datetime:
        """When the newest delivery was recorded of what the outcomes read. Something of it has landed."""
        recorded = (self.raw.recorded(window.dataset).values() for window in self.spec.outcome_reads)
        return max(instants[-1] for each in recorded for instants in each)


def _new(
    dataset: str, recorded: Mapping[date, Sequence[datetime]], known: Iterable[CheckedDelivery]
) -> dict[date, datetime]:
    """The days whose newest delivery is not checked, in their order, with the instant of its recording."""
    own = (check for check in known if check.dataset == dataset)
    seen = {(check.day, instant) for check in own for instant in (check.recorded_at, check.counts_from)}
    newest = ((day, instants[-1]) for day, instants in sorted(recorded.items()))
    return {day: instant for day, instant in newest if (day, instant) not in seen}


def _decided(check: OutcomeCheck, verdict: Verdict, reason: str, counts_from: datetime) -> OutcomeCheck:
    since = check.recorded_at if check.counts else max(counts_from, check.recorded_at)
    accepted = since if verdict is Verdict.ACCEPTED else None
    return check.model_copy(update={"verdict": verdict, "reason": reason, "counts_from": accepted})
