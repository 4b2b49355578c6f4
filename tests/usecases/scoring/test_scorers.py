"""The versions of a night, from a registry in memory."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from types import SimpleNamespace

import pytest

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.model import GateFailed, NoChampion, NoHonestChampion
from nightjar.core.errors.settings import NoVersion
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.lifecycle.promotion import require_gates, unpromoted
from nightjar.core.night.clock import as_of, night_of
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import toy_candidate
from nightjar.usecases.scoring.scorable import RequireScorable
from nightjar.usecases.scoring.scorers import by_date, by_name, by_now, by_then, named_or

SPEC = toy_spec()
NIGHT = night_of(SPEC, date(2013, 6, 15))
LATER = night_of(SPEC, date(2013, 7, 15))
FAILED = GateResult(name="min_auc", passed=False, value=0.5, threshold=0.6, reason="AUC is 0.5")


@pytest.fixture
def registry():
    return MemoryRegistry()


def trained(registry, number, known, **changes):
    """A version that was trained on what was known on a date's evening."""
    digit = str(number)
    days = known - timedelta(days=9), known
    dataset = registry.add_dataset("toy", digit * 64, "file:///dataset", 1, *days, as_of(SPEC, known))
    return registry.add_version(toy_candidate(dataset_id=dataset.id, artifact_sha256=digit * 64, **changes))


def crowned(registry, number, known, role="champion"):
    version = trained(registry, number, known)
    registry.promote(version, role, "why not")
    return version


def test_without_a_champion_no_night_is_scored(registry):
    for choose in (by_now, by_then):
        with pytest.raises(NoChampion):
            choose(registry, NIGHT)


@pytest.mark.parametrize("verdict", [Verdict.ASKS, Verdict.FAILED, Verdict.PASSED])
def test_without_a_champion_the_newest_version_is_named_and_why_it_waits(registry, verdict):
    gate = GateResult(name="min_auc", value=0.9, threshold=0.6, reason="AUC is 0.9", verdict=verdict)
    trained(registry, 1, NIGHT.score_date, gates=(FAILED,))
    newest = trained(registry, 2, LATER.score_date, gates=(gate,))
    scorable = RequireScorable(SPEC, lambda dates, _: (), registry, SimpleNamespace())
    refusing = (
        partial(by_now, registry, LATER),
        partial(by_then, registry, LATER),
        partial(scorable, [LATER.score_date], by_then),
    )
    for refused in refusing:
        with pytest.raises(NoChampion) as raised:
            refused()
        assert raised.value.newest == unpromoted(newest)
        assert "Train one" not in str(raised.value)
        since = f"{newest.created_at:%Y-%m-%d %H:%M} UTC"
        assert f"The newest version is version 2. It waits for a person since {since}: " in str(raised.value)
        assert ("min_auc" in raised.value.newest.why) == (verdict is not Verdict.PASSED)


def test_a_recorded_night_gets_the_version_that_knew_no_more_than_it(registry):
    first, second = crowned(registry, 1, NIGHT.score_date), crowned(registry, 2, LATER.score_date)
    assert by_then(registry, NIGHT).champion == first
    assert by_then(registry, LATER).champion == second
    assert by_now(registry, NIGHT).champion == second


def test_what_was_never_champion_scores_nothing_by_itself(registry):
    trained(registry, 1, NIGHT.score_date)
    crowned(registry, 2, LATER.score_date)
    with pytest.raises(NoHonestChampion) as raised:
        by_then(registry, NIGHT)
    assert "version 2 (2013-07-15 01:00)" in str(raised.value)
    assert "version 1" not in str(raised.value)
    assert raised.value.as_of == NIGHT.as_of


def test_the_challenger_of_a_past_night_has_not_seen_it_either(registry):
    crowned(registry, 1, NIGHT.score_date)
    challenger = crowned(registry, 2, LATER.score_date, "challenger")
    assert by_then(registry, NIGHT).challenger is None
    assert by_then(registry, LATER).challenger == challenger
    assert by_now(registry, NIGHT).challenger == challenger


def test_a_version_that_is_champion_is_not_its_own_challenger(registry):
    version = crowned(registry, 1, NIGHT.score_date, "challenger")
    registry.promote(version, "champion", "better")
    assert by_then(registry, NIGHT).challenger is None


def test_the_latest_night_that_is_due_has_the_champion_of_now(registry):
    first, second = crowned(registry, 1, NIGHT.score_date), crowned(registry, 2, LATER.score_date)
    choose = by_date(SPEC, datetime(2013, 6, 16, 12, tzinfo=UTC))  # the night of the 17th is due today
    assert choose(registry, NIGHT).champion == first
    assert choose(registry, night_of(SPEC, date(2013, 6, 16))).champion == first
    assert choose(registry, night_of(SPEC, date(2013, 6, 17))).champion == second


def test_a_person_may_name_any_version_that_passed_its_gates(registry):
    crowned(registry, 1, NIGHT.score_date)
    named = trained(registry, 2, LATER.score_date)
    by = named_or(2, None, require_gates, by_then)(registry, NIGHT)
    assert (by.champion, by.challenger, by.named, by.reason) == (named, None, True, None)
    assert named_or(None, None, require_gates, by_then)(registry, NIGHT).champion.number == 1
    with pytest.raises(NoVersion, match=r"no version 3\. Registered: 2, 1\."):
        by_name(registry, NIGHT, number=3, reason="there must be one", require_gates=require_gates)


def test_a_version_that_failed_its_gates_needs_a_reason(registry):
    failed = trained(registry, 1, NIGHT.score_date, gates=(FAILED,))
    with pytest.raises(GateFailed):
        by_name(registry, NIGHT, number=1, reason=None, require_gates=require_gates)
    by = by_name(registry, NIGHT, number=1, reason="to compare", require_gates=require_gates)
    assert (by.champion, by.reason) == (failed, "to compare")
