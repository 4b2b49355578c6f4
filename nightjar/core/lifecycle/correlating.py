"""Do the metrics by which versions are judged foretell those of the nights that they score?

Each version of a walk was judged on unseen nights, and scored later nights. Over the versions both metrics
rise and fall together if the one foretells the other. The gap says by how much the nights were other than
the version was judged. Some of it is no fault of a version: later nights are harder or easier than those that
judged it.
"""

import math
from collections.abc import Sequence

import numpy as np

from nightjar.core.kinds.metrics import Metric, Metrics
from nightjar.core.values import Value

LEAST_VERSIONS = 4
"""With fewer versions the interval of a correlation has no meaning."""
REACH = 1.959964
"""Standard errors of a 95% interval."""


class Judged(Value):
    """A version. offline: the metrics by which it was judged. online: those of the nights that it scored."""

    offline: Metrics
    online: Metrics


class Correlation(Value):
    """A metric of so many versions, offline and online.

    correlation: Pearson's; None where it is not defined. low, high: its 95% interval by Fisher's
    transformation, which takes versions for independent. gap, spread: mean of online less offline, and the
    standard deviation of this difference.
    """

    metric: str
    versions: int
    offline: float
    online: float
    correlation: float | None
    low: float | None
    high: float | None
    gap: float
    spread: float


def correlations(metrics: Sequence[Metric], versions: Sequence[Judged]) -> tuple[Correlation, ...]:
    """Of each metric that some versions have both offline and online."""
    pairs = {
        metric.name: [
            (offline, online)
            for one in versions
            if (offline := one.offline.get(metric.name)) is not None
            and (online := one.online.get(metric.name)) is not None
        ]
        for metric in metrics
    }
    return tuple(correlation_of(name, both) for name, both in pairs.items() if both)


def correlation_of(metric: str, pairs: Sequence[tuple[float, float]]) -> Correlation:
    """pairs: offline and online of each version, at least one."""
    offline, online = np.array(pairs, dtype=float).T
    found = _pearson(offline, online)
    low, high = _interval(found, len(pairs))
    return Correlation(
        metric=metric,
        versions=len(pairs),
        offline=float(offline.mean()),
        online=float(online.mean()),
        correlation=found,
        low=low,
        high=high,
        gap=float((online - offline).mean()),
        spread=float((online - offline).std()),
    )


def _pearson(offline: np.ndarray, online: np.ndarray) -> float | None:
    if len(offline) < 2 or not offline.std() or not online.std():
        return None
    return float(np.clip(np.corrcoef(offline, online)[0, 1], -1, 1))


def _interval(found: float | None, versions: int) -> tuple[float | None, float | None]:
    if found is None or versions < LEAST_VERSIONS or abs(found) == 1:
        return None, None
    middle, reach = math.atanh(found), REACH / math.sqrt(versions - 3)
    return math.tanh(middle - reach), math.tanh(middle + reach)
