"""Feast's DuckDB store as oracle, on what it gets right: unique entity rows, full join-key maps, no ties."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

START = datetime(2024, 1, 1, tzinfo=UTC)
UTC_US = pl.Datetime("us", "UTC")


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("as_known_at", [True, False])
@pytest.mark.parametrize("days", [0, 3])
def test_it_agrees_with_the_duckdb_store_of_feast(store, view, retrieve, as_known_at, days):
    from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig

    random = np.random.default_rng(7)

    def moments(rows):
        return pl.Series(random.integers(0, 30 * 86_400, rows) * 1_000_000).cast(pl.Duration("us")) + START

    def some_view(rows, keys, feature, scale):
        happened = moments(rows)
        created = happened + pl.Series(random.integers(0, 4 * 86_400, rows) * 1_000_000).cast(
            pl.Duration("us")
        )
        frame = pl.DataFrame(
            {key: random.integers(0, 40, rows) for key in keys}
            | {"ts": happened, "created": created, feature: random.normal(0, scale, rows)}
        )
        made = view(
            frame.cast({"ts": UTC_US, "created": UTC_US}), keys, ttl=timedelta(days=days), features=(feature,)
        )
        made.batch_source.file_options.uri = str(
            store.repo_path / made.batch_source.path
        )  # DuckDB's store reads relative to the process
        return made

    views = [
        some_view(3_000, ("a",), "x", 1),
        some_view(2_000, ("b",), "y", 10),
        some_view(20_000, ("a", "b"), "z", 100),
    ]
    asked = pl.DataFrame(
        {
            "a": random.integers(0, 45, 2_000),
            "b": random.integers(0, 45, 2_000),
            "event_timestamp": moments(2_000),
        }
    ).unique(maintain_order=True)
    refs = [f"{made.name}:{made.features[0].name}" for made in views]
    config = store.config.model_copy()
    config._offline_store = DuckDBOfflineStoreConfig()
    oracle = DuckDBOfflineStore.get_historical_features(
        config,
        views,
        refs,
        asked.to_pandas(),
        store.registry,
        "test",
        filter_by_created_timestamp=as_known_at,
    ).to_arrow()
    ours = retrieve(views, asked, as_known_at=as_known_at).to_polars()
    assert_frame_equal(
        ours, pl.DataFrame(oracle).cast({"event_timestamp": UTC_US}), check_row_order=False, check_exact=True
    )
    assert 0 < ours["x"].null_count() < ours.height
