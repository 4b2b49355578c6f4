"""Refer to columns by their exact names."""

import polars as pl
from polars import selectors


def column(name: str) -> pl.Expr:
    """Return the column with exactly this name.

    `pl.col` treats `*`, and a name that begins with ^ and ends with $, as patterns.
    """
    return selectors.by_name(name).as_expr()
