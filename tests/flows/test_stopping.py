"""A flow run that somebody ends stops, and stays as they left it: at a real server."""

import importlib
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from types import SimpleNamespace
from uuid import uuid4

import psycopg
import pytest
from prefect.client.schemas.objects import State, StateDetails, StateType
from prefect.exceptions import Abort, ObjectNotFound
from prefect.logging import disable_run_logger
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings

import models
from flows import stopping
from nightjar.core.night.clock import dates_between
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.launcher import launch
from nightjar.server.deploy import local_api
from nightjar.usecases.scoring.backfill import planned_nights

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

HOLD = 4_712
HOLDING = """
    CREATE FUNCTION nightjar.hold_night() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (SELECT score_date FROM nightjar.run WHERE id = NEW.run_id) = '{day}'
            THEN PERFORM pg_advisory_xact_lock({lock}); END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER hold_night BEFORE INSERT ON nightjar.receipt
        FOR EACH ROW WHEN (NEW.part = 0) EXECUTE FUNCTION nightjar.hold_night();
    GRANT EXECUTE ON FUNCTION nightjar.hold_night() TO PUBLIC;
"""
FREE = "DROP TRIGGER hold_night ON nightjar.receipt; DROP FUNCTION nightjar.hold_night();"


# --- the decision, and a server that cannot be asked ---


def running() -> State:
    return State(type=StateType.RUNNING)


def test_only_the_running_state_that_an_attempt_began_with_lets_it_go_on():
    ours = running()
    assert stopping.why_not(ours.id, ours) is None
    assert stopping.why_not(ours.id, running()) == "another attempt of it is Running"
    assert stopping.why_not(ours.id, None) == "it was deleted"
    for kind in set(StateType) - {StateType.RUNNING}:
        changed = State(type=kind)
        assert stopping.why_not(changed.id, changed), (
            f"{kind} is no state to work in, even if it was there first"
        )


def test_a_run_that_is_only_paused_is_suspended_so_that_it_can_be_resumed_without_its_process():
    paused = State(type=StateType.PAUSED, state_details=StateDetails(pause_key="k"))
    left = stopping.left_as(paused)
    assert (left.name, left.state_details.pause_reschedule, left.state_details.pause_key) == (
        "Suspended",
        True,
        "k",
    )
    assert stopping.left_as(left) is None


@pytest.fixture(params=["refuses", "is silent"])
def away(request) -> Iterator[str]:
    """The address of a server that cannot be asked."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if request.param == "is silent":
            server.listen()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/api"


def test_a_server_that_cannot_be_asked_stops_no_night_and_costs_it_little(away, monkeypatch):
    monkeypatch.setattr(stopping, "ANSWERED_WITHIN_S", 0.3)
    with temporary_settings({PREFECT_API_URL: away}), disable_run_logger():
        attempt = stopping.Attempt(uuid4(), uuid4())
        started = time.monotonic()
        for _ in range(100):
            attempt.go_on(last=False)
        attempt.go_on(last=True)
        assert time.monotonic() - started < 2


# --- every flow, every way to be ended: flows of this process, at the platform's server ---


@pytest.fixture
def at_once(here, monkeypatch) -> None:  # it comes first
    """Flows of this process ask the server before each step."""
    monkeypatch.setattr(stopping, "ANSWER_HOLDS_S", 0)


@contextmanager
def changed_meanwhile(prefect, monkeypatch, change) -> Iterator[SimpleNamespace]:
    """The run of whatever flow is called is changed once it works: when it asks for its model, which is
    the first that it does.
    """
    seen, model = SimpleNamespace(run=None), models.model

    def changing(name):
        if seen.run is None and prefect.ask(f"/flow_runs/{flow_run.id}")["state_type"] == "RUNNING":
            seen.run = flow_run.id
            change(seen.run)
        return model(name)

    with monkeypatch.context() as patched:
        patched.setattr(models, "model", changing)
        yield seen


def made(prefect, run: str, **state) -> None:
    assert prefect.ask(f"/flow_runs/{run}/set_state", {"state": state, "force": True})["status"] == "ACCEPT"


LATER = {"scheduled_time": "2099-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ({"type": "CANCELLING"}, "Cancelled"),
        ({"type": "PAUSED"}, "Suspended"),
        ({"type": "RUNNING", "message": "another attempt"}, "Running"),
        pytest.param({"type": "FAILED"}, "Failed", marks=pytest.mark.chaos),
        pytest.param({"type": "CRASHED"}, "Crashed", marks=pytest.mark.chaos),
        pytest.param({"type": "COMPLETED"}, "Completed", marks=pytest.mark.chaos),
        pytest.param({"type": "PENDING"}, "Pending", marks=pytest.mark.chaos),
        pytest.param(
            {"type": "SCHEDULED", "name": "AwaitingRetry", "state_details": LATER},
            "AwaitingRetry",
            marks=pytest.mark.chaos,
        ),
        pytest.param(
            {"type": "PAUSED", "name": "Suspended", "state_details": {"pause_reschedule": True}},
            "Suspended",
            marks=pytest.mark.chaos,
        ),
    ],
)
def test_a_run_whose_state_is_changed_stops_and_keeps_the_state(at_once, prefect, monkeypatch, state, ends):
    features = importlib.import_module("flows.features").features
    with (
        changed_meanwhile(prefect, monkeypatch, lambda run: made(prefect, run, **state)) as seen,
        pytest.raises(Abort),
    ):
        features(model="flight_delay", today=date(2013, 3, 15))
    left = prefect.ask(f"/flow_runs/{seen.run}")
    assert (left["state_name"], left["state"]["message"] or "") == (
        ends,
        state.get("message", left["state"]["message"] or ""),
    )
    prefect.client.delete_flow_run(seen.run)


def test_a_run_that_is_deleted_stops_and_does_not_come_back(at_once, prefect, monkeypatch):
    features = importlib.import_module("flows.features").features
    with (
        changed_meanwhile(prefect, monkeypatch, prefect.client.delete_flow_run) as seen,
        pytest.raises(Abort),
    ):
        features(model="flight_delay", today=date(2013, 3, 15))
    with pytest.raises(ObjectNotFound):
        prefect.client.read_flow_run(seen.run)


def test_a_run_that_fails_after_it_was_cancelled_is_cancelled(at_once, prefect, monkeypatch):
    score = importlib.import_module("flows.score").score
    with (
        changed_meanwhile(prefect, monkeypatch, lambda run: made(prefect, run, type="CANCELLED")) as seen,
        pytest.raises(Abort),
    ):
        score(model="none", score_date=date(2013, 3, 15))
    assert prefect.ask(f"/flow_runs/{seen.run}")["state_name"] == "Cancelled"
    assert prefect.artifacts(seen.run) == {}, "there is nothing to mend"


NIGHT = {"score_date": date(2013, 4, 20)}
RANGE = {"first": date(2013, 4, 20), "last": date(2013, 4, 22)}
EVENING = {"today": date(2013, 3, 15)}


@pytest.mark.parametrize(
    ("flow", "parameters"),
    [("score", NIGHT), ("backfill", RANGE), ("repair", {}), ("monitor", EVENING), ("retrain", EVENING)],
)
def test_every_flow_stops_and_leaves_what_there_was(at_once, prefect, world, monkeypatch, flow, parameters):
    """The features flow stands for them above."""
    told = "SELECT (SELECT count(*) FROM nightjar.publication), (SELECT count(*) FROM nightjar.model_version)"
    before = world.query(told, "owner")
    called = getattr(importlib.import_module(f"flows.{flow}"), flow)
    with (
        changed_meanwhile(prefect, monkeypatch, lambda run: made(prefect, run, type="CANCELLED")) as seen,
        pytest.raises(Abort),
    ):
        called(model="flight_delay", **parameters)
    assert prefect.ask(f"/flow_runs/{seen.run}")["state_name"] == "Cancelled"
    assert {task["state_name"] for task in prefect.tasks(seen.run)} <= {"Cancelled"}
    assert world.query(told, "owner") == before


# --- the server's rule: ended stays ended ---


@pytest.fixture
def ended(prefect) -> Iterator[str]:
    """A run that was cancelled while its process started."""
    run = prefect.start("features", scheduled_time="2099-01-01T00:00:00Z")
    for state in ("PENDING", "CANCELLED"):
        made(prefect, run, type=state)
    yield run
    prefect.client.delete_flow_run(run)


@pytest.mark.parametrize("proposed", ["RUNNING", "COMPLETED", "FAILED", "CRASHED"])
def test_what_a_process_proposes_changes_no_run_that_has_ended(prefect, ended, proposed):
    answer = prefect.ask(f"/flow_runs/{ended}/set_state", {"state": {"type": proposed}})
    assert answer["status"] == "ABORT"
    assert prefect.ask(f"/flow_runs/{ended}")["state_type"] == "CANCELLED"


def test_a_retry_puts_a_run_that_has_ended_back_in_the_queue(prefect, ended):
    answer = prefect.ask(
        f"/flow_runs/{ended}/set_state", {"state": {"type": "SCHEDULED", "state_details": LATER}}
    )
    assert answer["status"] == "ACCEPT"


# --- a real process ---


def until(what: str, holds, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.1)


@contextmanager
def first_part_held(world, day):
    """The night's first part waits while this lasts."""
    world.execute(HOLDING.format(day=day, lock=HOLD))
    with psycopg.connect(world.platform.url("owner"), autocommit=True) as holding:
        holding.execute(f"SELECT pg_advisory_lock({HOLD})")
        try:
            yield
        finally:
            holding.execute(f"SELECT pg_advisory_unlock({HOLD})")
            world.execute(FREE)


def waits(world) -> bool:
    return world.query(
        f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {HOLD} AND NOT granted",
        "owner",
    ) == [(1,)]


def publications(world, days) -> list[date]:
    return [
        day
        for (day,) in world.query(
            f"SELECT score_date FROM publications WHERE score_date BETWEEN '{days[0]}' AND '{days[-1]}' "
            "ORDER BY 1"
        )
    ]


def receipts(world, day) -> set[tuple]:
    return set(
        world.query(
            "SELECT run_id, part, stored_at FROM nightjar.receipt JOIN nightjar.run ON id = run_id WHERE "
            f"score_date = '{day}'",
            "owner",
        )
    )


@pytest.mark.chaos
def test_a_backfill_that_is_forced_to_cancelled_publishes_no_further_night_and_the_next_one_does_the_rest(
    prefect, world
):
    days = dates_between(date(2013, 3, 22), date(2013, 3, 25))
    run = prefect.start("backfill", first=str(days[0]), last=str(days[-1]))
    with first_part_held(world, days[1]):
        until("the second night is at work", lambda: waits(world), 120)
        made(prefect, run, type="CANCELLED")
    assert prefect.told(run, until="it was set to Cancelled"), "it says why it stopped"
    assert prefect.told(run, until="Finished in state Cancelled"), "its process ends"
    standings = world.platform.store.standings("flight_delay", days[0], days[-1])
    assert publications(world, days) == [days[0]]
    assert not any(standing.held for standing in standings.values())
    assert "1 published now, 0 already, 0 failed, 0 skipped, 3 stopped" in descriptions(prefect, run)
    assert prefect.ask(f"/flow_runs/{run}")["state_name"] == "Cancelled"
    stored = receipts(world, days[1])
    assert stored
    spec = models.model("flight_delay")
    world.platform.backfill(spec).run(
        planned_nights(world.platform.store, spec, days[0], days[-1], Reprocess.FAILED, Order.OLDEST)
    )
    assert publications(world, days) == list(days)
    assert stored <= receipts(world, days[1])


def descriptions(prefect, run: str) -> str:
    found = prefect.ask("/artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run]}}})
    return " ".join(artifact["description"] or "" for artifact in found)


@pytest.mark.parametrize("states", [("PENDING",), ("RUNNING",), ("RUNNING", "CANCELLING")], ids="-".join)
def test_a_platform_that_stops_waits_for_what_may_have_a_process(prefect, states):
    """The run has no deployment, so no worker and no automation touches it meanwhile."""
    api = local_api(prefect.settings)
    before = launch.running_flows(prefect.settings, api)
    flow = prefect.ask("/flows/name/score")["id"]
    run = prefect.ask("/flow_runs/", {"flow_id": flow, "state": {"type": "SCHEDULED"}})["id"]
    try:
        for state in states:
            made(prefect, run, type=state)
        assert launch.running_flows(prefect.settings, api) == before + 1
    finally:
        prefect.client.delete_flow_run(run)
    assert launch.running_flows(prefect.settings, api) == before
