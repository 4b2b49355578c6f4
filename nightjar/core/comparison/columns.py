"""Every comparison uses the same rules for which entries of a column are values and which are missing."""

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nightjar.core.model.categories import spelled

LONGEST = 100
"""Only this many first characters distinguish categories.

The limit exists because a profile stores categories in a row of the database.
"""


def finite(column: pl.Series) -> NDArray[np.float64]:
    """The finite values of a column, in an array of their own."""
    values = column.cast(pl.Float64).to_numpy()
    return values[np.isfinite(values)]


def as_numbers(name: str) -> pl.Expr:
    """A column of a frame as Float64. So many columns are converted in one pass.

    NaN and infinities become null, because the contract sets their rows aside and they are not scored.
    """
    value = pl.col(name).cast(pl.Float64)
    return pl.when(value.is_finite()).then(value).alias(name)


def categories(column: pl.Series) -> pl.Series:
    """Return the column as String, as a profile stores it. Equal values of any types have one text."""
    return spelled(column).to_frame().select(storable(pl.all())).to_series()


def storable(texts: pl.Expr) -> pl.Expr:
    """Texts as a profile stores them: cut to LONGEST characters.

    A NUL is written as U+FFFD, because Postgres cannot store NUL in text.
    """
    return texts.str.head(LONGEST).str.replace_all("\0", "\ufffd", literal=True)


def places(known: pl.Series, values: pl.Series) -> NDArray[np.int64]:
    """The place of each text among the known ones; their number for any other text, and for null.

    known: each text once, and no null; else it raises ValueError or TypeError.
    A join would take three times as long for few values.
    """
    found = values.cast(pl.Enum(known), strict=False).to_physical().fill_null(known.len())
    return found.to_numpy().astype(np.int64)


def numbered(values: pl.Series) -> tuple[pl.Series, NDArray[np.int64]]:
    """The different texts, and the place of each value among them, as `places` gives it."""
    known = values.drop_nulls().unique()
    return known, places(known, values)


def holds_numbers(dtype: pl.DataType) -> bool:
    """True if `as_numbers` accepts a column of this type."""
    return dtype.is_numeric() or dtype.is_(pl.Boolean) or dtype.is_(pl.Null)


def holds_categories(dtype: pl.DataType) -> bool:
    """True if `categories` accepts a column of this type."""
    return not (dtype.is_nested() or dtype.is_(pl.Object) or dtype.is_(pl.Binary))
