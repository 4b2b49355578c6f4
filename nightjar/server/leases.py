"""Leases on deployments' concurrency slots, kept in files.

A run that survives a restart of the Prefect server can therefore renew its lease.
PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE names this module, and the server makes a `ConcurrencyLeaseStorage`.

Prefect protects its index of leases by a lock file with the pid of the process that writes. A killed server
leaves that file behind. In a container the next server has the same pid. It would take the lock for its own,
and wait for ever. A home has one server, so a lock file that exists at its start is left over.
"""

from prefect.server.concurrency.lease_storage.filesystem import ConcurrencyLeaseStorage

__all__ = ["ConcurrencyLeaseStorage"]

(ConcurrencyLeaseStorage().storage_path / "expirations.lock").unlink(missing_ok=True)
