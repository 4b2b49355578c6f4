"""A column that the others say is told when it does not follow them any more."""

import numpy as np
import pytest

from nightjar.core.inputs.by_others import by_others

NAMES = ["warm", "damp", "both", "alone"]
EVERY = {"": np.full(72, fill_value=True)}


def rows_of(count, seed, level=0.0):
    """`both` is said by a product of the first two. `alone` is said by nothing."""
    chance = np.random.default_rng(seed)
    warm, damp, alone = chance.normal(level, 1, (3, count))
    return np.column_stack([warm, damp, warm + damp + warm * damp + chance.normal(0, 0.05, count), alone])


PAST = rows_of(1_000, 1)


def told(now, parts=EVERY):
    return {(name, part): number for _, name, part, number in by_others(now, PAST, NAMES, parts)}


def test_an_ordinary_day_is_as_far_from_the_others_as_the_past():
    assert 0.7 < told(rows_of(72, 2))["both", ""] < 1.4


@pytest.mark.parametrize("odd", [lambda value: value + 0.4, lambda value: value * 1.3, lambda value: -value])
def test_a_column_that_does_not_follow_the_others_is_far(odd):
    now = rows_of(72, 2)
    now[:, 2] = odd(now[:, 2])
    assert told(now)["both", ""] > 3


def test_one_row_late_is_far():
    now = rows_of(72, 2)
    now[1:, 2] = now[:-1, 2].copy()
    assert told(now)["both", ""] > 10


def test_a_day_unlike_the_past_says_little():
    assert told(rows_of(72, 2, level=2.5))["both", ""] < 2


def test_nothing_is_said_of_a_column_that_the_others_do_not_say():
    assert ("alone", "") not in told(rows_of(72, 2))


def test_a_part_is_told_alone():
    now, odd = rows_of(72, 2), np.arange(72) < 24
    now[odd, 2] += 1
    found = told(now, {"key=a": odd, "key=b": ~odd})
    assert found["both", "key=a"] > 10
    assert found["both", "key=b"] < 1.5


def test_missing_values_say_nothing():
    now = rows_of(72, 2)
    now[:, 2] = np.nan
    assert ("both", "") not in told(now)
