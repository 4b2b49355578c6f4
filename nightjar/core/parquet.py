"""A frame as the bytes of a Parquet file, made in memory.

Whoever writes them to a disk meets the disk's own errors.
"""

from io import BytesIO

import polars as pl


def parquet(rows: pl.DataFrame) -> bytes:
    """What `write_parquet` would write.

    Polars itself reports a full or read-only disk as a ComputeError, which nobody takes for one.
    """
    file = BytesIO()
    rows.write_parquet(file)
    return file.getvalue()
