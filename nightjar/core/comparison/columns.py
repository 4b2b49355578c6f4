"""What counts as a value of a column, and what as missing: the same in every comparison."""

import polars as pl

from nightjar.core.model.categories import spelled

LONGEST = 100
"""Categories are told apart by so many of their first characters.

A profile keeps them in a row of the database.
"""


def numbers(column: pl.Series) -> pl.Series:
    """The column as Float64.

    NaN and infinities become null: the contract sets their rows aside, so nobody scored them.
    """
    return column.cast(pl.Float64).set(~column.cast(pl.Float64).is_finite(), None)


def categories(column: pl.Series) -> pl.Series:
    """The column as String, cut to LONGEST characters; equal values have one text, whatever their type.

    A NUL is written as U+FFFD, because Postgres stores none in text.
    """
    return spelled(column).str.head(LONGEST).str.replace_all("\0", "\ufffd", literal=True)


def holds_numbers(dtype: pl.DataType) -> bool:
    """True if `numbers` takes a column of this type."""
    return dtype.is_numeric() or dtype.is_(pl.Boolean) or dtype.is_(pl.Null)


def holds_categories(dtype: pl.DataType) -> bool:
    """True if `categories` takes a column of this type."""
    return not (dtype.is_nested() or dtype.is_(pl.Object) or dtype.is_(pl.Binary))
