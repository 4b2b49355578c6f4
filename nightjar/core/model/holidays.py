"""Which dates are holidays: what a spec may say of its calendar."""

from collections.abc import Callable
from datetime import date

IsHoliday = Callable[[date], object]
"""Says if a date is a holiday. Any true value says yes, so `holidays.country_holidays("US").get` is one."""


# It has the signature of IsHoliday.
def never(day: date) -> bool:  # noqa: ARG001
    """Say no for every date: the calendar of a model that names no holidays."""
    return False
