"""A text is read as the value that its writer meant, or refused: nothing becomes another value in silence."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.deliveries.csv_values import converted, wrong

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
WHOLE_KINDS = {
    kind: (pl.select(pl.lit(0, kind).lower_bound()).item(), pl.select(pl.lit(0, kind).upper_bound()).item())
    for kind in (
        pl.Int8(),
        pl.Int16(),
        pl.Int32(),
        pl.Int64(),
        pl.UInt8(),
        pl.UInt16(),
        pl.UInt32(),
        pl.UInt64(),
    )
}
WRITERS = {
    "Python": repr,
    "JSON": json.dumps,
    "C with 17 digits": "{:.17g}".format,
    "C with 20 digits": "{:.20e}".format,
    "all digits": lambda value: format(Decimal(value), "f"),
    "NumPy": lambda value: str(np.float64(value)),
    "Polars": lambda value: pl.DataFrame({"x": [value]}).write_csv(include_header=False).strip(),
    "Polars, as text": lambda value: pl.Series([value]).cast(pl.String)[0],
}


def one(text, kind):
    return converted(pl.Series([text], dtype=pl.String), kind)[0]


@pytest.mark.parametrize("writer", WRITERS)
@given(
    value=FLOATS
    | st.sampled_from([5e-324, 2.2250738585072014e-308, 1e23, 2.0**53, 2.0**63, 1.7976931348623157e308, -0.0])
)
@settings(max_examples=60)
def test_a_float_is_read_back_whoever_wrote_it(writer, value):
    read = one(WRITERS[writer](value), pl.Float64())
    assert (read, str(read)) == (value, str(value))


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
@settings(max_examples=100)
def test_a_narrow_float_is_read_back_too(value):
    for text in (str(np.float32(value)), repr(value), f"{value:.9g}"):
        assert one(text, pl.Float32()) == value


NUMERALS = st.text("0123456789+-.eE_ xFNna\u0661\uff15\u00b2", max_size=25) | st.from_regex(
    r"\A[+-]?[0-9]{1,25}(\.[0-9]{0,25})?(e[+-]?[0-9]{1,3})?\Z", fullmatch=True
)


@given(text=NUMERALS)
@settings(max_examples=500)
@pytest.mark.parametrize("kind", [pl.Float64(), pl.Float32()], ids=str)
def test_a_numeral_is_read_as_the_nearest_value_and_as_no_other_whole_number(text, kind):
    read = one(text, kind)
    if read is None:
        assert wrong(text, kind)
        return
    assert re.fullmatch(r"[0-9eE.+-]+", text)
    meant = Fraction(Decimal(text))
    assert read == (np.float32(float(text)) if kind == pl.Float32() else float(text))
    assert (meant == 0) == (read == 0)
    limit = 2**24 if kind == pl.Float32() else 2**53
    if abs(meant) < limit and meant.denominator == 1:
        assert Fraction(read) == meant


@pytest.mark.parametrize("kind", WHOLE_KINDS, ids=str)
@given(data=st.data())
@settings(max_examples=60)
def test_a_whole_number_is_read_if_the_type_holds_it_and_refused_if_not(kind, data):
    low, high = WHOLE_KINDS[kind]
    number = data.draw(
        st.integers(low - 5, high + 5) | st.integers() | st.sampled_from([low - 1, low, high, high + 1])
    )
    read = one(str(number), kind)
    assert read == (number if low <= number <= high else None)
    assert (read is not None) or wrong(
        str(number), kind
    ) == f"which {kind} cannot hold: it lies outside {low} to {high}"


@given(text=NUMERALS)
@settings(max_examples=300)
def test_no_text_but_digits_is_a_whole_number(text):
    read = one(text, pl.Int64())
    assert read == (
        int(text) if re.fullmatch(r"[+-]?[0-9]+", text) and -(2**63) <= int(text) < 2**63 else None
    )


@given(day=st.dates())
def test_a_date_is_read_back(day):
    assert one(day.isoformat(), pl.Date()) == day


DIGITS = st.integers(0, 99).map("{:02}".format)


@given(
    year=st.integers(0, 9999),
    month=DIGITS,
    day=DIGITS,
    hour=DIGITS,
    minute=DIGITS,
    second=DIGITS,
    unit=st.sampled_from(["ms", "us", "ns"]),
)
@settings(max_examples=300)
def test_an_instant_is_read_if_the_calendar_and_the_unit_have_it(
    year, month, day, hour, minute, second, unit
):
    text = f"{year:04}-{month}-{day}T{hour}:{minute}:{second}Z"
    try:
        meant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        meant = None
    if (
        unit == "ns"
        and meant is not None
        and abs(meant - datetime(1970, 1, 1, tzinfo=UTC)) > timedelta(microseconds=2**63 // 1000)
    ):
        meant = None
    if second > "59":  # strptime knows leap seconds
        meant = None
    assert one(text, pl.Datetime(unit, "UTC")) == meant
    assert meant is not None or wrong(text, pl.Datetime(unit, "UTC")).startswith("which ")


def test_a_unit_that_ends_before_the_instant_is_named():
    kind = pl.Datetime("ns", "UTC")
    assert one("2262-04-11T23:47:16Z", kind) == datetime(2262, 4, 11, 23, 47, 16, tzinfo=UTC)
    assert one("2262-04-11T23:47:17Z", kind) is None
    assert (
        wrong("2262-04-11T23:47:17Z", kind)
        == "which Datetime(time_unit='ns', time_zone='UTC') does not reach"
    )


def test_nulls_stay_nulls_and_every_row_is_judged_by_itself():
    texts = pl.Series(["1", None, "x", "9007199254740993", "2"], dtype=pl.String)
    assert converted(texts, pl.Float64()).to_list() == [1.0, None, None, None, 2.0]
    assert converted(texts, pl.Int64()).to_list() == [1, None, None, 9007199254740993, 2]
    assert converted(pl.Series(["2013-06-31", None, "2013-06-30"]), pl.Date()).to_list() == [
        None,
        None,
        date(2013, 6, 30),
    ]
