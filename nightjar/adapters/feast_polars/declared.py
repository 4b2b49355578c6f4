"""What Feast declares, as the values that this store works on."""

from collections.abc import Sequence

import polars as pl
import pyarrow as pa
from feast.data_format import DeltaFormat, ParquetFormat
from feast.data_source import DataSource
from feast.feature_view import DUMMY_ENTITY_ID, FeatureView
from feast.infra.offline_stores.file_source import FileSource
from feast.types import Array, Bytes, FeastType, ImageBytes, PdfBytes, Set, from_feast_to_pyarrow_type

from .places import Source, UnusableSourceError
from .view import View


def view_of(view: FeatureView, refs: Sequence[str], *, full_feature_names: bool) -> View:
    """Return what feature references ("view:feature") request from a view.

    They use the name and the join keys of its projection.
    Raises UnusableSourceError for a view without a source or with one that is no file, ValueError for one
    with a negative TTL.
    """
    if view.batch_source is None:
        raise UnusableSourceError(f"Feature view {view.name!r} has no batch source to read history from.")
    projection = view.projection
    name = projection.name_to_use()
    asked = [feature for owner, _, feature in (ref.partition(":") for ref in refs) if owner == name]
    declared = {field.name: field.dtype for field in view.features}
    return View.of(
        name,
        source_of(view.batch_source),
        keys={
            field.name: projection.join_key_map.get(field.name, field.name)
            for field in view.entity_columns
            if field.name != DUMMY_ENTITY_ID
        },
        types={feature: polars_type(declared[feature]) for feature in asked},
        ttl=view.ttl,
        prefix=f"{projection.name_alias or view.name}__" if full_feature_names else "",
    )


def source_of(source: DataSource) -> Source:
    """Return where a file source lies. Raises UnusableSourceError for other kinds or formats."""
    if not isinstance(source, FileSource):
        raise UnusableSourceError(
            f"{source.name}: the Polars offline store reads FileSource, not {type(source).__name__}."
        )
    if not isinstance(source.file_format, (ParquetFormat, DeltaFormat, type(None))):
        raise UnusableSourceError(
            f"{source.name}: the Polars offline store reads Parquet and Delta, not "
            f"{type(source.file_format).__name__}."
        )
    return Source.of(
        source.name,
        source.path,
        happened=source.timestamp_field,
        recorded=source.created_timestamp_column,
        renamed=source.field_mapping,
        tags=source.tags,
        delta=isinstance(source.file_format, DeltaFormat),
        endpoint=source.s3_endpoint_override,
    )


def polars_type(dtype: FeastType) -> pl.DataType:
    """Return the type of a feature's values. Feast names no Arrow type for bytes."""
    if dtype in (Bytes, ImageBytes, PdfBytes):
        return pl.Binary()
    if isinstance(dtype, (Array, Set)):
        return pl.List(polars_type(dtype.base_type))
    arrow = from_feast_to_pyarrow_type(dtype)
    return pl.DataFrame(pa.table({"_": pa.array([], type=arrow)})).schema["_"]
