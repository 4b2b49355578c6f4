"""What the inputs of runs look like."""

from datetime import date
from typing import Protocol

from nightjar.core.comparison.entities import NightProfile
from nightjar.core.night.entities import Run


class InputProfiles(Protocol):
    """What the inputs and scores of runs look like. Append-only."""

    def record(self, run: Run, profile: NightProfile) -> None:
        """Keep a run's profile.

        Of a column that has one already, the first stays: it is what was scored first. Raises ClaimLost.
        """
        ...

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        """Profiles of what is published of the nights before a date, newest first.

        Nights that have none come without columns.
        """
        ...
