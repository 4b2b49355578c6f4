from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.lifecycle.choosing import choice

NIGHTS, ROWS = 14, 50
RANDOM = np.random.default_rng(4)
HARD = np.repeat(np.exp(RANDOM.normal(0, 0.3, NIGHTS)), ROWS)


def days(nights=NIGHTS):
    return pl.Series(np.repeat([date(2013, 6, 1) + timedelta(days=n) for n in range(nights)], ROWS).tolist())


def chosen(nights=NIGHTS, **means):
    """The name of the chosen learner among those with these mean losses, the simplest first."""
    hard = HARD[: nights * ROWS]
    losses = {
        name: pl.Series(hard * mean * (1 + RANDOM.normal(0, 0.05, hard.size))) for name, mean in means.items()
    }
    return choice(days(nights), losses, 0.05)


def test_a_simpler_one_that_is_as_good_is_taken():
    assert chosen(constant=0.2, linear=0.1601, fit=0.16)[0] == "linear"


def test_a_simpler_one_that_is_measurably_worse_is_not():
    assert chosen(constant=0.2, linear=0.17, fit=0.16)[0] == "fit"


def test_the_best_may_be_the_simplest():
    assert chosen(constant=0.15, linear=0.17, fit=0.16)[0] == "constant"


def test_with_too_few_nights_to_measure_the_best_is_taken():
    assert chosen(nights=4, constant=0.161, fit=0.16)[0] == "fit"


def test_it_tells_by_how_much_each_differs_from_the_best():
    _, found = chosen(constant=0.2, fit=0.16)
    assert [one.learner for one in found] == ["constant", "fit"]
    assert round(found[0].over_best.value, 2) == 1.25
    assert [one.loss for one in found] == pytest.approx([0.2 * HARD.mean(), 0.16 * HARD.mean()], rel=0.01)
    assert found[1].over_best.shown == (1.0, 1.0)


@given(st.permutations(range(NIGHTS)))
@settings(max_examples=10, deadline=None)
def test_the_order_of_rows_does_not_matter(order):
    losses = {"a": pl.Series(HARD), "b": pl.Series(HARD[::-1].copy())}
    rows = np.concatenate([np.arange(n * ROWS, (n + 1) * ROWS) for n in order]).tolist()
    moved = {name: loss.gather(rows) for name, loss in losses.items()}
    first, second = choice(days(), losses, 0.05), choice(days().gather(rows), moved, 0.05)
    assert first[0] == second[0]
    assert [round(one.loss, 9) for one in first[1]] == [round(one.loss, 9) for one in second[1]]
