"""These values describe the inputs and the scores of a night in numbers."""

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from nightjar.core.values import Value


class Distribution(Value):
    """The scores of one night in numbers.

    mean, stddev, quantiles: of the scores. distinct: the number of different scores. rows: the number of
    rows. carried: how many of them were carried over. shadowed: how many the challenger has scored too.
    by_challenger: how many it serves.
    """

    score_date: date
    rows: int
    carried: int = 0
    shadowed: int = 0
    by_challenger: int = 0
    mean: float
    stddev: float
    distinct: int
    quantiles: tuple[float, ...] = ()
    """Evenly spaced from the least to the greatest score. Empty if there are no rows."""
    classes: Mapping[str, int] = Field(default_factory=dict)
    """Rows by predicted class. Empty for a kind without classes."""


SCORE, PREDICTED_CLASS = "score", "predicted_class"
PREDICTED = frozenset({SCORE, PREDICTED_CLASS})
"""The columns of a profile that are not inputs."""


class ColumnProfile(Value):
    """A column of a night in numbers.

    categories: for a text column, the number of rows of each of the most frequent categories. quantiles: for
    a number column, evenly spaced from the least to the greatest value. rows: the rows that were looked at.
    distinct: the different values that are not null. entities: the distinct keys of the feature's table that
    occur in the rows, or the number of rows for an input without such a table.
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
    """The profiles of a run's inputs, from sampled rows, and of all its scores."""

    score_date: date
    columns: tuple[ColumnProfile, ...]

    def column(self, name: str) -> ColumnProfile | None:
        return next((column for column in self.columns if column.column == name), None)

    @property
    def classes(self) -> Mapping[str, int]:
        """Rows by predicted class. Empty for a kind without classes."""
        found = self.column(PREDICTED_CLASS)
        return {} if found is None else found.categories

    @property
    def score(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the scores. None if no row was scored."""
        scores = self.column(SCORE)
        if scores is None or scores.mean is None or scores.stddev is None:
            return None
        return scores.mean, scores.stddev
