"""A number that was measured on some nights, and how uncertain it is."""

import math
from statistics import NormalDist

from nightjar.core.values import Value

CONFIDENCE = 0.95
"""Of the intervals that people are shown beside a metric."""
LEAST_NIGHTS = 5
"""With fewer nights an interval would say more of chance than of the metric."""
MOST_NIGHTS = 1000
"""More nights than these are not counted on."""


class Estimate(Value):
    """A value of so many nights.

    error: its standard error; None with fewer than LEAST_NIGHTS nights, or where it cannot be said. degrees:
    degrees of freedom of the t distribution that allows for few nights.
    """

    value: float
    nights: int
    error: float | None = None
    degrees: float = 1.0

    def reach(self, tail: float) -> float:
        """How far a bound lies from the value if the truth lies beyond it with probability `tail`."""
        return math.inf if self.error is None else t_quantile(1 - tail, self.degrees) * self.error

    def within(self, tail: float) -> tuple[float, float]:
        """Lower and upper bound: the truth lies below the one, and above the other, with this probability."""
        reach = self.reach(tail)
        return self.value - reach, self.value + reach

    @property
    def shown(self) -> tuple[float, float]:
        """Its interval for people: the truth lies in it with the probability CONFIDENCE."""
        return self.within((1 - CONFIDENCE) / 2)

    def nights_lacking(self, limit: float, tail: float, power: float) -> int | None:
        """How many more nights like these would tell the value from a limit. None: more than MOST_NIGHTS.

        power: how probably they would. The error falls with the root of the number of nights.
        """
        if self.error is None:
            return max(LEAST_NIGHTS - self.nights, 1)
        away = abs(self.value - limit)
        wanted = (t_quantile(1 - tail, self.degrees) + NormalDist().inv_cdf(power)) * self.error
        if wanted > away * math.sqrt((self.nights + MOST_NIGHTS) / self.nights):
            return None
        return max(math.ceil(self.nights * (wanted / away) ** 2) - self.nights, 1)


def t_quantile(probability: float, degrees: float) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415  # most commands compute no interval

    return float(stdtrit(degrees, probability))
