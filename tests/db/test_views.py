"""What an analyst sees, and what it costs to look."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import polars as pl
import psycopg
import pytest

from nightjar.core.monitoring.entities import Basis, ColumnDrift


@pytest.fixture
def ask(on_postgres, database):
    """A query as the analyst: rows as dictionaries."""
    with psycopg.connect(
        database.url("analyst"), autocommit=True, row_factory=psycopg.rows.dict_row
    ) as analyst:
        yield lambda query, *values: analyst.execute(query, values).fetchall()


def test_every_view_and_every_column_says_what_it_means(ask):
    silent = ask("""
        SELECT view.relname, attribute.attname FROM pg_class AS view JOIN pg_attribute AS attribute
            ON attrelid = view.oid
        WHERE relnamespace = 'analytics'::regnamespace AND attnum > 0
          AND (obj_description(view.oid) IS NULL OR col_description(view.oid, attnum) IS NULL)
    """)
    assert silent == []


def test_every_table_and_every_column_says_what_it_means(database):
    with psycopg.connect(database.url("owner")) as owner:
        silent = owner.execute("""
            SELECT relname, attname FROM pg_class AS t JOIN pg_attribute ON attrelid = t.oid
            WHERE relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0
                AND relname <> 'alembic_version'
              AND (obj_description(t.oid) IS NULL OR col_description(t.oid, attnum) IS NULL)
        """).fetchall()
    assert silent == []


def test_nothing_is_seen_of_a_night_until_it_is_published_and_then_all_of_it(on_postgres, ask, make):
    with on_postgres.claim() as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(3))
        on_postgres.store.write_part(run, make.part(0, 3), make.scores("a", "b"), make.quarantined("c"))
        for view in ("scores", "scores_with_outcomes", "quarantine", "publications"):
            assert ask(f"SELECT * FROM {view}") == []
        assert [(row["state"], row["parts_stored"]) for row in ask("SELECT * FROM runs")] == [("claimed", 1)]
        on_postgres.store.publish(run)
    assert len(ask("SELECT * FROM scores")) == 2
    quarantined = ask("SELECT * FROM quarantine")
    assert [(row["entity_key"], row["reasons"][0]["check"], row["row"]) for row in quarantined] == [
        ("c", "in_range", {"carrier": "UA"})
    ]


def test_a_score_says_where_it_comes_from(on_postgres, ask, make):
    run, publication = on_postgres.publish()
    row = ask("SELECT * FROM scores ORDER BY entity_key")[0]
    stored_at = on_postgres.store.receipts(run)[0].stored_at
    assert row == {
        "model": make.model,
        "score_date": make.day,
        "entity_key": "a",
        "score": 0.5,
        "model_version": 1,
        "run_id": run.id,
        "revision": 1,
        "as_of": make.as_of,
        "known_at": make.as_of,
        "scored_by_run": run.id,
        "trained_through": date(2013, 5, 1),
        "in_sample": False,
        "published_at": publication.published_at,
        "scored_at": stored_at,
        "predicted_class": None,
        "outputs": None,
        "arm": None,
    }
    in_sample, _ = on_postgres.publish(date(2013, 4, 1))
    assert ask("SELECT DISTINCT in_sample FROM scores WHERE run_id = %s", in_sample.id) == [
        {"in_sample": True}
    ]


def test_what_stood_there_at_any_time_is_answered(on_postgres, ask):
    first, published = on_postgres.publish(score=0.1)
    second, corrected = on_postgres.publish(score=0.9, force=True)
    back = on_postgres.store.roll_back(first, "the correction was wrong")
    history = (
        "SELECT DISTINCT run_id, score FROM scores_history WHERE %s BETWEEN visible_from AND "
        "coalesce(visible_until - interval '1 us', 'infinity')"
    )
    assert ask(history, published.published_at - timedelta(seconds=1)) == []
    assert ask(history, published.published_at) == [{"run_id": first.id, "score": 0.1}]
    assert ask(history, corrected.published_at) == [{"run_id": second.id, "score": 0.9}]
    assert ask(history, back.published_at) == [{"run_id": first.id, "score": 0.1}]


def test_one_revision_of_a_night_is_seen_and_the_history_of_all(on_postgres, ask):
    first, _ = on_postgres.publish(score=0.1)
    second, _ = on_postgres.publish(score=0.9, force=True)
    on_postgres.store.roll_back(first, "the feed was wrong")
    assert {row["run_id"] for row in ask("SELECT run_id FROM scores")} == {first.id}
    history = ask(
        "SELECT run_id, action, reason, actor, is_current FROM publications ORDER BY publication_id"
    )
    assert [(row["run_id"], row["action"], row["is_current"]) for row in history] == [
        (first.id, "publish", False),
        (second.id, "publish", False),
        (first.id, "rollback", True),
    ]
    assert {row["actor"] for row in history} == {"nightjar_writer"}


def test_outcomes_stand_beside_their_scores_as_last_corrected(on_postgres, ask, make):
    on_postgres.publish(keys=("a", "b"))
    for outcome, day in ((1, 16), (0, 17)):
        known = {
            "entity_key": ["a"],
            "score_date": [make.day],
            "outcome": [outcome],
            "recorded_at": [datetime(2013, 6, day, tzinfo=UTC)],
        }
        on_postgres.outcomes.record(
            make.model, pl.DataFrame(known).with_columns(pl.col("outcome").cast(pl.Int8))
        )
    assert [
        row["outcome"] for row in ask("SELECT outcome FROM scores_with_outcomes ORDER BY entity_key")
    ] == [0, None]


def test_monitoring_of_the_published_run_is_seen(on_postgres, ask, make):
    run, _ = on_postgres.publish()
    on_postgres.ledger.record_drift(
        run,
        [
            ColumnDrift(
                column="distance",
                method="psi",
                value=0.1,
                threshold=0.2,
                drifted=False,
                null_share=0,
                reference_null_share=0,
            )
        ],
    )
    on_postgres.ledger.record_report(run, "drift", "file:///report.html")
    on_postgres.outcomes.add([make.measured(run, make.as_of, auc=0.5)])
    assert ask("SELECT column_name, value, drifted FROM drift") == [
        {"column_name": "distance", "value": 0.1, "drifted": False}
    ]
    assert ask("SELECT uri FROM reports") == [{"uri": "file:///report.html"}]
    assert ask("SELECT auc, brier, model_version FROM nightly_performance") == [
        {"auc": 0.5, "brier": None, "model_version": 1}
    ]
    newest = (
        "SELECT value, with_outcome, is_newest FROM measurements WHERE metric = 'auc' ORDER BY measured_at"
    )
    assert ask(newest) == [{"value": 0.5, "with_outcome": 1, "is_newest": True}]
    on_postgres.outcomes.add([make.measured(run, make.as_of + timedelta(days=1), auc=0.6, with_outcome=2)])
    assert ask(newest) == [
        {"value": 0.5, "with_outcome": 1, "is_newest": False},
        {"value": 0.6, "with_outcome": 2, "is_newest": True},
    ]


def test_versions_and_roles_have_their_history(on_postgres, ask, make):
    old, new = (
        on_postgres.registry.add_version(make.candidate(on_postgres.registry, content)) for content in "ac"
    )
    on_postgres.registry.promote(old, "champion", "first")
    assert ask("SELECT model_version, is_champion FROM model_versions ORDER BY 1") == [
        {"model_version": 1, "is_champion": True},
        {"model_version": 2, "is_champion": False},
    ]
    later = on_postgres.registry.promote(new, "champion", "better")
    held = ask("SELECT model_version, held_until FROM promotions ORDER BY held_from")
    assert held == [
        {"model_version": 1, "held_until": later.promoted_at},
        {"model_version": 2, "held_until": None},
    ]


@pytest.mark.parametrize("view", ["scores", "scores_with_outcomes"])
@pytest.mark.parametrize(
    "condition", ["score_date = '2013-06-15'", "score_date BETWEEN '2013-06-10' AND '2013-06-20'"]
)
def test_asking_for_a_date_reads_its_month_alone(on_postgres, ask, view, condition):
    for month in (5, 6, 7):
        on_postgres.publish(date(2013, month, 15))
    plan = json.dumps(
        ask(f"EXPLAIN (FORMAT json) SELECT * FROM {view} WHERE model = 'flight_delay' AND {condition}")
    )
    assert "score_2013_06" in plan
    assert "score_2013_05" not in plan
    assert "score_2013_07" not in plan


@pytest.mark.parametrize("view", ["scores", "scores_with_outcomes"])
def test_scores_grouped_by_night_are_not_sorted_again(on_postgres, ask, view):
    """Sorting a year of scores takes longer than reading it."""
    on_postgres.publish()
    for way in ("hashagg", "hashjoin"):
        ask("SELECT set_config(%s, 'off', false)", f"enable_{way}")
    means = f"SELECT score_date, avg(score) FROM {view} WHERE model = 'flight_delay' GROUP BY 1"
    plan = json.dumps(ask(f"EXPLAIN (FORMAT json) {means}"))
    assert re.search(r'"Group Key": \["\w+\.score_date"\]', plan)
    assert re.search(rf'"Sort Key": \["(stored|{view})\.score_date', plan) is None


def test_a_comparison_restates_its_night_and_says_who_may_have_seen_it(on_postgres, ask, make):
    challenger = on_postgres.registry.add_version(
        make.candidate(on_postgres.registry, "b", trained_through=make.day)
    )
    for night in (make.day, make.day + timedelta(days=1)):
        run, _ = on_postgres.publish(night, challenger=challenger)
        for number, value in enumerate((0.1, 0.2)):
            found = make.compared(run, make.as_of + timedelta(days=number), value)
            on_postgres.outcomes.add(make.both(found))
    kept = "SELECT score_date - %s AS night, champion, challenger, in_sample FROM comparisons"
    assert ask(kept + " WHERE metric = 'brier' AND is_newest ORDER BY 1", make.day) == [
        {"night": 0, "champion": 0.5, "challenger": 0.2, "in_sample": True},
        {"night": 1, "champion": 0.5, "challenger": 0.2, "in_sample": False},
    ]
    assert len(ask("SELECT FROM comparisons WHERE metric = 'brier'")) == 4


def test_the_scores_of_a_challenger_are_seen_beside_the_published_ones(on_postgres, ask, make):
    challenger = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "b"))
    on_postgres.publish()
    with on_postgres.claim(make.day + timedelta(days=1), challenger=challenger) as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(2))
        scores = pl.concat([make.scores("a", challenger=0.1), make.scores("b")])
        on_postgres.store.write_part(run, make.part(0, 2), scores, make.quarantined())
        assert ask("SELECT FROM scores_with_challenger") == []
        on_postgres.store.publish(run)
    seen = "SELECT entity_key, score, challenger_version, challenger_score FROM scores_with_challenger"
    assert [tuple(row.values()) for row in ask(seen + " ORDER BY 1")] == [
        ("a", 0.5, challenger.number, 0.1),
        ("b", 0.5, challenger.number, None),
    ]


def test_a_row_that_the_challenger_serves_is_seen_with_its_score_its_version_and_its_reasons(
    on_postgres, ask, make
):
    challenger = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "b"))
    with on_postgres.claim(challenger=challenger, share=0.5) as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(2))
        scores = make.scores("a", "b", challenger=0.1, arms=["challenger", "champion"])
        on_postgres.store.write_part(run, make.part(0, 2), scores, make.quarantined())
        on_postgres.store.publish(run)
    assert on_postgres.store.run(run.id).challenger_share == 0.5
    seen = "SELECT entity_key, score, arm, model_version FROM scores ORDER BY 1"
    number = challenger.number
    assert [tuple(row.values()) for row in ask(seen)] == [
        ("a", 0.1, "challenger", number),
        ("b", 0.5, "champion", on_postgres.champion.number),
    ]
    both = "SELECT entity_key, champion_score, challenger_score, challenger_share FROM scores_with_challenger"
    assert [tuple(row.values()) for row in ask(both + " ORDER BY 1")] == [
        ("a", 0.5, 0.1, 0.5),
        ("b", 0.5, 0.1, 0.5),
    ]
    on_postgres.reasons.record(run, make.reasons("a", "b"))
    reasons = ask("SELECT entity_key, model_version FROM reasons ORDER BY 1")
    assert [tuple(row.values()) for row in reasons] == [("a", number), ("b", on_postgres.champion.number)]
    told = on_postgres.store.distribution(run)
    assert (told.mean, told.by_challenger, told.shadowed) == (pytest.approx(0.3), 1, 2)
    served = on_postgres.store.scores_for(run, scores["entity_key"]).sort("entity_key")
    assert served.select("score", "arm").rows() == [(0.1, "challenger"), (0.5, "champion")]


def test_both_versions_on_the_same_rows_and_each_on_its_own_are_seen_apart(on_postgres, ask, make):
    challenger = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "b"))
    run, _ = on_postgres.publish(challenger=challenger, share=0.25)
    on_rows = make.compared(run, make.as_of, 0.4)
    on_arms = on_rows.model_copy(update={"basis": Basis.ARMS, "rows": 3, "challenger_rows": 2})
    for comparison in (on_rows, on_arms):
        on_postgres.outcomes.add(make.both(comparison))
    wanted = [each.model_copy(update={"share": 0.25}) for each in (on_rows, on_arms)]
    assert list(on_postgres.outcomes.comparisons(make.model)) == wanted
    seen = "SELECT {} FROM {} WHERE metric = 'brier' AND is_newest"
    assert [tuple(row.values()) for row in ask(seen.format("rows, challenger", "comparisons"))] == [(2, 0.4)]
    columns = "champion_rows, challenger_rows, challenger, share, challenger_version"
    assert [tuple(row.values()) for row in ask(seen.format(columns, "arms"))] == [
        (3, 2, 0.4, 0.25, challenger.number)
    ]


def test_the_reasons_of_the_current_publication_are_seen_and_no_others(on_postgres, ask, make):
    first, _ = on_postgres.publish()
    on_postgres.reasons.record(first, make.reasons("a"))
    seen = "SELECT entity_key, rank, input, value, contribution, words, revision, model_version FROM reasons"
    assert ask(seen) == [
        {
            "entity_key": "a",
            "rank": 1,
            "input": "distance",
            "value": None,
            "contribution": 0.5,
            "words": "a short flight",
            "revision": 1,
            "model_version": 1,
        }
    ]
    second, _ = on_postgres.publish(force=True)
    assert ask(seen) == []
    on_postgres.reasons.record(second, make.reasons("b"))
    assert [(row["entity_key"], row["revision"]) for row in ask(seen)] == [("b", 2)]
