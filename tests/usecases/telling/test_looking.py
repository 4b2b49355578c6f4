"""A held night is told, also if the model was not in service when its schedule would have started it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import AuditFailed
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.refusals import Refusal
from nightjar.core.kinds.metrics import MetricRow, Of
from nightjar.core.model.spec import Replay
from nightjar.core.monitoring.outcome_findings import HoldFinding
from nightjar.core.monitoring.outcome_guard import OutcomeCheck, Verdict
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.night.clock import carried_over, night_of
from nightjar.core.night.entities import Publication
from nightjar.core.telling.facts import Decision, ModelFacts
from nightjar.core.telling.rules import (
    degraded,
    doubted,
    held_back,
    late,
    outcomes_doubted,
    outcomes_held,
    quarantine_unread,
)
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.telling.looking import LookAtModel, _decision
from nightjar.wiring.platform import lacking

DAY = date(2013, 6, 15)
NOW = datetime.now(UTC)
"""The model got its champion now, years after the night that is scored."""
SPEC = toy_spec()
ROUGH = HoldFinding(name="volume", where="rows", value=1, low=8, high=9, told="rows: 1")
CHECKS = tuple(
    OutcomeCheck(
        model="toy",
        dataset="happened",
        day=DAY + timedelta(days=n),
        recorded_at=NOW,
        verdict=verdict,
        looks=OutcomeDay(rows=1, sizes={}, values={}),
        findings=(ROUGH,),
    )
    for n, verdict in enumerate((Verdict.HELD, Verdict.DOUBTED))
)
ROWS = pl.DataFrame({"entity_key": [f"k{number}" for number in range(100)]})


SETTLED = (
    Refusal(
        dataset="happened",
        day=DAY - timedelta(days=1),
        content="1f",
        file="x",
        column=None,
        problem="is empty",
        remedy="Send it.",
        recorded_at=NOW,
        refused_at=NOW,
    ),
)


class Raw(Steady):
    def recorded(self, dataset, days=None):
        return {}

    def refused(self, dataset):
        return ()

    def settled(self, dataset):
        return SETTLED if dataset == "happened" else ()

    def lost(self, dataset):
        return ()

    def read(self, dataset, first, last, known_at=None):
        return ROWS


class Features:
    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, rows):
        return rows.with_columns(x=1.0)


@pytest.fixture
def use_case(tmp_path):
    registry = MemoryRegistry()
    champion_of(registry)
    return in_memory(
        spec=SPEC,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=Formulas(lambda _: pl.lit(0.5)),
        registry=registry,
        check=check,
    )


@pytest.fixture
def look(use_case):
    return LookAtModel(
        spec=SPEC,
        store=use_case.store,
        registry=use_case.inputs.registry,
        outcomes=SimpleNamespace(measured=lambda model, since, whole: ()),
        drift=SimpleNamespace(compared=lambda runs: frozenset()),
        raw=use_case.inputs.raw,
        guard=SimpleNamespace(undecided_and_too_old=lambda: (CHECKS, CHECKS[1:])),
        readings=use_case.guard.readings,
        has_data=lambda: True,
    )


def test_a_data_folder_that_is_not_there_ends_no_incident_about_its_files(look, tmp_path):
    """The disk is not mounted: an empty folder is in its place."""
    file = tmp_path / "data" / "raw" / "file"
    file.parent.mkdir(parents=True)
    found = {}
    for folder in (tmp_path / "data", file.parent, tmp_path / "none"):
        facts = replace(look, has_data=lambda folder=folder: not lacking(folder))(NOW)
        found[folder.name] = (facts.refused, facts.lost)
    assert found == {"data": ((), ()), "raw": (None, None), "none": (None, None)}


def test_what_became_of_refused_deliveries_is_asked_while_one_is_told(look):
    assert look(NOW).settled is None
    assert look(NOW, (), (), {"happened 2013-06-15"}).settled == {"happened 2013-06-14"}


def test_a_held_night_from_before_the_model_was_in_service_is_told(use_case, look):
    with pytest.raises(AuditFailed):
        use_case.run(night_of(SPEC, DAY))
    (sign,) = held_back.look(look(NOW))
    assert sign.night == DAY
    assert "scores" in sign.because
    assert not [*late.look(look(NOW))]


def test_it_is_told_no_more_once_it_is_published(use_case, look):
    with pytest.raises(AuditFailed):
        use_case.run(night_of(SPEC, DAY))
    use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so")
    assert not [*held_back.look(look(NOW, {DAY}))]


def test_a_published_night_is_told_by_the_names_of_its_doubts(use_case, look):
    with pytest.raises(AuditFailed):
        use_case.run(night_of(SPEC, DAY))
    doubt = Finding(name="shadow", sentence="3 of 9 differ", runbook="challenger-failed", holds=False)
    with use_case.store.night(
        night_of(SPEC, DAY), use_case.inputs.registry.holder("toy", "champion"), None
    ) as claimed:
        use_case.guard.readings.record_findings(claimed.run, [doubt])
        use_case.store.publish(claimed.run)
    (sign,) = doubted.look(look(NOW))
    assert (sign.subject, sign.night, sign.because, sign.runbook) == (
        str(DAY),
        DAY,
        "shadow",
        "challenger-failed",
    )
    assert sign.sentence == f"The night of {DAY} is published and doubted.\n- 3 of 9 differ (shadow)."


def test_a_night_that_a_person_accepted_is_known_with_the_reason(use_case, look):
    with pytest.raises(AuditFailed):
        use_case.run(night_of(SPEC, DAY))
    assert look(NOW).decided_nights == {}
    use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so")
    assert look(NOW).decided_nights[DAY].told == "Accepted: the scores are meant to be so."


def test_what_a_person_did_to_a_published_night_is_named():
    shown = Publication(
        id=1, model="toy", score_date=DAY, run_id=1, action="publish", published_at=NOW, reason="why"
    )
    assert _decision(shown) == Decision("Published", "why", NOW)
    assert _decision(shown.model_copy(update={"findings": ("odd",)})) == Decision("Accepted", "why", NOW)
    assert _decision(shown.model_copy(update={"action": "rollback"})) == Decision("Rolled back", "why", NOW)
    assert _decision(shown.model_copy(update={"reason": None})) is None


def test_the_newest_decision_about_a_day_of_outcomes_with_an_open_incident_is_known(look):
    decided = [
        CHECKS[0].model_copy(
            update={"verdict": verdict, "reason": verdict, "decided_at": NOW + timedelta(hours=hours)}
        )
        for hours, verdict in ((2, Verdict.REFUSED), (1, Verdict.ACCEPTED))
    ]
    guard = SimpleNamespace(undecided_and_too_old=look.guard.undecided_and_too_old, decided=lambda _: decided)
    looking = replace(look, guard=guard)
    assert looking(NOW).decided_outcomes == {}
    assert looking(NOW, (), {DAY}).decided_outcomes[DAY].told == "Refused: refused."


def test_the_newest_champion_is_known_with_its_reason(look):
    assert "Version 1 is champion: " in look(NOW).promoted.told


def test_held_and_doubted_days_of_outcomes_are_told_apart(look):
    (held,), (doubt,) = (rule.look(look(NOW)) for rule in (outcomes_held, outcomes_doubted))
    assert (held.subject, doubt.subject) == (str(DAY), str(DAY + timedelta(days=1)))
    assert "88% of the rows are missing (volume): 1 where 8 to 9 are usual." in doubt.sentence
    assert look(NOW).doubts_too_old == {DAY + timedelta(days=1)}


def test_a_night_is_promised_since_the_model_is_in_service(look):
    later = NOW + timedelta(days=3)
    assert {sign.subject for sign in late.look(look(later))} != set()


def test_a_night_that_was_published_often_counts_once_in_the_loss(use_case, look):
    """Otherwise a bad night outweighs the others by its revisions, and too few nights seem to be enough."""
    for force in [False] + 3 * [True]:
        use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so", force=force)
    runs = [run.id for run in use_case.store.runs("toy", 9)]
    (shown,) = use_case.store.published("toy")
    assert len(runs) == 4
    found = [SimpleNamespace(score_date=DAY, run_id=run, with_outcome=9, metrics={}) for run in runs]
    several = replace(look, outcomes=SimpleNamespace(measured=lambda model, since, whole: found))
    assert [each.run_id for each in several._measured([shown])] == [shown.run_id]


def measured(version, night, brier):
    day = DAY + timedelta(days=night)
    return SimpleNamespace(version_id=version, score_date=day, with_outcome=9, metrics={"brier": brier})


def test_each_night_is_held_to_the_test_of_the_version_that_scored_it(look):
    """A version that was promoted today does not answer for the nights before, nor they for it."""
    ((old, _), (new, _)) = (
        (
            registered(
                look.registry,
                artifact_sha256=str(number) * 64,
                metrics=(MetricRow(metric="brier", of=Of.VERSION, value=high - 0.02, high=high),),
            ),
            high,
        )
        for number, high in ((2, 0.52), (3, 0.47))
    )
    look.registry.promote(new, "champion", "it is better")
    before = [measured(old.id, night, 0.5) for night in range(20)]
    assert not [*degraded.look(ModelFacts(model="toy", now=NOW, zone="UTC", loss=look._loss(before)))]
    fine = look._loss([*before, *(measured(new.id, 20 + night, 0.45) for night in range(28))])
    assert (fine.nights, fine.value, fine.expected) == (28, pytest.approx(0.45), pytest.approx(0.47))
    worse = look._loss([*before, *(measured(new.id, 20 + night, 0.5) for night in range(28))])
    assert [*degraded.look(ModelFacts(model="toy", now=NOW, zone="UTC", loss=worse))]
    assert look._loss(before[:13]) is None
    untested = champion_of(look.registry, artifact_sha256="4" * 64)
    assert look._loss([measured(untested.id, night, 0.9) for night in range(28)]) is None


def test_nights_whose_outcomes_a_version_has_seen_do_not_hide_that_it_is_worse(look):
    """As those of a backfill by a version that a person named."""
    rows = (MetricRow(metric="brier", of=Of.VERSION, value=0.45, high=0.47),)
    known = {"artifact_sha256": "5" * 64, "metrics": rows, "trained_through": DAY + timedelta(days=13)}
    seen = registered(look.registry, **known)
    nights = [measured(seen.id, night, 0.1 if night < 14 else 0.5) for night in range(28)]
    assert look._loss(nights[:-1]) is None, "13 nights that it has not seen are too few"
    found = look._loss(nights)
    assert (found.nights, found.value) == (14, pytest.approx(0.5))


class Lacking:
    """A store of nights that are published, each with three rows set aside."""

    def __init__(self, store, days):
        (shown,) = store.published("toy")
        self._store = store
        self._shown = tuple(shown.model_copy(update={"score_date": day}) for day in days)

    def published(self, model):
        return self._shown

    def counts(self, runs):
        return dict.fromkeys(runs, (100, 3))

    def __getattr__(self, name):
        return getattr(self._store, name)


def told(facts):
    return [sign.sentence for sign in quarantine_unread.look(facts)]


def test_rows_that_were_set_aside_long_ago_are_told_until_somebody_scores_them_again(use_case, look):
    use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so")
    before, after = (NOW.date() + timedelta(days=days) for days in (-9, 2))
    year_later = replace(look, store=Lacking(use_case.store, [before, after]))(NOW + timedelta(days=365))
    (sentence,) = told(year_later)
    assert f"3 rows of 1 published night since {after}" in sentence
    assert told(look(NOW + timedelta(days=365))) == []


def test_rows_that_were_set_aside_in_a_recorded_year_are_told_of_nights_that_the_schedule_scored(
    use_case, look
):
    """The dates of a replay say nothing of when the model came into service."""
    use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so")
    year = Replay(NOW.date() - timedelta(days=400), NOW.date() - timedelta(days=36))
    spec, later = toy_spec(replay=year), NOW + timedelta(days=20)
    scheduled, backfilled = (carried_over(spec, (NOW + timedelta(days=days)).date()) for days in (10, -30))
    store = Lacking(use_case.store, sorted([scheduled, backfilled]))
    (sentence,) = told(replace(look, spec=spec, store=store)(later))
    assert f"3 rows of 1 published night since {scheduled}" in sentence


def test_a_night_that_is_scored_late_has_an_hour_to_be_measured(use_case, look):
    use_case.run(night_of(SPEC, DAY), accept="the scores are meant to be so")
    (shown,) = use_case.store.published("toy")
    later = datetime(2013, 6, 25, 22, tzinfo=UTC)
    for ago, unknown in ((timedelta(minutes=5), ()), (timedelta(hours=2), (DAY,))):
        published = {DAY: shown.model_copy(update={"published_at": later - ago})}
        assert look._without_outcomes(later, published, ())[0] == unknown
