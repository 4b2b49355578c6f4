"""The long suite: every boundary of a night, every spot on the wire and random moments, against process,
Postgres, connection and disk.

Each night is struck several times, one attempt after the other, and must end as its undisturbed twin did,
while readers look on.
"""

import signal
import time
from datetime import date, timedelta
from itertools import product

import pytest
from harness.attack import Attack, Blow
from harness.attempt import ACCEPT, BOUNDARIES
from harness.wire import SPOTS, drop_packets

from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]

PASSAGES = {"after part": 2, "before part": 3}
"""Boundaries that a night passes several times are struck at a later passage too."""
PORTS = [f"{side} {boundary}" for boundary in BOUNDARIES for side in ("before", "after")]
STORE_PORTS = [
    place
    for place in PORTS
    if place.split()[1] in {"claim", "population", "part", "audit", "profile", "publish", "ledger"}
]
RETRAIN = ["retrain", "--today", "2013-03-15", "--no-promote"]
ONLY = "--version", "1", "--reason", "the only one"
"""The champion was trained later than these nights, so a person has to name it."""
NOT_LANDED = date(2013, 3, 17)
"""The first night whose days land only when it is scored."""


@pytest.fixture(autouse=True)
def as_undisturbed(stage):
    """Every test of the suite: whatever was struck, nothing differs from an undisturbed night."""
    known = len(stage.tally.faults)
    yield
    assert stage.tally.faults[known:] == []


def attack(stage, nights, blows, each=4):
    """Strike one night after the other, `each` times each, every second one finished by two at once; what
    was missed, on a night of its own.
    """
    chains = [blows[first : first + each] for first in range(0, len(blows), each)]
    missed = [
        blow
        for number, chain in enumerate(chains)
        for blow in next(nights)(stage, chain, finishers=1 + number % 2).run()
    ]
    for blow in missed:
        if next(nights)(stage, [blow]).run():
            stage.tally.missed[f"{blow.deed} {blow.place}"] += 1


def test_a_process_dies_at_every_boundary(stage, nights):
    blows = [Blow("kill the process", place) for place in PORTS]
    attack(
        stage,
        nights,
        blows + [Blow("kill the process", place, passage) for place, passage in PASSAGES.items()],
    )


@pytest.mark.parametrize(
    "deed",
    [
        "kill postgres",
        "stop postgres immediately",
        "kill a backend",
        "terminate the sessions",
        "cut the connection",
    ],
)
def test_the_database_goes_away_at_every_boundary(stage, nights, deed):
    attack(stage, nights, [Blow(deed, place) for place in STORE_PORTS])


@pytest.mark.parametrize(
    "deed", ["kill the process", "kill postgres", "terminate the sessions", "cut the connection"]
)
def test_something_dies_in_the_middle_of_a_transaction(stage, nights, deed):
    attack(stage, nights, [Blow(deed, spot) for spot in SPOTS])


def test_a_frozen_process_that_wakes_up_later_changes_nothing(stage, nights):
    places = [
        "after claim",
        "after population",
        "before part",
        "before audit",
        "before publish",
        "12 kB into the COPY",
        "commit of the publication",
    ]
    attack(stage, nights, [Blow("freeze", place) for place in places], each=2)


def test_a_machine_that_vanishes_in_a_transaction_holds_its_night_for_a_minute(stage, nights):
    """Postgres hears nothing of it: only its probes tell that the rows and the lock of a session are
    nobody's any more.
    """
    refused = drop_packets("-I", 1, 1) or drop_packets("-D", 1, 1)
    if refused:
        pytest.skip(f"packets cannot be dropped here: {refused}")
    for spot in ("12 kB into the COPY", "commit of the publication"):
        assert next(nights)(stage, [Blow("lose the machine", spot)]).run() == []


def test_a_process_dies_at_any_moment(stage, nights, chance):
    attack(
        stage,
        nights,
        [Blow("kill the process", after_s=chance.uniform(0.02, 1.2)) for _ in range(24)],
        each=3,
    )


def test_postgres_dies_at_any_moment(stage, nights, chance):
    deeds = ["kill postgres", "stop postgres immediately", "kill a backend"]
    attack(
        stage,
        nights,
        [Blow(chance.choice(deeds), after_s=chance.uniform(0.1, 1.2)) for _ in range(12)],
        each=3,
    )


def test_whoever_starts_postgres_again_dies_over_it(stage, nights, chance):
    pairs = [
        [Blow("kill postgres", "before part"), Blow("kill the process", after_s=chance.uniform(0.02, 0.5))]
        for _ in range(5)
    ]
    attack(stage, nights, [blow for pair in pairs for blow in pair], each=2)


@pytest.mark.parametrize(("deed", "first"), [("kill the process", 0), ("fill the disk", 12)])
def test_days_land_and_features_are_built_under_blows(stage, chance, deed, first):
    need_a_disk(stage, deed)
    for number in range(4):
        night = NOT_LANDED + timedelta(days=first + 3 * number)
        blows = [Blow(deed, after_s=chance.uniform(0.02, 1.0)) for _ in range(3)]
        Attack(
            stage,
            blows,
            [night],
            argv=["score", "--date", str(night), "--wait", "60", "--accept", ACCEPT, *ONLY],
        ).run()


@pytest.mark.parametrize(
    "deed", ["fill the disk", "fill the artifact store", "make the artifact store read-only"]
)
def test_nothing_can_be_written_any_more(stage, nights, deed):
    need_a_disk(stage, deed)
    places = [
        "before claim",
        "before snapshot",
        "after snapshot",
        "before part",
        "before publish",
        "before report",
    ]
    attack(stage, nights, [Blow(deed, place) for place in places], each=3)


def need_a_disk(stage, deed):
    refused = (stage.disk.refused or stage.artifact_disk.refused) if deed != "kill the process" else None
    if refused:
        pytest.skip(refused)


def test_a_night_is_repaired_under_blows(stage, backfilled, chance, tmp_path):
    """A correction lands for a published night: readers see the old publication whole until they see the
    repaired one whole.
    """
    places = [
        "after claim",
        "before population",
        "3 kB into the COPY",
        "unanswered commit of a part",
        "before publish",
        "commit of the publication",
    ]
    deeds = ["kill the process", "kill postgres", "cut the connection"]
    for night, deed in zip(backfilled[:3], deeds, strict=True):
        Attack(stage, [], [night]).run()
        request = {"repair": True, "known_at": f"{night + timedelta(days=3)}T12:00:00+00:00"}
        stage.land_everywhere(
            "schedules", night, farther(stage, night, tmp_path), f"{night + timedelta(days=2)}T12:00:00+00:00"
        )
        stage.learn_repair(night, request)
        Attack(stage, [Blow(deed, place) for place in places], [night], request=request, finishers=2).run()


def farther(stage, night, folder):
    """The night's schedules with every seventh flight 100 miles longer."""
    header, *rows, trailer = (
        (stage.home / "data" / "inbox" / "flight_delay" / "schedules" / f"{night}.csv")
        .read_text()
        .splitlines()
    )
    rows[::7] = [
        f"{start},{int(distance) + 100}" for start, _, distance in (row.rpartition(",") for row in rows[::7])
    ]
    file = folder / f"{night}.csv"
    file.write_text("\n".join([header, *rows, trailer, ""]))
    return file


@pytest.mark.parametrize("deed", ["kill the process", "kill postgres"])
def test_a_parallel_backfill_dies_at_any_moment(stage, backfilled, chance, deed):
    nights = backfilled[3:8] if deed == "kill the process" else backfilled[8:]
    blows = [Blow(deed, after_s=chance.uniform(0.3, 3.0)) for _ in range(4)]
    argv = ["backfill", "--from", str(nights[0]), "--to", str(nights[-1]), "--parallel", "2", *ONLY]
    Attack(stage, blows, nights, argv=argv, finishers=2 if deed == "kill the process" else 1).run()


def test_a_platform_is_set_up_under_blows(stage, chance):
    """Of a home, its Postgres and its schema each is whole or not there, whenever it dies that makes them."""
    for number in range(2):
        settings = {"home": str(stage.disk.folder / f"another-{number}")}
        local = Platform(Settings(**settings, _env_file=None)).local
        try:
            for _ in range(4):
                struck(stage, chance.uniform(0.1, 3.0), settings=settings, argv=["db", "migrate"])
            done(stage, settings=settings, argv=["db", "migrate"])
            done(stage, settings=settings, argv=["features", "apply"])
        finally:
            local.stop()
            local.remove()


def test_a_retrain_dies_at_any_moment(stage, chance):
    """The same training gives the same bytes, so however often it was begun there is one version, and who
    is champion stays.
    """
    versions = "SELECT id, number, artifact_sha256 FROM nightjar.model_version"
    holders = "SELECT version_id, role FROM nightjar.promotion"
    done(stage, argv=RETRAIN)
    before = stage.query(versions), stage.query(holders)
    for _ in range(4):
        struck(stage, chance.uniform(0.2, 5.0), argv=RETRAIN)
    done(stage, argv=RETRAIN)
    assert (stage.query(versions), stage.query(holders)) == before


def struck(stage, after_s, **order):
    child = stage.start(**order)
    if child.wait(after_s) is None:
        child.signal(signal.SIGKILL)
        stage.tally.kills["kill the process"] += 1
        stage.tally.spots["a random moment"] += 1
    assert child.wait(60) in {0, -signal.SIGKILL}, child.said()


def done(stage, **order):
    child = stage.start(**order)
    assert child.wait(240) == 0, child.said()


@pytest.mark.timeout(0)  # its own deadline ends it
def test_readers_and_writers_together(stage, nights, chance, request):
    """Nights are scored anew and struck at random while others are scored undisturbed beside them: as long
    as --chaos-minutes says.
    """
    deadline = time.monotonic() + 60 * request.config.getoption("--chaos-minutes")
    deeds = [
        "kill the process",
        "kill postgres",
        "stop postgres immediately",
        "kill a backend",
        "terminate the sessions",
        "cut the connection",
        "freeze",
    ]
    blows = [Blow(deed, place) for deed, place in product(deeds, [*STORE_PORTS, *SPOTS])]
    while time.monotonic() < deadline and not stage.tally.faults:
        made = next(nights)(stage, chance.sample(blows, 2), finishers=2)
        known = [night for night in stage.expected if night not in {str(each) for each in made.nights}]
        made.beside = [date.fromisoformat(night) for night in chance.sample(known, min(2, len(known)))]
        made.run()
