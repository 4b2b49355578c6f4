"""Whose decision ended an incident: a person accepted, refused, promoted or published something since."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from nightjar.core.plurals import counted
from nightjar.core.telling.facts import Decision, ModelFacts
from nightjar.core.telling.incidents import Note

Find = Callable[[ModelFacts, Note], "str | None"]
"""What is told of the decision that ended the incident which began with this row. None: nobody decided."""

NIGHTS_NAMED = 3


def of_night(facts: ModelFacts, began: Note) -> str | None:
    """The subject begins with the score date."""
    day = began.subject.partition(" ")[0]
    found = {str(each): decision for each, decision in facts.decided_nights.items()}
    return _since(found.get(day), began.noted_at)


def of_outcomes(facts: ModelFacts, began: Note) -> str | None:
    found = {str(day): decision for day, decision in facts.decided_outcomes.items()}
    return _since(found.get(began.subject), began.noted_at)


def of_champion(facts: ModelFacts, began: Note) -> str | None:
    return _since(facts.promoted, began.noted_at)


def of_rows_set_aside(facts: ModelFacts, began: Note) -> str | None:
    """The incident is about many nights: those that were published with a reason since, newest first."""
    since = [
        (day, decision) for day, decision in facts.decided_nights.items() if decision.at >= began.noted_at
    ]
    if not since:
        return None
    named = [f"{day} ({decision.reason})" for day, decision in sorted(since, reverse=True)[:NIGHTS_NAMED]]
    others = len(since) - len(named)
    more = f", and {counted(others, 'other night')}" if others else ""
    return f"Published since: {', '.join(named)}{more}."


def _since(decision: Decision | None, began: datetime) -> str | None:
    return None if decision is None or decision.at < began else decision.told


DECIDES: Mapping[str, Find] = {
    **dict.fromkeys(("late", "failed", "held_back", "doubted", "partial"), of_night),
    **dict.fromkeys(("outcomes_held", "outcomes_doubted"), of_outcomes),
    **dict.fromkeys(("degraded", "champion_stale"), of_champion),
    "quarantine_unread": of_rows_set_aside,
}
"""By the kind of an incident. People decide about no other kind."""


def decided(models: Iterable[ModelFacts], began: Note) -> str | None:
    """What is told of the decision that ended an incident, or None."""
    facts, find = next((each for each in models if each.model == began.model), None), DECIDES.get(began.kind)
    return None if facts is None or find is None else find(facts, began)
