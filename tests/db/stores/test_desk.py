"""What the desk reads with the rights of an analyst."""

import json
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from harness.held import until

from db.listening import listening
from db.session import connect
from db.stores.desk import ENTITY, PostgresDesk
from db.stores.incidents import PostgresIncidents
from nightjar.core.desk.entities import EntityNight, Explained
from nightjar.core.entity_keys import FORMS
from nightjar.core.kinds.metrics import MetricRow, Of
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.monitoring.losses import NightLoss
from nightjar.core.telling.incidents import Severity, Trouble, changes

MODEL = "flight_delay"
DAY = date(2013, 6, 15)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def desk(on_postgres, database):
    """Reads a database that has a model without nights."""
    assert on_postgres.champion
    return PostgresDesk(database.url("analyst"))


def test_a_model_without_nights_has_an_empty_page(desk):
    (model,) = desk.models()
    assert (model.model, model.nights, model.newest) == (MODEL, 0, None)
    found = desk.desk(MODEL)
    assert [found.nights, found.measured, found.drift, found.set_aside, found.roles] == [[], [], [], [], []]


def test_a_night_has_the_run_that_analysts_see_or_else_the_newest(desk, on_postgres, make):
    on_postgres.publish()
    second, _ = on_postgres.publish(force=True)
    with on_postgres.claim(force=True) as claimed_again:
        on_postgres.store.fail(claimed_again.run, "AuditFailed: half of it")
    with on_postgres.claim(NEXT) as claimed:
        on_postgres.store.fail(claimed.run, "StoreUnavailable: gone")
    shown, failed = desk.desk(MODEL).nights
    assert (shown.score_date, shown.run_id, shown.revision, shown.action) == (DAY, second.id, 2, "publish")
    assert (shown.scored, shown.quarantined, shown.error) == (2, 0, None)
    held = claimed_again.run.id, "failed", "AuditFailed: half of it"
    assert (shown.newer, shown.newer_state, shown.newer_error) == held
    assert (failed.score_date, failed.state, failed.action) == (NEXT, "failed", None)
    assert (failed.error, failed.newer) == ("StoreUnavailable: gone", None)


def test_a_night_has_the_instant_of_its_first_publication_beside_that_of_what_is_shown(desk, on_postgres):
    _, first = on_postgres.publish()
    _, again = on_postgres.publish(force=True)
    _, other = on_postgres.publish(NEXT)
    one, two = desk.desk(MODEL).nights
    assert (one.first_published_at, one.published_at) == (first.published_at, again.published_at)
    assert (two.first_published_at, two.published_at) == (other.published_at, other.published_at)


def test_a_night_that_is_shown_by_another_version_is_told_apart_from_a_repaired_one(desk, on_postgres, make):
    run, _ = on_postgres.publish()
    on_postgres.publish(repairs=run.id, known_at=run.known_at + timedelta(days=1))
    (night,) = desk.desk(MODEL).nights
    assert (night.repairs_run, night.switched) == (run.id, False)
    before = night.run_id
    on_postgres.publish(repairs=before, version_id=on_postgres.champion.id, switch=True)
    (night,) = desk.desk(MODEL).nights
    assert (night.repairs_run, night.switched) == (before, True), "it serves all rows in place of a share"
    before = night.run_id
    on_postgres.champion = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "b"))
    on_postgres.publish(repairs=before, version_id=on_postgres.champion.id, switch=True)
    (night,) = desk.desk(MODEL).nights
    assert (night.repairs_run, night.switched) == (before, True)


def test_a_newer_run_is_told_until_another_one_is_published(desk, on_postgres):
    on_postgres.publish()
    for error in ("AuditFailed: half of it", "AuditFailed: still half of it"):
        with on_postgres.claim(force=True) as claimed:
            on_postgres.store.fail(claimed.run, error)
    (night,) = desk.desk(MODEL).nights
    assert (night.newer, night.newer_error) == (claimed.run.id, "AuditFailed: still half of it")
    on_postgres.publish(force=True)
    (night,) = desk.desk(MODEL).nights
    assert (night.action, night.newer) == ("publish", None)


def test_rows_set_aside_are_counted_by_reason_when_they_are_stored(desk, on_postgres, make):
    with on_postgres.claim() as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(5, 2))
        first, second = make.part(0, 3, 0), make.part(3, 5, 1)
        on_postgres.store.write_part(run, first, make.scores("a"), make.quarantined("x", "y"))
        on_postgres.store.write_part(run, second, make.scores("b"), make.quarantined(None))
        assert desk.desk(MODEL).set_aside == [], "not before it is published"
        on_postgres.store.publish(run)
    (counted,) = desk.desk(MODEL).set_aside
    assert (counted.score_date, counted.column_name, counted.broken, counted.rows) == (
        DAY,
        "distance",
        "in_range",
        3,
    )


def test_what_was_measured_last_is_shown(desk, on_postgres, make):
    run, _ = on_postgres.publish()
    on_postgres.outcomes.add([make.measured(run, make.as_of, auc=0.5)])
    on_postgres.outcomes.add([make.measured(run, make.as_of + timedelta(days=1), auc=0.6, with_outcome=2)])
    (auc,) = [one for one in desk.desk(MODEL).measured if one.metric == "auc"]
    assert (auc.value, auc.occasions, auc.role, auc.coverage) == (0.6, 1, "champion", 1.0)


def test_what_was_expected_is_shown_with_what_came_true_and_a_night_has_the_record_before_it(
    desk, on_postgres, make
):
    before, _ = on_postgres.publish()
    night, _ = on_postgres.publish(NEXT)
    later, _ = on_postgres.publish(NEXT + timedelta(days=1))
    for run in (before, night, later):
        on_postgres.expectations.record([make.expectation(run)])
    on_postgres.outcomes.add([make.measured(before, make.as_of, brier=0.25)])
    found = [(one.score_date, one.value, one.came_true) for one in desk.desk(MODEL).expected]
    assert found == [(DAY, 0.2, 0.25), (NEXT, 0.2, None), (NEXT + timedelta(days=1), 0.2, None)]
    assert [one.score_date for one in desk.night(MODEL, NEXT).expected] == [DAY, NEXT]


def test_the_page_of_an_old_night_has_all_that_is_known_of_it(desk, on_postgres, make):
    run, _ = on_postgres.publish(DAY - timedelta(days=300))
    on_postgres.publish()
    for uri in ("file:///old", "file:///new"):
        on_postgres.ledger.record_report(run, "drift", uri)
    drift = ColumnDrift(
        column="distance",
        method="psi",
        value=0.3,
        threshold=0.2,
        drifted=True,
        null_share=0,
        reference_null_share=0,
    )
    on_postgres.ledger.record_drift(run, [drift])
    of = desk.night(MODEL, run.score_date)
    assert [(one.column_name, one.drifted) for one in of.drift] == [("distance", True)]
    assert [(one.kind, one.uri) for one in of.reports] == [("drift", "file:///new")]
    assert desk.desk(MODEL).drift == [], "it is too old for the map of the last nights"
    assert [night.score_date for night in desk.nights(MODEL).nights] == [run.score_date, DAY]


def test_the_first_day_that_there_is_has_nothing(desk):
    """A link may name any day."""
    assert desk.night(MODEL, date.min).reports == []


@pytest.mark.parametrize("form", FORMS)
def test_a_date_in_a_key_may_be_written_in_any_form(desk, on_postgres, form):
    for day, score in ((DAY, 0.25), (NEXT, 0.75)):
        on_postgres.publish(day, (f"UA1 {day.strftime(form)}",), score)
    assert [one.score for one in desk.entity(MODEL, f"UA1 {NEXT.strftime(form)}")] == [0.25, 0.75]


def test_a_key_that_holds_another_date_is_the_same_on_every_night(desk, on_postgres):
    """A birthday, or the day of an order that is scored every night until it is delivered."""
    born, ordered, later = "1990-05-01-4711", f"{DAY}-77", f"{NEXT}-77"
    on_postgres.publish(DAY, (born, ordered), 0.25)
    on_postgres.publish(NEXT, (born, ordered, later), 0.75)
    assert [one.score for one in desk.entity(MODEL, born)] == [0.25, 0.75]
    assert [one.score for one in desk.entity(MODEL, ordered)] == [0.25, 0.75]


def test_an_entity_is_found_on_every_night_though_its_key_holds_the_date(desk, on_postgres, make):
    for day, score in ((DAY, 0.25), (NEXT, 0.75)):
        run, _ = on_postgres.publish(day, (f"UA1-{day}", "other"), score)
        on_postgres.reasons.record(run, make.reasons(f"UA1-{day}"))
    expected = [
        EntityNight(score_date=day, score=score, model_version=1, outcome=None, reasons=["a short flight"])
        for day, score in ((DAY, 0.25), (NEXT, 0.75))
    ]
    assert desk.entity(MODEL, f"UA1-{NEXT}") == expected
    assert [one.reasons for one in desk.entity(MODEL, "other")] == [[], []]
    assert desk.entity(MODEL, "nobody") == []
    assert desk.night(MODEL, DAY).explained == [
        Explained(entity_key=f"UA1-{DAY}", score=0.25, reasons=["a short flight"])
    ]


def test_an_entity_is_found_without_reading_the_scores_of_others(desk, on_postgres):
    on_postgres.publish(DAY)
    with connect(desk.url) as connection:
        asked = {"model": MODEL, "nights": [DAY], "keys": ["UA1"]}
        plan = json.dumps(connection.execute(f"EXPLAIN (FORMAT json) {ENTITY}", asked).fetchall())
    assert re.search(r'"(Index Cond|Filter)": "[^"]*entity_key = asked.entity_key', plan)
    assert re.search(r'"Join Filter": "[^"]*entity_key = asked.entity_key', plan) is None


def test_the_stages_of_a_night_are_those_of_the_run_that_analysts_see(desk, on_postgres):
    on_postgres.publish()
    on_postgres.publish(force=True)
    on_postgres.publish(NEXT)
    write, _, of_next, _ = desk.desk(MODEL).stages
    assert (write.score_date, write.name, write.rows, write.retries) == (DAY, "write", 2, 0)
    assert of_next.score_date == NEXT
    assert [one.name for one in desk.night(MODEL, NEXT).stages] == ["write", "publish"]


def test_each_night_is_read_with_what_the_test_of_its_own_version_lets_expect(desk, on_postgres, make):
    """Nights that their version has seen are left out, and metrics without an interval."""
    rows = [
        MetricRow(metric="brier", of=Of.VERSION, value=0.12, low=0.1, high=0.14),
        MetricRow(metric="auc", of=Of.VERSION, value=0.7),
        MetricRow(metric="log_loss", of=Of.BASELINE, value=0.2),
    ]
    scored = make.candidate(on_postgres.registry, "b", metrics=rows, trained_through=DAY - timedelta(days=1))
    on_postgres.champion = on_postgres.registry.add_version(scored)
    measure(on_postgres, make, DAY - timedelta(days=1), brier=0.01)
    measure(on_postgres, make, DAY, brier=0.2, auc=0.5, log_loss=0.3)
    measure(on_postgres, make, NEXT)
    later = [MetricRow(metric="brier", of=Of.VERSION, value=0.5, low=0.4, high=0.6)]
    newer = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "c", metrics=later))
    on_postgres.registry.promote(newer, "champion", "it is newer")
    assert desk.desk(MODEL).losses == [
        NightLoss(score_date=DAY, metric="brier", value=0.2, expected=0.14, rows=1)
    ]


def measure(on_postgres, make, day, **metrics):
    run, _ = on_postgres.publish(day, (f"UA1-{day}", f"UA2-{day}"))
    on_postgres.outcomes.add([make.measured(run, make.as_of, **metrics)])


def test_the_open_incidents_of_all_models_and_of_the_platform_are_read_the_critical_ones_first(desk, engine):
    def seen(kind, model, severity):
        return Trouble(
            model=model,
            kind=kind,
            severity=severity,
            cause=kind,
            sentence="It is wrong.",
            runbook="late-night",
        )

    troubles = (seen("drifted", MODEL, Severity.WARNING), seen("server_gone", "", Severity.CRITICAL))
    PostgresIncidents(engine).note(
        lambda opened: changes(opened, troubles, datetime.now(UTC), unknown=lambda _: False, seen=frozenset())
    )
    assert [(one.kind, one.model) for one in desk.open_now().troubles] == [
        ("server_gone", ""),
        ("drifted", MODEL),
    ]


def test_an_analyst_sees_whether_a_watcher_looks(desk, engine, database):
    with listening(database.url("writer")) as listener:
        assert not desk.open_now().watched
        assert listener.leads()
        assert desk.open_now().watched
        assert desk.desk(MODEL).watched
        assert PostgresIncidents(engine).watched()
    until("the session has ended", lambda: not desk.open_now().watched)
