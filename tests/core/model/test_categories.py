"""Equal values have one text, whatever type holds them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.model.categories import CastCategories, Categories, family, may_be_rounded, spelled

NUMBERS = (
    *(
        pl.Int8,
        pl.Int16,
        pl.Int32,
        pl.Int64,
        pl.Int128,
        pl.UInt8,
        pl.UInt16,
        pl.UInt32,
        pl.UInt64,
        pl.UInt128,
    ),
    *(pl.Float16, pl.Float32, pl.Float64, pl.Decimal(38, 12)),
)
NOON = datetime(2013, 6, 1, 12, tzinfo=UTC)


def held(values, dtype):
    """The values in a type that holds them exactly; None where it does not."""
    try:
        series = pl.Series("x", values, dtype=dtype)
        return series if series.to_list() == values else None
    except (pl.exceptions.PolarsError, TypeError, OverflowError, ValueError):
        return None


@given(
    st.lists(
        st.none()
        | st.integers(-(2**70), 2**70)
        | st.integers(-300, 300)
        | st.sampled_from([0.5, -2.25, 1e-7, 2.0**-20])
    )
)
def test_numbers_have_one_text_in_every_type_that_holds_them(values):
    texts = [spelled(series).to_list() for dtype in NUMBERS if (series := held(values, dtype)) is not None]
    assert all(text == texts[0] for text in texts)


@given(st.lists(st.floats(allow_nan=False) | st.integers(-9, 9).map(float)))
def test_different_numbers_have_different_texts(values):
    assert spelled(pl.Series("x", values, dtype=pl.Float64)).n_unique() == len(set(values))


@given(st.lists(st.decimals(-1000, 1000, places=12)))
def test_different_decimals_have_different_texts(values):
    assert spelled(pl.Series("x", values, dtype=pl.Decimal(38, 12))).n_unique() == len(set(values))


@given(
    st.lists(
        st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)).map(
            lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        )
    )
)
def test_instants_have_one_text_in_every_unit_and_zone(moments):
    base = pl.Series("x", moments, dtype=pl.Datetime("us")).dt.replace_time_zone("UTC")
    zoned = [
        base.dt.convert_time_zone(zone).dt.cast_time_unit(unit)
        for zone in ("UTC", "Asia/Kolkata", "America/New_York")
        for unit in ("ms", "us", "ns")
    ]
    assert all(spelled(other).equals(spelled(base)) for other in zoned)
    assert spelled(base).n_unique() == len(set(moments))


def test_texts_are_as_a_person_writes_them():
    assert spelled(pl.Series([1.0, -0.0, 0.1, float("nan"), None])).to_list() == ["1", "0", "0.1", None, None]
    assert spelled(pl.Series([Decimal("1.00"), Decimal("0.10")])).to_list() == ["1", "0.1"]
    assert spelled(pl.Series(["1.0", "", None], dtype=pl.Categorical)).to_list() == ["1.0", "", None]
    assert spelled(pl.Series([True, None])).to_list() == ["true", None]
    assert spelled(pl.Series([date(2013, 6, 1)])).to_list() == ["2013-06-01"]
    assert spelled(pl.Series([NOON.astimezone(ZoneInfo("Asia/Tokyo"))])).to_list() == ["2013-06-01 12:00:00"]


@pytest.mark.parametrize(
    ("dtype", "holds"),
    [
        (pl.Int8(), "number"),
        (pl.Decimal(9, 2), "number"),
        (pl.Enum(["a"]), "text"),
        (pl.Categorical(), "text"),
        (pl.Boolean(), "flag"),
        (pl.Date(), "date"),
        (pl.Datetime("ms"), "local time"),
        (pl.Datetime("ns", "UTC"), "instant"),
        (pl.Null(), None),
        (pl.Binary(), None),
        (pl.List(pl.Int8()), None),
    ],
)
def test_types_belong_to_families(dtype, holds):
    assert family(dtype) == holds


def test_a_float_that_may_stand_for_another_number_is_noticed():
    assert may_be_rounded(pl.Series([1.0, 2.0**53]))
    assert may_be_rounded(pl.Series([2.0**24], dtype=pl.Float32))
    assert may_be_rounded(pl.Series([float("-inf")]))
    assert not may_be_rounded(pl.Series([2.0**53 - 1, None, float("nan")]))
    assert not may_be_rounded(pl.Series([2**60]))


def test_a_column_of_another_family_is_a_fault():
    known = Categories.of(
        pl.DataFrame({"store": [1, 2], "city": ["a", "b"], "gone": [None, None]}), ("store", "city", "gone")
    )
    assert known.families == {"store": "number", "city": "text"}
    assert (
        known.fault(pl.Series("store", ["1"]))
        == "column store is String, and the model was fitted on a number there"
    )
    assert known.fault(pl.Series("city", [b"a"])) == "column city is Binary, which cannot be a category"
    assert "may stand for their neighbours" in known.fault(pl.Series("store", [2.0**53]))
    for fine in (
        pl.Series("store", [1.0]),
        pl.Series("store", [None], dtype=pl.String),
        pl.Series("gone", ["x"]),
        pl.Series("gone", [1]),
    ):
        assert known.fault(fine) is None


def test_a_version_of_before_sees_its_values_as_its_own_type_wrote_them():
    known = CastCategories({"rate": pl.Float64(), "city": pl.Enum(["a"]), "store": pl.Int64()})
    assert known.text(pl.Series("rate", [1, 2])).to_list() == ["1.0", "2.0"]
    assert known.text(pl.Series("store", [Decimal("1.00")])).to_list() == ["1"]
    assert known.text(pl.Series("city", ["b"], dtype=pl.Categorical)).to_list() == ["b"]
    for good in (
        pl.Series("store", [1.0, None]),
        pl.Series("city", ["b"]),
        pl.Series("unknown", ["b"]),
        pl.Series("unknown", [None]),
    ):
        assert known.fault(good) is None
    for bad in (
        pl.Series("store", [1.5]),
        pl.Series("store", ["1"]),
        pl.Series("rate", [2**53 + 1]),
        pl.Series("unknown", [1]),
    ):
        assert known.fault(bad).endswith("retrain it")
