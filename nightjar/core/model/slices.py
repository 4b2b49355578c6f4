"""A slice: rows that share a value, which a version may not serve worse than the champion does."""

from dataclasses import dataclass, field

import polars as pl

MISSING = "missing"
OTHERS = "all others"
NEGATIVE_ZERO = "-0.0"
"""Equal to 0.0, and another text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The rows of each value of an input, or of an expression on inputs.

    by: the input, or an expression, like `pl.col("sched_dep_minute") // 360`. least_rows: of the unseen rows;
    a value with fewer is not judged. sensitive: nobody may be left out: the rows of all values with fewer are
    judged together, as OTHERS.
    """

    name: str
    by: str | pl.Expr = field(compare=False)
    least_rows: int = 200
    sensitive: bool = False

    @property
    def expression(self) -> pl.Expr:
        return pl.col(self.by) if isinstance(self.by, str) else self.by

    def value(self) -> pl.Expr:
        """The value of each row, as text. A missing value is one, too. -0.0 is 0.0."""
        return self.expression.cast(pl.String).replace(NEGATIVE_ZERO, "0.0").fill_null(MISSING)

    @property
    def reads(self) -> frozenset[str]:
        """Names of the columns that it reads."""
        return frozenset(self.expression.meta.root_names())
