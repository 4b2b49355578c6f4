"""docs/rights.md is true: each cell of its tables and each sentence is tried as the role that it speaks of.

A sentence without a probe fails, and so does a probe without its sentence. Tables, columns, views, schemas,
sequences and functions are found in the catalogue, so that new ones are tried by themselves.
"""

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from inspect import signature
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection, errors
from sqlalchemy import text

from db.migrate import upgrade
from db.server.embedded import binary
from db.server.roles import ANALYST_LIMITS, ANALYST_SETTINGS, ensure_roles
from db.session import make_engine
from db.stores.holdings import PostgresHoldings
from db.tables import month_of
from db.urls import read
from nightjar.core.upkeep.retention import Month, Policy, forgettable
from nightjar.wiring.settings import PROJECT

PAGE = PROJECT / "docs" / "rights.md"
DENIED, REFUSED, FOREIGN = errors.InsufficientPrivilege, errors.RestrictViolation, errors.ForeignKeyViolation
TOO_LATE = (errors.DatetimeFieldOverflow, errors.CheckViolation)
ROLES = ("owner", "writer", "analyst")


@dataclass(frozen=True)
class Place:
    """A database with something of everything, a connection for each role, and nights written by hand."""

    url: Callable[[str], str]
    name: str
    by_hand: type
    roles: dict[str, Connection]
    days: Iterator[date]

    @contextmanager
    def another(self, role: str, *, autocommit: bool = True) -> Iterator[Connection]:
        with psycopg.connect(self.url(role), autocommit=autocommit) as connection:
            yield connection

    def hand(self, role: str = "writer"):
        return self.by_hand(self.roles[role])

    def published(self, day: date | None = None) -> int:
        """A night of two scores that SQL of the writer's own made."""
        run = self.hand().whole(day or next(self.days))
        self.hand().publish(run)
        return run

    @contextmanager
    def holdings(self, role: str) -> Iterator[PostgresHoldings]:
        engine = make_engine(self.url(role))
        yield PostgresHoldings(engine)
        engine.dispose()

    def one(self, role: str, query: str, *values: object):
        return self.roles[role].execute(query, values).fetchone()[0]


@pytest.fixture(scope="module")
def place(nights, by_hand) -> Iterator[Place]:
    with (
        psycopg.connect(nights.url("owner"), autocommit=True) as owner,
        psycopg.connect(nights.url("writer"), autocommit=True) as writer,
        psycopg.connect(nights.url("analyst"), autocommit=True) as analyst,
    ):
        owner.execute("CREATE TABLE feast.sample (n integer)")
        analyst.execute("SET default_transaction_read_only = off")  # rights must do, not habits
        days = (date(2013, 6, 20) + timedelta(days=number) for number in count())
        yield Place(
            nights.url, nights.name, by_hand, {"owner": owner, "writer": writer, "analyst": analyst}, days
        )


# --- the page -------------------------------------------------------------------------------------


@cache
def claims() -> tuple[str, ...]:
    """Every sentence, as one line without links; of a table every row, as "section | cells"."""
    section, block, found = "", [], []
    for line in [*PAGE.read_text().splitlines(), ""]:
        if not line or line.startswith(("- ", "#", "|")):
            words = re.sub(r"\[(.+?)\]\(.+?\)", r"\1", " ".join(block))
            found += re.split(r"(?<=[.:]) (?=[A-Z`])", words) if words else []
            block = []
        if line.startswith("#"):
            section = line.lstrip("# ")
        elif line.startswith("|"):
            found.append(f"{section} {line}")
        elif line:
            block.append(line.removeprefix("- ").strip())
    return tuple(found)


def rows(section: str) -> list[list[str]]:
    """The rows of a section's table, without its head."""
    lines = [line.removeprefix(f"{section} ") for line in claims() if line.startswith(f"{section} |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


MAY = {what: dict(zip(ROLES, cells, strict=True)) for what, *cells in rows("Who may do what in the database")}
UNCHECKED = {
    table.strip("`"): set(re.findall(r"`(\w+)`", columns)) for table, columns in rows("What it cannot check")
}
FREE = {what: cells for what, *cells in rows("What Postgres cannot forbid")}
TRIED: dict[str, Callable[..., None]] = {}
"""Sentence -> what tries it."""

Probe = Callable[..., None]


def tries(sentence: str) -> Callable[[Probe], Probe]:
    def kept(probe: Probe) -> Probe:
        TRIED[sentence] = probe
        return probe

    return kept


def test_every_sentence_is_tried_and_every_probe_has_its_sentence():
    assert sorted(line for line in claims() if " |" not in line) == sorted(TRIED)
    assert list(MAY) == list(DOING)
    assert list(FREE) == list(FREELY)


# --- who may do what ------------------------------------------------------------------------------

CHECKED = {
    "model_version": {"number"},
    "run": {"revision", "attempt", "state", "base_id"},
    "score": {"score_date", "run_id", "part", "carried_from", "outputs"},
    "quarantined_row": {"run_id", "part"},
    "input_profile": {"run_id"},
    "receipt": {"run_id", "part", "rows", "scored", "quarantined", "attempt"},
    "publication": {"model", "score_date", "run_id", "action"},
    "measurement": {"run_id"},
    "reason": {"run_id"},
    "incident": {"continues", "step"},
}
"""Columns that the writer sets and triggers check."""

WRITES = {table: UNCHECKED.get(table, set()) | CHECKED.get(table, set()) for table in {*UNCHECKED, *CHECKED}}
AFTER_THE_CLAIM = {"attempt", "state", "error"} | {
    f"population_{what}" for what in ("uri", "sha256", "rows", "parts")
}
ADDED = {(table, column) for table, columns in WRITES.items() for column in columns}
ADDED -= {("run", column) for column in AFTER_THE_CLAIM}
CHANGED = {("run", column) for column in AFTER_THE_CLAIM | {"flow_run"}}

IN_NIGHTJAR = "relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p')"
NAMES = {
    "relation": f"SELECT relname FROM pg_class WHERE {IN_NIGHTJAR}",
    "table": f"SELECT relname FROM pg_class WHERE {IN_NIGHTJAR} AND NOT relispartition",
    "view": "SELECT viewname FROM pg_views WHERE schemaname = 'analytics'",
    "sequence": "SELECT sequencename FROM pg_sequences WHERE schemaname = 'nightjar'",
    "schema": "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'",
}
"""A word in braces -> what there is of it."""

COLUMNS = f"""
    SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
    WHERE {IN_NIGHTJAR} AND attnum > 0 AND NOT attisdropped
"""
MODES = (
    "ROW SHARE",
    "ROW EXCLUSIVE",
    "SHARE UPDATE EXCLUSIVE",
    "SHARE",
    "SHARE ROW EXCLUSIVE",
    "EXCLUSIVE",
    "ACCESS EXCLUSIVE",
)


def may(connection: Connection, statement: str) -> bool:
    """Whether the role has the right. Nothing of the statement stays."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except DENIED:
        return False
    return True


def each(*templates: str) -> Callable[[Place, str], Iterator[bool]]:
    """Whether a role may do each statement.

    A template that names a kind of object stands for all there are.
    """

    def tried(place: Place, role: str) -> Iterator[bool]:
        for template in templates:
            for statement in every(place, template):
                yield may(place.roles[role], statement)

    return tried


def every(place: Place, template: str) -> list[str]:
    for word, query in NAMES.items():
        if f"{{{word}}}" in template:
            names = [row[0] for row in place.roles["owner"].execute(query)]
            assert names
            return [template.replace(f"{{{word}}}", name) for name in names]
    return [template]


def columns(place: Place) -> set[tuple[str, str]]:
    return set(place.roles["owner"].execute(COLUMNS))


def update(table: str, column: str) -> str:
    return f'UPDATE nightjar.{table} SET "{column}" = DEFAULT WHERE false'


def insert(table: str, column: str) -> str:
    return f'INSERT INTO nightjar.{table} ("{column}") OVERRIDING SYSTEM VALUE SELECT NULL WHERE false'


def adds(place: Place, role: str) -> Iterator[bool]:
    return (may(place.roles[role], insert(*column)) for column in sorted(ADDED))


def changes_a_run(place: Place, role: str) -> Iterator[bool]:
    changes = (
        f"UPDATE nightjar.run SET {column} = {column} WHERE state = 'failed'" for _, column in sorted(CHANGED)
    )
    return (may(place.roles[role], change) for change in changes)


def changes_other_rows(place: Place, role: str) -> Iterator[bool]:
    relations = [name for (name,) in place.roles["owner"].execute(NAMES["relation"])]
    statements = [
        *(update(*column) for column in sorted(columns(place) - CHANGED)),
        *(f"DELETE FROM nightjar.{name} WHERE false" for name in relations),
        *(f"TRUNCATE nightjar.{name} CASCADE" for name in relations),
        *(f"SELECT FROM nightjar.{name} WHERE false FOR KEY SHARE" for name in relations if name != "run"),
    ]
    return (may(place.roles[role], statement) for statement in statements)


def grants(place: Place, role: str) -> Iterator[bool]:
    """Whoever has no right to grant is only warned."""
    connection, run = place.roles[role], place.one("owner", "SELECT 'nightjar.run'::regclass::oid")
    with connection.transaction(force_rollback=True):
        with suppress(DENIED), connection.transaction():
            connection.execute("GRANT TRIGGER ON nightjar.run TO nightjar_analyst")
        yield place.one(role, "SELECT has_table_privilege('nightjar_analyst', %s::oid, 'TRIGGER')", run)


def together(*probes: Callable[[Place, str], Iterator[bool]]) -> Callable[[Place, str], Iterator[bool]]:
    return lambda place, role: (found for probe in probes for found in probe(place, role))


def executes(pattern: str) -> Callable[[Place, str], Iterator[bool]]:
    """Whether a role may execute each function of Postgres whose name is like that."""
    found = """
        SELECT has_function_privilege(oid, 'EXECUTE') FROM pg_proc
        WHERE proname ~ %s AND pronamespace = 'pg_catalog'::regnamespace
    """
    return lambda place, role: (may_it for (may_it,) in place.roles[role].execute(found, [pattern]))


def connects(place: Place, role: str) -> Iterator[bool]:
    for name in ("postgres", "template1"):
        yield "permission denied for database" not in refusal(place.url(role), name)


def refusal(url: str, name: str) -> str:
    try:
        psycopg.connect(url, dbname=name).close()
    except psycopg.OperationalError as error:
        return str(error)
    return ""


DOING: dict[str, Callable[[Place, str], Iterator[bool]]] = {
    "change tables, views, triggers and grants": together(
        each(
            "COMMENT ON TABLE nightjar.{relation} IS 'x'",
            "ALTER TABLE nightjar.{relation} DISABLE TRIGGER USER",
            "DROP TABLE nightjar.{relation} CASCADE",
            "COMMENT ON VIEW analytics.{view} IS 'x'",
            "DROP VIEW analytics.{view} CASCADE",
        ),
        grants,
    ),
    "create tables, functions and schemas": each(
        "CREATE TABLE {schema}.mine (n integer)",
        "CREATE FUNCTION {schema}.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
    ),
    "read the views in `analytics`": each("SELECT * FROM analytics.{view}"),
    "read the tables": each("SELECT FROM nightjar.{table}"),
    "read Feast's registry": each("SELECT * FROM feast.sample"),
    "write Feast's registry": each(
        "INSERT INTO feast.sample VALUES (1)", "UPDATE feast.sample SET n = 1", "DELETE FROM feast.sample"
    ),
    "add rows to the tables of nights and models": adds,
    "change a run that has not ended": changes_a_run,
    "change, delete or lock any other row": changes_other_rows,
    "lock a table": each(*(f"LOCK TABLE nightjar.{{relation}} IN {mode} MODE" for mode in MODES)),
    "advance or set a sequence": each(
        "SELECT nextval('nightjar.{sequence}')", "SELECT setval('nightjar.{sequence}', 1000)"
    ),
    "make a month for scores": each("SELECT nightjar.ensure_score_partition('2013-09-15')"),
    "take advisory locks": together(each("SELECT pg_advisory_xact_lock(1)"), executes("^pg_.*advisory")),
    "create temporary tables": each(
        "CREATE TEMPORARY TABLE mine (n integer)", "SELECT 1 AS n INTO TEMPORARY mine"
    ),
    "run procedural code": each("DO $$ BEGIN PERFORM 1; END $$"),
    "use large objects and messages in the WAL": together(
        each(
            "SELECT lo_create(0)",
            "SELECT lo_from_bytea(0, 'x')",
            "SELECT pg_logical_emit_message(false, 'x', 'y')",
        ),
        executes("^(lo_|loread|lowrite|pg_logical_emit_message)"),
    ),
    "reach files and programs of the server": together(
        each("COPY (SELECT 1) TO PROGRAM 'cat'", "COPY (SELECT 1) TO '/tmp/nightjar-copy'"),
        executes("^pg_(read_|ls_|stat_file)"),
    ),
    "connect to other databases": connects,
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("what", MAY)
def test_a_role_may_do_what_the_page_says_and_nothing_else(place, what, role):
    assert MAY[what][role] in {"yes", "no"}
    found = list(DOING[what](place, role))
    assert found == [MAY[what][role] == "yes"] * len(found)
    assert found


@pytest.mark.parametrize("role", ["writer", "analyst"])
def test_a_role_sets_the_columns_that_the_page_names_and_no_others(place, role):
    """Every column of every table: whether a role may insert it, and whether it may update it."""
    connection = place.roles[role]
    inserted = {
        ("score" if table.startswith("score_") else table, column)
        for table, column in columns(place)
        if may(connection, insert(table, column))
    }
    updated = {column for column in columns(place) if may(connection, update(*column))}
    assert (inserted, updated) == ((ADDED, CHANGED) if role == "writer" else (set(), set()))


@pytest.mark.parametrize("role", ["writer", "analyst"])
def test_a_role_can_do_nothing_with_a_view_but_read_it(place, role):
    held = """
        SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'analytics'::regnamespace
          AND (has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER, REFERENCES, SELECT WITH GRANT OPTION')
            OR has_any_column_privilege(oid, 'INSERT, UPDATE, REFERENCES'))
    """
    assert place.roles[role].execute(held).fetchall() == []


def test_no_column_is_both_checked_and_unchecked():
    assert [table for table in WRITES if UNCHECKED.get(table, set()) & CHECKED.get(table, set())] == []


@tries("`tests/db/test_rights_page.py` tries every cell and every sentence as the role that it speaks of.")
def _(place):
    assert Path(__file__).relative_to(PROJECT) == Path("tests/db/test_rights_page.py")


@tries("A published run cannot change, for the owner too.")
def _(place):
    run = place.published()
    for role in ("owner", "writer"):
        for _, column in sorted(CHANGED):
            with pytest.raises(REFUSED, match="it cannot change any more"):
                place.roles[role].execute(f"UPDATE nightjar.run SET {column} = {column} WHERE id = %s", [run])


@tries("`nightjar prune` takes rows of runs that were never published, and no others.")
def _(place):
    shown, failed = place.published(), place.hand().whole(next(place.days))
    place.hand().end(failed, "failed")
    kept = "SELECT count(*) FROM nightjar.score WHERE run_id = %s"
    with place.holdings("owner") as holdings:
        late = datetime.now(UTC) + timedelta(days=9999)
        forgotten = forgettable(holdings.runs(), Policy(), late)
        assert failed in {run.id for run in forgotten}
        assert shown not in {run.id for run in forgotten}
        holdings.forget(next(run for run in forgotten if run.id == failed))
    assert (place.one("owner", kept, failed), place.one("owner", kept, shown)) == (0, 2)


@tries("A worker needs the writer's URL alone.")
def _(place):
    """It makes a month, claims, stores, publishes and measures."""
    run = place.published()
    place.roles["writer"].execute(MEASUREMENT, [run, 0.5, datetime.now(UTC)])
    assert place.one("analyst", "SELECT count(*) FROM analytics.scores WHERE run_id = %s", run) == 2


@tries(
    "Of Nightjar's functions, the writer may execute `ensure_score_partition` and `publications_after`, and "
    "analysts `publications_after`."
)
def _(place):
    found = """
        SELECT coalesce(array_agg(proname ORDER BY proname), '{}')
        FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
        WHERE nspname !~ '^(pg_|information_schema)' AND has_function_privilege(pg_proc.oid, 'EXECUTE')
          AND has_schema_privilege(pg_namespace.oid, 'USAGE')
    """
    assert place.one("writer", found) == ["ensure_score_partition", "publications_after"]
    assert place.one("analyst", found) == ["publications_after"]


# --- what the database checks ---------------------------------------------------------------------


def half(place: Place, tamper: Callable) -> None:
    """A night of four rows in two parts is published, of which something else is stored."""
    run = place.hand().claim(next(place.days))
    place.hand().population(run, 4, 2)
    tamper(place.hand(), run)
    place.hand().publish(run)


@tries("A run is published only if each of its parts has a receipt.")
def _(place):
    with pytest.raises(REFUSED, match="4 of 4 rows in 1 of 2 parts"):
        half(place, lambda hand, run: hand.store(run, 0, 4))


@tries("A run is published only if its receipts add up to its population.")
def _(place):
    with pytest.raises(REFUSED, match="3 of 4 rows"):
        half(place, lambda hand, run: [hand.store(run, 0, 2), hand.store(run, 1, 1)])


@tries("A run is published only if each part holds the rows that its receipt counts.")
def _(place):
    with pytest.raises(
        REFUSED, match="part 1: its receipt says 2 scored and 0 set aside, stored are 1 and 0"
    ):
        half(
            place, lambda hand, run: [hand.store(run, 0, 2), hand.receipt(run, 1, 2), hand.scores(run, 1, 1)]
        )


@tries("Rows come in for a claimed run alone, and a publication waits for those that are coming in.")
def _(place):
    hand, shown = place.hand(), place.published()
    with pytest.raises(FOREIGN, match="is claimed"):
        hand.scores(shown, 1, 1)
    run = hand.whole(next(place.days))
    with place.another("writer", autocommit=False) as late, place.another("writer") as publishing:
        place.by_hand(late).scores(run, 1, 1)
        publishing.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            place.by_hand(publishing).publish(run)


@tries("A run is published together with its row in `publication`, or not at all.")
def _(place):
    hand, run = place.hand(), place.hand().whole(next(place.days))
    with pytest.raises(REFUSED, match="without a row in the ledger"):
        hand.end(run)
    with pytest.raises(REFUSED, match="is not in the state published"):
        hand.show(run)


@tries("The writer may add rows to a month of `score` itself, which refuses what `score` refuses.")
def _(place):
    """tests/db/test_guards.py tries all that is refused."""
    day = next(place.days)
    row = f"INSERT INTO nightjar.{month_of(day)} (score_date, run_id, entity_key, part, score) VALUES "
    with pytest.raises(FOREIGN, match="is claimed"):
        place.roles["writer"].execute(f"{row} (%s, %s, 'late', 0, 0.5)", [day, place.published(day)])


@tries("A repair keeps scores of the run that it repairs, and no others.")
def _(place):
    hand, day = place.hand(), next(place.days)
    base, other = place.published(day), place.published()
    repair = hand.claim(day, base)
    hand.population(repair, 2)
    hand.store(repair, 0, 2, carried_from=other)
    with pytest.raises(REFUSED, match="was not computed by the run that it names"):
        hand.publish(repair)


@tries("A repair is published only while analysts see the run that it repairs.")
def _(place):
    hand, day = place.hand(), next(place.days)
    base = place.published(day)
    repair = hand.whole(day, base=base)
    other = place.published(day)
    with pytest.raises(REFUSED, match=f"repairs run {base}, but analysts see run {other}"):
        hand.publish(repair)


@tries("Revisions, attempts and versions count by one.")
def _(place):
    run = place.hand().claim(next(place.days))
    copied = {"run": "model, score_date, as_of, known_at, version_id", "model_version": ", ".join(VERSION)}
    for table, number in (("run", "revision"), ("model_version", "number")):
        again = f"({number}, {copied[table]}) SELECT 99, {copied[table]} FROM nightjar.{table} LIMIT 1"
        with pytest.raises(REFUSED, match=r"the next (revision|version) of"):
            place.roles["writer"].execute(f"INSERT INTO nightjar.{table} {again}")
    with pytest.raises(REFUSED, match="has seen attempt 1: it cannot go to 3"):
        place.roles["writer"].execute("UPDATE nightjar.run SET attempt = 3 WHERE id = %s", [run])


@tries("Publications become visible in the order of their ids.")
def _(place):
    """tests/db/test_feed.py has a reader follow many publishers."""
    run, another = (place.hand().whole(next(place.days)) for _ in range(2))
    with place.another("writer", autocommit=False) as early, place.another("writer") as late:
        early.execute("SELECT 1")  # so that what follows is not committed
        place.by_hand(early).publish(run)
        late.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            place.by_hand(late).publish(another)


INCIDENT = """
    INSERT INTO nightjar.incident
        (model, kind, subject, severity, cause, because, sentence, runbook, step, continues)
    VALUES ('toy', 'late', %s, 'warning', '', '', '', '', %s, %s) RETURNING id
"""


@tries(
    "A row that continues or ends an incident names an earlier row of the same model and subject, and only "
    "one row ends it."
)
def _(place):
    began = place.one("writer", INCIDENT, "a", "began", None)
    for step in ("changed", "goes_on", "over", "unseen"):
        with pytest.raises(FOREIGN):
            place.one("writer", INCIDENT, "b", step, began)
        with pytest.raises(errors.CheckViolation):
            place.one("writer", INCIDENT, "a", step, None)
    with pytest.raises(errors.CheckViolation):
        place.one("writer", INCIDENT, "a", "began", began)
    for step in ("changed", "goes_on", "changed", "over"):
        place.one("writer", INCIDENT, "a", step, began)
    for step in ("over", "unseen"):
        with pytest.raises(errors.UniqueViolation):
            place.one("writer", INCIDENT, "a", step, began)


VERSION = sorted(UNCHECKED["model_version"])


@tries(
    "The database sets `actor`, and the instants `claimed_at`, `ended_at`, `stored_at`, `published_at`, "
    "`promoted_at`, "
    "`created_at`, `explained_at`, `found_at`, `noted_at`, `known_since`, `tried_at`, `decided_at`, "
    "`drift.measured_at`, `expectation.made_at`, `measurement.recorded_at` and `stage.recorded_at`."
)
def _(place):
    named = {"actor", "claimed_at", "ended_at", "stored_at", "published_at", "promoted_at", "created_at"}
    named |= {"explained_at", "found_at", "noted_at", "known_since", "tried_at", "decided_at"}
    ours = {(table, column) for table, column in columns(place) if column in named}
    ours |= {("drift", "measured_at"), ("measurement", "recorded_at"), ("stage", "recorded_at")}
    ours |= {("expectation", "made_at")}
    set_by_default = place.roles["owner"].execute("""
        SELECT relname, attname FROM pg_attrdef JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
        JOIN pg_class ON pg_class.oid = adrelid WHERE relnamespace = 'nightjar'::regnamespace
          AND pg_get_expr(adbin, adrelid) ~ 'timestamp|CURRENT_USER'
    """)
    assert set(set_by_default) | {("run", "ended_at")} <= ours
    assert [column for column in ours if may(place.roles["writer"], insert(*column))] == []
    assert [column for column in ours if may(place.roles["writer"], update(*column))] == []


@tries(
    "Rows of drift, expectation, measurement, explanation, reason, outcome_check and stage are added, and "
    "never changed."
)
def _(place):
    writer = place.roles["writer"]
    for table, column in sorted(columns(place)):
        if table in {
            "drift", "expectation", "measurement", "explanation", "reason", "outcome_check", "stage"
        }:  # fmt: skip
            assert not may(writer, update(table, column))
            assert not may(writer, f"DELETE FROM nightjar.{table} WHERE false")


SHOWN = "SELECT array_agg({0} ORDER BY {0}) FROM analytics.{1} WHERE run_id = %s"


def measured_twice(place: Place) -> int:
    run = place.published()
    for value in (0.1, 0.2):
        place.roles["writer"].execute(DRIFT, [run, value])
        place.roles["writer"].execute(MEASUREMENT, [run, value, datetime.now(UTC)])
    return run


@tries("`drift` and `nightly_performance` show the newest measurement.")
def _(place):
    run = measured_twice(place)
    assert place.one("analyst", SHOWN.format("value", "drift"), run) == [0.2]
    assert place.one("analyst", SHOWN.format("auc", "nightly_performance"), run) == [0.2]


@tries("`performance_history` and `measurements` show all measurements.")
def _(place):
    run = measured_twice(place)
    assert place.one("analyst", SHOWN.format("auc", "performance_history"), run) == [0.1, 0.2]
    assert place.one("analyst", SHOWN.format("value", "measurements"), run) == [0.1, 0.2]


@tries("A score is a finite number within the bounds of the version that its run was claimed with.")
def _(place):
    run = place.hand().claim(next(place.days))
    scored = """
        INSERT INTO nightjar.score (score_date, run_id, part, entity_key, score)
        SELECT score_date, id, 0, 'x', %s FROM nightjar.run WHERE id = %s
    """
    for score in (-0.1, 1.1, float("nan"), float("inf")):
        with pytest.raises(errors.CheckViolation, match="gives finite scores from 0 to 1"):
            place.roles["writer"].execute(scored, [score, run])


@tries("An outcome is a value that the newest version of its model says an outcome can have.")
def _(place):
    for value in (0.5, 2, float("nan")):
        with pytest.raises(errors.CheckViolation, match="which no outcome of the kind binary can be"):
            place.roles["writer"].execute(
                OUTCOME.replace("'x', %s, 1", "'x', %s, %s"), ["2013-06-15", "2013-06-16Z", value]
            )


DRIFT = """
    INSERT INTO nightjar.drift
        (run_id, method, column_name, value, threshold, drifted, null_share, reference_null_share)
    VALUES (%s, 'psi', 'distance', %s, 1, false, 0, 0)
"""
MEASUREMENT = """
    INSERT INTO nightjar.measurement (run_id, role, slice, slice_value, occasions, nights, supported, rows,
        with_outcome, metrics, measured_at)
    VALUES (%s, 'champion', '', '', 1, 1, true, 2, 2, jsonb_build_object('auc', %s::float), %s)
"""


@tries("A `uri` is an absolute path, or a URL of a store such as `file`, `s3` or `gs`.")
def _(place):
    run = place.hand().claim(next(place.days))
    for uri in ("/a/b", "file:///a", "s3://b/c", "gs://b/c"):
        assert may(place.roles["writer"], REPORT % {"uri": f"'{uri}'", "run": run})
    for uri in ("relative/x", "", "s3://", "file://host/x"):
        with pytest.raises(errors.CheckViolation, match="uri_of_store"):
            place.roles["writer"].execute(REPORT, {"uri": uri, "run": run})


@tries("A `uri` of `javascript`, `data` or `https` is refused.")
def _(place):
    run = place.hand().claim(next(place.days))
    named = place.one("owner", f"SELECT count(*) FROM ({COLUMNS}) AS c WHERE attname ~ 'ur[il]'")
    assert named == len(PLACES)
    for uri in ("javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "https://evil.example/x"):
        for statement in PLACES:
            with pytest.raises(errors.CheckViolation, match="uri_of_store"):
                place.roles["writer"].execute(statement, {"uri": uri, "run": run})


DATASET = sorted(UNCHECKED["dataset"])


def copied(table: str, names: Sequence[str], column: str, sha256: str, numbered: str = "") -> str:
    """Another row like the first of a table, with the place in a column."""
    values = ", ".join({column: "%(uri)s", sha256: "repeat('9', 64)"}.get(name, name) for name in names)
    number = "number, " if numbered else ""
    written = f"INSERT INTO nightjar.{table} ({number}{', '.join(names)})"
    return f"{written} SELECT {numbered}{values} FROM nightjar.{table}"


NEXT = "(SELECT 1 + max(number) FROM nightjar.model_version), "
REPORT = "INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%(run)s, 'drift', %(uri)s)"
PLACES = (
    REPORT,
    "UPDATE nightjar.run SET population_uri = %(uri)s WHERE id = %(run)s",
    copied("dataset", DATASET, "uri", "sha256"),
    copied("model_version", VERSION, "artifact_uri", "artifact_sha256", NEXT),
    copied("model_version", VERSION, "reference_uri", "artifact_sha256", NEXT),
    copied("model_version", VERSION, "evidence_uri", "artifact_sha256", NEXT),
    copied("model_version", VERSION, "golden_uri", "artifact_sha256", NEXT),
)
"""Statements of the writer that name a place, one for each column that holds places."""


@tries("Dates and instants lie between 1890 and 2210.")
def _(place):
    """The dates of scores and publications are those of their run: a trigger and a foreign key see to it."""
    dated = place.roles["owner"].execute(f"""
        SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE {IN_NIGHTJAR} AND NOT relispartition AND attnum > 0
          AND format_type(atttypid, NULL) ~ '^(date|timestamp)'
    """)
    bounded = place.roles["owner"].execute("""
        SELECT relname, attname FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
        JOIN pg_attribute ON attrelid = conrelid AND attnum = conkey[1]
        WHERE conname ~ 'of_our_time$' AND convalidated
          AND pg_get_constraintdef(pg_constraint.oid) ~ '1890-01-01.*2210-01-01'
    """)
    settable = set(dated) & (ADDED | CHANGED)
    assert settable - {("score", "score_date"), ("publication", "score_date")} == set(bounded)
    for recorded in ("-infinity", "1889-12-31Z", "2210-01-02Z", "infinity"):
        with pytest.raises(TOO_LATE):
            place.roles["writer"].execute(OUTCOME, ["2013-06-15", recorded])


OUTCOME = """
    INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome)
    VALUES ('flight_delay', %s, 'x', %s, 1)
"""


@tries("No outcome is recorded, and no night measured, at an instant that is more than two days ahead.")
def _(place):
    run, last = place.published(), datetime.now(UTC) + timedelta(days=2)
    for statement, values in ((MEASUREMENT, [run, 0.5]), (OUTCOME, ["2013-06-15"])):
        is_the_last(place, statement, values, last)


@tries("`known_at` of a run is at most its `as_of`, or at most two days ahead.")
def _(place):
    known = """
        INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id)
        SELECT model, '2013-07-31', 1, %s, %s, version_id FROM nightjar.run LIMIT 1
    """
    now = datetime.now(UTC)
    is_the_last(place, known, [now], now + timedelta(days=2))
    is_the_last(place, known, [now + timedelta(days=30)], now + timedelta(days=30))


def is_the_last(place: Place, statement: str, values: list, instant: datetime) -> None:
    """The instant is taken as the last value, and five minutes later is refused."""
    with place.roles["writer"].transaction(force_rollback=True):
        place.roles["writer"].execute(statement, [*values, instant])
    with pytest.raises(errors.DatetimeFieldOverflow):
        place.roles["writer"].execute(statement, [*values, instant + timedelta(minutes=5)])


@tries("No night is stored, and no month is made, for a date that is more than a year and a day ahead.")
def _(place):
    claimed = """
        INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id)
        SELECT model, %s::date, 1, as_of, known_at, version_id FROM nightjar.run LIMIT 1
    """
    last = datetime.now(UTC).date() + timedelta(days=366)
    for statement in ("SELECT nightjar.ensure_score_partition(%s::date)", claimed):
        with pytest.raises(errors.DatetimeFieldOverflow):
            place.roles["writer"].execute(statement, [last + timedelta(days=2)])
        with place.roles["writer"].transaction(force_rollback=True):
            place.roles["writer"].execute(statement, [last - timedelta(days=1)])


# --- what it cannot check, and what analysts can find out -----------------------------------------


@tries("Whoever has the writer's password can publish a whole night of scores that no model computed.")
def _(place):
    """No file of a model, an input or a population lies anywhere."""
    run = place.published()
    assert (
        place.one("analyst", "SELECT actor FROM analytics.publications WHERE run_id = %s", run)
        == "nightjar_writer"
    )
    assert place.one("analyst", "SELECT avg(score) FROM analytics.scores WHERE run_id = %s", run) == 0.5


@tries("Of these columns the database checks the type, the table's constraints and the limits above:")
def _(place):
    """The columns are those that the writer may set, without those that triggers check (above)."""
    listed = {(table, column) for table, found in UNCHECKED.items() for column in found}
    assert listed <= columns(place)
    assert listed <= ADDED | CHANGED


@tries("Conditions, errors and `EXPLAIN` tell them nothing of rows that no view shows (ADR 29).")
def _(place):
    """test_hidden_rows.py tries every view and column; here one hidden night is asked for."""
    hand, day = place.hand(), next(place.days)
    hidden = hand.whole(day)
    analyst = place.roles["analyst"]
    assert place.one("owner", "SELECT count(*) FROM nightjar.score WHERE run_id = %s", hidden) == 2
    for condition in (
        "(entity_key || ' ' || score::text)::integer > 0",
        "1 / (score - 0.5) > 0",
        "CASE WHEN entity_key = 'p0k1' THEN 1 / (random() * 0)::integer > 0 ELSE true END",
    ):
        asked = f"SELECT count(*) FROM analytics.scores WHERE score_date = %s AND {condition}"
        assert analyst.execute(asked, [day]).fetchone() == (0,)
    plans = [
        analyst.execute(
            f"EXPLAIN SELECT FROM analytics.scores WHERE score_date = '{day}' AND entity_key = '{key}'"
        ).fetchall()
        for key in ("p0k1", "none")
    ]
    assert str(plans[0]).replace("p0k1", "none") == str(plans[1])


@tries("`runs` shows every run, published or not: its counts, its state and why it failed.")
def _(place):
    everything = "SELECT array_agg((run_id, state, error)::text ORDER BY run_id) FROM analytics.runs"
    kept = "SELECT array_agg((id, state, error)::text ORDER BY id) FROM nightjar.run"
    assert place.one("analyst", everything) == place.one("owner", kept)
    counts = "(population, scored, quarantined, parts_stored)::text"
    broken = f"SELECT {counts} FROM analytics.runs WHERE error = 'it broke' LIMIT 1"
    assert place.one("analyst", broken) == "(62,60,2,1)"


@tries("`findings` shows what the audit had against every run, published or not.")
def _(place):
    shown = "SELECT array_agg((run_id, name, sentence)::text ORDER BY run_id, rank) FROM analytics.findings"
    kept = "SELECT array_agg((run_id, name, sentence)::text ORDER BY run_id, rank) FROM nightjar.finding"
    assert "volume" in str(place.one("analyst", shown))
    assert place.one("analyst", shown) == place.one("owner", kept)


@tries("`stages` shows what each stage of every run took, published or not.")
def _(place):
    shown = "SELECT array_agg((run_id, part, stage)::text ORDER BY run_id, started_at) FROM analytics.stages"
    kept = "SELECT array_agg((run_id, part, stage)::text ORDER BY run_id, started_at) FROM nightjar.stage"
    assert "publish" in str(place.one("analyst", shown))
    assert place.one("analyst", shown) == place.one("owner", kept)


@tries("A stage of a part is stored only with the receipt of its part, and once.")
def _(place):
    run = place.published()
    stage = """
        INSERT INTO nightjar.stage (
            run_id, attempt, part, stage, role, started_at, seconds, cpu_seconds, peak_memory, retries
        ) VALUES (%s, 1, %s, 'write', '', now(), 1, 1, 1, 0)
    """
    with place.roles["writer"].transaction(force_rollback=True):
        place.roles["writer"].execute(stage, [run, 0])
        with pytest.raises(errors.UniqueViolation), place.roles["writer"].transaction():
            place.roles["writer"].execute(stage, [run, 0])
    with pytest.raises(FOREIGN):
        place.roles["writer"].execute(stage, [run, 1000])


@tries("The catalogue tells them names of tables and columns, and definitions of views.")
def _(place):
    known = """
        SELECT array_agg(attname::text) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relname = 'run'
    """
    assert "population_sha256" in place.one("analyst", known)
    assert "nightjar.score" in place.one(
        "analyst", "SELECT definition FROM pg_views WHERE viewname = 'scores'"
    )


@tries("The catalogue tells them about how many rows a table has, and how many bytes.")
def _(place):
    place.roles["owner"].execute("ANALYZE nightjar.run")
    assert place.one("analyst", "SELECT reltuples FROM pg_class WHERE relname = 'run'") > 0
    assert place.one("analyst", "SELECT pg_relation_size(oid) FROM pg_class WHERE relname = 'run'") > 0


# --- on a Postgres of yours -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def theirs(postgres, template) -> Iterator[dict[str, str]]:
    """A database whose owner is nobody special, as `nightjar db migrate` leaves it: a URL for each role."""
    del template  # the roles exist
    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute("CREATE ROLE landlord LOGIN PASSWORD 'open'")
        admin.execute("CREATE DATABASE theirs OWNER landlord")
        owner = read(postgres.url("admin", "theirs")).changed(user="landlord", password="open").text
        ensure_roles(owner, {role: postgres.passwords[role] for role in ("writer", "analyst")})
        upgrade(owner)
        yield {
            "owner": owner,
            **{role: postgres.url(role, "theirs") for role in ("admin", "writer", "analyst")},
        }
        admin.execute("DROP DATABASE theirs WITH (FORCE)")
        admin.execute("DROP ROLE landlord")


SET_EVERYWHERE = (
    """
        SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE NOT tgisinternal AND tgparentid = 0 AND NOT relispartition
    """,
    "SELECT viewname, definition FROM pg_views WHERE schemaname = 'analytics'",
    """
        SELECT relname, attname, privilege_type, grantee::regrole::text FROM (
            SELECT oid, NULL AS attname, relacl AS held FROM pg_class
            UNION ALL SELECT attrelid, attname, attacl FROM pg_attribute
        ) AS granted JOIN pg_class USING (oid), aclexplode(held)
        WHERE relnamespace IN ('nightjar'::regnamespace, 'analytics'::regnamespace) AND NOT relispartition
          AND grantee IN ('nightjar_writer'::regrole, 'nightjar_analyst'::regrole)
    """,
)
"""Triggers, views and grants."""

BY_EVERYBODY = (
    "CREATE TEMPORARY TABLE mine (n integer)",
    "SELECT lo_create(0)",
    "SELECT pg_logical_emit_message(false, 'x', 'y')",
    "SELECT pg_advisory_xact_lock(1)",
    "DO $$ BEGIN PERFORM 1; END $$",
)


@tries("`nightjar db migrate` sets the grants, triggers and views of this page everywhere.")
def _(place, theirs):
    with psycopg.connect(theirs["owner"]) as landlord:
        for query in SET_EVERYWHERE:
            there = set(landlord.execute(query))
            assert there == set(place.roles["owner"].execute(query))
            assert there


@tries("What Postgres gives to everybody, only a superuser can take back.")
def _(theirs):
    with (
        psycopg.connect(theirs["owner"], autocommit=True) as landlord,
        everybody(theirs["analyst"]) as analyst,
    ):
        for door in ("FUNCTION pg_catalog.lo_create(oid)", "LANGUAGE plpgsql"):
            with suppress(DENIED):  # some only warn
                landlord.execute(f"REVOKE ALL ON {door} FROM PUBLIC")
        assert [statement for statement in BY_EVERYBODY if not may(analyst, statement)] == []


@tries(
    "The part of `docker/create-databases.sh` after `\\connect nightjar` takes it back where psql runs it."
)
def _(theirs):
    run_second_part(theirs["admin"])
    with everybody(theirs["analyst"]) as analyst:
        assert [statement for statement in BY_EVERYBODY if may(analyst, statement)] == []


@tries("Where the owner of that database has another name, put it there in place of `nightjar_owner`.")
def _(theirs):
    run_second_part(theirs["admin"])
    with psycopg.connect(theirs["owner"], autocommit=True) as landlord:
        assert [may(landlord, statement) for statement in BY_EVERYBODY] == [True, False, False, True, True]


@tries("It closes temporary tables, `lo_*`, `pg_logical_emit_message`, advisory locks and procedural code.")
def _(theirs):
    """The writer keeps what nights need: temporary tables and advisory locks."""
    run_second_part(theirs["admin"])
    with everybody(theirs["writer"]) as writer:
        assert [may(writer, statement) for statement in BY_EVERYBODY] == [True, False, False, True, False]


@tries("It closes nothing in other databases.")
def _(theirs, postgres):
    rights = "SELECT oid, proacl FROM pg_proc UNION ALL SELECT oid, lanacl FROM pg_language ORDER BY oid"
    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as elsewhere:
        before = elsewhere.execute(rights).fetchall()
        run_second_part(theirs["admin"])
        assert elsewhere.execute(rights).fetchall() == before


@contextmanager
def everybody(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        yield connection


def run_second_part(admin: str) -> None:
    script = (PROJECT / "docker" / "create-databases.sh").read_text()
    part = (
        script.partition("\\connect nightjar\n")[2]
        .partition("\nSQL\n")[0]
        .replace("nightjar_owner", "landlord")
    )
    command = [binary("psql"), "-v", "ON_ERROR_STOP=1", "-d", admin, "-f", "-"]
    subprocess.run(command, input=part, text=True, check=True, capture_output=True, timeout=60)


# --- what Postgres cannot forbid ------------------------------------------------------------------


@pytest.fixture
def server(place, postgres) -> Iterator[Callable[[], None]]:
    """Sets the roles as `nightjar db migrate` does. They are as before when the test ends."""

    def migrated() -> None:
        ensure_roles(postgres.url("admin", place.name), postgres.passwords)

    yield migrated
    with psycopg.connect(postgres.url("admin", place.name), autocommit=True) as admin:
        admin.execute("DROP ROLE IF EXISTS jane")
        admin.execute("ALTER ROLE nightjar_analyst RESET ALL")
    migrated()


def code(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@contextmanager
def jane(place: Place, cell: str) -> Iterator[Connection]:
    """A login of her own, made as the page says."""
    made = next(words for words in code(cell) if words.startswith("CREATE ROLE jane"))
    with psycopg.connect(place.url("admin"), autocommit=True) as admin:
        admin.execute(made)
    with psycopg.connect(place.url("analyst"), user="jane", password="...", autocommit=True) as connection:
        yield connection


def wait_for_the_end(place: Place, session: Connection) -> None:
    while place.one(
        "owner", "SELECT count(*) FROM pg_stat_activity WHERE pid = %s", session.info.backend_pid
    ):
        pass


def changes_its_password(place: Place, migrated: Callable[[], None], remedy: str) -> None:
    place.roles["analyst"].execute("ALTER ROLE nightjar_analyst PASSWORD 'mine'")
    with (
        pytest.raises(psycopg.OperationalError, match="password authentication failed"),
        place.another("analyst"),
    ):
        pass
    with jane(place, remedy) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("SELECT * FROM analytics.scores")
        assert not may(connection, "ALTER ROLE nightjar_analyst PASSWORD 'hers'")
    assert "nightjar db migrate" in code(remedy)
    migrated()
    with place.another("analyst"):
        pass


def changes_its_defaults(place: Place, migrated: Callable[[], None], remedy: str) -> None:
    shown = "SHOW statement_timeout"
    place.roles["analyst"].execute("ALTER ROLE nightjar_analyst SET statement_timeout = 0")
    with place.another("analyst") as running, place.another("admin") as admin:
        assert running.execute(shown).fetchone() == ("0",)
        ended = code(remedy)[0].replace("pid", str(running.info.backend_pid))
        assert admin.execute(ended).fetchone() == (True,)
        wait_for_the_end(place, running)
        with pytest.raises(psycopg.OperationalError):
            running.execute("SELECT 1")
    migrated()
    with place.another("analyst") as again:
        assert again.execute(shown).fetchone() == ("1min",)


def holds_a_transaction(place: Place, _migrated: Callable[[], None], remedy: str) -> None:
    place.roles["writer"].execute("SELECT nightjar.ensure_score_partition('2012-01-15')")
    month = Month("score_2012_01", date(2012, 1, 1), frozenset())
    with (
        pytest.MonkeyPatch.context() as patch,
        place.another("analyst", autocommit=False) as holding,
        place.holdings("owner") as holdings,
    ):
        patch.setattr("db.stores.holdings.LOCK_TIMEOUT", text("SET LOCAL lock_timeout = '50ms'"))
        holding.execute("SELECT FROM analytics.scores WHERE score_date = '2012-01-15'")
        assert not holdings.drop(month)
        holding.rollback()
        assert holdings.drop(month)
    with place.another("admin") as admin:
        admin.execute(code(remedy)[0].replace("10min", "50ms"))
    with place.another("analyst", autocommit=False) as holding:
        holding.execute("SELECT FROM analytics.scores")
        wait_for_the_end(place, holding)
        with pytest.raises(psycopg.Error, match=r"idle-in-transaction|closed the connection"):
            holding.execute("SELECT 1")


def raises_its_work_mem(place: Place, _migrated: Callable[[], None], _remedy: str) -> None:
    assert may(place.roles["analyst"], "SET work_mem = '4GB'")


def ends_sessions_of_its_role(place: Place, _migrated: Callable[[], None], _remedy: str) -> None:
    """John has a login as Jane has one."""
    end = "SELECT pg_terminate_backend({})"
    with place.another("analyst") as victim:
        assert may(place.roles["analyst"], end.format(victim.info.backend_pid))
    with place.another("admin") as admin, jane(place, FREE["change its own password"][1]) as hers:
        admin.execute("CREATE ROLE john LOGIN PASSWORD '...' IN ROLE nightjar_analyst")
        with psycopg.connect(place.url("analyst"), user="john", password="...", autocommit=True) as his:
            assert not may(his, end.format(hers.info.backend_pid))
        admin.execute("DROP ROLE john")


def fills_the_queue(place: Place, _migrated: Callable[[], None], remedy: str) -> None:
    used = code(remedy)[0]
    with place.another("analyst", autocommit=False) as listening:
        listening.execute("LISTEN mine")
        listening.commit()
        listening.execute("SELECT 1")
        before = place.one("analyst", used)
        place.roles["analyst"].execute(
            "SELECT count(pg_notify('mine', repeat('x', 7000) || n)) FROM generate_series(1, 50) AS n"
        )
        assert place.one("analyst", used) > before


def reads_the_catalogue(place: Place, _migrated: Callable[[], None], _remedy: str) -> None:
    known = (
        "SELECT array_agg(DISTINCT relname::text) FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
    )
    assert {"run", "score", "drift"} <= set(place.one("analyst", known))


FREELY: dict[str, Callable[[Place, Callable[[], None], str], None]] = {
    "change its own password": changes_its_password,
    "change its own defaults, and `SET statement_timeout = 0`": changes_its_defaults,
    "hold a transaction open": holds_a_transaction,
    "raise its own `work_mem`": raises_its_work_mem,
    "end sessions of its own role": ends_sessions_of_its_role,
    "`NOTIFY`": fills_the_queue,
    "read the catalogue": reads_the_catalogue,
}


@pytest.mark.parametrize("what", FREE)
def test_postgres_cannot_forbid_it_and_the_remedy_works(place, server, what):
    FREELY[what](place, server, FREE[what][1])


@tries("A login in `nightjar_analyst` does not inherit its settings.")
def _(place, server):
    del server
    with jane(place, FREE["change its own password"][1]) as connection:
        assert connection.execute("SHOW statement_timeout").fetchone() == ("0",)


@tries("An administrator sets for it what `SELECT rolconfig FROM pg_roles` shows of `nightjar_analyst`.")
def _(place, server):
    del server
    shown = place.one("analyst", "SELECT rolconfig FROM pg_roles WHERE rolname = 'nightjar_analyst'")
    assert shown == [f"{setting}={value}" for setting, value in (ANALYST_SETTINGS | ANALYST_LIMITS).items()]
    with jane(place, FREE["change its own password"][1]), place.another("admin") as admin:
        for setting, value in (words.split("=") for words in shown):
            admin.execute(f"ALTER ROLE jane SET {setting} = '{value}'")
    with psycopg.connect(place.url("analyst"), user="jane", password="...") as hers:
        assert hers.execute("SHOW temp_file_limit").fetchone() == ("4GB",)
        assert hers.execute("SHOW default_transaction_read_only").fetchone() == ("on",)


@pytest.mark.parametrize("sentence", TRIED)
def test_a_sentence_is_true(request, sentence):
    probe = TRIED[sentence]
    probe(**{name: request.getfixturevalue(name) for name in signature(probe).parameters})
