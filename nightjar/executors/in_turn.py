"""Score one part after the other in this process."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nightjar.core.night.entities import Night, PartJob, Receipt


@dataclass(frozen=True, slots=True)
class InTurn:
    """Implements ports.PartExecutor. Stops at the first error."""

    work: Callable[[PartJob], Receipt]

    def run(self, night: Night, jobs: Sequence[PartJob]) -> list[Receipt]:  # noqa: ARG002  # nobody watches
        return [self.work(job) for job in jobs]
