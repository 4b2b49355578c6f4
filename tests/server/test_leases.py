"""A lease outlives the server that gave it, and a killed server's lock does not hold up the next one."""

import os
import subprocess
import sys
from pathlib import Path

SERVES = """
import asyncio, sys
from datetime import timedelta
from uuid import UUID, uuid4
from nightjar.server.leases import ConcurrencyLeaseStorage

async def serve():
    storage, minute = ConcurrencyLeaseStorage(), timedelta(minutes=1)
    if len(sys.argv) == 1:
        print((await storage.create_lease([uuid4()], minute)).id)
    else:
        print(await storage.renew_lease(UUID(sys.argv[1]), minute))

asyncio.run(serve())
"""


def server(home: Path, *lease: str) -> str:
    """What a server does that was started anew: give a lease, or renew one."""
    command = [sys.executable, "-c", SERVES, *lease]
    env = {**os.environ, "PREFECT_HOME": str(home)}
    return subprocess.run(
        command, env=env, capture_output=True, text=True, timeout=60, check=True
    ).stdout.strip()


def test_a_run_keeps_its_place_through_a_kill_of_the_server(tmp_path):
    lease = server(tmp_path)
    lock = tmp_path / "concurrency_leases" / "expirations.lock"
    lock.write_text(str(os.getpid()))  # of a process that lives: in a container, the new server's own number
    assert server(tmp_path, lease) == "True"
    assert not lock.exists()
