"""What Prefect keeps of a flow run: everything, until it ended longer ago than the setting says; then
nothing.

Prefect removes it. On every day test_checks.py holds the server to the setting.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.runtime import flow_run

pytestmark = [pytest.mark.platform, pytest.mark.chaos, pytest.mark.timeout(400)]


@task
def works() -> None:
    get_run_logger().info("worked")


@flow(name="kept")
def leaves_something_everywhere() -> str:
    works()
    create_markdown_artifact("# told", key="kept")
    return flow_run.id


OF_A_RUN = {
    "flow_run": "id",
    "flow_run_state": "flow_run_id",
    "task_run": "flow_run_id",
    "task_run_state": "task_run_id IN (SELECT id FROM task_run WHERE flow_run_id",
    "log": "flow_run_id",
    "artifact": "flow_run_id",
}


@pytest.fixture
def rows(world) -> Callable[[str], dict[str, int]]:
    """How many rows of each table belong to a flow run."""

    def count(flow_run: str) -> dict[str, int]:
        return {table: asked(table, column, flow_run) for table, column in OF_A_RUN.items()}

    def asked(table: str, column: str, flow_run: str) -> int:
        closing = ")" if "(" in column else ""
        return execute(world, f"SELECT count(*) FROM {table} WHERE {column} = '{flow_run}'{closing}")[0][0]

    return count


def execute(world, sql: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(world.platform.local.url("owner", "prefect"), autocommit=True) as database:
        done = database.execute(sql)
        return done.fetchall() if done.description else []


@pytest.fixture
def two_runs(here, prefect) -> Iterator[list[str]]:
    yield [leaves_something_everywhere() for _ in range(2)]
    prefect.client.request("DELETE", f"/flows/{prefect.ask('/flows/name/kept')['id']}")


def test_a_run_goes_90_days_after_its_end_with_its_tasks_logs_and_artifacts(world, two_runs, rows):
    old, young = two_runs
    until("all that a run leaves has come", lambda: all([*rows(old).values(), *rows(young).values()]))
    execute(world, f"UPDATE flow_run SET end_time = now() - interval '89 days 23 hours' WHERE id = '{young}'")
    execute(world, f"UPDATE flow_run SET end_time = now() - interval '90 days 1 hour' WHERE id = '{old}'")
    until("the old one is gone", lambda: not any(rows(old).values()))
    assert all(rows(young).values())


def until(what: str, holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, f"not within a minute: {what}"
        time.sleep(0.5)
