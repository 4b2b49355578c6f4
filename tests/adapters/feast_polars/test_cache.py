"""What is kept between retrievals at one instant: never out of date, made once, bounded."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Barrier, Lock
from time import sleep

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from nightjar.adapters.feast_polars.cache import Cache
from nightjar.adapters.feast_polars.joining import SNAPSHOTS

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
UTC_US = pl.Datetime("us", "UTC")


@dataclass
class Thing:
    value: object
    size: int = 1


def rows(*values):
    return pl.DataFrame(
        values, schema={"k": pl.Int64, "ts": UTC_US, "created": UTC_US, "v": pl.Int64}, orient="row"
    )


def ask(*keys, at=NOON):
    return pl.DataFrame({"k": keys}, schema={"k": pl.Int64}).with_columns(
        event_timestamp=pl.lit(at, dtype=UTC_US)
    )


def values(job):
    return job.to_polars()["v"].to_list()


@pytest.fixture(autouse=True)
def empty():
    SNAPSHOTS.clear()


def test_a_part_that_finds_the_answer_opens_no_file(view, retrieve, monkeypatch):
    features = view(rows((1, NOON, NOON, 1)))
    assert values(retrieve(features, ask(1), cache_mb=1)) == [1]
    monkeypatch.setattr(pl, "scan_parquet", None)
    assert values(retrieve(features, ask(1, 1), cache_mb=1)) == [1, 1]


def test_the_parts_of_a_night_read_their_files_once(view, retrieve, in_repo):
    history = rows((1, NOON, NOON, 1), (2, NOON - HOUR, NOON, 2), (2, NOON, NOON + HOUR, 3))
    features = view(history)
    file = in_repo / features.batch_source.path
    assert values(retrieve(features, ask(1, 9), cache_mb=1)) == [1, None]
    before = file.stat()
    history.with_columns(v=pl.Series([9, 8, 7])).write_parquet(
        file
    )  # so that whoever reads it again is found out
    assert file.stat().st_size == before.st_size
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert values(retrieve(features, ask(2, 1, None), cache_mb=1)) == [2, 1, None]
    assert pl.concat(retrieve(features, ask(2, 1, 2), cache_mb=1).iter_batches(2))["v"].to_list() == [2, 1, 2]
    assert values(retrieve(features, ask(2, at=NOON + HOUR), cache_mb=1)) == [7]
    assert values(retrieve(features, ask(2))) == [8]


def test_the_parts_of_a_night_that_is_scored_again_open_no_file_either(view, retrieve, monkeypatch):
    features = view(
        rows(
            (1, NOON - HOUR, NOON - HOUR, 1),
            (1, NOON - HOUR, NOON + HOUR, 2),
            (2, NOON - HOUR, NOON - HOUR, 3),
            (2, NOON, NOON + HOUR, 4),
        )
    )
    asked = ask(1, 2, None).with_columns(known_at=pl.lit(NOON + 2 * HOUR, dtype=UTC_US))
    again = {"cache_mb": 1, "corrections_only": True}
    assert values(retrieve(features, asked, **again)) == [2, 3, None]
    monkeypatch.setattr(pl, "scan_parquet", None)
    assert values(retrieve(features, asked.reverse(), **again)) == [None, 3, 2]


def test_a_file_that_changed_comes_or_goes_is_noticed(view, retrieve, in_repo):
    folder = in_repo / "changing"
    folder.mkdir()
    features = view(rows(), path="changing")

    def seen():
        return values(retrieve(features, ask(1), cache_mb=1))

    assert seen() == [None]
    for value in (1, 2):
        rows((1, NOON, NOON, value)).write_parquet(folder / f"{value}.parquet")
        assert seen() == [value]
    rows((1, NOON, NOON, 3)).write_parquet(folder / "2.parquet")
    assert seen() == [3]
    (folder / "2.parquet").unlink()
    assert seen() == [1]


def test_nothing_is_kept_that_is_larger_than_allowed_and_nothing_by_default(view, retrieve):
    keys = pl.DataFrame({"k": range(200_000)})
    features = view(keys.with_columns(ts=pl.lit(NOON, UTC_US), created=pl.lit(NOON, UTC_US), v=pl.col("k")))
    asked = ask(*range(10))
    retrieve(features, asked).to_polars()
    assert SNAPSHOTS.size == 0
    retrieve(features, asked, cache_mb=1).to_polars()
    assert SNAPSHOTS.size == 0
    retrieve(features, asked, cache_mb=100).to_polars()
    assert 1_000_000 < SNAPSHOTS.size < 100_000_000


keys = st.integers(1, 3)
hours = st.integers(0, 6).map(lambda hour: NOON + hour * HOUR)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=st.lists(st.tuples(keys, hours, hours, st.integers()), max_size=20),
    asked=st.lists(st.tuples(hours, st.one_of(st.none(), hours)), min_size=1, max_size=4),
    ttl=st.integers(0, 4),
    switches=st.tuples(st.booleans(), st.booleans()),
)
@example(
    history=[(1, NOON, NOON, 1), (2, NOON, NOON + HOUR, 2)],
    asked=[(NOON, NOON + HOUR)],
    ttl=0,
    switches=(False, True),
)
def test_what_is_kept_answers_as_what_is_read(view, retrieve, history, asked, ttl, switches):
    features = view(rows(*((k, ts, created, v % 100) for k, ts, created, v in history)), ttl=ttl * HOUR)
    for at, until in asked * 2:
        entities = ask(3, 1, 4, 2, 1, at=at)
        entities = entities.with_columns(known_at=pl.lit(until, dtype=UTC_US)) if until else entities
        how = {"as_known_at": switches[0], "corrections_only": switches[1]}
        assert values(retrieve(features, entities, cache_mb=10, **how)) == values(
            retrieve(features, entities, **how)
        )


def test_a_key_that_was_first_recorded_later_takes_no_values_from_another_one(view, retrieve):
    features = view(
        rows((1, NOON, NOON, 10), (2, NOON, NOON + HOUR, 20), (3, NOON, NOON, 30)), ttl=timedelta(hours=1)
    )
    entities = ask(1, 2, 3, at=NOON).with_columns(known_at=pl.lit(NOON + HOUR, dtype=UTC_US))
    for _ in range(2):
        assert values(retrieve(features, entities, cache_mb=10, corrections_only=True)) == [10, None, 30]


def test_threads_that_ask_for_one_value_wait_for_the_one_that_makes_it():
    cache, made, all_here = Cache(), [], Barrier(8)

    def make():
        sleep(0.05)
        made.append(1)
        return Thing(7)

    def get(_):
        all_here.wait()
        return cache.get("key", make, 10).value

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(get, range(8))) == [7] * 8
    assert made == [1]


def test_a_value_that_could_not_be_made_is_tried_again():
    cache = Cache()
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: Thing(1 / 0), 10)
    assert cache.get("key", lambda: Thing(1), 10).value == 1


def test_the_least_recently_used_goes_first():
    cache, made = Cache(), []

    def get(key):
        return cache.get(key, lambda: made.append(key) or Thing(key, 4), 10).value

    for key in ("a", "b", "a", "c", "a", "b"):
        assert get(key) == key
    assert made == ["a", "b", "c", "b"]
    assert cache.size == 8


def test_many_threads_and_keys_never_meet_a_wrong_value_nor_more_than_allowed():
    cache, lock, largest = Cache(), Lock(), []

    def get(number):
        key = number % 13
        assert cache.get(key, lambda: Thing(key, 3), 12).value == key
        with lock:
            largest.append(cache.size)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(get, range(2_000)))
    assert cache.size <= 12
    assert max(largest) <= 12 + 8 * 3
