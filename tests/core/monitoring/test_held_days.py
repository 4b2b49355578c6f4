"""A night whose features lack a held day says so before anything else."""

from datetime import UTC, date, datetime, timedelta

from nightjar.core.inputs.findings import Finding, foremost
from nightjar.core.monitoring.held_days import accepted_since, held_days, with_cause

DAY, NOON, HOUR = date(2013, 6, 15), datetime(2013, 6, 15, 12, tzinfo=UTC), timedelta(hours=1)
FROZEN = Finding(name="frozen", sentence="rain looks frozen", number=0, expected=0.9, limit=0.1)
VOLUME = Finding(name="volume", sentence="half of the rows")


def test_a_day_is_held_until_a_delivery_of_it_counts():
    held = {(DAY, NOON): None}
    assert held_days(held, {}, NOON) == (DAY,)
    assert held_days(held, {}, NOON - HOUR) == ()
    corrected = {DAY: (NOON + HOUR,)}
    assert held_days(held, corrected, NOON) == (DAY,)
    assert held_days(held, corrected, NOON + HOUR) == ()


def test_what_looks_frozen_is_explained_by_a_held_day_first():
    found = with_cause([FROZEN, FROZEN], lambda: {"visits": [DAY]})
    assert [each.name for each in foremost(found)] == ["outcomes_held", "frozen", "frozen"]
    assert (
        found[0].sentence
        == "The delivery visits 2013-06-15 is held, so no feature has that day: decide on that first"
    )


def test_a_held_day_is_no_cause_of_a_file_that_lacks_rows():
    asked = []

    def held():
        asked.append("held")
        return {"visits": [DAY]}

    assert with_cause([VOLUME], held) == (VOLUME,)
    assert not asked, "an ordinary night does not look for held days"
    assert with_cause([FROZEN], lambda: {"visits": []}) == (FROZEN,)


def test_a_day_that_is_accepted_since_the_night_is_told_as_such_and_not_as_one_to_decide_on():
    held = {(DAY, NOON): NOON + HOUR, (DAY + timedelta(days=1), NOON): None}
    days = [DAY, DAY + timedelta(days=1)]
    found = with_cause([FROZEN], lambda: {"visits": days}, lambda _, asked: accepted_since(held, asked))
    assert (
        found[0].what
        == "The delivery visits 2013-06-16 is held, so no feature has that day: decide on that first"
    )
    assert found[1].what.startswith(
        "The delivery visits 2013-06-15 was held, and is accepted since 2013-06-15 13:00 UTC, which this"
    )
    assert found[1].what.endswith("score the night as known at a later instant")
    assert accepted_since(held, []) == {}
