"""What carries out the parts of nights, by the setting NIGHTJAR_EXECUTOR."""

from functools import partial
from typing import TYPE_CHECKING

from nightjar.core.errors.settings import ExtraMissing
from nightjar.core.ports.execution import PartExecutor
from nightjar.wiring.platform import Platform
from nightjar.wiring.worker import fitness, score_part, score_part_in_cluster

if TYPE_CHECKING:
    from nightjar.executors.dask_cluster import DaskCluster


def executor_of(platform: Platform, at_once: int | None = None) -> PartExecutor:
    """Raises BadSettings, ExtraMissing. Nothing is connected to before there are parts.

    at_once: how many parts of a night this machine carries out at once; None: NIGHTJAR_THREADS.
    """
    settings, count = platform.settings, at_once or platform.settings.threads
    if settings.executor == "dask":
        return in_cluster(platform)
    if settings.executor == "processes":
        from nightjar.executors.pools import Processes

        return Processes(score_part, count)
    return platform.on_threads(count)


def unfit_workers(platform: Platform) -> dict[str, tuple[str, ...]]:
    """What keeps each worker of the cluster from scoring parts, by its address. Raises ClusterGone."""
    found = in_cluster(platform).ask_workers(partial(fitness, platform.terms()))
    return {worker: said if isinstance(said, tuple) else (_told(said),) for worker, said in found.items()}


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, TimeoutError) else repr(error)


def in_cluster(platform: Platform) -> "DaskCluster":
    """Raises BadSettings, ExtraMissing."""
    scheduler = platform.settings.scheduler
    try:
        from nightjar.executors.dask_cluster import DaskCluster
    except ImportError as error:
        raise ExtraMissing("distributed", "dask", str(error)) from error
    return DaskCluster(
        address=scheduler,
        prepared=lambda run_id: partial(
            score_part_in_cluster, wanted=platform.terms(), shared=platform.share_features(run_id)
        ),
        stored=lambda run_id: platform.store.receipts(platform.store.run(run_id)),
        go_on=platform.go_on,
        wait_s=platform.settings.cluster_wait_s,
    )
