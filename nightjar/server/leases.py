"""Who holds a deployment's place, kept in files.

So a run that lives through a restart of the Prefect server renews its lease. Named by
PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE; the server makes a `ConcurrencyLeaseStorage`. Prefect guards its
index of leases by a file with the number of the process that writes. A server that was killed leaves that
file, and in a container the next one has the same number: it would take the lock for its own, and wait for
ever. A home has one server, so whatever is there when it starts is left over.
"""

from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage

__all__ = ["ConcurrencyLeaseStorage"]

(ConcurrencyLeaseStorage().storage_path / "expirations.lock").unlink(missing_ok=True)
