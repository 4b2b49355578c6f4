"""A cluster of Dask with two processes on this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from dask.distributed import Client, LocalCluster


@contextmanager
def two_processes() -> Iterator[Client]:
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        client.upload_file(__file__.replace("two_processes", "inputs"))
        yield client
