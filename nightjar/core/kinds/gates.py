"""A version must pass its gates on unseen dates before it may become champion.

A gate fails if its number is missing.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from nightjar.core.kinds.limits import Limit
from nightjar.core.kinds.metrics import Measured, Metric, Of
from nightjar.core.values import Value


class GateResult(Value):
    """A gate's verdict on one version: the measured `value`, the `threshold`, and the reason in words."""

    name: str
    passed: bool
    value: float | None
    threshold: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A gate bounds a metric, or its difference or ratio between two predictors, by the limit of its name.

    what: the number's name for people. minus: the predictor whose metric is subtracted. over: the predictor
    whose metric is the divisor. A gate has at most one of minus and over.
    """

    name: str
    what: str
    metric: str
    bound: Literal["at least", "at most"]
    of: Of = Of.VERSION
    minus: Of | None = None
    over: Of | None = None

    def limit(self, metric: Metric) -> Limit:
        """Return the limit that a spec sets for it. It may be any number that the gate's value can be."""
        if self.over is not None:
            return Limit(name=self.name, low=0, high=math.inf)
        reach = metric.high - metric.low
        low, high = (metric.low, metric.high) if self.minus is None else (-reach, reach)
        return Limit(name=self.name, low=low, high=high)

    def value(self, measured: Measured) -> float | None:
        """Return the gate's value. It is None if a metric was not measured or the value is not finite."""
        value = measured.get(self.of, {}).get(self.metric)
        taken_off = 0.0 if self.minus is None else measured.get(self.minus, {}).get(self.metric)
        divisor = 1.0 if self.over is None else measured.get(self.over, {}).get(self.metric)
        if value is None or taken_off is None or not divisor:
            return None
        found = (value - taken_off) / divisor
        return found if math.isfinite(found) else None

    def judge(self, measured: Measured, threshold: float) -> GateResult:
        if Of.CHAMPION in (self.of, self.over) and Of.CHAMPION not in measured:
            return self._verdict(None, threshold, "there is no champion to compare with", passed=True)
        value = self.value(measured)
        if value is None:
            return self._verdict(None, threshold, f"{self.what} could not be measured", passed=False)
        return self.held(value, threshold)

    def held(self, value: float, threshold: float) -> GateResult:
        """Return the verdict on a value that was measured."""
        kept = value >= threshold if self.bound == "at least" else value <= threshold
        return self._verdict(
            value, threshold, f"{self.what} is {value:.4f}, must be {self.bound} {threshold:.4f}", passed=kept
        )

    def _verdict(self, value: float | None, threshold: float, reason: str, *, passed: bool) -> GateResult:
        return GateResult(name=self.name, passed=passed, value=value, threshold=threshold, reason=reason)


def judge(gates: Iterable[Gate], measured: Measured, limits: Mapping[str, float]) -> tuple[GateResult, ...]:
    """Return the verdict of each gate on the metrics that were measured on unseen rows."""
    return tuple(gate.judge(measured, limits[gate.name]) for gate in gates)


def judged_again(
    gates: Iterable[Gate], results: Iterable[GateResult], limits: Mapping[str, float]
) -> tuple[GateResult, ...]:
    """Return the verdicts by other limits on the values of `results`. A result without a value stays."""
    known = {gate.name: gate for gate in gates if gate.name in limits}
    return tuple(
        result
        if result.value is None or result.name not in known
        else known[result.name].held(result.value, limits[result.name])
        for result in results
    )
