"""What the doctor finds before a night does."""

import psycopg
import pytest

import models
from nightjar import doctor
from nightjar.bootstrap import Platform
from nightjar.core.errors import StoreUnavailable
from nightjar.settings import Settings


@pytest.fixture
def platform(database, tmp_path):
    """On a Postgres that is not the embedded one of its home."""
    writer = database.server.passwords["writer"]
    made = Platform(Settings(home=tmp_path, database_url=database.url("owner"), writer_password=writer, _env_file=None))
    yield made
    made.close()


def test_a_database_that_takes_no_writes_is_not_called_well(platform, database):
    spec = models.model("flight_delay")
    assert "schema up to date" in doctor.postgres(platform, spec)
    platform.close()
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    with pytest.raises(StoreUnavailable, match="takes no writes"):
        doctor.postgres(platform, spec)
