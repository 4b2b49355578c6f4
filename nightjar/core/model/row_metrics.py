"""A metric of the model's own: a number for each scored row, as what a wrong decision costs."""

from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from nightjar.core.kinds.metrics import Metric

BESIDE_INPUTS = frozenset({"score", "outputs", "outcome"})
"""What a row holds besides the model's inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMetric:
    """The mean of a number over rows with a known outcome. Times the rows it is their sum.

    name: as an identifier. title: for people. unit: of the number for one row, as "USD a parcel". of_row: an
    expression on `score`, `outcome`, `outputs` and the inputs; of a kind with classes `outcome` is the place
    of the class. A row for which it is null does not count. better: which values are better.
    """

    name: str
    title: str
    unit: str
    of_row: pl.Expr = field(compare=False)
    better: Literal["higher", "lower"] | None = None

    @property
    def metric(self) -> Metric:
        return Metric(name=self.name, title=f"{self.title} ({self.unit})", better=self.better)

    @property
    def reads(self) -> frozenset[str]:
        """Names of the inputs that it reads."""
        return frozenset(self.of_row.meta.root_names()) - BESIDE_INPUTS
