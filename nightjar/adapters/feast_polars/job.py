"""The result of a retrieval, computed when asked for.

It comes whole or in batches, as Polars, Arrow, pandas or a Parquet file.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from feast.dqm.errors import ValidationFailed
from feast.infra.offline_stores.file_source import SavedDatasetFileStorage
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.saved_dataset import SavedDatasetStorage, ValidationReference
from polars.io.plugins import register_io_source

from .arrow import feast_arrow, polars_frame
from .columns import column
from .declared import polars_type
from .nullable import exact_pandas, float_pandas, readable, require_exact_inputs
from .places import replaced
from .writing import persist

BATCH_ROWS = 250_000


class Answer(Protocol):
    def schema(self) -> pl.Schema:
        """Of the frames, found without reading a row."""
        ...

    def frames(self, rows: int | None, columns: Collection[str] | None = None) -> Iterator[pl.DataFrame]:
        """All rows in order, in frames of at most `rows` rows (None: one frame); at least one frame.

        columns: those that are wanted, others may come too; None: all.
        """
        ...


@dataclass(eq=False)
class PolarsRetrievalJob(RetrievalJob):
    """Feast's RetrievalJob, plus `to_polars`, `to_lazy`, `iter_batches` and `sink_parquet`.

    Nothing is kept: each call computes anew. On-demand views see one batch at a time, so they must work row
    by row, as they do when served online.
    """

    answer: Answer
    root: Path
    views_on_demand: Sequence[OnDemandFeatureView] = ()
    full_names: bool = False
    described: RetrievalMetadata | None = field(default=None)

    def to_polars(self) -> pl.DataFrame:
        """The result, on-demand features included."""
        return self._on_demand(next(self.answer.frames(None)))

    def to_lazy(self) -> pl.LazyFrame:
        """The result as the start of a query.

        When the query is collected, the result comes batch by batch. Only features that it uses are read.
        """
        return register_io_source(
            self._scan, schema=self._schema, validate_schema=True, explain_name="POINT-IN-TIME"
        )

    def iter_batches(self, rows: int = BATCH_ROWS) -> Iterator[pl.DataFrame]:
        """The result in order, at most `rows` rows at a time: memory holds the history and one batch.

        Raises ValueError for batches of none.
        """
        if rows < 1:
            raise ValueError(f"Batches of {rows} rows never come to an end. Ask for at least one row.")
        return (self._batch(frame) for frame in self.answer.frames(rows))

    def to_arrow(
        self, validation_reference: ValidationReference | None = None, timeout: int | None = None
    ) -> pa.Table:
        """The result, on-demand features included. pandas reads its integers exactly.

        Raises ValidationFailed. Raises ValueError if on-demand views would not get the exact integers.
        """
        table = readable(super().to_arrow(timeout=timeout))
        if validation_reference:
            _require_valid(table, validation_reference)
        return table

    def to_df(
        self, validation_reference: ValidationReference | None = None, timeout: int | None = None
    ) -> pd.DataFrame:
        """The same as pandas.

        An integer column with nulls is Int64 or its like, one without has NumPy's type.
        """
        return exact_pandas(self.to_arrow(validation_reference, timeout))

    def to_tensor(
        self, kind: str = "torch", default_value: Any = float("nan"), timeout: int | None = None
    ) -> dict[str, Any]:
        """Return Feast's tensors. default_value replaces nulls.

        An int keeps the column's integers. A float converts them to floats.
        """
        as_pandas = exact_pandas if isinstance(default_value, int) else float_pandas
        frame = as_pandas(self.to_arrow(timeout=timeout))
        as_feast = SimpleNamespace(to_df=lambda timeout: frame)  # noqa: ARG005  # Feast's signature
        # Feast's method asks for `to_df` alone, so this object will do.
        return RetrievalJob.to_tensor(as_feast, kind, default_value)  # pyright: ignore[reportArgumentType]

    def sink_parquet(self, path: Path | str, rows: int = BATCH_ROWS) -> None:
        """Write the result to one file, batch by batch. The file appears whole or not at all."""
        batches = (feast_arrow(frame) for frame in self.iter_batches(rows))
        first = next(batches)
        with replaced(Path(path)) as unfinished, pq.ParquetWriter(unfinished, first.schema) as writer:
            writer.write_table(first)
            for batch in batches:
                writer.write_table(batch.cast(first.schema))

    def persist(
        self,
        storage: SavedDatasetStorage,
        allow_overwrite: bool = False,
        timeout: int | None = None,  # noqa: ARG002  # Feast's signature
    ) -> None:
        """Store the result as a saved dataset.

        Raises SavedDatasetLocationAlreadyExists, unless overwriting is allowed, TypeError for other storage.
        """
        if not isinstance(storage, SavedDatasetFileStorage):
            raise TypeError(
                "The Polars offline store keeps datasets in a SavedDatasetFileStorage, not in a "
                f"{type(storage).__name__}."
            )
        persist(self.to_arrow(), storage, self.root, allow_overwrite=allow_overwrite)

    def _on_demand(self, frame: pl.DataFrame) -> pl.DataFrame:
        if not self.views_on_demand:
            return frame
        whole = PolarsRetrievalJob(
            _Computed(frame), self.root, self.views_on_demand, self.full_names, self.described
        )
        return polars_frame(whole.to_arrow())

    def _batch(self, frame: pl.DataFrame) -> pl.DataFrame:
        """As `_on_demand`, but of types that are the same for all batches."""
        return _converted(self._on_demand(frame), self.types_on_demand)

    def _schema(self) -> pl.Schema:
        return pl.Schema(
            self._on_demand(pl.DataFrame(schema=self.answer.schema())).schema | self.types_on_demand
        )

    @property
    def types_on_demand(self) -> dict[str, pl.DataType]:
        """The declared types of the on-demand features that were asked for.

        The types of a batch may depend on its values: nulls turn pandas' integers into floats.
        """
        asked = self.described.features if self.described else ()
        features = (
            (view.projection.name_to_use(), field) for view in self.views_on_demand for field in view.features
        )
        return {
            (f"{name}__" if self.full_names else "") + field.name: polars_type(field.dtype)
            for name, field in features
            if f"{name}:{field.name}" in asked
        }

    def _scan(
        self, columns: list[str] | None, predicate: pl.Expr | None, rows: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        """Yield the part of the result that a query of Polars needs.

        It has the named columns, the rows for which the predicate is true, and at most the given number of
        rows.
        """
        for frame in self.answer.frames(BATCH_ROWS, None if self.views_on_demand else columns):
            batch = self._batch(frame if rows is None else frame.head(rows))
            wanted = batch if columns is None else batch.select(map(column, columns))
            yield wanted if predicate is None else wanted.filter(predicate)
            rows = rows and rows - batch.height
            if rows == 0:
                return

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002  # Feast's signature
        table = feast_arrow(next(self.answer.frames(None)))
        require_exact_inputs(table, self.views_on_demand)
        return table

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return exact_pandas(self._to_arrow_internal(timeout))

    @property
    def full_feature_names(self) -> bool:
        return self.full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        return list(self.views_on_demand)

    @property
    def metadata(self) -> RetrievalMetadata | None:
        return self.described


def _require_valid(table: pa.Table, reference: ValidationReference) -> None:
    """As Feast does it, but on the integers that there are."""
    if not (found := reference.profile.validate(exact_pandas(table))).is_success:
        raise ValidationFailed(found)


@dataclass(frozen=True, slots=True)
class _Computed:
    frame: pl.DataFrame

    def schema(self) -> pl.Schema:
        return self.frame.schema

    # The signature is that of `Answer`.
    def frames(
        self,
        rows: int | None,  # noqa: ARG002
        columns: Collection[str] | None = None,  # noqa: ARG002
    ) -> Iterator[pl.DataFrame]:
        return iter((self.frame,))


def _converted(frame: pl.DataFrame, types: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Raises TypeError for a column with a value that its type cannot hold."""
    return frame.with_columns(
        _column_as(name, frame[name].alias(""), dtype)
        for name, dtype in types.items()
        if frame[name].dtype != dtype
    )


def _column_as(name: str, values: pl.Series, dtype: pl.DataType) -> pl.Series:
    values = values.fill_nan(None) if values.dtype.is_float() else values
    cast = values.cast(dtype, strict=False)
    if not values.equals(cast.cast(values.dtype, strict=False), check_dtypes=True):
        raise TypeError(
            f"On-demand feature {name!r} is declared as {dtype} and has values of {values.dtype} that don't "
            "fit. Declare what it gives."
        )
    return cast.alias(name)
