"""Work that only one process may do at a time. The night's lock is tested with the score store."""

import psycopg
import pytest

from db.locks import exclusive
from nightjar.core.errors import WorkBusy


def test_work_is_done_by_one_at_a_time_and_other_work_beside_it(engine):
    says = r"Features of a: being done by process \d+ on .+ since .+ UTC; waited 0 s"
    first, other, second = (exclusive(engine, f"features of {name}", wait_s=0.1) for name in "aba")
    with first, other, pytest.raises(WorkBusy, match=says), second:
        pass
    with exclusive(engine, "features of a", wait_s=0):
        pass


def test_an_error_in_the_work_lets_go_and_comes_through(engine):
    with pytest.raises(ZeroDivisionError), exclusive(engine, "work", wait_s=0):
        1 / 0  # noqa: B018  # the error is the point
    with exclusive(engine, "work", wait_s=0):
        pass


def test_a_lock_takes_no_place_in_the_pool_and_its_lost_connection_does_not_hide_the_works_result(engine, database):
    held = [exclusive(engine, f"work {n}", wait_s=0) for n in range(12)]
    for lock in held:
        lock.__enter__()
    assert engine.pool.checkedout() == 0
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    for lock in held:
        lock.__exit__(None, None, None)
