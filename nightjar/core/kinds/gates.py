"""A version must pass its gates on unseen dates before it may become champion.

A gate is a pure decision on what was measured. It says what it cannot tell, and what only a person may
decide.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from nightjar.core.kinds.estimates import MOST_NIGHTS, Estimate
from nightjar.core.kinds.limits import Limit
from nightjar.core.kinds.metrics import Metric
from nightjar.core.values import Value


class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    CANNOT_TELL = "cannot tell"
    """The nights are too few for either."""
    ASKS = "asks a person"
    """It is too good to be true."""


class GateResult(Value):
    """A gate's verdict on one version: the measured `value`, the `threshold`, and the reason in words.

    low, high: the value's interval, where that is known. nights: on how many nights it was measured. beside:
    number of the version that it was compared with, if it was.
    """

    name: str
    passed: bool = False
    value: float | None
    threshold: float | None
    reason: str
    verdict: Verdict = Verdict.FAILED
    low: float | None = None
    high: float | None = None
    nights: int | None = None
    beside: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_verdict(cls, given: Any) -> Any:
        """Results of older versions say only whether they passed. New ones are given the verdict alone."""
        if not isinstance(given, Mapping):
            return given
        stored = cast("Mapping[str, Any]", given)
        if "verdict" in stored:
            return {"passed": stored["verdict"] == Verdict.PASSED, **stored}
        return {"verdict": Verdict.PASSED if stored.get("passed") else Verdict.FAILED, **stored}


def told_of(
    name: str,
    found: Estimate,
    limit: float,
    reason: str,
    verdict: Verdict,
    alpha: float,
    beside: int | None = None,
) -> GateResult:
    """A verdict on an estimate, with its interval where it has one."""
    low, high = (None, None) if found.error is None else found.within(alpha)
    return GateResult(
        name=name,
        value=found.value,
        threshold=limit,
        reason=reason,
        verdict=verdict,
        low=low,
        high=high,
        nights=found.nights,
        beside=beside,
    )


def untold(
    name: str,
    limit: float,
    reason: str,
    verdict: Verdict = Verdict.CANNOT_TELL,
    beside: int | None = None,
) -> GateResult:
    """A verdict on what was not measured."""
    return GateResult(name=name, value=None, threshold=limit, reason=reason, verdict=verdict, beside=beside)


class Certainty(Value):
    """How sure a gate must be.

    alpha: the probability with which a gate passes a version whose true value lies on its limit, and the
    probability with which it fails one. power: the probability with which the further nights that a gate asks
    for would tell.
    """

    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    power: Annotated[float, Field(gt=0.5, lt=1)] = 0.8


Bound = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What an estimate must keep: it is at least, or at most, a limit.

    what: its name for people. fails: the value from which on it fails once it is surely on the wrong side of
    it, even if it may still keep the limit. Between the two only more nights can tell. enough: why it passes
    there, if it has an interval; empty: it does not.
    """

    name: str
    what: str
    bound: Bound
    limit: float
    fails: float
    beside: int | None = None
    enough: str = ""

    def judge(self, found: Estimate | None, certainty: Certainty) -> GateResult:
        """The verdict on an estimate. None: it could not be measured."""
        if found is None:
            return self.untold(f"{self.what} could not be measured")
        low, high = found.within(certainty.alpha)
        verdict = self._verdict(low, high)
        told = f"{self.what} is {found.value:.4f}{_interval_told(found, certainty)}"
        must = f"must be {self.bound} {self.limit:.4f}"
        more = ""
        if verdict is Verdict.CANNOT_TELL and self.enough and found.error is not None:
            verdict, more = Verdict.PASSED, f"; {self.enough}"
        elif verdict is Verdict.CANNOT_TELL:
            more = f"; {self._lacking_told(found, certainty)}"
        reason = f"{told}, {must}{more}"
        return told_of(self.name, found, self.limit, reason, verdict, certainty.alpha, self.beside)

    def untold(self, reason: str, verdict: Verdict = Verdict.CANNOT_TELL) -> GateResult:
        """A verdict on what was not measured."""
        return untold(self.name, self.limit, reason, verdict, self.beside)

    def _verdict(self, low: float, high: float) -> Verdict:
        if self.bound == "at least":
            return self._verdict_on(-high, -low, -self.limit, -self.fails)
        return self._verdict_on(low, high, self.limit, self.fails)

    def _verdict_on(self, low: float, high: float, limit: float, fails: float) -> Verdict:
        if high <= limit:
            return Verdict.PASSED
        return Verdict.FAILED if low > fails else Verdict.CANNOT_TELL

    def _lacking_told(self, found: Estimate, certainty: Certainty) -> str:
        nearest = min((self.limit, self.fails), key=lambda edge: -abs(found.value - edge))
        lacking = found.nights_lacking(nearest, certainty.alpha, certainty.power)
        return f"needs {lacking:,} more nights" if lacking else f"needs more than {MOST_NIGHTS:,} more nights"


def _interval_told(found: Estimate, certainty: Certainty) -> str:
    if found.error is None:
        return f" on {found.nights} nights, which give no interval"
    low, high = found.within(certainty.alpha)
    return f" ({low:.4f} to {high:.4f}, {1 - 2 * certainty.alpha:.0%} of {found.nights} nights)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate bounds a metric of a version by the limit of its name.

    what: the number's name for people.
    """

    name: str
    what: str
    metric: str
    bound: Bound

    def limit(self, metric: Metric) -> Limit:
        """Return the limit that a spec sets for it. It may be any number that the gate's value can be."""
        return Limit(name=self.name, low=metric.low, high=metric.high)

    def judge(self, measured: Mapping[str, Estimate], limit: float, certainty: Certainty) -> GateResult:
        wanted = Requirement(name=self.name, what=self.what, bound=self.bound, limit=limit, fails=limit)
        return wanted.judge(measured.get(self.metric), certainty)


def judge(
    gates: Iterable[Gate],
    measured: Mapping[str, Estimate],
    limits: Mapping[str, float],
    certainty: Certainty,
) -> tuple[GateResult, ...]:
    """Return the verdict of each gate on the metrics that were measured on unseen rows."""
    return tuple(gate.judge(measured, limits[gate.name], certainty) for gate in gates)
