"""A file of any size is landed some bytes and some rows at a time, and is held to the same rules."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from nightjar.adapters.deliveries import (
    content,
    csv_records,
    delivered,
    gathering,
    parquet_file,
    sheet,
    whole,
)
from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.gathering import Gathering
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import RawDataset

DAY, NOON = date(2013, 6, 15), datetime(2013, 6, 16, 12, tzinfo=UTC)
ROWS = pl.DataFrame(
    {
        "day": [DAY] * 1000,
        "shop": [f"shop {number // 2} of Süd" for number in range(1000)],
        "till": [number % 2 for number in range(1000)],
        "count": [None if number % 7 else number for number in range(1000)],
    }
)
FORMATS = {"csv": "line", "jsonl": "line", "parquet": "row"}
FIRST = {"csv": 2, "jsonl": 1, "parquet": 1}
"""Where the first row of a file is."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Everything that is bounded is bounded to little."""
    monkeypatch.setattr(content, "BLOCK", 100)
    monkeypatch.setattr(delivered, "BLOCK", 100)
    monkeypatch.setattr(delivered, "AT_HAND", 1000)
    monkeypatch.setattr(sheet, "BATCH_ROWS", 30)
    monkeypatch.setattr(parquet_file, "BATCH_ROWS", 30)
    monkeypatch.setattr(gathering, "AT_HAND", 3000)
    monkeypatch.setattr(whole, "KEYS_AT_ONCE", 300)


def of(form):
    columns = {"day": pl.Date(), "shop": pl.String(), "till": pl.Int64(), "count": pl.Int64()}
    return RawDataset(
        name="sales",
        columns=columns,
        keys=("shop", "till"),
        nullable=frozenset({"count"}),
        day_column="day",
        source=Files(form, {"csv": "trailer", "jsonl": "none", "parquet": "footer"}[form]),
    )


def deliver(rows: pl.DataFrame, form: str, file: Path) -> Path:
    if form == "csv":
        file.write_text(f"{rows.write_csv()}# rows={rows.height}\n")
    elif form == "jsonl":
        rows.write_ndjson(file)
    else:
        rows.write_parquet(file, row_group_size=70)
    return file


def land(rows, form, folder, last=None):
    return RawFiles(folder / "data").land(of(form), DAY, deliver(rows, form, folder / "in"), NOON, last)


def refused(rows, form, folder, last=None):
    with pytest.raises(BadDelivery) as error:
        land(rows, form, folder, last)
    assert not list((folder / "data").rglob("*.parquet")), "nothing of it is kept"
    return error.value.column, error.value.problem, error.value.remedy


@pytest.mark.parametrize("form", FORMATS)
def test_a_large_file_lands_as_it_is_delivered(form, tmp_path):
    assert land(ROWS, form, tmp_path) == "landed"
    assert land(ROWS, form, tmp_path) == "unchanged"
    expected = ROWS.with_columns(date=pl.lit(DAY), recorded_at=pl.lit(NOON, pl.Datetime("us", "UTC")))
    assert_frame_equal(RawFiles(tmp_path / "data").read(of(form), DAY, DAY), expected)


@pytest.mark.parametrize("form", FORMATS)
def test_a_key_that_is_repeated_far_away_is_found_and_the_rows_of_the_first_are_named(form, tmp_path):
    again = [ROWS[17], ROWS[400], ROWS[17], ROWS[3]]
    said = refused(pl.concat([ROWS, *again]), form, tmp_path)
    places = ", ".join(str(FIRST[form] + row) for row in (3, ROWS.height + 3))
    assert said[:2] == ("shop, till", f"{FORMATS[form]}s {places} repeat the key (shop 1 of Süd, 1)")


def test_one_key_in_all_rows_is_refused(tmp_path):
    rows = ROWS.with_columns(shop=pl.lit("the only one"), till=pl.lit(0, pl.Int64))
    assert refused(rows, "csv", tmp_path)[1] == "lines 2, 3, 4 repeat the key (the only one, 0)"


@pytest.mark.parametrize("form", FORMATS)
def test_a_key_may_be_repeated_on_another_day(form, tmp_path):
    tomorrow = DAY + timedelta(days=1)
    rows = pl.concat([ROWS, ROWS.with_columns(day=tomorrow)])
    assert land(rows, form, tmp_path, tomorrow) == "landed"
    assert RawFiles(tmp_path / "data").read(of(form), tomorrow, tomorrow).height == ROWS.height
    (other := tmp_path / "other").mkdir()
    said = refused(pl.concat([rows, ROWS[5]]), form, other, tomorrow)
    assert said[1].endswith("repeat the key (2013-06-15, shop 2 of Süd, 1)")


@pytest.mark.parametrize("form", FORMATS)
def test_a_row_about_another_day_is_named_wherever_it_is(form, tmp_path):
    late = pl.when(pl.int_range(pl.len()).is_in([777, 888])).then(pl.lit(date(2013, 7, 1))).otherwise("day")
    assert refused(ROWS.with_columns(day=late), form, tmp_path) == (
        "day",
        f"{FORMATS[form]} {FIRST[form] + 777} is about 2013-07-01, the file about 2013-06-15",
        "Its rows are about 2013-06-15 to 2013-07-01. If they should be, say both days when you land it.",
    )


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("csv", "line 902 is empty in this column, which must be filled"),
        ("jsonl", "line 901 has no value in this column, which must be filled"),
        ("parquet", "row 901 is null in this column, which must be filled"),
    ],
)
def test_a_value_that_is_wrong_far_down_is_named_with_its_place(form, problem, tmp_path):
    missing = pl.when(pl.int_range(pl.len()) != 900).then("till")
    assert refused(ROWS.with_columns(till=missing), form, tmp_path)[:2] == ("till", problem)


def test_a_file_is_read_in_blocks_and_its_rows_are_held_in_pieces(tmp_path, monkeypatch):
    asked, most = list[int](), list[int]()
    between, take = Content.between, Gathering.take

    def counted_between(self, start, end=None):
        found = between(self, start, end)
        asked.append(len(found))
        return found

    def counted_take(self, rows):
        take(self, rows)
        most.append(sum(int(frame.estimated_size()) for frame in self._at_hand))

    monkeypatch.setattr(Content, "between", counted_between)
    monkeypatch.setattr(Gathering, "take", counted_take)
    file = deliver(ROWS, "csv", tmp_path / "in")
    land(ROWS, "csv", tmp_path)
    assert file.stat().st_size > 20_000
    assert max(asked) <= content.BLOCK
    assert max(most) <= gathering.AT_HAND
    assert len(most) == 1 + ROWS.height // sheet.BATCH_ROWS, "each row is read once"


def test_a_quote_that_is_never_closed_is_not_looked_for_in_the_whole_file(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_records, "MOST_TEXT", 10)
    monkeypatch.setattr(csv_records, "LOOKED_AT", 10)
    file = tmp_path / "in"
    rows = "\n".join(f"{DAY},a{number},0,1" for number in range(20_000))
    file.write_text(f'day,shop,till,count\n{DAY},"open,0,1\n{rows}\n# rows=20001\n')
    with pytest.raises(BadDelivery) as error:
        RawFiles(tmp_path / "data").land(of("csv"), DAY, file, NOON)
    assert error.value.column == "shop"
    assert re.fullmatch(
        r"line 2 holds a text of 13\d,\d{3} characters or more, the limit is 10", error.value.problem
    )
    assert file.stat().st_size > 300_000


def test_a_large_file_that_is_refused_is_kept_as_it_came(tmp_path):
    file = deliver(pl.concat([ROWS, ROWS]), "csv", tmp_path / "in")
    refusal = RawFiles(tmp_path / "data").receive(of("csv"), DAY, file, NOON)
    assert Path(refusal.kept).read_bytes() == file.read_bytes()
    assert RawFiles(tmp_path / "data").receive(of("csv"), DAY, file, NOON) == "refused before"
