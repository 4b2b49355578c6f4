"""Whatever bytes are delivered, they are read as they say or refused by name, and a refusal leaves the
store as it was.
"""

import bz2
import gzip
import lzma
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.deliveries.content import Content
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.deliveries.reading import parse
from nightjar.core.errors.inputs import BadDelivery
from nightjar.core.model.spec import RawDataset
from nightjar.core.parquet import parquet

DAY = date(2013, 6, 15)
FILE = Path("in.csv")
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
WHOLE = (
    "day,shop,count,rain,open,at\n"
    "2013-06-15,north,12,0.5,true,2013-06-15T09:30:00Z\n"
    '2013-06-15,"so\nuth",,,false,2013-06-15T10:00:00Z\n'
    "2013-06-15,east,-3,1e3,false,2013-06-15T10:00:00Z\n"
    "# rows=3\n"
)


def read(text):
    content = Content.of(text if isinstance(text, bytes) else text.encode())
    return parse(content, VISITS, (DAY, DAY), FILE, Path("unused")).collect()


def test_a_text_may_hold_a_line_end_and_faults_after_it_name_the_right_line():
    assert read(WHOLE)["shop"].to_list() == ["north", "so\nuth", "east"]
    with pytest.raises(BadDelivery, match="line 5 holds 'few'"):
        read(WHOLE.replace("-3", "few"))
    with pytest.raises(BadDelivery, match="lines 2, 5 repeat the key"):
        read(WHOLE.replace("east", "north"))


def test_lines_that_repeat_another_key_are_not_told_of_the_first_one():
    head, *rows, _ = WHOLE.replace("so\nuth", "south").splitlines(keepends=True)
    twice = "".join([head, *rows, *rows, "# rows=6\n"])
    with pytest.raises(BadDelivery, match=r"lines 2, 5 repeat the key \(north\)"):
        read(twice)


def but(old, new):
    """The whole file with one stretch exchanged."""
    assert WHOLE.count(old) == 1, old
    return WHOLE.replace(old, new)


HEADER = WHOLE.partition("\n")[0]
WEST = "2013-06-15,west,1,1,true,2013-06-15T10:00:00Z"
RESEND = "Have it delivered again, whole."
ONCE = "Have the trailer written once, as the last line."
DIGITS = "Have N, the number of rows, written in the digits 0 to 9, and nothing after it."
AS_TEXT = "Have it delivered as CSV in UTF-8, not compressed."
LINE_FEED = "Have its lines end with a line feed."
NO_NUL = "Have it written as UTF-8, without NULs: no text may hold one."
COLUMNS = "Write the columns as day,shop,count,rain,open,at."
EACH = "Have it delivered again, with one field a column; a text with a comma in it is quoted."
QUOTING = (
    "Shorten or correct it at the source: a text with a comma, a quote or a line end is quoted, each quote "
    "in it is doubled, and a quote is closed."
)
SOURCE = "Correct the value at its source."
NUMBER = (
    "Correct the value at its source, or declare another type in the model's spec. Leave the field empty "
    "where it is unknown."
)

FORM = {
    "white space alone": (" \n\n", None, "is empty: it holds nothing but white space", RESEND),
    "gzip": (gzip.compress(WHOLE.encode()), None, "is compressed by gzip, not CSV in UTF-8", AS_TEXT),
    "bzip2": (bz2.compress(WHOLE.encode()), None, "is compressed by bzip2, not CSV in UTF-8", AS_TEXT),
    "xz": (lzma.compress(WHOLE.encode()), None, "is compressed by xz, not CSV in UTF-8", AS_TEXT),
    "a workbook": (
        b"PK\x03\x04" + bytes(99),
        None,
        "is a zip archive or a workbook, not CSV in UTF-8",
        AS_TEXT,
    ),
    "Parquet": (parquet(pl.DataFrame({"shop": ["north"]})), None, "is Parquet, not CSV in UTF-8", AS_TEXT),
    "UTF-16": (WHOLE.encode("utf-16"), None, "is UTF-16, not CSV in UTF-8", AS_TEXT),
    "UTF-16, first byte least": (
        WHOLE.encode("utf-16-le"),
        None,
        "is UTF-16 without a byte order mark, not CSV in UTF-8",
        AS_TEXT,
    ),
    "UTF-16, first byte most": (
        WHOLE.encode("utf-16-be"),
        None,
        "is UTF-16 without a byte order mark, not CSV in UTF-8",
        AS_TEXT,
    ),
    "UTF-32": (WHOLE.encode("utf-32"), None, "is UTF-32, not CSV in UTF-8", AS_TEXT),
    "a byte order mark": (
        WHOLE.encode("utf-8-sig"),
        None,
        "begins with a byte order mark",
        "Have it written as UTF-8 without one.",
    ),
    "Latin-1": (
        but("east", "öst").encode("latin-1"),
        "shop",
        "line 5 holds the byte 0xf6, which is not UTF-8 there",
        "Have it written as UTF-8.",
    ),
    "Latin-1 within a quoted line": (
        but("so\nuth", "so\nüth").encode("latin-1"),
        "shop",
        "line 4 holds the byte 0xfc, which is not UTF-8 there",
        "Have it written as UTF-8.",
    ),
    "a NUL": (but("north", "no\0rth"), "shop", "line 2 holds a NUL character", NO_NUL),
    "a NUL within a quoted line": (
        but("so\nuth", "so\nut\0h"),
        "shop",
        "line 4 holds a NUL character",
        NO_NUL,
    ),
    "NULs alone, as of a sparse file": (bytes(9999), "day", "line 1 holds a NUL character", NO_NUL),
    "carriage returns": (
        WHOLE.replace("\n", "\r"),
        None,
        "ends its lines with a carriage return alone",
        LINE_FEED,
    ),
    "carriage returns and one line feed": (
        WHOLE.replace("\n", "\r")[:-1] + "\n",
        None,
        "ends its lines with a carriage return alone",
        LINE_FEED,
    ),
    "a carriage return in a text": (
        but("north", "no\rth"),
        "shop",
        (
            r"line 2 is not CSV: 'no\rth,12,0.5,true,2013-06-15T09:30:00Z' holds a carriage return "
            "that is not quoted"
        ),
        QUOTING,
    ),
    "cut in a line": (
        WHOLE[:60],
        None,
        (
            "is truncated: its last line, '2013-06-15,north,12,0.5,true,201', "
            "is not the trailer `# rows=N` with a line end"
        ),
        RESEND,
    ),
    "cut at the end of a line": (
        WHOLE[: WHOLE.index("2013-06-15,east")],
        None,
        "is truncated: its last line, 'uth\",,,false,2013-06-15T10:00:00Z', is not the trailer `# rows=N`",
        f"{RESEND} A feed without trailers must add one.",
    ),
    "cut in the trailer": (
        WHOLE[:-2],
        None,
        "is truncated: its last line, '# rows=', is not the trailer `# rows=N` with a line end",
        RESEND,
    ),
    "cut before the last line end": (
        WHOLE[:-1],
        None,
        "is truncated: its last line, '# rows=3', is not the trailer `# rows=N` with a line end",
        RESEND,
    ),
    "a header and no trailer": (
        f"{HEADER}\n",
        None,
        f"is truncated: its last line, '{HEADER}', is not the trailer `# rows=N`",
        f"{RESEND} A feed without trailers must add one.",
    ),
    "a header alone": (
        f"{HEADER}\n# rows=0\n",
        None,
        "holds no rows",
        "A day without rows is not delivered; have the day's rows sent.",
    ),
    "a header that lost its rows": (
        f"{HEADER}\n# rows=5\n",
        None,
        "is truncated: it holds 0 rows, its trailer says 5",
        RESEND,
    ),
    "a trailer alone": ("# rows=3\n", None, "has no header: its first line is the trailer", RESEND),
    "a row after the trailer": (
        f"{WHOLE}{WEST}\n",
        None,
        f"line 6 is the trailer, and line 7, '{WEST}', follows it",
        ONCE,
    ),
    "half a row after the trailer": (
        f"{WHOLE}2013-0",
        None,
        "line 6 is the trailer, and line 7, '2013-0', follows it",
        ONCE,
    ),
    "a blank line after the trailer": (
        f"{WHOLE}\n",
        None,
        "line 6 is the trailer, and line 7, which is blank, follows it",
        ONCE,
    ),
    "two trailers": (f"{WHOLE}# rows=3\n", None, "line 6 is a trailer, and so is the last line", ONCE),
    "two files in one": (WHOLE + WHOLE, None, "line 6 is a trailer, and so is the last line", ONCE),
    "a trailer in the middle": (
        but("2013-06-15,east", "# rows=2\n2013-06-15,east"),
        None,
        "line 5 is a trailer, and so is the last line",
        ONCE,
    ),
    "a trailer that counts more": (
        but("rows=3", "rows=4"),
        None,
        "is truncated: it holds 3 rows, its trailer says 4",
        RESEND,
    ),
    "a trailer that counts less": (
        but("rows=3", "rows=2"),
        None,
        "holds 3 rows, its trailer says 2",
        "Have the trailer count the rows that are delivered.",
    ),
    "a trailer that counts very much": (
        but("rows=3", f"rows={'9' * 5000}"),
        None,
        "is truncated: it holds 3 rows, its trailer says 99999999999999999999... (5000 characters)",
        RESEND,
    ),
    "a trailer below zero": (
        but("rows=3", "rows=-3"),
        None,
        "its last line, '# rows=-3', is not the trailer `# rows=N`",
        DIGITS,
    ),
    "a trailer in other digits": (
        but("rows=3", "rows=\u0663"),
        None,
        "its last line, '# rows=\u0663', is not the trailer `# rows=N`",
        DIGITS,
    ),
    "a trailer with a space": (
        but("rows=3", "rows=3 "),
        None,
        "its last line, '# rows=3 ', is not the trailer `# rows=N`",
        DIGITS,
    ),
    "a blank line": (
        but("2013-06-15,east", "\n2013-06-15,east"),
        None,
        "line 5 is blank",
        "Have it written without blank lines.",
    ),
    "a line of spaces": (
        but("2013-06-15,east", " \n2013-06-15,east"),
        "shop",
        "line 5 has 1 fields, the header 6: it ends with ' '",
        EACH,
    ),
    "a row that is too short": (
        but("east,", ""),
        "at",
        "line 5 has 5 fields, the header 6: it ends with '2013-06-15T10:00:00Z'",
        EACH,
    ),
    "a row that is too long": (
        but("-3", "-3,7"),
        None,
        "line 5 has 7 fields, the header 6: after them comes '2013-06-15T10:00:00Z'",
        EACH,
    ),
    "semicolons": (WHOLE.replace(",", ";"), None, "separates its columns by ';', not by a comma", COLUMNS),
    "no header": (WHOLE.partition("\n")[2], "day", "is missing from the header", COLUMNS),
    "a column that is missing": (but(",at\n", "\n"), "at", "is missing from the header", COLUMNS),
    "a column too many": (
        but(",at\n", ",at,fee\n"),
        "fee",
        "is not a column of visits",
        "Remove it, or declare it in the model's spec.",
    ),
    "a column twice": (but(",at\n", ",at,shop\n"), "shop", "is 2 times in the header", COLUMNS),
    "columns out of order": (but("day,shop", "shop,day"), "shop", "is out of order in the header", COLUMNS),
    "a text of 10 MB": (
        but("north", "x" * 10**7),
        "shop",
        "line 2 holds a text of 10,000,000 characters, the limit is 131,072",
        QUOTING,
    ),
    "a text one too long": (
        but("north", "x" * 131_073),
        "shop",
        "line 2 holds a text of 131,073 characters, the limit is 131,072",
        QUOTING,
    ),
    "a quoted text of 2 MB in many lines": (
        but("so\nuth", "x\n" * 10**6),
        "shop",
        "line 3 holds a text of 2,000,002 characters, the limit is 131,072",
        QUOTING,
    ),
    "millions of commas": (
        but("north", "," * 5 * 10**6),
        None,
        "line 2 is not CSV: it has 5,000,045 bytes, more than its fields can hold",
        QUOTING,
    ),
    "an open quote": (
        but('uth"', "uth"),
        "shop",
        "line 3 is not CSV: '\"so' opens a quote that is never closed",
        QUOTING,
    ),
    "text after a quote": (
        but('"so\nuth"', '"so"uth'),
        "shop",
        "line 3 is not CSV: '\"so\"uth,,,false,2013-06-15T10:00:00Z' goes on after its closing quote",
        QUOTING,
    ),
    "an empty value": (
        but("east", ""),
        "shop",
        "line 5 is empty in this column, which must be filled",
        "Fill it, or declare it nullable in the model's spec.",
    ),
    "a repeated key": (
        but("east", "north"),
        "shop",
        "lines 2, 5 repeat the key (north)",
        "One row a key: have the duplicates removed.",
    ),
    "another day": (
        but("2013-06-15,east", "2013-06-14,east"),
        "day",
        "line 5 is about 2013-06-14, the file about 2013-06-15",
        "Its rows are about 2013-06-14 to 2013-06-15. If they should be, say both days when you land it.",
    ),
}


@pytest.mark.parametrize("what", FORM)
def test_a_file_that_is_not_as_agreed_is_refused_by_what_is_wrong(what):
    content, column, problem, remedy = FORM[what]
    with pytest.raises(BadDelivery) as refused:
        read(content)
    assert (refused.value.column, refused.value.problem, refused.value.remedy) == (column, problem, remedy)
    assert len(str(refused.value)) < 600


WHOLE_NUMBER = "which is not an Int64: whole numbers are written in digits alone"
VALUES = {
    "count": {
        **dict.fromkeys(
            [
                "few",
                "1_000",
                "0x1F",
                "\u0661\u0662",
                "\uff15",
                " 12",
                "12 ",
                "--1",
                "1,5",
                "NaN",
                "NULL",
                "1e",
            ],
            "which is not an Int64",
        ),
        **dict.fromkeys(["1.0", "1e3", "12."], WHOLE_NUMBER),
        **dict.fromkeys(
            ["9223372036854775808", "-9223372036854775809", "9" * 5000],
            "which Int64 cannot hold: it lies outside -9223372036854775808 to 9223372036854775807",
        ),
    },
    "rain": {
        **dict.fromkeys(
            ["NaN", "nan", "inf", "-Infinity", "NULL", "0x1F", "1_0", "0,5", "1d5", ".", "e5", "\u0661"],
            "which is not a finite Float64",
        ),
        **dict.fromkeys(["1e400", "-1e400", "9" * 400], "which Float64 cannot hold: it is too large"),
        **dict.fromkeys(["1e-400", "0.0001e-999"], "which Float64 cannot hold: it would become 0.0"),
        "-1e-400": "which Float64 cannot hold: it would become -0.0",
        **dict.fromkeys(
            ["9007199254740993", "9007199254740993.0", "9.007199254740993e15"],
            "which Float64 cannot hold: it would become 9007199254740992.0",
        ),
        "-123456789012345678901": "which Float64 cannot hold: it would become -1.2345678901234568e+20",
    },
    "day": {
        **dict.fromkeys(["2013-06-31", "2013-02-29", "2013-00-01"], "which the calendar does not have"),
        **dict.fromkeys(
            ["2013-6-15", "0000-06-15", "12013-06-15", "+12013-06-15", "15.06.2013", "20130615"],
            "which is not a date like 2013-06-15",
        ),
    },
    "at": {
        **dict.fromkeys(
            ["2013-06-31T09:30:00Z", "2013-06-15T24:00:00Z"],
            "which is no day of the calendar, or no time of a day",
        ),
        **dict.fromkeys(
            [
                "2013-06-15T09:30:60Z",
                "2013-06-15T09:30:00",
                "2013-06-15T09:30:00+00:00",
                "2013-06-15 09:30:00Z",
                "+99999-06-15T09:30:00Z",
            ],
            "which is not an instant in UTC like 2013-06-15T09:30:00Z",
        ),
    },
    "open": dict.fromkeys(["yes", "True", "1", "t"], "which is not true or false"),
}
FIRST = ["2013-06-15", "north", "12", "0.5", "true", "2013-06-15T09:30:00Z"]


@pytest.mark.parametrize(
    ("column", "text"),
    [(column, text) for column, texts in VALUES.items() for text in texts],
    ids=lambda text: text[:30],
)
def test_a_text_that_is_no_value_of_its_column_is_refused_with_its_place(column, text):
    fields = {**dict(zip(VISITS.columns, FIRST, strict=True)), column: f'"{text}"' if "," in text else text}
    with pytest.raises(BadDelivery) as refused:
        read(but(",".join(FIRST), ",".join(fields.values())))
    shown = text if len(text) <= 80 else f"{text[:80]}... ({len(text)} characters)"
    assert refused.value.column == column
    assert refused.value.problem == f"line 2 holds {shown!r}, {VALUES[column][text]}"
    assert refused.value.remedy == (NUMBER if column in VISITS.nullable else SOURCE)


SCRAPS = st.sampled_from(
    [
        "\0",
        "\r",
        "\n",
        '"',
        '""',
        ",",
        "\ufeff",
        "# rows=3\n",
        "# rows=",
        "NaN",
        "inf",
        "-0",
        "9" * 400,
        "é",
        "\u202e",
        "🦉",
        "\x1a",
        "2013-06-15",
        "'",
    ]
).map(str.encode) | st.binary(max_size=6)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A whole file with a few stretches replaced, cut out or put in, at any byte."""
    content = draw(st.sampled_from([WHOLE.encode(), WHOLE.replace("\n", "\r\n").encode()]))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(content)))
        content = (
            content[:start] + draw(SCRAPS) + content[start + draw(st.sampled_from([0, 0, 1, 2, 30, 1000])) :]
        )
    return content


@given(content=damaged() | st.binary(max_size=200))
@settings(max_examples=400)
def test_any_bytes_are_read_as_a_whole_or_refused_as_a_bad_delivery(content):
    try:
        rows = read(content)
    except BadDelivery as refused:
        assert "in.csv" in str(refused)  # noqa: PT017  # either outcome is right
        return
    assert rows.schema == pl.Schema(VISITS.columns)
    assert rows.height == int(content.rstrip().rpartition(b"=")[2])
    assert rows["shop"].n_unique() == rows.height
    assert rows.rows()  # each value has a place in Python too
    assert "\0" not in "".join(rows["shop"])


def tree(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
    }


def test_a_refused_delivery_leaves_every_file_as_it_was(tmp_path):
    raw, file, noon = RawFiles(tmp_path / "data"), tmp_path / "in.csv", datetime(2013, 6, 16, 12, tzinfo=UTC)
    file.write_text(WHOLE)
    raw.land(VISITS, DAY, file, noon)
    before = tree(raw.root)

    @given(content=damaged())
    @settings(max_examples=60)
    def refused_or_kept(content: bytes) -> None:
        file.write_bytes(content)
        try:
            raw.land(VISITS, DAY, file, noon + timedelta(hours=1))
        except BadDelivery:
            assert tree(raw.root) == before
        else:
            assert before.items() <= tree(raw.root).items()
            for path in set(tree(raw.root)) - set(before):
                (raw.root / path).unlink()

    refused_or_kept()
