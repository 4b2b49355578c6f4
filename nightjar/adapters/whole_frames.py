"""A frame is held to a Pandera contract by one query, for frames without a broken row.

Pandera runs a query for each check, and looks for the rows that broke it. Most parts have none.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

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
    columns, schema = contract.columns, rows.schema
    plain = _is_plain(contract, PLAIN) and all(_is_plain(column, PLAIN_COLUMN) for column in columns.values())
    typed = (column.dtype and column.dtype.type == schema.get(name) for name, column in columns.items())
    if not plain or not all(typed):
        return False
    try:
        asked, others = _asked(contract, rows.lazy())
        answers = [rows.select(each.alias(str(place)) for place, each in enumerate(asked)), *others]
        return all(answer.row(0).count(True) == answer.width for answer in answers if answer.width)
    # A check that fails is told by Pandera, in its words.
    except Exception:  # noqa: BLE001
        return False


def _is_plain(part: Any, options: dict[str, Any]) -> bool:
    return all(getattr(part, name, plain) == plain for name, plain in options.items())


class _Rows:
    """Stands for the rows: a check that selects an expression of them says which one."""

    def select(self, expression: pl.Expr) -> pl.Expr:
        return expression


def _asked(
    contract: "pa.DataFrameSchema", rows: pl.LazyFrame
) -> tuple[Sequence[pl.Expr], Sequence[pl.DataFrame]]:
    """For each check one true value, if all rows pass it: as an expression, or already found.

    Raises TypeError for a check that is no query.
    """
    from pandera.api.polars.types import PolarsData  # noqa: PLC0415  # takes a second to import

    asked, others, stand_in = list[pl.Expr](), list[pl.LazyFrame](), cast("Any", _Rows())
    for name, column in contract.columns.items():
        if not column.nullable:
            there = pl.col(name).is_not_null()
            nan = pl.col(name).is_not_nan() if column.dtype.type.is_float() else True
            asked.append((there & nan).all())
        for check in column.checks:
            backend = check.get_backend(rows)(check)
            expression = _expression(check, backend, PolarsData(stand_in, name))
            if expression is not None:
                asked.append(expression.fill_null(check.ignore_na).all())
                continue
            passed = backend.apply(PolarsData(rows, name))
            if not isinstance(passed, pl.LazyFrame):
                raise TypeError(name)
            others.append(passed.select(pl.all().fill_null(check.ignore_na).all()))
    return asked, pl.collect_all(others)


def _expression(check: Any, backend: Any, rows: Any) -> pl.Expr | None:
    """The one column that a check selects; None if it does more, or is a function of each value."""
    if check.element_wise:
        return None
    try:
        found = backend.check_fn(rows)
    except Exception:  # noqa: BLE001  # these are not the rows: only one method is there
        return None
    return found if isinstance(found, pl.Expr) and not found.meta.has_multiple_outputs() else None
