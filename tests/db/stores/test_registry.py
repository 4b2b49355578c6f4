"""What `ports.Registry` promises, on Postgres and in memory."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from nightjar.core.kinds.gates import GateResult
from nightjar.core.kinds.metrics import MetricRow, Of
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.model.record import Record, Surroundings, UsedRows


def test_the_same_snapshot_is_registered_once_a_model(stores, make):
    first = make.candidate(stores.registry).dataset_id
    assert make.candidate(stores.registry).dataset_id == first
    assert make.candidate(stores.registry, model="other").dataset_id != first


def test_the_snapshots_of_a_model_come_back_as_they_were_registered(stores, make):
    ids = [make.candidate(stores.registry, content).dataset_id for content in "aab"]
    make.candidate(stores.registry, model="other")
    found = stores.registry.datasets(make.model)
    assert [dataset.id for dataset in found] == sorted(set(ids))
    assert {dataset.model for dataset in found} == {make.model}


def test_versions_count_from_one_and_the_same_artifact_is_the_same_version(stores, make):
    first, second = (
        stores.registry.add_version(make.candidate(stores.registry, content)) for content in "ac"
    )
    assert stores.registry.add_version(make.candidate(stores.registry, "a")) == first
    assert (first.number, second.number) == (1, 2)
    assert stores.registry.versions(make.model) == (second, first)
    assert stores.registry.version(make.model, 2) == stores.registry.version_by_id(second.id) == second
    assert stores.registry.version(make.model, 3) is None
    assert stores.registry.versions("other") == ()


def test_a_version_comes_back_as_it_was_registered(stores, make):
    candidate = make.candidate(stores.registry)
    kept = stores.registry.add_version(candidate).model_dump()
    assert {name: kept[name] for name in candidate.model_dump()} == candidate.model_dump()


def test_a_record_comes_back_as_it_was_registered(stores, make):
    record = Record(
        dataset_sha256="a" * 64,
        known_at=datetime(2013, 6, 1, 1, tzinfo=UTC),
        windows={"fitted": UsedRows(first=date(2013, 1, 1), last=date(2013, 3, 1), rows=7)},
        embargo_days=0,
        seed=3,
        limits={"min_auc": 0.6},
        beside={"champion": 1},
        surroundings=Surroundings(libraries={"polars": "1"}, threads={"cpus": 2}),
    )
    assert stores.registry.add_version(make.candidate(stores.registry, record=record)).record == record
    assert stores.registry.add_version(make.candidate(stores.registry, "b")).record is None


def test_numbers_that_json_cannot_carry_are_left_out(on_postgres, make):
    gate = GateResult(
        name="auc", passed=False, value=float("nan"), threshold=0.6, reason="AUC is not defined"
    )
    candidate = make.candidate(
        on_postgres.registry,
        metrics={"auc": float("nan"), "brier": 0.2},
        gates=(gate,),
        params={"x": float("inf")},
    )
    version = on_postgres.registry.add_version(candidate)
    assert version.metrics == (MetricRow(metric="brier", of=Of.VERSION, value=0.2),)
    assert version.gates[0].value is None
    assert version.params == {"x": None}


def test_numbers_have_no_gap_when_several_register_at_once(stores, make):
    candidates = [make.candidate(stores.registry, content) for content in "0123456789"]
    with ThreadPoolExecutor(4) as pool:
        numbers = [version.number for version in pool.map(stores.registry.add_version, candidates)]
    assert sorted(numbers) == list(range(1, 11))


def test_nobody_holds_a_role_before_the_first_promotion(stores, make):
    assert stores.registry.holder(make.model, "champion") is None
    assert stores.registry.promotions(make.model) == ()


def test_the_ledger_says_who_was_champion_when(stores, make):
    first, second = (
        stores.registry.add_version(make.candidate(stores.registry, content)) for content in "ac"
    )
    one = stores.registry.promote(first, "champion", "first")
    two = stores.registry.promote(second, "champion", "better")
    assert stores.registry.holder(make.model, "champion") == second
    assert stores.registry.holder(make.model, "champion", one.promoted_at) == first
    assert stores.registry.holder(make.model, "champion", one.promoted_at - timedelta(microseconds=1)) is None
    assert stores.registry.holder(make.model, "challenger") is None
    assert stores.registry.promotions(make.model) == (two, one)
    assert (two.version_number, two.reason) == (2, "better")
    assert two.promoted_at <= datetime.now(UTC)


def test_promoting_the_holder_again_adds_nothing_and_going_back_is_one_step(stores, make):
    first, second = (
        stores.registry.add_version(make.candidate(stores.registry, content)) for content in "ac"
    )
    once = stores.registry.promote(first, "champion", "first")
    assert stores.registry.promote(first, "champion", "again") == once
    stores.registry.promote(second, "champion", "better")
    back = stores.registry.promote(first, "champion", "it was not")
    assert [row.version_number for row in stores.registry.promotions(make.model)] == [1, 2, 1]
    assert stores.registry.holder(make.model, "champion") == first
    assert back != once


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_roles_are_held_apart(stores, make, role):
    version = stores.registry.add_version(make.candidate(stores.registry))
    stores.registry.promote(version, role, "why")
    other = {"champion": "challenger", "challenger": "champion"}[role]
    assert stores.registry.holder(make.model, other) is None


def test_a_version_gets_a_role_only_beside_the_champion_that_it_was_judged_beside(stores, make):
    first, second, third = (
        stores.registry.add_version(make.candidate(stores.registry, content)) for content in "ace"
    )
    asked = stores.registry.promote_beside
    assert asked(second, first, "champion", "there is none") is None
    assert asked(first, None, "champion", "the first").version_id == first.id
    assert asked(second, None, "champion", "there is one") is None
    assert asked(second, first, "challenger", "beside it").version_id == second.id
    assert asked(third, first, "challenger", "there is one") is None
    assert asked(third, first, "champion", "better").version_id == third.id
    assert asked(second, first, "champion", "late") is None
    assert [row.version_id for row in stores.registry.promotions(make.model)] == [3, 2, 1]


@pytest.fixture
def challenged(stores, make):
    """A champion, its challenger and another version."""
    first, second, third = (
        stores.registry.add_version(make.candidate(stores.registry, content)) for content in "ace"
    )
    stores.registry.promote(first, "champion", "first")
    stores.registry.promote(second, "challenger", "try it")
    return first, second, third


@pytest.mark.parametrize(("ending", "champion"), [("champion", 1), ("withdrawn", 0)])
def test_a_challenge_ends_once(stores, make, challenged, ending, champion):
    first, second, _ = challenged
    with ThreadPoolExecutor(4) as pool:
        ends = [pool.submit(stores.registry.end_challenge, second, first, ending, "why") for _ in range(4)]
    done = [end.result() for end in ends if end.result() is not None]
    assert [(row.version_id, row.role, row.reason) for row in done] == [(second.id, ending, "why")]
    assert stores.registry.holder(make.model, "champion") == challenged[champion]
    assert stores.registry.holder(make.model, "challenger") is None
    assert stores.registry.holder(make.model, "challenger", done[0].promoted_at - timedelta(microseconds=1))


def test_a_challenge_that_a_person_has_ended_or_changed_is_not_ended_again(stores, make, challenged):
    first, second, third = challenged
    stores.registry.promote(third, "champion", "a person knew better")
    assert stores.registry.end_challenge(second, first, "champion", "why") is None
    assert stores.registry.holder(make.model, "champion") == third
    stores.registry.promote(second, "champion", "by hand")
    stores.registry.promote(first, "champion", "it was worse")
    assert stores.registry.end_challenge(second, first, "champion", "why") is None
    assert stores.registry.holder(make.model, "champion") == first


def test_a_share_is_changed_once_and_ends_with_the_challenge(stores, make, challenged):
    first, second, third = challenged
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(stores.registry.set_share, second, first, 0.25, "why", instead_of=0) for _ in range(4)
        ]
    done = [each.result() for each in asked if each.result() is not None]
    assert [(row.version_id, row.role, row.share) for row in done] == [(second.id, "challenger", 0.25)]
    assert stores.registry.holder(make.model, "challenger") == second
    assert share_of(stores.registry.promotions(make.model)) == 0.25
    assert stores.registry.set_share(third, first, 0.5, "not challenger", instead_of=0.25) is None
    stores.registry.end_challenge(second, first, "withdrawn", "why")
    assert share_of(stores.registry.promotions(make.model)) == 0
    assert stores.registry.set_share(second, first, 0.5, "too late", instead_of=0) is None


def test_analysts_see_until_when_a_challenger_scored(on_postgres, database, make):
    first, second = (
        on_postgres.registry.add_version(make.candidate(on_postgres.registry, content)) for content in "ac"
    )
    for version, role in ((first, "champion"), (second, "challenger")):
        on_postgres.registry.promote(version, role, "why")
    ended = on_postgres.registry.end_challenge(second, first, "withdrawn", "it is worse")
    with psycopg.connect(database.url("analyst")) as analyst:
        seen = analyst.execute("SELECT role, held_until FROM promotions ORDER BY held_from").fetchall()
    assert seen == [("champion", None), ("challenger", ended.promoted_at), ("withdrawn", None)]
