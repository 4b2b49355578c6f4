"""Each incident begins once and ends once, whatever comes and goes, and is told in few messages."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.telling.incidents import Note, Severity, Trouble, changes, ending
from nightjar.core.telling.messages import AT_MOST, EXPLAINED_FOR, TOGETHER_FOR, due_messages, message
from nightjar.core.telling.retrying import Pending

NOW = datetime(2026, 1, 1, tzinfo=UTC)
UI = "https://ui.example"


def trouble(model: str = "toy", kind: str = "late", cause: str = "late") -> Trouble:
    return Trouble(
        model=model,
        kind=kind,
        severity=Severity.CRITICAL,
        cause=cause,
        sentence=f"{model} {kind}.",
        runbook="x",
    )


def note(number: int, of: Trouble, ends: int | None = None) -> Note:
    return Note(**of.model_dump(), id=number, ends=ends, noted_at=NOW)


@given(st.lists(st.sets(st.sampled_from("abcd")), max_size=30))
def test_beginnings_and_ends_take_turns_and_an_end_waits_for_two_looks(looks):
    opened: dict[str, Note] = {}
    seen = frozenset()
    for number, found in enumerate(looks):
        troubles = [trouble(name) for name in sorted(found)]
        done = changes(opened.values(), troubles, lambda _: False, seen)
        for each in done.begun:
            assert each.model not in opened
            opened[each.model] = note(number, each)
        for each in done.ended:
            assert each.key not in seen
            del opened[each.model]
        seen = frozenset(each.key for each in troubles)
        assert found <= set(opened)
    assert set(opened) <= {name for found in looks[-2:] for name in found}


def test_what_cannot_be_found_out_stays_open():
    assert changes([note(1, trouble())], [], lambda _: True, frozenset()).ended == ()
    assert len(changes([note(1, trouble())], [], lambda _: False, frozenset()).ended) == 1


def test_many_models_that_fail_for_one_cause_are_one_message():
    pending = [Pending(note(n, trouble(f"m{n}"))) for n in range(20)]
    ((told, rows),) = due_messages(pending, {}, NOW, UI)
    assert told.title == "Nightjar critical: 20 models: late"
    assert len(told.text.split("\n\n")) == AT_MOST + 1
    assert len(rows) == 20


def test_more_of_a_cause_wait_and_another_cause_does_not():
    told = {(False, "late"): NOW}
    pending = [Pending(note(1, trouble())), Pending(note(2, trouble(cause="other")))]
    assert [[each.news.id for each in rows] for _, rows in due_messages(pending, told, NOW, UI)] == [[2]]
    assert len(due_messages(pending, told, NOW + TOGETHER_FOR, UI)) == 2


def test_nights_that_a_missing_worker_makes_late_wait_for_an_hour():
    told = {(False, "worker_gone"): NOW}
    pending = [Pending(note(1, trouble(cause="worker_gone")))]
    assert due_messages(pending, told, NOW + TOGETHER_FOR, UI) == ()
    assert len(due_messages(pending, told, NOW + EXPLAINED_FOR, UI)) == 1


def test_what_was_not_taken_is_not_due_at_once():
    assert due_messages([Pending(note(1, trouble()), 3, NOW)], {}, NOW + timedelta(seconds=5), UI) == ()


def test_a_message_has_the_page_of_the_trouble_and_that_of_its_runbook():
    seen = trouble().model_copy(update={"link": f"{UI}/desk/toy/2026-01-01.html"})
    told = message([note(1, seen)], UI).text
    assert told == f"toy: toy late.\n{seen.link}\nRunbook: {UI}/desk/runbook-pages/x.html"


def test_an_end_says_what_is_over():
    over = message([note(2, ending(note(1, trouble())), ends=1)], UI)
    assert (over.title, over.text) == ("Nightjar over: toy: late", "toy: This is over: toy late.")
