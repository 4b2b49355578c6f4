"""What `ports.OutcomeChecks` promises, on Postgres and in memory."""

import math
from datetime import UTC, date, datetime, timedelta

import pytest

from db.stores.outcome_checks import PostgresOutcomeChecks
from nightjar.core.monitoring.outcome_findings import HoldFinding
from nightjar.core.monitoring.outcome_guard import OutcomeCheck, Verdict
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.testing.memory import MemoryOutcomeChecks

AT = datetime(2013, 6, 16, 10, tzinfo=UTC)
FOUND = HoldFinding(name="units", where="delay", value=60, low=1, high=2, told="delay: 60")
HELD = OutcomeCheck(
    model="toy",
    dataset="happened",
    day=date(2013, 6, 15),
    recorded_at=AT,
    verdict=Verdict.HELD,
    looks=OutcomeDay(rows=3, sizes={"delay": None}, values={"shop": {"north": 3}}, shares={"1": 0.5}),
    findings=(FOUND,),
)


@pytest.fixture(params=["postgres", "memory"])
def checks(request):
    if request.param == "memory":
        return MemoryOutcomeChecks()
    return PostgresOutcomeChecks(request.getfixturevalue("engine"))


def decided(verdict, **changes):
    return HELD.model_copy(update={"verdict": verdict, "reason": "because", **changes})


def plain(found):
    return tuple(each.model_copy(update={"actor": "", "decided_at": None}) for each in found)


def verdicts(checks, model="toy"):
    return [(each.dataset, each.day, each.verdict, each.counts_from) for each in checks.deliveries(model)]


def test_the_newest_verdict_on_a_delivery_counts(checks):
    before = date(2013, 6, 14)
    passed = HELD.model_copy(update={"verdict": Verdict.PASSED, "findings": (), "day": before})
    checks.add([passed, HELD])
    assert verdicts(checks) == [
        ("happened", before, Verdict.PASSED, None),
        ("happened", HELD.day, Verdict.HELD, None),
    ]
    assert plain(checks.undecided("toy")) == (HELD,)
    assert checks.held("happened") == {(HELD.day, AT): None}
    later = AT + timedelta(days=2)
    checks.add([decided(Verdict.ACCEPTED, counts_from=later)])
    assert verdicts(checks)[1] == ("happened", HELD.day, Verdict.ACCEPTED, later)
    assert checks.undecided("toy") == ()
    (accepted,) = checks.decided("toy", [before, HELD.day])
    assert (accepted.day, accepted.verdict) == (HELD.day, Verdict.ACCEPTED)
    assert checks.decided("toy", [before]) == checks.decided("other", [HELD.day]) == ()
    assert checks.held("happened") == {(HELD.day, AT): later}
    assert (verdicts(checks, "other"), checks.undecided("other"), checks.held("other")) == ([], (), {})


def test_what_a_day_looks_like_is_that_of_its_newest_delivery_that_counts(checks):
    def looking(rows, hours, verdict):
        looks = HELD.looks.model_copy(update={"rows": rows})
        return HELD.model_copy(
            update={"looks": looks, "recorded_at": AT + timedelta(hours=hours), "verdict": verdict}
        )

    days = [HELD.day, HELD.day + timedelta(days=1)]
    checks.add([looking(1, 0, Verdict.PASSED), looking(2, 1, Verdict.DOUBTED), looking(3, 2, Verdict.HELD)])
    assert {day: looks.rows for day, looks in checks.looks("toy", "happened", days).items()} == {HELD.day: 2}
    checks.add([looking(2, 1, Verdict.REFUSED)])
    assert checks.looks("toy", "happened", days)[HELD.day].rows == 1
    assert checks.looks("toy", "happened", days[1:]) == checks.looks("toy", "another", days) == {}
    assert checks.looks("another", "happened", days) == {}


def test_numbers_without_a_finite_value_are_kept(checks):
    odd = HELD.model_copy(update={"looks": HELD.looks.model_copy(update={"sizes": {"delay": math.inf}})})
    checks.add([odd])
    assert plain(checks.undecided("toy")) == (odd,)


def test_a_doubted_delivery_is_read_and_stays_so_when_a_person_accepts_it(checks):
    doubted = HELD.model_copy(update={"verdict": Verdict.DOUBTED})
    checks.add([doubted])
    assert plain(checks.undecided("toy")) == (doubted,)
    assert checks.held("happened") == {}
    checks.add([decided(Verdict.ACCEPTED, counts_from=AT)])
    assert checks.held("happened") == {(HELD.day, AT): AT}
    assert checks.undecided("toy") == ()


def test_what_one_model_holds_nobody_reads(checks):
    checks.add([decided(Verdict.PASSED, model="another", reason=None), decided(Verdict.REFUSED)])
    assert checks.held("happened") == {(HELD.day, AT): None}
