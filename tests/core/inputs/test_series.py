"""The days of a feed go on as themselves, or it is told."""

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.inputs.gauges import around
from nightjar.core.inputs.series import among_keys, days_of, going_on, rotated

KEYS, NAMES = ["gauge=a", "gauge=b", "gauge=c"], ["warm", "damp"]
DAYS = 15


def days():
    """Two columns that wander by the hour, at three gauges that differ by a little."""
    chance = np.random.default_rng(5)
    hours = DAYS * 24
    common = chance.normal(0, 1, (hours, 2)).cumsum(axis=0)
    own = chance.normal(0, 0.4, (hours, 3, 2)) + np.array([[0, 0], [1.5, -1], [-1, 2]])
    each = (common[:, None] + own).reshape(DAYS, 24, 3, 2).transpose(0, 2, 1, 3)
    return each[::-1].copy()


def going(values):
    found = going_on(values, NAMES, around(values))
    return {(name, column): number for name, column, _, number in found}


def among(values):
    found = among_keys(values, KEYS, NAMES, around(values))
    return {(name, column, part): number for name, column, part, number in found}


def test_an_ordinary_day_goes_on():
    found = going(days())
    assert found["jump", "warm"] < 3
    assert 0.7 < found["rough", "warm"] < 1.4
    assert found["late", "warm"] == found["same_day", "warm"] == 0


def test_a_day_that_begins_elsewhere_in_all_columns_has_a_seam():
    values = days()
    usual = going(values)["seam", ""]
    values[0] += 6
    assert going(values)["seam", ""] > 1.5 * usual


def begun(values):
    return {part: number for _, _, part, number in rotated(values, KEYS, around(values))}


@pytest.mark.parametrize("begin", [4, 12, 20])
def test_a_day_whose_hours_are_in_another_clock_and_its_date_is_not_is_rotated(begin):
    values = days()
    values[0] = np.roll(values[0], -begin, axis=1)
    assert begun(values)[""] > 3
    assert all(begun(days()[back:])[""] < 1 for back in range(8))


def test_a_gauge_with_another_clock_is_rotated_by_itself():
    values = days()
    values[0, 1] = np.roll(values[0, 1], -12, axis=0)
    found = begun(values)
    assert found["gauge=b"] > 3 + max(found["gauge=a"], found["gauge=c"])


def test_columns_that_are_missing_at_the_end_of_the_day_make_it_not_look_rotated():
    """Of what is missing in one of the sums, the others would say too much."""
    values = np.tile(days(), 6) + np.random.default_rng(1).normal(0, 0.3, (DAYS, 3, 24, 12))
    assert begun(values)[""] == 0
    values[0, :, -1, 1:] = np.nan
    assert begun(values)[""] < 3


def test_hours_that_are_missing_make_no_day_look_rotated():
    values = days()
    values[0, :, 5:9] = np.nan
    assert begun(values)[""] < 1
    values[0, :, 0] = np.nan
    assert set(begun(values).values()) == {0.0}


def test_a_day_that_begins_elsewhere_jumps():
    values = days()
    values[0, :, :, 0] += 30
    assert going(values)["jump", "warm"] > 10
    assert going(values)["jump", "damp"] == going(days())["jump", "damp"]


def winds(turned=0):
    """A wind about north: from 350 degrees to 10 is a step of 20."""
    values = np.round(days()[..., :1] * 2) * 10 % 360
    values[0] = (values[0] + turned) % 360
    return values


def test_a_wind_that_turns_past_north_does_not_jump_and_a_turned_one_does():
    usual, turned = (
        {name: number for name, _, _, number in going_on(of_day, ["wind"], around(of_day))}
        for of_day in (winds(), winds(180))
    )
    assert usual["turned"] == 0.5 < 0.8 < turned["turned"] <= 1
    assert usual["rough"] < 2


def test_a_column_that_is_seldom_known_does_not_say_that_keys_are_exchanged():
    values = np.concatenate([days(), np.full((DAYS, 3, 24, 1), np.nan)], axis=-1)
    values[5:7, :, 6:12, 2] = 20.0  # all alike on two days
    values[0, :, 6:12, 2] = np.array([20, 20, 35])[:, None]
    found = among_keys(values, KEYS, [*NAMES, "gust"], around(values))
    assert next(number for name, _, _, number in found if name == "exchanged") == 0


def test_noise_is_rough():
    values = days()
    values[0, ..., 0] += np.random.default_rng(1).normal(0, 5, (3, 24))
    assert going(values)["rough", "warm"] > 3


@pytest.mark.parametrize("hours", [3, 5, 12])
def test_a_day_that_is_late_repeats_the_end_of_the_day_before(hours):
    values = days()
    values[0] = np.concatenate([values[1], values[0]], axis=1)[:, 24 - hours : 48 - hours]
    assert going(values)["late", "warm"] == 1


@pytest.mark.parametrize("gauges", [[0, 1, 2], [1]])
def test_a_file_that_is_two_instants_late_is_known_by_its_rows(gauges):
    values = days()
    late = np.concatenate([values[1], values[0]], axis=1)[:, 22:46]
    values[0, gauges] = late[gauges]
    assert going(values)["late", ""] == 1
    assert going(days())["late", ""] == 0


def test_an_afternoon_of_another_day_is_known_by_its_rows():
    values = days()
    values[0, :, 12:] = values[4, :, 12:]
    assert going(values)["same_day", ""] == 0.5


def test_missing_rows_are_counted():
    values = days()
    values[0, :, 5:8] = np.nan
    assert going(values)["whole", ""] == 7 / 8
    assert going(values)["silent", ""] == 3
    assert going(days())["silent", ""] == 0


def test_sums_that_only_rise_go_one_way():
    values = days()
    values[0, ..., 0] = np.abs(values[0, ..., 0]).cumsum(axis=1)
    assert going(values)["one_way", "warm"] == pytest.approx(np.sqrt(3 * 23))
    assert going(values)["one_way", "damp"] < 3


def test_the_values_of_one_gauge_at_another_are_told():
    values = days()
    values[0, 2, :, 1] = values[0, 0, :, 1]
    assert among(values)["same_key", "damp", ""] == 1
    assert among(values)["same_key", "warm", ""] == 0


def test_a_column_of_another_day_is_known_again():
    values = days()
    values[0, ..., 1] = values[6, ..., 1]
    assert going(values)["same_day", "damp"] == 1
    assert going(values)["same_day", "warm"] == 0


def test_gauges_under_each_others_name_fit_better_when_exchanged():
    values = days()
    assert among(values)["exchanged", "", ""] == 0
    values[0] = values[0, [1, 0, 2]]
    assert among(values)["exchanged", "", ""] > 10


def test_rows_that_are_shuffled_among_the_gauges_do_not_follow():
    values, chance = days(), np.random.default_rng(2)
    ordinary = among(values)["followed", "", ""]
    for hour in range(24):
        values[0, :, hour] = values[0, chance.permutation(3), hour]
    assert among(values)["followed", "", ""] < ordinary - 0.2


def test_one_gauge_that_leaves_the_others_is_told():
    values = days()
    values[0, 1, :, 0] += 6
    found = among(values)
    assert found["beside_keys", "warm", "gauge=b"] > 3
    assert found["beside_keys", "damp", "gauge=b"] < 1.5


def test_missing_values_are_left_out():
    values = days()
    values[0, :, :, 0] = np.nan
    found = going(values) | among(values)
    assert not np.isfinite(found["rough", "warm"])
    assert ("jump", "warm") not in found
    assert found["exchanged", "", ""] == 0


def frame(day, cities, hours):
    start = datetime(2013, 1, 1, tzinfo=UTC) + timedelta(days=day)
    rows = [(city, start + timedelta(hours=hour), day + hour / 100) for city in cities for hour in hours]
    return pl.DataFrame(rows, schema=["city", "at", "warm"], orient="row")


def test_a_day_is_an_array_of_keys_and_instants():
    found = days_of([frame(1, "ab", range(24)), frame(0, "ba", range(23))], ["city"], ["at"], ["warm"])
    assert found is not None
    keys, values = found
    assert keys == ["city=a", "city=b"]
    assert values.shape == (2, 2, 24, 1)
    assert values[0, :, 5, 0].tolist() == [1.05, 1.05]
    assert np.isnan(values[1, :, 23, 0]).all()


def test_rows_at_instants_of_their_own_are_no_series():
    days = [frame(day, [str(place)], [place / 7 + day / 50]) for day in range(2) for place in range(9)]
    assert days_of([pl.concat(days[:9]), pl.concat(days[9:])], ["city"], ["at"], ["warm"]) is None
