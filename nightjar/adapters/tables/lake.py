"""Parquet files and Delta tables, on this machine or in S3, as tables to scan."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import PurePosixPath

import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileSelector, FileSystem, FileType, LocalFileSystem, S3FileSystem

from nightjar.adapters.arrow_frames import framed
from nightjar.adapters.tables.table import RECORDED
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import BadTable
from nightjar.core.errors.machine import by_machine
from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.sources import DeltaTable, ParquetTable, RecordedAt
from nightjar.core.model.spec import RawDataset

S3 = "s3://"
DELTA_NEEDED = "Install it: `uv sync --extra delta`."


@dataclass(frozen=True, slots=True)
class LakeTable:
    """Implements `Table`. environment: where the address of an S3 server is looked up."""

    dataset: RawDataset
    source: ParquetTable | DeltaTable
    environment: Mapping[str, str]

    def summary(self) -> pl.DataFrame:
        columns = {"day": self._day, **({"instants": self._recorded} if self._recorded else {})}
        with self._translated():
            found = self._read(columns, None)
        rows = found.with_columns(day=pl.col("day").cast(pl.Date))
        instants = pl.col("instants").unique() if self._recorded else pl.lit(None).alias("instants")
        return rows.group_by("day").agg(pl.len().alias("rows"), instants)

    def rows(self, first: date, last: date) -> pl.DataFrame:
        columns = {name: name for name in self.dataset.columns}
        with self._translated():
            return self._read(
                columns | ({RECORDED: self._recorded} if self._recorded else {}),
                (first, last + timedelta(days=1)),
            )

    def _read(self, columns: Mapping[str, str], between: tuple[date, date] | None) -> pl.DataFrame:
        """The columns under other names, of the rows whose day is between two: from the first, before the
        second.
        """
        lake = self._lake()
        for stored in columns.values():
            if stored not in lake.schema.names:
                there = ", ".join(lake.schema.names)
                raise BadTable(self.dataset.name, "is missing", f"The table has the columns {there}.", stored)
        within = None if between is None else self._within(lake.schema.field(self._day).type, *between)
        found = lake.to_table(
            columns={name: ds.field(stored) for name, stored in columns.items()}, filter=within
        )
        return framed(found)

    def _within(self, kind: pa.DataType, first: date, end: date) -> ds.Expression:
        bounds = [
            pa.scalar(day if pa.types.is_date(kind) else midnight(day)).cast(kind) for day in (first, end)
        ]
        return (ds.field(self._day) >= bounds[0]) & (ds.field(self._day) < bounds[1])

    def _lake(self) -> ds.Dataset:
        if isinstance(self.source, DeltaTable):
            return self._delta()
        system, path = placed(self.source.url, self.environment)
        info = system.get_file_info(path)
        if info.type == FileType.NotFound:
            raise BadTable(self.dataset.name, f"there is nothing at {self.source.url}", "Correct its url.")
        if system.get_file_info(f"{path}/_delta_log").type == FileType.Directory:
            problem = f"{self.source.url} is a Delta table, whose files have rows of older versions too"
            raise BadTable(self.dataset.name, problem, "Declare it as a DeltaTable.")
        files = [path] if info.type == FileType.File else data_files(system, path)
        if not files:
            raise BadTable(
                self.dataset.name,
                f"there is no Parquet file at {self.source.url}",
                "Write it, or correct its url.",
            )
        keys = pa.schema([(key, self._of_folder(key)) for key in folder_keys(files, path)])
        partitioning = ds.partitioning(keys, flavor="hive")
        return ds.dataset(
            files, filesystem=system, format="parquet", partitioning=partitioning, partition_base_dir=path
        )

    def _of_folder(self, key: str) -> pa.DataType:
        """The type of a column that names of folders hold: the declared one, or text."""
        kind = self.dataset.columns.get(key, pl.String())
        return pl.DataFrame(schema={key: kind}).to_arrow().schema.field(0).type

    def _delta(self) -> ds.Dataset:
        try:
            import deltalake  # noqa: PLC0415  # only Delta tables need it
            from deltalake import exceptions  # noqa: PLC0415
        except ImportError as error:
            raise BadSettings(
                f"{self.dataset.name} is a Delta table, and deltalake is not installed", DELTA_NEEDED
            ) from error
        try:
            return deltalake.DeltaTable(
                self.source.url, storage_options=delta_options(self.environment)
            ).to_pyarrow_dataset()
        except exceptions.TableNotFoundError as error:
            raise BadTable(
                self.dataset.name,
                f"there is no Delta table at {self.source.url}",
                "Write it, or correct its url.",
            ) from error
        except exceptions.DeltaError as error:
            remedy = "Have it written without the features of Delta that deltalake does not read."
            raise BadTable(self.dataset.name, f"the Delta table cannot be read: {error}", remedy) from error

    @property
    def _day(self) -> str:
        return self.dataset.day_column or ""

    @property
    def _recorded(self) -> str | None:
        known = self.source.known
        return known.column if isinstance(known, RecordedAt) else None

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except pa.ArrowException as error:
            if by_machine(error):
                raise
            remedy = "Correct the files, or the columns in the model's spec."
            raise BadTable(
                self.dataset.name, f"cannot be read: {str(error).partition(chr(10))[0]}", remedy
            ) from error
        except OSError as error:
            raise StoreUnavailable(
                f"The files of {self.dataset.name} at {self.source.url}", str(error)
            ) from error


def placed(url: str, environment: Mapping[str, str]) -> tuple[FileSystem, str]:
    """The file system of a place, and its path there."""
    if not url.startswith(S3):
        return LocalFileSystem(), os.path.normpath(url.removeprefix("file://"))
    endpoint = environment.get("AWS_ENDPOINT_URL") or None
    return S3FileSystem(endpoint_override=endpoint), url.removeprefix(S3).rstrip("/")


def delta_options(environment: Mapping[str, str]) -> dict[str, str]:
    """What deltalake is told of an S3 server that speaks plain HTTP."""
    endpoint = environment.get("AWS_ENDPOINT_URL", "")
    return {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true"} if endpoint.startswith("http://") else {}


def data_files(system: FileSystem, path: str) -> list[str]:
    """The Parquet files of a folder. What is hidden, or begins with _, is not data."""
    found = system.get_file_info(FileSelector(path, recursive=True))
    return sorted(
        info.path
        for info in found
        if info.type == FileType.File
        and info.extension == "parquet"
        and not any(part[0] in "._" for part in PurePosixPath(info.path).relative_to(path).parts)
    )


def folder_keys(files: list[str], path: str) -> list[str]:
    """The names in folders like `day=2013-06-15` between a place and its first file."""
    parts = PurePosixPath(files[0]).relative_to(path).parts[:-1]
    return [key for key, equals, _ in (part.partition("=") for part in parts) if equals]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
