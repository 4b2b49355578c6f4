"""A kind describes its metrics. Measured metrics are rows of (metric, of, value)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import Literal, cast

from nightjar.core.values import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A number that compares scores with outcomes.

    title: its name for people. better: which values are better; None for a number that describes the rows.
    low, high: its bounds. nightly: True if published nights are measured by it too, not only versions.
    skill_of: for a skill, its underlying metric. The skill is
    1 - (version's value / constant predictor's value).
    """

    name: str
    title: str
    better: Literal["higher", "lower"] | None = None
    low: float = -inf
    high: float = inf
    nightly: bool = True
    skill_of: str | None = None

    def within(self, low: float, high: float) -> tuple[float, float]:
        """An interval, cut at the bounds of the metric."""
        return max(low, self.low), min(high, self.high)


class Of(StrEnum):
    """The predictor that was measured: on the same unseen rows, unless a member says otherwise."""

    VERSION = "version"
    BASELINE = "baseline"
    CONSTANT = "constant"
    """A predictor that gives every row the same score, the best one for the training outcomes."""
    CHAMPION = "champion"
    """The current champion, on those unseen rows that it has not seen either."""
    ANCHOR = "anchor"
    """The best version of the past, on the rows on which the champion was measured."""
    BESIDE_CHAMPION = "version beside champion"
    """The version, on the rows on which the champion was measured."""


class MetricRow(Value):
    """One measured number. low, high: its interval at 95% confidence, where that is known."""

    metric: str
    of: Of
    value: float
    low: float | None = None
    high: float | None = None


Metrics = Mapping[str, float | None]
"""Metric -> its value. None if the metric is not defined on the measured rows."""

Intervals = Mapping[str, tuple[float, float]]
"""Metric -> least and greatest value that it may have with other dates, where that is known."""

Measured = Mapping[Of, Metrics]
"""Metrics by predictor.

If there is no entry for the champion, there is no champion. If its entry is empty, it could not be measured.
"""

PREFIXES = {Of.BASELINE: "baseline_", Of.CONSTANT: "constant_", Of.CHAMPION: "champion_"}
BESIDE = "_beside_champion"
"""Older versions end a metric's name with this for BESIDE_CHAMPION."""


def as_rows(measured: Measured, of_version: Intervals | None = None) -> tuple[MetricRow, ...]:
    """Return the metrics that are defined, as rows. of_version: intervals of the version's own."""
    known = {(metric, Of.VERSION): bounds for metric, bounds in (of_version or {}).items()}
    defined = (
        (metric, of, value)
        for of, metrics in measured.items()
        for metric, value in metrics.items()
        if value is not None
    )
    return tuple(
        MetricRow(metric=metric, of=of, value=value, low=low, high=high)
        for metric, of, value in defined
        for low, high in [known.get((metric, of), (None, None))]
    )


def value_of(rows: Iterable[MetricRow], metric: str, of: Of = Of.VERSION) -> float | None:
    return next((row.value for row in rows if (row.metric, row.of) == (metric, of)), None)


def read_rows(stored: object) -> object:
    """Return stored metrics as rows. Older versions stored one mapping with prefixed names."""
    if not isinstance(stored, Mapping):
        return stored
    items = cast("Mapping[str, float]", stored)
    return tuple(
        MetricRow(metric=name, of=of, value=value)
        for key, value in items.items()
        for name, of in [_read_name(key)]
    )


def _read_name(key: str) -> tuple[str, Of]:
    if key.endswith(BESIDE):
        return key.removesuffix(BESIDE), Of.BESIDE_CHAMPION
    named = next((of for of, prefix in PREFIXES.items() if key.startswith(prefix)), Of.VERSION)
    return key.removeprefix(PREFIXES.get(named, "")), named
