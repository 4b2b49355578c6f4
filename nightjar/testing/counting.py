"""Counts what a piece of work does. A limit on a count holds on every machine; one on seconds does not."""

import builtins
import io
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import polars as pl
import psycopg

from db.session import SESSION

PING = ";"
"""By this SQLAlchemy asks if a connection of its pool is alive."""


@dataclass
class Work:
    """statements: what Postgres was asked, COPY included, without BEGIN, pings, COMMIT and the settings of a
    new session: how many of a pool's connections a night opens is a matter of its threads. copied_bytes: sent
    by COPY. listed: folders whose entries Python read. opened: files that Python opened. read: Parquet files
    that Polars was told to read, each as often as it was.
    """

    statements: list[str] = field(default_factory=list[str])
    commits: int = 0
    copied_bytes: int = 0
    listed: list[str] = field(default_factory=list[str])
    opened: list[str] = field(default_factory=list[str])
    read: list[str] = field(default_factory=list[str])

    def repeated(self) -> Counter[str]:
        """The statements that were made more than once, and how often."""
        return Counter({said: times for said, times in Counter(self.statements).items() if times > 1})

    def ask(self, query: Any) -> None:
        said = query if isinstance(query, str) else getattr(query, "as_string", lambda: str(query))()
        if said not in (PING, SESSION):
            self.statements.append(" ".join(said.split()))

    def commit(self) -> None:
        self.commits += 1

    def copy(self, data: Any) -> None:
        self.copied_bytes += len(data)

    def scan(self, source: Any) -> None:
        """source: what `pl.scan_parquet` takes. A buffer is no file."""
        for each in source if isinstance(source, list | tuple) else [source]:
            if isinstance(each, str | os.PathLike):
                self.read.append(os.fspath(each))


@contextmanager
def counted() -> Iterator[Work]:
    """Count the work of the block, in all threads. Blocks are not nested."""
    work = Work()
    with ExitStack() as stack:
        for owner, name, note in (
            (psycopg.Cursor, "execute", lambda _, query, *__: work.ask(query)),
            (psycopg.Cursor, "executemany", lambda _, query, *__: work.ask(query)),
            (psycopg.Cursor, "stream", lambda _, query, *__: work.ask(query)),
            (psycopg.Cursor, "copy", lambda _, query, *__: work.ask(query)),
            (psycopg.Connection, "commit", lambda *_: work.commit()),
            (psycopg.Copy, "write", lambda _, data: work.copy(data)),
            (os, "scandir", lambda path=".": work.listed.append(str(path))),
            (os, "listdir", lambda path=".": work.listed.append(str(path))),
            (io, "open", lambda file, *_: work.opened.append(str(file))),
            (builtins, "open", lambda file, *_: work.opened.append(str(file))),
            (pl, "scan_parquet", lambda source, *_: work.scan(source)),
            (pl, "read_parquet", lambda source, *_: work.scan(source)),
        ):
            stack.enter_context(patch.object(owner, name, _noting(getattr(owner, name), note)))
        yield work


def below(paths: list[str], folder: Path) -> list[str]:
    """Those of the paths that lie in a folder, relative to it."""
    return [str(Path(path).relative_to(folder)) for path in paths if Path(path).is_relative_to(folder)]


def _noting(function: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
    @wraps(function)
    def call(*words: Any, **options: Any) -> Any:
        note(*words)
        return function(*words, **options)

    return call
