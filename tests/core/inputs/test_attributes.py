"""What belongs to a key is the same on every night."""

import polars as pl
import pytest

from nightjar.core.inputs.attributes import of_keys

CITIES = ["BERN", "OSLO", "ROME", "RIGA"]


def night(number):
    """Trips between cities: miles belong to both of them, the price to the night."""
    trips = [(a, b) for a in CITIES for b in CITIES if a != b] * 5
    miles = {trip: 100 + 7 * place for place, trip in enumerate(sorted(set(trips)))}
    rows = [
        (a, b, miles[a, b], 1000 * number + place, place % 3, number) for place, (a, b) in enumerate(trips)
    ]
    return pl.DataFrame(rows, schema=["from", "to", "miles", "price", "class", "day"], orient="row")


def read(rows, earlier=(1, 2, 3)):
    names = ["miles", "price", "class", "day"]
    return {
        column: share
        for _, column, _, share in of_keys(rows, [night(n) for n in earlier], ["from", "to"], names)
    }


def test_an_attribute_is_found_by_its_keys():
    assert read(night(4)) == {"miles of from and to": 1.0}


@pytest.mark.parametrize("wrong", [1, 30])
def test_rows_with_another_value_are_counted(wrong):
    miles = pl.when(pl.int_range(pl.len()) < wrong).then(pl.col("miles") + 1).otherwise("miles")
    assert read(night(4).with_columns(miles)) == {"miles of from and to": 1 - wrong / 60}


def test_a_new_key_and_a_missing_value_say_nothing():
    rows = night(4).with_columns(
        pl.col("to").replace({"RIGA": "PRAG"}),
        miles=pl.when(pl.int_range(pl.len()) > 2).then("miles"),
    )
    assert read(rows) == {"miles of from and to": 1.0}


def test_one_night_before_says_nothing():
    assert read(night(4), earlier=[3]) == {}
