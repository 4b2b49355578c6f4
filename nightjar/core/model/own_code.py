"""Calls of a model's own functions. An error of one is told with the model, the function and its line."""

import inspect
import traceback
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import polars as pl

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.machine import by_machine
from nightjar.core.errors.model import CodeFailed
from nightjar.core.parquet import sink_parquet


@contextmanager
def own_code(
    model: str, field: str, function: object, asked: str, failed: type[CodeFailed] = CodeFailed
) -> Generator[None, None, None]:
    """Tell any error that the block raises as one of the model's own code.

    field: of the spec, or of a feature table. asked: what the function was called for, in words.
    Raises `failed`. The platform's own errors and the machine's refusals pass as they are.
    """
    try:
        yield
    except NightjarError:
        raise
    except Exception as error:
        if by_machine(error):
            raise
        raise failed(model, field, asked, in_words(error), place(error, model, function)) from error


def rows_by(
    model: str, field: str, function: Callable[..., object], asked: str, *given: object
) -> pl.DataFrame:
    """The rows that a model's own function gives.

    Raises CodeFailed. Raises ContractBroken for anything that is no DataFrame.
    """
    with own_code(model, field, function, asked):
        rows = function(*given)
    if not isinstance(rows, pl.DataFrame):
        raise ContractBroken(f"{model}: {field}", [f"gives a {type(rows).__name__}, not a polars.DataFrame"])
    return rows


def streamed_rows_by(
    model: str, field: str, function: Callable[..., object], asked: str, *given: object
) -> pl.DataFrame:
    """The rows of the LazyFrame that a model's own function gives, collected by the streaming engine.

    Raises CodeFailed, also for an error that shows while rows are collected. Raises ContractBroken for
    anything that is no LazyFrame.
    """
    with own_code(model, field, function, asked):
        return lazy_rows_by(model, field, function, *given).collect(engine="streaming")


def batches_by(
    model: str, field: str, function: Callable[..., object], asked: str, rows: int, *given: object
) -> Iterator[pl.DataFrame]:
    """The same rows, about so many at a time. Others than those of a batch are not held."""
    with own_code(model, field, function, asked):
        found = lazy_rows_by(model, field, function, *given)
        yield from found.collect_batches(chunk_size=rows, maintain_order=True, engine="streaming")


def sunk_by(
    model: str,
    field: str,
    function: Callable[..., object],
    asked: str,
    file: BinaryIO,
    row_group: int,
    *given: object,
) -> None:
    """Write the same rows to a Parquet file, so many in a row group. Memory holds few of them.

    Batches of `batches_by` wait in memory if they are made faster than they are taken; these do not.
    """
    with own_code(model, field, function, asked):
        sink_parquet(lazy_rows_by(model, field, function, *given), file, row_group, "lz4")


def lazy_rows_by(model: str, field: str, function: Callable[..., object], *given: object) -> pl.LazyFrame:
    """Raises ContractBroken for anything that is no LazyFrame."""
    rows = function(*given)
    if not isinstance(rows, pl.LazyFrame):
        raise ContractBroken(
            f"{model}: {field}",
            [f"gives a {type(rows).__name__}, not a polars.LazyFrame, although it is streamed"],
        )
    return rows


def in_words(error: Exception) -> str:
    """The type and the first line of an error. The lines after it are a query plan, for example."""
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def place(error: Exception, model: str, function: object) -> str:
    """The last line of the model's own files that led to an error, as `file:line`.

    Its own files are those beside the function and those of its folder.
    """
    folder = _folder(function)
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame
        for frame in frames
        if Path(frame.filename).is_relative_to(folder) or f"/models/{model}/" in frame.filename
    ]
    last = (own or frames)[-1]
    return f"{last.filename}:{last.lineno}"


def _folder(function: object) -> Path:
    """The folder of the file that defines a function, a partial of one, or an object that is called."""
    while isinstance(function, partial):
        function = function.func
    called: Any = function if hasattr(function, "__code__") else type(function).__call__
    code = getattr(inspect.unwrap(called), "__code__", None)
    return Path(code.co_filename if code else __file__).parent
