"""Each incident begins once and ends once, whatever comes and goes, and is told in few messages."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.telling.incidents import (
    SHOWN_WITHIN,
    TOLD_AGAIN_AFTER,
    Ending,
    Incident,
    Note,
    Severity,
    Step,
    Trouble,
    changes,
    ended,
    next_step,
)
from nightjar.core.telling.messages import AT_MOST, EXPLAINED_FOR, TOGETHER_FOR, due_messages, message
from nightjar.core.telling.retrying import Pending

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = "First seen: 2026-01-01 00:00 UTC"
BEGAN = "It began 2026-01-01 00:00 UTC."
UI = "https://ui.example"
MINUTE = timedelta(minutes=1)


def trouble(model: str = "toy", kind: str = "late", cause: str = "late", **fields) -> Trouble:
    told = {
        "model": model,
        "kind": kind,
        "severity": Severity.CRITICAL,
        "cause": cause,
        "sentence": f"{model} {kind}.",
        "runbook": "x",
    }
    return Trouble(**told | fields)


def note(number: int, of: Trouble, step: Step = Step.BEGAN, at: datetime = NOW) -> Note:
    continues = None if step is Step.BEGAN else 1
    return Note(**of.model_dump(), id=number, step=step, continues=continues, noted_at=at)


def compared(opened, troubles, seen=frozenset(), *, unknown=False):
    return changes(opened, troubles, NOW, unknown=lambda _: unknown, seen=seen)


@given(st.lists(st.sets(st.sampled_from("abcd")), max_size=30))
def test_beginnings_and_ends_take_turns_and_an_end_waits_for_two_looks(looks):
    opened: dict[str, Incident] = {}
    seen = frozenset()
    for number, found in enumerate(looks):
        troubles = [trouble(name) for name in sorted(found)]
        done = compared(opened.values(), troubles, seen)
        for each in done.begun:
            assert each.model not in opened
            opened[each.model] = Incident((note(number, each),))
        for each in done.further:
            assert each.step is Step.OVER
            assert each.began.key not in seen
            del opened[each.began.model]
        seen = frozenset(each.key for each in troubles)
        assert found <= set(opened)
    assert set(opened) <= {name for found in looks[-2:] for name in found}


def test_what_cannot_be_found_out_stays_open():
    assert compared([Incident((note(1, trouble()),))], [], unknown=True).further == ()
    assert [each.step for each in compared([Incident((note(1, trouble()),))], []).further] == [Step.OVER]


def held(because: str, kind: str = "held_back", **fields) -> Trouble:
    severity = Severity.CRITICAL if kind == "held_back" else Severity.WARNING
    said = f"Night {kind}: {because}."
    return trouble(
        kind=kind, because=because, cause=f"{kind} {because}", sentence=said, severity=severity, **fields
    )


def disk(kind: str, free: float) -> Trouble:
    severity = Severity.CRITICAL if kind == "disk_full" else Severity.WARNING
    return trouble("", kind, kind, sentence=f"{free} GB of 100 are free.", severity=severity, subject="/x")


def walk(*looks: tuple[Trouble, timedelta]) -> list[Step]:
    """What the steps of one incident are, look by look."""
    incident, now, steps = Incident((note(1, looks[0][0]),)), NOW, [Step.BEGAN]
    for number, (seen, later) in enumerate(looks[1:], start=2):
        now += later
        (begun, further) = (
            (done := changes([incident], [seen], now, unknown=lambda _: False, seen=frozenset())).begun,
            done.further,
        )
        assert begun == ()
        for each in further:
            steps.append(each.step)
            notes = (*incident.told, note(number, seen, each.step, now))
            incident = Incident(notes)
    return steps


def test_another_check_or_error_is_told_as_the_same_incident():
    assert walk((held("volume"), MINUTE), (held("units"), MINUTE)) == [Step.BEGAN, Step.CHANGED]
    lost, damaged = held("StoreUnavailable", "failed"), held("BadManifest", "failed", runbook="y")
    assert walk((lost, MINUTE), (damaged, MINUTE)) == [Step.BEGAN, Step.CHANGED]


def test_what_becomes_worse_is_told_as_the_same_incident_and_what_becomes_better_is_shown():
    assert walk((disk("disk_filling", 9), MINUTE), (disk("disk_full", 1), MINUTE)) == [
        Step.BEGAN,
        Step.CHANGED,
    ]
    assert walk((disk("disk_full", 1), MINUTE), (disk("disk_filling", 4), MINUTE)) == [
        Step.BEGAN,
        Step.GOES_ON,
    ]
    risen = walk((held("Stopped", "failed"), MINUTE), (held("Stopped", "held_back"), MINUTE))
    assert risen == [Step.BEGAN, Step.CHANGED]


def test_other_numbers_are_shown_within_ten_minutes_and_not_told():
    first, second = disk("disk_filling", 9), disk("disk_filling", 8)
    assert walk((first, MINUTE), (second, MINUTE)) == [Step.BEGAN]
    assert walk((first, MINUTE), (second, SHOWN_WITHIN)) == [Step.BEGAN, Step.GOES_ON]
    assert walk((first, MINUTE), (first, SHOWN_WITHIN)) == [Step.BEGAN]


def test_other_words_are_shown_at_once_and_not_told():
    begun = trouble(sentence="It is late. It is being scored now.")
    assert walk((trouble(), MINUTE), (begun, MINUTE)) == [Step.BEGAN, Step.GOES_ON]


def test_a_trouble_of_the_platform_that_explains_another_is_no_other_cause():
    explained = trouble(cause="worker_gone")
    assert walk((trouble(), MINUTE), (explained, MINUTE)) == [Step.BEGAN]


def test_causes_that_take_turns_are_each_told_once_a_day():
    turns = [held("volume"), held("units")] * 720
    steps = walk(*((each, MINUTE) for each in turns))
    told = [step for step in steps if step is not Step.GOES_ON]
    assert told == [Step.BEGAN, Step.CHANGED]


def test_who_was_told_the_wrong_cause_last_is_told_the_right_one_within_a_day():
    a, b = held("volume"), held("units")
    minutes = int(TOLD_AGAIN_AFTER / MINUTE)
    steps = walk(*((each, MINUTE) for each in [a, b, *[a] * 2 * minutes]))
    assert steps == [Step.BEGAN, Step.CHANGED, Step.GOES_ON, Step.CHANGED]


def test_a_disk_that_is_full_again_after_days_is_told_again():
    filling, full = disk("disk_filling", 5), disk("disk_full", 1)
    steps = walk((filling, MINUTE), (full, MINUTE), (filling, MINUTE), (full, MINUTE), (filling, MINUTE))
    assert [step for step in steps if step is not Step.GOES_ON] == [Step.BEGAN, Step.CHANGED]
    later = walk((filling, MINUTE), (full, MINUTE), (filling, MINUTE), (full, TOLD_AGAIN_AFTER))
    assert later == [Step.BEGAN, Step.CHANGED, Step.GOES_ON, Step.CHANGED]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=80), st.integers(1, 600))
def test_no_cause_is_told_twice_within_a_day(seen, minutes):
    incident, now, told = None, NOW, dict[str, datetime]()
    for number, because in enumerate(seen, start=1):
        now += minutes * MINUTE
        step = Step.BEGAN if incident is None else next_step(incident, held(because), now)
        if step in {Step.BEGAN, Step.CHANGED}:
            assert because not in told or now - told[because] >= TOLD_AGAIN_AFTER
            told[because] = now
        if step is not None:
            before = () if incident is None else incident.told
            incident = Incident((*before, note(number, held(because), step, now)))
    assert told.keys() == set(seen)


def test_a_clock_that_is_set_back_delays_no_cause():
    """The clock was a month ahead when the incident began."""
    back = -timedelta(days=30)
    steps = walk((held("volume"), MINUTE), (held("units"), MINUTE), (held("volume"), back))
    assert steps == [Step.BEGAN, Step.CHANGED, Step.CHANGED]
    assert walk((disk("disk_filling", 9), MINUTE), (disk("disk_filling", 8), back))[1:] == [Step.GOES_ON]


def test_a_cause_that_gets_a_name_is_not_told_again_in_the_same_words():
    """What began before its rule named causes is open while Nightjar is upgraded."""
    named = held("volume")
    unnamed = named.model_copy(update={"because": "", "cause": "held_back"})
    assert walk((unnamed, MINUTE), (named, MINUTE)) == [Step.BEGAN]
    assert walk((unnamed, MINUTE), (held("units"), MINUTE)) == [Step.BEGAN, Step.CHANGED]


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


def test_a_worker_that_is_gone_for_another_reason_or_again_does_not_wait_with_the_nights():
    told = {(False, "worker_gone"): NOW}
    gone = trouble(model="", kind="worker_gone", cause="worker_gone")
    pending = [Pending(note(1, gone, Step.CHANGED)), Pending(note(2, trouble(cause="worker_gone")))]
    assert due_messages(pending, told, NOW + TOGETHER_FOR / 2, UI) == ()
    assert len(due_messages(pending, told, NOW + TOGETHER_FOR, UI)) == 1


def test_what_was_not_taken_is_not_due_at_once():
    assert due_messages([Pending(note(1, trouble()), 3, NOW)], {}, NOW + timedelta(seconds=5), UI) == ()


def test_what_is_not_taken_for_hours_does_not_hold_up_what_begins_now_for_the_same_cause():
    """The receiver was down at night, or refuses that one message for ever: nobody knows which."""
    waiting = Pending(note(1, trouble("night")), 12, NOW - timedelta(minutes=5))
    ((_, rows),) = due_messages([waiting, Pending(note(2, trouble("now")))], {}, NOW, UI)
    assert [each.news.id for each in rows] == [2]
    later = NOW + timedelta(hours=1)
    ((_, rows),) = due_messages([waiting, Pending(note(3, trouble("later")))], {}, later, UI)
    assert [each.news.id for each in rows] == [1, 3]


def test_a_message_has_the_page_of_the_trouble_and_that_of_its_runbook():
    seen = trouble().model_copy(update={"link": f"{UI}/desk/toy/2026-01-01.html"})
    told = message([note(1, seen)], UI).text
    runbook = f"{UI}/desk/runbook-pages/x.html (runbooks/x.md)"
    assert told == f"toy: toy late.\n{SEEN}\n{seen.link}\nRunbook: {runbook}"


def test_a_change_says_what_it_was_and_what_it_is_now_with_the_new_runbook():
    now = note(2, held("units", runbook="units"), Step.CHANGED).model_copy(update={"was": "It was volume."})
    told = message([now], UI)
    assert told.title == "Nightjar critical, changed: toy: held back"
    runbook = f"{UI}/desk/runbook-pages/units.html (runbooks/units.md)"
    lines = (SEEN.replace("First seen", "Changed"), f"Runbook: {runbook}", "Was: It was volume.")
    assert told.text == "\n".join(("toy: Now: Night held_back: units.", *lines))


def over(ending: Ending) -> Note:
    done = ended(Incident((note(1, trouble()), note(2, held("units"), Step.GOES_ON))), ending)
    return note(3, done.trouble, done.step)


def test_an_end_says_what_is_over_in_its_newest_words():
    told = message([over(Ending())], UI)
    assert told.title == "Nightjar over: toy: held back"
    assert told.over
    assert told.text == f"toy: This is over. {BEGAN} It was: Night held_back: units."


def test_an_end_says_what_a_person_decided():
    told = message([over(Ending(decided="Accepted: it is a holiday."))], UI)
    assert (
        told.text == f"toy: This is over. Accepted: it is a holiday. {BEGAN} It was: Night held_back: units."
    )


def test_the_title_of_an_end_does_not_depend_on_its_words():
    lies = note(3, trouble(sentence="This is over: so it says"), Step.UNSEEN)
    assert message([lies], UI).title == "Nightjar told no more: toy: late"
    unseen = message([over(Ending(unmended="Too old.", decided="Accepted: x."))], UI)
    assert unseen.title == "Nightjar told no more: toy: held back"
    assert unseen.text.endswith(f"This is told no more. Too old. {BEGAN} It was: Night held_back: units.")
