"""Incidents: something is wrong, from its beginning to its end. Each of its causes is told."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from nightjar.core.telling.retrying import pauses
from nightjar.core.values import Value


class Severity(StrEnum):
    WARNING = "warning"
    """Somebody looks at it by day."""
    CRITICAL = "critical"
    """A person has to act now."""


class Step(StrEnum):
    """What a row says of its incident. BEGAN, CHANGED and both ends are told; GOES_ON is only shown."""

    BEGAN = "began"
    CHANGED = "changed"
    """It has another cause, or is worse."""
    GOES_ON = "goes_on"
    OVER = "over"
    UNSEEN = "unseen"
    """Nobody looks at it any more, so nobody can say if it was mended."""


ENDS = frozenset({Step.OVER, Step.UNSEEN})
Key = tuple[str, str, str]
"""Model, kind and subject: what makes two troubles the same."""

ONE_INCIDENT = {"held_back": "failed", "disk_full": "disk_filling"}
"""Kinds that say of one subject how bad it is. They are one incident, which rises or falls."""
TOLD_AGAIN_AFTER = timedelta(days=1)
"""So often at most an incident tells the same cause."""
SHOWN_WITHIN = timedelta(minutes=10)
"""So old is a number at most that is shown of an open incident."""
UNWATCHED = "No watcher runs, so nobody looks for incidents."
"""Then no open incident does not mean that nothing is wrong."""
NUMBERS = re.compile(r"[\d.,]+")


class Trouble(Value):
    """Something that is wrong now.

    model: empty for the platform itself. kind: the rule that found it. subject: what it is about, as a score
    date; empty if the kind says it all. cause: what it has in common with others that are told together.
    because: the name of the error or of the check that it comes from; empty if the kind says it all.
    link: a page about it for people. runbook: its name.
    """

    model: str
    kind: str
    subject: str = ""
    severity: Severity
    cause: str
    because: str = ""
    sentence: str
    link: str | None = None
    runbook: str

    @property
    def key(self) -> Key:
        return self.model, ONE_INCIDENT.get(self.kind, self.kind), self.subject

    @property
    def critical(self) -> bool:
        return self.severity is Severity.CRITICAL

    def differs(self, other: "Trouble") -> bool:
        """True if it comes from something else. Other numbers and words are no other cause.

        A name that the same words get later is none either, as after an upgrade that gives a rule names.
        """
        if not other.because and self.words == other.words:
            return self.runbook != other.runbook
        return (self.because, self.runbook) != (other.because, other.runbook)

    @property
    def words(self) -> str:
        """The sentence without its numbers."""
        return NUMBERS.sub("", self.sentence)


class Note(Trouble):
    """A stored row: a step of the incident that began with the row `continues`, or None for that row.

    was: what was told of it before, where that was read.
    """

    id: int
    step: Step
    continues: int | None = None
    was: str | None = None
    noted_at: AwareDatetime

    @property
    def ends(self) -> bool:
        return self.step in ENDS


@dataclass(frozen=True, slots=True)
class Incident:
    """An open incident by its rows, oldest first. Of those that were not told it has the newest alone."""

    notes: tuple[Note, ...]

    @property
    def began(self) -> Note:
        return self.notes[0]

    @property
    def now(self) -> Note:
        return self.notes[-1]

    @property
    def told(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.step is not Step.GOES_ON)


@dataclass(frozen=True, slots=True)
class Further:
    """A new row of an incident. began: where it began. why: why it ended, for the log."""

    began: Note
    step: Step
    trouble: Trouble
    why: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """begun: troubles that no open incident tells. further: what became of open incidents."""

    begun: tuple[Trouble, ...] = ()
    further: tuple[Further, ...] = ()


@dataclass(frozen=True, slots=True)
class Ending:
    """Why an incident ends. unmended: why nobody looks any more. decided: what a person decided, and why."""

    unmended: str | None = None
    decided: str | None = None


def mended(_: Incident) -> Ending:
    return Ending()


def changes(
    opened: Iterable[Incident],
    troubles: Iterable[Trouble],
    now: datetime,
    *,
    unknown: Callable[[Note], bool],
    seen: frozenset[Key],
    why: Callable[[Incident], Ending] = mended,
) -> Changes:
    """Compare the open incidents with the troubles of now.

    unknown: True for an incident about which nothing could be found out now: it stays open. seen: the
    troubles of the look before. An incident ends when two looks in a row do not find it, so that a trouble
    that comes and goes within minutes is one incident. why: why an incident ends.
    """
    found = {trouble.key: trouble for trouble in troubles}
    known = {incident.began.key: incident for incident in opened}
    begun = tuple(trouble for key, trouble in found.items() if key not in known)
    further = list[Further]()
    for key, incident in known.items():
        if key in found:
            step = next_step(incident, found[key], now)
            if step is not None:
                further.append(Further(incident.began, step, found[key]))
        elif key not in seen and not unknown(incident.now):
            further.append(ended(incident, why(incident)))
    return Changes(begun, tuple(further))


def next_step(incident: Incident, trouble: Trouble, now: datetime) -> Step | None:
    """What an open incident says anew. None: nothing.

    It is told again if its cause is not the one that was told last, or if it is worse than before, and if
    this was not told within a day. So causes that take turns are each told once a day, and who was told the
    wrong one last is told the right one within a day.
    """
    last, told = incident.now, incident.told
    worse = trouble.critical and not last.critical
    if trouble.differs(told[-1]) or worse:
        recent = [each for each in told if pauses(each.noted_at, now, TOLD_AGAIN_AFTER)]
        if not any(_says(each, trouble) for each in recent):
            return Step.CHANGED
    if trouble.differs(last) or (trouble.kind, trouble.severity) != (last.kind, last.severity):
        return Step.GOES_ON
    if trouble.words != last.words:
        return Step.GOES_ON
    aged = not pauses(last.noted_at, now, SHOWN_WITHIN)
    return Step.GOES_ON if aged and trouble.sentence != last.sentence else None


def _says(told: Note, trouble: Trouble) -> bool:
    return not trouble.differs(told) and (told.critical or not trouble.critical)


def ended(incident: Incident, ending: Ending) -> Further:
    """The row that ends an incident, in the words that are told."""
    now, step = incident.now, Step.OVER if ending.unmended is None else Step.UNSEEN
    head = "This is over." if ending.unmended is None else "This is told no more."
    why = ending.unmended or ending.decided
    began = f"It began {incident.began.noted_at:%Y-%m-%d %H:%M} UTC."
    sentence = " ".join(filter(None, (head, why, began, f"It was: {now.sentence}")))
    said = now.model_dump(include=set(Trouble.model_fields)) | {"sentence": sentence}
    told = Trouble.model_validate(said)
    return Further(incident.began, step, told, why or "mended")
