"""The whole of Feast's offline-store contract, through FeatureStore: retrieval, on-demand views,
materialising, pushing, logging, saving.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource, RequestSource
from feast.data_source import PushMode, PushSource
from feast.errors import RequestDataNotFoundInEntityDfException, SavedDatasetLocationAlreadyExists
from feast.feature_logging import FeatureServiceLoggingSource, LoggingConfig
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage
from feast.on_demand_feature_view import on_demand_feature_view
from feast.repo_config import RepoConfig
from feast.types import Float64, Int64, String
from feast.value_type import ValueType

from nightjar.adapters.feast_polars import PolarsOfflineStore, PolarsRetrievalJob

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
ROWS = pl.DataFrame(
    {
        "k": ["a", "a", "b"],
        "ts": [NOON - HOUR, NOON, NOON],
        "created": [NOON, NOON, NOON + HOUR],
        "v": [1, 2, 3],
        "w": [0.5, None, 1.5],
    },
    schema_overrides=dict.fromkeys(("ts", "created"), pl.Datetime("us", "UTC")),
)
RENAMED = {"k": "id", "ts": "at", "created": "made", "v": "raw"}
ASKED = pl.DataFrame({"label": [1, 0, 1], "k": ["b", "a", "c"], "event_timestamp": [NOON, NOON, NOON + HOUR]})

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*experimental feature:RuntimeWarning", "ignore:.*is an experimental:RuntimeWarning"
)


@pytest.fixture(scope="module")
def applied(tmp_path_factory) -> FeatureStore:
    repo = tmp_path_factory.mktemp("applied")
    store = _store(repo)
    ROWS.write_parquet(repo / "rows.parquet")
    ROWS.write_parquet(repo / "pushed.parquet")
    for folder, rows in (("days", ROWS), ("renamed", ROWS.rename(RENAMED))):
        (repo / folder / "date=2024-01-10").mkdir(parents=True)
        rows.write_parquet(repo / folder / "date=2024-01-10" / "part.parquet")
    store.apply(list(_definitions()))
    return store


def _store(repo: Path, **settings: Any) -> FeatureStore:
    config = RepoConfig(
        project="applied",
        provider="local",
        registry=str(repo / "registry.db"),
        offline_store={"type": "nightjar.adapters.feast_polars.PolarsOfflineStore"} | settings,
        online_store={"type": "sqlite", "path": str(repo / "online.db")},
        entity_key_serialization_version=3,
    )
    config.repo_path = repo
    return FeatureStore(repo_path=str(repo), config=config)


def _definitions() -> Any:
    entity = Entity(name="thing", join_keys=["k"], value_type=ValueType.STRING)
    schema = [Field(name="k", dtype=String), Field(name="v", dtype=Int64), Field(name="w", dtype=Float64)]

    def view(name: str, path: str, **more: Any) -> FeatureView:
        source = FileSource(
            name=f"{name}_source", path=path, timestamp_field="ts", created_timestamp_column="created", **more
        )
        return FeatureView(
            name=name, entities=[entity], schema=schema, source=source, ttl=timedelta(days=2), online=True
        )

    things, days = view("things", "rows.parquet"), view("days", "days", tags={"partition": "date"})
    stored = {column: name for name, column in RENAMED.items()}
    renamed = view("renamed", "renamed", tags={"partition": "date"}, field_mapping=stored)
    push = PushSource(
        name="push",
        batch_source=FileSource(name="pushed_source", path="pushed.parquet", timestamp_field="ts"),
    )
    pushed = FeatureView(
        name="pushed", entities=[entity], schema=schema, source=push, ttl=timedelta(days=2), online=True
    )
    request = RequestSource(name="request", schema=[Field(name="label", dtype=Int64)])

    @on_demand_feature_view(
        sources=[things, request], schema=[Field(name="with_pandas", dtype=Int64)], mode="pandas"
    )
    def pandas_view(inputs: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame({"with_pandas": (inputs["v"].fillna(0) + inputs["label"]).astype("int64")})

    @on_demand_feature_view(
        sources=[things, request], schema=[Field(name="with_python", dtype=Int64)], mode="python"
    )
    def python_view(inputs: dict[str, Any]) -> dict[str, Any]:
        return {
            "with_python": [(v or 0) + label for v, label in zip(inputs["v"], inputs["label"], strict=True)]
        }

    @on_demand_feature_view(sources=[things], schema=[Field(name="doubled", dtype=Int64)], mode="python")
    def unknown(inputs: dict[str, Any]) -> dict[str, Any]:
        return {"doubled": [None if v is None else 2 * v for v in inputs["v"]]}

    @on_demand_feature_view(
        sources=[things],
        schema=[Field(name="more", dtype=Int64), Field(name="less", dtype=Int64)],
        mode="pandas",
    )
    def two(inputs: pd.DataFrame) -> pd.DataFrame:
        v = inputs["v"].fillna(0).astype("int64")
        return pd.DataFrame({"more": v + 1, "less": v - 1})

    yield from (entity, things, days, renamed, pushed, pandas_view, python_view, unknown, two)
    yield from (
        FeatureService(name="half", features=[two[["less"]]]),
        FeatureService(name="service", features=[things, pandas_view, python_view]),
    )


@pytest.mark.parametrize(
    "kind", [lambda frame: frame, pl.DataFrame.lazy, pl.DataFrame.to_arrow, pl.DataFrame.to_pandas]
)
def test_feature_store_takes_polars_lazy_arrow_and_pandas_entities(applied, kind):
    job = applied.get_historical_features(kind(ASKED), features=["things:v", "things:w"])
    assert isinstance(job, PolarsRetrievalJob)
    assert job.to_polars().equals(
        ASKED.with_columns(v=pl.Series([None, 2, None]), w=pl.Series([None, None, None], dtype=pl.Float64))
    )


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


def test_batches_of_on_demand_features_have_one_type_whether_their_values_are_null_or_not(applied, tmp_path):
    asked = pl.DataFrame({"k": ["nobody", "a", "nobody"], "event_timestamp": [NOON] * 3})
    job = applied.get_historical_features(asked, features=["unknown:doubled"])
    assert pl.concat(job.iter_batches(1))["doubled"].to_list() == [None, 4, None]
    job.sink_parquet(tmp_path / "result.parquet", 1)
    assert pl.read_parquet(tmp_path / "result.parquet")["doubled"].to_list() == [None, 4, None]


def test_missing_request_data_is_said_for_polars_entities_too(applied):
    for frame in (ASKED.drop("label"), ASKED.drop("label").to_pandas()):
        with pytest.raises(RequestDataNotFoundInEntityDfException, match="label"):
            applied.get_historical_features(frame, features=["pandas_view:with_pandas"])


@pytest.mark.parametrize("full", [False, True])
def test_of_an_on_demand_view_nothing_comes_that_was_not_asked_for(applied, full):
    prefix = "two__" if full else ""
    for features in (["things:w", "two:less"], ["two:less"], applied.get_feature_service("half")):
        job = applied.get_historical_features(
            ASKED.with_columns(more=pl.lit("mine")), features=features, full_feature_names=full
        )
        result = job.to_polars()
        assert job.full_feature_names is full
        assert result["more"].to_list() == ["mine"] * 3
        assert result[f"{prefix}less"].to_list() == [-1, 1, -1]
        assert "two__more" not in result.columns
        assert job.to_lazy().collect().equals(result)
        assert job.to_lazy().select(f"{prefix}less").collect().equals(result.select(f"{prefix}less"))


def test_an_on_demand_feature_that_has_another_columns_name_is_refused(applied):
    for features, taken in ((["two:less"], "less"), (["pandas_view:with_pandas"], "with_pandas")):
        with pytest.raises(
            ValueError,
            match=f"an on-demand view would give a column '{taken}', which the entity frame has already",
        ):
            applied.get_historical_features(ASKED.with_columns(pl.lit(1).alias(taken)), features=features)


def test_a_job_says_what_it_was_asked(applied):
    said = applied.get_historical_features(ASKED, features=["things:v"]).metadata
    assert (said.features, said.keys) == (["things:v"], ["label", "k"])
    assert (said.min_event_timestamp, said.max_event_timestamp) == (NOON, NOON + HOUR)
    empty = applied.get_historical_features(ASKED.clear(), features=["things:v"]).metadata
    assert (empty.min_event_timestamp, empty.max_event_timestamp) == (None, None)


def test_what_feast_makes_of_any_job_it_makes_of_ours(applied):
    job = applied.get_historical_features(ASKED, features=["things:v", "two:less"])
    assert job.to_feast_df(timeout=60).data.equals(job.to_arrow(timeout=60))
    assert job.to_feast_df().metadata["on_demand_feature_views"] == ["two"]
    assert job.to_df(timeout=60).columns.tolist() == job.to_polars().columns
    assert not job.supports_remote_storage_export()
    for absent in (job.to_sql, job.to_remote_storage):
        with pytest.raises(NotImplementedError):
            absent()


def test_a_call_may_ask_feast_for_what_was_recorded_in_time(applied):
    lenient = _store(applied.repo_path, as_known_at=False)
    asked = (ASKED.head(1), ["things:v"])
    assert lenient.get_historical_features(*asked).to_polars()["v"].to_list() == [3]
    assert lenient.get_historical_features(*asked, filter_by_created_timestamp=True).to_polars()[
        "v"
    ].to_list() == [None]


def test_without_entity_rows_an_end_alone_reaches_back_by_the_ttl(applied):
    result = applied.get_historical_features(None, features=["days:v"], end_date=NOON + 47 * HOUR).to_polars()
    assert result.select("k", "event_timestamp").rows() == [(key, NOON + 47 * HOUR) for key in ("a", "b")]
    assert (
        applied.get_historical_features(None, features=["days:v"], end_date=NOON + 99 * HOUR)
        .to_polars()
        .is_empty()
    )


def test_arrow_results_have_the_types_that_feast_reads_back(applied):
    schema = applied.get_historical_features(ASKED, features=["things:v"]).to_arrow().schema
    assert (schema.field("k").type, schema.field("event_timestamp").type) == (
        pa.string(),
        pa.timestamp("us", "UTC"),
    )


def test_materialising_serves_the_newest_row_of_each_key_online(applied):
    applied.materialize(NOON - 5 * HOUR, NOON, feature_views=["things", "days"])
    for name in ("things", "days"):
        served = applied.get_online_features(
            [f"{name}:v", f"{name}:w"], [{"k": "a"}, {"k": "b"}, {"k": "c"}]
        ).to_dict()
        assert served["v"] == [2, 3, None]


def test_materialising_incrementally_adds_what_has_come_since(applied):
    applied.materialize_incremental(NOON + HOUR, feature_views=["days"])
    later = ROWS.head(1).with_columns(ts=NOON + 26 * HOUR, created=NOON + 26 * HOUR, v=9).cast(ROWS.schema)
    applied.write_to_offline_store(
        "days", later.select("w", "v", "created", "ts", "k").to_pandas(), reorder_columns=False
    )
    applied.materialize_incremental(NOON + 30 * HOUR, feature_views=["days"])
    assert applied.get_online_features(["days:v"], [{"k": "a"}]).to_dict()["v"] == [9]
    written = list((applied.repo_path / "days" / "date=2024-01-11").iterdir())
    assert [file.suffix for file in written] == [".parquet"]


def test_pushed_rows_are_appended_to_a_single_file_and_seen(applied):
    more = ROWS.tail(1).with_columns(k=pl.lit("z"), created=NOON, v=5).cast(ROWS.schema)
    applied.write_to_offline_store("things", more.to_pandas())
    assert applied.get_historical_features(
        ASKED.with_columns(k=pl.lit("z")), features=["things:v"]
    ).to_polars()["v"].to_list() == [5, 5, 5]
    with pytest.raises(ValueError, match=r"rows to write lack columns \['w'\]"):
        applied._get_provider().ingest_df_to_offline_store(
            applied.get_feature_view("things"), more.drop("w").to_arrow()
        )


def test_a_push_reaches_both_stores_and_progress_is_told(applied):
    row = ROWS.head(1).with_columns(k=pl.lit("p"), v=pl.lit(9, dtype=pl.Int64))
    applied.push("push", row.to_pandas(), to=PushMode.ONLINE_AND_OFFLINE)
    assert applied.get_online_features(["pushed:v"], [{"k": "p"}]).to_dict()["v"] == [9]
    assert applied.get_historical_features(
        ASKED.with_columns(k=pl.lit("p")), features=["pushed:v"]
    ).to_polars()["v"].to_list() == [9, 9, 9]
    written: list[int] = []
    PolarsOfflineStore.offline_write_batch(
        applied.config, applied.get_feature_view("pushed"), ROWS.to_arrow(), written.append
    )
    assert written == [3]
    with pytest.raises(ValueError, match="'nowhere' has no batch source to write to"):
        PolarsOfflineStore.offline_write_batch(
            applied.config, SimpleNamespace(name="nowhere", batch_source=None), ROWS.to_arrow(), None
        )


def test_a_source_without_files_takes_pushes_once_an_empty_file_names_its_columns(applied):
    schema = [Field(name="k", dtype=String), Field(name="v", dtype=Int64)]
    source = FileSource(name="first_source", path="first", timestamp_field="ts")
    applied.apply(
        [
            FeatureView(
                name="first",
                entities=[applied.get_entity("thing")],
                schema=schema,
                source=source,
                online=False,
            )
        ]
    )
    row = ROWS.select("k", "ts", "v").head(1)
    with pytest.raises(ValueError, match="do not match the batch source columns"):
        applied.write_to_offline_store("first", row.to_pandas())
    (applied.repo_path / "first").mkdir()
    row.clear().write_parquet(applied.repo_path / "first" / "0.parquet")
    applied.write_to_offline_store("first", row.to_pandas())
    assert applied.get_historical_features(ASKED, features=["first:v"]).to_polars()["v"].to_list() == [
        None,
        1,
        None,
    ]


def test_renamed_columns_are_validated_materialised_and_pushed_by_date(applied):
    features = applied.get_feature_view("renamed")
    PolarsOfflineStore().validate_data_source(applied.config, features.batch_source)
    applied.materialize(NOON - 5 * HOUR, NOON, feature_views=["renamed"])
    assert applied.get_online_features(["renamed:v"], [{"k": "a"}, {"k": "b"}]).to_dict()["v"] == [2, 3]
    later = (
        ROWS.head(1)
        .with_columns(pl.col("ts", "created") + 26 * HOUR)
        .with_columns(v=pl.lit(9, dtype=pl.Int64))
    )
    applied.write_to_offline_store("renamed", later.rename(RENAMED).to_pandas())
    PolarsOfflineStore.offline_write_batch(
        applied.config, features, later.with_columns(k=pl.lit("z")).to_arrow(), None
    )
    assert len(list((applied.repo_path / "renamed" / "date=2024-01-11").iterdir())) == 2
    asked = pl.DataFrame({"k": ["a", "z"], "event_timestamp": [NOON + 30 * HOUR] * 2})
    assert applied.get_historical_features(asked, features=["renamed:v"]).to_polars()["v"].to_list() == [9, 9]


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


def test_places_that_are_no_files_are_refused_by_name(applied):
    elsewhere = SimpleNamespace()
    logging = SimpleNamespace(destination=elsewhere)
    with pytest.raises(TypeError, match="FileLoggingDestination, not to a SimpleNamespace"):
        PolarsOfflineStore.write_logged_features(
            applied.config, pa.table({}), elsewhere, logging, applied.registry
        )
    with pytest.raises(TypeError, match="SavedDatasetFileStorage, not in a SimpleNamespace"):
        applied.get_historical_features(ASKED, features=["things:v"]).persist(elsewhere)


def test_logged_features_are_appended_and_found_again(applied, tmp_path):
    service = applied.get_feature_service("service")
    for destination in (
        FileLoggingDestination(path="logs"),
        FileLoggingDestination(path="logs_by_k", partition_by=["k"]),
    ):
        service.logging_config = LoggingConfig(destination=destination)
        schema = FeatureServiceLoggingSource(service, "applied").get_schema(applied.registry)
        values = {"k": "a", "__log_timestamp": NOON, "__log_date": NOON.date(), "__request_id": "r"}
        logs = pa.Table.from_pylist([{name: values.get(name) for name in schema.names}] * 2, schema=schema)
        logs_file = tmp_path / "logs.parquet"
        pl.DataFrame(logs).write_parquet(logs_file)
        applied.write_logged_features(logs, service)
        applied.write_logged_features(logs_file, service)
        found = applied._get_provider().retrieve_feature_service_logs(
            service, NOON - HOUR, NOON + HOUR, applied.config, applied.registry
        )
        assert found.to_df()["k"].tolist() == ["a"] * 4


def test_a_folder_of_logs_is_taken_over_whole(applied, tmp_path):
    service = applied.get_feature_service("half")
    service.logging_config = LoggingConfig(destination=FileLoggingDestination(path="logs_of_half"))
    schema = FeatureServiceLoggingSource(service, "applied").get_schema(applied.registry)
    values = {"k": "a", "__log_timestamp": NOON, "__log_date": NOON.date(), "__request_id": "r"}
    logs = pa.Table.from_pylist([{name: values.get(name) for name in schema.names}], schema=schema)
    for number in range(3):
        pq.write_table(logs, tmp_path / f"{number}.parquet")
    applied.write_logged_features(tmp_path, service)
    found = applied._get_provider().retrieve_feature_service_logs(
        service, NOON, NOON, applied.config, applied.registry
    )
    assert found.to_arrow().num_rows == 3


def test_pulling_all_gives_every_row_of_the_window_and_pulling_latest_one_a_key(applied):
    rows = ROWS.vstack(ROWS.tail(1).with_columns(v=4).cast(ROWS.schema)).vstack(
        ROWS.tail(1).with_columns(k=pl.lit(None, dtype=pl.String))
    )
    rows.write_parquet(applied.repo_path / "pull.parquet")
    source = FileSource(name="pull", path="pull.parquet", timestamp_field="ts")
    arguments = (applied.config, source, ["k"], ["v"], "ts", "created")
    everything = PolarsOfflineStore.pull_all_from_table_or_query(*arguments, NOON, NOON)
    assert everything.to_polars().columns == ["k", "v", "ts", "created"]
    assert everything.to_polars()["v"].to_list() == [2, 3, 4, 3]
    assert pl.concat(everything.iter_batches(3)).equals(everything.to_polars())
    assert PolarsOfflineStore.pull_all_from_table_or_query(*arguments).to_polars().height == 5
    before_noon = PolarsOfflineStore.pull_all_from_table_or_query(
        *arguments, end_date=NOON.replace(tzinfo=None) - HOUR
    )
    assert before_noon.to_polars()["v"].to_list() == [1]
    assert (
        PolarsOfflineStore.pull_all_from_table_or_query(*arguments, start_date=NOON.replace(tzinfo=None))
        .to_polars()
        .height
        == 4
    )
    assert (everything.metadata, everything.full_feature_names, everything.on_demand_feature_views) == (
        None,
        False,
        [],
    )
    assert PolarsOfflineStore.pull_latest_from_table_or_query(*arguments, NOON - HOUR, NOON).to_polars()[
        "v"
    ].to_list() == [2, 4]
    placeholder = PolarsOfflineStore.pull_latest_from_table_or_query(
        applied.config, source, [], ["v"], "ts", None, NOON - HOUR, NOON
    ).to_polars()
    assert placeholder.select("v", "__dummy_id").rows() == [(3, "")]
