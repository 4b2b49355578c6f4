"""How old the rows of a feature view are, in any offline store.

Imports Feast, which takes seconds: import this module where it is first needed.
"""

from datetime import datetime

import polars as pl
from feast import FeatureStore
from feast.feature_view import FeatureView


def has_row(
    store: FeatureStore, view: FeatureView, first: datetime, last: datetime, *, by_created: bool
) -> bool:
    """True if a view has an event in first..last (UTC).

    by_created: and if it was recorded by `last`, where the view says so.
    """
    source = view.batch_source
    if source is None:
        return False
    stored = {name: column for column, name in source.field_mapping.items()}
    happened, created = (
        stored.get(name, name) for name in (source.timestamp_field, source.created_timestamp_column or "")
    )
    # Feast asks DuckDB for a window in a type that pandas' nanoseconds cannot be cast to.
    window = (
        {}
        if getattr(store.config.offline_store, "type", "") == "duckdb"
        else {"start_date": first, "end_date": last}
    )
    # Feast has no other way to ask.
    job = store._get_provider().offline_store.pull_all_from_table_or_query(  # noqa: SLF001
        config=store.config,
        data_source=source,
        join_key_columns=[],
        feature_name_columns=[],
        timestamp_field=happened,
        created_timestamp_column=created or None,
        **window,
    )
    rows = pl.DataFrame(job.to_arrow())
    rows = rows.filter(_in_utc(rows, happened).is_between(first, last))
    if by_created and created:
        rows = rows.filter(_in_utc(rows, created) <= last)
    return not rows.is_empty()


def _in_utc(rows: pl.DataFrame, column: str) -> pl.Expr:
    """A column of instants. One without a zone is in UTC, as in Feast. DuckDB gives nanoseconds as texts."""
    kind = rows.schema[column]
    if kind == pl.String:
        return pl.col(column).str.to_datetime("%Y-%m-%d %H:%M:%S%.f%#z", time_unit="us", time_zone="UTC")
    return pl.col(column) if getattr(kind, "time_zone", None) else pl.col(column).dt.replace_time_zone("UTC")
