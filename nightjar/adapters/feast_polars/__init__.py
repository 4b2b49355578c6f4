"""A Polars offline store for Feast: point-in-time joins by sort and as-of join over Parquet files.

It is usable on its own. Name it in feature_store.yaml: `offline_store: {type:
nightjar.adapters.feast_polars.PolarsOfflineStore}`.
"""

from .job import PolarsRetrievalJob
from .store import PolarsOfflineStore, PolarsOfflineStoreConfig

__all__ = ["PolarsOfflineStore", "PolarsOfflineStoreConfig", "PolarsRetrievalJob"]
