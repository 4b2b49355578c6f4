"""The result of a retrieval: computed when asked for, whole or in batches, as Polars, Arrow, pandas or a Parquet file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage

from nightjar.adapters.feast_polars.arrow import feast_arrow
from nightjar.adapters.feast_polars.writing import persist, replaced

BATCH_ROWS = 250_000


@dataclass(eq=False)
class PolarsRetrievalJob(RetrievalJob):
    """Feast's RetrievalJob, plus `to_polars`, `to_lazy`, `iter_batches` and `sink_parquet`.

    compute(rows) yields the result in order, in frames of at most `rows` rows (None: one frame); at least one frame. Nothing is kept:
    each call computes anew. On-demand views see one batch at a time, so they must work row by row, as they do when served online.
    """

    compute: Callable[[int | None], Iterator[pl.DataFrame]]
    root: Path
    views_on_demand: Sequence[OnDemandFeatureView] = ()
    full_names: bool = False
    described: RetrievalMetadata | None = field(default=None)

    def to_polars(self) -> pl.DataFrame:
        """The result, on-demand features included."""
        return self._on_demand(next(self.compute(None)))

    def to_lazy(self) -> pl.LazyFrame:
        """The result as the start of a query; it is computed here and now."""
        return self.to_polars().lazy()

    def iter_batches(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """The result in order, at most `rows` rows at a time: memory holds the history and one batch."""
        return (self._on_demand(frame) for frame in self.compute(rows))

    def sink_parquet(self, path: Path | str, rows: int = BATCH_ROWS) -> None:
        """Write the result to one file, batch by batch. The file appears whole or not at all."""
        batches = (feast_arrow(frame) for frame in self.iter_batches(rows))
        first = next(batches)
        with replaced(Path(path)) as unfinished, pq.ParquetWriter(unfinished, first.schema) as writer:
            writer.write_table(first)
            for batch in batches:
                writer.write_table(batch.cast(first.schema))

    def persist(self, storage: SavedDatasetStorage, allow_overwrite: bool = False, timeout: int | None = None) -> None:  # noqa: ARG002  # Feast's signature
        """Store the result as a saved dataset. Raises SavedDatasetLocationAlreadyExists, unless overwriting is allowed."""
        assert isinstance(storage, SavedDatasetFileStorage)
        persist(self.to_arrow(), storage, self.root, allow_overwrite=allow_overwrite)

    def _on_demand(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.views_on_demand:
            return frame
        whole = PolarsRetrievalJob(lambda _: iter((frame,)), self.root, self.views_on_demand, self.full_names, self.described)
        return pl.DataFrame(whole.to_arrow())

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002  # Feast's signature
        return feast_arrow(next(self.compute(None)))

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return self._to_arrow_internal(timeout).to_pandas()

    @property
    def full_feature_names(self) -> bool:
        return self.full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return list(self.views_on_demand)

    @property
    def metadata(self) -> RetrievalMetadata | None:
        return self.described
