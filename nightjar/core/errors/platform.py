"""These errors say what is wrong with the Prefect server, its worker and its deployments."""

from collections.abc import Sequence
from pathlib import Path

from nightjar.core.errors.base import NightjarError


class PlatformFailed(NightjarError):
    """A process of the platform did not start, or it ended unexpectedly."""

    exit_code, runbook = 19, "platform-failed"

    def __init__(self, process: str, problem: str, log: Path | str) -> None:
        super().__init__(f"{process} {problem}. Its log is {log}.")


class NotDeployed(NightjarError):
    """Something that this code needs is missing or different on the Prefect server.

    remedy: what to do if deploying does not help.
    """

    exit_code, runbook = 28, "not-deployed"

    def __init__(self, what: str, remedy: str | None = None) -> None:
        super().__init__(
            f"The Prefect server is not as this code wants it: {what}. {remedy or 'Deploy again.'}"
        )
        self.remedy = remedy


class ModelsGone(NightjarError):
    """The Prefect server still runs deployments of models that are no more."""

    exit_code, runbook = 54, "not-deployed"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(
            f"Deployments of models that this code does not have: {', '.join(names)}. Their schedules go on. "
            "Remove them, or deploy the code that has the models."
        )


class ServerOpen(NightjarError):
    """The Prefect server accepts requests that it must refuse."""

    exit_code, runbook = 38, "server-open"

    def __init__(self, url: str, openings: Sequence[str]) -> None:
        super().__init__(
            f"The Prefect server at {url} {'; it '.join(openings)}. Who reaches it may run the flows, or "
            "more. Start it so that it is closed to them."
        )


class NotOurFlow(NightjarError):
    """A flow run belongs to a deployment that this code does not have. The worker refuses to run it."""

    exit_code, runbook = 39, "not-our-flow"

    def __init__(self, why: str) -> None:
        super().__init__(f"This worker runs the flows of its own code, and no other: {why}.")


class NoWorker(NightjarError):
    """Runs are scheduled, but no worker takes them.

    last: a sentence about the worker that was there last. variant: "paused" if workers are there.
    """

    exit_code, runbook = 29, "no-worker"

    def __init__(self, why: str, variant: str = "", last: str = "") -> None:
        told = (f"{why}, so no run starts.", last, "Runs that wait keep their score date.")
        super().__init__(" ".join(filter(None, told)))
        self.variant = variant


class RunsStuck(NightjarError):
    """Some flow runs will not end, or not start, unless a person acts."""

    exit_code, runbook = 31, "stuck-run"

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__(f"{len(runs)} flow runs look stuck: {'; '.join(runs)}.")


class DeploymentPaused(NightjarError):
    """A schedule starts no more runs, because its circuit is open or a person paused it."""

    exit_code, runbook = 32, "circuit-open"

    def __init__(self, names: Sequence[str]) -> None:
        paused = ", ".join(names)
        super().__init__(
            f"Paused, by a person or by failures in a row: {paused}. When that is mended, resume it."
        )
        self.names = tuple(names)
