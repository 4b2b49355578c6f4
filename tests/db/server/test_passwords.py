"""No statement holds a password, so no log of the server can."""

import psycopg
import pytest

from db.server.passwords import verifier
from db.server.roles import ensure_roles


def test_a_role_logs_in_with_the_password_that_its_verifier_was_made_of(database):
    secret = "s3cret'\\🦉 canary"
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        statement = verifier(admin, "someone", secret).as_string(admin)
        assert "canary" not in statement
        assert statement != verifier(admin, "someone", secret).as_string(admin), "it is salted"
        admin.execute(f"CREATE ROLE someone LOGIN PASSWORD {statement}")
        admin.execute(f"GRANT CONNECT ON DATABASE {database.name} TO someone")
    try:
        parts = psycopg.conninfo.conninfo_to_dict(database.url("admin")) | {"user": "someone"}
        with psycopg.connect(**parts | {"password": secret}) as someone:
            assert someone.execute("SELECT current_user").fetchone() == ("someone",)
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(**parts | {"password": "other"})
    finally:
        with psycopg.connect(database.url("admin"), autocommit=True) as admin:
            admin.execute(f"REVOKE CONNECT ON DATABASE {database.name} FROM someone")
            admin.execute("DROP ROLE someone")


def test_a_server_that_logs_every_statement_learns_no_password(database, postgres):
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {database.name} SET log_statement = 'all'")
    ensure_roles(database.url("admin"), postgres.passwords)
    log = "".join(file.read_text(errors="replace") for file in postgres.folder.rglob("*.log"))
    assert "ALTER ROLE" in log
    assert not [role for role, password in postgres.passwords.items() if password in log]
