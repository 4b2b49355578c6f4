"""The stage on which nights are killed, and the figures that are printed when all is over."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import chain, cycle

import pytest
from harness.attack import Attack
from harness.stage import Stage

from nightjar.core.night.clock import dates_between

BACKFILLED = dates_between(date(2013, 1, 3), date(2013, 1, 13))
"""The earliest: none is held to nights that lie weeks before it. No backfill accepts a night, and the one
after these is held if it is compared with eight: in fog a third of the humidities are whole numbers.
"""

NIGHTS = dates_between(date(2013, 1, 16), date(2013, 3, 15))
TALLY, SEED = pytest.StashKey(), pytest.StashKey()


@pytest.fixture(scope="module")
def stage(world, request) -> Iterator[Stage]:
    made = Stage(world.platform)
    try:
        yield made
    finally:
        made.close()
        request.config.stash[TALLY] = made.tally
    assert not made.tally.faults, "\n".join(made.tally.faults)


@pytest.fixture(scope="session")
def nights() -> Iterator[Callable[..., Attack]]:
    """A night for each attack: first those that were never published, in order, then the same again, each
    in a new revision.
    """
    return chain(
        (partial(Attack, nights=[night]) for night in NIGHTS),
        (partial(Attack, nights=[night], request={"force": True}) for night in cycle(NIGHTS)),
    )


@pytest.fixture(scope="session")
def backfilled() -> tuple[date, ...]:
    """Nights that `nights` leaves alone."""
    return BACKFILLED


@pytest.fixture(scope="session")
def chance(request) -> random.Random:
    seed = request.config.getoption("--chaos-seed")
    request.config.stash[SEED] = random.SystemRandom().randrange(10**6) if seed is None else seed
    return random.Random(request.config.stash[SEED])


def pytest_terminal_summary(terminalreporter, config):
    tally = config.stash.get(TALLY, None)
    if tally is not None:
        terminalreporter.section("chaos")
        if SEED in config.stash:
            terminalreporter.line(f"random blows: --chaos-seed {config.stash[SEED]}")
        for line in tally.lines():
            terminalreporter.line(line)
