"""Metrics: how a kind describes them, and what was measured, as rows of (metric, of, value)."""

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
    low, high: its bounds. nightly: whether published nights are measured by it, and not versions alone.
    skill_of: for a skill, the metric that it is made of: 1 - (version's value / constant predictor's value).
    """

    name: str
    title: str
    better: Literal["higher", "lower"] | None = None
    low: float = -inf
    high: float = inf
    nightly: bool = True
    skill_of: str | None = None


class Of(StrEnum):
    """Whose predictions were measured: on the same unseen rows, except where this says otherwise."""

    VERSION = "version"
    BASELINE = "baseline"
    CONSTANT = "constant"
    """A predictor that gives every row the same score: the best one by the outcomes trained on."""
    CHAMPION = "champion"
    """The reigning champion, on those of the unseen rows that it has not seen either."""
    BESIDE_CHAMPION = "version beside champion"
    """The version, on the rows that the champion was measured on."""


class MetricRow(Value):
    """One measured number."""

    metric: str
    of: Of
    value: float


Metrics = Mapping[str, float | None]
"""Metric -> its value; None where it is not defined on the rows that were measured."""

Measured = Mapping[Of, Metrics]
"""Metrics by whose they are.

Without an entry for the champion nobody reigns. With an empty one the champion could not be measured.
"""

PREFIXES = {Of.BASELINE: "baseline_", Of.CONSTANT: "constant_", Of.CHAMPION: "champion_"}
BESIDE = "_beside_champion"
"""How older versions say whose a metric is, in its name."""


def as_rows(measured: Measured) -> tuple[MetricRow, ...]:
    """The metrics that are defined."""
    defined = (
        (metric, of, value)
        for of, metrics in measured.items()
        for metric, value in metrics.items()
        if value is not None
    )
    return tuple(MetricRow(metric=metric, of=of, value=value) for metric, of, value in defined)


def value_of(rows: Iterable[MetricRow], metric: str, of: Of = Of.VERSION) -> float | None:
    return next((row.value for row in rows if (row.metric, row.of) == (metric, of)), None)


def read_rows(stored: object) -> object:
    """Metrics as they are stored. Older versions have one mapping with prefixed names: its items, as rows."""
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
