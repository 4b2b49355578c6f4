"""What carries out part jobs."""

from collections.abc import Sequence
from typing import Protocol

from nightjar.core.night.entities import Night, PartJob, Receipt


class PartExecutor(Protocol):
    def run(self, night: Night, jobs: Sequence[PartJob]) -> Sequence[Receipt]:
        """Carry out part jobs, in any order and on any worker.

        Return their receipts in the order of the jobs.
        night: for people: it names the work. Raises the first error, once no job runs any more; jobs after it
        may have been done or not.
        May be called again with the same jobs: a part that is stored is not done twice.
        """
        ...
