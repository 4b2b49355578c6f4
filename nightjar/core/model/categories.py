"""Categories are written as text. Equal values have one text, even if their types differ.

So every learner sees equal values as one category.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import polars as pl

TEXT, NUMBER, INSTANT, LOCAL_TIME = "text", "number", "instant", "local time"
OTHERS: Mapping[pl.DataType, str] = {pl.Boolean(): "flag", pl.Date(): "date"}

EXACT_BELOW: Mapping[pl.DataType, int] = {pl.Float16(): 2**11, pl.Float32(): 2**24, pl.Float64(): 2**53}
"""From this number on, a float may represent a neighbouring whole number."""


@dataclass(frozen=True, slots=True)
class Categories:
    """The types of the category columns when a model was fitted.

    families: column -> family of its type. Columns without any value are left out.
    """

    families: Mapping[str, str] = field(default_factory=dict[str, str])

    @classmethod
    def of(cls, rows: pl.DataFrame, categorical: Sequence[str]) -> "Categories":
        there = [rows[name] for name in categorical if name in rows.columns and not is_empty(rows[name])]
        return cls({column.name: held for column in there if (held := family(column.dtype)) is not None})

    def fault(self, column: pl.Series) -> str | None:
        """Say why a column cannot be given to the model, or return None."""
        if is_empty(column):
            return None
        found, fitted = family(column.dtype), self.families.get(column.name)
        if found is None:
            return f"column {column.name} is {column.dtype}, which cannot be a category"
        if fitted not in (found, None):
            return f"column {column.name} is {column.dtype}, and the model was fitted on a {fitted} there"
        if may_be_rounded(column):
            rounded = "holds numbers so large that they may stand for their neighbours"
            return f"column {column.name} is {column.dtype} and {rounded}; give it as integers"
        return None

    def text(self, column: pl.Series) -> pl.Series:
        return spelled(column)


@dataclass(frozen=True, slots=True)
class CastCategories:
    """The categories of a version that was stored before families were kept.

    They are written as Polars casts the type on which the model was fitted. types: column -> that type, as in
    the version's training sample. If a type is not known, only text is accepted, because text has one
    spelling.
    """

    types: Mapping[str, pl.DataType] = field(default_factory=dict[str, pl.DataType])

    def fault(self, column: pl.Series) -> str | None:
        """Say why a column cannot be given to the model, or return None."""
        fitted = self._fitted(column)
        if is_empty(column) or (family(column.dtype) == family(fitted) and _holds(fitted, column)):
            return None
        return (
            f"column {column.name} is {column.dtype}, and the model was fitted on {fitted} there; retrain it"
        )

    def text(self, column: pl.Series) -> pl.Series:
        return column.cast(self._fitted(column), strict=False).cast(pl.String)

    def _fitted(self, column: pl.Series) -> pl.DataType:
        """Return the fitted type. All text types are equivalent, and String holds all categories."""
        fitted = self.types.get(column.name, pl.String())
        return pl.String() if family(fitted) == TEXT else fitted


def _holds(dtype: pl.DataType, column: pl.Series) -> bool:
    return column.cast(dtype, strict=False).cast(column.dtype, strict=False).equals(column)


UNKNOWN = Categories()
"""The categories of a model that does not record the types on which it was fitted."""


def is_empty(column: pl.Series) -> bool:
    return column.null_count() == column.len()


def family(dtype: pl.DataType) -> str | None:
    """Return the family of a type. Values of two families are never equal: the text "1" is not a number.

    None: the type holds no categories.
    """
    if isinstance(dtype, pl.Datetime):
        return LOCAL_TIME if dtype.time_zone is None else INSTANT
    if dtype.is_numeric():
        return NUMBER
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return TEXT
    return OTHERS.get(dtype)


def may_be_rounded(values: pl.Series) -> bool:
    """True if a float among the values is so large that it may represent another whole number.

    Infinities count as such.
    """
    limit = EXACT_BELOW.get(values.dtype)
    # Polars orders NaN above all numbers.
    return limit is not None and bool((values.fill_nan(None).abs() >= limit).any())


def spelled(values: pl.Series) -> pl.Series:
    """Return each value as text. Equal values of one family have the same text. Null and NaN become null.

    Values of a type without a family are written as Polars casts them, or are null if it cannot.
    """
    if isinstance(values.dtype, pl.Datetime):
        moments = values if values.dtype.time_zone is None else values.dt.convert_time_zone("UTC")
        return moments.dt.to_string("%Y-%m-%d %H:%M:%S%.f")  # as many digits as the value needs
    if values.dtype.is_float() or values.dtype.is_decimal():
        return _spelled_numbers(values)
    return values.cast(pl.String, strict=False)


def _spelled_numbers(values: pl.Series) -> pl.Series:
    """Convert each distinct number once, because a column of categories has few of them."""
    exact = values if values.dtype.is_decimal() else values.cast(pl.Float64).fill_nan(None)
    distinct = exact.drop_nulls().unique()
    texts = pl.Series([number_text(number) for number in distinct], dtype=pl.String)
    return exact.replace_strict(distinct, texts, default=None, return_dtype=pl.String)


def number_text(number: float | Decimal) -> str:
    """Return a number's digits without an exponent: 5.0 is 5, -0.0 is 0.

    A decimal that equals a float has the text of that float.
    """
    nearest = float(number)
    if isinstance(number, Decimal) and Decimal(nearest) != number:
        return _without_zeros(f"{number:f}")
    if not math.isfinite(nearest):
        return str(nearest)
    return str(int(nearest)) if nearest.is_integer() else f"{Decimal(repr(nearest)):f}"


def _without_zeros(digits: str) -> str:
    return digits.rstrip("0").removesuffix(".") if "." in digits else digits
