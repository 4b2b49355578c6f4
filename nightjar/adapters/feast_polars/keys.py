"""Join keys: the entity frame's values in the types of the source, and the number (`code`) that stands for each combination."""

import polars as pl


def as_key(values: pl.Series, dtype: pl.DataType, where: str) -> pl.Series:
    """Values in the source's key type; what that type cannot hold exactly becomes null, and so matches nothing, as NaN does.

    Raises TypeError where the two types never mean the same thing.
    """
    values = values.cast(pl.String) if isinstance(values.dtype, (pl.Categorical, pl.Enum)) else values
    if values.dtype.is_float():
        values = values.fill_nan(None)
    if values.dtype == dtype or isinstance(values.dtype, pl.Null):
        return values.cast(dtype)
    if values.dtype.is_numeric() and dtype.is_numeric():
        cast = values.cast(dtype, strict=False)
        return pl.select(pl.when(cast.cast(values.dtype, strict=False) == values).then(cast).alias(values.name)).to_series()
    if values.dtype.is_temporal() and dtype.is_temporal():
        return values.cast(dtype)
    raise TypeError(f"{where}: join key {values.name!r} is {values.dtype} in the entity frame and {dtype} in the source. Cast one of them.")


def numbered(keys: pl.DataFrame) -> pl.DataFrame:
    """Each distinct combination without a null, with its `code` (UInt32)."""
    return keys.drop_nulls().unique().with_row_index("code")


def codes(keys: pl.DataFrame, numbers: pl.DataFrame) -> pl.Series:
    """The code of each row of `keys`, null where a key is null. Without any key every row has code 0."""
    if not keys.width:
        return pl.repeat(0, keys.height, dtype=pl.UInt32, eager=True).alias("code")
    return keys.join(numbers, on=keys.columns, how="left", maintain_order="left")["code"]
