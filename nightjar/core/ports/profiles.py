"""Profiles of the inputs of runs."""

from datetime import date
from typing import Protocol

from nightjar.core.comparison.entities import NightProfile
from nightjar.core.night.entities import Run


class InputProfiles(Protocol):
    """Profiles of the inputs and scores of runs. Append-only."""

    def record(self, run: Run, profile: NightProfile) -> None:
        """Store a run's profile.

        If a column has a profile already, that one stays: it describes what was scored first. Raises
        ClaimLost.
        """
        ...

    def of_run(self, run: Run) -> NightProfile:
        """Return the profile of a run. It has no columns if none is stored."""
        ...

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        """Return the profiles of the published nights before a date, newest first.

        A night without a stored profile has no columns.
        """
        ...
