"""What `ports.NightStore` promises, on Postgres and in memory; and what Postgres promises when processes
and connections die.
"""

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal
from sqlalchemy import text

from db.session import driver
from db.stores import parts
from db.stores.nights import PostgresNights
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.night import AuditFailed, ClaimLost, NightBusy, RepairOutdated, Stopped
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import RunState
from nightjar.core.night.plan import Stage
from nightjar.core.night.repair import in_exchange
from nightjar.testing.counting import counted
from nightjar.testing.memory import MemoryGoOn

NEXT_DAY = date(2013, 6, 16)

# --- claiming ---


def test_the_first_claim_opens_a_run_with_the_versions_of_that_moment(stores, make):
    with stores.claim(flow_run="one") as claimed:
        assert claimed.publication is None
        run = claimed.run
    assert (run.revision, run.attempt, run.state, run.version_id) == (
        1,
        1,
        RunState.CLAIMED,
        stores.champion.id,
    )
    assert (run.night, run.population) == (make.night(), None)


def test_an_unfinished_run_is_resumed_with_its_own_versions_by_the_next_attempt(stores, make):
    with stores.claim() as claimed:
        first = stores.store.record_population(claimed.run, make.population(2))
    newer = stores.registry.add_version(make.candidate(stores.registry, "c"))
    with stores.store.night(make.night(), newer, newer) as again:
        assert again.run == first.model_copy(update={"attempt": 2})


def test_a_failed_run_is_resumed(stores):
    with stores.claim() as claimed:
        stores.store.fail(claimed.run, "disk full")
    assert stores.store.runs()[0].state is RunState.FAILED
    with stores.claim() as again:
        assert (again.run.id, again.run.attempt, again.run.state) == (claimed.run.id, 2, RunState.CLAIMED)


def test_a_published_night_is_left_alone(stores):
    run, publication = stores.publish()
    with stores.claim() as again:
        assert again.publication == publication
        assert (again.run.id, again.run.attempt, again.run.state) == (run.id, 1, RunState.PUBLISHED)


def test_force_opens_a_new_revision_and_abandons_an_unfinished_one(stores):
    stores.publish()
    with stores.claim(force=True) as second:
        assert (second.run.revision, second.publication) == (2, None)
    with stores.claim(force=True) as third:
        assert third.run.revision == 3
    assert [run.state for run in stores.store.runs()] == [
        RunState.CLAIMED,
        RunState.ABANDONED,
        RunState.PUBLISHED,
    ]
    with pytest.raises(ClaimLost):
        stores.store.publish(second.run)


def test_a_forced_flow_run_that_is_retried_goes_on_with_its_revision(stores):
    stores.publish()
    with stores.claim(force=True, flow_run="forced") as second:
        stores.store.fail(second.run, "worker lost")
    with stores.claim(force=True, flow_run="forced") as again:
        assert (again.run.id, again.run.attempt) == (second.run.id, 2)
    run, publication = stores.publish(force=True, flow_run="forced")
    with stores.claim(force=True, flow_run="forced") as done:
        assert (done.run.id, done.publication) == (run.id, publication)


def test_a_held_night_is_busy_and_others_are_not(stores):
    with (
        stores.claim(),
        stores.claim(NEXT_DAY),
        pytest.raises(NightBusy, match=r"is being scored by .+ since"),
        stores.claim(wait_s=0.3),
    ):
        pass
    with stores.claim():
        pass


def test_waiting_for_a_night_ends_when_it_is_let_go(stores):
    entered, let_go = threading.Event(), threading.Event()

    def hold():
        with stores.claim():
            entered.set()
            let_go.wait(10)

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait(10)
    threading.Timer(0.3, let_go.set).start()
    with stores.claim(wait_s=10) as claimed:
        assert claimed.run.attempt == 2
    holder.join()


def test_of_many_claims_at_once_one_wins(stores):
    stores.champion  # noqa: B018  # registered once, before the race
    barrier, over = threading.Barrier(5), threading.Barrier(5)

    def claim(_):
        barrier.wait(10)
        try:
            with stores.claim() as claimed:
                over.wait(10)
                return claimed.run.id
        except NightBusy:
            over.wait(10)
            return None

    with ThreadPoolExecutor(5) as pool:
        assert len([won for won in pool.map(claim, range(5)) if won]) == 1


def test_every_night_that_was_attempted_says_how_far_it_has_come(stores):
    days = [NEXT_DAY + timedelta(days=n) for n in range(5)]
    stores.publish(days[0])
    with stores.claim(days[0], force=True) as again:
        stores.store.fail(again.run, "AuditFailed: odd")
    with stores.claim(days[1]) as failed:
        stores.store.fail(failed.run, "StoreUnavailable: gone")
    with stores.claim(days[2]):
        pass
    with stores.claim(days[3]) as held:
        found = stores.store.standings(held.run.model, days[0], days[4])
    assert set(found) == set(days[:4])
    assert {
        day: (night.stage, night.published, night.held, night.error, night.run.revision)
        for day, night in found.items()
    } == {
        days[0]: (Stage.PUBLISHED, True, False, "AuditFailed: odd", 2),
        days[1]: (Stage.FAILED, False, False, "StoreUnavailable: gone", 1),
        days[2]: (Stage.UNFINISHED, False, False, None, 1),
        days[3]: (Stage.SCORING, False, True, None, 1),
    }
    assert stores.store.standings(held.run.model, days[4], days[4]) == {}
    assert stores.store.standings("another", days[0], days[4]) == {}


# --- population and parts ---


def test_the_population_is_fixed_once(stores, make):
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(2))
        assert stores.store.record_population(run, make.population(2)) == run
        with pytest.raises(ClaimLost):
            stores.store.record_population(run, make.population(2, uri="file:///other"))


def test_the_rows_of_each_part_come_back_as_they_were_stored(stores, make):
    parts = (make.part(0, 3), make.part(3, 4, number=1))
    scores, aside = make.scores("a", "b", challenger=0.1), make.quarantined(None)
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(4, parts=2))
        stores.store.write_part(run, parts[0], scores, aside)
        stores.store.write_part(run, parts[1], make.scores("c"), make.quarantined())
    kept, left = stores.store.stored_part(run, parts[0])
    assert_frame_equal(kept.sort("entity_key"), scores, check_dtypes=False, check_column_order=False)
    assert (left["entity_key"].to_list(), left["row"].to_list()) == ([None], aside["row"].to_list())
    kept, left = stores.store.stored_part(run, parts[1])
    assert (kept["entity_key"].to_list(), left.height) == (["c"], 0)


def test_a_part_is_stored_with_its_receipt_once(stores, make):
    with stores.claim() as claimed:
        first = stores.store.write_part(
            claimed.run, make.part(0, 3), make.scores("a", "b", challenger=0.1), make.quarantined(None)
        )
        again = stores.store.write_part(
            claimed.run, make.part(0, 3), make.scores("x", "y", "z"), make.quarantined()
        )
    assert first == again
    assert (first.rows, first.scored, first.quarantined) == (3, 2, 1)
    assert stores.store.receipts(claimed.run) == (first,)
    assert_frame_equal(stores.store.published_scores(claimed.run), make.scores("a", "b", challenger=0.1))


def test_scores_are_told_for_the_keys_that_are_asked_for(stores, make):
    with stores.claim() as claimed:
        stores.store.write_part(
            claimed.run,
            make.part(0, 3),
            make.scores("a", "b'; \"{x}", score=1 / 3, challenger=0.1),
            make.quarantined("c"),
        )
    found = stores.store.scores_for(claimed.run, pl.Series(["b'; \"{x}", "c", "none"]))
    assert found.rows() == [("b'; \"{x}", 1 / 3, None, 0.1, None, None)]
    assert stores.store.scores_for(claimed.run, pl.Series([], dtype=pl.String)).is_empty()


def test_receipts_come_in_the_order_of_parts(stores, make):
    with stores.claim() as claimed:
        for number in (2, 0, 1):
            stores.store.write_part(
                claimed.run,
                make.part(number, number + 1, number),
                make.scores(f"k{number}"),
                make.quarantined(),
            )
    assert [receipt.part for receipt in stores.store.receipts(claimed.run)] == [0, 1, 2]


def test_the_rows_of_runs_are_counted_over_their_parts(stores, make):
    with stores.claim() as claimed:
        stores.store.write_part(claimed.run, make.part(0, 3), make.scores("a", "b"), make.quarantined("c"))
        stores.store.write_part(claimed.run, make.part(3, 5, 1), make.scores("d"), make.quarantined("e"))
    assert stores.store.counts([claimed.run.id, 0]) == {claimed.run.id: (5, 2)}
    assert stores.store.counts([]) == {}


def test_rows_that_do_not_add_up_or_are_no_scores_are_refused_and_leave_nothing(stores, make):
    faulty = {
        "do not add up": make.scores("a"),
        "scored twice": make.scores("a", "a"),
        "no entity_key": make.scores("a", None),
        "are null": make.scores("a", "b", score=None),
        "from 0 to 1": make.scores("a", "b", score=1.5),
        "values of score are not": make.scores("a", "b", score=float("nan")),
        "challenger_score": make.scores("a", "b", challenger=-0.1),
        "have the columns": make.scores("a", "b").drop("score"),
        "column 'score' is Float32": make.scores("a", "b").cast({"score": pl.Float32}),
    }
    with stores.claim() as claimed:
        for says, frame in faulty.items():
            with pytest.raises(ContractBroken, match=says):
                stores.store.write_part(claimed.run, make.part(0, 2), frame, make.quarantined())
        assert stores.store.receipts(claimed.run) == ()


def test_an_attempt_that_was_replaced_can_neither_write_nor_publish(stores, make):
    with stores.claim() as old:
        stores.store.record_population(old.run, make.population(1))
    with stores.claim() as new:
        with pytest.raises(ClaimLost):
            stores.store.write_part(old.run, make.part(0, 1), make.scores("a"), make.quarantined())
        with pytest.raises(ClaimLost):
            stores.store.publish(old.run)
        stores.store.fail(old.run, "too late")
        assert stores.store.runs()[0].state is RunState.CLAIMED
        stores.store.write_part(new.run, make.part(0, 1), make.scores("a"), make.quarantined())
        stores.store.publish(new.run)
        with pytest.raises(ClaimLost):
            stores.store.publish(old.run)


# --- publishing ---


def test_publishing_twice_gives_one_publication(stores):
    run, publication = stores.publish()
    assert stores.store.publish(run) == publication
    assert stores.store.publication(run.model, run.score_date) == publication
    assert (publication.action, publication.run_id) == ("publish", run.id)


def test_whoever_is_stopped_before_the_insert_publishes_nothing_and_the_next_attempt_does(stores, make):
    stop = MemoryGoOn()
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(2))
        stores.store.write_part(run, make.part(0, 2), make.scores("a", "b"), make.quarantined())
        with pytest.raises(Stopped):
            stores.store.publish(run, go_on=stop)
        assert (stop.asked, stores.store.runs()[0].state) == ([True], RunState.CLAIMED)
        assert stores.store.publication(run.model, run.score_date) is None
        stores.store.fail(run, "Stopped: it was set to Cancelled")
    with stores.claim() as again:
        assert stores.store.publish(again.run).run_id == run.id


def test_whoever_is_stopped_waits_for_no_night(stores):
    with stores.claim(), pytest.raises(Stopped), stores.claim(wait_s=20, go_on=MemoryGoOn()):
        pass


def test_a_run_without_all_its_parts_cannot_be_published(stores, make):
    with stores.claim() as claimed:
        with pytest.raises(AuditFailed):
            stores.store.publish(claimed.run)
        run = stores.store.record_population(claimed.run, make.population(3, parts=2))
        stores.store.write_part(run, make.part(0, 2), make.scores("a", "b"), make.quarantined())
        with pytest.raises(AuditFailed):
            stores.store.publish(run)
        assert stores.store.publication(make.model, make.day) is None


def test_a_new_revision_takes_the_place_of_the_old_one_and_a_rollback_gives_it_back(stores):
    first, _ = stores.publish()
    second, _ = stores.publish(force=True)
    assert [row.run_id for row in stores.store.published(first.model)] == [second.id]
    back = stores.store.roll_back(first, "the feed was wrong")
    assert (back.action, back.run_id, back.reason) == ("rollback", first.id, "the feed was wrong")
    assert stores.store.roll_back(first, "again") == back
    assert [row.run_id for row in stores.store.published(first.model)] == [first.id]
    with stores.claim() as claimed:
        assert (claimed.run.id, claimed.publication) == (first.id, back)


def test_a_switch_shows_the_same_rows_with_the_versions_in_each_others_place(stores, make):
    other = stores.registry.add_version(make.candidate(stores.registry, "c"))
    with stores.claim(challenger=other) as claimed:
        base = stores.store.record_population(claimed.run, make.population(2))
        scored = make.scores("a", "b", challenger=0.1)
        stores.store.write_part(base, make.part(0, 2), scored, make.quarantined())
        stores.store.publish(base)
    request = Request(repairs=base.id, switch=True, version_id=other.id)
    with stores.store.night(make.night(), other, stores.champion, request) as claimed:
        run = stores.store.record_population(claimed.run, base.population)
        assert (run.version_id, run.challenger_id, run.base_id) == (other.id, stores.champion.id, base.id)
        assert (run.known_at, run.revision) == (base.known_at, 2)
        kept, aside = stores.store.stored_part(base, make.part(0, 2))
        stores.store.write_part(run, make.part(0, 2), in_exchange(kept), aside)
        publication = stores.store.publish(run, "the other was right")
    shown = stores.store.published_scores(run)
    assert (shown["score"].to_list(), shown["challenger_score"].to_list()) == ([0.1, 0.1], [0.5, 0.5])
    assert stores.store.publication(make.model, make.day) == publication


def test_a_repair_does_not_bring_back_what_was_rolled_back_while_it_worked(stores, make):
    first, _ = stores.publish()
    second, _ = stores.publish(force=True)
    with stores.claim(repairs=second.id) as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        back = stores.store.roll_back(first, "the second was wrong")
        with pytest.raises(
            RepairOutdated, match=f"repairs run {second.id}, but meanwhile analysts were shown run {first.id}"
        ):
            stores.store.publish(run)
        stores.store.fail(run, "RepairOutdated: ...")
    assert stores.store.publication(make.model, make.day) == back
    again, publication = stores.publish(repairs=first.id)
    assert again.base_id == first.id
    assert stores.store.publication(make.model, make.day) == publication


def test_the_ledger_keeps_what_a_person_accepted_and_why(stores, make):
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        publication = stores.store.publish(
            run, "a storm", ["rain lies 0.9 from the last 14 nights", "weather is 9 h old"]
        )
    assert (publication.reason, publication.findings) == (
        "a storm",
        ("rain lies 0.9 from the last 14 nights", "weather is 9 h old"),
    )
    assert stores.store.publication(make.model, make.day) == publication


def test_what_was_never_published_cannot_be_rolled_back_to(stores):
    with stores.claim() as claimed, pytest.raises(BadSettings, match="never published"):
        stores.store.roll_back(claimed.run, "why not")


def test_a_run_without_scores_has_an_empty_distribution(stores):
    with stores.claim() as claimed:
        found = stores.store.distribution(claimed.run)
    assert (found.rows, found.quantiles) == (0, ())


def test_spread_and_distinct_values_of_scores_are_those_of_the_whole_night(stores, make):
    with stores.claim() as claimed:
        stores.store.write_part(
            claimed.run, make.part(0, 2), make.scores("a", "b", score=0.2), make.quarantined()
        )
        stores.store.write_part(
            claimed.run, make.part(2, 3, 1), make.scores("c", score=0.5), make.quarantined()
        )
        found = stores.store.distribution(claimed.run)
    assert (found.rows, found.distinct, found.mean, found.stddev) == (
        3,
        2,
        pytest.approx(0.3),
        pytest.approx(0.02**0.5),
    )
    assert (len(found.quantiles), min(found.quantiles), max(found.quantiles)) == (41, 0.2, 0.5)


def test_runs_are_listed_newest_first(stores):
    stores.publish()
    stores.publish(NEXT_DAY)
    assert [run.score_date for run in stores.store.runs()] == [NEXT_DAY, date(2013, 6, 15)]
    assert len(stores.store.runs("flight_delay", limit=1)) == 1
    assert stores.store.runs("other") == ()


def test_a_run_is_found_by_its_id_among_those_of_its_model(stores):
    run, _ = stores.publish()
    assert stores.store.find_run(run.model, run.id) == stores.store.run(run.id)
    assert stores.store.find_run("other", run.id) is None
    assert stores.store.find_run(run.model, run.id + 1) is None


# --- Postgres alone: connections and processes that die ---


def test_a_connection_killed_amid_the_copy_leaves_nothing_and_the_retry_succeeds(
    on_postgres, database, make, monkeypatch
):
    with on_postgres.claim() as claimed:
        copying = parts.copy_frame

        def killed(connection, table, frame, **where):
            copying(connection, table, frame, **where)
            with psycopg.connect(database.url("admin"), autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s)", [driver(connection).info.backend_pid])

        monkeypatch.setattr(parts, "copy_frame", killed)
        with pytest.raises(StoreUnavailable):
            on_postgres.store.write_part(
                claimed.run, make.part(0, 2), make.scores("a", "b"), make.quarantined()
            )
        assert on_postgres.store.receipts(claimed.run) == ()
        assert on_postgres.store.distribution(claimed.run).rows == 0
        monkeypatch.undo()
        assert (
            on_postgres.store.write_part(
                claimed.run, make.part(0, 2), make.scores("a", "b"), make.quarantined()
            ).scored
            == 2
        )
        assert on_postgres.store.distribution(claimed.run).rows == 2


def test_a_part_written_by_several_at_once_is_stored_once(on_postgres, make):
    keys = [f"k{n}" for n in range(5_000)]
    with on_postgres.claim() as claimed:
        with ThreadPoolExecutor(4) as pool:
            writes = [
                pool.submit(
                    on_postgres.store.write_part,
                    claimed.run,
                    make.part(0, 5_000),
                    make.scores(*keys),
                    make.quarantined(),
                )
                for _ in range(4)
            ]
            receipts = {write.result() for write in writes}
        assert len(receipts) == 1
        assert on_postgres.store.distribution(claimed.run).rows == 5_000


TIMEOUTS = text(
    "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('statement_timeout')"
)


def test_a_process_that_freezes_while_it_stores_a_part_loses_it_to_another(on_postgres, make, monkeypatch):
    """Its machine answers the server's probes, so the server takes it for alive."""
    copying, told, frozen, thaw = (
        parts.copy_frame,
        list[tuple[str, str]](),
        threading.Event(),
        threading.Event(),
    )

    def freezes(connection, *args, **where):
        if not told:
            told.append(tuple(connection.execute(TIMEOUTS).one()))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = '200ms'"))
            frozen.set()
            thaw.wait(30)
        return copying(connection, *args, **where)

    monkeypatch.setattr(parts, "copy_frame", freezes)
    with on_postgres.claim() as claimed, ThreadPoolExecutor(1) as pool:
        part = claimed.run, make.part(0, 2), make.scores("a", "b"), make.quarantined()
        first = pool.submit(on_postgres.store.write_part, *part)
        assert frozen.wait(10)
        assert on_postgres.store.write_part(*part).scored == 2
        thaw.set()
        with pytest.raises(StoreUnavailable):
            first.result()
        assert on_postgres.store.distribution(claimed.run).rows == 2
    assert told == [("1min", "15min")]


def test_a_limit_that_the_servers_owner_has_set_stays(on_postgres, database, make, monkeypatch):
    copying, told = parts.copy_frame, list[tuple[str, str]]()

    def noting(connection, *args, **where):
        told.append(tuple(connection.execute(TIMEOUTS).one()))
        return copying(connection, *args, **where)

    monkeypatch.setattr(parts, "copy_frame", noting)
    with on_postgres.claim() as claimed:
        with on_postgres.store.engine.connect() as connection:
            connection.execute(text("SET statement_timeout = '60s'"))
            connection.commit()
        on_postgres.store.write_part(claimed.run, make.part(0, 1), make.scores("a"), make.quarantined())
    assert told == [("1min", "1min")]


HOLDER = """
import sys, time
from datetime import UTC, date, datetime
from db.locks import night_lock
from db.session import make_engine
with night_lock(make_engine(sys.stdin.readline().strip()), "flight_delay", date(2013, 6, 15), wait_s=0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_process_lets_go_of_its_night(on_postgres, database):
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            print(database.url("writer"), file=holder.stdin, flush=True)
            assert holder.stdout.readline() == "held\n"
            with pytest.raises(NightBusy, match=f"process {holder.pid} on"), on_postgres.claim():
                pass
        finally:
            holder.send_signal(signal.SIGKILL)
        with on_postgres.claim(wait_s=10) as claimed:
            assert claimed.run.attempt == 1


def test_a_claim_whose_lock_was_lost_publishes_nothing_once_another_took_it(on_postgres, database, make):
    with on_postgres.claim() as old:
        run = on_postgres.store.record_population(old.run, make.population(1))
        on_postgres.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        with psycopg.connect(database.url("admin"), autocommit=True) as admin:
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            )
        with on_postgres.claim(wait_s=5) as new:
            assert new.run.attempt == 2
            with pytest.raises(ClaimLost):
                on_postgres.store.publish(run)


PUT_BACK = {
    "and its number given to another night": "UPDATE nightjar.run SET score_date = '2013-06-16' "
    "WHERE id = %s",
    "and its number not given yet": "DELETE FROM nightjar.run WHERE id = %s",
}


@pytest.mark.parametrize("then", PUT_BACK)
def test_a_run_that_the_database_forgot_because_it_was_put_back_touches_no_other(
    on_postgres, database, make, then
):
    """A failover or a restore loses the last commits, and nights that outlive it hold numbers of runs that
    are given out again.
    """
    store = on_postgres.store
    with on_postgres.claim() as claimed:
        with psycopg.connect(database.url("admin"), autocommit=True) as admin:
            admin.execute(
                "SET session_replication_role = replica"
            )  # no trigger: it is not a change, it is another past
            admin.execute(PUT_BACK[then], [claimed.run.id])
        for touch in (
            lambda: store.record_population(claimed.run, make.population(1)),
            lambda: store.write_part(claimed.run, make.part(0, 1), make.scores("a"), make.quarantined()),
            lambda: store.publish(claimed.run),
        ):
            with pytest.raises(ClaimLost):
                touch()
        store.fail(claimed.run, "ClaimLost")
    assert [(run.score_date, run.state, run.population) for run in store.runs()] == [
        (date(2013, 6, 16), RunState.CLAIMED, None) for _ in range("another" in then)
    ]


def test_what_json_cannot_carry_into_postgres_does_not_stop_the_night(on_postgres, make):
    rows = make.quarantined("a\0b", row='{"tail": "N\\u0000"}')
    with on_postgres.claim() as claimed:
        assert (
            on_postgres.store.write_part(claimed.run, make.part(0, 1), make.scores(), rows).quarantined == 1
        )


def test_a_database_that_is_not_there_is_told_without_the_password(postgres, make):
    from db.session import make_engine

    url = postgres.url("writer", "nowhere")
    store = PostgresNights(make_engine(url))
    with pytest.raises(BadSettings) as caught:
        store.runs()
    assert url.split(":")[2].split("@")[0] not in str(caught.value)


def test_a_repair_keeps_versions_and_scores_of_what_it_repairs(stores, make):
    base, _ = stores.publish(keys=("a", "b"), score=0.3)
    newer = stores.registry.add_version(make.candidate(stores.registry, "c"))
    later = make.as_of + timedelta(days=2)
    with stores.store.night(make.night(), newer, newer, Request(repairs=base.id, known_at=later)) as claimed:
        run = stores.store.record_population(claimed.run, make.population(3))
        kept = make.scores("a", score=0.3).with_columns(carried_from=pl.lit(base.id, pl.Int32))
        stores.store.write_part(
            run, make.part(0, 3), pl.concat([kept, make.scores("b", "c", score=0.9)]), make.quarantined()
        )
        assert stores.store.distribution(run).carried == 1
        stores.store.publish(run)
    assert (run.revision, run.base_id, run.known_at, run.version_id, run.challenger_id) == (
        2,
        base.id,
        later,
        base.version_id,
        None,
    )
    assert stores.store.published_scores(run)["carried_from"].to_list() == [base.id, None, None]
    assert stores.store.published_scores(stores.store.run(base.id))["score"].to_list() == [0.3, 0.3]


def test_a_repair_of_what_is_not_published_is_refused_and_leaves_nothing(stores, make):
    with pytest.raises(BadSettings, match="nothing to repair"), stores.claim(repairs=1):
        pass
    assert stores.store.runs() == ()


def test_quarantined_rows_come_back_as_they_were_set_aside(stores, make):
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(4, parts=2))
        stores.store.write_part(run, make.part(2, 4, number=1), make.scores("c"), make.quarantined("d"))
        stores.store.write_part(run, make.part(0, 2), make.scores("a"), make.quarantined(None))
    found = stores.store.quarantined(run)
    assert found["entity_key"].to_list() == [None, "d"]
    assert [json.loads(reasons)[0]["check"] for reasons in found["reasons"]] == ["in_range", "in_range"]
    assert [json.loads(row) for row in found["row"]] == [{"carrier": "UA"}] * 2


def test_the_flow_runs_that_claimed_a_run_last_are_known(stores):
    stores.publish(flow_run="first")
    with stores.claim(date(2013, 6, 16), flow_run="died"):
        pass
    with stores.claim(date(2013, 6, 16), flow_run="went on"):
        pass
    assert stores.store.claimants(["first", "died", "went on", "never came so far"]) == {"first", "went on"}
    assert stores.store.claimants([]) == frozenset()


def test_a_night_is_described_without_reading_its_scores(on_postgres, make):
    with on_postgres.claim() as claimed:
        on_postgres.store.write_part(claimed.run, make.part(0, 1), make.scores("a"), make.quarantined())
        with counted() as work:
            found = on_postgres.store.distribution(claimed.run)
            highest = on_postgres.store.highest(claimed.run, 1)
    assert (found.rows, found.classes, highest["entity_key"].to_list()) == (1, {}, ["a"])
    assert not any("nightjar.score" in statement for statement in work.statements)


def test_parts_that_were_stored_without_a_sketch_are_described_from_their_rows(on_postgres, make, database):
    with on_postgres.claim() as claimed:
        for number, key in enumerate("ab"):
            part = make.part(number, number + 1, number)
            rows = make.scores(key, score=0.5 + number / 4)
            on_postgres.store.write_part(claimed.run, part, rows, make.quarantined())
    found = on_postgres.store.distribution(claimed.run), on_postgres.store.highest(claimed.run, 1)
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("ALTER TABLE nightjar.receipt DISABLE TRIGGER USER")
        owner.execute("UPDATE nightjar.receipt SET sketch = NULL WHERE part = 0")
    again = on_postgres.store.distribution(claimed.run), on_postgres.store.highest(claimed.run, 1)
    assert (again[0], again[1].rows()) == (found[0], [("b", 0.75, None)])


def logged(engine):
    """The process that the engine's idle connection has, and how many records of the WAL it wrote."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.begin() as connection:
        told = text("SELECT pg_backend_pid(), wal_records FROM pg_stat_get_backend_wal(pg_backend_pid())")
        return connection.execute(told).one()


def test_a_part_is_stored_page_by_page(on_postgres, make):
    """Postgres stores row by row what it copies into a table with partitions and a trigger that sees rows.

    Then each row is a record of the WAL, and so is its entry in the index.
    """
    keys = [f"k{n:05}" for n in range(2_000)]
    with on_postgres.claim() as claimed:
        process, before = logged(on_postgres.store.engine)
        part = make.part(0, len(keys))
        on_postgres.store.write_part(claimed.run, part, make.scores(*keys), make.quarantined())
        same, after = logged(on_postgres.store.engine)
    assert same == process
    assert len(keys) < after - before < len(keys) * 1.2


def test_the_highest_scores_are_told_and_all_above_a_bound(stores, make):
    rows = make.scores("a", "b", "c", "d", score=0.5).with_columns(score=pl.Series([0.2, 0.9, 0.9, 0.4]))
    with stores.claim() as claimed:
        stores.store.write_part(claimed.run, make.part(0, 4), rows, make.quarantined())

        def told(*wanted):
            return sorted(stores.store.highest(claimed.run, *wanted)["entity_key"])

        assert told(1) == ["b"]
        assert told(1, 0.3) == ["b", "c", "d"]
        assert told(3) == ["b", "c", "d"]
        assert told(0, 0.95) == []
