"""What runs hold, on Postgres and in memory: nothing of a published run goes, all of a forgotten one does."""

import itertools
from datetime import date

import psycopg
import pytest
from sqlalchemy import event, text

from db.session import make_engine
from db.stores.holdings import HELD_BY, PostgresHoldings, require_owner
from db.tables import Table
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.errors.database import OwnerNeeded
from nightjar.core.errors.night import NightBusy
from nightjar.core.inputs.findings import Finding
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import RunState
from nightjar.core.upkeep.retention import Month, Named, Trace
from nightjar.testing.holdings import MemoryHoldings
from nightjar.testing.memory import MemoryNights

PROFILE = ColumnProfile(column="distance", rows=5, nulls=0, distinct=3, entities=5)
FINDING = Finding(name="frozen", column="distance", number=0.0, sentence="distance looks frozen")
DRIFT = ColumnDrift(
    column="distance",
    method="psi",
    value=0.1,
    threshold=0.2,
    drifted=False,
    null_share=0,
    reference_null_share=0,
)


@pytest.fixture
def owner(database):
    engine = make_engine(database.url("owner"))
    yield engine
    engine.dispose()


@pytest.fixture
def holdings(request, stores):
    if isinstance(stores.store, MemoryNights):
        return MemoryHoldings(
            stores.store,
            stores.registry,
            stores.ledger,
            stores.profiles,
            stores.reasons,
            stores.readings,
            stores.expectations,
        )
    return PostgresHoldings(request.getfixturevalue("owner"), batch_rows=2)


@pytest.fixture
def failed(stores, make):
    """A run that stored a part of five rows and failed; drift and a report of it."""
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(6, 2, "file:///failed"))
        with stores.meter(run, 0) as stages:
            aside = make.quarantined("d", None)
            stores.store.write_part(run, make.part(0, 5), make.scores("a", "b", "c"), aside, stages)
        stores.profiles.record(run, NightProfile(score_date=make.day, columns=(PROFILE,)))
        stores.readings.record(run, make.read(), make.sample())
        stores.readings.record_findings(run, [FINDING])
        stores.store.fail(run, "it broke")
    stores.ledger.record_drift(run, [DRIFT])
    stores.expectations.record([make.expectation(run)])
    stores.ledger.record_report(run, "drift", "file:///report-of-failed")
    stores.reasons.record(run, make.reasons("a"))
    return stores.store.run(run.id)


def of(holdings, run) -> Trace:
    return next(trace for trace in holdings.runs() if trace.id == run.id)


def counts(held) -> dict[str, int]:
    found = {}
    for holding in held:
        found[holding.kind] = found.get(holding.kind, 0) + holding.count
    return found


ALL = {
    "score": 3,
    "quarantined_row": 2,
    "input_profile": 1,
    "reading": 2,
    "audited_rows": 1,
    "finding": 1,
    "stage": 1,
    "receipt": 1,
    "drift": 1,
    "expectation": 1,
    "reason": 1,
    "explanation": 1,
    "report": 1,
}


def test_a_run_is_known_by_its_night_its_state_and_whether_it_was_ever_shown(stores, holdings, failed, make):
    shown, _ = stores.publish(make.day.replace(day=16))
    traces = {
        trace.id: (trace.score_date.day, trace.state, trace.published, trace.base_id)
        for trace in holdings.runs()
    }
    assert traces == {
        failed.id: (15, RunState.FAILED, False, None),
        shown.id: (16, RunState.PUBLISHED, True, None),
    }


def test_what_a_run_holds_is_counted_without_being_touched(holdings, failed):
    assert counts(holdings.held([of(holdings, failed)])) == ALL
    assert counts(holdings.held([of(holdings, failed)])) == ALL


def test_a_forgotten_run_leaves_its_row_and_nothing_else(stores, holdings, failed):
    assert counts(holdings.forget(of(holdings, failed))) == ALL
    assert stores.store.run(failed.id).state is RunState.PRUNED
    assert holdings.runs() == ()
    assert stores.store.published_scores(failed).is_empty()
    assert (stores.store.receipts(failed), stores.ledger.reports(failed, "drift")) == ((), ())


def test_files_are_named_by_runs_that_still_count(stores, holdings, failed):
    run_files = {Named("file:///failed", failed.id), Named("file:///report-of-failed", failed.id)}
    lasting = {Named(uri) for uri in ("file:///d", "file:///m", "file:///r")}
    assert set(holdings.named()) == run_files | lasting
    holdings.forget(of(holdings, failed))
    assert set(holdings.named()) == lasting


def test_a_run_that_was_taken_up_again_since_is_left_as_it_is(stores, holdings, failed):
    seen = of(holdings, failed)
    with stores.claim() as claimed:
        stores.store.fail(claimed.run, "once more")
    assert holdings.forget(seen) is None
    assert counts(holdings.held([of(holdings, failed)])) == ALL


def test_a_night_that_somebody_works_at_is_busy(stores, holdings, failed):
    seen = of(holdings, failed)
    with stores.claim(), pytest.raises(NightBusy):
        holdings.forget(seen)


def test_a_night_whose_run_was_forgotten_begins_anew(stores, holdings, failed, make):
    holdings.forget(of(holdings, failed))
    run, publication = stores.publish()
    assert (run.revision, publication.run_id) == (2, run.id)
    assert stores.store.published_scores(run)["entity_key"].to_list() == ["a", "b"]


def test_a_published_night_beside_a_forgotten_run_stays_whole(stores, holdings, failed, make):
    run, _ = stores.publish(force=True, keys=("a", "b", "c"))
    before = stores.store.published_scores(run)
    holdings.forget(of(holdings, failed))
    assert stores.store.published_scores(run).equals(before)
    assert [receipt.scored for receipt in stores.store.receipts(run)] == [3]


def test_every_table_with_rows_of_runs_is_pruned_or_kept_on_purpose():
    """Performance is measured of published runs alone; publications are what retention stops at."""
    tables = {table.name for table in Table.metadata.sorted_tables if "run_id" in table.columns}
    assert tables == {*HELD_BY, "publication", "measurement"}


# --- Postgres alone
# ---------------------------------------------------------------------------------------------------


@pytest.fixture
def on_disk(owner):
    return PostgresHoldings(owner, batch_rows=2)


@pytest.fixture
def stored(on_postgres, make):
    """A failed run with three scores in a month of its own."""
    with on_postgres.claim(date(2013, 8, 3)) as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(4))
        on_postgres.store.write_part(run, make.part(0, 3), make.scores("a", "b", "c"), make.quarantined())
        on_postgres.store.fail(run, "it broke")
    return run


def test_a_kill_between_two_batches_leaves_the_rest_for_the_next_time(on_postgres, on_disk, stored):
    commits = itertools.count(1)

    def killed(_connection):
        if next(commits) == 3:  # the mark and one batch are committed
            raise KeyboardInterrupt

    event.listen(on_disk.engine, "commit", killed)
    with pytest.raises(KeyboardInterrupt):
        on_disk.forget(of(on_disk, stored))
    event.remove(on_disk.engine, "commit", killed)
    left = of(on_disk, stored)
    assert (left.state, counts(on_disk.held([left]))) == (
        RunState.PRUNED,
        ALL | dict.fromkeys(ALL, 0) | {"score": 1, "receipt": 1},
    )
    on_disk.forget(left)
    assert on_disk.runs() == ()


AUGUST = "score_2013_08"


def months(holdings) -> dict[str, frozenset[int]]:
    return {month.name: month.runs for month in holdings.months()}


def test_a_month_goes_once_no_run_has_scores_in_it_and_comes_back_when_needed(on_postgres, on_disk, stored):
    month = Month(AUGUST, date(2013, 8, 1), frozenset())
    assert months(on_disk) == {AUGUST: {stored.id}}
    assert not on_disk.drop(month), "it holds scores, whatever the caller believes"
    on_disk.forget(of(on_disk, stored))
    assert months(on_disk) == {AUGUST: frozenset()}
    assert on_disk.drop(month)
    assert months(on_disk) == {}
    run, _ = on_postgres.publish(stored.score_date)
    assert months(on_disk) == {AUGUST: {run.id}}


def test_a_month_stays_while_a_night_of_it_is_under_way(on_postgres, on_disk, stored):
    on_disk.forget(of(on_disk, stored))
    with on_postgres.claim(date(2013, 8, 31)):
        assert not on_disk.drop(Month(AUGUST, date(2013, 8, 1), frozenset()))
    assert on_disk.drop(Month(AUGUST, date(2013, 8, 1), frozenset()))


def test_a_month_stays_while_an_analyst_reads(on_disk, stored, database, monkeypatch):
    monkeypatch.setattr("db.stores.holdings.LOCK_TIMEOUT", text("SET LOCAL lock_timeout = '100ms'"))
    on_disk.forget(of(on_disk, stored))
    with psycopg.connect(database.url("analyst")) as analyst:
        analyst.execute("SELECT count(*) FROM analytics.scores")
        assert not on_disk.drop(Month(AUGUST, date(2013, 8, 1), frozenset()))
    assert months(on_disk) == {AUGUST: frozenset()}


def test_only_the_owner_prunes(database, owner):
    require_owner(owner)
    writer = make_engine(database.url("writer"))
    with pytest.raises(OwnerNeeded, match="nightjar_writer is not"):
        require_owner(writer)
    writer.dispose()
