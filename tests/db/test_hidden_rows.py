"""What is not published stays hidden from analysts: two databases that differ in nothing else give them the
same answers.

Views, columns and hidden rows are found in the catalogue, so that a new one is tried by itself.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg
import pytest

from db.server.roles import ensure_roles
from db.views import ALONE, APART, BARRIER, FIRST, VIEWS

SENTINEL = "hidden7f3a"
HIDDEN = {
    "text": (f"'a{SENTINEL}' || nth", f"'z{SENTINEL}' || nth"),
    "uri": (f"'file:///a{SENTINEL}' || nth", f"'file:///z{SENTINEL}' || nth"),
    "double precision": ("0.12345678", "0.92345678"),
    "double precision[]": ("'{0.12345678}'", "'{0.92345678}'"),
    "text[]": (f"'{{a{SENTINEL}}}'", f"'{{z{SENTINEL}}}'"),
    "bytea": (f"'a{SENTINEL}'", f"'z{SENTINEL}'"),
    "integer": ("11", "99"),
    "boolean": ("false", "true"),
    "bigint": ("11", "99"),
    "smallint": ("0", "1"),
    "jsonb": (f"'[\"a{SENTINEL}\"]'", f"'[\"z{SENTINEL}\"]'"),
    "timestamp with time zone": ("'2001-01-01Z'", "'2012-01-01Z'"),
}
"""Type -> what a hidden value is in the one database and in the other; nth numbers the hidden rows of a
table.
"""

LINKS = (
    "run_id",
    "part",
    "row_number",
    "score_date",
    "id",
    "model",
    "carried_from",
    "receipt.rows",
    "scored",
    "quarantined",
    "attempt",
    "arm",
    "role",
    "occasions",
    "nights",
    "expectation.method",
)
"""Columns by which a row is one of its run, counts that `runs` shows of every run, and words of which a
constraint allows a few.
"""

NEVER_SHOWN = "run_id NOT IN (SELECT run_id FROM nightjar.publication)"
HIDDEN_ROWS = {"score": NEVER_SHOWN, "receipt": NEVER_SHOWN, "outcome": "entity_key LIKE 'unscored%'"}
REPLACED = "run_id NOT IN (SELECT run_id FROM analytics.publications WHERE is_current)"
"""Which rows of a table no view shows.

Where nothing else is said, those of runs that are not what analysts see now.
"""

TELLS_APART = {
    "text": ("{c} > 'm'", f"{{c}} = 'z{SENTINEL}1'"),
    "uri": ("{c} > 'file:///m'",),
    "double precision": ("{c} > 0.6",),
    "double precision[]": ("{c} > '{{0.6}}'",),
    "boolean": ("{c}",),
    "integer": ("{c} > 50",),
    "bigint": ("{c} > 50",),
    "smallint": ("{c} = 1",),
    "jsonb": ("{c}::text > '[\"m'", f"{{c}} = '[\"z{SENTINEL}\"]'"),
    "timestamp with time zone": ("{c} > '2005-01-01Z'",),
    "date": ("{c} > '2013-06-15'",),
    "text[]": ("{c} > '{{m}}'",),
}
"""Type -> conditions that hold for hidden values of the second database alone."""

NO_VALUE = "1 / (random() * 0)::integer > 0"
"""An error that is given no value of the row: Postgres takes a condition around it for one that tells
nothing.
"""

PROBES = {
    "count": "SELECT count(*) FROM {v} WHERE {p}",
    "cast": "SELECT count(*) FROM {v} WHERE CASE WHEN {p} THEN ({c}::text || ' ')::integer ELSE 1 END > 0",
    "division": "SELECT count(*) FROM {v} WHERE 1 / (CASE WHEN {p} THEN 0 ELSE 1 END) > 0",
    "case": f"SELECT count(*) FROM {{v}} WHERE CASE WHEN {{p}} THEN {NO_VALUE} ELSE true END",
    "or": f"SELECT count(*) FROM {{v}} WHERE NOT ({{p}}) OR {NO_VALUE}",
    "null": f"SELECT count(*) FROM {{v}} WHERE {{c}} IS NULL OR {NO_VALUE}",
    "explain": "EXPLAIN SELECT * FROM {v} WHERE {p}",
    "explain analyze": "EXPLAIN (ANALYZE, TIMING off, SUMMARY off, BUFFERS off) SELECT * FROM {v} WHERE {p}",
}
ALL = (*PROBES, "prepared")
BY_STATISTICS = ("count", "explain", "explain analyze")
"""Those that need no error, and tell what Postgres estimates."""

PREPARED = "PREPARE probe(integer) AS SELECT count(*) FROM {v} WHERE NOT ({p}) OR 1 / $1 > 0"

PLANS = {
    "as Postgres plans": "RESET ALL",
    "whole tables first": "SET enable_indexscan = off; SET enable_bitmapscan = off; "
    "SET enable_indexonlyscan = off; SET enable_nestloop = off;"
    "SET cpu_operator_cost = 0; SET jit = off; SET plan_cache_mode = force_generic_plan",
}
"""What an analyst may set to have rows read in another order."""


@dataclass(frozen=True)
class Twins:
    """The owner of each of the two databases, and an analyst in each."""

    owners: tuple[psycopg.Connection, ...]
    analysts: tuple[psycopg.Connection, ...]

    def set(self, settings: str) -> None:
        for analyst in self.analysts:
            analyst.execute("RESET ALL; SET default_transaction_read_only = off")
            analyst.execute(settings)

    def told(
        self, view: str, column: str, kind: str, probes: Collection[str] = ALL
    ) -> Iterator[tuple[str, str]]:
        """Each probe that the two databases answer differently, with the question and the answers."""
        for condition in TELLS_APART[kind]:
            words = {"v": view, "c": column, "p": condition.format(c=column)}
            for name in probes:
                if name == "prepared":
                    yield from self._prepared(words)
                else:
                    yield from self._told(name, PROBES[name].format(**words))

    def _prepared(self, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        for analyst in self.analysts:
            analyst.execute(PREPARED.format(**words))
        yield from self._told("prepared", "EXECUTE probe(0)")
        for analyst in self.analysts:
            analyst.execute("DEALLOCATE probe")

    def _told(self, name: str, question: str) -> Iterator[tuple[str, str]]:
        one, other = (answer(analyst, question) for analyst in self.analysts)
        if one != other:
            yield name, f"{question}\n{one}\n{other}"


def answer(analyst: psycopg.Connection, question: str) -> str:
    try:
        return "\n".join(map(str, analyst.execute(question).fetchall()))
    except psycopg.Error as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture(scope="module")
def twins(postgres, nights) -> Iterator[Twins]:
    names = nights.name, f"{nights.name}_twin"
    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {names[1]} TEMPLATE {names[0]} STRATEGY wal_log")
        ensure_roles(postgres.url("admin", names[1]), postgres.passwords)
        with ExitStack() as stack:

            def connected(role):
                urls = [postgres.url(role, name) for name in names]
                return tuple(
                    stack.enter_context(psycopg.connect(url, autocommit=True, prepare_threshold=None))
                    for url in urls
                )

            owners = connected("owner")
            for which, owner in enumerate(owners):
                hide(owner, which)
            yield Twins(owners, connected("analyst"))
        admin.execute(f"DROP DATABASE {names[1]} WITH (FORCE)")


def hide(owner: psycopg.Connection, which: int) -> None:
    """Give what is hidden the values of one of the two databases."""
    for table, columns in hidden_columns(owner).items():
        changes = ", ".join(f'"{column}" = {HIDDEN[kind][which]}' for column, kind in columns.items())
        done = owner.execute(f"""
            UPDATE nightjar.{table} AS kept SET {changes}
            FROM (SELECT ctid, row_number() OVER (ORDER BY ctid) AS nth FROM nightjar.{table}
                WHERE {HIDDEN_ROWS.get(table, REPLACED)}) AS hidden
            WHERE kept.ctid = hidden.ctid
        """)
        assert done.rowcount > 0, f"nothing is hidden in {table}"
    owner.execute("VACUUM (FREEZE, ANALYZE)")


def hidden_columns(owner: psycopg.Connection) -> Mapping[str, dict[str, str]]:
    """Table with rows of runs or outcomes -> its columns that may hold something of a hidden row, with
    their types. Findings and stages of every run are shown.
    """
    found = owner.execute(
        """
        SELECT relname, attname, CASE WHEN attname = 'uri' THEN attname ELSE format_type(atttypid, NULL) END
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnum > 0 AND attname <> ALL (%s) AND relname || '.' || attname <> ALL (%s)
          AND relname NOT IN ('publication', 'run', 'finding', 'stage') AND (relname = 'outcome' OR EXISTS (
              SELECT FROM pg_attribute AS link WHERE link.attrelid = pg_class.oid
                  AND link.attname = 'run_id'))
        """,
        [list(LINKS), list(LINKS)],
    )
    columns = defaultdict(dict)
    for table, column, kind in found:
        columns[table][column] = kind
    return columns


def view_columns(owner: psycopg.Connection, schema: str) -> list[tuple[str, str, str]]:
    return owner.execute(
        """
        SELECT relname, attname, CASE WHEN attname = 'uri' THEN attname ELSE format_type(atttypid, NULL) END
        FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = %s::regnamespace AND relkind IN ('v', 'm') AND attnum > 0 ORDER BY 1, attnum
        """,
        [schema],
    ).fetchall()


@pytest.mark.parametrize(
    ("plan", "probes"),
    [
        ("whole tables first", ALL),  # it lets each error come first: below, it is the one that shows them
        ("as Postgres plans", BY_STATISTICS),
        pytest.param("as Postgres plans", ALL, marks=pytest.mark.chaos),
    ],
    ids=["whole tables first", "as Postgres plans", "as Postgres plans, all"],
)
@pytest.mark.parametrize("view", [view.name for view in VIEWS])
def test_no_question_about_a_column_tells_of_a_hidden_row(twins, view, plan, probes):
    twins.set(PLANS[plan])
    columns = [
        (column, kind) for name, column, kind in view_columns(twins.owners[0], "analytics") if name == view
    ]
    assert columns
    assert [
        question
        for column, kind in columns
        for _, question in twins.told(f"analytics.{view}", column, kind, probes)
    ] == []


FIRST_TWO = {FIRST.format(table): "" for table in ("score", "receipt")}
FLAT = {APART: "", ALONE: "", **FIRST_TWO}
WEAKER = {
    "no barrier": ({BARRIER: "", **FLAT}, "whole tables first", {"cast", "division"}),
    "the barrier alone": (FLAT, "whole tables first", {"case", "or", "explain analyze", "prepared"}),
    "no condition that comes first": (FIRST_TWO, "whole tables first", {"case", "or", "prepared"}),
}
"""What is left out of the views, the plan that shows it, and the probes that must notice."""


@pytest.mark.parametrize("weaker", WEAKER)
def test_the_probes_notice_a_weaker_view(twins, weaker):
    left_out, plan, noticing = WEAKER[weaker]
    for owner in twins.owners:
        owner.execute("CREATE SCHEMA weak; GRANT USAGE ON SCHEMA weak TO nightjar_analyst")
        owner.execute(
            without(left_out, next(view for view in VIEWS if view.name == "scores").definition("weak"))
        )
        owner.execute("GRANT SELECT ON ALL TABLES IN SCHEMA weak TO nightjar_analyst")
    try:
        twins.set(PLANS[plan])
        told = {
            name
            for column in ("entity_key", "score")
            for name, _ in twins.told("weak.scores", column, COLUMN_TYPES[column])
        }
    finally:
        for owner in twins.owners:
            owner.execute("DROP SCHEMA weak CASCADE")
    assert told >= noticing


COLUMN_TYPES = {"entity_key": "text", "score": "double precision"}


def without(left_out: Mapping[str, str], definition: str) -> str:
    for words, instead in left_out.items():
        definition = definition.replace(words, instead)
    return definition


def test_the_probes_notice_statistics_of_hidden_values(twins):
    for owner in twins.owners:
        owner.execute(
            "ALTER TABLE nightjar.score ALTER entity_key SET STATISTICS 100; ANALYZE nightjar.score"
        )
    twins.set(PLANS["as Postgres plans"])
    try:
        assert "explain" in {name for name, _ in twins.told("analytics.scores", "entity_key", "text")}
    finally:
        for owner in twins.owners:
            owner.execute("ALTER TABLE nightjar.score ALTER entity_key SET STATISTICS 0")


READABLE = """
    SELECT relnamespace::regnamespace || '.' || relname FROM pg_class
    WHERE relkind IN ('r', 'v', 'm', 'p') AND has_table_privilege(oid, 'SELECT')
        AND has_schema_privilege(relnamespace, 'USAGE')
"""


def test_no_relation_that_an_analyst_may_read_holds_a_hidden_value(twins):
    analyst = twins.analysts[1]
    relations = [row[0] for row in analyst.execute(READABLE)]
    assert {"analytics.scores", "pg_catalog.pg_stats", "pg_catalog.pg_stat_activity"} <= set(relations)
    seen = {
        relation: answer(analyst, f"SELECT readable::text FROM {relation} AS readable")
        for relation in relations
    }
    assert [relation for relation, rows in seen.items() if SENTINEL in rows or "92345678" in rows] == []


def test_every_view_of_the_database_is_tried(twins):
    assert {name for name, _, _ in view_columns(twins.owners[0], "analytics")} == {
        view.name for view in VIEWS
    }
