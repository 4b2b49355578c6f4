"""Messages for people: what began, changed and ended since, in as few messages as possible."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from nightjar.core.desk.places import desk_url, runbook_place
from nightjar.core.telling.incidents import ENDS, Note, Severity, Step
from nightjar.core.telling.retrying import Pending, pauses
from nightjar.core.telling.rules import EXPLAINS
from nightjar.core.values import Value

TOGETHER_FOR = timedelta(minutes=10)
"""After a message, more of the same cause are collected for this time."""
EXPLAINED_FOR = timedelta(hours=1)
"""The same of nights alone, where a trouble of the platform is the cause and was told."""
OUTAGE = "watcher sees nothing"
AT_MOST = 10
"""Sentences of a message. It counts the others."""

Cause = tuple[bool, str]
"""Whether it ended, and the cause."""


class Message(Value):
    """severity: of the worst incident. over: True if it tells ends alone. notes: the rows that it tells."""

    title: str
    text: str
    severity: Severity
    over: bool = False
    notes: tuple[Note, ...]


def cause_of(note: Note) -> Cause:
    return note.ends, note.cause


def due_messages(
    pending: Iterable[Pending[Note]], told: Mapping[Cause, datetime], now: datetime, ui: str
) -> tuple[tuple[Message, tuple[Pending[Note], ...]], ...]:
    """Return the messages to send now, each with what it tells.

    told: when the channel was told of a cause last. ui: the address of Prefect's pages and of the desk.
    Of each cause one message is sent at once, and the next one after a while, with all that came in between.
    What was not taken before is in none until it is due again: it holds up nothing.
    """
    due = (each for each in pending if each.due(now))
    by_cause = groupby(sorted(due, key=lambda each: cause_of(each.news)), lambda each: cause_of(each.news))
    groups = ((cause, tuple(group)) for cause, group in by_cause)
    return tuple(
        (message([each.news for each in group], ui), group)
        for cause, group in groups
        if _due(cause, group, told.get(cause), now)
    )


def _due(cause: Cause, group: Sequence[Pending[Note]], told: datetime | None, now: datetime) -> bool:
    explained = cause[1] in EXPLAINS and all(each.news.kind not in EXPLAINS for each in group)
    waits = EXPLAINED_FOR if explained else TOGETHER_FOR
    return told is None or not pauses(told, now, waits)


def message(notes: Sequence[Note], ui: str) -> Message:
    """Say what began or changed, or what ended, of one cause."""
    severity = Severity.CRITICAL if any(note.critical for note in notes) else Severity.WARNING
    lines = [lines_of(note, ui) for note in notes[:AT_MOST]]
    if len(notes) > AT_MOST:
        lines.append(f"... and {len(notes) - AT_MOST} more.")
    return Message(
        title=_title(notes, severity),
        text="\n\n".join(lines),
        severity=severity,
        over=all(note.ends for note in notes),
        notes=tuple(notes),
    )


def _title(notes: Sequence[Note], severity: Severity) -> str:
    steps = {note.step for note in notes}
    kinds = ", ".join(sorted({note.kind.replace("_", " ") for note in notes}))
    models = sorted({note.model for note in notes} - {""})
    about = f"{models[0] if len(models) == 1 else f'{len(models)} models'}: {kinds}" if models else kinds
    return f"Nightjar {_state(steps, severity)}: {about}"


def _state(steps: set[Step], severity: Severity) -> str:
    """Of what is told together: beginnings and changes, or ends."""
    if steps <= ENDS:
        return "over" if Step.OVER in steps else "told no more"
    return f"{severity.value}, changed" if steps == {Step.CHANGED} else severity.value


def lines_of(note: Note, ui: str) -> str:
    """One incident in lines: the sentence, since when, the page, the runbook; last, what was told before.

    The runbook is told twice: its page does not open while the server is gone, and the file is in a checkout.

    What was told before may name a command that no longer helps, so it does not come first.
    """
    model = f"{note.model}: " if note.model else ""
    if note.ends:
        return f"{model}{note.sentence}"
    now, was = ("", []) if note.was is None else ("Now: ", [f"Was: {note.was}"])
    page = [note.link] if note.link else []
    first = "Changed" if note.step is Step.CHANGED else "First seen"
    seen = f"{first}: {note.noted_at:%Y-%m-%d %H:%M} UTC"
    return "\n".join([f"{model}{now}{note.sentence}", seen, *page, _runbook(note.runbook, ui), *was])


def _runbook(name: str, ui: str) -> str:
    return f"Runbook: {desk_url(ui, runbook_place(name))} (runbooks/{name}.md)"


def outage(since: datetime, error: str, runbook: str, ui: str) -> Message:
    """The watcher tells this one from memory: there is nowhere to store it."""
    text = f"The watcher has seen nothing since {since:%Y-%m-%d %H:%M} UTC. {error}"
    text += f"\n{_runbook(runbook, ui)}"
    return Message(title=f"Nightjar critical: {OUTAGE}", text=text, severity=Severity.CRITICAL, notes=())


def outage_over(now: datetime) -> Message:
    text = f"This is over: the watcher works again at {now:%Y-%m-%d %H:%M} UTC."
    title = f"Nightjar over: {OUTAGE}"
    return Message(title=title, text=text, severity=Severity.CRITICAL, over=True, notes=())


def trial(now: datetime, ui: str) -> Message:
    text = f"This is a test of {now:%Y-%m-%d %H:%M} UTC. Nothing is wrong. See whether this link opens."
    text += f"\n{_runbook('late-night', ui)}"
    return Message(title="Nightjar test", text=text, severity=Severity.CRITICAL, notes=())
