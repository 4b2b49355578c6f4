"""A column that the others say is told when it does not follow them any more."""

import numpy as np
import polars as pl
import pytest

from nightjar.core.inputs.by_others import by_others, of_rows

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
    assert 1 <= told(rows_of(72, 2))["both", ""] < 1.4


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


def flights(count, seed):
    """A route has a distance, and a flight takes a time for it."""
    chance = np.random.default_rng(seed)
    route = chance.integers(0, 8, count)
    distance = 200.0 + 300 * route
    return pl.DataFrame(
        {
            "route": [f"r{each}" for each in route],
            "carrier": [f"c{each}" for each in chance.integers(0, 3, count)],
            "distance": distance + chance.integers(0, 3, count),
            "minutes": distance / 8 + chance.normal(0, 3, count),
            "constant": 1.0,
        }
    )


NUMBERS, CATEGORIES = ["distance", "minutes", "constant"], ["route", "carrier"]
EARLIER = [flights(400, seed) for seed in range(5)]


def of_flights(rows):
    slices = {"carrier": pl.col("carrier"), "route": pl.col("route")}
    return {
        (name, part): number for _, name, part, number in of_rows(rows, EARLIER, NUMBERS, CATEGORIES, slices)
    }


def test_rows_are_read_whole_and_by_slice():
    found = of_flights(flights(400, 9))
    assert {name for name, _ in found} == {"distance", "minutes"}
    assert {part for _, part in found} == {
        "",
        *(f"carrier=c{n}" for n in range(3)),
        *(f"route=r{n}" for n in range(8)),
    }
    assert max(found.values()) < 2


def test_a_category_says_what_its_numbers_are():
    odd = pl.when(route="r3").then(pl.col("distance") * 1.6).otherwise("distance").alias("distance")
    found = of_flights(flights(400, 9).with_columns(odd))
    assert found["distance", "route=r3"] > 5
    assert found["distance", "route=r4"] < 2


def test_one_carrier_by_another_clock_is_told():
    odd = pl.when(carrier="c1").then(pl.col("minutes") + 60).otherwise("minutes").alias("minutes")
    found = of_flights(flights(400, 9).with_columns(odd))
    assert found["minutes", "carrier=c1"] > 5
    assert found["minutes", "carrier=c0"] < 2


def test_a_category_that_is_new_says_nothing():
    found = of_flights(flights(400, 9).with_columns(carrier=pl.lit("new")))
    assert found["minutes", ""] < 2


def test_too_few_rows_of_the_past_say_nothing():
    rows = flights(400, 9)
    assert not [*of_rows(rows, [EARLIER[0].head(20)], NUMBERS, CATEGORIES, {})]
