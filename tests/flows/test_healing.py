"""What happens when nobody is left to report a death: real server, real workers, SIGKILL."""

import asyncio
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from typing import Any

import psutil
import psycopg
import pytest
from harness.children import pid_of
from harness.held import WAITING, receipts, second_part_held, until

from nightjar.core.platform.healing import GIVEN_UP, RETRIED

pytestmark = [pytest.mark.platform, pytest.mark.timeout(600)]


@contextmanager
def asleep(process: psutil.Process) -> Iterator[None]:
    """The platform's own worker takes nothing meanwhile."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@contextmanager
def worker(prefect, name: str) -> Iterator[subprocess.Popen]:
    from nightjar.server.deploy import PREFECT, environment, local_api
    from nightjar.server.pool import POOL

    env = {**environment(prefect.settings, local_api(prefect.settings)), "PREFECT_WORKER_QUERY_SECONDS": "1"}
    settings = {
        f"NIGHTJAR_{key.upper()}": str(getattr(prefect.settings, key)) for key in ("home", "prefect_port")
    }
    started = subprocess.Popen(
        [*PREFECT, "worker", "start", "--pool", POOL, "--name", name],
        env={**env, **settings},
        start_new_session=True,
    )
    try:
        yield started
    finally:
        kill_all(started.pid)
        started.wait()


def kill_all(pid: int) -> None:
    """Worker and runs at one blow, as when a machine loses power."""
    with suppress(psutil.NoSuchProcess):
        worker = psutil.Process(pid)
        for process in [worker, *worker.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)


def ended_tasks(prefect, flow_run: str) -> set[str]:
    """Names of the states of a run's tasks."""
    return {task["state_name"] for task in prefect.tasks(flow_run)}


def messages(prefect, flow_run: str) -> list[str]:
    """What a person reads of the states the run was in."""
    return [state["message"] or "" for state in prefect.ask(f"/flow_run_states/?flow_run_id={flow_run}")]


@pytest.mark.parametrize(
    ("dead_after_s", "night"),
    [
        pytest.param(35, date(2013, 3, 19), id="35 s"),
        pytest.param(90, date(2013, 3, 20), id="90 s"),
    ],
)
@pytest.mark.chaos
def test_a_night_whose_worker_died_with_it_is_finished_by_another(
    prefect, world, dead_after_s, night, capsys, pytestconfig
):
    from nightjar.server.automations import Patience
    from nightjar.server.deploy import automate, local_api

    platforms_worker = psutil.Process(pid_of(world.home, "worker"))
    assert (
        automate(
            prefect.settings,
            local_api(prefect.settings),
            Patience(dead_after_s=dead_after_s, stuck_after_s=45),
        )
        > 0
    )
    with asleep(platforms_worker):
        with second_part_held(world), worker(prefect, "doomed") as doomed:
            run = prefect.start("score", score_date=str(night), report=False)
            until("part 0 is stored", lambda: 0 in receipts(world, night), 120)
            kill_all(doomed.pid)
            killed = time.monotonic()
            stored = receipts(world, night)
            # It waits, because the dead run holds the only place of the deployment. Then it fails.
            waiting = prefect.start("score", score_date="1800-01-01")
            taken = prefect.start("features", scheduled_time="2099-01-01T00:00:00Z", today="2013-03-15")
            prefect.ask(
                f"/flow_runs/{taken}/set_state", {"state": {"type": "PENDING"}, "force": True}
            )  # by a worker that died at once
        with worker(prefect, "second"):
            until(
                "the death is noticed",
                lambda: prefect.ask(f"/flow_runs/{run}")["state_type"] != "RUNNING",
                dead_after_s + 60,
            )
            noticed = time.monotonic() - killed
            healed = prefect.ended(run, after_runs=1)
            took = time.monotonic() - killed
            assert [prefect.ended(each)["state_name"] for each in (waiting, taken)] == ["Failed", "Completed"]
            all_took = time.monotonic() - killed
    with capsys.disabled():
        figures = (
            f"noticed {noticed:.0f} s after the kill, published {took:.0f} s, the queue done {all_took:.0f} s"
        )
        pytestconfig.get_terminal_writer().line(
            f"\n  dead after {dead_after_s} s without a heartbeat: {figures}"
        )
    assert (healed["state_name"], healed["run_count"]) == ("Completed", 2)
    told_why = [text for text in messages(prefect, run) if text.startswith(("presumed dead", RETRIED))]
    assert [text.rpartition(" ")[2] for text in told_why] == ["runbooks/stuck-run.md"] * 2
    until(
        "no task of a dead attempt is shown as running",
        lambda: ended_tasks(prefect, run) == {"Completed", "Crashed"},
        10,
    )
    after = receipts(world, night)
    assert stored == {part: after[part] for part in stored}
    assert 1 not in stored
    assert f"published: {len(after) - len(stored)} of {len(after)} parts now" in str(
        prefect.artifacts(run)["night-flight-delay"]
    )
    assert world.query(
        f"SELECT count(*), count(DISTINCT run_id) FROM publications WHERE score_date = '{night}'"
    ) == [(1, 1)]
    assert world.query(
        f"SELECT count(*), count(DISTINCT entity_key) FROM scores WHERE score_date = '{night}'"
    ) == [(world.scheduled(night),) * 2]


@pytest.fixture
def unheard_of(prefect) -> Iterator[str]:
    """A run that is `Running` and has no process."""
    run = prefect.start("features", scheduled_time="2099-01-01T00:00:00Z")
    for state in ("PENDING", "RUNNING"):
        prefect.ask(f"/flow_runs/{run}/set_state", {"state": {"type": state}, "force": True})
    yield run
    prefect.client.delete_flow_run(run)


@pytest.fixture
def waits(world, unheard_of):
    """Changes the rows by which the server waits for that run's next sign of life, as the SQL says, and
    returns their ends.
    """
    ours = (
        "bucketing_key::text LIKE %s AND automation_id = (SELECT id FROM automation WHERE name LIKE "
        "'%%without a sign of life%%')"
    )
    with psycopg.connect(world.platform.local.url("owner", "prefect"), autocommit=True) as database:
        yield lambda sql: [
            end
            for (end,) in database.execute(
                f'{sql} WHERE {ours} RETURNING "end"', [f"%{unheard_of}%"]
            ).fetchall()
        ]


TOUCH = "UPDATE automation_bucket SET count = count"


def test_the_server_waits_again_for_a_run_that_it_had_forgotten(waits):
    """As it does when it was away for longer than its patience, or stopped in the moment of acting on it."""
    until("it waits", lambda: waits(TOUCH))
    assert waits("DELETE FROM automation_bucket")
    until("it waits again", lambda: waits(TOUCH), 15)


def test_silence_that_nobody_listened_to_ends_no_run(prefect, world, waits):
    """A server that was away, frozen or without its database waits anew, before it looks who was silent."""
    server = psutil.Process(pid_of(world.home, "server"))
    until("it waits", lambda: waits(TOUCH))
    with asleep(server):
        assert waits("UPDATE automation_bucket SET \"end\" = now() - interval '1 s'")
        look(world, deaf=True)
        assert waits(TOUCH) > [datetime.now(UTC)]


BY_HAND = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
BY_THE_SERVER = {
    "type": "SCHEDULED",
    "name": "AwaitingRetry",
    "message": f"{RETRIED}, for the process had died.",
}
TAKEN, RUNS, FAILS = {"type": "PENDING"}, {"type": "RUNNING"}, {"type": "FAILED"}
PRESUMED_DEAD = {"type": "CRASHED", "message": "presumed dead: no sign of life for 90 s."}
REPORTED_DEAD = {"type": "CRASHED", "message": "Flow run process exited with non-zero status code -9."}
HEALED = [TAKEN, RUNS, PRESUMED_DEAD, BY_THE_SERVER, TAKEN, RUNS]
HISTORIES = {
    "retried by hand twice": (
        [TAKEN, RUNS, FAILS, BY_HAND, TAKEN, RUNS, FAILS, BY_HAND, TAKEN, RUNS, PRESUMED_DEAD],
        RETRIED,
    ),
    "healed, then retried by hand": ([*HEALED, FAILS, BY_HAND, TAKEN, RUNS, PRESUMED_DEAD], RETRIED),
    "retried by hand, and its worker died before it ran": (
        [TAKEN, RUNS, FAILS, BY_HAND, TAKEN, PRESUMED_DEAD],
        RETRIED,
    ),
    "healed, and dead again": ([*HEALED, PRESUMED_DEAD], GIVEN_UP),
    "just reported dead": ([TAKEN, RUNS, REPORTED_DEAD], REPORTED_DEAD["message"]),
}


@pytest.mark.chaos  # tests/core/platform/test_healing.py has the decision
def test_the_server_counts_its_own_retries_and_not_those_of_a_person(prefect, world):
    with asleep(psutil.Process(pid_of(world.home, "worker"))):
        runs = {name: been_through(prefect, states) for name, (states, _) in HISTORIES.items()}
        until(
            "it has decided",
            lambda: all(told(prefect, runs[name]).startswith(says) for name, (_, says) in HISTORIES.items()),
            20,
        )
        assert told(prefect, runs["healed, and dead again"]).endswith(PRESUMED_DEAD["message"]), (
            "why it died is still to be read"
        )
        for run in runs.values():
            prefect.client.delete_flow_run(run)


def been_through(prefect, states: list[dict[str, Any]]) -> str:
    """A run with a history. None of it waits in the queue of today."""
    run = prefect.start("features", scheduled_time="2099-01-01T00:00:00Z")
    for state in states:
        later = (
            {"state_details": {"scheduled_time": "2099-01-01T00:00:00Z"}}
            if state["type"] == "SCHEDULED"
            else {}
        )
        prefect.ask(f"/flow_runs/{run}/set_state", {"state": {**state, **later}, "force": True})
    return run


def told(prefect, run: str) -> str:
    return prefect.ask(f"/flow_runs/{run}")["state"]["message"] or ""


REFUSED = """
    CREATE FUNCTION nightjar.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'part % is refused', NEW.part; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON nightjar.receipt
        FOR EACH ROW WHEN (NEW.part = 1) EXECUTE FUNCTION nightjar.refuse();
"""
ALLOWED = "DROP TRIGGER refuse ON nightjar.receipt; DROP FUNCTION nightjar.refuse();"


@pytest.mark.chaos
def test_a_run_that_was_retried_by_hand_twice_and_then_killed_is_healed_once_more(prefect, world):
    night = date(2013, 4, 12)
    world.execute(REFUSED)
    try:
        run = prefect.start("score", score_date=str(night), report=False)
        assert prefect.ended(run)["state_name"] == "Failed"
        prefect.ask(f"/flow_runs/{run}/set_state", {"state": BY_HAND})
        assert prefect.ended(run, after_runs=1)["state_name"] == "Failed"
    finally:
        world.execute(ALLOWED)
    with second_part_held(world):
        prefect.ask(f"/flow_runs/{run}/set_state", {"state": BY_HAND})
        until("the second part waits", lambda: world.query(WAITING, "owner") == [(1,)], 120)
        kill_all(int(prefect.ask(f"/flow_runs/{run}")["infrastructure_pid"].rpartition(":")[2]))
        until(
            "its worker reports the death",
            lambda: prefect.ask(f"/flow_runs/{run}")["state_name"] == "Crashed",
        )
    healed = prefect.ended(run, after_runs=3)
    assert (healed["state_name"], healed["run_count"]) == ("Completed", 4)
    assert [message.startswith(RETRIED) for message in messages(prefect, run)].count(True) == 1
    assert world.query(f"SELECT count(*) FROM publications WHERE score_date = '{night}'") == [(1,)]


def look(world, *, deaf: bool) -> None:
    """What the server does before each evaluation, done in this process."""
    from prefect.server.database import provide_database_interface
    from prefect.server.events import triggers
    from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL, temporary_settings

    from nightjar.server import missed_heartbeats

    async def once() -> None:
        await triggers.reconcile_automations(force=True)
        await missed_heartbeats.look(datetime.now(UTC), deaf=deaf)
        await (await provide_database_interface().engine()).dispose()

    with temporary_settings({PREFECT_SERVER_DATABASE_CONNECTION_URL: world.platform.prefect_database()}):
        asyncio.run(once())


def test_two_deployments_at_once_leave_each_automation_once(prefect, monkeypatch):
    from nightjar.server import automations
    from nightjar.server.deploy import automate, local_api

    before = automations.ours(prefect.client)
    for each in before:
        prefect.client.delete_automation(each.id)
    both, listed, looked = threading.Barrier(2), automations.ours, threading.local()

    def ours(client):
        found = listed(client)
        if not hasattr(looked, "once"):
            looked.once = True
            both.wait(30)  # each has seen that there is none
        return found

    monkeypatch.setattr(automations, "ours", ours)
    with ThreadPoolExecutor(2) as pool:
        again = [pool.submit(automate, prefect.settings, local_api(prefect.settings)) for _ in range(2)]
        assert sum(each.result() for each in again) > len(before)
    assert sorted(each.name for each in listed(prefect.client)) == sorted(each.name for each in before)


def test_a_deployment_makes_the_automations_equal_to_the_list_and_leaves_others_alone(prefect):
    from nightjar.server.automations import PREFIX, Patience, essence, sync, wanted
    from nightjar.server.deploy import automate, local_api

    api = local_api(prefect.settings)
    automate(prefect.settings, api)
    assert automate(prefect.settings, api) == 0
    ours = {each.name: each for each in prefect.client.read_automations()}
    changed, gone, off = sorted(ours)[:3]
    prefect.client.update_automation(
        ours[changed].id, essence(ours[changed]).model_copy(update={"description": "changed by hand"})
    )
    prefect.client.delete_automation(ours[gone].id)
    prefect.client.pause_automation(ours[off].id)
    example = wanted(Patience(), None)[0]
    for name in (f"{PREFIX}of an older release", "somebody else's"):
        prefect.client.create_automation(example.model_copy(update={"name": name}))
    assert automate(prefect.settings, api) == 4
    assert automate(prefect.settings, api) == 0
    after = {each.name: each for each in prefect.client.read_automations()}
    foreign = after.pop("somebody else's")
    prefect.client.delete_automation(foreign.id)
    assert {name: essence(each) for name, each in after.items()} == {
        name: essence(each) for name, each in ours.items()
    }
    assert sync(prefect.client, [essence(each) for each in after.values()]) == 0
