"""Every command on a real database whose name, owner and passwords hold any printable character."""

import re
import shutil
import subprocess
from types import SimpleNamespace

import psycopg
import pytest
from psycopg import sql

from db.server.embedded import binary
from db.server.roles import ensure_roles
from db.urls import read

PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
HALVES = (PRINTABLE[:48], f"{PRINTABLE[48:]}ü密")
"""A name may be 63 bytes long."""

PASSWORD = f"{PRINTABLE}ü密"
WHO = "SELECT current_user || ' in ' || current_database()"


@pytest.fixture(scope="module", params=[HALVES, HALVES[::-1]], ids=["first half", "second half"])
def odd(request, postgres, template):
    """A migrated database: its owner's name, its own name, and the settings that lead to it."""
    owner, database = request.param
    names = {
        "owner": sql.Identifier(owner),
        "database": sql.Identifier(database),
        "password": sql.Literal(PASSWORD),
    }
    admin = read(postgres.url("admin", "postgres"))
    with psycopg.connect(admin.text, autocommit=True) as connection:
        for statement in (
            "CREATE ROLE {owner} SUPERUSER LOGIN PASSWORD {password}",
            "CREATE DATABASE {database} OWNER {owner}",
        ):
            connection.execute(sql.SQL(statement).format(**names))
        url = admin.changed(user=owner, password=PASSWORD, dbname=database).text
        roles = {f"NIGHTJAR_{role}_PASSWORD": f"{role} {PASSWORD}" for role in ("WRITER", "ANALYST")}
        settings = {"NIGHTJAR_DATABASE_URL": url, **roles}
        yield SimpleNamespace(owner=owner, database=database, url=url, settings=settings)
        connection.execute(sql.SQL("DROP DATABASE {database} WITH (FORCE)").format(**names))
        connection.execute(sql.SQL("DROP OWNED BY {owner}; DROP ROLE {owner}").format(**names))
    ensure_roles(postgres.url("admin", template), postgres.passwords)  # the roles' passwords as they were


@pytest.fixture(scope="module")
def said(odd, world, command_line):
    """said(*words): what a command prints, in a home whose data have landed."""

    def said(*words, code=0, **settings):
        given = {"NIGHTJAR_HOME": str(world.home), **odd.settings, **settings}
        ended, text = command_line.run(*words, **given)
        assert ended == code, text
        return text

    said("db", "migrate")
    said("features", "apply")
    return said


@pytest.mark.parametrize(
    ("words", "code", "found"),
    [
        (("status",), 0, "versions"),
        (("doctor",), 1, r"schema up to date(.|\n)*it has feature service"),
        (("late",), 0, "no night is published"),
        (("quarantine", "list"), 0, "no night was begun"),
        (("prune",), 0, "remove"),
        (("monitor", "--today", "2013-03-15"), 0, "no night is published|published nights"),
        (("score", "--date", "2013-03-16"), 7, "has no champion"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_command_works_on_it(said, words, code, found):
    assert re.search(found, said(*words, code=code))


def test_its_url_opens_it_in_psql_whoever_is_asked_for(odd, said):
    program = shutil.which("psql") or str(binary("psql"))
    for role, user in {
        "owner": odd.owner,
        "writer": "nightjar_writer",
        "analyst": "nightjar_analyst",
    }.items():
        url = said("db", "url", "--role", role).strip()
        asked = [program, url, "-tAc", WHO]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True)
        assert done.stdout == said("db", "psql", "--role", role, "-tAc", WHO) == f"{user} in {odd.database}\n"


def test_the_password_may_stand_beside_the_url_as_it_is(odd, said):
    bare = read(odd.url).without_secrets().text
    beside = {"NIGHTJAR_DATABASE_URL": bare, "NIGHTJAR_DATABASE_PASSWORD": PASSWORD}
    assert "at migration" in said("db", "migrate", **beside)
    assert said("db", "url", "--role", "owner", **beside).strip() == odd.url
