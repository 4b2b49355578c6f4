"""Show analysts another version's scores of a published night, as a new revision of it.

If that version scored the night in shadow, its stored scores are taken, and no row is scored again.
"""

from dataclasses import dataclass
from datetime import date

from nightjar.core.errors.night import ClaimLost, NotPublished
from nightjar.core.model.entities import Version
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import NightSummary, PartJob, Receipt, Run
from nightjar.core.night.repair import in_exchange, without_arms
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightStore
from nightjar.core.ports.stages import Meter, unmetered
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.scorers import Scorers
from nightjar.usecases.scoring.snapshot import part_of


@dataclass(frozen=True, slots=True)
class Switched:
    """The night as analysts see it now. from_shadow: True if its rows were not scored again."""

    summary: NightSummary
    from_shadow: bool


@dataclass(frozen=True, slots=True)
class ExchangePart:
    """Carries out part jobs of a run that takes the shadow scores of its base. Idempotent.

    Champion and challenger change places, unless the champion serves all rows now in place of a share. Each
    row keeps both scores. Rows set aside stay so.
    """

    store: NightStore
    go_on: GoOn = unasked
    meter: Meter = unmetered

    def __call__(self, job: PartJob) -> Receipt:
        """Raises Stopped, StoreUnavailable, and ClaimLost if another attempt has the run."""
        self.go_on()
        run = self.store.run(job.run_id)
        if run.claim != job.claim or run.base_id is None:
            raise ClaimLost(run.model, run.score_date, run.id)
        part, base = part_of(run, job.part), self.store.run(run.base_id)
        scores, aside = self.store.stored_part(base, part)
        taken = without_arms if run.version_id == base.version_id else in_exchange
        with self.meter(run, part.number) as stages:
            return self.store.write_part(run, part, taken(scores), aside, stages)


@dataclass(frozen=True, slots=True)
class SwitchNight:
    """The use case. scoring: scores the night again. exchanging: does its parts by `ExchangePart` instead."""

    scoring: ScoreNight
    exchanging: ScoreNight

    def run(
        self,
        score_date: date,
        to: Version,
        reason: str,
        *,
        accept: str | None = None,
        wait_s: float = 0,
    ) -> Switched:
        """Publish a night's scores by a version. If analysts see these of every row now, nothing changes.

        The rows and what is known of them are those of the run that analysts see.
        Safe to run again at any time: what was stopped is begun anew, and the scores are published once.
        Raises NotPublished, and what `ScoreNight.run` raises.
        """
        while True:  # ends if no other process changed the night between reading its state and the claim
            base = self._shown(score_date)
            shadow = self.has_shadow(base, to)
            scoring = self.exchanging if shadow else self.scoring
            summary = scoring.run(
                night_of(self.scoring.inputs.spec, score_date),
                choose=lambda *_, base=base, shadow=shadow: self._scorers(base, to, reason, shadow=shadow),
                instead_of=None if _serves_all(base, to) else base.id,
                accept=accept,
                wait_s=wait_s,
            )
            if not summary.already_published or summary.run_id == base.id:
                return Switched(summary, shadow)

    def has_shadow(self, base: Run, to: Version) -> bool:
        """True if a run holds a score by the version for each row that it scored."""
        if base.version_id == to.id:
            return True
        if base.challenger_id != to.id:
            return False
        held = self.scoring.store.distribution(base)
        return held.rows > 0 and held.shadowed == held.rows

    def _shown(self, score_date: date) -> Run:
        model = self.scoring.inputs.spec.name
        shown = self.scoring.store.publication(model, score_date)
        if shown is None:
            raise NotPublished(model, score_date)
        return self.scoring.store.run(shown.run_id)

    def _scorers(self, base: Run, to: Version, reason: str, *, shadow: bool) -> Scorers:
        """The version, and in shadow the one that it takes the place of."""
        other = base.challenger_id if base.version_id == to.id else base.version_id
        assert other is not None, "a run that does not serve all rows by one version has two"
        before = self.scoring.inputs.registry.version_by_id(other)
        how = f"the shadow scores of run {base.id}" if shadow else f"the rows of run {base.id} again"
        told = f"rolled back from version {before.number} to version {to.number}, {how}: {reason}"
        return Scorers(champion=to, challenger=before, named=True, reason=told)


def _serves_all(run: Run, version: Version) -> bool:
    """True if each row of a run is served by the version."""
    return run.version_id == version.id and run.challenger_share == 0
