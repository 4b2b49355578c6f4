"""A query in a Postgres database, as a table to scan."""

import re
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from nightjar.adapters.tables.table import RECORDED
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import BadTable
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.sources import PostgresQuery, RecordedAt
from nightjar.core.model.spec import RawDataset

CONNECT_S = 10
BATCH_ROWS = 50_000
SESSION = sql.SQL("SET TRANSACTION READ ONLY; SET LOCAL timezone TO 'UTC'")
"""Said first in the transaction that reads. In the connection's options it would replace those of the URL."""
TYPES: Mapping[str, pl.DataType] = {
    "int2": pl.Int16(),
    "int4": pl.Int32(),
    "int8": pl.Int64(),
    "float4": pl.Float32(),
    "float8": pl.Float64(),
    "numeric": pl.Float64(),
    "bool": pl.Boolean(),
    "text": pl.String(),
    "varchar": pl.String(),
    "bpchar": pl.String(),
    "name": pl.String(),
    "date": pl.Date(),
    "timestamptz": pl.Datetime("us", "UTC"),
    "timestamp": pl.Datetime("us"),
}
"""Postgres type -> the type of its values here. A numeric is the nearest fraction."""


ForGood = Callable[[psycopg.Error], bool]
"""True for an error of a connection that stays until a person changes a setting or the server."""

UNRESOLVED = re.compile(r"failed to resolve host .*\[Errno (-?\d+)\]")
NO_SUCH_HOST = frozenset({socket.EAI_NONAME, socket.EAI_NODATA})
"""The numbers for a name that no host has. Others say that nobody answers at the moment."""


@dataclass(frozen=True, slots=True)
class PostgresTable:
    """Implements `Table`.

    environment: where the query's variable is looked up. for_good: tells a refusal that a retry does not end.
    """

    dataset: RawDataset
    source: PostgresQuery
    environment: Mapping[str, str]
    for_good: ForGood

    def summary(self) -> pl.DataFrame:
        recorded = self._recorded
        instants = (
            sql.SQL("NULL::timestamptz[]")
            if recorded is None
            else sql.SQL("array_agg(DISTINCT {})").format(recorded)
        )
        with self._asked(
            "SELECT {day}::date, count(*), {instants} FROM {rows} GROUP BY 1", instants=instants
        ) as rows:
            found = rows.fetchall()
        schema = {"day": pl.Date(), "rows": pl.Int64(), "instants": pl.List(pl.Datetime("us", "UTC"))}
        return pl.DataFrame(found, schema, orient="row")

    def rows(self, first: date, last: date) -> pl.DataFrame:
        columns = sql.SQL(", ").join(
            [
                *map(sql.Identifier, self.dataset.columns),
                *([] if self._recorded is None else [self._recorded]),
            ]
        )
        with self._asked(
            "SELECT {columns} FROM {rows} WHERE {day} >= {first} AND {day} < {end}",
            columns=columns,
            first=sql.Literal(first),
            end=sql.Literal(last + timedelta(days=1)),
        ) as rows:
            return pl.concat(self._frames(rows))

    def _frames(self, rows: psycopg.ServerCursor[Any]) -> Iterator[pl.DataFrame]:
        names = [*self.dataset.columns, *([] if self._recorded is None else [RECORDED])]
        found = rows.fetchmany(BATCH_ROWS)
        types = [
            self._type(name, column.type_display)
            for name, column in zip(names, rows.description or (), strict=True)
        ]
        yield pl.DataFrame(schema=dict(zip(names, types, strict=True)))
        while found:
            columns = zip(names, types, zip(*found, strict=True), strict=True)
            yield pl.DataFrame([pl.Series(name, plain(values), kind) for name, kind, values in columns])
            found = rows.fetchmany(BATCH_ROWS)

    def _type(self, column: str, found: str) -> pl.DataType:
        name = found.partition("(")[0]
        if name not in TYPES:
            declared = self.dataset.columns.get(column, pl.Datetime("us", "UTC"))
            remedy = f"Cast it in the query to a type that is {declared}."
            raise BadTable(
                self.dataset.name, f"has the Postgres type {found}, which is not read", remedy, column
            )
        return TYPES[name]

    @property
    def _recorded(self) -> sql.Identifier | None:
        known = self.source.known
        return sql.Identifier(known.column) if isinstance(known, RecordedAt) else None

    @contextmanager
    def _asked(self, text: str, **parts: sql.Composable) -> Iterator[psycopg.ServerCursor[Any]]:
        """The answer to a question about the query's rows. Raises BadTable, BadSettings, StoreUnavailable."""
        query = sql.SQL(text).format(  # pyright: ignore[reportArgumentType]  # the texts are literals above
            rows=sql.SQL("({}\n) AS source").format(sql.SQL(self.source.sql.strip().rstrip(";"))),  # pyright: ignore[reportArgumentType]  # the spec's own SQL
            day=sql.Identifier(self.dataset.day_column or ""),
            **parts,
        )
        try:
            with self._connected() as connection:
                connection.execute(SESSION)
                with connection.cursor(name="scan", binary=True) as rows:
                    rows.execute(query)
                    yield rows
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            if no_such_host(error) or self.for_good(error):
                raise BadSettings(
                    f"{self.source.url} does not open the database of {self.dataset.name}: {said(error)}",
                    f"Correct host, database, user or password in {self.source.url}, or the server.",
                ) from error
            raise StoreUnavailable(
                f"The database in {self.source.url}, of {self.dataset.name},", said(error)
            ) from error
        except psycopg.Error as error:
            remedy = "Correct the query or the columns in the model's spec, or the table."
            raise BadTable(self.dataset.name, f"Postgres refuses the query: {said(error)}", remedy) from error

    def _connected(self) -> psycopg.Connection[Any]:
        url = self.environment.get(self.source.url, "")
        if not url:
            raise BadSettings(
                f"{self.source.url} is not set; it names the database of {self.dataset.name}",
                "Set it in the environment or in .env, like postgresql://user:password@host/database.",
            )
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError:  # what it says has the URL in it, with its password
            raise BadSettings(
                f"{self.source.url} holds no URL of a Postgres database; {self.dataset.name} is read from it",
                "Write it like postgresql://user:password@host/database.",
            ) from None
        return psycopg.connect(url, connect_timeout=given.get("connect_timeout", CONNECT_S))


def no_such_host(error: psycopg.Error) -> bool:
    found = UNRESOLVED.search(str(error))
    return found is not None and int(found[1]) in NO_SUCH_HOST


def plain(values: tuple[Any, ...]) -> list[Any]:
    """Values without Decimals, which are fractions here."""
    return [float(value) if isinstance(value, Decimal) else value for value in values]


def said(error: psycopg.Error) -> str:
    """The first line of what Postgres says, which holds no password."""
    return str(error).partition("\n")[0].strip() or type(error).__name__
