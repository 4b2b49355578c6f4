"""The long suite: every boundary of a night, every spot on the wire and random moments, against process, Postgres, connection and disk.

Each night is struck several times, one attempt after the other, and must end as its undisturbed twin did, while readers look on.
"""

import time
from datetime import date, timedelta
from itertools import product

import pytest
from harness.attack import Attack, Blow
from harness.attempt import BOUNDARIES
from harness.wire import SPOTS

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]

PASSAGES = {"after part": 2, "before part": 3}
"""Boundaries that a night passes several times are struck at a later passage too."""
PORTS = [f"{side} {boundary}" for boundary in BOUNDARIES for side in ("before", "after")]
STORE_PORTS = [place for place in PORTS if place.split()[1] in {"claim", "population", "part", "audit", "publish", "ledger"}]


def attacked(stage, nights, blows, each=4, **how):
    """Strike one night after the other, `each` times each; every second one is then finished by two at once."""
    known = len(stage.tally.faults)
    for number, first in enumerate(range(0, len(blows), each)):
        night, forced = next(nights)
        Attack(stage, night, blows[first : first + each], forced=forced, finishers=1 + number % 2, **how).run()
    assert stage.tally.faults[known:] == []


def test_a_process_dies_at_every_boundary(stage, nights):
    blows = [Blow("kill the process", place) for place in PORTS]
    attacked(stage, nights, blows + [Blow("kill the process", place, passage) for place, passage in PASSAGES.items()], each=3)


@pytest.mark.parametrize("deed", ["kill postgres", "stop postgres immediately", "kill a backend", "terminate the sessions", "cut the connection"])
def test_the_database_goes_away_at_every_boundary(stage, nights, deed):
    attacked(stage, nights, [Blow(deed, place) for place in STORE_PORTS])


@pytest.mark.parametrize("deed", ["kill the process", "kill postgres", "terminate the sessions", "cut the connection"])
def test_something_dies_in_the_middle_of_a_transaction(stage, nights, deed):
    attacked(stage, nights, [Blow(deed, spot) for spot in SPOTS])


def test_a_frozen_process_that_wakes_up_later_changes_nothing(stage, nights):
    places = ["after claim", "after population", "before part", "before audit", "before publish", "12 kB into the COPY", "commit of the publication"]
    attacked(stage, nights, [Blow("freeze", place) for place in places], each=2)


def test_a_process_dies_at_any_moment(stage, nights, chance):
    known = len(stage.tally.faults)
    for number in range(12):
        night, forced = next(nights)
        blows = [Blow("kill the process", after_s=chance.uniform(0.02, 1.2)) for _ in range(3)]
        argv = ["score", "--date", str(night), "--wait", "60"]
        Attack(stage, night, blows, forced=forced, finishers=1 + number % 2, argv=() if forced else argv).run()
    assert stage.tally.faults[known:] == []


def test_postgres_dies_at_any_moment(stage, nights, chance):
    deeds = ["kill postgres", "stop postgres immediately", "kill a backend"]
    attacked(stage, nights, [Blow(chance.choice(deeds), after_s=chance.uniform(0.1, 1.2)) for _ in range(12)], each=3)


def test_a_process_dies_while_days_land_and_features_are_built(stage, chance):
    known = len(stage.tally.faults)
    for number in range(6):
        night = stage.last_landed + timedelta(days=1 + 2 * number)
        blows = [Blow("kill the process", after_s=chance.uniform(0.02, 1.0)) for _ in range(3)]
        Attack(stage, night, blows, argv=["score", "--date", str(night), "--wait", "60"]).run()
    assert stage.tally.faults[known:] == []


@pytest.mark.parametrize("deed", ["fill the disk", "fill the artifact store", "make the artifact store read-only"])
def test_nothing_can_be_written_any_more(stage, nights, deed):
    refused = stage.disk.refused or stage.artifact_disk.refused
    if refused:
        pytest.skip(refused)
    places = ["before claim", "before snapshot", "after snapshot", "before part", "before publish", "before report"]
    attacked(stage, nights, [Blow(deed, place) for place in places], each=3)


def test_the_disk_fills_up_while_days_land_and_features_are_built(stage, chance):
    if stage.disk.refused:
        pytest.skip(stage.disk.refused)
    known = len(stage.tally.faults)
    for number in range(3):
        night = stage.last_landed + timedelta(days=13 + 2 * number)
        blows = [Blow("fill the disk", after_s=chance.uniform(0.05, 0.8)) for _ in range(2)]
        Attack(stage, night, blows, argv=["score", "--date", str(night), "--wait", "60"]).run()
    assert stage.tally.faults[known:] == []


def test_readers_and_writers_together(stage, nights, chance, request):
    """Nights are scored anew and struck at random while others are scored undisturbed beside them: as long as --chaos-minutes says."""
    known, deadline = len(stage.tally.faults), time.monotonic() + 60 * request.config.getoption("--chaos-minutes")
    deeds = [
        "kill the process",
        "kill postgres",
        "stop postgres immediately",
        "kill a backend",
        "terminate the sessions",
        "cut the connection",
        "freeze",
    ]
    places = [Blow(deed, place) for deed, place in product(deeds, [*STORE_PORTS, *SPOTS])]
    while time.monotonic() < deadline and stage.tally.faults[known:] == []:
        night, forced = next(nights)
        beside = chance.sample([each for each in map(date.fromisoformat, stage.expected) if each != night], 2)
        Attack(stage, night, chance.sample(places, 2), forced=forced, finishers=2, beside=beside).run()
    assert stage.tally.faults[known:] == []
