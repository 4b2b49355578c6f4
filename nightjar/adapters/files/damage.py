"""When files cannot be read, find the damaged one and say what to do.

Files are always written whole and with the declared columns, so one that cannot be read, or that holds
values of another type, was damaged later.
"""

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl

from nightjar.core.errors.inputs import DamagedFile

OF_FEATURES = "Remove it: the next night builds it again from the raw days."
OF_INDEX = (
    "Restore it from a backup. Without one, remove the folder of the table: the next night builds all of it."
)
OF_RAW_DAYS = "Restore it from a backup, or remove it and land the same file again."


def require_regular(files: Iterable[Path], remedy: str) -> None:
    """Raises DamagedFile for a file that is not regular. For example, reading a FIFO would never end."""
    for file in files:
        if not stat.S_ISREG(file.stat().st_mode):
            raise DamagedFile(file, "it is no regular file", remedy)


Columns = Mapping[str, pl.DataType]


def undeclared(file: Path) -> Columns:  # noqa: ARG001  # of every file alike
    return {}


@contextmanager
def naming_damage(
    files: Iterable[Path], remedy: str, declared: Callable[[Path], Columns] = undeclared
) -> Iterator[None]:
    """Raises DamagedFile if the block fails because a Parquet file cannot be read as declared.

    The error names the first such file.
    files: these are looked at only after a failure. declared: the columns that each was written with.
    """
    try:
        yield
    except pl.exceptions.PolarsError as error:
        for file in files:
            if (why := damage(file, declared(file))) is not None:
                raise DamagedFile(file, why, remedy) from error
        raise


def damage(file: Path, declared: Columns) -> str | None:
    """Return the reason why a Parquet file cannot be read as declared, or None if it can."""
    try:
        stored = pl.read_parquet(file, glob=False, hive_partitioning=False).schema
    except pl.exceptions.ComputeError as error:
        return str(error).partition("\n")[0]
    for name, dtype in declared.items():
        if name in stored and stored[name] != dtype:
            return f"its column {name} is {stored[name]}, and {dtype} was written"
    return None
