"""Where two columns differ, whatever types they have: a spec may have changed the type in between."""

import polars as pl

TEXTS = (pl.String, pl.Categorical, pl.Enum)


def unequal(one: pl.Series, other: pl.Series) -> pl.Series:
    """Whether each value differs from the one in its place. A null equals a null, NaN equals NaN.

    Equal values of two types are the same, as 1 and 1.0. Values of two families of types, as numbers and
    texts, are never equal. Named as `one`.
    """
    if isinstance(one.dtype, TEXTS) and isinstance(other.dtype, TEXTS):
        one, other = one.cast(pl.String), other.cast(pl.String)
    try:
        return one.ne_missing(other)
    except pl.exceptions.PolarsError:  # it compares no values of such two types
        return (one.is_not_null() | other.is_not_null()).alias(one.name)
