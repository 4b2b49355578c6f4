import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.errors import SchemaErrors

from nightjar.adapters.contracts import strict_contract
from nightjar.adapters.whole_frames import surely_keeps
from nightjar.testing.specs import toy_spec

strict_contract(toy_spec(contract=lambda: pa.DataFrameSchema({})))  # Pandera learns of Polars

NUMBERS = [
    pa.Check.in_range(-1, 1),
    pa.Check.gt(0),
    pa.Check.isin([0.0, 1.0]),
    pa.Check(lambda data: data.lazyframe.select(pl.col(data.key) <= pl.col("other").abs() + 1)),
    pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).mean() < 1)),
    pa.Check(lambda value: value < 2, element_wise=True),
    pa.Check.ge(0, ignore_na=False),
    pa.Check(lambda data: data.lazyframe.select(pl.col(data.key) < 2, pl.col("other") < 9)),
    pa.Check(lambda data: data.lazyframe.select(pl.all() < 4)),
    pa.Check(lambda data: data.lazyframe.with_columns(pl.col(data.key) < 2).select(data.key)),
    pa.Check(lambda data: data.lazyframe.select(pl.col(data.key) < 2).fill_null(value=False)),
]
VALUES = [None, 0.0, 0.5, 1.0, -1.0, 3.0, float("nan"), float("inf")]


def pandera_accepts(contract, rows):
    try:
        contract.validate(rows, lazy=True)
    except SchemaErrors:
        return False
    return True


@given(
    values=st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)), max_size=4),
    checks=st.lists(st.sampled_from(NUMBERS), max_size=3),
    nullable=st.booleans(),
    unique=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_a_frame_that_surely_keeps_a_contract_is_accepted_by_pandera(values, checks, nullable, unique):
    contract = pa.DataFrameSchema({"n": pa.Column(pl.Float64, checks, nullable=nullable, unique=unique)})
    rows = pl.DataFrame(values, schema={"n": pl.Float64, "other": pl.Float64}, orient="row")
    accepted = pandera_accepts(contract, rows)
    assert surely_keeps(contract, rows) == (accepted and not unique)


@pytest.mark.parametrize(
    "contract",
    [
        pa.DataFrameSchema({"n": pa.Column(pl.Float64)}, checks=pa.Check(lambda _: True)),
        pa.DataFrameSchema({"n": pa.Column(pl.Float64, pa.Check(lambda _: True))}),
        pa.DataFrameSchema({"n": pa.Column()}),
        pa.DataFrameSchema({"n": pa.Column(pl.Float32)}),
        pa.DataFrameSchema({"n": pa.Column(pl.Float64)}, unique=["n"]),
        pa.DataFrameSchema({"n": pa.Column(pl.Float64)}, strict=True),
        pa.DataFrameSchema({"^n$": pa.Column(pl.Float64, regex=True)}),
        pa.DataFrameSchema({"m": pa.Column(pl.Float64, required=False)}),
    ],
)
def test_what_is_not_plain_is_left_to_pandera(contract):
    assert not surely_keeps(contract, pl.DataFrame({"n": [1.0]}))
