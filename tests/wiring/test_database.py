"""Which database is meant, and what is said of one that does not exist yet."""

import os

import pytest

from db.session import connect
from nightjar.core.errors.database import SchemaOutdated
from nightjar.wiring.database import Database
from nightjar.wiring.settings import Settings


@pytest.mark.parametrize("role", ["owner", "writer", "analyst"])
def test_before_the_first_migration_it_is_said_that_one_is_needed_and_not_that_a_login_failed(
    postgres, tmp_path, role
):
    database = Database(Settings(home=tmp_path, _env_file=None))
    database.__dict__["embedded"] = postgres  # it runs, and has no database of that name
    with pytest.raises(SchemaOutdated, match=r"at migration none.*has to be migrated"):
        database.url(role)


def test_the_own_postgres_is_reached_whatever_the_environment_says_of_other_servers(postgres, monkeypatch):
    elsewhere = {
        "PGHOSTADDR": "192.0.2.1",
        "PGSERVICE": "production",
        "PGCHANNELBINDING": "require",
        "PGTARGETSESSIONATTRS": "read-only",
    }
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    database = Database(Settings(home=postgres.folder.parent, _env_file=None))
    assert database.embedded is database.local
    with connect(database.local.url("admin", "postgres")) as connection:
        assert connection.execute("SHOW port").fetchone() == (str(database.local.port),)
    assert not elsewhere.keys() & os.environ.keys()


def test_what_the_environment_says_counts_for_a_postgres_of_yours(tmp_path, monkeypatch):
    monkeypatch.setenv("PGSERVICE", "production")
    given = Settings(home=tmp_path, database_url="postgresql://owner@db.example/nightjar", _env_file=None)
    assert Database(given).embedded is None
    assert os.environ["PGSERVICE"] == "production"
