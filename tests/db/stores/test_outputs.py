"""Several numbers a row are stored to the bit, told by name, and refused if their version has none such."""

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import errors

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.night.claim import Request

CLASSES = ("on time", "late", "cancelled")
GIVES = {
    "multiclass": {"classes": CLASSES, "outputs": CLASSES},
    "regression": {"outputs": ("low", "high"), "calibration": (-1.0, 2.0)},
}


def claim(stores, make, kind, day=None):
    version = stores.registry.add_version(make.candidate(stores.registry, kind=kind, **GIVES[kind]))
    night = make.night() if day is None else make.night(day)
    return stores.store.night(night, version, None, Request(force=True))


def write(stores, make, run, outputs, score):
    rows = make.scores("a", score=score, outputs=outputs)
    return stores.store.write_part(run, make.part(0, 1), rows, make.quarantined())


@pytest.mark.parametrize(
    ("kind", "outputs", "score"),
    [("multiclass", [0.1, 2 / 3, 0.7 / 3], 2 / 3), ("regression", [-1e300, 1 / 3], 0.1)],
)
def test_outputs_come_back_to_the_bit(stores, make, kind, outputs, score):
    with claim(stores, make, kind) as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        write(stores, make, run, outputs, score)
        stores.store.publish(run)
    assert stores.store.published_scores(run)["outputs"].to_list() == [outputs]
    assert stores.store.scores_for(run, pl.Series(["a"])).rows() == [("a", score, outputs, None, None, None)]
    assert stores.outcomes.scored(make.model, make.day).rows() == [("a", score, outputs, *[None] * 4)]
    wanted = {"late": 1} if kind == "multiclass" else {}
    assert stores.store.distribution(run).classes == wanted


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [
        ("multiclass", None),
        ("multiclass", [0.5, 0.5]),
        ("multiclass", [0.5, 0.4, 0.2]),
        ("multiclass", [0.6, 0.3, 0.1]),
        ("multiclass", [0.5, 0.7, -0.2]),
        ("multiclass", [0.5, float("nan"), 0.5]),
        ("regression", None),
        ("regression", [0.5]),
        ("regression", [0.1, float("inf")]),
        ("regression", [float("nan"), 1.0]),
    ],
)
def test_outputs_that_the_version_cannot_give_are_refused(stores, make, kind, outputs):
    with claim(stores, make, kind) as claimed, pytest.raises(ContractBroken, match=r"outputs"):
        write(stores, make, claimed.run, outputs, 0.5)
    assert stores.store.receipts(claimed.run) == ()


def test_a_version_without_outputs_may_not_store_any(stores, make):
    with stores.claim() as claimed, pytest.raises(ContractBroken, match="outputs"):
        write(stores, make, claimed.run, [0.5], 0.5)


def test_the_database_refuses_such_rows_by_itself(on_postgres, make, database):
    insert = (
        "INSERT INTO nightjar.score (score_date, run_id, part, entity_key, score, outputs) "
        "VALUES (%s, %s, 0, 'a', 0.5, {})"
    )
    with claim(on_postgres, make, "multiclass") as claimed, psycopg.connect(database.url("writer")) as writer:
        at = [make.day, claimed.run.id]
        for wrong in ("'{0.5,0.4,0.2}'", "'{0.5,0.25,NULL}'", "'{{0.5,0.3,0.2}}'", "NULL", "'{}'"):
            with pytest.raises(
                errors.CheckViolation, match="for 'a' that version 1 cannot give: it gives 3 prob"
            ):
                writer.execute(insert.format(wrong), at)
            writer.rollback()
        writer.execute(insert.format("'{0.5,0.3,0.2}'"), at)


@given(weights=st.lists(st.integers(0, 9), min_size=3, max_size=3).filter(any))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_analysts_see_the_class_that_the_core_predicts(on_postgres, make, database, weights):
    outputs = [weight / sum(weights) for weight in weights]
    with claim(on_postgres, make, "multiclass") as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(1))
        write(on_postgres, make, run, outputs, max(outputs))
        on_postgres.store.publish(run)
    kept = on_postgres.store.published_scores(run)
    predicted = multiclass(*CLASSES).with_class(kept)["predicted_class"][0]
    with psycopg.connect(database.url("analyst")) as analyst:
        row = analyst.execute("SELECT predicted_class, outputs FROM scores").fetchone()
    assert row == (predicted, dict(zip(CLASSES, outputs, strict=True)))
    assert on_postgres.store.distribution(run).classes == {predicted: 1}
