"""The code of Prefect that nightjar.server completes is as it was when we completed it.

A test that fails after an upgrade says: look whether Prefect does it by itself now. If it does, delete our
module. If it does not, check ours against the new code, and keep the new fingerprint.
"""

import asyncio
import inspect
from hashlib import sha256
from typing import Any
from uuid import uuid4

import prefect.server.models  # noqa: F401  # the policies cannot be imported before the models
import pytest
from prefect.server.concurrency.lease_storage import filesystem
from prefect.server.events import triggers
from prefect.server.events.ordering import EventArrivedEarly
from prefect.server.events.ordering.memory import CausalOrdering
from prefect.server.events.schemas.events import ReceivedEvent
from prefect.server.orchestration.core_policy import CoreFlowPolicy
from prefect.types._datetime import now
from prefect.workers.process import ProcessWorker

COMPLETED = {
    "causal_ordering": (CausalOrdering.wait_for_leader, "9ba39de4f7a5"),
    "missed_heartbeats": (triggers, "0adf4facbe56"),
    "ended": (CoreFlowPolicy, "30fa3ef18ddb"),
    "leases": (filesystem.ConcurrencyLeaseStorage, "3a3445939542"),
    "worker": (ProcessWorker, "d5a09342f5fd"),
}
"""Our module -> the code that it completes, and its fingerprint."""


@pytest.mark.parametrize("module", COMPLETED)
def test_the_code_that_we_complete_is_as_it_was(module):
    code, fingerprint = COMPLETED[module]
    assert sha256(inspect.getsource(code).encode()).hexdigest()[:12] == fingerprint, (
        f"look at nightjar/server/{module}.py"
    )


def event(**fields: Any) -> ReceivedEvent:
    return ReceivedEvent(
        occurred=now(), event="e", resource={"prefect.resource.id": "r"}, id=uuid4(), received=now(), **fields
    )


def test_an_event_is_held_back_for_one_that_only_the_server_before_saw():
    with pytest.raises(EventArrivedEarly):
        asyncio.run(CausalOrdering(scope="s").wait_for_leader(event(follows=uuid4())))


def test_the_index_of_leases_stays_locked_by_a_server_that_was_killed(tmp_path):
    lock = tmp_path / "expirations.lock"
    lock.write_text("1")
    filesystem.ConcurrencyLeaseStorage(storage_path=tmp_path)
    assert lock.exists()
