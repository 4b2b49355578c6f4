"""The platform as operators meet it: a real server, a real worker, a real browser."""

import re
import time
from datetime import UTC, date, datetime

import pytest
from harness.held import receipts
from prefect.client.schemas.actions import ArtifactCreate

import models
from nightjar.core.desk.places import run_url
from nightjar.core.night.clock import night_of
from nightjar.showing import markdown
from nightjar.usecases.monitoring.follow_up import FollowUp

pytestmark = [pytest.mark.platform, pytest.mark.timeout(400)]

REFUSE = """
    CREATE FUNCTION nightjar.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'the disk of part % is full', NEW.part; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON nightjar.receipt
        FOR EACH ROW WHEN (NEW.part = 1) EXECUTE FUNCTION nightjar.refuse();
"""
ALLOW = "DROP TRIGGER refuse ON nightjar.receipt; DROP FUNCTION nightjar.refuse();"


def test_a_deployment_leads_to_scheduled_runs(prefect):
    flows = {flow["id"]: flow["name"] for flow in prefect.ask("/flows/filter", {})}
    assert set(flows.values()) == {"features", "score", "monitor", "retrain", "backfill", "repair", "promote"}
    deadline = time.monotonic() + 60  # the scheduler makes its rounds
    scheduled = set()
    while scheduled != {"features", "score", "monitor", "retrain"}:
        assert time.monotonic() < deadline, f"only {scheduled} have scheduled runs"
        runs = prefect.ask(
            "/flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}, "limit": 100}
        )
        scheduled = {flows[run["flow_id"]] for run in runs}
        time.sleep(1)


def test_a_scheduled_run_scores_the_date_its_schedule_means_and_goes_green(prefect, world):
    run = prefect.start("score", scheduled_time="2026-02-27T21:30:00-05:00", report=False)
    ended = prefect.ended(run)
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert ended["name"] == "flight_delay 2013-03-16"
    assert "part 0 flight_delay 2013-03-16" in {task["name"] for task in prefect.tasks(run)}
    assert world.query("SELECT count(*) FROM scores WHERE score_date = '2013-03-16'") == [
        (world.scheduled(date(2013, 3, 16)),)
    ]
    told = prefect.logged(run)
    parts = [line for line in told if "part" in line]
    assert {line["part"] for line in parts} == set(receipts(world, date(2013, 3, 16)))
    assert {(line["model"], line["score_date"]) for line in parts} == {("flight_delay", "2013-03-16")}
    assert {"part_scored", "Finished in state Completed()"} <= {line["event"] for line in parts}
    assert {"night_claimed", "night_published"} <= {line["event"] for line in told}
    left = prefect.artifacts(run)
    assert set(left) - {"backfill-flight-delay"} == {
        "night-flight-delay",
        "drift-flight-delay",
    }  # it may have caught up nights too
    assert "| quarantined | 0 |" in left["night-flight-delay"], "each value has its label"
    night = [line for line in prefect.told(run, until="night_published") if "2013-03-16" in line]
    steps = ("night_claimed", "population", "night_audited", "night_published")
    assert [step for line in night for step in steps if step in line] == list(steps)
    assert sum("part_scored" in line for line in night) == len(receipts(world, date(2013, 3, 16)))


def test_a_failed_run_retried_from_the_ui_redoes_only_the_part_that_failed(
    prefect, world, browsing, done_here
):
    """This process did the run that failed, and a process of the worker does what a person asks for."""
    world.execute(REFUSE)
    try:
        failed = done_here("score", score_date="2013-03-17", report=False)
    finally:
        world.execute(ALLOW)
    assert failed["state_type"] == "FAILED"
    assert "the disk of part 1 is full" in failed["state"]["message"]
    assert world.query("SELECT count(*) FROM scores WHERE score_date = '2013-03-17'") == [(0,)]
    run = failed["id"]
    before = {task["id"] for task in prefect.tasks(run)}
    stored = receipts(world, date(2013, 3, 17))

    with browsing() as page:
        retry(page, prefect, run)

    green = prefect.ended(run, after_runs=1)
    assert (green["state_name"], green["run_count"]) == ("Completed", 2)
    again = {task["name"] for task in prefect.tasks(run) if task["id"] not in before}
    assert {name for name in again if name.startswith("part")} == {"part 1 flight_delay 2013-03-17"}
    after = receipts(world, date(2013, 3, 17))
    assert {part: after[part] for part in stored} == stored
    assert set(after) - set(stored) == {1}
    scored, distinct = world.query(
        "SELECT count(*), count(DISTINCT entity_key) FROM scores WHERE score_date = '2013-03-17'"
    )[0]
    assert scored == distinct == world.scheduled(date(2013, 3, 17))


def retry(page, prefect, run: str) -> None:
    """What an operator does: follow the link of an alert, log in, choose Retry, confirm."""
    refused: list[str] = []
    page.on(
        "console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None
    )
    page.goto(run_url(prefect.base, run))
    page.get_by_role("textbox").fill(prefect.settings.prefect_auth.get_secret_value())
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/runs/flow-run/{run}**")
    page.goto(f"{prefect.base}/runs/flow-run/{run}")
    page.get_by_role("button", name="Retry").first.click()
    # the page asks the server after the click: closed before the answer, it may never have asked
    with page.expect_response(lambda answer: answer.url.endswith(f"/flow_runs/{run}/set_state")) as answered:
        page.get_by_role("dialog").get_by_role("button", name="Retry").click()
    assert answered.value.json()["status"] == "ACCEPT"
    assert not [text for text in refused if "amplitude" not in text], (
        "the pages miss something of the server's own"
    )


@pytest.mark.chaos
def test_two_runs_of_one_night_publish_it_once(prefect, world):
    runs = [
        prefect.start("score", score_date="2013-03-18", report=False),
        prefect.start("backfill", first="2013-03-17", last="2013-03-18", order="newest", parallel=2),
    ]
    assert [prefect.ended(run)["state_name"] for run in runs] == ["Completed", "Completed"]
    assert world.query(
        "SELECT count(*), count(DISTINCT run_id) FROM publications WHERE score_date = '2013-03-18'"
    ) == [(1, 1)]


@pytest.mark.chaos
def test_a_repair_from_the_ui_scores_again_what_came_late(prefect, world):
    spec, day = models.model("flight_delay"), date(2013, 3, 15)
    world.platform.score_night(spec).run(night_of(spec, day))
    lines = (
        (world.home / "data" / "inbox" / "flight_delay" / "schedules" / f"{day}.csv").read_text().splitlines()
    )
    late = world.home / "late.csv"
    late.write_text("\n".join([lines[0], *lines[2:-1], f"# rows={len(lines) - 3}", ""]))
    world.platform.raw.land(spec.dataset("schedules"), day, late, recorded := datetime.now(UTC))
    run = prefect.start("repair", first=str(day), last=str(day))
    ended = prefect.ended(run)
    assert ended["state_name"] == "Completed", ended["state"]["message"]
    assert "part 0 flight_delay 2013-03-15" in {task["name"] for task in prefect.tasks(run)}
    assert f"schedules {recorded:%Y-%m-%d}" in str(prefect.artifacts(run)["late-flight-delay"])
    assert "scores kept" in str(prefect.artifacts(run)["backfill-flight-delay"])
    told = world.query(
        f"SELECT action, left(reason, 13), flow_run FROM publications WHERE score_date = '{day}' ORDER BY "
        "publication_id"
    )
    assert told[1:] == [("publish", "repair of run", run)]
    assert world.query(f"SELECT count(*) FROM scores WHERE score_date = '{day}'") == [(len(lines) - 3,)]


def test_a_night_that_cannot_be_scored_fails_with_its_runbook(prefect, done_here):
    # Nobody was champion by then. To land a year of days for a later date would take half a minute.
    ended = done_here("score", score_date=str(date(2013, 2, 1)), report=False)
    assert ended["state_type"] == "FAILED"
    page = prefect.artifacts(ended["id"])["failure-flight-delay"]
    for told in (ended["state"]["message"], page):
        assert "`nightjar score --model flight_delay --date 2013-02-01 --version NUMBER`" in told
        assert "runbooks/no-champion.md" in told
    assert "## Fix" in page
    linked = set(re.findall(r"\(/artifacts/artifact/([0-9a-f-]{36})\)", page))
    assert linked
    assert all("## Fix" in prefect.ask(f"/artifacts/{each}")["data"] for each in linked)


def test_a_monitoring_run_shows_what_published_nights_lack(prefect, done_here, monkeypatch):
    lacks = {date(2013, 3, 4): ("drift: the sample is gone", "reasons: killed: no memory")}
    monkeypatch.setattr(FollowUp, "catch_up", lambda *_: lacks)
    ended = done_here("monitor", today="2013-02-28")
    assert ended["state_type"] == "COMPLETED"
    shown = prefect.left(ended["id"], "lacks-flight-delay")
    assert "| 2013-03-04 | drift | the sample is gone |" in shown
    assert "| 2013-03-04 | reasons | killed: no memory |" in shown


LONG = "a note that is longer than any line of a table: " + "and so on, " * 20 + "to its end"
HOSTILE = "<b>broken</b> [here](javascript:alert(1))"


@pytest.fixture(scope="module")
def page(prefect, browsing):
    """A browser in which a person has logged in."""
    with browsing() as page:
        prefect.log_in(page)
        yield page


@pytest.mark.chaos  # tests/showing/test_markdown.py holds the text to what the pages of Prefect make of it
def test_in_the_ui_no_value_lacks_its_label_and_no_note_is_cut_off(prefect, page):
    page.goto(
        address(prefect, markdown.table(("what", "note"), [("quarantined", "12 rows"), (HOSTILE, LONG)]))
    )
    row = page.get_by_role("row").filter(has_text="quarantined")
    row.wait_for()
    assert row.get_by_role("cell").all_inner_texts() == ["quarantined", "12 rows"]
    assert " ".join(page.get_by_role("row").last.inner_text().split()) == f"{HOSTILE} {LONG}"
    assert page.get_by_role("row").get_by_role("link").count() == 0
    assert page.evaluate("(box => box.scrollWidth <= box.clientWidth)(document.querySelector('.p-table'))")


@pytest.mark.chaos  # likewise
def test_in_the_ui_a_runbook_breaks_no_sentence_and_its_links_lead_to_pages(prefect, page):
    from flows.showing import with_runbook

    page.goto(address(prefect, with_runbook(prefect.client, "It broke.", "no-population")))
    two_lines = "as-of does not count. If the text says that rows landed, the file is there, but"
    page.get_by_text(two_lines).wait_for()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="bad-delivery").first.click()
    opened.value.get_by_role("heading", name="Fix").first.wait_for()


def address(prefect, text: str) -> str:
    """Where the UI shows an artifact with this text."""
    made = prefect.client.create_artifact(ArtifactCreate(key="left-by-a-test", type="markdown", data=text))
    return f"{prefect.base}/artifacts/artifact/{made.id}"
