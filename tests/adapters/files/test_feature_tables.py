import dataclasses
import resource
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.generations import Generation
from nightjar.core.model.spec import FeatureTable
from nightjar.testing.memory import MemoryFeatureFiles

TABLE = FeatureTable(
    name="shops",
    description="Shops.",
    keys={"shop": pl.String()},
    features={"visits": pl.Float64()},
    ttl=timedelta(days=7),
    lookback_days=0,
    sources=(),
    compute=lambda *_: pl.DataFrame(),
)
EVENT = datetime(2013, 6, 16, 4, tzinfo=UTC)
DAY = date(2013, 6, 15)
SCHEMA = {
    "shop": pl.String,
    "visits": pl.Float64,
    "date": pl.Date,
    "event_timestamp": pl.Datetime("us", "UTC"),
    "created": pl.Datetime("us", "UTC"),
}


def rows(*facts):
    """(shop, visits, days after EVENT, hours until it was recorded)"""
    data = [
        (
            shop,
            visits,
            DAY + timedelta(days=days),
            EVENT + timedelta(days=days),
            EVENT + timedelta(days=days, hours=hours),
        )
        for shop, visits, days, hours in facts
    ]
    return pl.DataFrame(data, schema=SCHEMA, orient="row")


@pytest.fixture
def store(tmp_path):
    return FeatureDirectory(tmp_path)


def stored(store, day="*"):
    return pl.read_parquet(
        store.root / "features" / "shops" / f"date={day}" / "part.parquet", hive_partitioning=False
    )


def test_rows_lie_in_the_partition_of_their_events_utc_date(store):
    assert store.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 1, 6)), {DAY: "x"}) == 2
    assert_frame_equal(stored(store, "2013-06-16"), rows(("a", 1, 0, 6)).drop("date"))
    assert_frame_equal(stored(store, "2013-06-17"), rows(("a", 2, 1, 6)).drop("date"))
    assert store.fingerprints(TABLE) == {DAY: "x"}


def test_writing_the_same_rows_again_touches_no_file(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("b", None, 0, 6)), {DAY: "x"})
    file = store.root / "features" / "shops" / "date=2013-06-16" / "part.parquet"
    before = file.stat().st_mtime_ns, file.read_bytes()
    assert store.write(TABLE, rows(("b", None, 0, 6), ("a", 1, 0, 6)), {DAY: "x"}) == 0
    assert (file.stat().st_mtime_ns, file.read_bytes()) == before


def test_a_correction_joins_the_row_it_corrects(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("b", 5, 0, 6)), {DAY: "x"})
    assert store.write(TABLE, rows(("a", 2, 0, 30), ("b", 5, 0, 30)), {DAY: "y"}) == 1
    assert_frame_equal(stored(store), rows(("a", 1, 0, 6), ("a", 2, 0, 30), ("b", 5, 0, 6)).drop("date"))
    assert store.fingerprints(TABLE) == {DAY: "y"}


def test_a_correction_to_missing_is_a_correction(store):
    store.write(TABLE, rows(("a", 1, 0, 6)), {})
    assert store.write(TABLE, rows(("a", None, 0, 30)), {}) == 1


def test_what_was_known_earlier_may_be_added_later(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("a", 3, 0, 30)), {})
    assert store.write(TABLE, rows(("a", 2, 0, 12), ("a", 3, 0, 30)), {}) == 1
    assert stored(store)["visits"].to_list() == [1, 2, 3]


def test_days_built_before_are_remembered(store):
    store.write(TABLE, rows(), {DAY: "x"})
    store.write(TABLE, rows(), {DAY + timedelta(days=1): "y"})
    assert store.fingerprints(TABLE) == {DAY: "x", DAY + timedelta(days=1): "y"}


def test_a_new_feature_joins_older_rows_as_missing(store):
    store.write(TABLE, rows(("a", 1, 0, 6)), {})
    wider = dataclasses.replace(TABLE, features={"visits": pl.Float64(), "sales": pl.Float64()})
    assert store.write(wider, rows(("a", 1, 0, 6)).with_columns(sales=pl.lit(9.0)), {}) == 1
    assert stored(store)["sales"].to_list() == [None, 9]


def test_a_new_feature_has_its_column_in_a_partition_where_it_is_always_missing(store):
    store.write(TABLE, rows(("a", 1, 0, 6)), {})
    wider = dataclasses.replace(TABLE, features={"visits": pl.Float64(), "sales": pl.Float64()})
    assert store.write(wider, rows(("a", 1, 0, 6)).with_columns(sales=pl.lit(None, pl.Float64)), {}) == 0
    assert stored(store)["sales"].to_list() == [None]


def test_a_crash_before_the_manifest_is_healed_by_building_again(store, monkeypatch):
    with monkeypatch.context() as patched:

        def crash(*_):
            raise KeyboardInterrupt

        patched.setattr("nightjar.adapters.files.feature_tables.write_text", crash)
        with pytest.raises(KeyboardInterrupt):
            store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    assert store.fingerprints(TABLE) == {}
    assert store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"}) == 0
    assert store.fingerprints(TABLE) == {DAY: "x"}


def test_a_wrong_type_is_refused_before_anything_is_written(store):
    with pytest.raises(pl.exceptions.PolarsError):
        store.write(TABLE, rows(("a", 1, 0, 6)).with_columns(visits=pl.lit("many")), {DAY: "x"})
    assert not (store.root / "features").exists()


@pytest.fixture(params=[FeatureDirectory, MemoryFeatureFiles], ids=["files", "memory"])
def files(request, tmp_path):
    return request.param(tmp_path) if request.param is FeatureDirectory else request.param()


def newest(files, days, hours=0):
    """How many days after EVENT the newest row is of, as of so many days and hours after it."""
    found = files.newest(TABLE, EVENT + timedelta(days=days, hours=hours))
    return None if found is None else (found - EVENT).days


def test_the_newest_row_is_the_last_that_had_happened_and_was_recorded(files):
    files.write(TABLE, rows(("a", 1, 0, 6), ("b", 2, 1, 6), ("a", 3, 3, 48), ("a", 4, 20, 6)), {})
    assert [newest(files, day, 6) for day in (0, 1, 2, 4, 5, 19, 20, 99)] == [0, 1, 1, 1, 3, 3, 20, 20]
    assert newest(files, 20, 5) == 3


def test_a_table_without_rows_in_time_has_no_newest_row(files):
    assert newest(files, 0, 6) is None
    files.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    assert newest(files, 0, 5) is None
    assert newest(files, -1) is None


def test_a_copy_that_was_put_beside_a_partition_is_named(store):
    store.write(TABLE, rows(("a", 1, 0, 6)), {})
    (store.root / "features" / "shops" / "date=2013-06-16.bak").mkdir()
    with pytest.raises(DamagedFile, match=r"date=2013-06-16\.bak is damaged: its name is no date"):
        store.newest(TABLE, EVENT)


def test_the_newest_row_is_found_by_reading_the_newest_days_alone(store, monkeypatch):
    store.write(TABLE, rows(*(("a", day, day, 6) for day in range(50))), {})
    opened = []
    read = pl.read_parquet
    monkeypatch.setattr(
        pl, "read_parquet", lambda file, **options: opened.append(file) or read(file, **options)
    )
    assert newest(store, 40, 6) == 40
    assert len(opened) == 1


def test_the_twin_in_memory_keeps_what_the_files_keep(files):
    assert files.write(TABLE, rows(("a", 1, 0, 6), ("b", 5, 0, 6)), {DAY: "x"}) == 2
    assert files.write(TABLE, rows(("a", 2, 0, 30), ("b", 5, 0, 30)), {DAY: "y"}) == 1
    assert files.fingerprints(TABLE) == {DAY: "y"}


def test_a_generation_sees_nothing_of_another(files):
    files.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    files.use(TABLE, Generation("", "r1"))
    assert files.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 5, 6)), {DAY: "y"}, "_two") == 2
    assert (files.fingerprints(TABLE), files.fingerprints(TABLE, "_two")) == ({DAY: "x"}, {DAY: "y"})
    late, newer = EVENT + timedelta(days=9), EVENT + timedelta(days=5)
    assert (files.newest(TABLE, late), files.newest(TABLE, late, "_two")) == (EVENT, newer)


def test_the_generation_in_use_is_the_last_one(files):
    one, two = Generation("", "r1"), Generation("_two", "r2")
    assert files.generations(TABLE) == ()
    for used, expected in ((one, (one,)), (two, (one, two)), (two, (one, two)), (one, (two, one))):
        files.use(TABLE, used)
        assert files.generations(TABLE) == expected


def test_an_index_that_is_gone_is_named_and_the_first_generation_is_not_read_instead(store):
    store.use(TABLE, Generation("", "r1"))
    store.use(TABLE, Generation("_two", "r2"))
    store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"}, "_two")
    (store.root / "features" / "shops" / "_generations.json").unlink()
    with pytest.raises(
        DamagedFile, match=r"_generations\.json is damaged: it is gone, and the table has more"
    ):
        store.generations(TABLE)


def test_an_index_that_lists_no_generations_is_named(store):
    store.use(TABLE, Generation("", "r1"))
    (store.root / "features" / "shops" / "_generations.json").write_text("[{}]")
    with pytest.raises(DamagedFile, match=r"_generations\.json is damaged: it lists no generations"):
        store.generations(TABLE)


FACTS = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from([None, 1.0, 2.0]), st.integers(0, 1), st.integers(1, 6)),
    max_size=12,
)


@given(writes=st.lists(FACTS, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_as_of_any_hour_the_row_in_force_is_the_last_fact_said_about_it(tmp_path_factory, writes):
    """Facts are written in order of when they were recorded, as deliveries are; each hour then sees the
    newest one up to it.
    """
    store = FeatureDirectory(tmp_path_factory.mktemp("features"))
    said = {}
    for number, facts in enumerate(writes):
        timed = {(shop, days, hours + 10 * number): visits for shop, visits, days, hours in facts}
        store.write(
            TABLE, rows(*((shop, visits, days, hours) for (shop, days, hours), visits in timed.items())), {}
        )
        said |= timed
    kept = stored(store) if said else rows()
    for shop, days, hours in said:
        event, now = EVENT + timedelta(days=days), EVENT + timedelta(days=days, hours=hours)
        known = kept.filter(
            pl.col("shop") == shop, pl.col("event_timestamp") == event, pl.col("created") <= now
        )
        assert known["visits"].to_list()[-1] == said[shop, days, hours]


def test_a_disk_that_takes_no_more_is_an_error_of_the_disk_and_leaves_what_was_there(store):
    """Told as one, it is StorageRefused, which is retried; Polars would have called it a broken Parquet
    file.
    """
    store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="too large"):
            store.write(TABLE, rows(("b", 2, 0, 7)), {DAY: "y"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert_frame_equal(stored(store), rows(("a", 1, 0, 6)).drop("date"))
    assert store.fingerprints(TABLE) == {DAY: "x"}
    assert [file.name for file in (store.root / "features" / "shops" / "date=2013-06-16").iterdir()] == [
        "part.parquet"
    ]


def test_of_rows_that_are_as_new_as_each_other_the_last_one_in_the_file_is_read(store):
    shops = [f"shop {number}" for number in range(5_000)]
    for visits in (1.0, 2.0, 3.0):
        facts = ((shop, visits, 0, 1 + 37 * place % 11) for place, shop in enumerate(shops))
        store.write(TABLE, rows(*facts), {})
    asked = EVENT + timedelta(days=1)
    read = store.recent(TABLE, pl.DataFrame({"shop": shops}), asked, asked)
    assert read.height == len(shops)
    assert read["visits"].unique().to_list() == [3.0]
    assert store.known(TABLE, {"shop": shops[7]}, asked, asked)["visits"] == 3.0


def file_of(store, day):
    return store.root / "features" / "shops" / f"date={day}" / "part.parquet"


def test_nothing_counts_as_built_where_a_file_is_lost(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 1, 6)), {DAY: "x"})
    assert store.lost(TABLE) == ()
    file_of(store, "2013-06-16").unlink()
    assert (store.lost(TABLE), store.fingerprints(TABLE)) == ((str(file_of(store, "2013-06-16")),), {})
    store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    assert (store.lost(TABLE), store.fingerprints(TABLE)) == ((), {DAY: "x"})


def test_a_file_whose_rows_cannot_be_made_again_is_not_asked_for_forever(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 1, 6)), {DAY: "x"})
    file_of(store, "2013-06-16").unlink()
    store.write(TABLE, rows(), {DAY: "x"})
    assert (store.lost(TABLE), store.fingerprints(TABLE)) == ((), {DAY: "x"})


def test_who_is_killed_while_a_lost_file_comes_back_has_built_nothing(store, monkeypatch):
    """The file may have half of its rows then: the other half comes with a later batch."""
    store.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 1, 6)), {DAY: "x"})
    file_of(store, "2013-06-16").unlink()

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("nightjar.adapters.files.feature_tables.compact", killed)
        with pytest.raises(KeyboardInterrupt):
            store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    assert file_of(store, "2013-06-16").exists()
    assert store.fingerprints(TABLE) == {}


def test_a_month_that_was_put_together_has_lost_nothing_until_it_is_gone_itself(store):
    store.write(TABLE, rows(("a", 1, 0, 6), ("a", 2, 1, 6)), {DAY: "x"})
    store.write(TABLE, rows(("a", 3, 20, 6)), {DAY + timedelta(days=20): "y"})
    for file in store.root.glob("features/shops/date=2013-06-??/*"):
        file.unlink()
    assert (store.lost(TABLE), len(store.fingerprints(TABLE))) == ((), 2)
    (month := file_of(store, "2013-06-01..2013-06-30")).unlink()
    assert store.lost(TABLE) == (str(month),)


def test_a_manifest_from_before_files_were_kept_in_it_is_read_and_gets_them(store):
    store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    (store.root / "features" / "shops" / "_manifest.json").write_text(f'{{"{DAY}": "x"}}')
    assert (store.lost(TABLE), store.fingerprints(TABLE)) == ((), {DAY: "x"})
    store.write(TABLE, rows(), {DAY: "y"})
    file_of(store, "2013-06-16").unlink()
    assert store.lost(TABLE) == (str(file_of(store, "2013-06-16")),)


@pytest.mark.parametrize("text", ["{", "[]", '{"built": [], "files": []}', '{"built": {}, "files": ["x"]}'])
def test_a_manifest_that_cannot_be_read_is_named(store, text):
    store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"})
    (manifest := store.root / "features" / "shops" / "_manifest.json").write_text(text)
    with pytest.raises(DamagedFile, match=r"_manifest\.json is damaged: .*Remove it: the next night builds"):
        store.fingerprints(TABLE)
    manifest.unlink()
    assert store.write(TABLE, rows(("a", 1, 0, 6)), {DAY: "x"}) == 0
    assert store.fingerprints(TABLE) == {DAY: "x"}
