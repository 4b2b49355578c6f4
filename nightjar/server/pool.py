"""The work pool. Its form for a run has only the fields that a night needs: no command, no environment."""

from typing import Any

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import WorkPoolCreate, WorkPoolUpdate
from prefect.client.schemas.objects import WorkPool
from prefect.exceptions import ObjectNotFound

POOL = "nightjar"
TYPE = "process"
TEMPLATE: dict[str, Any] = {
    "job_configuration": {"stream_output": True},  # Prefect's own value; it refuses an empty one
    "variables": {"type": "object", "properties": {}, "additionalProperties": False},
}


def known_pool(client: SyncPrefectClient) -> WorkPool | None:
    try:
        return client.read_work_pool(POOL)
    except ObjectNotFound:
        return None


def ensure_pool(client: SyncPrefectClient) -> None:
    """Make the pool, or give it our template. A paused pool stays paused."""
    if known_pool(client) is None:
        client.create_work_pool(WorkPoolCreate(name=POOL, type=TYPE, base_job_template=TEMPLATE))
    else:
        client.update_work_pool(POOL, WorkPoolUpdate(base_job_template=TEMPLATE))
