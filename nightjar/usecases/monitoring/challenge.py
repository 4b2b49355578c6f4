"""A challenge: what the nights say of a challenger, and what follows from it by the spec's policy."""

from dataclasses import dataclass

import structlog

from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.promotion import failures_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, WITHDRAWN, Ending
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import Challenge, ModelSpec
from nightjar.core.monitoring.challenge import (
    Serving,
    ShadowEvidence,
    Step,
    evidence_of,
    held_to_gates,
    next_share,
    nights_at,
    step_of,
    told,
)
from nightjar.core.monitoring.entities import Basis, NightComparison
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.registry import Registry

log = structlog.get_logger(__name__)

STANDARD = Challenge(promote="by hand")
"""Of a model whose spec says nothing about challengers."""
RUNBOOK = "runbooks/canary-stopped.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A challenger beside the champion: what the nights say, and what follows.

    nights: all that was measured of both. next_share: of the next stage, if there is one. why: in words.
    """

    champion: Version
    challenger: Version
    nights: tuple[NightComparison, ...]
    evidence: ShadowEvidence
    serving: Serving
    step: Step
    next_share: float | None
    why: str

    @property
    def failed_gates(self) -> bool:
        """True of a version that a person made challenger although it failed gates."""
        return bool(failures_of(self.challenger))


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChallenger:
    """Judges the challenger of a model by its measured nights."""

    spec: ModelSpec
    registry: Registry
    outcomes: Outcomes

    @property
    def policy(self) -> Challenge:
        return self.spec.challenge or STANDARD

    def standing(self) -> Standing | None:
        """Return what is known now. None without a challenger. It changes nothing."""
        name = self.spec.name
        champion, challenger = (self.registry.holder(name, role) for role in (CHAMPION, CHALLENGER))
        if champion is None or challenger is None:
            return None
        share = share_of(self.registry.promotions(name))
        return self._of(champion, challenger, share, self.outcomes.comparisons(name))

    def _of(
        self, champion: Version, challenger: Version, share: float, nights: tuple[NightComparison, ...]
    ) -> Standing:
        challenge, policy, metric = self.spec.challenge, self.policy, self.spec.kind.loss.metric
        basis = Basis(policy.compare) if share > 0 else Basis.ROWS
        of_basis = [each for each in nights if each.basis is basis]
        on_rows = [each for each in nights if each.basis is Basis.ROWS]
        both = (metric, champion, challenger)
        evidence = evidence_of(of_basis, *both, policy.alpha)
        serving = Serving(
            share=share,
            nights=nights_at(share, on_rows, *both),
            evidence=evidence_of(of_basis, *both, policy.alpha, served=True),
        )
        shown = serving.evidence if share > 0 else evidence
        return Standing(
            champion=champion,
            challenger=challenger,
            nights=nights,
            evidence=evidence,
            serving=serving,
            step=held_to_gates(challenger, step_of(evidence, serving, challenge)),
            next_share=next_share(share, challenge),
            why=told(shown, self.spec.kind.metric(metric).title, share),
        )

    def settle(self) -> Standing | None:
        """Do what follows. A step is done once, whoever else settles it at the same time.

        Return what was known, also if nothing followed.
        """
        found = self.standing()
        if found is not None:
            self._carry_out(found)
        return found

    def _carry_out(self, found: Standing) -> None:
        match found.step:
            case Step.WAIT:
                return
            case Step.ASK:
                log.warning("challenger_asks", version=found.challenger.number, why=found.why)
            case Step.SERVE:
                self._serve(found, found.next_share or 0)
            case Step.STOP:
                self._serve(found, 0)
            case Step.PROMOTE:
                self._end(found, CHAMPION)
            case Step.WITHDRAW:
                self._end(found, WITHDRAWN)

    def _serve(self, found: Standing, share: float) -> None:
        before = found.serving.share
        why = f"serves {share:.3g} of the entities after {before:.3g}: {found.why}"
        done = self.registry.set_share(found.challenger, found.champion, share, why, instead_of=before)
        if done is not None and share > before:
            log.info("challenger_serves", version=found.challenger.number, share=share, why=found.why)
        elif done is not None:
            self._tell_of_stop(found)

    def _end(self, found: Standing, ending: Ending) -> None:
        if self.registry.end_challenge(found.challenger, found.champion, ending, found.why) is None:
            return
        if found.serving.share > 0 and ending == WITHDRAWN:
            self._tell_of_stop(found)
        log.info("challenge_ended", version=found.challenger.number, role=ending, why=found.why)

    def _tell_of_stop(self, found: Standing) -> None:
        told_of = {"version": found.challenger.number, "share": found.serving.share, "why": found.why}
        log.error("canary_stopped", **told_of, runbook=RUNBOOK)
