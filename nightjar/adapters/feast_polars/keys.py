"""Join keys are the entity frame's values in the types of the source.

A number (`code`) represents each combination.
"""

from dataclasses import dataclass

import polars as pl
from polars.datatypes.classes import NumericType

Keys = tuple[tuple[str, pl.DataType], ...]
CODE = pl.UInt32()
ALIKE = (NumericType, (pl.Date, pl.Datetime), pl.Duration)
"""Groups of types. Values of different types in one group may be equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Numbering:
    """Numbers for the combinations of some join keys.

    Entity rows are encoded once. History is encoded with the same numbers, so that joins compare numbers.
    keys: the entity column and the source's type of each. numbers: `code` UInt32 beside the columns `names`,
    without nulls. where: the view's name, for errors.
    """

    keys: Keys
    numbers: pl.DataFrame
    where: str

    @classmethod
    def of_entities(cls, keys: Keys, entities: pl.DataFrame, where: str) -> "Numbering":
        """Number each combination in the entity rows.

        Raises TypeError for a key of a type that never matches.
        """
        return cls(keys, numbered(_typed(keys, entities, where)), where)

    @property
    def names(self) -> list[str]:
        return [key_name(position) for position in range(len(self.keys))]

    def codes(self, entities: pl.DataFrame) -> pl.Series:
        """Return the code of each entity row, null where a key is null or has no number.

        Raises TypeError, as above.
        """
        return codes(_typed(self.keys, entities, self.where), self.numbers)


def key_name(position: int) -> str:
    """Return a name that no column of a source has."""
    return f"\0key{position}"


def _typed(keys: Keys, entities: pl.DataFrame, where: str) -> pl.DataFrame:
    if not keys:
        return pl.DataFrame(height=entities.height)
    return pl.DataFrame(
        [
            as_key(name, entities[name].alias(key_name(position)), dtype, where)
            for position, (name, dtype) in enumerate(keys)
        ]
    )


def as_key(name: str, values: pl.Series, dtype: pl.DataType, where: str) -> pl.Series:
    """Return the values of an entity column in the source's key type.

    A value that this type cannot hold exactly becomes null, and so matches nothing. NaN becomes null too.
    Raises TypeError if the values of the two types are never equal.
    """
    values = values.cast(pl.String) if isinstance(values.dtype, (pl.Categorical, pl.Enum)) else values
    if values.dtype.is_float():
        values = values.fill_nan(None)
    if values.dtype == dtype:
        return values
    # A pandas column without any value has no type of its own.
    if dtype == pl.Null or values.null_count() == values.len():
        return pl.repeat(None, values.len(), dtype=dtype, eager=True).alias(values.name)
    if any(isinstance(values.dtype, alike) and isinstance(dtype, alike) for alike in ALIKE):
        cast = values.cast(dtype, strict=False)
        return pl.select(
            pl.when(cast.cast(values.dtype, strict=False) == values).then(cast).alias(values.name)
        ).to_series()
    raise TypeError(
        f"{where}: join key {name!r} is {values.dtype} in the entity frame and {dtype} in the source. Cast "
        "one of them."
    )


def numbered(keys: pl.DataFrame) -> pl.DataFrame:
    """Return each distinct combination without a null, with its `code`.

    If there are no keys, there is one combination, 0.
    """
    if not keys.width:
        return pl.DataFrame({"code": [0]}, schema={"code": CODE})
    return keys.drop_nulls().unique().with_row_index("code")


def codes(keys: pl.DataFrame, numbers: pl.DataFrame) -> pl.Series:
    """Return the code of each row of `keys`, null where it has none. Without keys every row has code 0."""
    if not keys.width:
        return pl.repeat(0, keys.height, dtype=CODE, eager=True).alias("code")
    return keys.join(numbers, on=keys.columns, how="left", maintain_order="left")["code"]
