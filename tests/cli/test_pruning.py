"""Pruning and rolling back as an operator does it: a real night, a run that failed long ago, what analysts
see.
"""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import psycopg
import pytest
from typer.testing import CliRunner

from nightjar.cli import app
from nightjar.core.night.claim import Request
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import Part, Population, RunState
from nightjar.core.night.part_rows import SCORES

NIGHT = date(2013, 3, 11)
ONLY = "--version", 1, "--reason", "the only one"
"""The champion was trained later, so a person has to name it."""
UNPUBLISHED = date(2013, 2, 11)
LONG_AGO = 1_000_000_000
SHOWN = f"SELECT run_id, count(*), sum(score) FROM scores WHERE score_date = '{NIGHT}' GROUP BY run_id"


@pytest.fixture
def failed(world, tmp_path):
    """A run that stored a row and failed long ago, in a month of its own; its population's file is as old."""
    import models

    spec, platform = models.model("flight_delay"), world.platform
    file = tmp_path / "population.parquet"
    file.write_text("a population that nobody needs")
    uri, sha256 = platform.artifacts.put("population", file)
    os.utime(platform.artifacts.local_path(uri), (LONG_AGO, LONG_AGO))
    champion = platform.registry.holder(spec.name, "champion")
    with platform.store.night(night_of(spec, UNPUBLISHED), champion, None, Request()) as claimed:
        run = platform.store.record_population(
            claimed.run, Population(uri=uri, sha256=sha256, rows=2, parts=2)
        )
        row = {
            "entity_key": ["a"],
            "score": [0.5],
            "outputs": [None],
            "challenger_score": [None],
            "challenger_outputs": [None],
            "arm": [None],
            "carried_from": [None],
        }
        aside = pl.DataFrame(schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String})
        platform.store.write_part(
            run, Part(number=0, start=0, stop=1), pl.DataFrame(row, schema=SCORES), aside
        )
        platform.store.fail(run, "it broke")
    world.execute(
        f"UPDATE nightjar.run SET claimed_at = '2001-09-09', ended_at = '2001-09-09' WHERE id = {run.id}"
    )
    return run


def test_pruning_shows_what_would_go_and_removes_it_when_told_to(run, world, failed):
    run("score", "--date", NIGHT, *ONLY)
    before = world.query(SHOWN)
    month = f"SELECT to_regclass('nightjar.score_{UNPUBLISHED:%Y_%m}') IS NOT NULL"
    foreseen = run("prune")
    assert "nothing was changed" in foreseen
    assert world.query(month, "owner") == [(True,)]

    done = run("prune", "--apply")
    for kind in ("runs", "score", "receipt", "months of scores", "population"):
        assert kind in foreseen
        assert kind in done
    assert world.platform.store.run(failed.id).state is RunState.PRUNED
    assert world.platform.artifacts.local_path(failed.population.uri).exists() is False
    assert world.query(month, "owner") == [(False,)]
    assert world.query(SHOWN) == before
    assert "nothing to remove" in run("prune")


def test_bad_deliveries_are_pruned_once_they_are_settled_and_old(run, world, tmp_path):
    import models

    dataset, raw = models.model("flight_delay").dataset("weather"), world.platform.raw
    refused = world.home / "data" / "refused"
    of_others = set(refused.rglob("*.*"))
    for day in (date(2013, 1, 5), date(2013, 1, 6)):
        file = tmp_path / f"{day}.csv"
        file.write_text(f"cut off on {day}")
        raw.receive(dataset, day, file, datetime(2013, 2, 1, tzinfo=UTC))
    raw.settle(dataset.name, date(2013, 1, 5))
    for path in set(refused.rglob("*.*")) - of_others:
        os.utime(path, (LONG_AGO, LONG_AGO))
    assert "copies of delivered files         2" in run("prune", "--apply")
    [left] = raw.refused(dataset.name)
    assert (left.day, Path(left.kept).read_text()) == (date(2013, 1, 6), "cut off on 2013-01-06")
    raw.settle(dataset.name, left.day)
    assert "nothing to remove" in run("prune"), "its age counts from the day on which it was settled"


def test_a_night_is_rolled_back_and_the_ledger_says_why(run, world):
    run("score", "--date", NIGHT, *ONLY)
    ((first, *_),) = world.query(SHOWN)
    run("score", "--date", NIGHT, "--force", *ONLY)
    ((second, *_),) = world.query(SHOWN)
    assert f"analysts see run {first} of flight_delay {NIGHT} since" in run(
        "rollback", "--date", NIGHT, "--to-run", first, "--reason", "it was right"
    )
    assert world.query(SHOWN)[0][0] == first
    assert "already" in run("rollback", "--date", NIGHT, "--to-run", first, "--reason", "it was right")
    ledger = world.query(
        f"SELECT run_id, action, reason, actor FROM publications WHERE score_date = '{NIGHT}' ORDER BY "
        "publication_id DESC LIMIT 2"
    )
    assert ledger == [
        (first, "rollback", "it was right", "nightjar_writer"),
        (second, "publish", "the only one", "nightjar_writer"),
    ]


def test_a_worker_may_not_prune(world):
    url = world.platform.url("writer")
    refused = CliRunner(
        env={
            "NIGHTJAR_DATABASE_URL": url,
            "NIGHTJAR_WRITER_PASSWORD": psycopg.conninfo.conninfo_to_dict(url)["password"],
        }
    )
    with pytest.raises(Exception, match="nightjar_writer is not") as error:
        refused.invoke(app, ["prune"], catch_exceptions=False)
    assert error.value.exit_code == 33
