"""The strict reading of a delivered Parquet file. Its footer proves that it is whole."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.adapters.declared_rows import Misfit, as_declared
from nightjar.adapters.deliveries.csv_text import kind_of
from nightjar.adapters.deliveries.delivered import RESEND
from nightjar.adapters.deliveries.sheet import Sheet
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset

MAGIC = b"PAR1"
UNREADABLE = (
    pa.ArrowException,
    ValueError,
    OSError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # Polars panics at names that are no UTF-8
)


def read_parquet(content: bytes, dataset: RawDataset, file: Path) -> Sheet:
    """The rows of a file with the dataset's columns and types. Raises BadDelivery; `file` only names it."""
    require_parquet(content, file)
    try:
        table = pq.read_table(pa.BufferReader(content))
        table.validate(full=True)
        rows = pl.from_arrow(table)
    except UNREADABLE as error:
        problem = f"cannot be read as Parquet: {str(error).partition(chr(10))[0]}"
        raise BadDelivery(file, problem, RESEND) from error
    assert isinstance(rows, pl.DataFrame)
    places = pl.int_range(1, rows.height + 1, dtype=pl.UInt32, eager=True)
    try:
        return Sheet(file, as_declared(rows, dataset), places, "row")
    except Misfit as error:
        raise BadDelivery(file, error.problem, error.remedy, error.column) from error


def require_parquet(content: bytes, file: Path) -> None:
    if not content.startswith(MAGIC):
        kind = kind_of(content) or "no Parquet file: it does not begin with PAR1"
        raise BadDelivery(file, f"is {kind}", "Have it delivered as Parquet, not compressed by another tool.")
    if len(content) < 12 or not content.endswith(MAGIC):
        raise BadDelivery(file, "is truncated: it does not end with the footer of a Parquet file", RESEND)
