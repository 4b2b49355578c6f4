"""Whatever bytes are delivered, they are read as they say or refused by name, and a refusal leaves the store as it was."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.raw_csv import parse
from nightjar.adapters.raw_files import RawFiles
from nightjar.core.errors import BadDelivery
from nightjar.core.spec import RawDataset

DAY = date(2013, 6, 15)
FILE = Path("in.csv")
VISITS = RawDataset(
    name="visits",
    columns={"day": pl.Date(), "shop": pl.String(), "count": pl.Int64(), "rain": pl.Float64(), "open": pl.Boolean(), "at": pl.Datetime("us", "UTC")},
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
    return parse(text if isinstance(text, bytes) else text.encode(), VISITS, DAY, FILE)


def test_a_text_may_hold_a_line_end_and_faults_after_it_name_the_right_line():
    assert read(WHOLE)["shop"].to_list() == ["north", "so\nuth", "east"]
    with pytest.raises(BadDelivery, match="line 5 holds 'few'"):
        read(WHOLE.replace("-3", "few"))
    with pytest.raises(BadDelivery, match="lines 2, 5 repeat the key"):
        read(WHOLE.replace("east", "north"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (WHOLE.replace('"so\nuth"', '"so\nuth'), "line 3 is not CSV"),
        (WHOLE.replace('"so\nuth"', '"so"uth"'), "line 3 is not CSV"),
        (WHOLE.replace("north", "x" * 200_000), "line 2 is not CSV: field larger than field limit"),
        (WHOLE.replace("north", "no\rth"), "line 2 is not CSV"),
        (WHOLE.replace("north", "no\0th"), "line 2 holds a NUL character"),
        (WHOLE.replace("\n", "\r"), "carriage return alone"),
        (WHOLE.encode("utf-16"), "byte 0 (line 1) is not UTF-8"),
        (WHOLE.encode("utf-16-le"), "line 1 holds a NUL character"),
        (WHOLE.replace("east", "öst").encode("latin-1"), "(line 5) is not UTF-8"),
        (WHOLE.encode("utf-8-sig"), "byte order mark"),
        (WHOLE.replace("# rows=3", f"# rows={'9' * 5000}"), "not the trailer"),
        (WHOLE.replace("# rows=3", "# rows=\u0663"), "not the trailer"),
        (WHOLE.replace("# rows=3", "# rows=-3"), "not the trailer"),
        (WHOLE.replace("# rows=3", "# rows=3 "), "not the trailer"),
        (WHOLE + "\n", "not the trailer"),
        (WHOLE.replace("12", " 12"), "an Int64"),
        (WHOLE.replace("12", "1_2"), "an Int64"),
        (WHOLE.replace("0.5", "1e400"), "a finite Float64"),
        (WHOLE.replace("2013-06-15,north", "12013-06-15,north"), "a date like"),
        (WHOLE.replace("2013-06-15,north", "+12013-06-15,north"), "a date like"),
        (WHOLE.replace("2013-06-15,north", "0000-06-15,north"), "a date like"),
        (WHOLE.replace("2013-06-15,north", "2013-6-15,north"), "a date like"),
        (WHOLE.replace("T09:30:00Z", "T09:30:60Z"), "an instant in UTC"),
        (WHOLE.replace("2013-06-15T09", "+99999-06-15T09"), "an instant in UTC"),
        (WHOLE.replace("north,12", f"north,{'9' * 5000}"), "(5000 characters)"),
    ],
)
def test_what_is_not_as_agreed_is_refused_with_its_place(text, problem):
    with pytest.raises(BadDelivery) as refused:
        read(text)
    assert problem in str(refused.value)
    assert len(str(refused.value)) < 600


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
        content = content[:start] + draw(SCRAPS) + content[start + draw(st.sampled_from([0, 0, 1, 2, 30, 1000])) :]
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
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


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
