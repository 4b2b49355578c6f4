import math

import pytest

from nightjar.core.lifecycle.gates import judge
from nightjar.core.model.spec import GateLimits

LIMITS = GateLimits(min_auc=0.6, max_ece=0.1, min_brier_skill=0.01, min_auc_gain_over_baseline=0.0, max_auc_loss_to_champion=0.01)
GOOD = {"auc": 0.7, "ece": 0.04, "brier_skill": 0.05, "auc_beside_champion": 0.7}


def failed(metrics, baseline, champion):
    return {gate.name for gate in judge(metrics, baseline, champion, LIMITS) if not gate.passed}


def test_a_good_version_passes_every_gate():
    assert failed(GOOD, {"auc": 0.69}, {"auc": 0.705}) == set()


def test_each_gate_fails_on_its_own_number():
    assert failed({**GOOD, "auc": 0.59}, {"auc": 0.5}, None) == {"min_auc"}
    assert failed({**GOOD, "ece": 0.2}, {"auc": 0.5}, None) == {"max_ece"}
    assert failed({**GOOD, "brier_skill": 0.0}, {"auc": 0.5}, None) == {"min_brier_skill"}
    assert failed(GOOD, {"auc": 0.71}, None) == {"min_auc_gain_over_baseline"}
    assert failed(GOOD, {"auc": 0.5}, {"auc": 0.72}) == {"max_auc_loss_to_champion"}


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["auc", "ece", "brier_skill", "auc_beside_champion"])
def test_a_missing_or_unusable_metric_fails(metric, missing):
    metrics = {name: value for name, value in GOOD.items() if name != metric}
    if missing is not None:
        metrics[metric] = missing
    names = failed(metrics, {"auc": 0.5}, {"auc": 0.7})
    assert names
    reasons = [gate.reason for gate in judge(metrics, {"auc": 0.5}, {"auc": 0.7}, LIMITS) if not gate.passed]
    assert all("could not be measured" in reason for reason in reasons)


def test_a_missing_baseline_fails():
    assert failed(GOOD, {}, None) == {"min_auc_gain_over_baseline"}


def test_a_champion_that_could_not_be_measured_fails_the_comparison():
    assert failed(GOOD, {"auc": 0.5}, {}) == {"max_auc_loss_to_champion"}


def test_reasons_tell_the_value_and_the_threshold():
    gate = judge({**GOOD, "auc": 0.5812}, {"auc": 0.5}, None, LIMITS)[0]
    assert gate.reason == "AUC is 0.5812, must be at least 0.6000"
