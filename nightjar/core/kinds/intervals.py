"""How uncertain a metric is: an interval by the jackknife over score dates.

The rows of a date share their weather and their weekday, so dates are left out whole: each date once. A
bootstrap over dates resamples hundreds of times what this computes once a date, and with few dates its
percentiles are too narrow; the t distribution allows for few dates (Efron and Tibshirani 1993, An
Introduction to the Bootstrap, chapter 11; Cameron, Gelbach and Miller 2008, Review of Economics and
Statistics 90).
"""

from collections.abc import Sequence
from math import sqrt
from statistics import NormalDist, fmean

CONFIDENCE = 0.95
LEAST_DATES = 5
"""With fewer dates an interval would say more of chance than of the metric."""


def interval(value: float, without_each: Sequence[float | None]) -> tuple[float, float] | None:
    """The interval of a metric. None if it cannot be said.

    value: of all dates. without_each: of all dates but one, for each date; None where it is not defined.
    """
    defined = [other for other in without_each if other is not None]
    dates = len(defined)
    if dates < LEAST_DATES or dates < len(without_each):
        return None
    mean = fmean(defined)
    error = sqrt((dates - 1) / dates * sum((other - mean) ** 2 for other in defined))
    reach = _t(dates - 1) * error
    return value - reach, value + reach


def _t(degrees: int) -> float:
    """The two-sided quantile of the t distribution, by its expansion at the normal one.

    Abramowitz and Stegun 26.7.5. From 4 degrees on it is exact to 0.5%.
    """
    z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))
