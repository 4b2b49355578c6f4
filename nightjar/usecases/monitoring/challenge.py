"""A challenge: what the nights say of a challenger, and what follows from it by the spec's policy."""

from dataclasses import dataclass

import structlog

from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, WITHDRAWN
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import Challenge, ModelSpec
from nightjar.core.monitoring.challenge import ShadowEvidence, Step, evidence_of, step_of, told
from nightjar.core.ports.outcomes import Outcomes
from nightjar.core.ports.registry import Registry

log = structlog.get_logger(__name__)

ALPHA = Challenge(promote="by hand").alpha
"""Of a model whose spec says nothing about challengers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A challenger beside the champion: what the nights say, and what follows. why: in words."""

    champion: Version
    challenger: Version
    evidence: ShadowEvidence
    step: Step
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeChallenger:
    """Judges the challenger of a model by its measured nights."""

    spec: ModelSpec
    registry: Registry
    outcomes: Outcomes

    def standing(self) -> Standing | None:
        """Return what is known now. None without a challenger. It changes nothing."""
        name, kind = self.spec.name, self.spec.kind
        champion, challenger = (self.registry.holder(name, role) for role in (CHAMPION, CHALLENGER))
        if champion is None or challenger is None:
            return None
        alpha = ALPHA if self.spec.challenge is None else self.spec.challenge.alpha
        metric, nights = kind.loss.metric, self.outcomes.comparisons(name)
        evidence = evidence_of(nights, metric, champion, challenger, alpha)
        return Standing(
            champion=champion,
            challenger=challenger,
            evidence=evidence,
            step=step_of(evidence, self.spec.challenge),
            why=told(evidence, kind.metric(metric).title),
        )

    def settle(self) -> Standing | None:
        """Do what follows. A challenge ends once, whoever else settles it at the same time.

        Return what was known, also if nothing followed.
        """
        found = self.standing()
        if found is None or found.step is Step.WAIT:
            return found
        if found.step is Step.ASK:
            log.warning("challenger_asks", version=found.challenger.number, why=found.why)
            return found
        ending = CHAMPION if found.step is Step.PROMOTE else WITHDRAWN
        ended = self.registry.end_challenge(found.challenger, found.champion, ending, found.why)
        if ended is not None:
            log.info("challenge_ended", version=found.challenger.number, role=ending, why=found.why)
        return found
