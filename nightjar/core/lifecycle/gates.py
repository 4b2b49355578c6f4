"""What a version must prove on unseen dates before it may become champion. A number that is missing fails its gate."""

import math
from collections.abc import Mapping

from nightjar.core.model.entities import GateResult
from nightjar.core.model.spec import GateLimits


def judge(
    metrics: Mapping[str, float], baseline: Mapping[str, float], champion: Mapping[str, float] | None, limits: GateLimits
) -> tuple[GateResult, ...]:
    """Judge a candidate by its metrics, its baseline's and the reigning champion's, all measured on unseen rows.

    metrics: needs auc, ece, brier_skill; with a champion also `auc_beside_champion`, the candidate's AUC on the rows the champion was measured
    on (those it has not seen). baseline and champion: need auc. champion is None where nobody reigns; a champion that could not be
    measured is a mapping without auc, and fails.
    """
    gain = _difference(metrics.get("auc"), baseline.get("auc"))
    return (
        _at_least("min_auc", metrics.get("auc"), limits.min_auc, "AUC"),
        _at_most("max_ece", metrics.get("ece"), limits.max_ece, "expected calibration error"),
        _at_least("min_brier_skill", metrics.get("brier_skill"), limits.min_brier_skill, "Brier skill over the base rate trained on"),
        _at_least("min_auc_gain_over_baseline", gain, limits.min_auc_gain_over_baseline, "AUC gain over the baseline"),
        _against_champion(metrics, champion, limits.max_auc_loss_to_champion),
    )


def _against_champion(metrics: Mapping[str, float], champion: Mapping[str, float] | None, threshold: float) -> GateResult:
    name = "max_auc_loss_to_champion"
    if champion is None:
        return GateResult(name=name, passed=True, value=None, threshold=threshold, reason="there is no champion to compare with")
    loss = _difference(champion.get("auc"), metrics.get("auc_beside_champion"))
    return _at_most(name, loss, threshold, "AUC loss to the champion")


def _difference(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _at_least(name: str, value: float | None, threshold: float, what: str) -> GateResult:
    return _verdict(name, value, threshold, what, "at least", passed=value is not None and value >= threshold)


def _at_most(name: str, value: float | None, threshold: float, what: str) -> GateResult:
    return _verdict(name, value, threshold, what, "at most", passed=value is not None and value <= threshold)


def _verdict(name: str, value: float | None, threshold: float, what: str, bound: str, *, passed: bool) -> GateResult:
    if value is None or not math.isfinite(value):
        return GateResult(name=name, passed=False, value=None, threshold=threshold, reason=f"{what} could not be measured")
    return GateResult(name=name, passed=passed, value=value, threshold=threshold, reason=f"{what} is {value:.4f}, must be {bound} {threshold:.4f}")
