"""Landed files read in the columns that their dataset declares now, whatever it declared when they landed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.spec import RawDataset
from nightjar.core.values import INSTANT

Columns = Mapping[str, pl.DataType]
OF_OTHER_COLUMNS = (pl.exceptions.SchemaError, pl.exceptions.ColumnNotFoundError)
"""What Polars raises for a file whose columns are not those that were asked for."""


def columns_of(dataset: RawDataset) -> dict[str, pl.DataType]:
    return {**dataset.columns, "date": pl.Date(), "recorded_at": INSTANT}


def read(files: Sequence[Path], dataset: RawDataset, path: str | None) -> pl.LazyFrame:
    """The rows of files in their order. They are in memory if all files have the columns of now.

    path: the column that has each row name its file. None: it is not wanted.
    Raises ContractBroken for values that cannot be those of the dataset.
    """
    wanted, paths = columns_of(dataset), [*files]
    try:
        return pl.read_parquet(
            paths, glob=False, hive_partitioning=False, include_file_paths=path, schema=wanted
        ).lazy()
    except OF_OTHER_COLUMNS:
        of_each = {file: _stored(file) for file in files}
    try:
        return _converted(of_each, dataset, path).collect().lazy()
    except pl.exceptions.InvalidOperationError as error:  # a number that is too large for its type
        raise ContractBroken(f"landed files of {dataset.name}", [str(error).splitlines()[0]]) from error


def scan(files: Sequence[Path], dataset: RawDataset, path: str | None) -> pl.LazyFrame:
    """The same rows, read when they are collected. Only then a number is found to be too large."""
    of_each, wanted = {file: _stored(file) for file in files}, [*columns_of(dataset).items()]
    if all([*stored.items()] == wanted for stored in of_each.values()):
        return pl.scan_parquet([*files], glob=False, hive_partitioning=False, include_file_paths=path)
    return _converted(of_each, dataset, path)


def _stored(file: Path) -> Columns:
    return dict(pl.scan_parquet(file, glob=False, hive_partitioning=False).collect_schema())


def _converted(of_each: Mapping[Path, Columns], dataset: RawDataset, path: str | None) -> pl.LazyFrame:
    own = [] if path is None else [pl.col(path)]
    return pl.concat(
        pl.scan_parquet(file, glob=False, hive_partitioning=False, include_file_paths=path).select(
            *_as_now(file, stored, dataset), *own
        )
        for file, stored in of_each.items()
    )


def _as_now(file: Path, stored: Columns, dataset: RawDataset) -> Iterator[pl.Expr]:
    for name, kind in columns_of(dataset).items():
        found = stored.get(name)
        if found is None:
            yield pl.lit(None, kind).alias(name)
        elif found == kind:
            yield pl.col(name)
        elif _mean_the_same(found, kind):
            yield pl.col(name).cast(kind)
        else:
            problem = f"column {name} landed as {found} in {file}, which cannot be read as {kind}"
            remedy = "declare the new form of the file as a dataset of another name, and read both"
            raise ContractBroken(f"landed files of {dataset.name}", [f"{problem}: {remedy}"])


def _mean_the_same(found: pl.DataType, kind: pl.DataType) -> bool:
    """Whether each value of a type is one value of another, or the nearest one if that has fractions."""
    if isinstance(kind, pl.String):
        return found.is_integer()
    if kind.is_integer():
        return found.is_integer()
    if kind.is_float():
        return found.is_integer() or found.is_float()
    return isinstance(kind, pl.Datetime) and isinstance(found, pl.Datetime)
