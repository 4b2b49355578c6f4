"""What each of two versions did on the rows that it served, over the nights."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from nightjar.core.kinds.metrics import Metric
from nightjar.core.lifecycle.sequential import Numbers, confidence_sequence
from nightjar.core.model.entities import Version
from nightjar.core.monitoring.challenge import counts
from nightjar.core.monitoring.entities import Basis, NightComparison


@dataclass(frozen=True, slots=True)
class MeanOfNights:
    """The mean of a metric over nights, each of the same weight, and its interval. NaN from one night."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmMetric:
    """A metric by arm.

    champion, challenger: over the nights, with the interval of Student's t for one look. gain: the mean of
    the champion's number minus the challenger's, with its confidence sequence, which holds for every look.
    """

    metric: Metric
    nights: int
    champion: MeanOfNights
    challenger: MeanOfNights
    gain: MeanOfNights


def by_arm(
    comparisons: Iterable[NightComparison],
    metrics: Sequence[Metric],
    champion: Version,
    challenger: Version,
    alpha: float,
) -> Iterator[ArmMetric]:
    """Compare two versions on the rows that each served. A metric without a night is left out.

    comparisons: in the order in which they were known; the newest one of a night counts. Nights that either
    version may have seen do not count. alpha: the probability that an interval misses, on each side.
    """
    on_arms = [each for each in comparisons if each.basis is Basis.ARMS]
    for metric in metrics:
        known = (each for each in on_arms if counts(each, metric.name, champion, challenger))
        newest = {each.score_date: each for each in known}.values()
        if newest:
            first = np.array([night.champion[metric.name] for night in newest], np.float64)
            second = np.array([night.challenger[metric.name] for night in newest], np.float64)
            yield ArmMetric(
                metric=metric,
                nights=first.size,
                champion=_of_nights(first, alpha),
                challenger=_of_nights(second, alpha),
                gain=MeanOfNights(
                    float((first - second).mean()), *confidence_sequence(first - second, alpha)
                ),
            )


def _of_nights(values: Numbers, alpha: float) -> MeanOfNights:
    mean = float(values.mean())
    if values.size == 1:
        return MeanOfNights(mean, math.nan, math.nan)
    from scipy.stats import t  # noqa: PLC0415  # most commands compare no arms

    reach = float(t.ppf(1 - alpha, values.size - 1) * values.std(ddof=1) / math.sqrt(values.size))
    return MeanOfNights(mean, mean - reach, mean + reach)
