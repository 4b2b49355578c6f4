"""The whole of Feast's offline-store contract, through FeatureStore: retrieval, on-demand views, materialising, pushing, logging, saving."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RequestSource
from feast.errors import RequestDataNotFoundInEntityDfException, SavedDatasetLocationAlreadyExists
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

from nightjar.adapters.feast_polars import PolarsRetrievalJob

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = pl.DataFrame(
    {"k": ["a", "a", "b"], "ts": [NOON - HOUR, NOON, NOON], "created": [NOON, NOON, NOON + HOUR], "v": [1, 2, 3], "w": [0.5, None, 1.5]},
    schema_overrides=dict.fromkeys(("ts", "created"), pl.Datetime("us", "UTC")),
)
ASKED = pl.DataFrame({"label": [1, 0, 1], "k": ["b", "a", "c"], "event_timestamp": [NOON, NOON, NOON + HOUR]})

pytestmark = pytest.mark.filterwarnings("ignore:.*experimental feature:RuntimeWarning", "ignore:.*is an experimental:RuntimeWarning")


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> FeatureStore:
    repo = tmp_path_factory.mktemp("applied")
    config = RepoConfig(
        project="applied",
        provider="local",
        registry=str(repo / "registry.db"),
        offline_store={"type": "nightjar.adapters.feast_polars.PolarsOfflineStore"},
        online_store={"type": "sqlite", "path": str(repo / "online.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = repo
    store = FeatureStore(repo_path=str(repo), config=config)
    ROWS.write_parquet(repo / "rows.parquet")
    (repo / "days" / "date=2024-01-10").mkdir(parents=True)
    ROWS.write_parquet(repo / "days" / "date=2024-01-10" / "part.parquet")
    store.apply(list(_definitions()))
    return store


def _definitions() -> Any:
    entity = Entity(name="thing", join_keys=["k"], value_type=ValueType.STRING)
    schema = [Field(name="k", dtype=String), Field(name="v", dtype=Int64), Field(name="w", dtype=Float64)]

    def view(name: str, path: str, **more: Any) -> FeatureView:
        source = FileSource(name=f"{name}_source", path=path, timestamp_field="ts", created_timestamp_column="created", **more)
        return FeatureView(name=name, entities=[entity], schema=schema, source=source, ttl=timedelta(days=2), online=True)

    things, days = view("things", "rows.parquet"), view("days", "days", tags={"partition": "date"})
    request = RequestSource(name="request", schema=[Field(name="label", dtype=Int64)])

    @on_demand_feature_view(sources=[things, request], schema=[Field(name="with_pandas", dtype=Int64)], mode="pandas")
    def pandas_view(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"with_pandas": (inputs["v"].fillna(0) + inputs["label"]).astype("int64")})

    @on_demand_feature_view(sources=[things, request], schema=[Field(name="with_python", dtype=Int64)], mode="python")
    def python_view(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"with_python": [(v or 0) + label for v, label in zip(inputs["v"], inputs["label"], strict=True)]}

    yield from (entity, things, days, pandas_view, python_view, FeatureService(name="service", features=[things, pandas_view, python_view]))


@pytest.mark.parametrize("kind", [lambda frame: frame, pl.DataFrame.lazy, pl.DataFrame.to_arrow, pl.DataFrame.to_pandas])
def test_feature_store_takes_polars_lazy_arrow_and_pandas_entities(applied, kind):
    job = applied.get_historical_features(kind(ASKED), features=["things:v", "things:w"])
    assert isinstance(job, PolarsRetrievalJob)
    assert job.to_polars().equals(ASKED.with_columns(v=pl.Series([None, 2, None]), w=pl.Series([None, None, None], dtype=pl.Float64)))


def test_on_demand_views_in_both_modes_see_features_and_request_data(applied):
    job = applied.get_historical_features(ASKED, features=applied.get_feature_service("service"))
    result = job.to_polars()
    assert result["with_pandas"].to_list() == result["with_python"].to_list() == [1, 2, 1]
    assert pl.concat(job.iter_batches(2)).select("with_pandas", "v").equals(result.select("with_pandas", "v"))
    assert job.to_df()["with_python"].tolist() == [1, 2, 1]
    assert job.to_lazy().collect().equals(result)
    assert job.to_lazy().select("with_pandas").collect().equals(result.select("with_pandas"))


def test_a_query_on_the_result_holds_on_demand_features_to_their_declared_types(applied):
    asked = ASKED.with_columns(label=pl.Series([0.5, 1.0, 2.0]))
    job = applied.get_historical_features(asked, features=["python_view:with_python"])
    assert job.to_polars()["with_python"].to_list() == [0.5, 3.0, 2.0]
    with pytest.raises(TypeError, match="'with_python' is declared as Int64"):
        job.to_lazy().collect()


def test_missing_request_data_is_said_for_polars_entities_too(applied):
    for frame in (ASKED.drop("label"), ASKED.drop("label").to_pandas()):
        with pytest.raises(RequestDataNotFoundInEntityDfException, match="label"):
            applied.get_historical_features(frame, features=["pandas_view:with_pandas"])


def test_arrow_results_have_the_types_that_feast_reads_back(applied):
    schema = applied.get_historical_features(ASKED, features=["things:v"]).to_arrow().schema
    assert (schema.field("k").type, schema.field("event_timestamp").type) == (pa.string(), pa.timestamp("us", "UTC"))


def test_materialising_serves_the_newest_row_of_each_key_online(applied):
    applied.materialize(NOON - 5 * HOUR, NOON, feature_views=["things", "days"])
    for name in ("things", "days"):
        served = applied.get_online_features([f"{name}:v", f"{name}:w"], [{"k": "a"}, {"k": "b"}, {"k": "c"}]).to_dict()
        assert served["v"] == [2, 3, None]


def test_materialising_incrementally_adds_what_has_come_since(applied):
    applied.materialize_incremental(NOON + HOUR, feature_views=["days"])
    later = ROWS.head(1).with_columns(ts=NOON + 26 * HOUR, created=NOON + 26 * HOUR, v=9).cast(ROWS.schema)
    applied.write_to_offline_store("days", later.select("w", "v", "created", "ts", "k").to_pandas(), reorder_columns=False)
    applied.materialize_incremental(NOON + 30 * HOUR, feature_views=["days"])
    assert applied.get_online_features(["days:v"], [{"k": "a"}]).to_dict()["v"] == [9]
    written = list((applied.repo_path / "days" / "date=2024-01-11").iterdir())
    assert [file.suffix for file in written] == [".parquet"]


def test_pushed_rows_are_appended_to_a_single_file_and_seen(applied):
    more = ROWS.tail(1).with_columns(k=pl.lit("z"), created=NOON, v=5).cast(ROWS.schema)
    applied.write_to_offline_store("things", more.to_pandas())
    assert applied.get_historical_features(ASKED.with_columns(k=pl.lit("z")), features=["things:v"]).to_polars()["v"].to_list() == [5, 5, 5]
    with pytest.raises(ValueError, match=r"rows to write lack columns \['w'\]"):
        applied._get_provider().ingest_df_to_offline_store(applied.get_feature_view("things"), more.drop("w").to_arrow())


def test_a_saved_dataset_can_be_read_back_and_is_not_overwritten_by_accident(applied, tmp_path):
    for path in (tmp_path / "saved.parquet", tmp_path / "folder"):
        job = applied.get_historical_features(ASKED, features=["things:v"])
        storage = SavedDatasetFileStorage(path=str(path))
        saved = applied.create_saved_dataset(job, name=path.stem, storage=storage)
        assert saved.to_df().sort_values("event_timestamp")["k"].tolist() == ["b", "a", "c"]
        assert applied.get_saved_dataset(path.stem).to_df().shape == (3, 3)
        with pytest.raises(SavedDatasetLocationAlreadyExists):
            applied.create_saved_dataset(job, name=path.stem, storage=storage)
        applied.create_saved_dataset(job, name=path.stem, storage=storage, allow_overwrite=True)
        assert len(pl.read_parquet(path)) == 3


def test_logged_features_are_appended_and_found_again(applied, tmp_path):
    service = applied.get_feature_service("service")
    for destination in (FileLoggingDestination(path="logs"), FileLoggingDestination(path="logs_by_k", partition_by=["k"])):
        service.logging_config = LoggingConfig(destination=destination)
        schema = FeatureServiceLoggingSource(service, "applied").get_schema(applied.registry)
        values = {"k": "a", "__log_timestamp": NOON, "__log_date": NOON.date(), "__request_id": "r"}
        logs = pa.Table.from_pylist([{name: values.get(name) for name in schema.names}] * 2, schema=schema)
        logs_file = tmp_path / "logs.parquet"
        pl.DataFrame(logs).write_parquet(logs_file)
        applied.write_logged_features(logs, service)
        applied.write_logged_features(logs_file, service)
        found = applied._get_provider().retrieve_feature_service_logs(service, NOON - HOUR, NOON + HOUR, applied.config, applied.registry)
        assert found.to_df()["k"].tolist() == ["a"] * 4


def test_pulling_all_gives_every_row_of_the_window_and_pulling_latest_one_a_key(applied):
    from nightjar.adapters.feast_polars import PolarsOfflineStore

    rows = ROWS.vstack(ROWS.tail(1).with_columns(v=4).cast(ROWS.schema)).vstack(ROWS.tail(1).with_columns(k=pl.lit(None, dtype=pl.String)))
    rows.write_parquet(applied.repo_path / "pull.parquet")
    source = FileSource(name="pull", path="pull.parquet", timestamp_field="ts")
    arguments = (applied.config, source, ["k"], ["v"], "ts", "created")
    everything = PolarsOfflineStore.pull_all_from_table_or_query(*arguments, NOON, NOON)
    assert everything.to_polars().columns == ["k", "v", "ts", "created"]
    assert everything.to_polars()["v"].to_list() == [2, 3, 4, 3]
    assert pl.concat(everything.iter_batches(3)).equals(everything.to_polars())
    assert PolarsOfflineStore.pull_all_from_table_or_query(*arguments).to_polars().height == 5
    assert PolarsOfflineStore.pull_latest_from_table_or_query(*arguments, NOON - HOUR, NOON).to_polars()["v"].to_list() == [2, 4]
    placeholder = PolarsOfflineStore.pull_latest_from_table_or_query(applied.config, source, [], ["v"], "ts", None, NOON - HOUR, NOON).to_polars()
    assert placeholder.select("v", "__dummy_id").rows() == [(3, "")]
