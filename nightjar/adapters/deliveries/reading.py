"""The rows of a delivered file, whatever its format.

Every fault is named by file, column, line or row, value and remedy. What is read here is the form: whole,
well-formed, of the right types. Whether a value is plausible is the model's contract's to say, row by row.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from nightjar.adapters.deliveries.csv_file import read_csv
from nightjar.adapters.deliveries.json_file import read_json
from nightjar.adapters.deliveries.parquet_file import read_parquet
from nightjar.adapters.deliveries.promises import NOTHING, Promise
from nightjar.adapters.deliveries.sheet import Sheet, check
from nightjar.core.model.sources import Format
from nightjar.core.model.spec import RawDataset

READERS: Mapping[Format, Callable[[bytes, RawDataset, Path], Sheet]] = {
    "csv": read_csv,
    "jsonl": read_json,
    "parquet": read_parquet,
}


def parse(
    content: bytes, dataset: RawDataset, days: tuple[date, date], file: Path, promise: Promise = NOTHING
) -> pl.DataFrame:
    """The rows of a delivered file with the dataset's columns and types.

    Raises BadDelivery; `file` only names it.
    """
    promise.require_bytes(content, file)
    sheet = READERS[dataset.files.format](content, dataset, file)
    promise.require_rows(sheet)
    check(sheet, dataset, *days)
    return sheet.rows
