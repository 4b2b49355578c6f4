"""A sample of rows that is always the same one."""

import polars as pl


def sampled(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most so many rows, spread evenly, and so over the dates of rows in order of date."""
    return rows if rows.height <= most else rows[:: -(-rows.height // most)]
