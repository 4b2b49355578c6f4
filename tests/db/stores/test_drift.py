"""What `ports.DriftLedger` promises, on Postgres and in memory."""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from nightjar.core.monitoring.entities import ColumnDrift


def drift(column: str, value: float | None, method: str = "psi") -> ColumnDrift:
    note = "all values are missing" if value is None else None
    shares = {"null_share": 0.0, "reference_null_share": 0.1}
    return ColumnDrift(
        column=column, method=method, value=value, threshold=0.2, drifted=value is None, note=note, **shares
    )


def test_reports_are_listed_once_in_the_order_they_came(stores):
    run, _ = stores.publish()
    for uri in ("file:///b", "file:///a", "file:///b"):
        stores.ledger.record_report(run, "drift", uri)
    stores.ledger.record_report(run, "card", "file:///c")
    assert stores.ledger.reports(run, "drift") == ("file:///b", "file:///a")
    assert stores.ledger.reports(run, "card") == ("file:///c",)


def test_recording_again_replaces_the_rows_of_a_method_and_no_others(on_postgres, database):
    run, _ = on_postgres.publish()
    on_postgres.ledger.record_drift(run, [drift("distance", 0.1), drift("carrier", None)])
    on_postgres.ledger.record_drift(run, [drift("distance", 0.5, "evidently:wasserstein")])
    on_postgres.ledger.record_drift(run, [drift("distance", 0.3)])
    on_postgres.ledger.record_drift(run, [])
    with psycopg.connect(database.url("analyst")) as analyst:
        found = analyst.execute("SELECT column_name, method, value FROM drift ORDER BY method").fetchall()
    assert found == [("distance", "evidently:wasserstein", 0.5), ("distance", "psi", 0.3)]


def test_two_that_report_the_same_run_at_once_leave_the_rows_of_one(on_postgres, database):
    run, _ = on_postgres.publish()
    columns = [drift(f"column {number}", 0.1) for number in range(50)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: on_postgres.ledger.record_drift(run, columns), range(20)))
    with psycopg.connect(database.url("analyst")) as analyst:
        assert analyst.execute("SELECT count(*), count(DISTINCT column_name) FROM drift").fetchone() == (
            50,
            50,
        )


def test_the_rows_that_decide_are_given_back_and_say_which_runs_were_compared(stores):
    run, _ = stores.publish()
    assert (stores.ledger.drift(run), stores.ledger.compared([run.id])) == ((), frozenset())
    stores.ledger.record_drift(run, [drift("distance", 0.5, "evidently:wasserstein")])
    assert (stores.ledger.drift(run), stores.ledger.compared([run.id])) == ((), frozenset())
    stores.ledger.record_drift(run, [drift("distance", 0.1), drift("carrier", None)])
    assert stores.ledger.drift(run) == (drift("carrier", None), drift("distance", 0.1))
    assert (stores.ledger.compared([run.id]), stores.ledger.compared([run.id + 1])) == (
        frozenset({run.id}),
        frozenset(),
    )
