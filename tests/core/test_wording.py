"""Numbers are told as people say them."""

from math import inf

import pytest

from nightjar.core.wording import missing, number, of_usual, one_in, part, percent, times, too_many, two_lines


@pytest.mark.parametrize(
    ("multiple", "told"),
    [
        (0.198, "a fifth"),
        (0.5, "half"),
        (0.87, "87%"),
        (0.0123, "0.012 times"),
        (1.24, "1.2 times"),
        (1.5, "one and a half times"),
        (2.02, "twice"),
        (4.63, "4.6 times"),
        (1_234.5, "1,234 times"),
    ],
)
def test_a_multiple_is_told_by_the_word_that_is_near(multiple, told):
    assert times(multiple) == told


@pytest.mark.parametrize(
    ("multiple", "told"),
    [(0.0123, "0.012 times the usual size"), (0.2, "a fifth of the usual size"), (2, "twice the usual size")],
)
def test_a_multiple_is_told_beside_what_is_usual(multiple, told):
    assert of_usual(multiple, "size") == told


def test_parts_of_rows_are_told_as_missing_or_too_many():
    assert missing("rows of origin LGA", 0.49) == "Half of the rows of origin LGA are missing"
    assert missing("rows of origin LGA", 0.994) == "99% of the rows of origin LGA are missing"
    assert missing("rows of origin LGA", 0.999) == "Nearly all of the rows of origin LGA are missing"
    assert missing("rows of origin LGA", 1) == "All of the rows of origin LGA are missing"
    assert too_many("rows", 2.0) == "There are twice as many rows as usual"
    assert too_many("rows of carrier XX", inf) == "Rows of carrier XX are new"


def test_numbers_keep_what_tells_them_apart():
    assert (number(1982.4), number(84.0213), number(0.1984)) == ("1,982", "84.02", "0.1984")
    assert (percent(0.5278), percent(0.00293), part(0.37)) == ("52.8%", "0.293%", "37%")


def test_what_happens_seldom_is_told_as_one_in_many():
    told = [one_in(share) for share in (0.05, 2.1e-5, 1.0, 0.0)]
    assert told == ["1 in 20", "1 in 50,000", "1 in 1", "fewer than 1 in a million"]


def test_a_name_with_a_line_break_adds_no_line():
    assert two_lines("a\nb is missing", "Rows: 0") == "a b is missing\nRows: 0"
