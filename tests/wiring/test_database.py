"""Which database is meant, and what is said of one that does not exist yet."""

import pytest

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
