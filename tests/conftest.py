"""What all tests share: one real Postgres for the session, and a migrated database of its own for each test that asks."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import psycopg
import pytest

from db.embedded import EmbeddedPostgres, Role

hypothesis.settings.register_profile("nightjar", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("nightjar")

TEMPLATE = "nightjar_template"
FASTER = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "logging_collector": "off",
}


@dataclass(frozen=True, slots=True)
class Database:
    """A fresh database at the newest migration, with roles and views."""

    server: EmbeddedPostgres
    name: str

    def url(self, role: Role) -> str:
        return self.server.url(role, self.name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    home = Path(tempfile.mkdtemp(prefix="nightjar-test-"))
    home.chmod(0o755)  # root runs the server as another account
    server = EmbeddedPostgres(home, settings=FASTER)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        server.remove()
        shutil.rmtree(home)


@pytest.fixture(scope="session")
def template(postgres: EmbeddedPostgres) -> str:
    from db.migrate import upgrade
    from db.roles import ensure_roles

    postgres.ensure_database(TEMPLATE)
    ensure_roles(postgres.url("admin", TEMPLATE), postgres.passwords)
    upgrade(postgres.url("owner", TEMPLATE))
    return TEMPLATE


@contextmanager
def _fresh(server: EmbeddedPostgres, template: str) -> Iterator[Database]:
    from db.roles import ensure_roles

    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(server.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")
        ensure_roles(server.url("admin", name), server.passwords)  # who may connect is not copied from the template
        yield Database(server, name)
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    with _fresh(postgres, template) as database:
        yield database


@pytest.fixture(scope="module")
def shared_database(postgres: EmbeddedPostgres, template: str) -> Iterator[Database]:
    """One for all tests of a module: for those that only look."""
    with _fresh(postgres, template) as database:
        yield database
