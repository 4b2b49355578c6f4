"""Whole flows of this process, at the platform's server, whose parts others score."""

from collections.abc import Iterator
from datetime import date

import pytest
from distributed import LocalCluster
from harness.held import receipts

from nightjar.core.errors.settings import BadSettings

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]


@pytest.fixture
def cluster(here, worker_here) -> Iterator[str]:  # its worker has the environment of `here`
    """The address of a cluster of one worker, on a thread of this process."""
    workers = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "protocol": "tcp"}
    with LocalCluster(**workers, dashboard_address=":0") as local:
        yield local.scheduler_address


def assert_scored_by_one_task(prefect, world, day: date) -> None:
    from flows.score import score

    score(model="flight_delay", score_date=day, report=False)
    run = only_run(prefect, day)
    assert run["state_type"] == "COMPLETED"
    tasks = [task["name"] for task in prefect.tasks(run["id"]) if task["name"].startswith("part")]
    assert tasks == [f"parts flight_delay {day}"]
    assert len(receipts(world, day)) > 1
    assert world.query(f"SELECT count(*) FROM scores WHERE score_date = '{day}'") == [(world.scheduled(day),)]


def only_run(prefect, day: date) -> dict:
    (run,) = prefect.ask("/flow_runs/filter", {"flow_runs": {"name": {"any_": [f"flight_delay {day}"]}}})
    return run


@pytest.mark.chaos  # tests/wiring/test_executors.py scores a night on a cluster; below, a flow asks for one
def test_a_flow_gives_its_parts_to_a_cluster(cluster, prefect, world, monkeypatch):
    monkeypatch.setenv("NIGHTJAR_EXECUTOR", "dask")
    monkeypatch.setenv("NIGHTJAR_DASK_SCHEDULER", cluster)
    assert_scored_by_one_task(prefect, world, date(2013, 3, 26))


@pytest.mark.chaos
@pytest.mark.usefixtures("here")
def test_a_flow_gives_its_parts_to_processes(prefect, world, monkeypatch):
    monkeypatch.setenv("NIGHTJAR_EXECUTOR", "processes")
    assert_scored_by_one_task(prefect, world, date(2013, 3, 27))


@pytest.mark.usefixtures("here")
def test_a_flow_without_the_address_of_its_cluster_fails_before_any_work(prefect, monkeypatch):
    from flows.score import score

    monkeypatch.setenv("NIGHTJAR_EXECUTOR", "dask")
    day = date(2013, 5, 4)
    with pytest.raises(BadSettings, match="NIGHTJAR_DASK_SCHEDULER is not set"):
        score(model="flight_delay", score_date=day, report=False)
    run = only_run(prefect, day)
    assert run["state_type"] == "FAILED"
    assert prefect.tasks(run["id"]) == []
