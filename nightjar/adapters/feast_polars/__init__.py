"""A Polars offline store for Feast: point-in-time joins by sort and as-of join over Parquet files.

It is usable on its own. Name it in feature_store.yaml: `offline_store: {type:
nightjar.adapters.feast_polars.PolarsOfflineStore}`. Feast takes seconds to import. Only `store`, `job`,
`declared` and `nullable` import it, and what they define is imported when it is asked for.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .job import PolarsRetrievalJob
    from .store import PolarsOfflineStore, PolarsOfflineStoreConfig

__all__ = ["PolarsOfflineStore", "PolarsOfflineStoreConfig", "PolarsRetrievalJob"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import job, store  # noqa: PLC0415  # they import Feast

    return getattr(job if name == "PolarsRetrievalJob" else store, name)
