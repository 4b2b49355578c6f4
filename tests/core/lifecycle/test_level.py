import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.level import level_part

ROWS = 40
EVERYWHERE = pl.Series([0] * ROWS)
OUTCOME = pl.Series([1.0, 0.0, 0.0, 1.0] * 10)
scores = arrays.arrays(float, ROWS, elements=st.floats(0.2, 0.7))


def published(kind, answer):
    return kind.rows_of(pl.Series("score", answer, dtype=kind.dtype), ())


def losses(kind, answer):
    return kind.losses(published(kind, answer), OUTCOME).to_numpy()


def part(kind, one, other, groups=EVERYWHERE):
    return level_part(kind, published(kind, one), published(kind, other), OUTCOME, groups).to_numpy()


@pytest.mark.parametrize("kind", [BINARY, REGRESSION])
@given(scores, st.floats(-0.2, 0.2))
@settings(deadline=None, max_examples=25)
def test_two_that_differ_in_their_level_alone_differ_by_nothing_else(kind, score, shift):
    whole = losses(kind, score + shift) - losses(kind, score)
    assert part(kind, score + shift, score) == pytest.approx(whole)


@given(scores, scores)
@settings(deadline=None, max_examples=25)
def test_the_rest_of_a_squared_error_is_how_far_two_differ_in_which_rows_they_tell_apart(one, other):
    rest = losses(BINARY, one) - losses(BINARY, other) - part(BINARY, one, other)
    apart = one - other - (one - other).mean()
    assert rest == pytest.approx(-2 * apart * (OUTCOME.to_numpy() - (one + other) / 2))


@given(scores, scores)
@settings(deadline=None, max_examples=25)
def test_a_moved_level_leaves_the_rest_as_it_was(one, other):
    """So far as the middle of both lies as before: a constant moves all rows alike."""
    moved = one + 0.1
    rest = losses(BINARY, one) - losses(BINARY, other) - part(BINARY, one, other)
    again = losses(BINARY, moved) - losses(BINARY, other) - part(BINARY, moved, other)
    assert again.sum() == pytest.approx(rest.sum())


def test_each_group_has_its_own_level():
    one = np.repeat([0.3, 0.6], ROWS // 2)
    halves = pl.Series([0] * (ROWS // 2) + [1] * (ROWS // 2))
    other = np.full(ROWS, 0.4)
    whole = losses(BINARY, one) - losses(BINARY, other)
    assert part(BINARY, one, other, halves) == pytest.approx(whole)
    assert part(BINARY, one, other) != pytest.approx(whole)


def test_each_class_has_its_own_level():
    kind = multiclass("calm", "storm")
    one, other = (np.column_stack([np.full(ROWS, p), np.full(ROWS, 1 - p)]) for p in (0.6, 0.5))
    assert part(kind, one, other) == pytest.approx(losses(kind, one) - losses(kind, other))
