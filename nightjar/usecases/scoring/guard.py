"""The checks that a night must pass before it is published.

Before scoring, its features must be fresh. After scoring, its inputs and scores must be like those of
earlier nights.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

import polars as pl
import structlog

from nightjar.core.comparison.comparable import lacking
from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.ordinary import MIN_NIGHTS
from nightjar.core.comparison.profile import profile_of
from nightjar.core.errors.inputs import BadDelivery, StaleFeatures
from nightjar.core.errors.model import PredictsOtherwise
from nightjar.core.errors.night import AuditFailed
from nightjar.core.inputs.findings import Finding, foremost, most_telling_first, numbers_told, sentences
from nightjar.core.inputs.freshness import stale_views
from nightjar.core.inputs.gaps import changes
from nightjar.core.inputs.oddities import comparable
from nightjar.core.inputs.refusals import refused_after
from nightjar.core.model.entities import Version
from nightjar.core.model.generations import FIRST, TRAINED_ON, Generations, made_otherwise
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.monitoring.held_days import accepted_since, held_days, with_cause
from nightjar.core.monitoring.outcome_guard import Held, nothing_held
from nightjar.core.night.audit import TRAILING_NIGHTS, audit
from nightjar.core.night.clock import as_of, dates_between
from nightjar.core.night.entities import Part, Receipt, Run
from nightjar.core.night.reach import days_of_features
from nightjar.core.ports.features import FeatureFiles, RecipesOfModel, unknown_recipes
from nightjar.core.ports.profiles import InputProfiles
from nightjar.core.ports.raw import RawStore
from nightjar.core.ports.readings import Readings
from nightjar.core.ports.rehearsal import Rehearse, unrehearsed
from nightjar.usecases.scoring.feeds import BEFORE, days_near
from nightjar.usecases.scoring.unlike import Earlier, Unlike

DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Past:
    """What a night is compared with, which none of its parts changes.

    profiles: of the published nights before, newest first. gaps: as `NightGuard.gap_changes` gives them.
    """

    nights: Earlier
    profiles: tuple[NightProfile, ...]
    gaps: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NightGuard:
    """Each check returns the findings that a person accepted, as texts. It raises if nobody accepted them.

    rehearse: reads the nights that a young model lacks. held: of a dataset, the deliveries that do not count.
    """

    spec: ModelSpec
    files: FeatureFiles
    profiles: InputProfiles
    readings: Readings
    rehearse: Rehearse = unrehearsed
    held: Callable[[str], Held] = nothing_held
    recipes_of_model: RecipesOfModel = unknown_recipes

    def require_fresh(
        self,
        run: Run,
        raw: RawStore,
        generations: Generations,
        *,
        elsewhere: Sequence[str] = (),
        accepted: bool,
    ) -> tuple[str, ...]:
        """Raises StaleFeatures naming each view, its newest row and its age.

        generations: those of the feature tables that the run reads. elsewhere: what is too old in a feature
        store that is not ours.

        Raises BadDelivery if a delivery that would have made the view fresher is set aside.
        A later `known_at` makes no view fresher, because it adds only corrections.
        """
        limited = [table for table in self.spec.feature_tables if table.max_age is not None]
        newest = {
            table.name: self.files.newest(table, run.as_of, generations.get(table.name, FIRST))
            for table in limited
        }
        for name in (name for name, moment in newest.items() if moment is None):
            log.warning("feature_view_empty", model=run.model, score_date=str(run.score_date), view=name)
        stale = [table for table in limited if stale_views([table], newest, run.as_of)]
        findings = (*stale_views(stale, newest, run.as_of), *elsewhere)
        if findings and not accepted:
            raise bad_feed(run, raw, stale, findings) or StaleFeatures(
                run.model, run.score_date, run.as_of, findings
            )
        return findings

    def of_training(self, version: Version, generations: Generations) -> tuple[Finding, ...]:
        """A doubt if the version was trained on rows that other code made than there is now."""
        recipes = self.recipes_of_model(self.spec)
        changed = ", ".join(trained_otherwise(self.spec, self.files, version, generations, recipes))
        if not changed:
            return ()
        return (
            Finding(
                name="trained_otherwise",
                column=changed,
                runbook="model-worse",
                holds=False,
                sentence=f"The code of {changed} changed since version {version.number} was trained: "
                "retrain the model",
            ),
        )

    def require_as_registered(
        self, run: Run, version: Version, otherwise: str | None, *, accepted: bool
    ) -> tuple[str, ...]:
        """Raises PredictsOtherwise. otherwise: how the version differs for its golden rows, if it does."""
        if otherwise and not accepted:
            raise PredictsOtherwise(run.model, version.number, otherwise, run.score_date)
        return (otherwise,) if otherwise else ()

    def past(self, run: Run, raw: RawStore, counted: pl.DataFrame) -> Past:
        """counted: as for `Unlike.earlier`."""
        nights = Unlike(self.spec, self.readings, self.rehearse).earlier(run, counted)
        gaps = {} if nights.last is None else self.gap_changes(run, raw, nights.last)
        return Past(nights, self._profiles(run, nights.comparable.alike), gaps)

    def _profiles(self, run: Run, alike: Sequence[date]) -> tuple[NightProfile, ...]:
        """Of the last published nights, newest first.

        If they lack the night's weekday (`lacking`), its newest night stands for the oldest of them.
        """
        last = self.profiles.trailing(run.model, run.score_date, TRAILING_NIGHTS)
        newest = lacking(run.score_date, [each.score_date for each in last], alike)
        if newest is None or len(last) < TRAILING_NIGHTS:
            return last
        return (*last[:-1], *self.profiles.trailing(run.model, newest + DAY, 1))

    def unlike(
        self, run: Run, counted: pl.DataFrame, compared: pl.DataFrame, past: Past
    ) -> tuple[Finding, ...]:
        """As `Unlike.findings`."""
        return Unlike(self.spec, self.readings).findings(run, counted, compared, past.nights, past.gaps)

    def gap_changes(self, run: Run, raw: RawStore, last: date) -> Mapping[str, str]:
        """Feature -> the days that it lacks tonight and did not lack last night, or the other way round.

        In words. Features without such a day are left out. last: the night before.
        """
        tables = self.spec.feature_tables
        then, now, found = as_of(self.spec, last), max(run.as_of, run.known_at), dict[str, str]()
        longest = max((table.lookback_days for table in tables), default=0)
        days = dates_between(then.date() - longest * DAY - BEFORE, days_near(run)[-1])
        sources = dict.fromkeys(name for table in tables for name in table.sources)
        recorded = {name: raw.recorded(name, days) for name in sources if self.spec.dataset(name).delivered}
        for table in tables:
            of_table = {name: recorded[name] for name in table.sources if name in recorded}
            if told := "; ".join(changes(of_table, table.lookback_days, then, now, last)):
                found |= dict.fromkeys(table.features, told)
        return found

    def held_days(self, run: Run, raw: RawStore) -> Mapping[str, Sequence[date]]:
        """Dataset -> its days that features would have at the night's as_of, if they were not held."""
        known, found = max(run.as_of, run.known_at), dict[str, Sequence[date]]()
        for source, (first, last) in days_of_features(self.spec, run.as_of).items():
            if held := self.held(source):
                lacking = held_days(held, raw.recorded(source), known)
                found[source] = [day for day in lacking if first <= day <= last]
        return found

    def _accepted(self, dataset: str, days: Sequence[date]) -> Mapping[date, datetime]:
        return accepted_since(self.held(dataset), days)

    def require_sound(
        self,
        run: Run,
        parts: Sequence[Part],
        receipts: Sequence[Receipt],
        scores: Distribution,
        *,
        sampled: pl.DataFrame,
        otherwise: Sequence[str],
        unlike: Sequence[Finding],
        past: Past,
        accepted: bool,
        held: Callable[[], Mapping[str, Sequence[date]]],
    ) -> tuple[str, ...]:
        """Keep the night's profile and its findings, and audit it.

        sampled: rows with their features. otherwise: those of them whose stored scores differ. unlike: what
        its inputs, its comparable nights and the challenger's scores say against it. held: gives the
        `held_days`.
        Raises AuditFailed. Nobody can accept a night without a score, or one whose counts do not add up.
        """
        tonight = profile_of(sampled, scores, self.spec)
        self.profiles.record(run, tonight)
        if (known := len(comparable(past.profiles))) < MIN_NIGHTS:
            log.info(
                "inputs_not_compared",
                model=run.model,
                score_date=str(run.score_date),
                trailing_nights=known,
                needed=MIN_NIGHTS,
            )
        found = audit(run, parts, receipts, scores, tonight, past.profiles, self.spec, otherwise, unlike)
        found = replace(found, odd=with_cause(found.odd, held, self._accepted))
        every = most_telling_first(found.every)
        self.readings.record_findings(run, every)
        if found.doubts:
            log.warning("night_doubted", findings=sentences(found.doubts))
        if found.broken or (found.odd and not accepted):
            told = foremost(found.holding)
            raise AuditFailed(
                run.model,
                run.score_date,
                [finding.named for finding in told],
                others=len(found.holding) - len(told),
                numbers=numbers_told(told),
                acceptable=not any(each.always_real for each in found.holding),
                corrects=run.revision > 1,
            )
        return sentences(every) if accepted else ()


def trained_otherwise(
    spec: ModelSpec,
    files: FeatureFiles,
    version: Version,
    read: Generations,
    recipes: Mapping[str, str],
) -> tuple[str, ...]:
    """What other code makes now than when a version was trained.

    It names feature tables, "the population" and "the outcomes".

    read: the generations to score with. recipes: as `RecipesOfModel` gives them. Nothing is known of a
    version from before these were kept.
    """
    trained: Generations = version.params.get(TRAINED_ON, {})
    kept = {table.name: files.generations(table) for table in spec.feature_tables}
    now = {table.name: read.get(table.name, FIRST) for table in spec.feature_tables}
    then = None if version.record is None else version.record.surroundings
    made = {} if then is None else {"population": then.population, "outcomes": then.outcomes}
    others = (f"the {name}" for name, recipe in recipes.items() if made.get(name) not in {None, recipe})
    return (*made_otherwise(trained, now, kept), *others)


def bad_feed(
    run: Run, raw: RawStore, stale: Iterable[FeatureTable], findings: Sequence[str]
) -> BadDelivery | None:
    """The error for a delivery set aside of a feed that a stale table is computed from.

    Only a delivery newer than all landed ones of the feed counts.
    """
    for source in dict.fromkeys(source for table in stale for source in table.sources):
        refusal = refused_after(raw.refused(source), raw.recorded(source), run.as_of)
        if refusal is not None:
            return refusal.wanted_by(run.model, run.score_date, "; ".join(findings), acceptable=True)
    return None
