"""The small daily files of past months are put together, and no reader sees a difference."""

import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightjar.adapters.files import compaction
from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.errors.inputs import DamagedFile
from nightjar.core.model.generations import FIRST as FIRST_ONE
from nightjar.core.model.generations import Generation
from nightjar.testing.memory import MemoryFeatureFiles
from tests.adapters.files.test_feature_tables import TABLE as SHOPS

FIRST = datetime(2013, 1, 1, 4, tzinfo=UTC)
INSTANT = pl.Datetime("us", "UTC")
TABLE = replace(SHOPS, ttl=timedelta(days=400))
JANUARY, FEBRUARY = "date=2013-01-01..2013-01-31", "date=2013-02-01..2013-02-28"


def rows(*facts):
    """(shop, visits, days after FIRST, hours until it was recorded)"""
    data = [
        (shop, visits, at := FIRST + timedelta(days=days), at + timedelta(hours=hours))
        for shop, visits, days, hours in facts
    ]
    kinds = {"shop": pl.String, "visits": pl.Float64, "event_timestamp": INSTANT, "created": INSTANT}
    return pl.DataFrame(data, schema=kinds, orient="row")


@pytest.fixture
def store(tmp_path):
    """Its first generation is read already."""
    found = FeatureDirectory(tmp_path)
    found.use(TABLE, Generation(FIRST_ONE, "recipe"))
    return found


def folder(store):
    return store.root / "features" / "shops"


def names(store):
    return [file.parent.name for _, file in reversed(store.files(TABLE))]


def read(store):
    return pl.concat(
        pl.read_parquet(file, hive_partitioning=False) for _, file in reversed(store.files(TABLE))
    )


def daily(first, last):
    return rows(*(("a", day, day, 6) for day in range(first, last + 1)))


def test_months_before_that_of_the_newest_day_become_one_file_each(store):
    store.write(TABLE, daily(0, 60), {})
    assert names(store) == [JANUARY, FEBRUARY, "date=2013-03-01", "date=2013-03-02"]
    assert read(store).equals(daily(0, 60))


def test_the_month_of_the_newest_day_stays_in_days_until_the_next_one_begins(store):
    for day in range(31):
        store.write(TABLE, daily(day, day), {})
    assert len(names(store)) == 31
    store.write(TABLE, daily(31, 31), {})
    assert names(store) == [JANUARY, "date=2013-02-01"]


def test_a_correction_of_a_past_month_lies_in_its_file_and_is_what_is_read(store):
    store.write(TABLE, daily(0, 31), {})
    assert store.write(TABLE, rows(("a", 77, 3, 2000), ("a", 3, 3, 6)), {}) == 1
    as_of = FIRST + timedelta(days=3, hours=6)
    known = store.known(TABLE, {"shop": "a"}, as_of, FIRST + timedelta(days=99))
    assert known
    assert known["visits"] == 77
    assert names(store) == [JANUARY, "date=2013-02-01"]
    assert read(store).height == 33


def test_a_day_that_comes_late_joins_its_month(store):
    store.write(TABLE, daily(0, 5), {})
    store.write(TABLE, daily(31, 31), {})
    store.write(TABLE, daily(9, 9), {})
    assert names(store) == [JANUARY, "date=2013-02-01"]
    assert read(store)["visits"].to_list() == [0, 1, 2, 3, 4, 5, 9, 31]


def test_daily_files_stay_for_those_who_listed_them_and_go_a_day_later(store):
    store.write(TABLE, daily(0, 31), {})
    (folder(store) / "date=2013-01-05" / "pushed.parquet").write_text("by somebody else")
    store.write(TABLE, daily(32, 32), {})
    assert len([*folder(store).glob("date=*/part.parquet")]) == 1 + 31 + 2
    yesterday = (datetime.now(UTC) - 2 * compaction.STILL_READ).timestamp()
    os.utime(folder(store) / JANUARY / "part.parquet", (yesterday, yesterday))
    store.write(TABLE, daily(33, 33), {})
    left = sorted(path.name for path in folder(store).glob("date=*"))
    assert left == [JANUARY, "date=2013-01-05", "date=2013-02-01", "date=2013-02-02", "date=2013-02-03"]
    assert [path.name for path in (folder(store) / "date=2013-01-05").iterdir()] == ["pushed.parquet"]


def test_a_generation_that_nobody_reads_yet_keeps_no_daily_files(store):
    store.write(TABLE, daily(0, 60), {}, "_two")
    left = sorted(path.name for path in (folder(store) / "_two").iterdir())
    assert left == [JANUARY, FEBRUARY, "date=2013-03-01", "date=2013-03-02"]


@pytest.mark.parametrize("made", ["folder", "draft"])
def test_a_month_whose_file_was_never_finished_hides_nothing(store, monkeypatch, made):
    def killed(_rows, path):
        path.parent.mkdir(parents=True)
        if made == "draft":
            (path.parent / ".part.parquet.0").write_text("half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(compaction, "write_parquet", killed)
        with pytest.raises(KeyboardInterrupt):
            store.write(TABLE, daily(0, 31), {})
    assert read(store).equals(daily(0, 31))
    assert store.write(TABLE, daily(0, 31), {}) == 0
    assert names(store) == [JANUARY, "date=2013-02-01"]
    assert read(store).equals(daily(0, 31))


def test_a_large_month_stays_in_days(store, monkeypatch):
    monkeypatch.setattr(compaction, "SMALL", 1000)
    store.write(TABLE, daily(0, 31), {})
    assert len(names(store)) == 32


def test_a_damaged_day_is_named(store):
    store.write(TABLE, daily(0, 5), {})
    (folder(store) / "date=2013-01-03" / "part.parquet").write_text("rubbish")
    with pytest.raises(DamagedFile, match="date=2013-01-03"):
        store.write(TABLE, daily(31, 31), {})


FACTS = st.lists(
    st.tuples(
        st.sampled_from("ab"), st.sampled_from([None, 1.0, 2.0]), st.integers(0, 70), st.integers(1, 2000)
    ),
    min_size=1,
    max_size=8,
)


@given(writes=st.lists(FACTS, min_size=1, max_size=5), day=st.integers(0, 75), hours=st.integers(0, 2400))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_written_each_question_has_the_answer_of_the_twin_in_memory(
    tmp_path_factory, writes, day, hours
):
    store, twin = FeatureDirectory(tmp_path_factory.mktemp("features")), MemoryFeatureFiles()
    for facts in writes:
        timed = {(shop, days, late): visits for shop, visits, days, late in facts}
        written = rows(*((shop, visits, days, late) for (shop, days, late), visits in timed.items()))
        assert store.write(TABLE, written, {}) == twin.write(TABLE, written, {})
    at = FIRST + timedelta(days=day)
    assert store.newest(TABLE, at + timedelta(hours=hours)) == twin.newest(TABLE, at + timedelta(hours=hours))
    order = ["event_timestamp", "shop", "created"]
    assert read(store).sort(order).equals(twin.rows(TABLE).sort(order))
