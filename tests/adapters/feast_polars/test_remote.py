"""Delta tables, and sources on a real S3 server: read, pruned, pushed to, saved and logged as local files
are.
"""

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from feast.data_format import DeltaFormat
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.file_source import FileLoggingDestination, SavedDatasetFileStorage

from nightjar.adapters.feast_polars import PolarsOfflineStore, delta, writing
from nightjar.adapters.feast_polars.places import Place

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
UTC_US = pl.Datetime("us", "UTC")
ROWS = pl.DataFrame(
    {"k": [1, 1, 2], "ts": [NOON - DAY, NOON, NOON], "created": [NOON - DAY, NOON, NOON], "v": [1, 2, 3]},
    schema_overrides={"ts": UTC_US, "created": UTC_US},
)
ASKED = pl.DataFrame({"k": [1, 2, 1, 3], "event_timestamp": [NOON, NOON, NOON - DAY / 2, NOON]})


@pytest.fixture(params=["parquet on s3", "delta here", "delta on s3"])
def kept(request, s3, in_repo) -> dict[str, Any]:
    """Arguments of a FileSource: another folder and format each."""
    name = request.node.name.replace("[", "-").replace("]", "").replace(" ", "-")
    path = f"s3://features/{name}" if "s3" in request.param else name
    endpoint = {"s3_endpoint_override": s3} if "s3" in request.param else {}
    return {"path": path, **endpoint} | ({"file_format": DeltaFormat()} if "delta" in request.param else {})


def values(job):
    return job.to_polars()["v"].to_list()


def test_what_is_pushed_is_retrieved_pulled_and_described(store, view, retrieve, kept):
    features = view(ROWS, ttl=3 * DAY, **kept)
    assert values(retrieve(features, ASKED)) == [None] * 4
    assert (
        list(
            PolarsOfflineStore().get_table_column_names_and_types_from_data_source(
                store.config, features.batch_source
            )
        )
        == []
    )
    for rows in (ROWS.head(2), ROWS.tail(1)):
        PolarsOfflineStore.offline_write_batch(store.config, features, rows.to_arrow(), None)
    assert values(retrieve(features, ASKED)) == [2, 3, 1, None]
    assert values(retrieve(features, ASKED.with_columns(event_timestamp=NOON))) == [2, 3, 2, None]
    PolarsOfflineStore().validate_data_source(store.config, features.batch_source)
    columns = dict(
        PolarsOfflineStore().get_table_column_names_and_types_from_data_source(
            store.config, features.batch_source
        )
    )
    assert columns == {
        "k": "int64",
        "ts": "timestamp[us, tz=UTC]",
        "created": "timestamp[us, tz=UTC]",
        "v": "int64",
    }
    arguments = (store.config, features.batch_source, ["k"], ["v"], "ts", "created", NOON - DAY, NOON)
    assert sorted(values(PolarsOfflineStore.pull_latest_from_table_or_query(*arguments))) == [2, 3]
    assert sorted(values(PolarsOfflineStore.pull_all_from_table_or_query(*arguments))) == [1, 2, 3]


def test_a_single_object_of_s3_is_rewritten_with_the_pushed_rows(store, view, retrieve, s3):
    features = view(ROWS, path="deep/one", s3_endpoint_override=s3)
    features.batch_source.file_options.uri = "s3://features/deep/one.parquet"
    with pytest.raises(FileNotFoundError, match=r"s3://features/deep/one.parquet does not exist"):
        values(retrieve(features, ASKED))
    for rows in (ROWS.head(2), ROWS.tail(1)):
        PolarsOfflineStore.offline_write_batch(store.config, features, rows.to_arrow(), None)
    assert values(retrieve(features, ASKED)) == [2, 3, 1, None]


def test_objects_of_partitions_outside_the_window_are_not_opened(store, view, retrieve, s3):
    features = view(
        ROWS, path="s3://features/days", ttl=DAY, tags={"partition": "date"}, s3_endpoint_override=s3
    )
    PolarsOfflineStore.offline_write_batch(store.config, features, ROWS.to_arrow(), None)
    place = Place.of("s3://features/days", store.repo_path, s3)
    assert {file.folders for file in place.parquet_files()} == {("date=2024-01-09",), ("date=2024-01-10",)}
    for outside in ("date=2024-01-01", "date=2024-01-11", "_unfinished"):
        with place.system.open_output_stream(f"{place.path}/{outside}/broken.parquet") as broken:
            broken.write(b"not Parquet")
    assert values(retrieve(features, ASKED)) == [2, 3, 1, None]
    with pytest.raises(pl.exceptions.PolarsError):
        values(retrieve(features, ASKED.with_columns(pl.col("event_timestamp") + DAY)))


def test_partitions_of_a_delta_table_outside_the_window_are_not_opened(store, view, retrieve, in_repo):
    from deltalake import write_deltalake

    table = ROWS.with_columns(date=pl.col("ts").dt.date())
    write_deltalake(str(in_repo / "delta_days"), table.to_arrow(), partition_by=["date"])
    for file in (in_repo / "delta_days" / "date=2024-01-09").glob("*.parquet"):
        file.unlink()
    features = view(
        ROWS, path="delta_days", ttl=DAY / 4, tags={"partition": "date"}, file_format=DeltaFormat()
    )
    assert values(retrieve(features, ASKED.with_columns(event_timestamp=NOON))) == [2, 3, 2, None]
    with pytest.raises(FileNotFoundError):
        values(retrieve(features, ASKED.with_columns(event_timestamp=NOON - DAY)))


def test_a_saved_dataset_is_not_overwritten_by_accident(store, kept):
    how = {
        "path": kept["path"],
        "s3_endpoint_override": kept.get("s3_endpoint_override"),
        "file_format": kept.get("file_format"),
    }
    storage = SavedDatasetFileStorage(**how)
    writing.persist(ROWS.to_arrow(), storage, store.repo_path, allow_overwrite=False)
    with pytest.raises(SavedDatasetLocationAlreadyExists):
        writing.persist(ROWS.to_arrow(), storage, store.repo_path, allow_overwrite=False)
    writing.persist(ROWS.head(1).to_arrow(), storage, store.repo_path, allow_overwrite=True)
    pulled = PolarsOfflineStore.pull_all_from_table_or_query(
        store.config, storage.to_data_source(), ["k"], ["v"], "ts"
    )
    assert values(pulled) == [1]


def test_logs_are_kept_in_s3_too(store, s3):
    for path, by in (("s3://features/logs", None), ("s3://features/logs_by_k", ["k"])):
        destination = FileLoggingDestination(path=path, s3_endpoint_override=s3, partition_by=by)
        writing.log(ROWS.to_arrow(), destination, store.repo_path)
        writing.log(ROWS.to_arrow(), destination, store.repo_path)
        pulled = PolarsOfflineStore.pull_all_from_table_or_query(
            store.config, destination.to_data_source(), ["k"], ["v"], "ts"
        )
        assert pulled.to_polars().height == 6


def test_a_write_to_s3_that_breaks_leaves_nothing(store, s3):
    place = Place.of("s3://features/broken", store.repo_path, s3)
    with pytest.raises(pa.ArrowNotImplementedError):
        place.write(pa.table({"v": [1], "w": pa.array([None], pa.month_day_nano_interval())}), "x.parquet")
    assert place.parquet_files() == ()


def test_a_query_on_the_result_can_end_in_s3(view, retrieve, s3):
    job, options = (
        retrieve(view(ROWS), ASKED),
        {"aws_endpoint_url": s3, "aws_allow_http": "true", "aws_region": "us-east-1"},
    )
    job.to_lazy().sink_parquet("s3://features/sunk.parquet", storage_options=options)
    assert pl.read_parquet("s3://features/sunk.parquet", storage_options=options).equals(job.to_polars())


def test_without_deltalake_the_error_names_what_to_install(view, retrieve, monkeypatch):
    monkeypatch.setitem(sys.modules, "deltalake", None)
    with pytest.raises(ValueError, match="need the package `deltalake`"):
        values(retrieve(view(ROWS, path="delta", file_format=DeltaFormat()), ASKED))


def test_a_table_nobody_has_written_has_no_version(in_repo):
    place = Place.of("never", in_repo)
    assert delta.version(place) is None
    delta.write(place, ROWS.to_arrow(), "append")
    _, number = delta.version(place)
    assert number == 0
