"""A source's files are on this machine or in S3-compatible storage.

Only this module distinguishes the two.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem, S3FileSystem

S3, PARQUET = "s3://", ".parquet"

PARTITION_TAG = "partition"
"""Tag of a FileSource that names a Hive key, like {"partition": "date"}.

The key's value is the UTC date of the timestamp field.
"""


class UnusableSourceError(ValueError):
    """The store cannot read or write a data source. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file as it was listed.

    folders: those between the place and the file. mtime_ns, size: they change when the file changes.
    """

    path: str
    folders: tuple[str, ...]
    size: int
    mtime_ns: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]  # a path of pathlib takes ten times as long


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder.

    path: its name in its file system. options: the settings with which Polars and Delta reach it.
    """

    system: FileSystem
    path: str
    scheme: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, uri: str, root: Path, endpoint: str = "") -> "Place":
        """Return the place of a local path, a file: URL or an s3:// URL.

        A relative path is resolved against `root`. Raises UnusableSourceError for any other URL.
        """
        if uri.startswith(S3):
            system = _s3(endpoint)
            return cls(system, uri.removeprefix(S3).rstrip("/"), S3, _s3_options(endpoint, system.region))
        local = uri.removeprefix("file://") if uri.startswith("file://") else uri.removeprefix("file:")
        if "://" in local:
            raise UnusableSourceError(f"{uri}: the Polars offline store reads local paths and s3:// only.")
        return cls(LocalFileSystem(), str(root.absolute() / local))

    @property
    def uri(self) -> str:
        return self.scheme + self.path

    def exists(self) -> bool:
        return self._info().type != FileType.NotFound

    def is_one_file(self) -> bool:
        """True if this is, or will be, a single Parquet file."""
        return self.path.endswith(PARQUET) and self._info().type != FileType.Directory

    def parquet_files(self, wanted: Callable[[str], bool] = bool) -> tuple[DataFile, ...]:
        """Return the Parquet files in path order, without hidden files and files starting with _.

        A folder without history may be missing or empty. A missing path that ends in .parquet raises
        FileNotFoundError.
        wanted: false for the name of a folder whose files are left out. All folders of another name are
        looked into.
        """
        info = self._info()
        if info.type == FileType.File:
            return (_listed(info, ()),)
        if info.type == FileType.Directory:
            found = self._everything(wanted) if self.scheme else self._inside(self.path, (), wanted)
            return tuple(sorted(found, key=lambda file: (*file.folders, file.name)))
        if self.path.endswith(PARQUET):
            raise FileNotFoundError(
                f"{self.uri} does not exist. Write it, or correct the path of its FileSource."
            )
        return ()

    def read(self, file: DataFile) -> pa.Table:
        with self.system.open_input_file(file.path) as content:
            return pq.read_table(content)

    def schema(self, file: DataFile) -> pa.Schema:
        return pq.read_schema(file.path, filesystem=self.system)

    def write(self, table: pa.Table, *inside: str) -> None:
        """Write a Parquet file to a path inside this place, or to the place itself.

        The file appears whole or not at all.
        """
        path = "/".join((self.path, *inside))
        content = pa.BufferOutputStream()
        pq.write_table(table, content)
        if not self.scheme:
            with replaced(Path(path)) as unfinished:
                unfinished.write_bytes(content.getvalue())
            return
        with self.system.open_output_stream(path) as stream:
            stream.write(content.getvalue())

    @property
    def hiding(self) -> str:
        """Names of unfinished files begin with this.

        S3 needs no prefix, because an object appears only when its upload is complete.
        """
        return "" if self.scheme else "."

    def show(self, path: str) -> None:
        """Rename a finished file to its name without the hiding prefix."""
        final = PurePosixPath(path)
        if self.hiding:
            self.system.move(path, str(final.with_name(final.name.removeprefix(self.hiding))))

    def delete(self, file: DataFile) -> None:
        self.system.delete_file(file.path)

    def _everything(self, wanted: Callable[[str], bool]) -> Iterator[DataFile]:
        """The files of all folders by one listing: S3 answers a thousand names a request."""
        for info in self.system.get_file_info(FileSelector(self.path, recursive=True)):
            folders = PurePosixPath(info.path).relative_to(self.path).parts[:-1]
            if _is_parquet(info) and not any(map(_hidden, folders)) and all(map(wanted, folders)):
                yield _listed(info, folders)

    def _inside(
        self, path: str, folders: tuple[str, ...], wanted: Callable[[str], bool]
    ) -> Iterator[DataFile]:
        """The files of a folder and of those in it, without a look into folders that are not wanted.

        A long history has a thousand folders. Here only files are asked for more than their names.
        """
        with os.scandir(path) as entries:
            for entry in entries:
                if _hidden(entry.name):
                    continue
                if entry.is_dir():
                    if wanted(entry.name):
                        yield from self._inside(entry.path, (*folders, entry.name), wanted)
                elif entry.name.endswith(PARQUET) and entry.is_file():
                    found = entry.stat()
                    yield DataFile(entry.path, folders, found.st_size, found.st_mtime_ns)

    def _info(self) -> FileInfo:
        return self.system.get_file_info(self.path)


@dataclass(frozen=True, slots=True)
class Source:
    """A source of rows: a Parquet file, a folder of them, or a Delta table.

    path: local, or s3://. stored: name -> the column's name in the files, where they differ. happened,
    recorded: columns of the files. partition: the Hive key whose value is the UTC date of `happened`.
    endpoint: of S3-compatible storage.
    """

    name: str
    path: str
    stored: Mapping[str, str]
    happened: str
    recorded: str | None
    partition: str | None
    delta: bool
    endpoint: str

    @classmethod
    def of(
        cls,
        name: str,
        path: str,
        *,
        happened: str,
        recorded: str | None,
        renamed: Mapping[str, str],
        tags: Mapping[str, str] | None,
        delta: bool,
        endpoint: str | None,
    ) -> "Source":
        """renamed: column of the files -> its name in Feast, which `happened` and `recorded` may be."""
        stored = {new: column for column, new in renamed.items()}
        return cls(
            name=name,
            path=path,
            stored=stored,
            happened=stored.get(happened, happened),
            recorded=stored.get(recorded, recorded) if recorded else None,
            partition=(tags or {}).get(PARTITION_TAG),
            delta=delta,
            endpoint=endpoint or "",
        )

    def place(self, root: Path) -> Place:
        """Raises UnusableSourceError for a URL that is neither local nor of S3."""
        return Place.of(self.path, root, self.endpoint)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to.

    It replaces `path` when the block ends without an error. After an error it is removed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@lru_cache(maxsize=16)
def _s3(endpoint: str) -> S3FileSystem:
    """Return the S3 file system, with credentials and region from the places where AWS's tools look.

    These places are the environment, a profile, and the instance.
    """
    return S3FileSystem(endpoint_override=endpoint or None)


def _s3_options(endpoint: str, region: str) -> dict[str, str]:
    plain = {"aws_endpoint_url": endpoint, "aws_allow_http": "true"} if endpoint else {}
    return {"aws_region": region} | plain


def _listed(info: FileInfo, folders: tuple[str, ...]) -> DataFile:
    return DataFile(info.path, folders, info.size or 0, info.mtime_ns or 0)


def _is_parquet(info: FileInfo) -> bool:
    return info.type == FileType.File and info.extension == "parquet" and not _hidden(info.base_name)


def _hidden(name: str) -> bool:
    return name[0] in "._"
