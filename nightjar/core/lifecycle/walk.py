"""A walk forward: on which evenings of a stretch a model is retrained, and which nights each version scores.

All is decided by dates and the spec, before anything is trained.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from itertools import groupby
from zoneinfo import ZoneInfo

from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.occasions import occasions_between
from nightjar.core.model.schedule import starting_minute, starts_before
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, evening
from nightjar.core.values import Value

SCHEDULED = "scheduled"
OCCASIONS = re.compile(r"([1-9]\d{0,4}) occasions?")
PACES = (SCHEDULED, "daily", "weekly", "monthly", "never", "N occasions")


class Plan(Value):
    """What is walked through.

    first, last: the score dates, both included. retrain: one of PACES. despite_gates: every version that is
    trained becomes champion, whatever its gates say.
    """

    model: str
    first: date
    last: date
    retrain: str
    despite_gates: bool = False


def name_of(plan: Plan, data_sha256: str, code: Mapping[str, str]) -> str:
    """A backtest is named by what it is made of: the same plan, data and code give the same one.

    code: part of the code -> its hash. A commit would not do: files may differ from it.
    """
    made_of = f"{plan.model_dump_json()} {data_sha256} {sorted(code.items())}"
    return sha256(made_of.encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Step:
    """One retraining, and the nights until the next one.

    number: counts from 1. known_at: the training knows what was recorded by this instant (UTC). nights: the
    score dates that the champion after it scores, at least one, oldest first.
    """

    number: int
    known_at: datetime
    nights: tuple[date, ...]


def steps_of(spec: ModelSpec, plan: Plan) -> tuple[Step, ...]:
    """The steps of a walk, oldest first. The first night of the stretch has a training before it.

    Raises BadSettings for a pace that is none, and for a stretch without an occasion.
    """
    nights = occasions_between(spec, plan.first, plan.last)
    if not nights:
        raise BadSettings(
            f"{plan.model} scores no date from {plan.first} to {plan.last}",
            f"Its schedule is {spec.cron!r}: name a longer stretch.",
        )
    if plan.retrain == SCHEDULED:
        return tuple(_by_schedule(spec, nights))
    parts = [tuple(part) for part in _parts(nights, plan.retrain)]
    return tuple(Step(number, as_of(spec, part[0]), part) for number, part in enumerate(parts, start=1))


def _parts(nights: Sequence[date], retrain: str) -> Iterator[Sequence[date]]:
    if (found := OCCASIONS.fullmatch(retrain)) is not None:
        size = int(found[1])
        return (nights[at : at + size] for at in range(0, len(nights), size))
    first = nights[0]
    part_of: dict[str, Callable[[date], object]] = {
        "daily": lambda day: day,
        "weekly": lambda day: (day - first).days // 7,
        "monthly": lambda day: (day.year, day.month),
        "never": lambda day: None,  # noqa: ARG005  # all nights are one part
    }
    if retrain not in part_of:
        raise BadSettings(f"A model is not retrained {retrain!r}", f"Name one of: {', '.join(PACES)}.")
    return (tuple(part) for _, part in groupby(nights, part_of[retrain]))


def _by_schedule(spec: ModelSpec, nights: Sequence[date]) -> Iterator[Step]:
    """A night is scored by the version of the last start of the retraining before the night's own start."""
    starts = [*_trainings(spec, nights)]
    parts = groupby(nights, lambda night: starts[bisect_left(starts, _start_of(spec, night)) - 1])
    for number, (start, part) in enumerate(parts, start=1):
        of_part = tuple(part)
        yield Step(number, min(as_of(spec, of_part[0]), _known_at(spec, start)), of_part)


def _trainings(spec: ModelSpec, nights: Sequence[date]) -> tuple[datetime, ...]:
    """Local starts (naive) of the retraining from the last one before the first night on, oldest first.

    Raises BadSettings if the model is never retrained before the first night.
    """
    first, later = _start_of(spec, nights[0]), list[datetime]()
    for start in starts_before(spec.retrain_cron, _start_of(spec, nights[-1])):
        later.append(start)
        if start < first:
            return tuple(reversed(later))
    raise BadSettings(f"{spec.name} is never retrained by {spec.retrain_cron!r}", "Name another pace.")


def _start_of(spec: ModelSpec, score_date: date) -> datetime:
    """The local time (naive) at which the schedule starts a night."""
    minute = starting_minute(spec.cron)
    return datetime.combine(score_date - timedelta(days=spec.horizon_days), time(minute // 60, minute % 60))


def _known_at(spec: ModelSpec, start: datetime) -> datetime:
    """What a retraining at a local time knows: all up to the as-of of that day, but not beyond its start."""
    return min(evening(spec, start.date()), start.replace(tzinfo=ZoneInfo(spec.time_zone)).astimezone(UTC))
