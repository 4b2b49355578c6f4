"""Columns by their names, whatever these look like."""

import polars as pl
from polars import selectors


def column(name: str) -> pl.Expr:
    """The column of this very name.

    `pl.col` takes `*`, and what begins with ^ and ends with $, for patterns.
    """
    return selectors.by_name(name).as_expr()
