"""The additive loss of a kind: that of a night is a sum over rows, so nights are compared without rows."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What each row adds.

    metric: name of the kind's metric that is the mean of it. of_row: an expression on `score`, `outputs` and
    `outcome`; less is better, and it is never below 0.
    """

    metric: str
    of_row: pl.Expr
