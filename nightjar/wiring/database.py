"""The configured database: the Postgres of the wheel, or the one that NIGHTJAR_DATABASE_URL names."""

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from nightjar.core.errors.database import RoleHasNoPassword, SchemaOutdated
from nightjar.wiring.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db.server.embedded import EmbeddedPostgres

Role = Literal["owner", "writer", "analyst"]
DATABASE = "nightjar"


@dataclass(frozen=True)
class Database:
    """The database. Its first use starts the embedded Postgres if that is configured."""

    settings: Settings = field(default_factory=Settings)

    @cached_property
    def local(self) -> "EmbeddedPostgres":
        """The Postgres of the wheel. It may be running or stopped."""
        from db.server.embedded import EmbeddedPostgres

        as_json = {"log_destination": "jsonlog"} if self.settings.log_format == "json" else {}
        return EmbeddedPostgres(self.settings.home, as_json)

    @cached_property
    def embedded(self) -> "EmbeddedPostgres | None":
        """The running Postgres of the wheel, or None if NIGHTJAR_DATABASE_URL names another.

        Before its start this process and its children forget what the environment tells libpq.
        """
        if self.settings.database_url is not None:
            return None
        from db.urls import ENVIRONMENT

        # They speak of other servers: PGSERVICE or PGHOSTADDR would lead each connection there.
        for name in ENVIRONMENT & os.environ.keys():
            del os.environ[name]
        self.local.start()
        return self.local

    def url(self, role: Role) -> str:
        """A URL for psql.

        Raises SchemaOutdated if the embedded Postgres was never migrated: it has neither the database nor the
        roles. Raises RoleHasNoPassword if the role's password is not set on a Postgres of yours.
        """
        if self.embedded is not None:
            if not self.embedded.has_database(DATABASE):
                from db.revisions import head

                raise SchemaOutdated(None, head())
            return self.embedded.url(role, DATABASE)
        from db.urls import read

        settings = self.settings
        assert settings.database_url is not None
        # An invalid URL is reported before a missing password.
        given = read(settings.database_url.get_secret_value())
        if role == "owner":
            return (
                given
                if settings.database_password is None
                else given.changed(password=settings.database_password.get_secret_value())
            ).text
        password = {"writer": settings.writer_password, "analyst": settings.analyst_password}[role]
        if password is None:
            raise RoleHasNoPassword(role)
        return given.changed(user=f"nightjar_{role}", password=password.get_secret_value()).text

    @cached_property
    def engine(self) -> "Engine":
        """Connections with the writer's rights, which are all that flows have.

        Raises SchemaOutdated before any work begins.
        """
        return self.migrated("writer", pool_size=self.settings.threads + self.settings.nights_at_once + 2)

    def migrated(self, role: Role, *, pool_size: int) -> "Engine":
        from db.revisions import require_head
        from db.session import make_engine

        engine = make_engine(self.url(role), pool_size=pool_size)
        require_head(engine)
        return engine

    def migrate(self) -> str:
        """Bring roles and schema to the state that the code needs. Return the current migration."""
        from db.migrate import upgrade
        from db.revisions import head
        from db.server.roles import ensure_roles

        if self.embedded is not None:
            self.embedded.ensure_database(DATABASE)
            ensure_roles(self.embedded.url("admin", DATABASE), self.embedded.passwords)
        else:
            ensure_roles(self.url("owner"), self._foreign_passwords())
        upgrade(self.url("owner"), wait_s=self.settings.night_wait_s)
        return head()

    def prefect_database(self) -> str:
        """Prefect's own database. It is on the Postgres of the wheel even if the scores are in another."""
        from db.urls import read

        self.local.start()
        self.local.ensure_database("prefect")
        return read(self.local.url("owner", "prefect")).for_sqlalchemy("asyncpg")

    def _foreign_passwords(self) -> dict[str, str]:
        given = {"writer": self.settings.writer_password, "analyst": self.settings.analyst_password}
        return {role: password.get_secret_value() for role, password in given.items() if password is not None}

    def close(self) -> None:
        """Close the connections. A running embedded Postgres keeps running for the next command."""
        if "engine" in self.__dict__:
            self.engine.dispose()
