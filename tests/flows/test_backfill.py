"""Backfills and catching up as operators meet them: processes that overlap and die, and a schedule that
comes back after an outage.
"""

import subprocess
import sys
import time
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pytest

import models
from nightjar.core.night.clock import as_of, dates_between, night_of
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.usecases.scoring.backfill import missed_nights, planned_nights

NIGHTJAR = Path(sys.executable).with_name("nightjar")
SPEC = models.model("flight_delay")

REFUSE = """
    CREATE FUNCTION nightjar.refuse_night() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'this night is refused'; END $$;
    CREATE TRIGGER refuse_night BEFORE INSERT ON nightjar.publication
        FOR EACH ROW WHEN (NEW.score_date = '{day}') EXECUTE FUNCTION nightjar.refuse_night();
"""
ALLOW = "DROP TRIGGER refuse_night ON nightjar.publication; DROP FUNCTION nightjar.refuse_night();"


@contextmanager
def refused(world, day):
    world.execute(REFUSE.format(day=day))
    try:
        yield
    finally:
        world.execute(ALLOW)


def hashes(world, days):
    """Of what analysts see of each night."""
    return dict(
        world.query(f"""
            SELECT score_date, md5(string_agg(entity_key || ' ' || score, ',' ORDER BY entity_key))
                FROM scores
            WHERE score_date BETWEEN '{days[0]}' AND '{days[-1]}' GROUP BY score_date
        """)
    )


def followed_up(world, days):
    """Of each published night whether it was compared with the training sample and measured."""
    return dict(
        world.query(f"""
            SELECT score_date, (SELECT count(*) FROM drift WHERE drift.run_id = publications.run_id) >= 38
                AND EXISTS (
                SELECT FROM nightly_performance AS measured WHERE measured.run_id = publications.run_id
                    AND with_outcome = rows)
            FROM publications WHERE is_current AND score_date BETWEEN '{days[0]}' AND '{days[-1]}'
        """)
    )


def publications(world, days):
    return world.query(
        f"SELECT score_date, run_id, published_at FROM publications WHERE score_date BETWEEN '{days[0]}' "
        f"AND '{days[-1]}' ORDER BY 1, 3"
    )


def until(truth, timeout_s=90):
    deadline = time.monotonic() + timeout_s
    while not truth():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)


def backfill(world, days, order, *, reprocess=Reprocess.FAILED, parallel=1, **options):
    nights = planned_nights(world.platform.store, SPEC, days[0], days[-1], reprocess, order)
    return world.platform.backfill(SPEC, parallel=parallel).run(nights, **options)


@pytest.mark.chaos
@pytest.mark.timeout(200)
def test_two_backfills_of_one_range_publish_each_night_once_though_one_is_killed(world):
    """And order, threads and the process that did it change no score."""
    days = dates_between(date(2013, 4, 7), date(2013, 4, 11))
    world.platform.prepare(SPEC).ready(as_of(SPEC, days[-1]))
    first = subprocess.Popen(
        [NIGHTJAR, "backfill", "--from", str(days[0]), "--to", str(days[-1])],
        env=world.env(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: publications(world, days))

    @contextmanager
    def killing(what, total):
        """As soon as this process has scored its first night too."""

        def advance(steps=1):
            first.kill()
            first.wait(10)

        yield advance

    summary = backfill(world, days, Order.NEWEST, parallel=2, progress=killing)
    assert not summary.failed
    assert first.returncode == -9, "it was to be killed in the middle"
    once = publications(world, days)
    assert [score_date for score_date, *_ in once] == list(days)
    seen = hashes(world, days)
    assert followed_up(world, days) == dict.fromkeys(days, True)

    again = backfill(world, days, Order.OLDEST)
    assert (len(again.nights), len(again.left)) == (0, len(days))
    assert publications(world, days) == once

    redone = backfill(world, days, Order.OLDEST, reprocess=Reprocess.ALL)
    assert len(redone.published_now) == len(days)
    assert hashes(world, days) == seen


def test_a_dry_run_lists_what_would_be_done_and_does_nothing(world):
    days = dates_between(date(2013, 5, 1), date(2013, 5, 3))
    hold_back(world, days[1], "AuditFailed: [odd] scores")
    listed = world.command(
        "backfill", "--from", str(days[0]), "--to", str(days[-1]), "--order", "newest", "--dry-run"
    )
    assert listed.returncode == 0, listed.stderr
    lines = [" ".join(line.split()) for line in listed.stdout.splitlines()]
    assert lines[2:] == [
        "2013-05-03 never attempted scored",
        "2013-05-02 held back scored AuditFailed: [odd] scores",
        "2013-05-01 never attempted scored",
        "3 of 3 nights would be scored",
    ]
    assert not publications(world, days)


def hold_back(world, day, error=None):
    """A night whose run ended with an error; without one, in the middle."""
    store, champion = world.platform.store, world.platform.registry.holder(SPEC.name, "champion")
    with store.night(night_of(SPEC, day), champion, None) as claimed:
        if error is not None:
            store.fail(claimed.run, error)


@pytest.mark.chaos
@pytest.mark.platform
@pytest.mark.timeout(400)
def test_a_schedule_that_comes_back_scores_what_it_missed_before_its_own_night(prefect, world):
    held, published, missed, dead, refused_day, own = dates_between(date(2013, 4, 1), date(2013, 4, 6))
    start = "2026-03-20T21:30:00-04:00"
    for day in (date(2013, 3, 30), date(2013, 3, 31), held):
        hold_back(world, day, "AuditFailed: odd")
    world.platform.prepare(SPEC).ready(as_of(SPEC, own))
    assert not backfill(world, [published], Order.OLDEST).failed
    hold_back(world, dead)
    with refused(world, refused_day):
        run = prefect.start("score", scheduled_time=start, report=False)
        ended = prefect.ended(run)
    assert ended["state_type"] == "FAILED"
    assert "this night is refused" in ended["state"]["message"]
    assert [score_date for score_date, *_ in by_instant(world, held, own)] == [published, missed, dead, own]
    told = prefect.artifacts(run)["backfill-flight-delay"]
    assert "this night is refused" in told
    assert "night-flight-delay" in prefect.artifacts(run)

    assert not missed_nights(world.platform.store, SPEC, datetime.fromisoformat(start)), (
        "what failed for a reason that stays waits for a person"
    )


def by_instant(world, first, last):
    return sorted(publications(world, (first, last)), key=lambda row: row[2])
