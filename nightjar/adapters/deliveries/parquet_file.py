"""The strict reading of a delivered Parquet file. Its footer proves that it is whole."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from nightjar.adapters.arrow_frames import framed
from nightjar.adapters.declared_rows import Misfit, as_declared
from nightjar.adapters.deliveries.content import BLOCK, Content
from nightjar.adapters.deliveries.csv_text import kind_of
from nightjar.adapters.deliveries.delivered import RESEND
from nightjar.adapters.deliveries.sheet import Sheet
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.errors.machine import by_machine
from nightjar.core.model.spec import RawDataset

MAGIC = b"PAR1"
BATCH_ROWS = 50_000
"""So many rows are checked at once."""
UNREADABLE = (
    pa.ArrowException,
    ValueError,
    OSError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,  # Polars panics at names that are no UTF-8
)


def read_parquet(content: Content, dataset: RawDataset, file: Path) -> Iterator[Sheet]:
    """The rows of a file with the dataset's columns and types, some at a time.

    Raises BadDelivery; `file` only names it.
    """
    require_parquet(content, file)
    first = 1
    for rows in frames(content, file):
        try:
            declared = as_declared(rows, dataset, lambda row, first=first: f"row {first + row}")
        except Misfit as error:
            raise BadDelivery(file, error.problem, error.remedy, error.column) from error
        places = pl.int_range(first, first + rows.height, dtype=pl.UInt32, eager=True)
        yield Sheet(declared, places)
        first += rows.height


def frames(content: Content, file: Path) -> Iterator[pl.DataFrame]:
    """The rows as the file has them; of a file without rows the columns."""
    with translated(file):
        parquet = pq.ParquetFile(content.file, buffer_size=BLOCK)
        if not parquet.metadata.num_rows:
            yield framed(pa.RecordBatch.from_pylist([], parquet.schema_arrow))
        batches = parquet.iter_batches(BATCH_ROWS)
    while True:
        with translated(file):
            batch = next(batches, None)
            if batch is None:
                return
            batch.validate(full=True)
            rows = framed(batch)
        yield rows


@contextmanager
def translated(file: Path) -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        if by_machine(error):  # a good file must not be set aside for it
            raise
        problem = f"cannot be read as Parquet: {str(error).partition(chr(10))[0]}"
        raise BadDelivery(file, problem, RESEND) from error


def require_parquet(content: Content, file: Path) -> None:
    magic = len(MAGIC)
    if content.between(0, magic) != MAGIC:
        kind = kind_of(content) or "no Parquet file: it does not begin with PAR1"
        raise BadDelivery(file, f"is {kind}", "Have it delivered as Parquet, not compressed by another tool.")
    if content.size < 12 or content.between(content.size - magic) != MAGIC:
        raise BadDelivery(file, "is truncated: it does not end with the footer of a Parquet file", RESEND)
