"""A sample of the chaos suite for every day: each kind of blow once. The whole is `pytest -m chaos`."""

from datetime import date

import pytest
from harness.attack import Attack, Blow

NIGHTS = {
    "the process": (date(2013, 1, 5), [Blow("kill the process", "after claim"), Blow("kill the process", "before publish")]),
    "postgres": (date(2013, 1, 12), [Blow("kill postgres", "12 kB into the COPY"), Blow("stop postgres immediately", "before publish")]),
}


@pytest.mark.parametrize("night", NIGHTS)
def test_whatever_is_killed_the_next_attempt_publishes_the_undisturbed_night(stage, night):
    day, blows = NIGHTS[night]
    known = len(stage.tally.faults)
    Attack(stage, day, blows).run()
    assert stage.tally.faults[known:] == []
