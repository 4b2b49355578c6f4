"""Which files a source consists of, and which of them are opened."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.feast_polars.declared import source_of
from nightjar.adapters.feast_polars.files import Listing
from nightjar.adapters.feast_polars.moments import Window
from nightjar.testing.counting import counted

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ROWS = pl.DataFrame(
    {"k": [1], "ts": [NOON], "created": [NOON], "v": [1]},
    schema_overrides=dict.fromkeys(("ts", "created"), pl.Datetime("us", "UTC")),
)


def partition(folder, at, v, name="part.parquet"):
    file = folder / f"date={at.date()}" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    ROWS.with_columns(
        pl.lit(at, dtype=pl.Datetime("us", "UTC")).alias("ts"),
        pl.lit(at, dtype=pl.Datetime("us", "UTC")).alias("created"),
        v=v,
    ).write_parquet(file)


def ask(*moments):
    return pl.DataFrame({"k": [1] * len(moments), "event_timestamp": list(moments)})


def values(job):
    return job.to_polars()["v"].to_list()


def test_partitions_outside_the_window_are_not_opened(view, retrieve, in_repo):
    folder = in_repo / "pruned"
    for days in (-2, -1, 0):
        partition(folder, NOON + days * DAY, days)
    for days in (-3, 1):
        (folder / f"date={(NOON + days * DAY).date()}").mkdir()
        (folder / f"date={(NOON + days * DAY).date()}" / "part.parquet").write_text("not Parquet")
    features = view(ROWS, path="pruned", ttl=2 * DAY, tags={"partition": "date"})
    assert values(retrieve(features, ask(NOON, NOON - DAY / 2))) == [0, -1]
    with pytest.raises(pl.exceptions.ComputeError):
        values(retrieve(features, ask(NOON - DAY)))
    unmarked = view(ROWS, path="pruned", ttl=2 * DAY)
    with pytest.raises(pl.exceptions.ComputeError):
        values(retrieve(unmarked, ask(NOON)))


def test_only_the_folders_of_the_window_are_listed_however_long_the_history_is(view, in_repo):
    folder = in_repo / "long"
    for days in range(60):
        partition(folder, NOON - days * DAY, days)
    source = source_of(view(ROWS, path="long", tags={"partition": "date"}).batch_source)
    place = source.place(in_repo)
    wanted = {f"date={(NOON - days * DAY).date()}" for days in range(3)}
    with counted() as work:
        files = place.parquet_files(lambda name: name in wanted)
    assert {Path(folder).name for folder in work.listed} == wanted | {"long"}
    assert len(work.listed) == len(wanted) + 1
    assert [*files] == [file for file in place.parquet_files() if file.folders[0] in wanted]
    days = Window(NOON - 2 * DAY, NOON)
    assert Listing.of(source, in_repo, days).files == files
    assert not Listing.of(source, in_repo, Window(NOON + 5 * DAY, NOON + 6 * DAY)).files


def test_a_file_of_several_days_is_read_in_place_of_those_of_its_days(view, retrieve, in_repo):
    folder = in_repo / "together"
    for days in (-1, 0):
        partition(folder, NOON + days * DAY, 7)
    pushed = folder / f"date={NOON.date()}" / "pushed.parquet"
    ROWS.with_columns(k=pl.lit(2, pl.Int64), v=8).write_parquet(pushed)
    (folder / "date=2024-01-01..2024-01-31").mkdir()
    features = view(ROWS, path="together", ttl=2 * DAY, tags={"partition": "date"})
    listed = Listing.of(source_of(features.batch_source), in_repo, Window(NOON - DAY, NOON))
    assert len(listed.files) == 3  # of the wider folder there is no file yet
    ROWS.with_columns(v=9).write_parquet(folder / "date=2024-01-01..2024-01-31" / "part.parquet")
    listed = Listing.of(source_of(features.batch_source), in_repo, Window(NOON - DAY, NOON))
    assert [file.path.rpartition("/")[2] for file in listed.files] == ["part.parquet", "pushed.parquet"]
    assert not Listing.of(
        source_of(features.batch_source), in_repo, Window(NOON + 22 * DAY, NOON + 30 * DAY)
    ).files
    assert values(retrieve(features, ask(NOON, NOON - DAY / 2))) == [9, None]


def test_a_partition_without_a_date_is_always_read(view, retrieve, in_repo):
    folder = in_repo / "undated"
    partition(folder, NOON, 1)
    (folder / f"date={NOON.date()}").rename(folder / "date=__HIVE_DEFAULT_PARTITION__")
    assert values(retrieve(view(ROWS, path="undated", ttl=DAY, tags={"partition": "date"}), ask(NOON))) == [1]


def test_a_directory_is_all_its_parquet_files_but_hidden_ones(view, retrieve, in_repo):
    folder = in_repo / "plain"
    (folder / "deep").mkdir(parents=True)
    ROWS.write_parquet(folder / "a.parquet")
    ROWS.with_columns(v=pl.lit(2, dtype=pl.Int64)).write_parquet(folder / "deep" / "b.parquet")
    (folder / ".b.parquet").write_text("unfinished")
    (folder / "_b.parquet").write_text("unfinished")
    assert values(retrieve(view(ROWS, path="plain"), ask(NOON))) == [2]


def test_a_column_that_older_files_lack_is_null_there(view, retrieve, in_repo):
    folder = in_repo / "grown"
    partition(folder, NOON, 1)
    partition(folder, NOON + DAY, 2)
    newest = folder / f"date={(NOON + DAY).date()}" / "part.parquet"
    pl.read_parquet(newest).with_columns(extra=7.5).write_parquet(newest)
    features = view(ROWS.with_columns(extra=1.0), path="grown", features=("v", "extra"))
    assert retrieve(features, ask(NOON, NOON + DAY)).to_polars().select("v", "extra").rows() == [
        (1, None),
        (2, 7.5),
    ]


def test_files_of_one_directory_may_be_written_in_different_zones(view, retrieve, in_repo):
    (in_repo / "zones").mkdir()
    for name, zone, value in (("a", "Asia/Tokyo", 1), ("b", "UTC", 2), ("c", "Etc/GMT-1", 3)):
        rows = ROWS.with_columns(pl.col("ts", "created") + value * DAY, v=pl.lit(value, dtype=pl.Int64))
        rows.with_columns(pl.col("ts", "created").dt.convert_time_zone(zone)).write_parquet(
            in_repo / "zones" / f"{name}.parquet"
        )
    assert values(retrieve(view(ROWS, path="zones"), ask(*(NOON + days * DAY for days in range(4))))) == [
        None,
        1,
        2,
        3,
    ]


@pytest.mark.parametrize(
    ("older", "newer"),
    [(pl.Int64, pl.Float64), (pl.Int16, pl.Int64), (pl.Categorical, pl.String), (pl.String, pl.Categorical)],
)
def test_files_of_one_directory_may_hold_whole_numbers_for_floats_and_categories_for_text(
    view, retrieve, in_repo, older, newer
):
    folder = f"types {older} {newer}"
    (in_repo / folder).mkdir()
    ROWS.with_columns(pl.lit("1").cast(older).alias("v")).write_parquet(in_repo / folder / "a.parquet")
    rows = ROWS.with_columns(pl.col("ts", "created") + DAY, pl.lit("2").cast(newer).alias("v"))
    rows.write_parquet(in_repo / folder / "b.parquet")
    plain = pl.String() if newer in (pl.String, pl.Categorical) else newer
    assert (
        values(retrieve(view(rows, path=folder), ask(NOON, NOON + DAY)))
        == pl.Series(["1", "2"]).cast(plain).to_list()
    )


def test_a_feature_that_no_file_has_is_said_with_what_there_is(view, retrieve):
    from feast.types import Int64

    with pytest.raises(ValueError, match=r"lacks columns \['absent'\]. It has \['k', 'ts', 'created', 'v'\]"):
        retrieve(view(ROWS, features=("absent",), types={"absent": Int64}), ask(NOON)).to_polars()


@pytest.mark.parametrize("exists", [True, False])
def test_a_directory_without_files_is_no_history_yet_and_is_logged(view, retrieve, in_repo, caplog, exists):
    if exists:
        (in_repo / "none True").mkdir()
    features = view(ROWS, path=f"none {exists}")
    with caplog.at_level(logging.WARNING):
        result = retrieve(features, ask(NOON)).to_polars()
    assert result["v"].to_list() == [None]
    assert result["v"].dtype == pl.Int64
    assert "has no history: no Parquet file under" in caplog.text
    assert retrieve(features, None, start_date=NOON - DAY, end_date=NOON).to_polars().height == 0


def test_a_missing_file_is_an_error_that_names_it(view, retrieve, in_repo):
    features = view(ROWS)
    (in_repo / features.batch_source.path).unlink()
    with pytest.raises(FileNotFoundError, match=rf"{features.batch_source.path} does not exist"):
        retrieve(features, ask(NOON)).to_polars()


def test_absolute_and_file_urls_are_read_and_remote_ones_refused(view, retrieve, tmp_path):
    ROWS.write_parquet(tmp_path / "x.parquet")
    for path in (str(tmp_path), f"file://{tmp_path}", f"file:{tmp_path}"):
        assert values(retrieve(view(ROWS, path=path), ask(NOON))) == [1]
    with pytest.raises(ValueError, match="reads local paths and s3:// only"):
        retrieve(view(ROWS, path="gs://bucket/folder"), ask(NOON)).to_polars()


def test_relative_paths_may_be_resolved_against_a_root_instead_of_the_repo(store, view, retrieve, tmp_path):
    from nightjar.adapters.feast_polars import PolarsOfflineStore, PolarsOfflineStoreConfig

    ROWS.with_columns(v=pl.lit(7, dtype=pl.Int64)).write_parquet(tmp_path / "elsewhere.parquet")
    features = view(ROWS, path="elsewhere.parquet")
    config = store.config.model_copy()
    config._offline_store = PolarsOfflineStoreConfig(root=str(tmp_path))
    job = PolarsOfflineStore.get_historical_features(
        config, [features], [f"{features.name}:v"], ask(NOON), store.registry, "test"
    )
    assert values(job) == [7]
    assert values(retrieve(features, ask(NOON))) == [1]


def test_a_source_without_its_timestamp_is_refused_at_apply_and_one_without_files_is_not(store, view):
    from nightjar.adapters.feast_polars import PolarsOfflineStore

    sound, later, lacking = view(ROWS), view(ROWS, path="not written yet"), view(ROWS)
    lacking.batch_source.timestamp_field = "when"
    for source in (sound.batch_source, later.batch_source):
        PolarsOfflineStore().validate_data_source(store.config, source)
    with pytest.raises(ValueError, match="has no column 'when', its timestamp_field"):
        PolarsOfflineStore().validate_data_source(store.config, lacking.batch_source)
