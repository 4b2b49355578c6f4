"""Implements Feast's OfflineStore with Polars, over Feast's own FileSource."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from feast.data_source import DataSource
from feast.errors import RequestDataNotFoundInEntityDfException
from feast.feature_logging import LoggingConfig, LoggingSource
from feast.feature_view import FeatureView
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.infra.offline_stores.offline_store import OfflineStore, RetrievalMetadata
from feast.infra.registry.base_registry import BaseRegistry
from feast.on_demand_feature_view import OnDemandFeatureView
from feast.repo_config import FeastConfigBaseModel, RepoConfig
from feast.utils import compute_non_entity_date_range

from . import writing
from .arrow import feast_arrow
from .declared import source_of, view_of
from .entity_frame import EntityFrame
from .files import stored_schema
from .job import PolarsRetrievalJob
from .joining import PointInTimeJoin, entities_seen
from .moments import Window, as_utc
from .places import UnusableSourceError
from .pulling import Pull
from .settings import StoreSettings
from .view import View


class PolarsOfflineStoreConfig(StoreSettings, FeastConfigBaseModel):
    """What may be set under `offline_store` in feature_store.yaml."""


class PolarsOfflineStore(OfflineStore):
    """Point-in-time joins by sort and as-of join; every entity row comes back, in order.

    See docs/offline-store.md.
    """

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: Any,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> PolarsRetrievalJob:
        """Features as they were at each entity row's time.

        Nothing but the entity frame's columns is read before the job is asked.
        entity_df: a Polars (eager or lazy), Arrow or pandas frame. None: the entities that occur in
        [start_date, end_date], as of end_date, with no older features than start_date.
        """
        as_known_at = _settings(config).as_known_at or filter_by_created_timestamp
        views = tuple(
            view_of(view, feature_refs, full_feature_names=full_feature_names) for view in feature_views
        )
        if entity_df is None:
            window = Window(
                *compute_non_entity_date_range(feature_views, start_date=start_date, end_date=end_date)
            )
            views, entities = entities_seen(views, window, _root(config), as_known_at=as_known_at)
        else:
            entities = EntityFrame.of(
                entity_df, _settings(config).known_at, corrections_only=_settings(config).corrections_only
            )
        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        _require_request_data(on_demand, entities)
        for view in views:
            view.check(entities)
        join = PointInTimeJoin(
            views, entities, _root(config), as_known_at, _settings(config).cache_mb * 1_000_000
        )
        job = PolarsRetrievalJob(
            join, _root(config), on_demand, full_feature_names, _described(feature_refs, entities)
        )
        _require_names_that_differ(entities, views, job.types_on_demand)
        return job

    @staticmethod
    def pull_latest_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None,
        start_date: datetime,
        end_date: datetime,
    ) -> PolarsRetrievalJob:
        """The newest row of each join key in [start_date, end_date], as known today: for materialising."""
        columns = (
            source_of(data_source),
            join_key_columns,
            feature_name_columns,
            timestamp_field,
            created_timestamp_column,
        )
        return PolarsRetrievalJob(
            Pull(*columns, as_utc(start_date), as_utc(end_date), _root(config), newest_only=True),
            _root(config),
        )

    @staticmethod
    def pull_all_from_table_or_query(
        config: RepoConfig,
        data_source: DataSource,
        join_key_columns: list[str],
        feature_name_columns: list[str],
        timestamp_field: str,
        created_timestamp_column: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
    ) -> PolarsRetrievalJob:
        """Every row of [start_date, end_date], in file order."""
        columns = (
            source_of(data_source),
            join_key_columns,
            feature_name_columns,
            timestamp_field,
            created_timestamp_column,
        )
        start, end = (as_utc(moment) if moment else None for moment in (start_date, end_date))
        return PolarsRetrievalJob(Pull(*columns, start, end, _root(config), newest_only=False), _root(config))

    @staticmethod
    def offline_write_batch(
        config: RepoConfig, feature_view: FeatureView, table: pa.Table, progress: Callable[[int], Any] | None
    ) -> None:
        if feature_view.batch_source is None:
            raise ValueError(f"Feature view {feature_view.name!r} has no batch source to write to.")
        writing.append(table, source_of(feature_view.batch_source), _root(config))
        if progress:
            progress(table.num_rows)

    @staticmethod
    def write_logged_features(
        config: RepoConfig,
        data: pa.Table | Path,
        source: LoggingSource,  # noqa: ARG004  # Feast's signature
        logging_config: LoggingConfig,
        registry: BaseRegistry,  # noqa: ARG004  # Feast's signature
    ) -> None:
        destination = logging_config.destination
        if not isinstance(destination, FileLoggingDestination):
            raise TypeError(
                "The Polars offline store logs to a FileLoggingDestination, not to a "
                f"{type(destination).__name__}."
            )
        writing.log(data, destination, _root(config))

    def validate_data_source(self, config: RepoConfig, data_source: DataSource) -> None:
        """Raises UnusableSourceError for an unreadable source, or a newest file without its timestamp.

        A source without files is fine.
        """
        columns = dict(self.get_table_column_names_and_types_from_data_source(config, data_source))
        timestamp = source_of(data_source).happened
        if columns and timestamp not in columns:
            raise UnusableSourceError(
                f"{data_source.name} has no column {timestamp!r}, its timestamp_field. It has {[*columns]}."
            )

    def get_table_column_names_and_types_from_data_source(
        self, config: RepoConfig, data_source: DataSource
    ) -> Iterable[tuple[str, str]]:
        """Columns of the newest file with their Arrow types, without Hive keys.

        There are none where there is no file yet.
        """
        empty = pl.DataFrame(schema=stored_schema(source_of(data_source), _root(config)))
        return [(field.name, str(field.type)) for field in feast_arrow(empty).schema]


def _settings(config: RepoConfig) -> PolarsOfflineStoreConfig:
    assert isinstance(config.offline_store, PolarsOfflineStoreConfig)
    return config.offline_store


def _root(config: RepoConfig) -> Path:
    return Path(config.repo_path or ".") / (_settings(config).root or "")


def _require_request_data(on_demand: Sequence[OnDemandFeatureView], entities: EntityFrame) -> None:
    """Feast checks this for pandas frames alone. Raises RequestDataNotFoundInEntityDfException."""
    for view in on_demand:
        for name in view.get_request_data_schema():
            if name not in entities.frame.columns:
                raise RequestDataNotFoundInEntityDfException(feature_name=name, feature_view_name=view.name)


def _require_names_that_differ(
    entities: EntityFrame, views: Sequence[View], on_demand: Iterable[str]
) -> None:
    """Raises ValueError for two columns of the result that would have one name.

    Feast compares the names of the features alone.
    """
    columns = [(name, "the entity frame") for name in entities.frame.columns]
    columns += [(name, f"feature view {view.name!r}") for view in views for name in view.features]
    columns += [(name, "an on-demand view") for name in on_demand]
    owners: dict[str, str] = {}
    for name, owner in columns:
        if (first := owners.setdefault(name, owner)) is not owner:
            raise ValueError(
                f"{owner} would give a column {name!r}, which {first} has already. Rename one, or change "
                "full_feature_names."
            )


def _described(feature_refs: list[str], entities: EntityFrame) -> RetrievalMetadata:
    first, last = entities.bounds or (None, None)
    return RetrievalMetadata(
        feature_refs, [name for name in entities.frame.columns if name != entities.time], first, last
    )
