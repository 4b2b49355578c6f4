"""Rows as a Parquet file, made in memory or written while they are read.

Whoever writes to a disk meets the disk's own errors.
"""

from io import BytesIO
from typing import IO, BinaryIO, Literal, cast

import polars as pl


def parquet(rows: pl.DataFrame) -> bytes:
    """What `write_parquet` would write.

    Polars itself reports a full or read-only disk as a ComputeError, which nobody takes for one.
    """
    file = BytesIO()
    rows.write_parquet(file)
    return file.getvalue()


class Disk:
    """A file for Polars to write to, which keeps the error with which the disk refused."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.refused = file, None

    def write(self, content: bytes) -> int:
        try:
            return self.file.write(content)
        except OSError as error:
            self.refused = error
            raise

    def flush(self) -> None:
        self.file.flush()


def sink_parquet(
    rows: pl.LazyFrame,
    file: BinaryIO,
    row_group: int | None = None,
    compression: Literal["zstd", "lz4"] = "zstd",
) -> None:
    """Write rows while they are read, without having all of them in memory.

    row_group: so many rows are a group, which can be read by itself. None: as Polars does it.
    Raises the disk's own errors.
    """
    disk = Disk(file)
    written = cast("IO[bytes]", disk)  # `write` and `flush` alone are called
    try:
        rows.sink_parquet(written, row_group_size=row_group, compression=compression)
    except pl.exceptions.ComputeError as error:
        raise disk.refused or error from error
