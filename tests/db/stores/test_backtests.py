"""Every adapter of the port keeps steps of backtests as they were given."""

from datetime import UTC, date, datetime

import psycopg
import pytest

from db.session import make_engine
from db.stores.backtests import PostgresBacktests
from db.stores.holdings import PostgresHoldings
from nightjar.core.lifecycle.backtest import NightMetric, StepDone, Who
from nightjar.core.lifecycle.walk import Plan
from nightjar.testing.backtests import MemoryBacktests
from nightjar.testing.versions import toy_version

PLAN = Plan(model="toy", first=date(2013, 6, 1), last=date(2013, 6, 2), retrain="daily")
KNOWN_AT = datetime(2013, 5, 31, 21, tzinfo=UTC)


def step(number=1, **changes):
    day = date(2013, 6, number)
    fields = {"number": number, "known_at": KNOWN_AT, "first": day, "last": day, "decision": "promoted"}
    return StepDone(**fields | {"champion": 1, "versions": (toy_version(),)} | changes)


def night(value):
    return NightMetric(
        score_date=date(2013, 6, 1), predictor=Who.NEVER_RETRAINED, metric="auc", value=value, rows=3
    )


@pytest.fixture(params=["memory", "postgres"])
def store(request, make):
    if request.param == "memory":
        return MemoryBacktests()
    return PostgresBacktests(request.getfixturevalue("on_postgres").store.engine)


@pytest.fixture
def plan(make):
    return PLAN.model_copy(update={"model": make.model})


def test_steps_come_back_as_they_were_given(store, plan):
    store.add_step(plan.model, plan, step(2), [])
    store.add_step(plan.model, plan, step(1, versions=(), scores_uri=None), [])
    assert store.steps(plan.model) == (step(1, versions=()), step(2))
    assert store.steps("another") == ()


def test_a_step_that_is_stored_stays_as_it_is(store, plan):
    store.add_step(plan.model, plan, step(), [])
    store.add_step(plan.model, plan, step(decision="another"), [])
    assert store.steps(plan.model) == (step(),)


def test_the_newest_backtest_is_the_one_whose_step_was_stored_last(store, plan):
    assert store.newest(plan.model) is None
    weekly = plan.model_copy(update={"retrain": "weekly", "despite_gates": True})
    store.add_step(f"{plan.model} a", plan, step(1), [])
    store.add_step(f"{plan.model} b", weekly, step(1), [])
    assert store.newest(plan.model) == (f"{plan.model} b", weekly)
    store.add_step(f"{plan.model} a", plan, step(2), [])
    assert store.newest(plan.model) == (f"{plan.model} a", plan)


def test_analysts_see_what_was_measured_of_a_backtest_and_no_published_score(
    on_postgres, database, make, plan
):
    stored = step(scores_uri="/scores", scores_sha256="0" * 64)
    PostgresBacktests(on_postgres.store.engine).add_step(plan.model, plan, stored, [night(0.7), night(None)])
    with psycopg.connect(database.url("analyst"), row_factory=psycopg.rows.dict_row) as analyst:
        rows = analyst.execute("SELECT * FROM backtests WHERE model = %s", [plan.model]).fetchall()
        scores = analyst.execute("SELECT * FROM scores WHERE model = %s", [plan.model]).fetchall()
    told = ("predictor", "metric", "value", "rows", "version", "retrain", "decision")
    assert [tuple(row[name] for name in told) for row in rows] == [
        ("champion never retrained", "auc", 0.7, 3, 1, "daily", "promoted"),
        ("champion never retrained", "auc", None, 3, 1, "daily", "promoted"),
    ]
    assert scores == []


def test_files_of_a_backtest_are_kept_from_retention(on_postgres, database, plan):
    stored = step(scores_uri="/scores", scores_sha256="0" * 64)
    PostgresBacktests(on_postgres.store.engine).add_step(plan.model, plan, stored, [])
    owner = make_engine(database.url("owner"))
    named = {named.uri for named in PostgresHoldings(owner).named()}
    owner.dispose()
    assert {"/scores", "file:///artifact"} <= named
