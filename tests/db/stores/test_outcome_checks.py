"""What `ports.OutcomeChecks` promises, on Postgres and in memory."""

from datetime import UTC, date, datetime, timedelta

import pytest

from db.stores.outcome_checks import PostgresOutcomeChecks
from nightjar.core.monitoring.outcome_guard import HoldFinding, OutcomeCheck, OutcomeDay, Verdict
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


def test_the_newest_verdict_on_a_delivery_counts(checks):
    passed = HELD.model_copy(update={"verdict": Verdict.PASSED, "findings": (), "day": date(2013, 6, 14)})
    checks.add([passed, HELD])
    assert plain(checks.newest("toy")) == (passed, HELD)
    assert checks.held("happened") == {(HELD.day, AT): None}
    later = AT + timedelta(days=2)
    accepted = decided(Verdict.ACCEPTED, counts_from=later)
    checks.add([accepted])
    assert plain(checks.newest("toy")) == (passed, accepted)
    assert checks.held("happened") == {(HELD.day, AT): later}
    assert (checks.newest("other"), checks.held("other")) == ((), {})


def test_a_doubted_delivery_is_read_and_stays_so_when_a_person_accepts_it(checks):
    doubted = HELD.model_copy(update={"verdict": Verdict.DOUBTED})
    checks.add([doubted])
    assert plain(checks.newest("toy")) == (doubted,)
    assert checks.held("happened") == {}
    checks.add([decided(Verdict.ACCEPTED, counts_from=AT)])
    assert checks.held("happened") == {(HELD.day, AT): AT}


def test_what_one_model_holds_nobody_reads(checks):
    checks.add([decided(Verdict.PASSED, model="another", reason=None), decided(Verdict.REFUSED)])
    assert checks.held("happened") == {(HELD.day, AT): None}
