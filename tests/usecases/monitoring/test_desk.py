"""The desk says of each night of the schedule in which state it is, also of nights that nothing began."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from nightjar.core.desk.calendar import State
from nightjar.core.desk.entities import Nights, OfNight
from nightjar.core.model.spec import PublishedBy
from nightjar.testing.desks import night_seen
from nightjar.testing.specs import toy_spec
from nightjar.usecases.monitoring.desk import ReadDesk

SPEC = toy_spec(name="toy", promise=PublishedBy(time(6)))
FIRST = date(2024, 3, 4)


class Reader:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def nights(self, model):
        seen = [night_seen(FIRST + timedelta(days=n), published_at=at(n)) for n in (0, 2)]
        return Nights(model=model, nights=seen, sent_at=self.now)

    def night(self, model, score_date):
        return OfNight()


def at(nights: int, hours: float = 0) -> datetime:
    """So many hours after midnight in New York (UTC-5) of a night, by its score date."""
    return datetime(2024, 3, 4, 5, tzinfo=UTC) + timedelta(days=nights, hours=hours)


def states(now: datetime) -> list[State]:
    read = ReadDesk(reader=Reader(now), specs={"toy": SPEC})
    found = [read.night("toy", FIRST + timedelta(days=n)) for n in range(5)]
    return [day.state for _, day, _ in filter(None, found)]


@pytest.mark.parametrize(
    ("now", "missing"),
    [(at(3, 5.9), 0), (at(3, 6), 1), (at(4, 5.9), 1), (at(4, 6), 2)],
    ids=["before the promise", "from the promise on", "before the next", "from the next on"],
)
def test_a_night_that_nothing_began_is_missing_from_its_promise_on(now, missing):
    assert states(now) == [State.PUBLISHED, State.MISSING, State.PUBLISHED] + [State.MISSING] * missing


def test_a_model_whose_folder_is_gone_has_the_nights_that_were_begun():
    read = ReadDesk(reader=Reader(at(9)), specs={})
    assert read.night("toy", FIRST + timedelta(days=1)) is None
    assert read.night("toy", FIRST) is not None
