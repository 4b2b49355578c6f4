"""What only odd sources, keys, times and names bring out."""

import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast.data_format import DeltaFormat
from feast.infra.offline_stores.file_source import FileLoggingDestination
from feast.types import Array, Bytes, Int64

from nightjar.adapters.feast_polars import PolarsOfflineStore, writing
from nightjar.adapters.feast_polars.files import Listing
from nightjar.adapters.feast_polars.joining import SNAPSHOTS
from nightjar.adapters.feast_polars.places import Place

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
UTC_US = pl.Datetime("us", "UTC")
ROWS = pl.DataFrame(
    {"k": [1, 1], "ts": [NOON - HOUR, NOON], "created": [NOON - HOUR, NOON], "v": [7, 9]},
    schema_overrides=dict.fromkeys(("ts", "created"), UTC_US),
)
ASKED = pl.DataFrame({"k": [1, 1], "event_timestamp": [NOON, NOON - HOUR]})


def values(job):
    return job.to_polars()["v"].to_list()


def timed(zone, unit):
    times = pl.col("ts", "created").dt.cast_time_unit(unit)
    return ROWS.with_columns(times.dt.convert_time_zone(zone) if zone else times.dt.replace_time_zone(None))


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo", "America/New_York"])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_instants_that_a_stored_time_cannot_hold_are_before_or_after_all_of_it(
    store, view, retrieve, zone, unit
):
    features, brief = view(timed(zone, unit)), view(timed(zone, unit), ttl=HOUR)
    for at, expected in (
        (LAST, 9),
        (datetime(2300, 1, 1, tzinfo=UTC), 9),
        (datetime(1500, 1, 1, tzinfo=UTC), None),
        (FIRST, None),
    ):
        for asked in ([at], [at, NOON]):
            frame = pl.DataFrame({"k": [1] * len(asked), "event_timestamp": pl.Series(asked, dtype=UTC_US)})
            assert values(retrieve(features, frame)) == [expected, 9][: len(asked)]
            assert values(retrieve(brief, frame)) == [None, 9][: len(asked)]
    source = features.batch_source
    everything = PolarsOfflineStore.pull_all_from_table_or_query(
        store.config, source, ["k"], ["v"], "ts", "created"
    )
    assert values(everything) == [7, 9]
    assert values(
        PolarsOfflineStore.pull_latest_from_table_or_query(
            store.config, source, ["k"], ["v"], "ts", "created", FIRST, LAST
        )
    ) == [9]


def test_whether_an_event_within_a_microsecond_of_the_ttl_counts_does_not_depend_on_other_rows(
    view, retrieve
):
    almost = pl.Series([int(NOON.timestamp()) * 10**9 - 300]).cast(pl.Datetime("ns", "UTC"))
    features = view(ROWS.head(1).with_columns(ts=almost, created=almost), ttl=HOUR)
    asked = pl.DataFrame({"k": [1, 1], "event_timestamp": [NOON + HOUR, NOON]})
    assert values(retrieve(features, asked)) == [7, 7]
    assert values(retrieve(features, asked.head(1))) == [7]


@pytest.mark.parametrize(
    ("stored", "asked", "expected"),
    [
        ([date(2024, 1, 10)], [NOON, NOON - 12 * HOUR], [None, 9]),
        (
            pl.Series([NOON], dtype=pl.Datetime("ms", "UTC")),
            [NOON + timedelta(microseconds=1), NOON],
            [None, 9],
        ),
        ([timedelta(milliseconds=1)], pl.Series([1, 2]).cast(pl.Duration("ms")), [9, None]),
        (pl.Series([Decimal("1.5")], dtype=pl.Decimal(9, 1)), [1.5, 1.25], [9, None]),
    ],
)
def test_times_and_numbers_of_other_types_match_where_they_are_equal_and_only_there(
    view, retrieve, stored, asked, expected
):
    features = view(ROWS.tail(1).with_columns(k=pl.Series(stored)))
    assert (
        values(retrieve(features, pl.DataFrame({"k": asked, "event_timestamp": [NOON] * len(asked)})))
        == expected
    )


@pytest.mark.parametrize(
    ("stored", "asked"), [([NOON.time()], [NOON]), ([NOON], [NOON.time()]), ([NOON], [HOUR])]
)
def test_times_of_day_durations_and_instants_never_match(view, retrieve, stored, asked):
    features = view(ROWS.tail(1).with_columns(k=pl.Series(stored)))
    with pytest.raises(TypeError, match=r"join key 'k' is .* in the entity frame and .* in the source"):
        retrieve(features, pl.DataFrame({"k": asked, "event_timestamp": [NOON]})).to_polars()


def test_results_that_arrow_has_no_type_for_reach_it_as_what_feast_knows(view, retrieve):
    odd = ROWS.with_columns(
        v=pl.Series([2**70, 1], dtype=pl.Int128),
        kinds=pl.Series([["a"], ["b"]], dtype=pl.List(pl.Categorical)),
        record=pl.struct(name=pl.lit("a")),
    )
    job = retrieve(view(ROWS), ASKED.with_columns(odd.select(pl.col("v").alias("wide"), "kinds", "record")))
    assert [str(field.type) for field in job.to_arrow().schema][2:] == [
        "decimal128(38, 0)",
        "list<item: string>",
        "struct<name: string>",
        "int64",
    ]
    assert job.to_arrow()["wide"].to_pylist() == [2**70, 1]


def test_keys_that_are_all_null_match_nothing_whatever_type_pandas_gives_them(view, retrieve):
    untyped = view(ROWS.with_columns(k=pl.lit(None)), types={"k": Int64})
    assert values(retrieve(untyped, ASKED)) == [None, None]
    assert values(retrieve(untyped, ASKED.head(1))) == [None]
    frame = pd.DataFrame({"k": pd.Series([None, None], dtype=object), "event_timestamp": [NOON] * 2})
    assert values(retrieve(view(ROWS), frame)) == [None, None]


@pytest.mark.parametrize(
    "name",
    [
        "__code",
        "__happened",
        "__recorded",
        "__key0",
        "__index__",
        "code",
        "row",
        "known",
        "at",
        "position",
        "self",
        "",
        "a.b:'\"",
        "ÜÄ😀" * 500,
    ],
)
def test_columns_may_have_any_name(view, retrieve, name):
    one = ASKED.head(1)
    features = view(ROWS.rename({"v": name}), features=(name,))
    key = view(ROWS.rename({"k": name}), (name,))
    beside = view(ROWS.with_columns(pl.lit(0, dtype=pl.UInt32).alias(name)))
    for asked, expected in ((ASKED, [9, 7]), (one, [9])):
        assert retrieve(features, asked, cache_mb=1).to_polars()[name].to_list() == expected
        assert values(retrieve(key, asked.rename({"k": name}), cache_mb=1)) == expected
        assert values(retrieve(beside, asked)) == expected
        assert values(retrieve(view(ROWS), asked.with_columns(pl.lit(5).alias(name)))) == expected


@pytest.mark.parametrize("name", ["^x$", "^.*$", "*"])
def test_names_like_patterns_mean_the_column_of_that_name(store, view, retrieve, name):
    features = view(ROWS.rename({"v": name}), features=(name,))
    key = view(ROWS.rename({"k": name}), (name,))
    times = view(ROWS.rename({"ts": name}), field_mapping={name: "ts"})
    for asked, expected in ((ASKED, [9, 7]), (ASKED.head(1), [9])):
        assert retrieve(features, asked, cache_mb=1).to_lazy().collect()[name].to_list() == expected
        assert values(retrieve(key, asked.rename({"k": name}), cache_mb=1)) == expected
        assert values(retrieve(times, asked.rename({"event_timestamp": name}))) == expected
        assert (
            values(
                retrieve(view(ROWS), asked.with_columns(pl.col("event_timestamp").alias(name)), known_at=name)
            )
            == expected
        )
    assert values(retrieve(key, None, start_date=NOON - HOUR, end_date=NOON)) == [9]
    pulled = (store.config, key.batch_source, [name], ["v"], "ts", "created", NOON - HOUR, NOON)
    assert values(PolarsOfflineStore.pull_latest_from_table_or_query(*pulled)) == [9]
    assert PolarsOfflineStore.pull_all_from_table_or_query(*pulled).to_lazy().collect()[name].to_list() == [
        1,
        1,
    ]


@pytest.mark.parametrize("zone", ["+05:30", "-03:00"])
@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_times_may_be_given_by_their_distance_to_utc(store, view, retrieve, in_repo, zone, unit):
    def there(table):
        return pa.table(
            [
                column.cast(pa.timestamp(unit, zone)) if pa.types.is_timestamp(column.type) else column
                for column in table
            ],
            table.column_names,
        )

    features = view(ROWS, path=f"zones {zone} {unit}")
    (in_repo / features.batch_source.path).mkdir()
    pq.write_table(there(ROWS.head(1).to_arrow()), in_repo / features.batch_source.path / "older.parquet")
    PolarsOfflineStore.offline_write_batch(store.config, features, there(ROWS.tail(1).to_arrow()), None)
    brief = view(ROWS, path=features.batch_source.path, ttl=HOUR / 2)
    for asked in (there(ASKED.to_arrow()), there(ASKED.to_arrow()).to_pandas()):
        result = retrieve([features.with_name("ever"), brief], asked, full_feature_names=True).to_polars()
        assert result.rows() == [(1, NOON, 9, 9), (1, NOON - HOUR, 7, 7)]
    PolarsOfflineStore().validate_data_source(store.config, features.batch_source)


def test_times_of_text_finer_than_microseconds_are_rounded_like_others(view, retrieve):
    text = ROWS.with_columns(
        ts=pl.Series(["2024-01-10T11:00:00Z", "2024-01-10T12:00:00.0000000001Z"]),
        created=pl.lit("2024-01-10T11:00:00.0Z"),
    )
    asked = pl.DataFrame(
        {"k": [1, 1], "event_timestamp": ["2024-01-10T12:00:00.000000999Z", "2024-01-10T12:00:00.000001000Z"]}
    )
    for features in (view(text), view(text, ttl=2 * HOUR)):
        assert values(retrieve(features, asked)) == [7, 9]
        assert values(retrieve(features, asked.head(1))) == [7]


@pytest.mark.parametrize("text", ["01-02-2024", "noon", "2024-01-10T12:00:00Z and more"])
def test_text_that_is_no_time_is_refused_by_its_column(view, retrieve, text):
    with pytest.raises(
        ValueError, match=r"'event_timestamp' holds text that is no time: .* in one form of ISO 8601"
    ):
        retrieve(view(ROWS), pl.DataFrame({"k": [1], "event_timestamp": [text]}))
    with pytest.raises(ValueError, match=r"'created' holds text that is no time"):
        retrieve(view(ROWS.with_columns(created=pl.lit(text))), ASKED).to_polars()


def test_features_of_bytes_are_retrieved_whether_there_is_history_or_not(view, retrieve):
    features = view(
        ROWS.with_columns(v=pl.Series([b"a", b"b"]), w=pl.Series([[b"a"], []])),
        features=("v", "w"),
        types={"v": Bytes, "w": Array(Bytes)},
    )
    missing = view(ROWS, path="no bytes yet", features=("v", "w"), types={"v": Bytes, "w": Array(Bytes)})
    found = retrieve(features, ASKED).to_polars()
    assert found["v"].to_list() == [b"b", b"a"]
    assert retrieve(missing, ASKED).to_polars().schema == found.schema


@pytest.mark.parametrize("name", ["a[1]", "a*", "a?"])
def test_names_with_the_signs_of_patterns_mean_themselves(view, retrieve, in_repo, name):
    for place in (f"patterns {name}", f"files {name}"):
        (in_repo / place).mkdir()
    ROWS.write_parquet(in_repo / f"patterns {name}" / "part.parquet")
    assert values(retrieve(view(ROWS, path=f"patterns {name}"), ASKED)) == [9, 7]
    ROWS.write_parquet(in_repo / f"files {name}" / f"{name}.parquet")
    folder = view(ROWS, path=f"files {name}")
    assert values(retrieve(folder, ASKED)) == [9, 7]
    (in_repo / f"like {name}").mkdir()
    one = view(ROWS, path=f"like {name}/{name}.parquet")
    ROWS.with_columns(v=pl.lit(0, dtype=pl.Int64)).write_parquet(in_repo / f"like {name}" / "a1.parquet")
    assert values(retrieve(one, ASKED)) == [9, 7]


def test_a_folder_above_a_partitioned_source_that_would_hide_a_column_is_refused_by_name(
    view, retrieve, in_repo
):
    (in_repo / "v=5" / "flights" / "date=2024-01-10").mkdir(parents=True)
    ROWS.write_parquet(in_repo / "v=5" / "flights" / "date=2024-01-10" / "part.parquet")
    with pytest.raises(ValueError, match=r"v=5/flights: folders above .* named like its columns \['v'\]"):
        retrieve(view(ROWS, path="v=5/flights"), ASKED).to_polars()
    (in_repo / "v=5").rename(in_repo / "table=5")
    assert values(retrieve(view(ROWS, path="table=5/flights"), ASKED)) == [9, 7]


def test_a_file_that_comes_while_a_night_is_prepared_is_seen_by_the_next_part(
    view, retrieve, in_repo, monkeypatch
):
    SNAPSHOTS.clear()
    (in_repo / "growing").mkdir()
    ROWS.head(1).write_parquet(in_repo / "growing" / "1.parquet")
    features, rows_of = view(ROWS, path="growing"), Listing.rows

    def grow_then_scan(listing):
        ROWS.tail(1).write_parquet(in_repo / "growing" / "2.parquet")
        return rows_of(listing)

    with monkeypatch.context() as patch:
        patch.setattr(Listing, "rows", grow_then_scan)
        assert values(retrieve(features, ASKED.head(1), cache_mb=1)) == [7]
    assert values(retrieve(features, ASKED.head(1), cache_mb=1)) == [9]


def test_a_delta_table_that_took_the_place_of_another_is_not_taken_for_it(view, retrieve, in_repo):
    from deltalake import write_deltalake

    SNAPSHOTS.clear()
    features = view(ROWS, path="replaced_delta", file_format=DeltaFormat())
    for value in (1, 2):
        shutil.rmtree(in_repo / "replaced_delta", ignore_errors=True)
        write_deltalake(
            str(in_repo / "replaced_delta"), ROWS.with_columns(v=pl.lit(value, dtype=pl.Int64)).to_arrow()
        )
        assert values(retrieve(features, ASKED.head(1), cache_mb=1)) == [value]


@pytest.mark.parametrize("name", ["a b", "100%", "ü#?"])
def test_delta_tables_may_lie_in_folders_whose_names_a_url_would_change(store, view, retrieve, in_repo, name):
    features = view(ROWS, path=f"delta {name}", file_format=DeltaFormat())
    PolarsOfflineStore.offline_write_batch(store.config, features, ROWS.to_arrow(), None)
    assert (in_repo / f"delta {name}" / "_delta_log").is_dir()
    assert values(retrieve(features, ASKED)) == [9, 7]
    assert values(retrieve(features, ASKED.head(1), cache_mb=1)) == [9]


@pytest.mark.parametrize(("path", "sign"), [("a%20b", "%20"), ("a[1]", r"\["), ("s3://bucket/a b", " ")])
def test_folders_that_delta_would_confuse_are_refused_before_anything_is_written(
    store, view, retrieve, path, sign
):
    features = view(ROWS, path=path, file_format=DeltaFormat())
    with pytest.raises(ValueError, match=f"cannot hold '{sign}' here"):
        PolarsOfflineStore.offline_write_batch(store.config, features, ROWS.to_arrow(), None)
    with pytest.raises(ValueError, match=f"cannot hold '{sign}' here"):
        retrieve(features, ASKED).to_polars()


def test_deletion_vectors_that_would_not_be_found_are_refused(view, retrieve, in_repo):
    from deltalake import write_deltalake

    for name in ("vectors", "vectors here"):
        write_deltalake(
            str(in_repo / name), ROWS.to_arrow(), configuration={"delta.enableDeletionVectors": "true"}
        )
    assert values(retrieve(view(ROWS, path="vectors", file_format=DeltaFormat()), ASKED)) == [9, 7]
    with pytest.raises(ValueError, match="vectors here: a Delta table with deletion vectors"):
        retrieve(view(ROWS, path="vectors here", file_format=DeltaFormat()), ASKED).to_polars()


def test_a_row_of_a_delta_table_whose_partition_has_no_date_is_read(view, retrieve, in_repo):
    from deltalake import write_deltalake

    dates = pl.Series([date(2024, 1, 10), None], dtype=pl.Date)
    write_deltalake(
        str(in_repo / "undated_delta"), ROWS.with_columns(date=dates).to_arrow(), partition_by=["date"]
    )
    features = view(
        ROWS, path="undated_delta", ttl=HOUR, tags={"partition": "date"}, file_format=DeltaFormat()
    )
    assert values(retrieve(features, ASKED)) == [9, 7]


def test_a_view_without_keys_has_a_snapshot_of_one_row_if_it_has_any_history(view, retrieve):
    features = view(ROWS, ())
    assert retrieve(features, None, start_date=NOON - HOUR, end_date=NOON).to_polars().rows() == [(NOON, 9)]
    early = retrieve(features, None, start_date=NOON - 3 * HOUR, end_date=NOON - 2 * HOUR).to_polars()
    assert early.schema == {"event_timestamp": UTC_US, "v": pl.Int64}
    assert early.height == 0


def test_pushed_rows_with_times_of_text_find_their_partition_and_without_time_are_refused(
    store, view, retrieve, in_repo
):
    features = view(ROWS, path="pushed text", tags={"partition": "date"})
    text = ROWS.with_columns(pl.col("ts", "created").dt.to_string("%FT%T%:z"))
    PolarsOfflineStore.offline_write_batch(store.config, features, text.to_arrow(), None)
    assert [folder.name for folder in (in_repo / "pushed text").iterdir()] == ["date=2024-01-10"]
    assert values(retrieve(features, ASKED)) == [9, 7]
    timeless = text.with_columns(ts=pl.lit(None, dtype=pl.String)).to_arrow()
    with pytest.raises(ValueError, match="2 rows to write have no 'ts'"):
        PolarsOfflineStore.offline_write_batch(store.config, features, timeless, None)
    assert len(list((in_repo / "pushed text").rglob("*.parquet"))) == 1


@pytest.mark.parametrize("rows", [0, -1])
def test_batches_of_no_rows_are_refused_and_leave_no_file(view, retrieve, tmp_path, rows):
    job = retrieve(view(ROWS), ASKED)
    with pytest.raises(ValueError, match=f"Batches of {rows} rows"):
        job.iter_batches(rows)
    with pytest.raises(ValueError, match=f"Batches of {rows} rows"):
        job.sink_parquet(tmp_path / "result.parquet", rows)
    assert not list(tmp_path.iterdir())


def test_partitioned_logs_stay_hidden_until_they_are_whole(tmp_path, monkeypatch):
    place, write = Place.of("logs", tmp_path), pq.write_to_dataset
    seen = []
    monkeypatch.setattr(
        pq,
        "write_to_dataset",
        lambda *given, **more: (write(*given, **more), seen.append(place.parquet_files())),
    )
    for total in (2, 4):
        writing.log(
            pa.table({"k": ["a", "b", "a"], "v": [1, 2, 3]}),
            FileLoggingDestination(path="logs", partition_by=["k"]),
            tmp_path,
        )
        assert len(place.parquet_files()) == total
        assert sum(1 for file in (tmp_path / "logs").rglob("*") if file.is_file()) == total
    assert [len(files) for files in seen] == [0, 2]


def test_a_write_to_a_local_folder_that_breaks_leaves_nothing(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    place = Place.of("folder", tmp_path)
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="no space left"):
        place.write(ROWS.to_arrow(), "part.parquet")
    assert not list((tmp_path / "folder").iterdir())
