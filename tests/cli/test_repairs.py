"""Late data and set-aside rows as an operator meets them: real files, a real night, what analysts see
before and after.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from threading import Barrier

import pytest

import models
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.clock import night_of

NIGHT, TWICE = date(2013, 3, 9), date(2013, 3, 12)
ONLY = "--version", 1, "--reason", "the only one"
"""The champion was trained later, so a person has to name it."""
SCORES = (
    "SELECT entity_key, score, run_id, scored_by_run, model_version FROM scores WHERE score_date = "
    f"'{NIGHT}' ORDER BY 1"
)

FOLLOWED_UP = f"""
    SELECT EXISTS (SELECT FROM drift WHERE run_id = current.run_id), EXISTS (SELECT FROM nightly_performance
        WHERE run_id = current.run_id)
    FROM publications AS current WHERE is_current AND score_date = '{NIGHT}'"""
"""Whether what analysts see was compared with the training sample, and measured."""


@pytest.fixture
def delivered(world, tmp_path):
    """delivered(change, day): a day's schedule, its lines changed, as a file to land."""

    def make(change, day=NIGHT):
        lines = (
            (world.home / "data" / "inbox" / "flight_delay" / "schedules" / f"{day}.csv")
            .read_text()
            .splitlines()[:-1]
        )
        lines = [lines[0], *change([line.split(",") for line in lines[1:]])]
        file = tmp_path / "schedule.csv"
        file.write_text(
            "\n".join(",".join(line) if isinstance(line, list) else line for line in lines)
            + f"\n# rows={len(lines) - 1}\n"
        )
        return file

    return make


def moved(line, day=NIGHT):
    """The same departure, late in the evening."""
    return [*line[:5], f"{day}T23:40:00Z", str(18 * 60 + 40), str(22 * 60), line[8]]


def test_a_correction_a_broken_row_and_its_mending_each_touch_only_their_rows(run, world, delivered):
    run("score", "--date", NIGHT, *ONLY)
    first = world.query(SCORES)
    assert "no published night is touched" in run("late", "--from", NIGHT)

    run("land", "schedules", NIGHT, delivered(lambda rows: [moved(rows[0]), *rows[2:]]))
    shown = run("late", "--from", NIGHT, "--entities")
    gone, changed = f"{first[1][0]}", f"{first[0][0]}"
    assert gone in shown
    assert changed in shown
    recorded = world.platform.raw.recorded("schedules")[NIGHT][-1]
    assert f"schedules {recorded:%Y-%m-%d %H:%M}" in shown
    assert world.query(SCORES) == first
    assert "revision 2 published" in run("late", "--from", NIGHT, "--rescore")
    assert world.query(FOLLOWED_UP) == [(True, True)]
    second = world.query(SCORES)
    assert {row[0] for row in first} - {row[0] for row in second} == {gone}
    before = {row[0]: row[1] for row in first}
    touched = [row for row in second if row[3] == row[2]]
    assert changed in {row[0] for row in touched}
    assert all(row[1] == before[row[0]] for row in second if row[3] != row[2])
    assert "no published night is touched" in run("late", "--from", NIGHT)
    with pytest.raises(BadSettings, match="changed nothing"):
        run("score", "--date", NIGHT, "--known-at", "2013-03-20T00:00:00")
    told = world.query(
        f"SELECT action, reason FROM publications WHERE score_date = '{NIGHT}' ORDER BY publication_id"
    )
    assert [(action, (reason or "")[:13]) for action, reason in told] == [
        ("publish", "the only one"),
        ("publish", "repair of run"),
    ]
    assert (
        world.query(
            SCORES.replace("FROM scores", "FROM scores_history").replace(
                "WHERE", "WHERE visible_until IS NOT NULL AND"
            )
        )
        == first
    )

    run("land", "schedules", NIGHT, delivered(lambda rows: [[*rows[0][:4], "???", *rows[0][5:]], *rows[2:]]))
    assert "1 set aside" in run("late", "--from", NIGHT, "--rescore")
    listed = run("quarantine", "list", "--date", NIGHT).splitlines()
    assert [line.split()[-3:] for line in listed if "???" in line] == [["dest", listed[2].split()[-2], "???"]]
    assert listed[1].split()[-3:] == ["column", "check", "value"]
    aside = json.loads(run("explain", NIGHT, listed[2].split()[3], "--json"))
    assert (aside["standing"], aside["score"], aside["broken"][0]["column"]) == ("quarantined", None, "dest")
    explained = run("explain", "flight_delay", NIGHT, f"{first[2][0]}")
    assert "raw score" in explained
    assert explained.count("publish") >= 3
    assert "schedules" in explained
    assert "`nightjar quarantine replay --model flight_delay --date YYYY-MM-DD`" in listed[-1]
    assert (
        json.loads(world.query(f"SELECT reasons::text FROM quarantine WHERE score_date = '{NIGHT}'")[0][0])[
            0
        ]["column"]
        == "dest"
    )

    assert "nothing to mend; run" in run("quarantine", "replay", "--date", NIGHT)
    assert world.query(f"SELECT count(*) FROM publications WHERE score_date = '{NIGHT}'") == [(3,)]
    run("land", "schedules", NIGHT, delivered(lambda rows: [moved(rows[0]), *rows[2:]]))
    replayed = run("quarantine", "replay", "--date", NIGHT)
    assert "0 set aside" in replayed
    assert world.query(FOLLOWED_UP) == [(True, True)]
    run("rollback", "--date", NIGHT, "--to-run", second[0][2], "--reason", "it was right")
    assert world.query(FOLLOWED_UP) == [(True, True)]
    assert world.query(SCORES) == second
    run(
        "rollback",
        "--date",
        NIGHT,
        "--to-run",
        world.query(f"SELECT max(run_id) FROM runs WHERE score_date = '{NIGHT}'")[0][0],
        "--reason",
        "no",
    )
    assert {row[0]: row[1] for row in world.query(SCORES)} == {row[0]: row[1] for row in second}
    assert "no row is set aside" in run("quarantine", "list", "--date", NIGHT)


def test_a_night_that_is_not_there_has_nothing_set_aside(run):
    assert "no night of 2013-01-02 was begun" in run("quarantine", "list", "--date", "2013-01-02")
    assert "no night of 2013-01-02 was begun" in run("quarantine", "replay", "--date", "2013-01-02")


@pytest.mark.chaos  # a whole night; tests/usecases/scoring/test_repair.py has the decision after a wait
def test_two_repairs_at_once_publish_one_revision(run, world, delivered):
    """Both have looked at the night before either has claimed it; the one that waited looks again."""
    run("score", "--date", TWICE, *ONLY)
    run("land", "schedules", TWICE, delivered(lambda rows: [moved(rows[0], TWICE), *rows[1:]], TWICE))
    spec, store, looked = models.model("flight_delay"), world.platform.store, Barrier(2)
    known = world.platform.prepare(spec).corrected()

    class AfterBothLooked:
        def __getattr__(self, name):
            return getattr(store, name)

        def night(self, *args, **kwargs):
            looked.wait(120)
            return store.night(*args, **kwargs)

    scoring = replace(world.platform.score_night(spec), store=AfterBothLooked())
    with ThreadPoolExecutor(2) as pool:
        ended = [
            pool.submit(scoring.run, night_of(spec, TWICE), repair=True, known_at=known, wait_s=120)
            for _ in range(2)
        ]
    assert sorted(night.result().already_published for night in ended) == [False, True]
    assert len({night.result().run_id for night in ended}) == 1
    assert world.query(f"SELECT revision, state FROM runs WHERE score_date = '{TWICE}' ORDER BY 1") == [
        (1, "published"),
        (2, "published"),
    ]
