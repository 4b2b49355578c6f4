"""Rows of an earlier night beside those of a later one. The spec may have changed types of columns since."""

import polars as pl


def beside(sample: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """An earlier sample without the columns that had a type whose values are never those of the night's type.

    Of enums that differ the texts are compared.
    """
    now = sample.schema  # each call makes it anew
    others = {name: kind for name, kind in earlier.schema.items() if now.get(name, kind) != kind}
    if not others:
        return earlier
    texts = [name for name, kind in others.items() if isinstance(kind, pl.Enum)]
    told = earlier.with_columns(pl.col(texts).cast(pl.String)) if texts else earlier
    return told.drop(name for name in others if not _meet(told[name].dtype, now[name]))


def _meet(one: pl.DataType, other: pl.DataType) -> bool:
    """True if Polars puts the values of two types into one column."""
    try:
        pl.concat(
            [pl.Series(dtype=one).to_frame(), pl.Series(dtype=other).to_frame()], how="vertical_relaxed"
        )
    except pl.exceptions.PolarsError:
        return False
    return True
