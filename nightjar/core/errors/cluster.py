"""These errors say what is wrong with the cluster of workers that scores the parts of a night."""

from collections.abc import Sequence

from nightjar.core.errors.base import NightjarError, Retryable


class ClusterGone(Retryable):
    """Nobody carries out the parts of a night: the scheduler does not answer, or it has no worker.

    address: of the scheduler. waited: True if the time to wait for another one is over.
    """

    exit_code, runbook = 70, "cluster-gone"

    def __init__(self, address: str, problem: str, *, waited: bool = False) -> None:
        super().__init__(
            f"The cluster at {address} {problem}. Nothing is published. Parts that are stored stay stored. "
            "The next attempt scores the others, on any worker."
        )
        self.waited = waited


class WorkersKilled(ClusterGone):
    """A part that several workers did not survive."""

    def __init__(self, address: str, part: int, deaths: int, last: str) -> None:
        super().__init__(
            address,
            f"lost {deaths} workers while they scored part {part}, the last one at {last}: either the "
            "workers were stopped, or the part needs more memory than a worker has",
        )


class WorkerUnfit(NightjarError):
    """A worker of the cluster would not score as this process does. who: the worker, in words."""

    exit_code, runbook = 71, "cluster-worker"

    def __init__(self, who: str, problems: Sequence[str]) -> None:
        super().__init__(
            f"{who} scores no part of this night: {'; '.join(problems)}. "
            "Give all workers the same code, libraries and settings, and start them again."
        )
