"""Incidents: something is wrong, from its beginning to its end. Each of the two is told once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from pydantic import AwareDatetime

from nightjar.core.values import Value


class Severity(StrEnum):
    WARNING = "warning"
    """Somebody looks at it by day."""
    CRITICAL = "critical"
    """A person has to act now."""


Key = tuple[str, str, str]
"""Model, kind and subject: what makes two troubles the same."""


class Trouble(Value):
    """Something that is wrong now.

    model: empty for the platform itself. kind: the rule that found it. subject: what it is about, as a score
    date; empty if the kind says it all. cause: what it has in common with others that are told together.
    link: a page about it for people. runbook: its name.
    """

    model: str
    kind: str
    subject: str = ""
    severity: Severity
    cause: str
    sentence: str
    link: str | None = None
    runbook: str

    @property
    def key(self) -> Key:
        return self.model, self.kind, self.subject


class Note(Trouble):
    """A stored row: an incident has begun, or the row `ends` another one."""

    id: int
    ends: int | None = None
    noted_at: AwareDatetime


def ending(note: Note) -> Trouble:
    """Return what is told when an incident ends."""
    told = note.model_dump(include=set(Trouble.model_fields))
    return Trouble.model_validate(told | {"sentence": f"This is over: {note.sentence}"})


@dataclass(frozen=True, slots=True)
class Changes:
    """begun: troubles that no open incident tells. ended: open incidents whose trouble is over."""

    begun: tuple[Trouble, ...]
    ended: tuple[Note, ...]


def changes(
    opened: Iterable[Note], troubles: Iterable[Trouble], unknown: Callable[[Note], bool], seen: frozenset[Key]
) -> Changes:
    """Compare the open incidents with the troubles of now.

    unknown: True for an incident about which nothing could be found out now: it stays open. seen: the
    troubles of the look before. An incident ends when two looks in a row do not find it, so that a trouble
    that comes and goes within minutes is one incident.
    """
    now = {trouble.key: trouble for trouble in troubles}
    known = {note.key: note for note in opened}
    begun = tuple(trouble for key, trouble in now.items() if key not in known)
    ended = tuple(
        note for key, note in known.items() if key not in now and key not in seen and not unknown(note)
    )
    return Changes(begun, ended)
