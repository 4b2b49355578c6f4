"""Which rows may be scored. REPLACE: the columns and their bounds. A row that breaks them is set aside."""

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import pandera.polars as pa


def contract() -> "pa.DataFrameSchema":
    """The Pandera schema of the inputs. A feature may be missing: a new shop has no history."""
    import pandera.polars as pa  # noqa: PLC0415  # takes seconds to import, and only checking needs it

    return pa.DataFrameSchema(
        {
            "entity_key": pa.Column(pl.String, pa.Check.str_matches(r"^S\d{3}-\d{4}-\d{2}-\d{2}$")),
            "region": pa.Column(pl.String, pa.Check.str_matches(r"^[a-z]+$")),
            "promotion": pa.Column(pl.Int64, pa.Check.in_range(0, 1)),
            "weekday": pa.Column(pl.Int64, pa.Check.in_range(1, 7)),
            "visitors_14d": pa.Column(pl.Float64, pa.Check.in_range(0, 10_000), nullable=True),
            "sold_out_rate_14d": pa.Column(pl.Float64, pa.Check.in_range(0, 1), nullable=True),
        }
    )
