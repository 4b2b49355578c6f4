"""Passwords as Postgres stores them: as verifiers.

The text of a statement may end in the server's log, and a verifier is of no use there.
"""

from psycopg import Connection, sql


def verifier(connection: "Connection[tuple]", role: str, password: str) -> sql.Literal:
    """What `PASSWORD` takes in place of the password itself, salted anew at each call."""
    return sql.Literal(
        connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    )
