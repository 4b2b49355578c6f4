"""Rows of values to Postgres by one statement: as JSON, which Postgres reads by the types of the table.

SQLAlchemy would write a parameter for each value, and the driver bind each. For few rows of many columns
that takes ten times as long as the statement itself. Many rows go by COPY (`db.copy`).
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection, Table, TextClause, text


def add(
    connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *, known_stay: bool = False
) -> None:
    """Insert rows that have the columns of the first one. Other columns get their defaults.

    known_stay: rows that are there already stay as they are; else they are an error.
    """
    if rows:
        # JSON has no NaN and no infinity. Postgres reads both as texts.
        told = to_json(rows, inf_nan_mode="strings").decode()
        connection.execute(_statement(table, tuple(rows[0]), known_stay), {"rows": told})


@cache
def _statement(table: Table, columns: tuple[str, ...], known_stay: bool) -> TextClause:
    names = ", ".join(f'"{name}"' for name in columns)
    otherwise = "ON CONFLICT DO NOTHING" if known_stay else ""
    return text(f"""
        INSERT INTO {table.fullname} ({names})
        SELECT {names} FROM json_populate_recordset(NULL::{table.fullname}, :rows) {otherwise}
    """)  # noqa: S608  # names of our tables
