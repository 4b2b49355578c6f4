"""A model's input columns, as every learner gets them, and what a stored model keeps of them."""

import json
from collections.abc import Sequence

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.categories import UNKNOWN, CastCategories, Categories, is_empty

MISSING = ""
"""The category that stands for a missing one: neither library takes nulls there."""


FAMILIES = "nightjar_categories"
"""Where a stored model keeps what its categories were, as JSON. Older versions have no such entry."""


def inputs(
    frame: pl.DataFrame,
    categorical: Sequence[str],
    numeric: Sequence[str],
    categories: Categories | CastCategories = UNKNOWN,
) -> pl.DataFrame:
    """A model's input columns in its order.

    Categories become String without nulls (CatBoost crashes on Categorical and Enum), numbers Float64.
    categories: of the model. Raises ContractBroken naming the columns that are missing or of a wrong type.
    """
    if missing := [name for name in (*categorical, *numeric) if name not in frame.columns]:
        raise ContractBroken("The rows to predict", [f"column {name} is missing" for name in missing])
    texts, numbers = frame.select(categorical), frame.select(numeric)
    if faults := [fault for fault in (*map(categories.fault, texts), *map(_number_fault, numbers)) if fault]:
        raise ContractBroken("The rows to predict", faults)
    return pl.DataFrame(
        [
            *(categories.text(column).fill_null(MISSING).alias(column.name) for column in texts),
            *(column.cast(pl.Float64, strict=False).fill_null(float("nan")) for column in numbers),
        ]
    )


def _number_fault(column: pl.Series) -> str | None:
    if column.dtype.is_numeric() or column.dtype == pl.Boolean or is_empty(column):
        return None
    return f"column {column.name} is {column.dtype}, not a number"


def kept_categories(categories: Categories | CastCategories) -> str | None:
    """What a stored model says of its categories; nothing where it never did."""
    if isinstance(categories, CastCategories):
        return None
    return json.dumps(dict(categories.families), sort_keys=True)


def read_categories(kept: str | None) -> Categories | CastCategories:
    return CastCategories() if kept is None else Categories(json.loads(kept))
