"""A policy says when a process that has ended is started again, and when it is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartPolicy:
    """How often a process is started again, and after which pauses.

    restarts: at most this many in a row. first_pause_s: the pause before the first restart of a row. Each
    further pause is twice as long, up to longest_pause_s. steady_s: a process that lived this long counts as
    recovered, so its end begins a new row.
    """

    restarts: int = 8
    first_pause_s: float = 1
    longest_pause_s: float = 60
    steady_s: float = 600

    def ends_in_a_row(self, lives_s: Sequence[float]) -> int:
        """Return how many times the process has ended since it was last steady, that end included.

        lives_s: the length of each life in seconds, oldest first.
        """
        short = sum(1 for _ in takewhile(lambda life: life < self.steady_s, reversed(lives_s)))
        return short + (short < len(lives_s))

    def pause_s(self, lives_s: Sequence[float]) -> float | None:
        """Return the seconds until the process is started again after its last life.

        None means that it is not started again.
        """
        row = self.ends_in_a_row(lives_s)
        return None if row > self.restarts else min(self.first_pause_s * 2 ** (row - 1), self.longest_pause_s)


POLICY = RestartPolicy()
