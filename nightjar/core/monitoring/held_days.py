"""Days of a dataset that were delivered and count nowhere, because they are held: no feature has them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import chain

from nightjar.core.inputs.findings import Finding
from nightjar.core.monitoring.outcome_guard import Held

Accepted = Callable[[str, Sequence[date]], Mapping[date, datetime]]
SHOWS = frozenset({"frozen", "outdated"})
"""What is found of a night whose features lack the newest day."""


def held_days(
    held: Held, counting: Mapping[date, Sequence[datetime]], known_at: datetime
) -> tuple[date, ...]:
    """Return the days of which a delivery was held at an instant and none counted, oldest first.

    counting: each day with the instants from which its deliveries count.
    """
    days = {day for day, recorded_at in held if recorded_at <= known_at}
    return tuple(sorted(day for day in days if not any(since <= known_at for since in counting.get(day, ()))))


def nothing_accepted(dataset: str, days: Sequence[date]) -> Mapping[date, datetime]:  # noqa: ARG001
    return {}


def accepted_since(held: Held, days: Iterable[date]) -> Mapping[date, datetime]:
    """Those of the days of which a person has accepted a delivery, with the instant from which it counts."""
    wanted = {*days}
    return {day: since for (day, _), since in sorted(held.items()) if since is not None and day in wanted}


def with_cause(
    found: Sequence[Finding],
    held: Callable[[], Mapping[str, Sequence[date]]],
    accepted: Accepted = nothing_accepted,
) -> tuple[Finding, ...]:
    """Put held days in front of the findings if these are what a night shows whose features lack a day.

    held: gives dataset -> its days. It is asked only then: an ordinary night does not wait for it.
    accepted: says of days of a dataset which are accepted now, and since when they count.
    """
    if not any(each.name in SHOWS and each.holds for each in found):
        return tuple(found)
    told = (_told(dataset, days, accepted(dataset, days)) for dataset, days in held().items())
    return (*chain.from_iterable(told), *found)


def _told(dataset: str, days: Sequence[date], accepted: Mapping[date, datetime]) -> Iterator[Finding]:
    """Days that nobody has decided on, and days that count since an instant that the night did not know."""
    undecided, counting = ([day for day in days if (day in accepted) is known] for known in (False, True))
    if undecided:
        are = "is" if len(undecided) == 1 else "are"
        yield _lacking(dataset, undecided, f"{are} held", "decide on that first")
    if counting:
        were, are = ("was", "is") if len(counting) == 1 else ("were", "are")
        since = f"{max(accepted[day] for day in counting):%Y-%m-%d %H:%M} UTC"
        why = f"{were} held, and {are} accepted since {since}, which this night does not know"
        yield _lacking(dataset, counting, why, "score the night as known at a later instant")


def _lacking(dataset: str, days: Sequence[date], why: str, to_do: str) -> Finding:
    delivery, them = ("delivery", "that day") if len(days) == 1 else ("deliveries", "them")
    named = f"{delivery} {dataset} {', '.join(map(str, days))}"
    return Finding(
        name="outcomes_held",
        column=dataset,
        number=len(days),
        runbook="outcomes-held",
        sentence=f"The {named} {why}, so no feature has {them}: {to_do}",
    )
