"""What is asked of a table, wherever it lies."""

from datetime import date
from typing import Protocol

import polars as pl

RECORDED = "__recorded"
"""The column of instants at which rows were recorded, beside the declared columns."""


class Table(Protocol):
    """A table as it is now.

    Both calls raise BadTable for a table that is not as its dataset declares, and StoreUnavailable where it
    cannot be reached.
    """

    def summary(self) -> pl.DataFrame:
        """Each day with its number of rows.

        `day` Date, `rows`, and `instants`: the distinct instants (UTC) at which its rows were recorded, as a
        list. It is null where no column says so.
        """
        ...

    def rows(self, first: date, last: date) -> pl.DataFrame:
        """The rows about days first..last with the types that they have there, instants of a zone in UTC.

        The declared columns, and RECORDED where a column says when a row was recorded.
        """
        ...
