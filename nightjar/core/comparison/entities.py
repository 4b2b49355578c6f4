"""What the inputs and the scores of a night look like, in numbers."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from nightjar.core.values import Value


class Distribution(Value):
    """Scores of one night in numbers.

    They are `mean` and `stddev` of the scores, `distinct` values, `quantiles`, how many `rows`, and how many
    of them were `carried` over.
    """

    score_date: date
    rows: int
    carried: int = 0
    mean: float
    stddev: float
    distinct: int
    quantiles: tuple[float, ...] = ()
    """Evenly spaced from the least to the greatest score; none of no rows."""


SCORE = "score"
"""The column of a profile that is no input."""


class ColumnProfile(Value):
    """A column of a night in numbers.

    Of a text column `categories` has the rows of the most frequent ones. Of a number column `quantiles` are
    evenly spaced from the least to the greatest value.
    rows: how many were looked at. distinct: different values among those that are not null. entities: how
    many share the values: the keys of a feature's table that occur, or else the rows.
    """

    column: str
    rows: int
    nulls: int
    distinct: int
    entities: int
    mean: float | None = None
    stddev: float | None = None
    quantiles: tuple[float, ...] = ()
    categories: Mapping[str, int] = Field(default_factory=dict)

    @property
    def values(self) -> int:
        return self.rows - self.nulls

    @property
    def null_share(self) -> float:
        return self.nulls / self.rows if self.rows else 1.0


class NightProfile(Value):
    """What the inputs of a run's sampled rows and all its scores look like."""

    score_date: date
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.column == name), None)

    @property
    def score(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the scores; None where no row was scored."""
        scores = self.column(SCORE)
        if scores is None or scores.mean is None or scores.stddev is None:
            return None
        return scores.mean, scores.stddev
