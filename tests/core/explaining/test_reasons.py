"""Which rows are explained, and which reasons are told of them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.errors.model import BadSpec
from nightjar.core.explaining.contributions import BASE
from nightjar.core.explaining.reasons import REASONS, chosen, reasons_of
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.explain import Explain
from nightjar.testing.specs import spec_of_kind, toy_spec

SCORES = st.lists(st.floats(0, 1), max_size=40).map(
    lambda scores: pl.DataFrame(
        {"entity_key": [f"k{n:02}" for n in range(len(scores))], "score": scores},
        schema={"entity_key": pl.String, "score": pl.Float64},
    )
)


@given(SCORES, st.integers(0, 50))
def test_the_highest_are_so_many_and_none_below_them_is_left_out(scores, highest):
    keys = chosen(Explain(highest=highest), scores, 1)
    assert len(keys) == min(highest, scores.height)
    inside = pl.col("entity_key").is_in(keys.implode())
    least, most = scores.filter(inside)["score"].min(), scores.filter(~inside)["score"].max()
    assert least is None or most is None or most <= least


@given(SCORES, st.floats(0, 1), st.integers(0, 9))
def test_the_same_night_gives_the_same_rows_in_whatever_order_they_come(scores, share, seed):
    keys = chosen(Explain(share=share), scores, seed)
    assert keys.to_list() == chosen(Explain(share=share), scores.reverse(), seed).to_list()
    assert len(keys) == round(share * scores.height)


def test_rows_above_a_score_are_explained_besides_the_others_and_once():
    scores = pl.DataFrame({"entity_key": ["a", "b", "c", "d"], "score": [0.9, 0.2, 0.7, 0.7]})
    assert chosen(Explain(above=0.7), scores, 1).to_list() == ["a"]
    assert chosen(Explain(above=0.5, highest=1), scores, 1).to_list() == ["a", "c", "d"]


def test_another_night_draws_other_rows():
    scores = pl.DataFrame({"entity_key": [f"k{n:03}" for n in range(200)], "score": [0.5] * 200})
    nights = {tuple(chosen(Explain(share=0.1), scores, seed)) for seed in range(5)}
    assert len(nights) == 5


ROWS = pl.DataFrame(
    {"entity_key": ["a", "b"], "x": [23.0, None], "city": ["ROME", None], "flag": [True, False]}
)
TOLD = pl.DataFrame({"city": [0.5, -0.0], "x": [-2.0, 0.25], "flag": [0.0, 0.25], BASE: [9.0, 9.0]})


def test_the_strongest_inputs_come_first_in_their_words_and_one_that_adds_nothing_is_no_reason():
    explain = Explain(highest=2, words={"x": "{value} departures", "city": "in {value}"})
    found = reasons_of(explain, ROWS, TOLD)
    assert found.schema == REASONS
    assert found.rows() == [
        ("a", 1, "x", "23", -2.0, "23 departures"),
        ("a", 2, "city", "ROME", 0.5, "in ROME"),
        ("b", 1, "x", None, 0.25, "unknown departures"),
        ("b", 2, "flag", "false", 0.25, "flag false"),
    ]
    assert reasons_of(Explain(highest=2, reasons=1), ROWS, TOLD)["rank"].to_list() == [1, 1]
    assert reasons_of(explain, ROWS[:0], TOLD[:0]).schema == REASONS


@pytest.mark.parametrize(
    ("template", "value", "text"),
    [
        ("{value}", 23.0, "23"),
        ("{value}", 3, "3"),
        ("{value}", 12.34567, "12.35"),
        ("{value}", -0.0012345, "-0.00123"),
        ("{value:.1f} mph", 12.34567, "12.3 mph"),
        ("{value:.0f} mph", None, "unknown mph"),
        ("{{{value}}}", "ROME", "{ROME}"),
    ],
)
def test_a_value_is_written_for_people(template, value, text):
    assert Explain(highest=1, words={"x": template}).told("x", value) == text


@pytest.mark.parametrize(
    ("explain", "problem"),
    [
        (Explain(), "explain names no rows: set above, highest or share"),
        (Explain(highest=1, words={"y": "{value}"}), r"explain has words for \['y'\], which are no inputs"),
        (
            Explain(highest=1, words={"x": "windy"}),
            "explain cannot write its words for 'x', 'windy': they must",
        ),
        (Explain(highest=1, words={"x": "{value} {other}"}), "KeyError 'other'"),
        (Explain(highest=1, words={"x": "{value:%Q}"}), "ValueError"),
        (Explain(highest=1, words={"city": "{value:.0f}"}), "cannot write its words for 'city'"),
        (
            Explain(above=1.0),
            "explain names rows above 1.0, and a score of the kind 'binary' lies from 0 to 1",
        ),
        (Explain(above=float("nan")), "explain names rows above nan"),
        (Explain(highest=-1), "explain.highest is -1"),
        (Explain(share=1.5), "explain.share is 1.5"),
        (Explain(highest=1, reasons=0), "explain.reasons is 0"),
        (Explain(highest=True), "explain.highest is True"),
        (Explain(highest=1, words={"x": 3}), "explain.words.x is 3"),
        (3, "explain is 3"),
    ],
)
def test_a_spec_says_what_is_wrong_with_its_explanations(explain, problem):
    with pytest.raises(BadSpec, match=problem):
        toy_spec(explain=explain, categorical=("city",))


def test_a_regression_may_explain_any_score_above_a_number():
    assert spec_of_kind(REGRESSION, explain=Explain(above=250.0)).explain.above == 250
