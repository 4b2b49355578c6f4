"""Stages of runs, on Postgres and in memory: those of a part come with its receipt, or not at all."""

import re

import psycopg
import pytest

from nightjar.core.errors.inputs import ContractBroken
from nightjar.wiring.settings import PROJECT

PAGE = (PROJECT / "docs" / "telemetry.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, flags=re.DOTALL)


def names(stores, run):
    return [(part, stage.stage) for part, stage in stores.stages.stages(run.id)]


@pytest.fixture
def claimed(stores, make):
    with stores.claim() as claimed:
        yield stores.store.record_population(claimed.run, make.population(2))


def test_the_stages_of_a_part_are_stored_with_its_receipt(stores, make, claimed):
    with stores.meter(claimed, 0) as stages:
        with stages("retrieval") as tell:
            tell(rows=2, size=640)
        stores.store.write_part(claimed, make.part(0, 2), make.scores("a"), make.quarantined("b"), stages)
    (retrieval, write) = [stage for _, stage in stores.stages.stages(claimed.id)]
    assert names(stores, claimed) == [(0, "retrieval"), (0, "write")]
    assert (retrieval.rows, retrieval.size, retrieval.quarantined) == (2, 640, None)
    assert (write.rows, write.quarantined) == (2, 1)
    assert write.size > 0
    assert retrieval == stages.ended[0]


def test_a_part_that_is_written_again_keeps_the_stages_of_the_first(stores, make, claimed):
    for _ in range(2):
        with stores.meter(claimed, 0) as stages:
            stores.store.write_part(
                claimed, make.part(0, 2), make.scores("a", "b"), make.quarantined(), stages
            )
    assert names(stores, claimed) == [(0, "write")]


def test_a_part_that_is_refused_leaves_no_stage(stores, make, claimed):
    broken = make.scores("a", "b", score=7.0)
    with pytest.raises(ContractBroken), stores.meter(claimed, 0) as stages:
        stores.store.write_part(claimed, make.part(0, 2), broken, make.quarantined(), stages)
    assert names(stores, claimed) == []
    assert stores.store.receipts(claimed) == ()


def test_a_run_as_a_whole_may_repeat_a_stage(stores, claimed):
    for _ in range(2):
        with stores.meter(claimed) as stages, stages("drift"):
            pass
    assert names(stores, claimed) == [(None, "drift"), (None, "drift")]


def test_analysts_read_stages_of_every_run_and_sums_of_what_is_published(on_postgres, database, make):
    run, _ = on_postgres.publish()
    with on_postgres.meter(run) as stages, stages("publish") as tell:
        tell(rows=5)
    with on_postgres.claim(make.day.replace(day=16)) as claimed:
        with on_postgres.meter(claimed.run) as stages, stages("audit"):
            pass
        with psycopg.connect(database.url("analyst")) as analyst:
            every = analyst.execute("SELECT run_id, part, stage, state FROM stages ORDER BY started_at")
            assert every.fetchall() == [
                (run.id, 0, "write", "published"),
                (run.id, None, "publish", "published"),
                (run.id, None, "publish", "published"),
                (claimed.run.id, None, "audit", "claimed"),
            ]
            summed = analyst.execute("SELECT stage, times, rows, errors FROM stage_nights ORDER BY stage")
            assert summed.fetchall() == [("publish", 2, 5, 0), ("write", 1, 2, 0)]


@pytest.mark.parametrize("query", QUERIES)
def test_each_query_of_the_page_runs_as_an_analyst(published, query):
    with psycopg.connect(published.url("analyst")) as analyst:
        analyst.execute(query)


def test_the_page_has_queries():
    assert len(QUERIES) >= 4
