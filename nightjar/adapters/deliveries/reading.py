"""The rows of a delivered file, whatever its format.

Every fault is named by file, column, line or row, value and remedy. What is read here is the form: whole,
well-formed, of the right types. Whether a value is plausible is the model's contract's to say, row by row.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path

import polars as pl

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.csv_file import read_csv
from nightjar.adapters.deliveries.gathering import PLACE, Gathering
from nightjar.adapters.deliveries.json_file import read_json
from nightjar.adapters.deliveries.parquet_file import read_parquet
from nightjar.adapters.deliveries.promises import NOTHING, Promise
from nightjar.adapters.deliveries.sheet import Sheet
from nightjar.adapters.deliveries.whole import check
from nightjar.core.model.sources import Format
from nightjar.core.model.spec import RawDataset

READERS: Mapping[Format, Callable[[Content, RawDataset, Path], Iterator[Sheet]]] = {
    "csv": read_csv,
    "jsonl": read_json,
    "parquet": read_parquet,
}
UNITS: Mapping[Format, str] = {"csv": "line", "jsonl": "line", "parquet": "row"}
"""What is counted to name a place in a file."""


def parse(
    content: Content,
    dataset: RawDataset,
    days: tuple[date, date],
    file: Path,
    folder: Path,
    promise: Promise = NOTHING,
) -> pl.LazyFrame:
    """The rows of a delivered file with the dataset's columns and types, in their order.

    Memory holds some of them at one time. folder: where they lie if they are many, and for as long as they
    are needed.
    Raises BadDelivery; `file` only names it.
    """
    promise.require_bytes(content, file)
    gathered = Gathering(folder)
    for sheet in READERS[dataset.files.format](content, dataset, file):
        gathered.take(sheet)
    promise.require_rows(gathered.height, file)
    check(gathered, dataset, *days, file, UNITS[dataset.files.format])
    return gathered.rows.drop(PLACE)
