"""One of a thing is not told in the plural."""

import pytest

from nightjar.core.plurals import counted


@pytest.mark.parametrize(("number", "told"), [(0, "0 nights"), (1, "1 night"), (1200, "1,200 nights")])
def test_only_one_is_told_in_the_singular(number, told):
    assert counted(number, "night") == told


def test_a_plural_may_be_another_word():
    assert (counted(1, "day", "days of data"), counted(2, "day", "days of data")) == (
        "1 day",
        "2 days of data",
    )
