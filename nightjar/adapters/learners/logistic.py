"""A logistic regression as a sum of one number for each input, kept as JSON and computed column by column.

Scikit-learn fits it. Its own pipeline would take ten times as long for a row as boosted trees do: it looks
categories up one Python text after the other. Here a row gets the same bits in every batch.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Self

import numpy as np
import polars as pl

from nightjar.adapters.learners.answers import answered, both, explained, require_answers
from nightjar.adapters.learners.columns import inputs
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.categories import Categories
from nightjar.core.model.description import UNDESCRIBED, Description

STEPS = 16
"""A number that is taken in steps has so many, with as many rows in each."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a number adds: its slope times itself. A missing one counts as `fill`, and adds `missing` too."""

    slope: float
    fill: float
    missing: float = 0.0

    def of(self, values: np.ndarray) -> np.ndarray:
        lacks = np.isnan(values)
        return np.where(lacks, self.fill, values) * self.slope + lacks * self.missing


@dataclass(frozen=True, slots=True)
class Stairs:
    """What a number adds by steps. edges: in order; a number on an edge is above it. heights: one more."""

    edges: tuple[float, ...]
    heights: tuple[float, ...]

    def of(self, values: np.ndarray) -> np.ndarray:
        return np.array(self.heights)[np.searchsorted(self.edges, values, side="right")]


@dataclass(frozen=True, slots=True)
class LogisticPredictor:
    """Implements spec.Predictor for binary models.

    base: the log odds before any input adds to them. texts: category column -> category -> what it adds;
    another one adds nothing. lines, stairs: number -> what it adds. One may have both.
    """

    base: float
    texts: Mapping[str, Mapping[str, float]]
    lines: Mapping[str, Line]
    stairs: Mapping[str, Stairs]
    categories: Categories
    strength: float
    kind: Kind = BINARY
    algorithm: str = "logistic"

    @property
    def categorical(self) -> tuple[str, ...]:
        return tuple(self.texts)

    @property
    def numeric(self) -> tuple[str, ...]:
        return tuple(self.lines)

    @classmethod
    def fitted(
        cls,
        rows: pl.DataFrame,
        categorical: tuple[str, ...],
        numeric: tuple[str, ...],
        *,
        in_steps: tuple[str, ...] = (),
        strength: float = 1.0,
    ) -> Self:
        """Fit it on rows with `outcome`, 0 or 1.

        in_steps: those of the numbers that are taken in steps, too; never missing. strength: the inverse of
        how much the weights are held towards 0.
        """
        from threadpoolctl import threadpool_limits  # noqa: PLC0415  # comes with scikit-learn

        categories = Categories.of(rows, categorical)
        pipeline = _pipeline(categorical, numeric, in_steps, strength)
        with threadpool_limits(1):  # sums over another number of threads round differently
            pipeline.fit(inputs(rows, categorical, numeric, categories), rows["outcome"].to_numpy())
        columns, regression = pipeline
        weights = iter(regression.coef_[0].tolist())  # in the order of the steps of the pipeline
        texts = dict(zip(categorical, _by_category(columns, categorical, weights), strict=True))
        stairs = dict(zip(in_steps, _stairs(columns, in_steps, weights), strict=True))
        filled, scaled = columns.named_transformers_["numbers"]
        slopes = np.array([*weights]) / scaled.scale_
        base = float(regression.intercept_[0] - slopes @ scaled.mean_)
        return cls(base, texts, _lines(filled, numeric, slopes), stairs, categories, strength)

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, inputs(frame, self.categorical, self.numeric, self.categories), self._ask)

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
        """Implements contributions.Explains: what an input adds, less the mean of that over the sample."""

        def ask() -> np.ndarray:
            given = (
                inputs(rows, self.categorical, self.numeric, self.categories) for rows in (sample, frame)
            )
            usual, own = (np.column_stack([*self._added(rows)]) for rows in given)
            mean = usual.mean(axis=0)
            base = np.full((frame.height, 1), self.base + mean.sum())
            return np.hstack([own - mean, base])

        names = (*self.categorical, *self.numeric)
        return explained(self.kind, self.algorithm, names, self.predict(frame), ask)

    def _added(self, rows: pl.DataFrame) -> Iterator[np.ndarray]:
        """What each input adds to the log odds of each row. rows: the columns of `inputs`."""
        texts = rows.select(
            pl.col(name).replace_strict([*known], [*known.values()], default=0.0, return_dtype=pl.Float64)
            for name, known in self.texts.items()
        )
        yield from (column.to_numpy() for column in texts)
        for name, line in self.lines.items():
            values, stairs = rows[name].to_numpy(), self.stairs.get(name)
            yield line.of(values) if stairs is None else line.of(values) + stairs.of(values)

    def _ask(self, rows: pl.DataFrame) -> np.ndarray:
        odds = np.full(rows.height, self.base)
        for added in self._added(
            rows
        ):  # one after the other, so that a row gets the same bits in every batch
            odds += added
        return both(1 / (1 + np.exp(-odds)))

    def params(self) -> Mapping[str, Any]:
        return {"C": self.strength, "steps": {name: len(one.heights) for name, one in self.stairs.items()}}

    def save(self, path: Path) -> None:
        told = {
            "base": self.base,
            "texts": self.texts,
            "lines": {name: [one.slope, one.fill, one.missing] for name, one in self.lines.items()},
            "stairs": {name: [one.edges, one.heights] for name, one in self.stairs.items()},
            "families": dict(self.categories.families),
            "strength": self.strength,
        }
        path.write_text(json.dumps(told), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> Self:  # noqa: ARG003
        """Raises UnfitModel for a kind that is not binary, and ValueError or KeyError for another file."""
        require_answers(path, "a logistic regression", 2, kind)
        kept = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            kept["base"],
            kept["texts"],
            {name: Line(*numbers) for name, numbers in kept["lines"].items()},
            {name: Stairs(tuple(edges), tuple(heights)) for name, (edges, heights) in kept["stairs"].items()},
            Categories(kept["families"]),
            kept["strength"],
        )


def _by_category(
    columns: Any, names: tuple[str, ...], weights: Iterator[float]
) -> Iterator[dict[str, float]]:
    coded = columns.named_transformers_["texts"]
    for known in coded.categories_ if names else ():
        yield {str(category): next(weights) for category in known}


def _stairs(columns: Any, names: tuple[str, ...], weights: Iterator[float]) -> Iterator[Stairs]:
    cut = columns.named_transformers_["steps"]
    for edges in cut.bin_edges_ if names else ():
        yield Stairs(tuple(map(float, edges[1:-1])), tuple(islice(weights, len(edges) - 1)))


def _lines(filled: Any, names: tuple[str, ...], slopes: np.ndarray) -> dict[str, Line]:
    """slopes: of all numbers, then of those that were missing in some row."""
    lacking = [names[place] for place in filled.indicator_.features_]
    missing = dict(zip(lacking, slopes[len(names) :].tolist(), strict=True))
    own = zip(names, slopes[: len(names)].tolist(), filled.statistics_.tolist(), strict=True)
    return {name: Line(slope, fill, missing.get(name, 0.0)) for name, slope, fill in own}


def _pipeline(
    categorical: tuple[str, ...], numeric: tuple[str, ...], in_steps: tuple[str, ...], strength: float
) -> Any:
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415  # takes a second to import
    from sklearn.impute import SimpleImputer  # noqa: PLC0415  # as above
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415  # as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415  # as above
    from sklearn.preprocessing import KBinsDiscretizer, OneHotEncoder, StandardScaler  # noqa: PLC0415  # as above

    steps = KBinsDiscretizer(STEPS, strategy="quantile", quantile_method="averaged_inverted_cdf")
    scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    columns = ColumnTransformer(
        [
            ("texts", OneHotEncoder(handle_unknown="ignore"), [*categorical]),
            ("steps", steps, [*in_steps]),
            ("numbers", scaled, [*numeric]),
        ]
    )
    return make_pipeline(columns, LogisticRegression(C=strength, max_iter=200))
