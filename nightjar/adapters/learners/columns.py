"""A model's input columns, as every learner gets them, and what a stored model keeps of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import UnfitModel
from nightjar.core.model.categories import UNKNOWN, CastCategories, Categories, is_empty, spelled
from nightjar.core.model.description import Description

MISSING = ""
"""The category that stands for a missing one: neither library takes nulls there."""


FAMILIES = "nightjar_categories"
"""Where a stored model keeps what its categories were, as JSON. Older versions have no such entry."""

RECORD = "nightjar_inputs"
"""Where the file of a learner with `Columns` keeps them."""


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
    texts, numbers = ([frame[name] for name in names] for names in (categorical, numeric))
    if faults := [fault for fault in (*map(categories.fault, texts), *map(_number_fault, numbers)) if fault]:
        raise ContractBroken("The rows to predict", faults)
    spelled_out = [categories.text(column).alias(column.name) for column in texts]
    return pl.DataFrame([*spelled_out, *numbers]).select(
        pl.col([*categorical]).fill_null(MISSING),
        pl.col([*numeric]).cast(pl.Float64, strict=False).fill_null(float("nan")),
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


@dataclass(frozen=True, slots=True)
class Columns:
    """The input columns of a learner that takes numbers, in its order, and how each reaches it.

    names: the columns. codes: category column -> its categories, as text and in order. The learner gets the
    place of a category in this list; of one that is not in it NaN, which stands for a missing value.
    texts: category columns that the learner takes as text. All other columns are numbers, missing ones NaN.
    categories: of the rows that it was fitted on.
    """

    names: tuple[str, ...]
    codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    texts: frozenset[str] = frozenset()
    categories: Categories = UNKNOWN

    @classmethod
    def of(cls, rows: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str]) -> "Columns":
        """The columns to fit on, with the categories that these rows hold. A missing one is among them."""
        categories = Categories.of(rows, categorical)
        texts = inputs(rows, categorical, (), categories)
        codes = {column.name: tuple(column.unique().sort()) for column in texts}
        return cls((*categorical, *numeric), codes, categories=categories)

    @property
    def categorical(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name in self.codes or name in self.texts)

    @property
    def numeric(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if name not in self.categorical)

    def frame(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The columns in the learner's order: Float64, and String where it takes texts.

        Raises ContractBroken naming the columns that are missing or of a wrong type.
        """
        given = inputs(rows, self.categorical, self.numeric, self.categories)
        return given.select(self.names).with_columns(
            pl.col(name).replace_strict(
                known, [*range(len(known))], default=float("nan"), return_dtype=pl.Float64
            )
            for name, known in self.codes.items()
        )

    def matrix(self, rows: pl.DataFrame) -> np.ndarray:
        """`frame` as an array of float64, one row after the other, where there are no texts."""
        return self.frame(rows).to_numpy(order="c")

    def record(self) -> str:
        """All of it as JSON, on one line."""
        return json.dumps(
            {
                "names": self.names,
                "codes": dict(self.codes),
                "texts": sorted(self.texts),
                "families": dict(self.categories.families),
            },
            sort_keys=True,
        )

    @classmethod
    def read(cls, record: str) -> "Columns":
        told = json.loads(record)
        codes = {name: tuple(known) for name, known in told["codes"].items()}
        return cls(tuple(told["names"]), codes, frozenset(told["texts"]), Categories(told["families"]))

    @classmethod
    def described(cls, file: Path, names: Sequence[str], told: Description) -> "Columns":
        """The columns of a file that was made elsewhere. names: as `described_names` takes them.

        Raises UnfitModel, too, for categories of a column that is no input.
        """
        given = described_names(file, names, told)
        if unknown := sorted(told.categories.keys() - {*given}):
            raise UnfitModel(
                file,
                f"its inputs are {list(given)}, and the description has categories of {unknown}",
                "Correct `categories` in the description.",
            )
        codes = {
            name: tuple(spelled(pl.Series(known, strict=False)).fill_null(MISSING))
            for name, known in told.categories.items()
        }
        return cls(given, codes)


def described_names(file: Path, names: Sequence[str], told: Description) -> tuple[str, ...]:
    """The input columns of a file that was made elsewhere, in its order.

    names: as the file has them, made up by its library where it was given none. Raises UnfitModel if the
    description has other names, or another number of them.
    """
    given = told.inputs or tuple(names)
    made_up = all(name in given or _is_made_up(name) for name in names)
    if len(given) != len(names) or not made_up:
        raise UnfitModel(
            file,
            f"its inputs are {list(names)}, and the description says {list(given)}",
            "Correct `inputs` in the description.",
        )
    return given


def _is_made_up(name: str) -> bool:
    """`Column_0` is how LightGBM names a column without a name, `f0` how XGBoost does, `0` how CatBoost."""
    return name.removeprefix("Column_").removeprefix("f").isdecimal()
