"""A model without data is told what to look at, not that 0 is not above 0."""

from dataclasses import replace

import pytest

from nightjar.testing.scaffolds import SCAFFOLDS

SPEC = SCAFFOLDS["new_binary"]


@pytest.mark.parametrize(
    ("changed", "landed"),
    [
        pytest.param({"deliver": lambda *_: iter(())}, "no new_binary_plan landed", id="feed"),
        pytest.param(
            {"population": lambda raw, day: SPEC.population(raw, day).clear()},
            "new_binary_plan of 59 days",
            id="population",
        ),
    ],
)
def test_a_population_without_rows_is_told_with_what_landed(world_of, changed, landed):
    with pytest.raises(pytest.fail.Exception, match="`population` gives no row for") as told:
        world_of(replace(SPEC, name="nothing", **changed))
    assert landed in str(told.value)
    assert "`data_from`" in str(told.value)


def test_outcomes_that_take_long_are_waited_for(world_of):
    weekly = SCAFFOLDS["new_regression"]

    def mondays(inbox, first, last):
        return (each for each in weekly.deliver(inbox, first, last) if each.day.isoweekday() == 1)

    slow = replace(weekly, name="slow", maturity_days=90, deliver=mondays, feature_tables=())
    assert len(world_of(slow).told) == 9
