"""The platform as operators meet it: a real server, a real worker, a real browser."""

import time
from datetime import UTC, date, datetime
from typing import Any

import pytest
from harness.held import receipts

import models
from nightjar.core.night import night_of

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

REFUSE = """
    CREATE FUNCTION nightjar.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk of part % is full', NEW.part; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON nightjar.receipt FOR EACH ROW WHEN (NEW.part = 1) EXECUTE FUNCTION nightjar.refuse();
"""
ALLOW = "DROP TRIGGER refuse ON nightjar.receipt; DROP FUNCTION nightjar.refuse();"


def test_a_deployment_leads_to_scheduled_runs(prefect):
    flows = {flow["id"]: flow["name"] for flow in prefect.ask("/flows/filter", {})}
    assert set(flows.values()) == {"features", "score", "monitor", "retrain", "backfill", "repair"}
    deadline = time.monotonic() + 60  # the scheduler makes its rounds
    scheduled = set()
    while scheduled != {"features", "score", "monitor", "retrain"}:
        assert time.monotonic() < deadline, f"only {scheduled} have scheduled runs"
        runs = prefect.ask("/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 100})
        scheduled = {flows[run["flow_id"]] for run in runs}
        time.sleep(1)


def test_a_scheduled_run_scores_the_date_its_schedule_means_and_goes_green(prefect, world):
    run = prefect.start("score", scheduled_time="2026-03-15T21:30:00-04:00", report=False)
    ended = prefect.ended(run)
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert ended["name"] == "flight_delay 2013-03-16"
    assert "part 0 flight_delay 2013-03-16" in {task["name"] for task in prefect.tasks(run)}
    assert world.query("SELECT count(*) FROM scores WHERE score_date = '2013-03-16'") == [(world.scheduled(date(2013, 3, 16)),)]
    told = prefect.logged(run)
    parts = [line for line in told if "part" in line]
    assert {line["part"] for line in parts} == set(receipts(world, date(2013, 3, 16)))
    assert {(line["model"], line["score_date"]) for line in parts} == {("flight_delay", "2013-03-16")}
    assert {"part_scored", "Finished in state Completed()"} <= {line["event"] for line in parts}
    assert {"night_claimed", "night_published"} <= {line["event"] for line in told}
    assert set(prefect.artifacts(run)) - {"backfill-flight-delay"} == {"night-flight-delay", "drift-flight-delay"}  # it may have caught up nights too


def test_a_failed_run_retried_from_the_ui_redoes_only_the_part_that_failed(prefect, world, browsing):
    world.execute(REFUSE)
    try:
        run = prefect.start("score", score_date="2013-03-17", report=False)
        failed = prefect.ended(run)
    finally:
        world.execute(ALLOW)
    assert failed["state_type"] == "FAILED"
    assert "the disk of part 1 is full" in failed["state"]["message"]
    assert world.query("SELECT count(*) FROM scores WHERE score_date = '2013-03-17'") == [(0,)]
    before = {task["id"] for task in prefect.tasks(run)}
    stored = dict(
        world.query("SELECT part, stored_at FROM nightjar.receipt JOIN nightjar.run ON id = run_id WHERE score_date = '2013-03-17'", "owner")
    )

    with browsing() as page:
        retry(page, prefect.base, run, prefect.settings.prefect_auth.get_secret_value())

    green = prefect.ended(run, after_runs=1)
    assert (green["state_name"], green["run_count"]) == ("Completed", 2)
    again = {task["name"] for task in prefect.tasks(run) if task["id"] not in before}
    assert {name for name in again if name.startswith("part")} == {"part 1 flight_delay 2013-03-17"}
    after = dict(
        world.query("SELECT part, stored_at FROM nightjar.receipt JOIN nightjar.run ON id = run_id WHERE score_date = '2013-03-17'", "owner")
    )
    assert {part: after[part] for part in stored} == stored
    assert set(after) - set(stored) == {1}
    scored, distinct = world.query("SELECT count(*), count(DISTINCT entity_key) FROM scores WHERE score_date = '2013-03-17'")[0]
    assert scored == distinct == world.scheduled(date(2013, 3, 17))


def retry(page: Any, base: str, run: str, auth: str) -> None:
    """What an operator does: log in, open the failed run, choose Retry, confirm."""
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto(base)
    page.get_by_role("textbox").fill(auth)
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard**")
    page.goto(f"{base}/runs/flow-run/{run}")
    page.get_by_role("button", name="Retry").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    page.get_by_text("Flow run has been").or_(page.get_by_text("Retry")).first.wait_for()
    page.wait_for_timeout(1000)
    assert not [text for text in refused if "amplitude" not in text], "the pages miss something of the server's own"


def test_two_runs_of_one_night_publish_it_once(prefect, world):
    runs = [
        prefect.start("score", score_date="2013-03-18", report=False),
        prefect.start("backfill", first="2013-03-17", last="2013-03-18", order="newest", parallel=2),
    ]
    assert [prefect.ended(run)["state_name"] for run in runs] == ["Completed", "Completed"]
    assert world.query("SELECT count(*), count(DISTINCT run_id) FROM publications WHERE score_date = '2013-03-18'") == [(1, 1)]


def test_a_repair_from_the_ui_scores_again_what_came_late(prefect, world):
    spec, day = models.model("flight_delay"), date(2013, 3, 15)
    world.platform.score_night(spec).run(night_of(spec, day))
    lines = (world.home / "data" / "inbox" / "flight_delay" / "schedules" / f"{day}.csv").read_text().splitlines()
    late = world.home / "late.csv"
    late.write_text("\n".join([lines[0], *lines[2:-1], f"# rows={len(lines) - 3}", ""]))
    world.platform.raw.land(spec.dataset("schedules"), day, late, recorded := datetime.now(UTC))
    run = prefect.start("repair", first=str(day), last=str(day))
    ended = prefect.ended(run)
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert "part 0 flight_delay 2013-03-15" in {task["name"] for task in prefect.tasks(run)}
    assert f"schedules {recorded:%Y-%m-%d}" in str(prefect.artifacts(run)["late-flight-delay"])
    assert "scores kept" in str(prefect.artifacts(run)["backfill-flight-delay"])
    told = world.query(f"SELECT action, left(reason, 13), flow_run FROM publications WHERE score_date = '{day}' ORDER BY publication_id")
    assert told[1:] == [("publish", "repair of run", run)]
    assert world.query(f"SELECT count(*) FROM scores WHERE score_date = '{day}'") == [(len(lines) - 3,)]


def test_a_night_that_cannot_be_scored_fails_with_its_runbook(prefect):
    run = prefect.start("score", score_date=str(date(2014, 6, 1)), report=False)
    ended = prefect.ended(run)
    assert ended["state_type"] == "FAILED"
    assert "runbooks/no-population.md" in ended["state"]["message"]
    assert "## Fix" in prefect.artifacts(run)["failure-flight-delay"]
