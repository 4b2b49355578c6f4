"""Where the rows of a dataset come from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

Format = Literal["csv", "jsonl", "parquet"]
Proof = Literal["trailer", "rows", "sha256", "manifest", "footer", "none"]
PROOFS: Mapping[Format, tuple[Proof, ...]] = {
    "csv": ("trailer", "rows", "sha256", "manifest", "none"),
    "jsonl": ("rows", "sha256", "manifest", "none"),
    "parquet": ("footer", "rows", "sha256", "manifest"),
}
"""Format -> the proofs that it allows. A Parquet file always has a footer, so it needs no `none`."""
DEFAULTS: Mapping[Format, Proof] = {"csv": "trailer", "parquet": "footer"}
"""The proof of a format if the dataset names none. JSON lines have no proof of their own."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are delivered.

    whole: what proves that a file is whole. "trailer": its last line is `# rows=N`. "rows", "sha256": the
    file `NAME.rows` or `NAME.sha256` beside it holds the number of its rows or the hash of its bytes.
    "manifest": `manifest.json` beside it names it with `rows`, `sha256` or both. "footer": the end of a
    Parquet file. "none": nothing. None: the format's own proof.
    """

    format: Format = "csv"
    whole: Proof | None = None

    @property
    def proof(self) -> Proof:
        return self.whole or DEFAULTS[self.format]

    def faults(self) -> Iterator[str]:
        """What is wrong with the declaration."""
        if self.whole is None and self.format not in DEFAULTS:
            yield f"must say what proves a {self.format} file whole: {told(PROOFS[self.format])}"
        elif self.proof not in PROOFS[self.format]:
            allowed = told(PROOFS[self.format])
            yield f"cannot prove a {self.format} file whole by {self.whole!r}, only by {allowed}"


@dataclass(frozen=True, slots=True)
class RecordedAt:
    """A column of the table (instants with a zone) says when each row was recorded.

    A correction is another row with the same day and keys, recorded later. A row that is changed in place
    without a later instant changes what a past night could know.
    every: instants are rounded up to whole multiples of it, counted from 1970-01-01 UTC. A row counts as
    known a little late, never too early. Features are computed once for each instant that changes a day, so a
    short `every` makes a first build slow.
    """

    column: str
    every: timedelta = timedelta(hours=1)

    def faults(self) -> Iterator[str]:
        if not timedelta(seconds=1) <= self.every <= timedelta(days=31):
            yield f"must round instants up to a second at least and 31 days at most, not {self.every}"


@dataclass(frozen=True, slots=True)
class KnownAfter:
    """All rows about a day are known `delay` after its midnight (UTC), and do not change later.

    delay: negative for what is known on an earlier day. It is taken at its word.
    """

    delay: timedelta

    def faults(self) -> Iterator[str]:
        if abs(self.delay) > timedelta(days=MOST_DAYS):
            yield f"must have a delay of at most {MOST_DAYS} days, not {self.delay}"


@dataclass(frozen=True, slots=True)
class ReadAtNight:
    """Nothing says when a row was known: the table is read as it is now.

    The snapshot of a run's population is the only memory. Training on past dates sees what the table holds
    today. So no feature and no outcome may be made of it.
    """

    def faults(self) -> Iterator[str]:
        return iter(())


Known = RecordedAt | KnownAfter | ReadAtNight
MOST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that lies elsewhere and is read where it lies. known: how its rows are known in time."""

    known: Known

    def faults(self) -> Iterator[str]:
        yield from self.known.faults()

    @property
    def where(self) -> str:
        """Where it lies, for people. It holds no secret."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresQuery(Table):
    """The rows of a query in a Postgres database.

    url: the NAME of the environment variable that holds its URL, like WAREHOUSE_URL. It may stand in `.env`.
    sql: one SELECT. It is read in a read-only transaction, as a subquery with a filter on the day.
    """

    url: str
    sql: str

    def faults(self) -> Iterator[str]:
        yield from self.known.faults()
        if not VARIABLE.fullmatch(self.url):
            yield "must name the environment variable that holds the URL, like WAREHOUSE_URL"
        if not self.sql.strip().rstrip(";"):
            yield "must have a query"

    @property
    def where(self) -> str:
        return f"the database of {self.url}: {' '.join(self.sql.split())}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesOfTable(Table):
    """A table that is files at a place.

    url: an absolute path, file:///folder or s3://bucket/folder. Credentials of S3 come from where AWS's tools
    look for them; AWS_ENDPOINT_URL names another server.
    """

    url: str

    def faults(self) -> Iterator[str]:
        yield from self.known.faults()
        yield from of_place(self.url)

    @property
    def where(self) -> str:
        return self.url


class ParquetTable(FilesOfTable):
    """Parquet files: one file, or a folder with all files in it.

    Folders like `day=2013-06-15` are columns.
    """


class DeltaTable(FilesOfTable):
    """A Delta table, as its newest version is."""


Source = Files | PostgresQuery | ParquetTable | DeltaTable
VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
PLACE = re.compile(r"(s3://[^/]|(file://)?/).*")


def of_place(url: str) -> Iterator[str]:
    if not PLACE.fullmatch(url):
        yield f"must lie at an absolute path, a file:/// or an s3:// URL, not {url!r}"


def told(proofs: tuple[Proof, ...]) -> str:
    return f"{', '.join(proofs[:-1])} or {proofs[-1]}"
