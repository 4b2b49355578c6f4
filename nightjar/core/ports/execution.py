"""Execution of part jobs."""

from collections.abc import Sequence
from typing import Protocol

from nightjar.core.night.entities import Night, PartJob, Receipt


class PartExecutor(Protocol):
    def run(self, night: Night, jobs: Sequence[PartJob]) -> Sequence[Receipt]:
        """Carry out part jobs, in any order and on any worker.

        Return their receipts in the order of the jobs.
        night: names the work for people. Raises the first error, after all running jobs have ended. Later
        jobs may or may not have been done.
        May be called again with the same jobs. A stored part is not done again.
        """
        ...
