"""The same rows in every format land alike, and a file that is not as it should be is refused by name."""

import errno
import io
import json
import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from nightjar.adapters.deliveries import parquet_file
from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.deliveries.reading import parse
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.model.sources import PROOFS, Files
from nightjar.core.model.spec import RawDataset

DAY, NOON = date(2013, 6, 15), datetime(2013, 6, 16, 12, tzinfo=UTC)
VISITS = RawDataset(
    name="visits",
    columns={
        "day": pl.Date(),
        "shop": pl.String(),
        "count": pl.Int32(),
        "rain": pl.Float64(),
        "open": pl.Boolean(),
        "at": pl.Datetime("us", "UTC"),
    },
    keys=("shop",),
    nullable=frozenset({"count", "rain"}),
    day_column="day",
)
ROWS = pl.DataFrame(
    {
        "day": [DAY, DAY],
        "shop": ["north, 5th", 'so\n"uth"'],
        "count": [12, None],
        "rain": [0.1, None],
        "open": [True, False],
        "at": [datetime(2013, 6, 15, 9, 30, tzinfo=UTC), datetime(2013, 6, 15, 10, tzinfo=UTC)],
    },
    schema=VISITS.columns,
)
FORMATS = sorted(PROOFS)
UNITS = {"csv": ("line", 2), "jsonl": ("line", 1), "parquet": ("row", 1)}
"""What is counted in a file, and where its first row is."""
IN_JSON = [
    (
        '{"day": "2013-06-15", "shop": "north", "count": 12, "rain": 1, "open": true, '
        '"at": "2013-06-15T09:30:00Z"}'
    ),
    '{"shop": "south", "day": "2013-06-15", "rain": null, "open": false, "at": "2013-06-15T10:00:00Z"}',
]


def written(rows, form):
    """What a feed of this format sends, with a trailer in a CSV."""
    if form == "csv":
        return f"{rows.write_csv(datetime_format='%Y-%m-%dT%H:%M:%SZ')}# rows={rows.height}\n".encode()
    if form == "jsonl":
        instants = rows.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
        return instants.write_ndjson().encode()
    buffer = io.BytesIO()
    rows.write_parquet(buffer)
    return buffer.getvalue()


def of(form, whole=None):
    return replace(VISITS, source=Files(form, whole or ("none" if form == "jsonl" else None)))


def read(content, form="jsonl"):
    content = Content.of(content if isinstance(content, bytes) else content.encode())
    return parse(content, of(form), (DAY, DAY), Path(f"in.{form}"), Path("unused")).collect()


def refused(content, form="jsonl"):
    with pytest.raises(BadDelivery) as error:
        read(content, form)
    return error.value.column, error.value.problem


@pytest.mark.parametrize("form", FORMATS)
def test_the_same_rows_land_alike_in_every_format(form, tmp_path):
    raw, file = RawFiles(tmp_path), tmp_path / f"in.{form}"
    file.write_bytes(written(ROWS, form))
    assert raw.land(of(form), DAY, file, NOON) == "landed"
    assert raw.land(of(form), DAY, file, NOON + timedelta(hours=1)) == "unchanged"
    expected = ROWS.with_columns(date=pl.lit(DAY), recorded_at=pl.lit(NOON, pl.Datetime("us", "UTC")))
    assert_frame_equal(raw.read(of(form), DAY, DAY), expected)


@pytest.mark.parametrize("form", FORMATS)
def test_faults_of_rows_are_named_in_every_format(form):
    unit, first = UNITS[form]
    twice = pl.concat([ROWS.head(1), ROWS.head(1)])
    assert refused(written(twice, form), form) == (
        "shop",
        f"{unit}s {first}, {first + 1} repeat the key (north, 5th)",
    )
    tomorrow = ROWS.with_columns(day=DAY + timedelta(days=1))
    about = f"{unit} {first} is about 2013-06-16, the file about 2013-06-15"
    assert refused(written(tomorrow, form), form) == ("day", about)
    assert refused(written(ROWS.head(0), form) or b"\n", form)[1].startswith(("holds no rows", "is empty"))
    assert refused(written(ROWS.drop("shop"), form), form)[0] == "shop"
    assert refused(written(ROWS.with_columns(odd=1), form), form)[0] in {"odd", None}


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_of_another_format_is_named_as_what_it_is(form):
    for other in FORMATS:
        if other != form:
            said = " ".join(filter(None, refused(written(ROWS, other), form)))
            assert {"csv": "day", "jsonl": "JSON", "parquet": "Parquet"}[form] in said or "is Parquet" in said
            assert "byte" not in said


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        (
            "{",
            None,
            "line 2 is not JSON: Expecting property name enclosed in double quotes at character 2: '{'",
        ),
        ("[1]", None, "line 2 holds [1], which is no object"),
        ("", None, "line 2 is blank"),
        ('{"shop": "a", "shop": "b"}', None, "line 2 names 'shop' twice"),
        ('{"shop": "a", "odd": 1}', "odd", "line 2 has this name, which is not a column of visits"),
        ('{"shop": "a", "": 1}', "", "line 2 has this name, which is not a column of visits"),
        ("[" * 100_000, None, "line 2 is not JSON: it is nested too deeply"),
        (
            IN_JSON[1].replace('"shop": "south", ', ""),
            "shop",
            "line 2 has no value in this column, which must be filled",
        ),
        (
            IN_JSON[1].replace("null", '"1.5"'),
            "rain",
            'line 2 holds "1.5", which is not a number, without quotes',
        ),
        (IN_JSON[1].replace("null", "NaN"), "rain", "line 2 holds NaN, which is not a finite Float64"),
        (
            IN_JSON[1].replace("null", "1e999"),
            "rain",
            "line 2 holds 1e999, which Float64 cannot hold: it is too large",
        ),
        (IN_JSON[0].replace("12", "3000000000"), "count", "line 2 holds 3000000000, which Int32 cannot hold"),
        (IN_JSON[0].replace("12", "12.0"), "count", "line 2 holds 12.0, which is not an Int32"),
        (
            IN_JSON[1].replace("false", "0"),
            "open",
            "line 2 holds 0, which is not true or false, without quotes",
        ),
        (IN_JSON[1].replace('"south"', "7"), "shop", "line 2 holds 7, which is not a text in quotes"),
        (
            IN_JSON[1].replace("south", "so\\u0000uth"),
            "shop",
            'line 2 holds "so\\u0000uth", which is not a text',
        ),
        (
            IN_JSON[1].replace("south", "\\ud800"),
            "shop",
            'line 2 holds "\\ud800", which is not a text in quotes',
        ),
        (
            IN_JSON[1].replace("2013-06-15T", "2013-02-30T"),
            "at",
            'line 2 holds "2013-02-30T10:00:00Z", which is no day',
        ),
    ],
)
def test_a_json_line_that_is_wrong_is_refused_with_its_line_column_and_value(line, column, problem):
    found, said = refused(f"{IN_JSON[0].replace('north', 'west')}\n{line}\n")
    assert found == column
    assert said.startswith(problem), said


def test_a_json_line_may_leave_out_what_is_unknown_and_be_the_last_without_a_line_end():
    assert read("\r\n".join(IN_JSON))["count"].to_list() == [12, None]


@pytest.mark.parametrize(
    ("change", "column", "problem"),
    [
        ({"count": pl.Series([1.0, 2.0])}, "count", "holds Float64, which is not Int32"),
        ({"count": pl.Series([1, 2**40])}, "count", "row 2 holds 1099511627776, which Int32 cannot hold"),
        ({"rain": pl.Series([0.5, float("nan")])}, "rain", "row 2 holds nan, which is not a finite number"),
        (
            {"rain": pl.Series([1, 2**53 + 1])},
            "rain",
            "row 2 holds 9007199254740993, which Float64 cannot hold",
        ),
        (
            {"at": pl.Series([datetime(2013, 6, 15)] * 2)},
            "at",
            "holds Datetime(time_unit='us', time_zone=None)",
        ),
        ({"shop": pl.Series(["a", None])}, "shop", "row 2 is null in this column, which must be filled"),
        ({"shop": pl.Series(["a", "b\0"])}, "shop", "row 2 holds a NUL character"),
        ({"shop": pl.Series([[1], [2]])}, "shop", "holds List(Int64), which is not String"),
        ({"open": pl.Series([0, 1])}, "open", "holds Int64, which is not Boolean"),
        ({"odd": pl.Series([0, 1])}, "odd", "is not a column of visits"),
        (
            {"day": pl.Series([0, 10**8]).cast(pl.Int32).cast(pl.Date)},
            "day",
            "row 2 is before the year 1 or after",
        ),
        (
            {"at": pl.Series([0, -(10**18)]).cast(pl.Datetime("us", "UTC"))},
            "at",
            "row 2 is before the year 1 or after",
        ),
    ],
)
def test_a_parquet_column_that_would_change_its_values_is_refused(change, column, problem):
    found, said = refused(written(ROWS.with_columns(**change), "parquet"), "parquet")
    assert found == column
    assert said.startswith(problem), said


def test_a_parquet_column_of_another_type_with_the_same_values_is_taken():
    other = ROWS.select(
        pl.col("at").dt.convert_time_zone("Asia/Tokyo").dt.cast_time_unit("ns"),
        pl.col("shop").cast(pl.Categorical),
        pl.col("count").cast(pl.Int64),
        pl.col("rain").cast(pl.Decimal(10, 2)),
        "open",
        "day",
    )
    assert_frame_equal(read(written(other, "parquet"), "parquet"), ROWS)


@pytest.mark.parametrize("zone", ["+05:30", "Asia/Tokyo", "\x7fTC"])
@pytest.mark.parametrize("ignored", [True, False])
def test_instants_of_a_parquet_file_are_read_whatever_zone_it_names(zone, ignored, monkeypatch):
    """With or without what the features' reader sets, so in every process alike."""
    name = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR"
    monkeypatch.setenv(name, "1") if ignored else monkeypatch.delenv(name, raising=False)
    instants = pa.timestamp("us", zone)
    table = pq.read_table(io.BytesIO(written(ROWS, "parquet")))
    place = table.schema.get_field_index("at")
    pq.write_table(table.set_column(place, "at", table["at"].cast(instants)), buffer := io.BytesIO())
    assert_frame_equal(read(buffer.getvalue(), "parquet"), ROWS)


@settings(max_examples=150, deadline=None)
@example(at=3141, byte=128, cut=False)
@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.booleans())
def test_a_damaged_parquet_file_is_read_or_refused_and_nothing_else(at, byte, cut):
    content = bytearray(written(ROWS, "parquet"))
    at %= len(content)
    content[at] = byte
    try:
        rows = read(bytes(content[:at] if cut else content), "parquet")
    except BadDelivery:
        return
    assert rows.schema == VISITS.columns


class Failing(io.BytesIO):
    """A copy on a disk that fails after the first bytes."""

    def read(self, size=-1):
        if 0 <= size < 100:
            return super().read(size)
        raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("form", FORMATS)
def test_a_disk_that_fails_is_no_fault_of_the_file(form):
    content = written(pl.concat([ROWS] * 20), form)
    with pytest.raises(OSError, match="Input/output error"):
        parse(replace(Content.of(content), file=Failing(content)), of(form), (DAY, DAY), Path("in"), Path())


def test_a_lack_of_memory_is_no_fault_of_a_parquet_file(monkeypatch):
    def refusing(batch):
        raise pa.ArrowMemoryError("malloc of size 4096 failed")

    monkeypatch.setattr(parquet_file, "framed", refusing)
    with pytest.raises(MemoryError, match="malloc of size 4096 failed"):
        read(written(ROWS, "parquet"), "parquet")


def proofs(content, form):
    """Proof -> the name and text of what is delivered beside a whole file."""
    digest = sha256(content).hexdigest()
    entry = json.dumps({f"in.{form}": {"rows": 2, "sha256": digest}})
    return {
        "rows": (f"in.{form}.rows", "2\n"),
        "sha256": (f"in.{form}.sha256", f"{digest.upper()}  in.{form}\n"),
        "manifest": ("manifest.json", entry),
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("proof", ["rows", "sha256", "manifest"])
def test_a_file_beside_it_proves_a_file_whole_and_refuses_one_that_was_cut(form, proof, tmp_path):
    raw, file, dataset = RawFiles(tmp_path), tmp_path / f"in.{form}", of(form, proof)
    content = written(ROWS, form)
    if form == "csv":
        content = content.rpartition(b"#")[0]
    name, text = proofs(content, form)[proof]
    file.write_bytes(written(ROWS.head(1), form).rpartition(b"#")[0] or written(ROWS.head(1), form))
    with pytest.raises(BadDelivery, match=f"is not proved whole: there is no {name} beside it"):
        raw.land(dataset, DAY, file, NOON)
    (tmp_path / name).write_text(text)
    with pytest.raises(BadDelivery, match=r"is truncated: it holds 1 rows|has the SHA-256"):
        raw.land(dataset, DAY, file, NOON)
    file.write_bytes(content)
    assert raw.land(dataset, DAY, file, NOON) == "landed"


@pytest.mark.parametrize(
    ("proof", "name", "text", "problem"),
    [
        ("rows", "in.csv.rows", "two", "holds 'two', which is not a number of rows"),
        ("sha256", "in.csv.sha256", "abc  in.csv", "begins with 'abc', which is not a SHA-256"),
        ("manifest", "manifest.json", "[]", "does not name in.csv"),
        ("manifest", "manifest.json", "{", "is not JSON"),
        ("manifest", "manifest.json", '{"in.csv": {}}', "promises neither rows nor sha256 of in.csv"),
        (
            "manifest",
            "manifest.json",
            '{"in.csv": {"rows": -1}}',
            "promises -1 rows of in.csv, which is not a number",
        ),
        (
            "manifest",
            "manifest.json",
            '{"in.csv": {"sha256": "x"}}',
            "promises 'x' of in.csv, which is not a SHA-256",
        ),
    ],
)
def test_a_proof_that_promises_nothing_is_named_itself(proof, name, text, problem, tmp_path):
    (tmp_path / "in.csv").write_bytes(written(ROWS, "csv"))
    (tmp_path / name).write_text(text)
    with pytest.raises(BadDelivery) as error:
        RawFiles(tmp_path).land(of("csv", proof), DAY, tmp_path / "in.csv", NOON)
    assert error.value.file == str(tmp_path / name)
    assert error.value.problem.startswith(problem)


def test_a_trailer_where_none_is_declared_is_no_row():
    with pytest.raises(BadDelivery, match="line 5 is a trailer, and visits is declared without trailers"):
        parse(Content.of(written(ROWS, "csv")), of("csv", "none"), (DAY, DAY), Path("in.csv"), Path("unused"))


@pytest.mark.parametrize("form", FORMATS)
def test_a_refused_file_is_kept_with_its_bytes_until_it_is_settled(form, tmp_path):
    raw, file = RawFiles(tmp_path), tmp_path / f"in.{form}"
    file.write_bytes(written(ROWS.drop("shop"), form))
    found = raw.receive(of(form), DAY, file, NOON)
    assert isinstance(found, Refusal)
    assert Path(found.kept).suffix == f".{form}"
    assert Path(found.kept).read_bytes() == file.read_bytes()
    (settled,) = raw.settle("visits", DAY)
    assert Path(settled.kept).read_bytes() == file.read_bytes()
    assert raw.refused("visits") == ()


class TestAFileAboutSeveralDays:
    """A week lands at once, and is corrected by a week or by a day."""

    LAST = DAY + timedelta(days=6)
    WEEK = pl.concat([ROWS, ROWS.with_columns(day=DAY + timedelta(days=2))])

    @pytest.mark.parametrize("form", FORMATS)
    def test_all_its_days_land_at_once_also_those_without_rows(self, form, tmp_path):
        raw, file = RawFiles(tmp_path), tmp_path / f"in.{form}"
        file.write_bytes(written(self.WEEK, form))
        assert raw.land(of(form), DAY, file, NOON, self.LAST) == "landed"
        assert raw.land(of(form), DAY, file, NOON + timedelta(days=1), self.LAST) == "unchanged"
        assert list(raw.days("visits")) == [DAY + timedelta(days=n) for n in range(7)]
        assert raw.recorded("visits", [self.LAST]) == {self.LAST: (NOON,)}
        assert raw.read(of(form), DAY, self.LAST)["date"].to_list() == self.WEEK["day"].to_list()
        assert raw.read(of(form), self.LAST, self.LAST).is_empty()
        assert len(list((tmp_path / "raw").rglob("*.parquet"))) == 1

    def test_the_newest_delivery_of_each_day_counts_whatever_else_it_is_about(self, tmp_path):
        raw, file, later = RawFiles(tmp_path), tmp_path / "in.csv", NOON + timedelta(days=1)
        file.write_bytes(written(self.WEEK, "csv"))
        raw.land(of("csv"), DAY, file, NOON, self.LAST)
        before = raw.days("visits")
        file.write_bytes(written(ROWS.head(1), "csv"))
        raw.land(of("csv"), DAY, file, later)
        assert raw.read(of("csv"), DAY, self.LAST)["day"].to_list() == [DAY, *[DAY + timedelta(days=2)] * 2]
        assert raw.read(of("csv"), DAY, self.LAST, NOON).height == 4
        assert raw.recorded("visits", [DAY]) == {DAY: (NOON, later)}
        changed = {day for day, fingerprint in raw.days("visits").items() if before[day] != fingerprint}
        assert changed == {DAY}
        file.write_bytes(written(ROWS.with_columns(day=self.LAST), "csv"))
        raw.land(of("csv"), DAY, file, later + timedelta(days=1), self.LAST)
        assert raw.read(of("csv"), DAY, self.LAST)["day"].to_list() == [self.LAST] * 2

    def test_days_that_cannot_be_meant_are_refused_and_the_days_of_the_rows_are_told(self, tmp_path):
        file, raw = tmp_path / "in.csv", RawFiles(tmp_path)
        file.write_bytes(written(self.WEEK, "csv"))
        for last, said in (
            (DAY - timedelta(days=1), "about 2013-06-15 to 2013-06-14, and the last day is before the first"),
            (date(2203, 6, 21), "69402 days, and the limit is 3660"),
            (
                None,
                r"the file about 2013-06-15\. Its rows are about 2013-06-15 to 2013-06-17",
            ),
        ):
            with pytest.raises(BadDelivery, match=said):
                raw.land(of("csv"), DAY, file, NOON, last)
        assert raw.days("visits") == {}

    def test_it_settles_the_bad_files_of_its_days_and_rows_come_by_day(self, tmp_path):
        file, raw = tmp_path / "in.csv", RawFiles(tmp_path)
        file.write_bytes(written(self.WEEK.reverse(), "csv"))
        raw.receive(of("csv"), DAY, file, NOON)
        raw.receive(of("csv"), self.LAST + timedelta(days=1), file, NOON)
        raw.land(of("csv"), DAY, file, NOON, self.LAST)
        assert [settled.about for settled in raw.settle("visits", DAY, NOON, self.LAST)] == ["2013-06-15"]
        assert [refusal.about for refusal in raw.refused("visits")] == ["2013-06-22"]
        days = raw.read(of("csv"), DAY, self.LAST)["date"].to_list()
        assert days == sorted(days)

    def test_a_row_of_another_week_or_a_key_twice_a_day_is_refused(self, tmp_path):
        file = tmp_path / "in.csv"
        for rows, dataset, problem in (
            (
                ROWS.with_columns(day=self.LAST + timedelta(days=1)),
                of("csv"),
                "is about 2013-06-22, the file",
            ),
            (pl.concat([self.WEEK, ROWS]), of("csv"), r"repeat the key \(2013-06-15, north, 5th\)"),
            (self.WEEK, replace(of("csv"), day_column=None), "is about several days, and visits has no day_"),
        ):
            file.write_bytes(written(rows, "csv"))
            with pytest.raises(BadDelivery, match=problem):
                RawFiles(tmp_path).land(dataset, DAY, file, NOON, self.LAST)
            refusal = RawFiles(tmp_path).receive(dataset, DAY, file, NOON, self.LAST)
            assert (refusal.day, refusal.last) == (DAY, self.LAST)
