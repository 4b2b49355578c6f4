"""How uncertain a metric is: the jackknife over score dates.

The rows of a date share their weather and their weekday, so dates are left out whole: each date once. A
bootstrap over dates resamples hundreds of times what this computes once a date, and with few dates its
percentiles are too narrow; the t distribution allows for few dates (Efron and Tibshirani 1993, An
Introduction to the Bootstrap, chapter 11; Cameron, Gelbach and Miller 2008, Review of Economics and
Statistics 90).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from statistics import fmean

from nightjar.core.kinds.estimates import LEAST_NIGHTS, Estimate
from nightjar.core.kinds.metrics import Metrics


def estimates_of(
    names: Iterable[str], measured: Metrics, without_each: Sequence[Metrics]
) -> Mapping[str, Estimate]:
    """Those metrics that are defined on all dates, each with its error.

    without_each: measured without each of the dates, or each block of them.
    """
    return {
        name: jackknife(value, [left[name] for left in without_each])
        for name in names
        if (value := measured[name]) is not None
    }


def jackknife(value: float, without_each: Sequence[float | None]) -> Estimate:
    """A metric with its error. The error is None where the metric is not defined without one of the dates.

    value: of all dates. without_each: of all dates but one, for each date; None where it is not defined.
    """
    defined = [other for other in without_each if other is not None]
    dates = len(without_each)
    if dates < LEAST_NIGHTS or len(defined) < dates:
        return Estimate(value=value, nights=dates)
    mean = fmean(defined)
    error = sqrt((dates - 1) / dates * sum((other - mean) ** 2 for other in defined))
    return Estimate(value=value, nights=dates, error=error, degrees=dates - 1)
