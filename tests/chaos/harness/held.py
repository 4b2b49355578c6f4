"""A night that is held in its middle: its first part is stored, its second one waits."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import psycopg

HOLD = 4_711
BLOCKED = f"""
    CREATE FUNCTION nightjar.hold() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_advisory_xact_lock({HOLD}); RETURN NEW; END $$;
    CREATE TRIGGER hold BEFORE INSERT ON nightjar.receipt
        FOR EACH ROW WHEN (NEW.part = 1) EXECUTE FUNCTION nightjar.hold();
    GRANT EXECUTE ON FUNCTION nightjar.hold() TO PUBLIC;
"""
WAITING = f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {HOLD} AND NOT granted"
UNBLOCKED = "DROP TRIGGER hold ON nightjar.receipt; DROP FUNCTION nightjar.hold();"


@contextmanager
def second_part_held(world) -> Iterator[None]:
    """Part 1 of every night waits while this lasts, or until Postgres is killed."""
    world.execute(BLOCKED)
    holding = psycopg.connect(world.platform.url("owner"), autocommit=True)
    holding.execute(f"SELECT pg_advisory_lock({HOLD})")
    try:
        yield
    finally:
        holding.close()
        world.execute(UNBLOCKED)


def until(what: str, holds, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.25)


def receipts(world, night: date) -> dict[int, Any]:
    found = world.query(
        "SELECT part, stored_at FROM nightjar.receipt JOIN nightjar.run ON id = run_id WHERE score_date = "
        f"'{night}'",
        "owner",
    )
    return dict(found)
