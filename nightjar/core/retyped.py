"""Rows of an earlier night beside those of a later one. The spec may have changed types of columns since."""

import polars as pl


def beside(sample: pl.DataFrame, earlier: pl.DataFrame) -> pl.DataFrame:
    """An earlier sample without the columns that had a type whose values are never those of the night's type.

    Of enums that differ the texts are compared.
    """
    texts = [
        name
        for name, kind in earlier.schema.items()
        if isinstance(kind, pl.Enum) and sample.schema.get(name, kind) != kind
    ]
    told = earlier.with_columns(pl.col(texts).cast(pl.String)) if texts else earlier
    return told.drop(name for name, kind in told.schema.items() if not _meet(kind, sample.schema.get(name)))


def _meet(one: pl.DataType, other: pl.DataType | None) -> bool:
    """True if Polars puts the values of two types into one column. None: there is no other."""
    if other in {None, one}:
        return True
    try:
        pl.concat(
            [pl.Series(dtype=one).to_frame(), pl.Series(dtype=other).to_frame()], how="vertical_relaxed"
        )
    except pl.exceptions.PolarsError:
        return False
    return True
