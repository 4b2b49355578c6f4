"""Convert Arrow to pandas without changing an integer.

In a column with nulls, pandas turns integers into floats, which are exact only below 2^53.
"""

from collections.abc import Iterable

import pandas as pd
import polars as pl
import pyarrow as pa
from feast.on_demand_feature_view import OnDemandFeatureView

EXACT_BELOW = 2**53


def readable(table: pa.Table) -> pa.Table:
    """Return the same table, with metadata for pandas to read integers with nulls as Int64 and similar types.

    It applies to each later call of `to_pandas`.
    """
    nullable = {
        field.name: _pandas_type(field.type) for field in table.schema if _has_gaps(table.column(field.name))
    }
    if not nullable:
        return table
    empty = pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in nullable.items()})
    return table.replace_schema_metadata(pa.Schema.from_pandas(empty, preserve_index=False).metadata)


def exact_pandas(table: pa.Table) -> pd.DataFrame:
    """Return the table as pandas, with integers with nulls as Int64 and similar types.

    Integers in lists and structs are Python's. All other values are as Arrow converts them.
    """
    return readable(table).to_pandas(integer_object_nulls=True)


def float_pandas(table: pa.Table) -> pd.DataFrame:
    """Return the table as pandas, with integers with nulls as floats."""
    return table.replace_schema_metadata().to_pandas()


def require_exact_inputs(table: pa.Table, views: Iterable[OnDemandFeatureView]) -> None:
    """Raise ValueError if Feast would pass inexact integers to a pandas function.

    Feast passes floats if there are nulls.
    """
    for view in views:
        for name in sorted(_inputs(view) & {*table.column_names} if view.mode == "pandas" else ()):
            if _is_lossy(table.column(name)):
                raise ValueError(
                    f"On-demand view {view.name!r} is a pandas function, and its input {name!r} has nulls "
                    "and integers from 2^53 on. Feast makes floats of them, which cannot hold these. "
                    "Declare the view with mode='python', or the column as text."
                )


def _inputs(view: OnDemandFeatureView) -> set[str]:
    projections = view.source_feature_view_projections.values()
    features = {
        name
        for one in projections
        for field in one.features
        for name in (field.name, f"{one.name_to_use()}__{field.name}")
    }
    return features | {
        field.name for source in view.source_request_sources.values() for field in source.schema
    }


def _is_lossy(column: pa.ChunkedArray) -> bool:
    values = pl.Series(column)
    return _has_gaps(column) and not values.is_between(-EXACT_BELOW, EXACT_BELOW, closed="none").all()


def _has_gaps(column: pa.ChunkedArray) -> bool:
    return pa.types.is_integer(column.type) and column.null_count > 0


def _pandas_type(dtype: pa.DataType) -> str:
    return str(dtype).capitalize().replace("Uint", "UInt")
