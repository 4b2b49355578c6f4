"""A frame is held to a Pandera contract by one query, for frames without a broken row.

Pandera runs a query for each check, and looks for the rows that broke it. Most parts have none.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import pandera.polars as pa

PLAIN = {
    "checks": [],
    "parsers": [],
    "index": None,
    "strict": False,
    "ordered": False,
    "unique": None,
    "unique_column_names": False,
    "coerce": False,
    "dtype": None,
    "add_missing_columns": False,
    "drop_invalid_rows": False,
}
"""Options of a contract that say nothing about its rows, by their values. With others Pandera decides."""

PLAIN_COLUMN = {"parsers": [], "unique": False, "coerce": False, "regex": False, "default": None}


def surely_keeps(contract: "pa.DataFrameSchema", rows: pl.DataFrame) -> bool:
    """True if every row keeps the contract. False if one does not, or if only Pandera can tell.

    The checks are Pandera's and the contract's own functions, so nothing is judged by a second rule.
    """
    columns = contract.columns
    plain = _is_plain(contract, PLAIN) and all(_is_plain(column, PLAIN_COLUMN) for column in columns.values())
    typed = (column.dtype and column.dtype.type == rows.schema.get(name) for name, column in columns.items())
    if not plain or not all(typed):
        return False
    try:
        asked = [*_answers(contract, rows.lazy())]
        return all(answer.row(0).count(True) == answer.width for answer in pl.collect_all(asked))
    # A check that fails is told by Pandera, in its words.
    except Exception:  # noqa: BLE001
        return False


def _is_plain(part: Any, options: dict[str, Any]) -> bool:
    return all(getattr(part, name, plain) == plain for name, plain in options.items())


def _answers(contract: "pa.DataFrameSchema", rows: pl.LazyFrame) -> Iterator[pl.LazyFrame]:
    """For each check one row of true values, if all rows pass it.

    Raises TypeError for a check that is no query.
    """
    from pandera.api.polars.types import PolarsData  # noqa: PLC0415  # takes a second to import

    for name, column in contract.columns.items():
        if not column.nullable:
            there = pl.col(name).is_not_null()
            nan = pl.col(name).is_not_nan() if column.dtype.type.is_float() else True
            yield rows.select((there & nan).all())
        for check in column.checks:
            passed = check.get_backend(rows)(check).apply(PolarsData(rows, name))
            if not isinstance(passed, pl.LazyFrame):
                raise TypeError(name)
            yield passed.select(pl.all().fill_null(check.ignore_na).all())
