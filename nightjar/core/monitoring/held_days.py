"""Days of a dataset that were delivered and count nowhere, because they are held: no feature has them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime

from nightjar.core.inputs.findings import Finding
from nightjar.core.monitoring.outcome_guard import Held

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


def with_cause(
    found: Sequence[Finding], held: Callable[[], Mapping[str, Sequence[date]]]
) -> tuple[Finding, ...]:
    """Put held days in front of the findings if these are what a night shows whose features lack a day.

    held: gives dataset -> its days. It is asked only then: an ordinary night does not wait for it.
    """
    if not any(each.name in SHOWS and each.holds for each in found):
        return tuple(found)
    return (*_told(held().items()), *found)


def _told(held: Iterable[tuple[str, Sequence[date]]]) -> Iterable[Finding]:
    for dataset, days in held:
        if days:
            told = f"{dataset} {', '.join(map(str, days))}"
            one = len(days) == 1
            told = f"The delivery {told} is held" if one else f"The deliveries {told} are held"
            yield Finding(
                name="outcomes_held",
                column=dataset,
                number=len(days),
                runbook="outcomes-held",
                sentence=f"{told}, so no feature has {'that day' if one else 'them'}: decide on that first",
            )
