"""Values and a population of an earlier night are known again."""

import random
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.core.inputs.again import LEAST_NIGHTS, MARKED, marks, repeated, seal
from nightjar.core.inputs.readings import READING

FIRST = date(2013, 6, 3)
CARRIERS = [f"c{number:02}" for number in range(20)]
TONIGHT = 30


def read(number, *, steady=0.0, carriers=CARRIERS):
    """Readings of a record that is another one each night, and of a share of values that never changes."""
    chance, same = random.Random(number), steady * len(carriers)
    rows = pl.DataFrame(
        {
            "carrier": carriers,
            "rate": [chance.random() for _ in carriers],
            "age": [float(place) if place < same else chance.random() for place in range(len(carriers))],
        }
    )
    return pl.DataFrame([*marks(rows, ["carrier"], ["rate", "age"])], schema=READING, orient="row")


def nights(**changes):
    return {FIRST + timedelta(number): read(number, **changes) for number in range(TONIGHT)}


def found(tonight, past):
    return {(each.name, each.column): each.sentence for each in repeated(tonight, past, 0.01)}


def test_a_night_that_is_like_no_other_is_not_told():
    assert found(read(TONIGHT), nights()) == {}


def test_a_record_of_three_weeks_ago_is_told_with_its_night():
    told = found(read(9), nights())
    assert str(FIRST + timedelta(9)) in told["outdated", "age, rate"]


def test_a_column_that_hardly_changes_may_be_as_it_was():
    told = found(read(9, steady=0.6), nights(steady=0.6))
    assert ("outdated", "rate") in told
    assert not any("age" in column for _, column in told)


def test_few_values_may_be_the_same_by_chance():
    assert ("outdated", "age, rate") not in found(
        read(9, carriers=CARRIERS[:3]), nights(carriers=CARRIERS[:3])
    )


@pytest.mark.parametrize(("most", "told"), [(LEAST_NIGHTS - 1, False), (LEAST_NIGHTS, True)])
def test_few_nights_say_nothing(most, told):
    assert bool(found(read(3), dict([*nights().items()][:most]))) is told


@pytest.mark.parametrize(("most", "told"), [(LEAST_NIGHTS - 1, False), (LEAST_NIGHTS, True)])
def test_a_column_that_few_nights_have_is_new(most, told):
    past = nights()
    for night in list(past)[:-most]:
        past[night] = past[night].filter(column="age")
    found_in = found(past[FIRST + timedelta(TONIGHT - 1)], past)
    assert any("rate" in column for _, column in found_in) == told


def sealed(*entities):
    return pl.DataFrame([seal(pl.Series(entities))], schema=READING, orient="row")


def test_the_very_entities_of_an_earlier_night_are_told():
    past = {FIRST + timedelta(number): sealed("a", "b", f"c{number}") for number in range(LEAST_NIGHTS)}
    assert found(sealed("a", "b", "c9"), past) == {}
    assert ("population_repeated", "") in found(sealed("c4", "b", "a"), past)


def test_entities_that_are_the_same_every_night_are_no_repetition():
    past = {FIRST + timedelta(number): sealed("a", "b") for number in range(LEAST_NIGHTS)}
    assert found(sealed("a", "b"), past) == {}


def test_the_same_few_keys_are_marked_whatever_their_order():
    rows = pl.DataFrame({"carrier": CARRIERS, "rate": range(20)})
    assert [*marks(rows, ["carrier"], ["rate"])] == [*marks(rows.reverse(), ["carrier"], ["rate"])]
    assert len([*marks(rows, ["carrier"], ["rate"])]) == MARKED


@pytest.mark.parametrize(("different", "told"), [(1, False), (2, False), (12, True)])
def test_the_price_of_the_day_may_be_that_of_an_earlier_day(different, told):
    """All shops have the same price, so it is one value and not one of each shop."""

    def night(number):
        prices = [100 * number + place % different for place in range(len(CARRIERS))]
        rows = pl.DataFrame({"carrier": CARRIERS, "price": prices})
        return pl.DataFrame([*marks(rows, ["carrier"], ["price"])], schema=READING, orient="row")

    past = {FIRST + timedelta(number): night(number) for number in range(TONIGHT)}
    assert bool(found(night(9), past)) is told
