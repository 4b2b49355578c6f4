"""The metrics of a version when it was judged, beside those of the nights that it scored."""

import numpy as np
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.lifecycle.correlating import Judged, correlation_of, correlations


def versions(count, noise, seed=0):
    random = np.random.default_rng(seed)
    level = random.normal(0.7, 0.05, count)
    return [(float(one), float(one - 0.02 + random.normal(0, noise))) for one in level]


def test_metrics_that_rise_together_correlate_and_the_gap_is_told():
    found = correlation_of("auc", versions(20, 0.005))
    assert found.correlation > 0.95
    assert found.low > 0.8
    assert found.gap == pytest.approx(-0.02, abs=0.004)
    assert found.spread == pytest.approx(0.005, abs=0.002)


def test_metrics_that_have_nothing_in_common_have_an_interval_around_0():
    pairs = versions(20, 0.005)
    shuffled = [(one, other) for (one, _), (_, other) in zip(pairs, pairs[7:] + pairs[:7], strict=True)]
    found = correlation_of("auc", shuffled)
    assert found.low < 0 < found.high


def test_the_interval_holds_the_truth_as_often_as_it_says():
    random, held = np.random.default_rng(1), 0
    for _ in range(400):
        both = random.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 13)
        found = correlation_of("auc", [tuple(map(float, pair)) for pair in both])
        held += found.low < 0.6 < found.high
    assert 0.92 < held / 400 < 0.98


def test_few_versions_have_no_interval_and_equal_ones_no_correlation():
    assert correlation_of("auc", versions(3, 0.01)).low is None
    assert correlation_of("auc", versions(3, 0.01)).correlation is not None
    alike = correlation_of("auc", [(0.7, 0.6), (0.7, 0.7)])
    assert (alike.correlation, alike.gap) == (None, pytest.approx(-0.05))


def test_a_metric_that_a_version_lacks_is_counted_without_it():
    given = [Judged(offline={"auc": 0.7, "brier": 0.2}, online={"brier": 0.3})] * 2
    assert [(one.metric, one.versions) for one in correlations(BINARY.judging, given)] == [("brier", 2)]
    assert correlations(BINARY.judging, []) == ()
