"""Which failed flow runs are worth telling of: those that hold no run and that nothing has made good."""

from datetime import UTC, date, datetime, timedelta

from nightjar.core.platform.attempts import Attempt, ServerStatus, by_night, unhealed

DAY = date(2013, 6, 15)
ENDED = datetime(2026, 6, 15, tzinfo=UTC)
LATER, EARLIER = ENDED + timedelta(hours=1), ENDED - timedelta(hours=1)


def attempt(flow_run, flow="score", night=DAY):
    return Attempt(
        flow_run=flow_run,
        flow=flow,
        name=flow_run,
        ended_at=ENDED,
        state="Failed",
        why="it broke",
        night=night,
    )


def left(attempts, claimants=(), published=None, completed=None):
    found = unhealed(
        ServerStatus(attempts=tuple(attempts), completed=completed or {}), claimants, published or {}
    )
    return [each.flow_run for each in found]


def test_what_claimed_a_run_is_told_by_the_ledger():
    assert left([attempt("a"), attempt("b")], claimants={"a"}) == ["b"]


def test_a_night_is_made_good_by_its_publication():
    assert left([attempt("a")], published={DAY: LATER}) == []
    assert left([attempt("a")], published={DAY: EARLIER, DAY + timedelta(days=1): LATER}) == ["a"]
    assert left([attempt("a")], completed={"score": LATER}) == ["a"], (
        "another night that went well is another night"
    )


def test_what_is_about_no_night_is_made_good_by_a_later_run_that_went_well():
    feature = attempt("a", "features", None)
    assert left([feature], completed={"features": LATER}) == []
    assert left([feature], completed={"features": EARLIER, "score": LATER}) == ["a"]


def test_attempts_are_counted_by_night():
    assert by_night([attempt("a"), attempt("b"), attempt("c", "features", None)]) == {DAY: 2}
