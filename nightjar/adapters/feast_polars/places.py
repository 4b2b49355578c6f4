"""Where a source's files lie: on this machine or in S3-compatible storage.

The two are told apart here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq
from feast.data_format import DeltaFormat, ParquetFormat
from feast.data_source import DataSource
from feast.infra.offline_stores.file_source import FileSource
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem, S3FileSystem

S3 = "s3://"


class UnusableSourceError(ValueError):
    """A data source that this store cannot read or write; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file as it was listed. folders: those between the place and the file.

    mtime_ns and size change when the file does.
    """

    path: str
    folders: tuple[str, ...]
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Place:
    """A file or folder. path: as its file system names it.

    options: what Polars and Delta need to reach it.
    """

    system: FileSystem
    path: str
    scheme: str = ""
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, uri: str, root: Path, endpoint: str = "") -> "Place":
        """A local path (a relative one is resolved against `root`), a file: or an s3:// URL.

        Raises UnusableSourceError for another.
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
        """Whether this is, or is to be, a single Parquet file."""
        return self.path.endswith(".parquet") and self._info().type != FileType.Directory

    def parquet_files(self) -> tuple[DataFile, ...]:
        """The Parquet files in path order; hidden ones and those starting with _ are not data.

        A folder may be missing or empty: it has no history yet. A missing path that ends in .parquet raises
        FileNotFoundError.
        """
        info = self._info()
        if info.type == FileType.File:
            return (_listed(info, info.path),)
        if info.type == FileType.Directory:
            found = self.system.get_file_info(FileSelector(self.path, recursive=True))
            files = [
                _listed(info, self.path)
                for info in found
                if info.type == FileType.File and info.extension == "parquet"
            ]
            return tuple(
                sorted(
                    (file for file in files if not _hidden(file)),
                    key=lambda file: (*file.folders, PurePosixPath(file.path).name),
                )
            )
        if self.path.endswith(".parquet"):
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
        """Write a Parquet file, by its path inside this place or to the place itself.

        It appears whole or not at all.
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
        """What the names of unfinished files begin with.

        S3 needs none: an object appears when its upload is complete.
        """
        return "" if self.scheme else "."

    def show(self, path: str) -> None:
        """Give a finished file its name without what hid it."""
        final = PurePosixPath(path)
        if self.hiding:
            self.system.move(path, str(final.with_name(final.name.removeprefix(self.hiding))))

    def delete(self, file: DataFile) -> None:
        self.system.delete_file(file.path)

    def _info(self) -> FileInfo:
        return self.system.get_file_info(self.path)


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to.

    It takes the place of `path` when the block ends well, and is gone when it doesn't.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        yield unfinished
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def place_of(source: DataSource, root: Path) -> Place:
    """Where a file source lies. Raises UnusableSourceError for another kind of source or format."""
    if not isinstance(source, FileSource):
        raise UnusableSourceError(
            f"{source.name}: the Polars offline store reads FileSource, not {type(source).__name__}."
        )
    if not isinstance(source.file_format, (ParquetFormat, DeltaFormat, type(None))):
        raise UnusableSourceError(
            f"{source.name}: the Polars offline store reads Parquet and Delta, not "
            f"{type(source.file_format).__name__}."
        )
    return Place.of(source.path, root, source.s3_endpoint_override or "")


def stored_names(source: DataSource) -> dict[str, str]:
    """What the files call the columns that the source's field mapping renames: new name -> stored name."""
    return {name: column for column, name in source.field_mapping.items()}


def is_delta(source: DataSource) -> bool:
    return isinstance(source, FileSource) and isinstance(source.file_format, DeltaFormat)


@lru_cache(maxsize=16)
def _s3(endpoint: str) -> S3FileSystem:
    """Credentials and region come from where AWS's tools look for them.

    These are the environment, a profile, and the instance.
    """
    return S3FileSystem(endpoint_override=endpoint or None)


def _s3_options(endpoint: str, region: str) -> dict[str, str]:
    plain = {"aws_endpoint_url": endpoint, "aws_allow_http": "true"} if endpoint else {}
    return {"aws_region": region} | plain


def _listed(info: FileInfo, place: str) -> DataFile:
    folders = PurePosixPath(info.path).relative_to(place).parts[:-1]
    return DataFile(info.path, folders, info.size or 0, info.mtime_ns or 0)


def _hidden(file: DataFile) -> bool:
    return any(part[0] in "._" for part in (*file.folders, PurePosixPath(file.path).name))
