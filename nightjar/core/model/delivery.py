"""What a model's `deliver` gives: deliveries of its datasets, in the order in which they were recorded."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import cast

from nightjar.core.errors.inputs import ContractBroken

MOST_SHOWN = 80
"""Characters of a value that an error shows."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A file as it arrives: which dataset and day it is, and the instant from which its content was known.

    recorded_at: that instant, with a time zone.
    last: the last day of a file about several days; `day` is the first then. None: the file is about one day.
    """

    dataset: str
    day: date
    path: Path
    recorded_at: datetime
    last: date | None = None

    @property
    def through(self) -> date:
        """The last day that the file is about, also of a file about one day."""
        return self.last or self.day

    @property
    def told(self) -> str:
        return f"{self.dataset} {self.day}, recorded at {self.recorded_at}"

    def faults(self, datasets: Collection[str]) -> Iterator[str]:
        """What is wrong with the values that a model's own code has set. datasets: those that it declares."""
        yield from _of_dataset(self.dataset, datasets)
        yield from _of_day("day", self.day, "a datetime.date")
        if self.last is not None:
            yield from _of_day("last", self.last, "a datetime.date or None")
        yield from _of_path(self.path)
        yield from _of_instant(self.recorded_at)


def _of_dataset(value: object, datasets: Collection[str]) -> Iterator[str]:
    if not isinstance(value, str):
        yield _other("dataset", value, "the name of a dataset, a str")
    elif value not in datasets:
        yield f"dataset={value!r}, and the model's datasets are {', '.join(datasets)}"


def _of_day(field: str, value: object, expected: str) -> Iterator[str]:
    if not isinstance(value, date) or isinstance(value, datetime):
        yield _other(field, value, expected)


def _of_path(value: object) -> Iterator[str]:
    if not isinstance(value, Path):
        yield _other("path", value, "a pathlib.Path")


def _of_instant(value: object) -> Iterator[str]:
    if not isinstance(value, datetime):
        yield _other("recorded_at", value, "a datetime with a time zone")
    elif value.utcoffset() is None:
        yield (
            f"recorded_at={value!r}, which has no time zone: nobody can know which instant it is. Give "
            "it one, such as tzinfo=UTC"
        )


def _other(field: str, value: object, expected: str) -> str:
    kind = "" if value is None else f", a {type(value).__name__}"
    return f"{field}={shown(value)}{kind}. It must be {expected}"


def checked(given: object, where: str, datasets: Collection[str]) -> Iterator[Delivery]:
    """The deliveries that `deliver` gives. Each is checked when it is asked for, and not before.

    where: the model, the function and the days that it was called for. datasets: those that the model has.
    Raises ContractBroken for anything that is no Delivery, for one with a wrong value, and for one that was
    recorded before the one that it follows.
    """
    if not isinstance(given, Iterable):
        what = "gives None. Is its `yield` forgotten?" if given is None else f"gives {_kind(given)}."
        raise ContractBroken(where, [f"{what} It must yield a Delivery for each file"])
    before: Delivery | None = None
    for found in cast("Iterable[object]", given):
        if not isinstance(found, Delivery):
            raise ContractBroken(where, [f"gives {_kind(found)}. Each that it yields must be a Delivery"])
        if faults := [*found.faults(datasets)]:
            raise ContractBroken(where, [f"gives a Delivery with {fault}" for fault in faults])
        if before is not None and found.recorded_at < before.recorded_at:
            raise ContractBroken(where, [_unordered(before, found)])
        yield found
        before = found


def shown(value: object) -> str:
    """A value as in code. A long one is cut."""
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}..."


def _kind(value: object) -> str:
    return f"{shown(value)}, a {type(value).__name__}"


def _unordered(before: Delivery, found: Delivery) -> str:
    return (
        f"gives {found.told}, after {before.told}. Deliveries must come in the order of recorded_at, because "
        "none is read after the first that is recorded too late. Sort them, as by "
        "sorted(due, key=lambda delivery: delivery.recorded_at)"
    )
