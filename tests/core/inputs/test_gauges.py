"""What the numbers of a gauge are made of."""

import numpy as np
import pytest

from nightjar.core.inputs.gauges import around, between, decimals, digits, off_steps

CHANCE = np.random.default_rng(3)
PAST = np.column_stack([CHANCE.integers(20, 60, 500) * 1.8, CHANCE.integers(0, 9, 500)]).round(2)
NAMES, WHOLE = ["warm", "wind"], {"": np.full(40, fill_value=True)}
FIRST = {"": WHOLE[""], "city=oslo": np.arange(40) < 20}


def told(found):
    return {(name, column, part): value for name, column, part, value in found}


def test_a_new_season_has_the_same_decimals():
    now = np.column_stack([CHANCE.integers(90, 110, 40) * 1.8, CHANCE.integers(0, 9, 40) + 50]).round(2)
    found = told(decimals(now, PAST, NAMES, WHOLE))
    assert found["decimals", "warm", ""] == found["decimals", "wind", ""] == 1
    assert found["other_decimals", "warm", ""] < 0.35


def test_other_units_and_rounded_values_have_others():
    now = np.column_stack([PAST[:40, 0] / 1.852, PAST[:40, 1]]).round(2)
    assert told(decimals(now, PAST, NAMES, WHOLE))["decimals", "warm", ""] < 0.3
    now = np.column_stack([PAST[:40, 0].round(), PAST[:40, 1]])
    assert told(decimals(now, PAST, NAMES, WHOLE))["other_decimals", "warm", ""] > 0.7


def test_decimals_of_one_key_are_told_apart():
    now = PAST[:40].copy()
    now[:20, 0] += 0.07
    found = told(decimals(now, PAST, NAMES, FIRST))
    assert found["decimals", "warm", "city=oslo"] == 0
    assert found["decimals", "warm", ""] == 0.5


@pytest.mark.parametrize(("step", "share"), [(1, 0.0), (2, 0.5), (5, 0.8), (10, 0.9)])
def test_rounded_numbers_end_in_other_digits(step, share):
    past = np.arange(400.0)[:, None]
    found = told(digits(past[::-1] // step * step, past, ["minute"]))
    assert found["digits", "minute", ""] == pytest.approx(share)


def test_numbers_with_decimals_have_no_last_digit():
    past = np.arange(400.0)[:, None]
    assert told(digits(past / 4, past, ["minute"])) == {}
    assert told(digits(past, past % 9, ["minute"])) == {}


@pytest.mark.parametrize(("factor", "share"), [(1.0, 0.0), (0.1, 0.9), (np.pi / 180, 1.0)])
def test_values_in_another_unit_lie_between_the_steps_of_a_gauge(factor, share):
    degrees = np.arange(10.0, 361.0, 10.0)[:, None]
    assert told(off_steps(degrees * factor, degrees, ["wind"])) == {
        ("off_steps", "wind", ""): pytest.approx(share, abs=0.02)
    }


def test_without_a_step_above_one_no_value_is_off_it():
    degrees = np.arange(10.0, 361.0, 10.0)[:, None]
    assert told(off_steps(degrees, degrees + 0.5, ["wind"])) == {}
    assert told(off_steps(degrees, np.append(degrees, 7.0)[:, None], ["wind"])) == {}
    assert told(off_steps(degrees, degrees[:9], ["wind"])) == {}, "few steps are steps by chance"
    assert told(off_steps(degrees * 1e20, degrees * 1e20, ["identity"])) == {}, "no whole number is exact"


def test_few_values_and_zeros_say_nothing():
    now = np.column_stack([np.zeros(40), np.where(np.arange(40) < 5, 1.0, np.nan)])
    assert told(decimals(now, PAST, NAMES, WHOLE)) == {}


def test_a_day_of_few_different_values_has_few_decimals():
    steady = np.column_stack([np.arange(40) % 4 * 1.8 + 36, PAST[:40, 1]]).round(2)
    assert ("other_decimals", "warm", "") not in told(decimals(steady, PAST, NAMES, WHOLE))


def test_a_straight_line_lies_between_its_ends():
    hours = np.round(CHANCE.normal(0, 3, (2, 2, 24, 1)).cumsum(axis=2), 1)
    usual = told(between(hours, ["city=oslo", "city=rome"], ["warm"]))
    assert usual["between", "warm", ""] < 0.15
    filled = hours.copy()
    filled[0, 0, 5:15, 0] = np.round(np.linspace(0, 9, 10), 2)
    found = told(between(filled, ["city=oslo", "city=rome"], ["warm"]))
    assert found["between", "warm", "city=oslo"] >= 8 / 22
    assert found["between", "warm", "city=rome"] == usual["between", "warm", "city=rome"]


def test_values_that_stand_still_are_not_filled():
    still = np.stack([np.ones((1, 24, 1)), np.arange(24.0).reshape(1, 24, 1)])
    assert told(between(still, ["city=oslo"], ["warm"]))["between", "warm", ""] == 0


def test_of_a_column_with_one_value_in_most_rows_nothing_is_said():
    assert told(between(np.ones((2, 1, 24, 1)), ["city=oslo"], ["warm"])) == {}


@pytest.mark.parametrize("hours", [3, 11])
def test_few_hours_say_nothing(hours):
    days = np.arange(2.0 * hours).reshape(2, 1, hours, 1)
    assert told(between(days, ["city=oslo"], ["warm"])) == {}


def test_a_column_goes_around_if_its_steps_are_much_shorter_on_the_circle():
    steps = np.random.default_rng(4).normal(0, 2, (15, 3, 24)).cumsum(axis=2)
    wind = (np.round(steps) * 10 + 340) % 360
    found = around(np.stack([wind, steps, np.where(steps > 3, 1.0, 0.0)], axis=-1))
    assert found.tolist() == [360, np.inf, np.inf]
