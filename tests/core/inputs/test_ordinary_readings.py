"""Readings of a night are held to those of comparable nights."""

import polars as pl
import pytest

from nightjar.core.inputs.ordinary_readings import in_words, unusual
from nightjar.core.inputs.readings import READING


def night(**values):
    """Readings of a column `c`."""
    return pl.DataFrame(
        [(name, "c", "", float(value)) for name, value in values.items()], schema=READING, orient="row"
    )


def names(tonight, near, alike=()):
    return {each.name for each in unusual(tonight, near, alike)}


WEEK = [night(only=number % 7) for number in range(14)]
TUESDAYS = [night(only=2) for _ in range(3)]


def test_a_column_that_goes_by_the_weekday_must_be_that_of_the_day():
    assert names(night(only=2), WEEK, TUESDAYS) == set()
    assert names(night(only=1), WEEK, TUESDAYS) == {"calendar"}


def test_a_column_that_goes_by_the_weekday_is_told_in_a_holiday_period():
    (told,) = unusual(night(only=1), WEEK, TUESDAYS, holiday=True)
    assert (told.name, told.holds) == ("calendar", False)


@pytest.mark.parametrize(
    ("value", "of_weekday", "found"),
    [(2, [2], set()), (2, [2, 2], set()), (1, [2], {"frozen"}), (2, [2, 5], {"frozen"}), (2, [], {"frozen"})],
)
def test_a_column_that_goes_by_the_weekday_does_not_change_from_february_to_march(value, of_weekday, found):
    """As the price of a litre does, which is another one on each occasion, also of the weekday."""
    near = [night(only=number % 7, changed=1) for number in range(14)]
    alike = [night(only=value, changed=1) for value in of_weekday]
    assert names(night(only=value, changed=0), near, alike) == found


@pytest.mark.parametrize(
    ("reading", "usual", "value"),
    [("few_short_share", 0, 1), ("few_zero_share", 0, 1), ("nearer", 0, 1), ("few_pace", 1, 30)],
)
def test_one_value_a_night_says_nothing_of_shares_and_steps(reading, usual, value):
    """A price has two decimals now and then, and the days until Christmas begin anew."""
    several = [night(few_central=5, **{reading: usual}) for _ in range(20)]
    single = [night(few_central=5, only=number % 7, **{reading: usual}) for number in range(20)]
    tonight = {"few_central": 5, "only": 3, reading: value}
    assert names(night(**tonight), several) != set()
    assert names(night(**tonight), single) == set()


def test_one_value_a_night_that_stays_is_told_and_holds_nothing():
    near = [night(only=number % 7, few_central=number % 7, code_changed=1) for number in range(14)]
    (told,) = unusual(night(only=3, few_central=3, code_changed=0), near)
    assert (told.name, told.holds) == ("frozen", False)
    several = [each.filter(pl.col("name") != "only") for each in near]
    (held,) = unusual(night(few_central=3, code_changed=0), several)
    assert (held.name, held.holds) == ("frozen", True)


def test_what_the_date_says_is_not_compared():
    weeks = [night(few_central=40 + number) for number in range(14)]
    assert names(night(few_central=1), weeks) == {"level"}
    assert unusual(night(few_central=1), weeks, by_date={"c"}) == ()


@pytest.mark.parametrize(("month_ago", "holds"), [(0.98, False), (0.2, True), (None, True)])
def test_a_table_that_is_computed_once_a_month_changes_as_a_month_ago(month_ago, holds):
    near = [night(changed=0)] * 14
    months = [] if month_ago is None else [night(changed=0), night(changed=month_ago)]
    (found,) = unusual(night(changed=1), near, months=months)
    assert (found.name, found.holds) == ("changed", holds)


def test_the_rows_of_a_pay_day_are_those_of_a_month_ago():
    def of(rows):
        return pl.DataFrame([("rows", "", "", float(rows))], schema=READING, orient="row")

    (told,) = unusual(of(300), [of(100)] * 14, months=[of(310)])
    (held,) = unusual(of(300), [of(100)] * 14, months=[of(200)])
    assert [(each.name, each.holds) for each in (told, held)] == [("volume", False), ("volume", True)]


def test_last_month_is_over_where_a_slice_has_all_rows_of_its_nights():
    def of(**rows):
        told = [("rows", "", f"month={month}", float(count)) for month, count in rows.items()]
        return pl.DataFrame(
            [("rows", "", "", float(sum(rows.values()))), *told], schema=READING, orient="row"
        )

    assert names(of(june=300), [of(may=300)] * 8) == set()
    assert names(of(june=300), [of(may=200, june=100)] * 8) != set()


@pytest.mark.parametrize("holiday", [False, True])
def test_what_belongs_to_a_key_knows_no_holidays(holiday):
    (told,) = unusual(night(attribute=0.99), [night(attribute=1)] * 8, holiday=holiday)
    assert (told.name, told.holds) == ("attribute", True)
    assert not unusual(night(attribute=0.998), [night(attribute=1)] * 8, holiday=holiday)


@pytest.mark.parametrize(("rows", "others", "found"), [(40, 2, False), (40, 3, True), (2000, 20, True)])
def test_two_rows_with_another_value_are_no_fault_of_a_small_night(rows, others, found):
    near = [night(attribute=1.0, rows=rows)] * 14
    assert bool(names(night(attribute=1 - others / rows, rows=rows), near)) is found


def test_flags_that_are_all_the_same_are_told_and_those_of_last_night_are_held():
    """A campaign may end. But where two in five shops begin or end one every day, some have to."""
    near = [night(code_share=0.6 + number % 7 / 100, code_changed=0.4) for number in range(14)]
    (told,) = unusual(night(code_share=1, code_changed=0.4), near)
    assert (told.name, told.holds) == ("repeated", False)
    (held,) = unusual(night(code_share=0.62, code_changed=0), near)
    assert (held.name, held.holds) == ("frozen", True)
    grouped = [night(code_share=0.6, code_changed=(0.3, 0.6, 1)[number % 3]) for number in range(14)]
    assert not unusual(night(code_share=0.6, code_changed=0), grouped)
    seldom = [night(code_share=0.6, code_changed=number % 3 / 100) for number in range(14)]
    assert not unusual(night(code_share=0.6, code_changed=0), seldom)


def test_a_column_that_hardly_moved_lately_may_go_one_way_as_far_as_chance_goes():
    calm = [night(one_way=0)] * 20
    assert names(night(one_way=2.9), calm) == set()
    assert names(night(one_way=3.1), calm) == {"one_way"}


def test_a_column_that_changes_with_the_month_does_not_go_by_the_weekday():
    months = [night(only=5 + number // 13) for number in range(14)]
    assert names(night(only=6), months, [night(only=5) for _ in range(3)]) == set()


@pytest.mark.parametrize(("nights", "found"), [(17, set()), (18, {"changed"})])
def test_a_few_values_that_never_changed_need_a_long_past(nights, found):
    assert names(night(few_changed=1), [night(few_changed=0)] * nights) == found


def test_a_capped_column_of_few_values_may_leave_its_cap():
    capped = [night(few_central=10)] * 20
    assert names(night(few_central=2), capped) == set()
    assert names(night(few_central=2), [night(few_central=9 + n % 3 / 2) for n in range(20)]) == {"level"}


def test_a_column_that_is_like_no_other_one_is_not_swapped():
    assert names(night(own=-0.5), [night(own=0.05)] * 20) == set()
    assert names(night(own=-0.5), [night(own=0.4)] * 20) == {"swapped"}


def test_columns_that_rise_together_by_another_number_every_day_say_nothing():
    steady, unsteady = ([night(rise=1 + n % 4 * by) for n in range(10)] for by in (0.1, 2))
    assert names(night(rise=0.4), steady) == {"relation"}
    assert names(night(rise=0.4), unsteady) == set()


def slices(rows):
    told = [("rows_of_two", "", f"city and hour={city}", float(count)) for city, count in rows.items()]
    return pl.DataFrame([("rows", "", "", 200.0), *told], schema=READING, orient="row")


@pytest.mark.parametrize(("holiday", "found"), [(False, {"slice_volume", "slice_missing"}), (True, set())])
def test_an_evening_of_an_airport_may_be_empty_on_a_holiday(holiday, found):
    past = [slices({"OSLO and 18": 60, "ROME and 18": 80})] * 8
    assert {each.name for each in unusual(slices({"ROME and 18": 20}), past, past, holiday=holiday)} == found


@pytest.mark.parametrize(
    ("column", "holiday", "found"),
    [
        ("weather.temp", True, {"relation"}),
        ("weather.temp", False, {"relation"}),
        ("bookings.price", True, set()),
        ("bookings.price", False, {"relation"}),
        ("weather", True, set()),
    ],
)
def test_a_feed_that_knows_no_holidays_is_held_to_its_usual_margins(column, holiday, found):
    """weather: the feed, and also a table of features."""
    past = [night(rise=1.0).with_columns(column=pl.lit(column))] * 20
    tonight = night(rise=1.8).with_columns(column=pl.lit(column))
    told = unusual(tonight, past, holiday=holiday, steady=["weather"])
    assert {each.name for each in told if each.holds} == found
    assert [each.name for each in told] == ["relation"]
    assert ("holiday period" in told[0].what) is (not found)


def test_a_doubt_about_a_column_hides_no_slice_that_is_held():
    of = pl.Series(["", "city=OSLO"])
    past, tonight = (
        pl.concat([night(still=whole), night(still=part)]).with_columns(slice=of)
        for whole, part in ((0.5, 0.5), (0.8, 0.985))
    )
    told = unusual(tonight, [past] * 8, holiday=True)
    assert [(each.name, each.slice, each.holds) for each in told] == [
        ("frozen", "", False),
        ("frozen", "city=OSLO", True),
    ]


def test_a_small_slice_may_vary_by_chance():
    past = [slices({"OSLO and 18": count}) for count in (22, 25, 30, 27, 24, 28, 26, 23)]
    assert names(slices({"OSLO and 18": 12}), past, past) == set()
    assert names(slices({"OSLO and 18": 3}), past, past) == {"slice_volume"}


@pytest.mark.parametrize(("nights", "found"), [(13, set()), (20, {"pace"})])
def test_few_nights_do_not_show_how_far_a_reading_moves_within_weeks(nights, found):
    past = [night(pace=1 + number % 2 / 10) for number in range(nights)]
    assert names(night(pace=2), past) == found


def test_a_margin_is_wider_with_fourteen_nights_than_with_twenty():
    fourteen, twenty = ([night(pace=1 + number % 2 / 10) for number in range(nights)] for nights in (14, 20))
    assert (names(night(pace=1.7), fourteen), names(night(pace=1.7), twenty)) == (set(), {"pace"})
    assert names(night(pace=3), fourteen) == {"pace"}


@pytest.mark.parametrize(("apart", "found"), [(1, {"pace"}), (3, set())])
def test_what_moves_since_the_last_published_night_may_move_further_if_that_is_longer_ago(apart, found):
    past = [night(pace=1 + number % 2 / 10) for number in range(20)]
    assert {each.name for each in unusual(night(pace=2), past, apart=apart)} == found


@pytest.mark.parametrize(
    ("value", "unseen", "found"),
    [(6, {}, {"level"}), (6, {"c": 3}, set()), (6, {"d": 3}, {"level"}), (1, {"c": 3}, {"level"})],
)
def test_values_that_carry_days_without_a_published_night_may_lie_further_away(value, unseen, found):
    past = [night(few_central=9 + n % 3 / 2) for n in range(20)]
    told = unusual(night(few_central=value), past, apart=4, unseen=unseen)
    assert {each.name for each in told} == found


@pytest.mark.parametrize(
    ("tonight", "found"),
    [
        ({}, set()),
        ({"least": 40, "lowest": 45}, {"clipped"}),
        ({"least": 4, "lowest": 45}, set()),  # one value is where five usually are
        ({"greatest": 900, "highest": 890}, {"clipped"}),
        ({"greatest": 2000, "highest": 1000}, set()),  # one value
        ({"greatest": 2000, "highest": 1900}, {"range"}),
        ({"least": -700, "lowest": -600}, {"range"}),
    ],
)
def test_a_few_values_are_missing_at_an_end_or_lie_beyond_it(tonight, found):
    usual = {
        "low": 100,
        "high": 300,
        "zero_share": 0,
        "least": 1,
        "lowest": 5,
        "highest": 1000,
        "greatest": 1010,
    }
    past = [night(**usual) for _ in range(20)]
    assert names(night(**usual | tonight), past) == found
    with_zeros = [night(**usual | {"zero_share": 0.2}) for _ in range(20)]
    assert names(night(**usual | tonight | {"zero_share": 0.2}), with_zeros) == set()


@pytest.mark.parametrize(
    ("met", "usual", "found"),
    [
        (1.0, [0.95], {"population_repeated"}),
        (0.99, [0.95], set()),
        (1.0, [0.99], set()),  # usually few are new
        (1.0, [0.95] * 9 + [1.0], set()),  # some night had none
    ],
)
def test_a_night_without_any_new_entity_is_a_part_of_an_earlier_one(met, usual, found):
    def of(share):
        rows = [("within_most", "", "", share), ("rows", "", "", 900.0)]
        return pl.DataFrame(rows, schema=READING, orient="row")

    past = [of(share) for share in (usual * 10)[:10]]
    assert names(of(met), past) == found


@pytest.mark.parametrize(
    ("others", "usual", "found"),
    [
        (1, [10], {("population_repeated", True)}),
        (2, [10], set()),
        (5, [26, 40], {("population_repeated", True)}),
        (6, [26, 40], set()),
        (0, [9], set()),  # may be by chance
        (0, [40] * 19 + [0], set()),  # some night had the same ones
    ],
)
def test_a_slice_without_any_other_entity_is_that_of_the_night_before(others, usual, found):
    def of(count):
        return pl.DataFrame([("others", "", "shop=Rome", count)], schema=READING, orient="row")

    past = [of(count) for count in (usual * 20)[:20]]
    told = unusual(of(others), past)
    assert {(each.name, each.holds) for each in told} == found
    assert {each.slice for each in told} <= {"shop=Rome"}
    assert not any(each.holds for each in unusual(of(others), past, holiday=True))
    assert unusual(of(others), past[:13]) == ()


def test_columns_leave_one_another_no_further_because_of_nights_without_a_publication():
    past = [night(by_others=1)] * 20
    assert {each.name for each in unusual(night(by_others=3), past, apart=4, unseen={"c": 3})} == {
        "by_others"
    }


CALM = night(same_offset=0, same_factor=0, step=0, pace=0.1, changed=0.1, low=0, high=9)
MOVED = night(same_offset=0.9, same_factor=0.9, step=8, pace=9, changed=0.9, low=0, high=9)
GAP = {"c": "the features of 2013-06-14 lacked visits 2013-05-17, and tonight's do not"}


def test_how_a_column_moved_is_told_if_a_gap_came_or_went():
    past = [CALM] * 20
    checks = {"offset", "units", "step", "pace", "changed"}
    for gaps, holds in ((None, True), ({"d": GAP["c"]}, True), (GAP, False)):
        found = unusual(MOVED, past, gaps=gaps)
        assert {(each.name, each.holds) for each in found} == {(check, holds) for check in checks}
        assert all(each.what.endswith(f": {GAP['c']}") is not holds for each in found)


def test_a_gap_explains_no_column_that_is_frozen_or_out_of_order_or_at_another_place():
    past = [
        night(changed=0.9, order=0.9, own=0.5, low=0, high=9, magnitude=1 + n % 2 / 10) for n in range(20)
    ]
    tonight = night(changed=0, order=0, own=0, low=90, high=99, magnitude=9)
    found = unusual(tonight, past, gaps=GAP)
    assert {each.name for each in found} == {"frozen", "order", "swapped", "level", "magnitude"}
    assert all(each.holds for each in found)


def test_a_frozen_column_is_found_however_long_ago_the_last_published_night_is():
    assert {each.name for each in unusual(night(changed=0), [night(changed=0.9)] * 20, apart=5)} == {"frozen"}


def test_all_of_a_few_keys_may_change_at_once_but_not_none_of_them():
    past = [night(some_changed=0.6 + number % 5 / 15) for number in range(20)]
    assert names(night(some_changed=1), past) == set()
    assert names(night(some_changed=0), past) == {"frozen"}


def still(share):
    return pl.DataFrame([("still", "c", "city=OSLO", share)], schema=READING, orient="row")


@pytest.mark.parametrize(("mondays", "found"), [(night(rise=1), set()), (still(0.2), {"frozen"})])
def test_a_slice_that_nights_of_the_weekday_lack_is_not_frozen(mondays, found):
    """It has enough keys for once. The nights before are of other weekdays, whose keys move otherwise."""
    past = [still(0.1 + number % 3 / 10) for number in range(20)]
    assert names(still(1.0), past, [mondays] * 3) == found


@pytest.mark.parametrize(("rows", "found"), [(30, set()), (90, {"slice_volume"})])
def test_a_small_slice_may_grow_a_little_and_not_take_over_the_night(rows, found):
    def of(count):
        told = [
            ("rows", "", "city=OSLO", float(count)),
            ("rows_of_two", "", "city and hour=OSLO and 18", 9.0),
        ]
        return pl.DataFrame([("rows", "", "", 200.0), *told], schema=READING, orient="row")

    past = [of(2 + n % 2) for n in range(10)]
    assert names(of(rows), past, past) == found


@pytest.mark.parametrize(("familiar", "found"), [(0.3, set()), (0, {"units"})])
def test_a_column_of_other_values_is_found_although_one_night_was_unusual(familiar, found):
    past = [night(familiar=1)] * 16 + [night(familiar=0.79)]
    assert names(night(familiar=familiar), past) == found
    assert names(night(familiar=familiar), [*past, night(familiar=0.3)]) == set()


def test_a_slice_is_told_as_people_say_it():
    assert in_words("origin=JFK") == "origin JFK"
    assert in_words("origin and carrier=JFK and UA") == "origin JFK and carrier UA"
    assert in_words("shop=Salt and Pepper") == "shop Salt and Pepper"
    assert in_words("") == ""


def test_a_finding_says_in_its_first_line_what_is_wrong_and_in_the_second_one_the_numbers():
    (found,) = unusual(night(by_others=9), [night(by_others=1)] * 20)
    assert found.what == "c does not fit the other columns"
    assert found.sentence.split("\n")[1].endswith(
        f": 9. Comparable nights: always 1. Limit: {found.limit:.4g}"
    )
