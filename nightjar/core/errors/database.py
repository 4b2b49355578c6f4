"""What is wrong with the database, its schema or its roles."""

from collections.abc import Sequence
from pathlib import Path

from nightjar.core.errors.base import NightjarError, Retryable


class StoreUnavailable(Retryable):
    exit_code, runbook = 14, "store-unavailable"

    def __init__(self, what: str, cause: str, problem: str = "cannot be reached") -> None:
        super().__init__(f"{what} {problem}: {cause}. It may simply be tried again.")


class SchemaOutdated(NightjarError):
    exit_code, runbook = 15, "schema-outdated"

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(
            f"The database is at migration {found or 'none'}, the code needs {expected}: it has to be "
            "migrated."
        )


class SchemaNewer(NightjarError):
    """The database was migrated by newer code, whose migrations this code does not know."""

    exit_code, runbook = 30, "schema-newer"

    def __init__(self, found: str, newest: str) -> None:
        super().__init__(
            f"The database is newer than this code: it is at migration {found}, the newest known here is "
            f"{newest}. Install the code that it was migrated for; nothing was changed."
        )


class EmbeddedPostgresFailed(NightjarError):
    exit_code, runbook = 18, "embedded-postgres"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"The embedded Postgres did not start: {problem}. {remedy}")


class NoEmbeddedPostgres(EmbeddedPostgresFailed):
    """The embedded Postgres was never started in this folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"there is none yet in {folder}", "Start it first.")


class RoleHasNoPassword(NightjarError):
    exit_code, runbook = 20, "role-has-no-password"

    def __init__(self, role: str) -> None:
        super().__init__(
            f"The role {role} has no password here. Set NIGHTJAR_{role.upper()}_PASSWORD, and migrate the "
            "database as its owner."
        )


class RightsMissing(NightjarError):
    """The database accepts a role's login but refuses its statements.

    The role's grants were lost, perhaps in a restore.
    """

    exit_code, runbook = 35, "rights-missing"

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(
            f"{what} does not let us: {cause}. Let the owner grant again what was lost; the runbook has the "
            "statements."
        )


class RolesMissing(NightjarError):
    """The database lacks roles, and the user of its URL may not create them."""

    exit_code, runbook = 23, "roles-missing"

    def __init__(self, user: str, roles: Sequence[str]) -> None:
        statements = " ".join(f"CREATE ROLE {role} LOGIN PASSWORD '...';" for role in roles)
        super().__init__(
            f"{user} may not create the roles {', '.join(roles)}. Let an administrator run once: "
            f"{statements} Then set NIGHTJAR_WRITER_PASSWORD and NIGHTJAR_ANALYST_PASSWORD, and migrate the "
            "database again."
        )


class OwnerNeeded(NightjarError):
    """Another user tried an action that is reserved to the owner of the schema."""

    exit_code, runbook = 33, "owner-needed"

    def __init__(self, user: str) -> None:
        super().__init__(
            f"Pruning removes rows, which only the owner of the schema may do, and {user} is not. "
            "Let NIGHTJAR_DATABASE_URL name the owner, as it does for a migration."
        )


class NightsRunning(Retryable):
    """A migration found processes that still use the schema that it would change."""

    exit_code, runbook = 27, "nights-running"

    def __init__(self, working: Sequence[str], waited_s: float) -> None:
        super().__init__(
            "The database is not migrated while someone works by its schema: "
            f"{'; '.join(working) or 'a process that has just ended'}. "
            f"Waited {waited_s:.0f} s; nothing was changed. Migrate again when it has ended."
        )
