"""A setting or an argument that cannot be used."""

from collections.abc import Sequence
from datetime import date

from nightjar.core.errors.base import NightjarError


class BadSettings(NightjarError):
    """A setting or argument that cannot be used."""

    exit_code, runbook = 2, "bad-settings"

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")


class DayToCome(BadSettings):
    """A day was given to replace today's date, but it is in the future.

    today: the date in the model's time zone.
    """

    def __init__(self, given: date, today: date, time_zone: str) -> None:
        what = f"The day {given} has not come yet: in {time_zone} it is {today}"
        super().__init__(what, "Name a day up to that one.")
        self.today = today


class NoOccasion(BadSettings):
    """A date, or a range of dates, was given that the model's schedule does not score.

    nearest: dates before and after it that the schedule scores.
    """

    def __init__(self, model: str, dates: date | str, cron: str, nearest: Sequence[date]) -> None:
        what = f"{dates}: the schedule of {model} ({cron}) scores no such date"
        super().__init__(what, f"The nearest: {' and '.join(map(str, nearest))}.")
        self.model, self.nearest = model, nearest


class NoVersion(BadSettings):
    """A version was named that is not registered. known: the numbers of those that are."""

    def __init__(self, model: str, number: int, known: Sequence[int]) -> None:
        registered = ", ".join(map(str, known)) or "none"
        super().__init__(f"{model} has no version {number}", f"Registered: {registered}.")


class ExtraMissing(BadSettings):
    """A library that the base install leaves out, and that a model needs.

    extra: of this project, which installs it.
    """

    def __init__(self, library: str, extra: str, why: str) -> None:
        super().__init__(f"{library} cannot be imported ({why})", f"It is in the extra {extra!r}.")
        self.extra = extra


class SystemLibraryMissing(BadSettings):
    """A library is installed, and a shared library of the system that it needs is not."""

    def __init__(self, library: str, why: str) -> None:
        super().__init__(
            f"{library} is installed and cannot be loaded ({why})",
            "Install the library of the system that is named. Debian has libgomp.so.1 in libgomp1.",
        )
