"""Carry out a part job in a worker process, which makes its adapters once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.cluster import WorkerUnfit
from nightjar.core.night.entities import PartJob, Receipt
from nightjar.core.night.same_code import Terms, differences
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform

if TYPE_CHECKING:
    from nightjar.adapters.files.shared_features import Shared
    from nightjar.core.ports.features import FeatureSource

OPENING = Lock()


@cache
def platform() -> Platform:
    return Platform()


def score_part(job: PartJob) -> Receipt:
    """Carry out a part job. Any process with the package and the settings finds this function by its name.

    Raises the errors of `Platform.score_part`.
    """
    return platform().score_part(job)


def score_part_in_cluster(job: PartJob, wanted: Terms, shared: "Shared | None") -> Receipt:
    """Carry out a part job on a worker of a cluster.

    wanted: of the process that gives out the parts. shared: by `Platform.share_features`; None if the model
    has no feature tables. Raises WorkerUnfit if this process has something else, and the errors of
    `Platform.score_part`, with the worker's name.
    """
    with naming_worker() as name:
        with OPENING:
            ours = platform()
            logs.configure(ours.settings.log_format, ours.settings.log_level)
            if differing := differences(wanted, ours.terms()):
                raise WorkerUnfit(f"The worker {name}", differing)
            features = None if shared is None else features_of(ours.shared_features.folder(shared))
        return ours.score_part(job, features)


@lru_cache(maxsize=4)
def features_of(folder: Path) -> "FeatureSource":
    """The features that were shared for a run. A worker may have parts of several runs at once."""
    return platform().features_in(folder)


def fitness(wanted: Terms) -> tuple[str, ...]:
    """What keeps this worker of a cluster from scoring parts, a sentence each. Empty: nothing."""
    ours = platform()
    if found := differences(wanted, ours.terms()):
        return found
    return tuple(filter(None, (_refusal_of(lambda: ours.engine), _refusal_of(ours.artifacts.probe))))


def _refusal_of(attempt: Callable[[], object]) -> str | None:
    try:
        attempt()
    except NightjarError as error:
        return str(error)
    return None


@contextmanager
def naming_worker() -> Iterator[str]:
    """Let an error of ours say on which worker it was raised. Give the worker's address."""
    from distributed import get_worker

    name = str(get_worker().address)
    try:
        yield name
    except NightjarError as error:
        error.worker = name
        raise
