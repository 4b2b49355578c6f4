"""What the inputs of a night are told to be odd for, and what they are not."""

import random
from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.comparison.entities import Distribution
from nightjar.core.comparison.ordinary import MIN_NIGHTS
from nightjar.core.comparison.profile import profile_of
from nightjar.core.inputs.findings import sentences
from nightjar.core.inputs.oddities import FULL, comparable, oddities
from nightjar.testing.specs import WEATHER, toy_spec

FIRST = date(2013, 6, 1)
CITIES = ["OSLO", "ROME", "CAIRO"]
SPEC = toy_spec(
    feature_tables=(replace(WEATHER, features={"rain": pl.Float64(), "temp": pl.Float64()}),),
    categorical=("city",),
    numeric=("size", "price", "rate", "rain", "temp"),
    often_missing=frozenset({"temp"}),
)
SCORES = Distribution(score_date=FIRST, rows=1, mean=0.2, stddev=0.1, distinct=1)


def night(seed=0, rain=0.0, temp=20.0, rows=300):
    """A night of shops; the weather is the same for all of a city."""
    chance = random.Random(seed)
    cities = [chance.choice(CITIES) for _ in range(rows)]
    return pl.DataFrame(
        {
            "city": cities,
            "size": [chance.gauss(100, 10) for _ in cities],
            "price": [chance.gauss(108, 10) for _ in cities],
            "rate": [chance.random() if chance.random() > 0.1 else None for _ in cities],
            "rain": [rain + CITIES.index(city) * bool(rain) for city in cities],
            "temp": [temp + CITIES.index(city) for city in cities],
        },
        schema_overrides={"rate": pl.Float64},
    )


def profile(rows, day=0):
    return profile_of(rows, SCORES.model_copy(update={"score_date": FIRST + timedelta(day)}), SPEC)


TRAILING = [profile(night(seed), seed) for seed in range(14, 0, -1)]


def told(rows, trailing=TRAILING):
    return sentences(oddities(profile(rows, 15), trailing, SPEC))


@pytest.mark.parametrize("seed", range(20, 30))
def test_an_ordinary_night_has_nothing_odd(seed):
    assert told(night(seed)) == ()


@pytest.mark.parametrize(("rain", "temp"), [(30.0, 20.0), (0.0, -15.0), (0.1, 45.0)])
def test_weather_may_be_as_it_never_was_in_two_weeks(rain, temp):
    assert told(night(99, rain=rain, temp=temp)) == ()


FAULTS = {
    "a column that is missing": (
        {"rate": pl.lit(None, pl.Float64)},
        (
            "More values of rate than usual are missing. Share of values that are missing: 100%. "
            "Usual on the last 14 nights: 1"
        ),
    ),
    "a column of which much more is missing": (
        {"rate": pl.when(pl.int_range(pl.len()) % 2 == 0).then("rate")},
        "More values of rate than usual are missing. Share of values that are missing: 5",
    ),
    "NaN in place of values": ({"size": pl.lit(float("nan"))}, "More values of size than usual are missing"),
    "a column of few entities that is missing": (
        {"rain": pl.lit(None, pl.Float64)},
        "More values of rain than usual are missing",
    ),
    "a text column that is missing": (
        {"city": pl.lit(None, pl.String)},
        "More values of city than usual are missing",
    ),
    "a column that turned constant": (
        {"size": pl.lit(100.0)},
        "size has one value only. Different values: 1. On the last 14 nights: 300 to 300. Limit: ",
    ),
    "weather that is everywhere the same": (
        {"temp": pl.lit(21.0)},
        "temp has one value only. Different values: 1. On the last 14 nights: 3 to 3. Limit: ",
    ),
    "weather with a value for each row": (
        {"rain": pl.int_range(pl.len()).cast(pl.Float64)},
        "rain has many more different values than usual. Different values: 300",
    ),
    "another unit": (
        {"size": pl.col("size") / 2.54},
        (
            "The values of size are spread otherwise than usual. Distance from the last 14 nights "
            "(Kolmogorov-Smirnov; 0: equal, 1: nothing in common): 1.00. Between those nights: at most 0."
        ),
    ),
    "categories never seen": (
        {"city": pl.when(pl.int_range(pl.len()) % 10 == 0).then(pl.lit("oslo")).otherwise("city")},
        (
            "city has categories that are new, such as 'oslo'. Share of rows with categories that the last "
            "14 nights did not have: 10%"
        ),
    ),
    "one category in place of three": ({"city": pl.lit("OSLO")}, "city"),
    "two columns that look alike swapped": (
        {"size": pl.col("price"), "price": pl.col("size")},
        "size and price look swapped",
    ),
}


@pytest.mark.parametrize(("change", "finding"), FAULTS.values(), ids=FAULTS)
def test_a_fault_of_a_feed_is_told_by_its_column(change, finding):
    found = told(night(77).with_columns(**change))
    assert any(text.startswith(finding) for text in found), found


@pytest.mark.parametrize(("new", "shown"), [("OSLO ", "'OSLO '"), ("\u041eSLO", "'\\u041eSLO'")])
def test_categories_never_seen_are_shown_as_they_are_written(new, shown):
    rows = night(77).with_columns(pl.col("city").replace("OSLO", new))
    [found] = [text for text in told(rows) if "are new" in text]
    assert found.startswith(f"city has categories that are new, such as {shown}. ")


def test_weather_that_is_everywhere_the_same_is_told_of_a_smaller_night_too():
    assert told(night(77, rows=200).with_columns(temp=pl.lit(21.0))) != ()


def test_swapped_columns_are_told_once():
    assert len(told(night(77).rename({"size": "price", "price": "size"}))) == 1


def test_what_a_model_says_is_often_missing_may_be():
    assert told(night(77).with_columns(temp=pl.lit(None, pl.Float64))) == ()


def test_one_silent_sensor_of_three_is_no_finding():
    assert told(night(77).with_columns(rain=pl.when(pl.col("city") != "OSLO").then("rain"))) == ()


def test_what_is_usually_missing_may_be_missing_but_one_bad_night_makes_no_habit():
    gone = night(77).with_columns(rate=pl.lit(None, pl.Float64))
    assert told(gone, [profile(gone, day) for day in range(5)]) == ()
    assert told(gone, [profile(gone), *TRAILING[1:]]) != ()


def test_a_column_that_comes_to_life_is_no_finding():
    gone = [profile(night(day).with_columns(rate=pl.lit(None, pl.Float64)), day) for day in range(5)]
    assert told(night(77), gone) == ()


def test_fewer_nights_than_enough_forbid_nothing():
    broken = night(77).with_columns(size=pl.lit(0.0))
    assert told(broken, TRAILING[: MIN_NIGHTS - 1]) == ()
    assert told(broken, TRAILING[:MIN_NIGHTS]) != ()


def test_a_night_unlike_the_others_is_forbidden_only_by_two_whole_weeks_of_late():
    larger = night(77).with_columns(size=pl.col("size") + 40)
    tonight = profile(larger, 15)
    assert oddities(tonight, TRAILING, SPEC) != ()
    assert oddities(tonight, TRAILING[: FULL - 1], SPEC) == ()
    assert (
        oddities(tonight.model_copy(update={"score_date": FIRST + timedelta(days=30)}), TRAILING, SPEC) == ()
    )


def test_nights_from_before_there_were_profiles_do_not_count():
    before = [profile_of(pl.DataFrame({"entity_key": []}), SCORES, SPEC)] * 14
    assert comparable(before) == []
    assert told(night(77).with_columns(size=pl.lit(0.0)), before) == ()


def test_a_new_input_is_compared_once_enough_nights_have_it():
    without = [
        one.model_copy(update={"columns": tuple(c for c in one.columns if c.column != "size")})
        for one in TRAILING
    ]
    assert told(night(77).with_columns(size=pl.lit(0.0)), without) == ()


def test_a_small_night_is_not_called_odd_for_having_few_rows():
    few = [profile(night(seed, rows=12), seed) for seed in range(1, 15)]
    assert all(told(night(seed, rows=8), few) == () for seed in range(20, 30))


def test_a_night_of_which_nothing_could_be_sampled_is_judged_by_its_scores():
    assert told(pl.DataFrame({"entity_key": []})) == ()


@given(
    rows=st.lists(
        st.fixed_dictionaries(
            {
                "city": st.none() | st.sampled_from([*CITIES, "", "🦉"]),
                **{name: st.none() | st.floats() for name in SPEC.numeric},
            }
        ),
        min_size=1,
        max_size=40,
    )
)
@settings(max_examples=40)
def test_whatever_a_night_holds_it_is_judged_and_not_stumbled_over(rows):
    frame = pl.DataFrame(rows, schema={"city": pl.String} | dict.fromkeys(SPEC.numeric, pl.Float64))
    assert all(isinstance(text, str) for text in told(frame))
    assert all(isinstance(text, str) for text in told(night(77), [profile(frame)] * 3))


def test_a_short_history_makes_no_weather_odd_that_happens_to_be_the_same_everywhere():
    assert told(night(77).with_columns(temp=pl.lit(21.0)), TRAILING[:5]) == ()


OF_NIGHT = toy_spec(categorical=("month",), numeric=("week", "holiday", "rate"))


def of_night(day, holiday=0, rate=2.5):
    """A night whose inputs have one value for all rows."""
    values = {"month": str(day.month), "week": day.isocalendar().week, "holiday": holiday, "rate": rate}
    rows = pl.DataFrame({name: [value] * 40 for name, value in values.items()})
    return profile_of(rows, SCORES.model_copy(update={"score_date": day}), OF_NIGHT)


def test_a_new_month_and_a_holiday_are_no_oddity_and_another_rate_is_told():
    first = date(2013, 7, 1)
    before = [of_night(first - timedelta(n)) for n in range(1, 15)]
    assert oddities(of_night(first, holiday=1), before, OF_NIGHT) == ()
    (told,) = oddities(of_night(first, rate=2.75), before, OF_NIGHT)
    assert (told.name, told.column, told.holds) == ("distribution", "rate", False)
    wrong = of_night(first + timedelta(40)).model_copy(update={"score_date": first})
    assert {(each.name, each.column) for each in oddities(wrong, before, OF_NIGHT) if each.holds} >= {
        ("unseen", "month")
    }
