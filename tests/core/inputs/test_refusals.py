from datetime import UTC, date, datetime, timedelta

from nightjar.core.inputs.refusals import Refusal, newest, refused_after, refused_for

DAY, NOON, HOUR = date(2013, 6, 15), datetime(2013, 6, 15, 12, tzinfo=UTC), timedelta(hours=1)


def refusal(day=DAY, recorded_at=NOON, problem="is truncated"):
    return Refusal(
        dataset="visits",
        day=day,
        content="0" * 16,
        file="in.csv",
        column="shop",
        problem=problem,
        remedy="Have it delivered again.",
        recorded_at=recorded_at,
        refused_at=NOON,
    )


def test_of_a_day_the_newest_refusal_counts_that_was_recorded_in_time():
    first, second = refusal(), refusal(recorded_at=NOON + HOUR)
    all_of_them = [second, first, refusal(DAY - timedelta(1)), refusal(DAY + timedelta(1))]
    assert newest(refused_for(all_of_them, DAY, DAY, NOON + HOUR)) == second
    assert newest(refused_for(all_of_them, DAY, DAY, NOON)) == first
    assert newest(refused_for(all_of_them, DAY, DAY, NOON - HOUR)) is None
    assert newest(refused_for(all_of_them, DAY, DAY + timedelta(1), NOON)) == all_of_them[-1]


def test_only_what_is_newer_than_all_that_had_landed_by_then_made_a_feed_stale():
    old, new = refusal(DAY - timedelta(5)), refusal()
    landed = {DAY - timedelta(1): [NOON - HOUR], DAY + timedelta(1): [NOON + HOUR]}
    assert refused_after([old, new], landed, NOON) == new
    assert refused_after([old, new], landed, NOON + HOUR) is None, "a newer day has landed"
    assert refused_after([old], landed, NOON) is None
    assert refused_after([old], {}, NOON) == old


def test_the_error_of_a_night_says_what_is_wrong_who_needs_it_and_what_to_do():
    error = refusal().wanted_by("toy", DAY, "nothing else has landed")
    assert str(error) == (
        "in.csv, column 'shop': is truncated. toy 2013-06-15 needs this delivery: nothing else has landed. "
        "Have it delivered again. Runbook: runbooks/bad-delivery.md"
    )
    assert (error.column, error.file, error.night) == ("shop", "in.csv", None)
    acceptable = refusal().wanted_by("toy", DAY, "nothing else has landed", acceptable=True)
    assert (
        acceptable.words
        == f"{error.words} Or have the night scored without it, with a reason, which the ledger keeps."
    )
    assert acceptable.night == ("toy", DAY)


def test_a_refusal_says_what_is_wrong_and_where():
    assert refusal().told == "column 'shop': is truncated"
    assert refusal().model_copy(update={"column": None}).told == "is truncated"
