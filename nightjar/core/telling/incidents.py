"""Incidents: something is wrong, from its beginning to its end. Each of the two is told once."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
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


OVER, UNSEEN = "This is over: ", "This is told no more. "
"""How the sentence of an end begins: what was wrong is so no more, or nobody looks at it any more."""


def ending(note: Note, unmended: str | None = None) -> Trouble:
    """Return what is told when an incident ends. unmended: why nobody looks any more."""
    told = note.model_dump(include=set(Trouble.model_fields))
    sentence = f"{OVER}{note.sentence}" if unmended is None else f"{UNSEEN}{unmended} It was: {note.sentence}"
    return Trouble.model_validate(told | {"sentence": sentence})


@dataclass(frozen=True, slots=True)
class Changes:
    """begun: troubles that no open incident tells. ended: open incidents whose trouble is seen no more.

    unmended: of those that nobody looks at any more, by their ids, why.
    """

    begun: tuple[Trouble, ...]
    ended: tuple[Note, ...]
    unmended: Mapping[int, str] = field(default_factory=dict[int, str])


def mended(note: Note) -> str | None:  # noqa: ARG001  # of every incident alike
    return None


def changes(
    opened: Iterable[Note],
    troubles: Iterable[Trouble],
    unknown: Callable[[Note], bool],
    seen: frozenset[Key],
    unmended: Callable[[Note], str | None] = mended,
) -> Changes:
    """Compare the open incidents with the troubles of now.

    unknown: True for an incident about which nothing could be found out now: it stays open. seen: the
    troubles of the look before. An incident ends when two looks in a row do not find it, so that a trouble
    that comes and goes within minutes is one incident. unmended: why nobody looks
    any more at what an incident is about; None if it was mended.
    """
    now = {trouble.key: trouble for trouble in troubles}
    known = {note.key: note for note in opened}
    begun = tuple(trouble for key, trouble in now.items() if key not in known)
    ended = tuple(
        note for key, note in known.items() if key not in now and key not in seen and not unknown(note)
    )
    reasons = {note.id: reason for note in ended if (reason := unmended(note)) is not None}
    return Changes(begun, ended, reasons)
