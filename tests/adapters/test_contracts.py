import json
from dataclasses import replace

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.contracts import check
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import BadSpec, CodeFailed
from nightjar.testing.specs import WEATHER, toy_spec

SCHEMA = pa.DataFrameSchema(
    {
        "entity_key": pa.Column(pl.String),
        "city": pa.Column(pl.String, pa.Check.str_matches("^[A-Z]+$")),
        "wind": pa.Column(pl.Float64, pa.Check.in_range(0, 100), nullable=True),
    }
)
SPEC = toy_spec(categorical=("city",), numeric=("wind",), contract=lambda: SCHEMA)


def rows(*values):
    return pl.DataFrame(
        values,
        schema={"entity_key": pl.String, "city": pl.String, "wind": pl.Float64, "fault": pl.String},
        orient="row",
    )


def test_rows_that_keep_the_contract_stay_in_order():
    checked = check(SPEC, rows(("b", "OSLO", 1.0, None), ("a", "ROME", None, None)))
    assert checked.valid["entity_key"].to_list() == ["b", "a"]
    assert checked.valid.columns == ["entity_key", "city", "wind"]
    assert checked.quarantined.is_empty()
    assert checked.quarantined.columns == ["entity_key", "reasons", "row"]


def test_every_reason_of_a_broken_row_is_kept_with_the_row():
    checked = check(
        SPEC, rows(("a", "OSLO", 1.0, None), ("b", "oslo", 200.0, None), ("c", None, float("inf"), None))
    )
    assert checked.valid["entity_key"].to_list() == ["a"]
    first, second = checked.quarantined.rows(named=True)
    assert first["entity_key"] == "b"
    assert json.loads(first["reasons"]) == [
        {"column": "city", "check": "str_matches('^[A-Z]+$')", "value": "oslo"},
        {"column": "wind", "check": "in_range(0, 100)", "value": 200.0},
    ]
    assert json.loads(first["row"]) == {"entity_key": "b", "city": "oslo", "wind": 200.0}
    assert [(reason["column"], reason["value"]) for reason in json.loads(second["reasons"])] == [
        ("city", None),
        ("wind", "inf"),
    ]


def test_a_row_with_a_fault_is_quarantined_for_it_alone():
    checked = check(
        SPEC,
        rows(
            (None, "oslo", 1.0, "entity_key is missing"), ("a", "OSLO", 1.0, None), ("b", "oslo", 1.0, None)
        ),
    )
    assert checked.valid["entity_key"].to_list() == ["a"]
    assert checked.quarantined["entity_key"].to_list() == [None, "b"]
    assert json.loads(checked.quarantined["reasons"][0]) == [
        {"column": "entity_key", "check": "entity_key is missing", "value": None}
    ]


def keyed(contract):
    """A model whose feature table is found by `shop`, which is no input."""
    made = toy_spec(categorical=("city",), numeric=("wind",), contract=lambda: contract)
    table = replace(WEATHER, name="shops", keys={"shop": pl.String()}, features={"wind": pl.Float64()})
    return replace(made, feature_tables=(table,))


KEYED = rows(("a", "OSLO", 1.0, None), ("b", "ROME", None, None), ("c", "rome", None, None)).with_columns(
    shop=pl.Series(["x", None, None])
)


def test_a_row_without_a_join_key_is_set_aside_because_none_of_its_features_is_known():
    checked = check(keyed(SCHEMA), KEYED)
    assert checked.valid["entity_key"].to_list() == ["a"]
    reasons = {row["entity_key"]: json.loads(row["reasons"]) for row in checked.quarantined.rows(named=True)}
    assert reasons["b"] == [{"column": "shop", "check": "join key is missing", "value": None}]
    assert [reason["column"] for reason in reasons["c"]] == ["city"], "what the contract says comes first"


def test_a_contract_may_allow_a_join_key_to_be_missing():
    allowing = SCHEMA.add_columns({"shop": pa.Column(pl.String, nullable=True)})
    assert check(keyed(allowing), KEYED).valid["entity_key"].to_list() == ["a", "b"]


def test_a_missing_column_condemns_the_whole_batch():
    with pytest.raises(ContractBroken, match=r"toy.*column wind is missing"):
        check(SPEC, rows(("a", "OSLO", 1.0, None)).drop("wind"))


@pytest.mark.parametrize("height", [0, 1])
def test_a_wrong_type_condemns_the_whole_batch_also_when_it_is_empty(height):
    frame = rows(("a", "OSLO", 1.0, None)).with_columns(wind=pl.lit("much")).head(height)
    with pytest.raises(ContractBroken, match=r"column wind has type String, not dtype\('Float64'\)"):
        check(SPEC, frame)


def test_a_wrong_type_is_not_hidden_by_rows_that_are_all_faulty():
    with pytest.raises(ContractBroken, match="column wind has type String"):
        check(SPEC, rows(("a", "OSLO", 1.0, "entity_key is repeated")).with_columns(wind=pl.lit("much")))


def test_no_rows_give_no_rows():
    checked = check(SPEC, rows())
    assert checked.valid.is_empty()
    assert checked.quarantined.is_empty()


def test_a_check_over_several_columns_names_the_row():
    before = pa.Check(lambda data: data.lazyframe.select(pl.col("a") < pl.col("b")), name="a before b")
    spec = toy_spec(numeric=("a", "b"), contract=lambda: pa.DataFrameSchema(checks=before))
    checked = check(spec, pl.DataFrame({"entity_key": ["x", "y"], "a": [1, 3], "b": [2, 2]}))
    assert checked.quarantined["entity_key"].to_list() == ["y"]
    assert json.loads(checked.quarantined["reasons"][0]) == [
        {"column": None, "check": "a before b", "value": '{"entity_key":"y","a":3,"b":2}'}
    ]


def wind(**options):
    return lambda: pa.DataFrameSchema({"wind": pa.Column(pl.Float64, nullable=True, **options)})


@pytest.mark.parametrize(
    ("contract", "problem"),
    [
        (lambda: None, "gives a NoneType"),
        (wind(coerce=True), "coerce on wind"),
        (wind(default=0.0), "default on wind"),
        (wind(checks=pa.Check.gt(1, raise_warning=True)), r"raise_warning of greater_than.* on wind"),
        (wind(checks=pa.Check.gt(1, n_failure_cases=1)), "n_failure_cases"),
        (lambda: pa.DataFrameSchema({}, drop_invalid_rows=True), "drop_invalid_rows on the frame"),
        (lambda: pa.DataFrameSchema({}, coerce=True), "coerce on the frame"),
    ],
)
def test_a_contract_that_would_let_broken_rows_pass_is_refused(contract, problem):
    with pytest.raises(BadSpec, match=problem):
        check(replace(SPEC, contract=contract), rows(("a", "OSLO", 1.0, None)))


def test_a_contract_that_cannot_be_built_is_told_with_its_line():
    with pytest.raises(CodeFailed, match=r"`contract` .* raised at .*test_contracts\.py:\d+: ZeroDivision"):
        check(replace(SPEC, contract=lambda: 1 / 0), rows(("a", "OSLO", 1.0, None)))


def test_validation_switched_off_in_the_environment_is_on_here(monkeypatch):
    monkeypatch.setattr("pandera.config.CONFIG.validation_enabled", False)
    assert check(SPEC, rows(("a", "oslo", 1.0, None))).valid.is_empty()


def test_a_check_of_the_whole_column_breaks_the_batch_instead_of_blaming_its_first_row():
    contract = wind(
        checks=pa.Check(lambda data: data.lazyframe.select(pl.col(data.key).sum() > 100), name="enough wind")
    )
    with pytest.raises(ContractBroken, match="enough wind fails on the rest of the rows too"):
        check(replace(SPEC, contract=contract), rows(("a", "OSLO", 1.0, None), ("b", "ROME", 2.0, None)))


def test_a_check_that_cannot_be_made_breaks_the_batch():
    contract = wind(checks=pa.Check(lambda value: 1 / (value - value), element_wise=True))
    with pytest.raises(ContractBroken, match="ZeroDivisionError"):
        check(replace(SPEC, contract=contract), rows(("a", "OSLO", 1.0, None)))


def test_each_row_of_a_repeated_value_is_set_aside():
    # one of many
    contract = lambda: pa.DataFrameSchema({"city": pa.Column(pl.String, unique=True)})  # noqa: E731
    checked = check(
        replace(SPEC, contract=contract),
        rows(("a", "OSLO", 1.0, None), ("b", "ROME", 2.0, None), ("c", "OSLO", 3.0, None)),
    )
    assert checked.valid["entity_key"].to_list() == ["b"]
    assert json.loads(checked.quarantined["reasons"][1]) == [
        {"column": "city", "check": "field_uniqueness", "value": "OSLO"}
    ]


row = st.tuples(
    st.none() | st.text(max_size=4),
    st.none() | st.sampled_from(["OSLO", "oslo", "\x00", ""]),
    st.none() | st.floats() | st.floats(0, 100),
    st.none() | st.just("entity_key is repeated"),
)


@given(st.lists(row, max_size=12))
@settings(deadline=None, max_examples=80)
def test_valid_and_quarantined_are_the_population_and_every_reason_is_json(values):
    frame = rows(*values).with_columns(entity_key=pl.col("entity_key"), number=pl.int_range(pl.len()))
    checked = check(SPEC, frame)
    assert checked.valid.height + checked.quarantined.height == frame.height
    numbers = [json.loads(row)["number"] for row in checked.quarantined["row"]]
    assert sorted([*checked.valid["number"], *numbers]) == list(range(frame.height))
    assert all(json.loads(reasons) for reasons in checked.quarantined["reasons"])
    assert "\\u0000" not in "".join(checked.quarantined["row"])
    assert checked.valid["city"].is_in(["OSLO"]).all()
