"""An entity is known again though its key holds the date of its night."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.entity_keys import FORMS, nights_in, on_night, undated

DAYS = st.dates(date(1990, 1, 1), date(2049, 12, 31))
PARTS = st.text("ABC-_/.", max_size=4)


@given(DAYS, DAYS, st.sampled_from(FORMS), PARTS, PARTS)
def test_a_key_is_that_of_the_other_night_in_whatever_form_it_holds_the_date(of, night, form, before, after):
    key, there = (f"{before}{day.strftime(form)}{after}" for day in (of, night))
    assert there in on_night(key, of, night)
    assert nights_in(key, [of, night]) == [of, night] or nights_in(key, [of, night]) == [of]
    rest = [pl.DataFrame({"entity_key": [key]}).select(undated(key, of)).item()]
    assert rest == [f"{before}{after}"]


def test_a_key_without_the_date_is_the_same_on_every_night():
    day = date(2013, 6, 15)
    assert on_night("1990-05-01-4711", day, day + timedelta(days=1)) == ["1990-05-01-4711"]
    assert nights_in("1990-05-01-4711", [day]) == []


def test_a_day_and_a_month_in_either_order_are_both_tried():
    assert on_night("UA1 06/06/2013", date(2013, 6, 6), date(2013, 7, 8)) == [
        "UA1 08/07/2013",
        "UA1 07/08/2013",
    ]
