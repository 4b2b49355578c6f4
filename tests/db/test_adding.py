"""Rows that are added by one statement come back as they were."""

import math
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from db.adding import add
from db.stores.expectations import COLUMNS, EXPECTATIONS
from db.tables import DriftRow, StageRow, table_of

DRIFT, STAGES = table_of(DriftRow), table_of(StageRow)


def drift(run, column, value, note=None):
    shares = {"null_share": 0.1, "reference_null_share": 1 / 3}
    given = {"run_id": run.id, "method": "psi", "column_name": column, "value": value, "note": note}
    return given | shares | {"drifted": True}


def test_every_number_text_and_instant_comes_back_as_it_was(on_postgres, engine):
    run, _ = on_postgres.publish()
    values = [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, math.inf, -math.inf, None]
    notes = ["a 'quoted' \"text\" \\ :name %s", "ü 鳥 \n\t", "", None, "null", "NaN", "{}"]
    rows = [drift(run, f"c{n}", *each) for n, each in enumerate(zip(values, notes, strict=True))]
    at = datetime(2013, 3, 10, 6, 59, 59, 999999, tzinfo=UTC)
    stage = {"run_id": run.id, "attempt": 1, "part": None, "stage": "x", "role": "", "started_at": at}
    stage |= {"seconds": 0.1, "cpu_seconds": 0.0, "peak_memory": 2**62, "retries": 0}
    with engine.begin() as connection:
        add(connection, DRIFT, [*rows, drift(run, "nan", math.nan)])
        add(connection, STAGES, [stage])
    with engine.connect() as connection:
        found = connection.execute(select(DRIFT).order_by(DRIFT.c.column_name)).all()
        measured = connection.execute(select(STAGES).where(STAGES.c.stage == "x")).one()
    assert [each.value for each in found[:-1]] == values
    assert math.copysign(1, found[3].value) == -1
    assert math.isnan(found[-1].value)
    assert [each.note for each in found[:-1]] == notes
    assert len({each.measured_at for each in found}) == 1
    assert (measured.started_at, measured.peak_memory, measured.rows) == (at, 2**62, None)


def test_rows_that_are_there_already_are_an_error_or_stay(on_postgres, engine, make):
    run, _ = on_postgres.publish()
    kept, other = (make.expectation(run, value).model_dump(include=COLUMNS) for value in (0.1, 0.2))
    with engine.begin() as connection:
        add(connection, EXPECTATIONS, [])
        add(connection, EXPECTATIONS, [kept])
        add(connection, EXPECTATIONS, [other], known_stay=True)
    with engine.connect() as connection:
        assert connection.execute(select(EXPECTATIONS.c.value)).scalars().all() == [0.1]
    with pytest.raises(IntegrityError), engine.begin() as connection:
        add(connection, EXPECTATIONS, [other])
