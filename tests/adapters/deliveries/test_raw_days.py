import os
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.adapters.deliveries import raw_days
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import BadDelivery, DamagedFile, DeliveriesLost
from nightjar.core.model.spec import RawDataset
from nightjar.core.parquet import sink_parquet
from nightjar.testing.counting import counted

DAY = date(2013, 6, 15)
NOON = datetime(2013, 6, 16, 12, tzinfo=UTC)
VISITS = RawDataset(
    name="visits",
    columns={
        "day": pl.Date(),
        "shop": pl.String(),
        "count": pl.Int64(),
        "rain": pl.Float64(),
        "open": pl.Boolean(),
        "at": pl.Datetime("us", "UTC"),
    },
    keys=("shop",),
    nullable=frozenset({"count", "rain"}),
    day_column="day",
)
HEADER = "day,shop,count,rain,open,at"
ROWS = ("2013-06-15,north,12,0.5,true,2013-06-15T09:30:00Z", "2013-06-15,south,,,false,2013-06-15T10:00:00Z")


@pytest.fixture
def raw(tmp_path):
    return RawFiles(tmp_path / "data")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "visits.csv"


def whole(*rows, header=HEADER):
    return "\n".join([header, *rows, f"# rows={len(rows)}\n"])


def land(raw, file, text, recorded_at=NOON, day=DAY):
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return raw.land(VISITS, day, file, recorded_at)


def test_a_landed_day_is_read_back_with_its_types_date_and_recorded_at(raw, file):
    assert land(raw, file, whole(*ROWS)) == "landed"
    expected = pl.DataFrame(
        {
            "day": [DAY, DAY],
            "shop": ["north", "south"],
            "count": [12, None],
            "rain": [0.5, None],
            "open": [True, False],
            "at": [datetime(2013, 6, 15, 9, 30, tzinfo=UTC), datetime(2013, 6, 15, 10, tzinfo=UTC)],
            "date": [DAY, DAY],
            "recorded_at": [NOON, NOON],
        },
        schema={**VISITS.columns, "date": pl.Date(), "recorded_at": pl.Datetime("us", "UTC")},
    )
    assert_frame_equal(raw.read(VISITS, DAY, DAY), expected)


def test_a_file_recorded_now_is_there_before_its_instant_however_slow_the_disk(raw, file, monkeypatch):
    """Or a repair that counts what is recorded by now could miss it, and no later one would look for it."""

    def slow_at_first(rows, file):
        monkeypatch.setattr(raw_days, "sink_parquet", sink_parquet)
        time.sleep(1 - time.time() % 1)
        sink_parquet(rows, file)

    monkeypatch.setattr(raw_days, "MARGINS_S", (0, 0.3, 1))
    monkeypatch.setattr(raw_days, "sink_parquet", slow_at_first)
    assert land(raw, file, whole(*ROWS), None) == "landed"
    [recorded] = raw.recorded("visits")[DAY]
    [kept] = (raw.root / "raw" / "visits" / f"date={DAY}").iterdir()
    assert kept.stat().st_ctime < recorded.timestamp() <= time.time()
    assert land(raw, file, whole(ROWS[0]), recorded + timedelta(seconds=1)) == "corrected"
    assert land(raw, file, whole(ROWS[1]), None) == "corrected", (
        "an instant that is taken is no reason to refuse it"
    )


def test_landing_the_same_content_twice_changes_nothing(raw, file):
    land(raw, file, whole(*ROWS))
    before = raw.days("visits")
    assert land(raw, file, whole(*ROWS), NOON + timedelta(days=1)) == "unchanged"
    assert land(raw, file, whole(*ROWS), NOON - timedelta(days=1)) == "unchanged"
    assert raw.days("visits") == before
    assert raw.recorded("visits") == {DAY: (NOON,)}


def test_a_correction_is_kept_beside_the_first_delivery(raw, file):
    later = NOON + timedelta(hours=1)
    land(raw, file, whole(*ROWS))
    before = raw.days("visits")
    assert land(raw, file, whole(ROWS[0]), later) == "corrected"
    assert raw.days("visits") != before
    assert (
        raw.recorded("visits")
        == raw.recorded("visits", [DAY, DAY + timedelta(days=1)])
        == {DAY: (NOON, later)}
    )
    assert raw.recorded("visits", [DAY + timedelta(days=1)]) == {}
    assert raw.read(VISITS, DAY, DAY, known_at=later - timedelta(seconds=1)).height == 2
    assert raw.read(VISITS, DAY, DAY, known_at=later).height == 1
    assert raw.read(VISITS, DAY, DAY).height == 1


def test_a_correction_may_restore_the_first_content(raw, file):
    for hours, rows in enumerate((ROWS, ROWS[:1], ROWS)):
        assert land(raw, file, whole(*rows), NOON + timedelta(hours=hours)) != "unchanged"
    assert raw.read(VISITS, DAY, DAY).height == 2


def test_nothing_is_known_before_it_was_recorded(raw, file):
    land(raw, file, whole(*ROWS), NOON.replace(microsecond=1))
    assert raw.read(VISITS, DAY, DAY, known_at=NOON).is_empty()
    assert raw.read(VISITS, DAY, DAY, known_at=NOON + timedelta(seconds=1)).height == 2


def test_days_that_never_landed_give_an_empty_frame_of_the_right_schema(raw, file):
    empty = raw.read(VISITS, DAY, DAY)
    land(raw, file, whole(*ROWS))
    assert empty.schema == raw.read(VISITS, DAY, DAY).schema
    assert empty.is_empty()
    assert raw.days("unheard_of") == {}


def test_only_the_days_asked_for_are_read(raw, file):
    for n in range(3):
        day = DAY + timedelta(days=n)
        land(raw, file, whole(*ROWS).replace(f"{DAY},", f"{day},"), day=day)
    assert raw.read(VISITS, DAY + timedelta(days=1), DAY + timedelta(days=5))["date"].unique().to_list() == [
        DAY + timedelta(days=n) for n in (1, 2)
    ]


BROKEN = {
    "a file that was cut off": (whole(*ROWS)[:60], None, "is truncated"),
    "a wrong value": (
        whole(ROWS[0].replace("12", "many")),
        "count",
        "line 2 holds 'many', which is not an Int64",
    ),
    "a repeated key": (
        whole(ROWS[0], ROWS[1].replace("south", "north")),
        "shop",
        "lines 2, 3 repeat the key (north)",
    ),
    "a file of another day": (
        whole(ROWS[0].replace("2013-06-15,", "2013-06-14,")),
        "day",
        "line 2 is about 2013-06-14",
    ),
    "a file that is too large": (whole(*ROWS) * 99, None, "has 13,167 bytes, the limit is 9,999"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_is_refused_and_what_was_there_stays(raw, file, what):
    text, column, problem = BROKEN[what]
    land(raw, file, whole(*ROWS))
    before = raw.read(VISITS, DAY, DAY)
    with pytest.raises(BadDelivery) as refused:
        land(replace(raw, most_bytes=9_999), file, text, NOON + timedelta(days=1))
    assert refused.value.column == column
    assert str(file) in str(refused.value)
    assert problem in str(refused.value)
    assert_frame_equal(raw.read(VISITS, DAY, DAY), before)
    assert raw.recorded("visits") == {DAY: (NOON,)}
    assert raw.refused("visits") == ()


@pytest.mark.timeout(10)
def test_what_lies_in_the_place_of_a_kept_day_and_is_no_file_is_damage(raw, file):
    land(raw, file, whole(*ROWS))
    [kept] = (raw.root / "raw" / "visits" / f"date={DAY}").iterdir()
    kept.unlink()
    os.mkfifo(kept)
    with pytest.raises(DamagedFile, match="it is no regular file"):
        raw.read(VISITS, DAY, DAY)


def test_a_damaged_day_is_named_before_its_rows_are_streamed(raw, file):
    land(raw, file, whole(*ROWS))
    assert_frame_equal(raw.scan(VISITS, DAY, DAY).collect(), raw.read(VISITS, DAY, DAY))
    [kept] = (raw.root / "raw" / "visits" / f"date={DAY}").iterdir()
    kept.write_bytes(kept.read_bytes()[:-20])
    with pytest.raises(DamagedFile, match=kept.name):
        raw.scan(VISITS, DAY, DAY)


def test_of_some_days_only_their_folders_are_listed(raw, file):
    days = [DAY + timedelta(days=number) for number in range(9)]
    for day in days:
        land(raw, file, whole(*(row.replace("2013-06-15", str(day)) for row in ROWS)), day=day)
    with counted() as work:
        assert raw.recorded("visits", days[3:5]) == dict.fromkeys(days[3:5], (NOON,))
        assert raw.recorded("visits", []) == {}
    listed = {Path(folder).name for folder in work.listed}
    assert listed & {f"date={day}" for day in days} == {f"date={day}" for day in days[3:5]}


def test_a_store_that_lists_once_looks_into_each_folder_once_and_sees_nothing_that_lands_later(raw, file):
    day, later = DAY, DAY + timedelta(days=1)
    land(raw, file, whole(*ROWS))
    steady = raw.listed_once()
    with counted() as work:
        first = steady.read(VISITS, day, later)
        land(raw, file, whole(*(row.replace("2013-06-15", str(later)) for row in ROWS)), day=later)
        assert steady.recorded("visits", [day, later]) == {day: (NOON,)}
        assert_frame_equal(steady.read(VISITS, day, later), first)
    assert [Path(folder).name for folder in work.listed].count(f"date={day}") == 1
    assert raw.recorded("visits", [day, later]).keys() == {day, later}


def test_a_file_that_is_lost_after_it_was_listed_is_missed(raw, file):
    land(raw, file, whole(*ROWS))
    steady = raw.listed_once()
    assert steady.recorded("visits").keys() == {DAY}
    for path in (raw.root / "raw").rglob("*.parquet"):
        path.unlink()
    with pytest.raises(DeliveriesLost):
        steady.read(VISITS, DAY, DAY)


def test_two_contents_recorded_at_one_instant_are_refused(raw, file):
    land(raw, file, whole(*ROWS))
    with pytest.raises(BadDelivery, match="later instant"):
        land(raw, file, whole(ROWS[0]))


def test_a_failed_write_leaves_neither_file_nor_draft(raw, file, monkeypatch):
    def disk_full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("nightjar.adapters.files.atomic.os.fsync", disk_full)
        with pytest.raises(OSError, match="No space"):
            land(raw, file, whole(*ROWS))
    assert [path for path in raw.root.rglob("*") if path.is_file()] == []
    assert land(raw, file, whole(*ROWS)) == "landed"


def test_windows_line_ends_are_read(raw, file):
    assert land(raw, file, whole(*ROWS).replace("\n", "\r\n")) == "landed"
    assert raw.read(VISITS, DAY, DAY)["shop"].to_list() == ["north", "south"]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1)


@given(
    rows=st.lists(
        st.tuples(
            TEXT,
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
            st.booleans(),
            st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(
                lambda t: t.replace(microsecond=0, tzinfo=UTC)
            ),
        ),
        min_size=1,
        unique_by=lambda row: row[0],
    )
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_written_as_csv_are_read_back_unchanged(tmp_path_factory, rows):
    folder: Path = tmp_path_factory.mktemp("raw")
    frame = pl.DataFrame([(DAY, *row) for row in rows], schema=VISITS.columns, orient="row")
    text = frame.write_csv(datetime_format="%Y-%m-%dT%H:%M:%SZ") + f"# rows={len(rows)}\n"
    store = RawFiles(folder)
    assert land(store, folder / "in.csv", text) == "landed"
    assert_frame_equal(store.read(VISITS, DAY, DAY).select(list(VISITS.columns)), frame, check_exact=True)


def test_the_instant_of_a_file_is_that_of_the_delivery_beside_which_it_is_no_news(tmp_path):
    raw, hour = RawFiles(tmp_path / "data"), timedelta(hours=1)
    at = datetime(2013, 6, 16, 12, tzinfo=UTC)

    def file(shop):
        path = tmp_path / f"{shop}.csv"
        path.write_text(f"shop\n{shop}\n# rows=1\n")
        return path

    dataset = RawDataset(name="shops", columns={"shop": pl.String()}, keys=("shop",))
    for n, shop in enumerate(("north", "south", "north")):
        raw.land(dataset, DAY, file(shop), at + n * hour)
    asked = {n: raw.recorded_as(dataset, DAY, file("north"), at + n * hour) for n in (-1, 0, 0.5, 1.5, 3)}
    assert asked == {-1: at, 0: at, 0.5: at, 1.5: at + 2 * hour, 3: at + 2 * hour}
    assert raw.recorded_as(dataset, DAY, file("north")) == at + 2 * hour
    assert raw.recorded_as(dataset, DAY, file("west")) is None
    for n in asked:
        assert raw.land(dataset, DAY, file("north"), at + n * hour) == "unchanged"
