import math

import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.gates import judge
from nightjar.core.kinds.metrics import Of
from nightjar.core.model.spec import GateLimits

LIMITS = GateLimits(
    min_auc=0.6,
    max_ece=0.1,
    min_brier_skill=0.01,
    min_auc_gain_over_baseline=0.0,
    max_auc_loss_to_champion=0.01,
)
GOOD = {"auc": 0.7, "ece": 0.04, "brier_skill": 0.05}
NOBODY = None


def verdicts(version, baseline, champion, beside=0.7):
    measured = {Of.VERSION: version, Of.BASELINE: baseline}
    if champion is not NOBODY:
        measured |= {Of.CHAMPION: champion, Of.BESIDE_CHAMPION: {"auc": beside}}
    return judge(BINARY.gates, measured, LIMITS)


def failed(*measured, **beside):
    return {gate.name for gate in verdicts(*measured, **beside) if not gate.passed}


def test_a_good_version_passes_every_gate():
    assert failed(GOOD, {"auc": 0.69}, {"auc": 0.705}) == set()


def test_each_gate_fails_on_its_own_number():
    assert failed({**GOOD, "auc": 0.59}, {"auc": 0.5}, NOBODY) == {"min_auc"}
    assert failed({**GOOD, "ece": 0.2}, {"auc": 0.5}, NOBODY) == {"max_ece"}
    assert failed({**GOOD, "brier_skill": 0.0}, {"auc": 0.5}, NOBODY) == {"min_brier_skill"}
    assert failed(GOOD, {"auc": 0.71}, NOBODY) == {"min_auc_gain_over_baseline"}
    assert failed(GOOD, {"auc": 0.5}, {"auc": 0.72}) == {"max_auc_loss_to_champion"}


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("metric", ["auc", "ece", "brier_skill"])
def test_a_missing_or_unusable_metric_fails(metric, missing):
    found = [
        gate for gate in verdicts({**GOOD, metric: missing}, {"auc": 0.5}, {"auc": 0.7}) if not gate.passed
    ]
    assert found
    assert all("could not be measured" in gate.reason and gate.value is None for gate in found)


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_a_version_that_could_not_be_measured_beside_the_champion_fails(missing):
    assert failed(GOOD, {"auc": 0.5}, {"auc": 0.7}, beside=missing) == {"max_auc_loss_to_champion"}


def test_a_missing_baseline_fails():
    assert failed(GOOD, {}, NOBODY) == {"min_auc_gain_over_baseline"}


def test_a_champion_that_could_not_be_measured_fails_the_comparison():
    assert failed(GOOD, {"auc": 0.5}, {}) == {"max_auc_loss_to_champion"}


def test_without_a_champion_there_is_nothing_to_lose_to():
    gate = verdicts(GOOD, {"auc": 0.5}, NOBODY)[-1]
    assert (gate.name, gate.passed, gate.reason) == (
        "max_auc_loss_to_champion",
        True,
        "there is no champion to compare with",
    )


def test_reasons_tell_the_value_and_the_threshold():
    gate = verdicts({**GOOD, "auc": 0.5812}, {"auc": 0.5}, NOBODY)[0]
    assert gate.reason == "AUC is 0.5812, must be at least 0.6000"
