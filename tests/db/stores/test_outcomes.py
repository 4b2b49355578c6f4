"""What `ports.Outcomes` promises, on Postgres and in memory."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import count

import polars as pl
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.testing.counting import counted

DAYS = count()
FIRST, LATER = datetime(2013, 6, 16, 10, tzinfo=UTC), datetime(2013, 6, 17, 10, tzinfo=UTC)


def outcomes(*rows: tuple[str, int, datetime], day: date) -> pl.DataFrame:
    schema = {"entity_key": pl.String, "outcome": pl.Int8, "recorded_at": pl.Datetime("us", "UTC")}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(score_date=pl.lit(day))


def test_an_outcome_is_kept_once_and_a_correction_beside_it(stores, make):
    known = outcomes(("a", 1, FIRST), ("b", 0, FIRST), day=make.day)
    assert stores.outcomes.record(make.model, known) == 2
    assert stores.outcomes.record(make.model, known) == 0
    assert stores.outcomes.record(make.model, outcomes(("a", 0, LATER), ("b", 0, FIRST), day=make.day)) == 1
    stores.publish()
    assert stores.outcomes.scored(make.model, make.day)["outcome"].to_list() == [0, 0]


def test_outcomes_that_are_stored_already_are_not_sent_again(on_postgres, make):
    known = outcomes(*((f"k{n:04}", n % 2, FIRST) for n in range(1000)), day=make.day)
    on_postgres.outcomes.record(make.model, known)
    news = outcomes(("k0007", 0, LATER), day=make.day)
    with counted() as again:
        assert on_postgres.outcomes.record(make.model, pl.concat([known, news])) == 1
    assert again.copied_bytes < 200


def test_of_processes_that_record_the_same_at_once_one_does(on_postgres, make):
    known = outcomes(*((f"k{n:04}", n % 2, FIRST) for n in range(1000)), day=make.day)
    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(lambda _: on_postgres.outcomes.record(make.model, known), range(4)))
    assert sorted(added) == [0, 0, 0, 1000]


def test_a_night_shows_each_score_with_its_outcome_or_none(stores, make):
    stores.publish(keys=("b", "a", "c"))
    stores.outcomes.record(make.model, outcomes(("a", 1, FIRST), ("elsewhere", 1, FIRST), day=make.day))
    found = stores.outcomes.scored(make.model, make.day)
    assert found.schema == {
        "entity_key": pl.String,
        "score": pl.Float64,
        "outputs": pl.List(pl.Float64),
        "challenger_score": pl.Float64,
        "challenger_outputs": pl.List(pl.Float64),
        "arm": pl.String,
        "outcome": pl.Float64,
    }
    assert found.rows() == [
        ("a", 0.5, None, None, None, None, 1),
        ("b", 0.5, None, None, None, None, None),
        ("c", 0.5, None, None, None, None, None),
    ]


def test_a_night_without_outcomes_is_unknown_until_one_is_stored(stores, make):
    other = make.day + timedelta(days=1)
    assert stores.outcomes.unknown(make.model, [make.day, other]) == {make.day, other}
    stores.outcomes.record(make.model, outcomes(("a", 1, FIRST), day=make.day))
    assert stores.outcomes.unknown(make.model, [make.day, other]) == {other}
    assert stores.outcomes.unknown("another model", [make.day]) == {make.day}


@given(known=st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 1), st.sampled_from([FIRST, LATER]))))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("known_at", [None, FIRST, LATER])
def test_outcomes_at_hand_show_a_night_as_those_that_are_stored(stores, make, known_at, known):
    day = make.day + timedelta(days=next(DAYS))
    stores.publish(day, keys=("b", "a", "c"))
    at_hand = outcomes(*known, day=day)
    stores.outcomes.record(make.model, at_hand)
    read = stores.outcomes.scored(make.model, day, known_at)
    assert_frame_equal(stores.outcomes.scored(make.model, day, known_at, at_hand), read)


def test_only_the_published_revision_is_shown(stores, make):
    stores.publish(score=0.1)
    stores.publish(score=0.9, force=True)
    with stores.claim(force=True):
        pass
    assert stores.outcomes.scored(make.model, make.day)["score"].to_list() == [0.9, 0.9]


def test_a_night_that_is_not_published_is_empty(stores, make):
    with stores.claim():
        pass
    found = stores.outcomes.scored(make.model, make.day)
    assert found.is_empty()
    assert found.columns[0] == "entity_key"


def test_no_outcomes_at_all_are_fine(stores, make):
    assert stores.outcomes.record(make.model, outcomes(day=make.day)) == 0


def test_the_newest_measurement_of_each_run_can_be_asked_for(stores, make):
    def measured(run, auc, at):
        return make.measured(run, at, auc=auc)

    one, _ = stores.publish()
    other, _ = stores.publish(make.day + timedelta(days=1))
    for performance in (measured(other, 0.5, FIRST), measured(one, 0.7, LATER), measured(one, 0.6, FIRST)):
        stores.outcomes.add([performance])
    assert stores.outcomes.measured(make.model, whole=True) == (
        measured(one, 0.7, LATER),
        measured(other, 0.5, FIRST),
    )
    assert stores.outcomes.measured("another") == ()


def test_comparisons_of_the_shown_runs_come_in_the_order_in_which_they_were_known(stores, make):
    challenger = stores.registry.add_version(make.candidate(stores.registry, "b"))
    one, _ = stores.publish(challenger=challenger)
    other, _ = stores.publish(make.day + timedelta(days=1), challenger=challenger)
    known = [
        make.compared(other, FIRST, 0.3),
        make.compared(one, LATER, 0.1, rows=0),
        make.compared(other, LATER, 0.2),
    ]
    for comparison in (known[1], known[0], known[2]):
        stores.outcomes.add(make.both(comparison))
    assert stores.outcomes.comparisons(make.model) == tuple(known)
    assert (known[0].version_id, known[0].challenger_id) == (stores.champion.id, challenger.id)
    stores.publish(challenger=challenger, force=True)
    assert stores.outcomes.comparisons(make.model) == (known[0], known[2])


@pytest.fixture
def kept(on_postgres, database):
    def measured() -> list[tuple]:
        with psycopg.connect(database.url("analyst")) as analyst:
            return analyst.execute("SELECT auc, measured_at FROM nightly_performance").fetchall()

    return measured


def test_the_newest_measurement_of_a_run_counts(on_postgres, kept, make):
    run, _ = on_postgres.publish()
    for auc, at in ((None, FIRST), (0.7, LATER), (0.6, FIRST)):
        on_postgres.outcomes.add([make.measured(run, at, auc=auc)])
    assert kept() == [(0.7, LATER)]


def test_outcomes_of_some_rows_of_several_nights_are_as_each_night_shows_them(stores, make):
    days = [make.day + timedelta(days=next(DAYS)) for _ in range(3)]
    for day in days:
        stores.publish(day, keys=("b", "a", "c"))
    for day in days:
        told = [("a", 1, FIRST), ("a", 0, LATER), ("c", 1, LATER)]
        stores.outcomes.record(make.model, outcomes(*told, day=day))
    asked = pl.DataFrame({"score_date": [d for d in days for _ in "ca?"], "entity_key": [*"ca?"] * 3})

    for known_at in (FIRST, LATER):
        found = stores.outcomes.of_rows(make.model, asked, known_at)
        wanted = [
            stores.outcomes.scored(make.model, day, known_at)
            .filter(pl.col("entity_key").is_in(["a", "c"]))
            .select(pl.lit(day).alias("score_date"), "entity_key", "outcome")
            for day in days
        ]
        assert_frame_equal(found, pl.concat(wanted).drop_nulls(), check_row_order=False)


def test_no_rows_are_asked_for(stores, make):
    nothing = pl.DataFrame(schema={"score_date": pl.Date, "entity_key": pl.String})
    found = stores.outcomes.of_rows(make.model, nothing, LATER)
    assert found.is_empty()
    assert found.columns == ["score_date", "entity_key", "outcome"]
