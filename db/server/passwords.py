"""Passwords are sent to Postgres as verifiers, the form in which it stores them.

A statement's text may get into the server's log. A verifier in the log does not let anyone log in.
"""

from psycopg import Connection, sql


def verifier(connection: "Connection[tuple]", role: str, password: str) -> sql.Literal:
    """Return the value for `PASSWORD` instead of the password. Each call uses a new salt."""
    return sql.Literal(
        connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    )
