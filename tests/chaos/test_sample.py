"""A sample of the chaos suite for every day: some blows of each kind. The whole is `pytest -m chaos`."""

import pytest
from harness.attack import Blow
from harness.tally import MUST_BE_ZERO

BLOWS = {
    "its process or its connection": [
        Blow("kill the process", "after claim"),
        Blow("cut the connection", "12 kB into the COPY"),
        Blow("kill the process", "unanswered commit of the publication"),
    ],
    "postgres or the disk": [
        Blow("fill the artifact store", "before snapshot"),
        Blow("kill postgres", "unanswered commit of a part"),
    ],
}


@pytest.mark.parametrize("lost", BLOWS)
def test_a_night_that_loses_something_ends_as_an_undisturbed_one(stage, nights, lost):
    blows = [
        blow
        for blow in BLOWS[lost]
        if blow.deed != "fill the artifact store" or not stage.artifact_disk.refused
    ]
    assert next(nights)(stage, blows, finishers=2).run() == []
    assert stage.tally.faults == []


def test_readers_who_looked_on_saw_whole_nights_only(stage):
    stage.dismiss_readers()
    assert stage.tally.seen["polls"] > 10
    assert [stage.tally.seen[kind] for kind in MUST_BE_ZERO] == [0, 0, 0, 0]
