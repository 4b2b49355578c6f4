"""How fast scores get into Postgres: our binary COPY beside psycopg's text COPY and a CSV of Polars, into the
month of the real table, in turns, and into the table that the month belongs to; and what it costs to check
that each row's run is claimed: by our trigger once a statement, by a foreign key once a row, or not at all.

    python benchmarks/score_copy.py --rows 1000000 --rounds 3 --json

Each round writes the same rows by every way into a transaction that is rolled back, so all meet the same
table. The median counts.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from sqlalchemy import Connection, Engine

from db.copy import copy_frame, encode, wire_type
from db.migrate import upgrade
from db.server.embedded import EmbeddedPostgres
from db.server.roles import ensure_roles
from db.session import driver, make_engine
from db.tables import ScoreRow, month_of, table_of

DAY = date(2013, 6, 15)
MONTH = month_of(DAY)
COLUMNS = ["score_date", "run_id", "entity_key", "part", "score", "challenger_score", "carried_from"]
"""What a night with a challenger in shadow stores."""
NAMES = ", ".join(COLUMNS)

RUN = f"""
    SELECT nightjar.ensure_score_partition('{DAY}');
    INSERT INTO nightjar.dataset (model, sha256, uri, rows, first_date, last_date, known_at)
        VALUES ('m', repeat('a', 64), 'file:///d', 1, '{DAY}', '{DAY}', now());
    INSERT INTO nightjar.model_version (model, number, kind, score_low, score_high, algorithm, dataset_id,
        artifact_uri, artifact_sha256, reference_uri, params, metrics, gates,
        code_version, trained_through) VALUES ('m', 1, 'binary', 0, 1, '', 1, 'file:///m', repeat('a', 64),
            'file:///r', '{{}}', '{{}}', '[]', '', '{DAY}');
    INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id) VALUES ('m', '{DAY}',
        1, now(), now(), 1)
"""


def rows(count: int) -> pl.DataFrame:
    score = np.random.default_rng(0).random(count)
    keys = pl.select(pl.format("UA{}-EWR-2013-06-15", pl.int_range(count))).to_series()
    run = {
        "score_date": pl.lit(DAY),
        "run_id": pl.lit(1, pl.Int32),
        "part": pl.lit(0, pl.Int32),
        "carried_from": pl.lit(None, pl.Int32),
    }
    return (
        pl.DataFrame({"entity_key": keys, "score": score, "challenger_score": 1 - score})
        .with_columns(**run)
        .select(COLUMNS)
    )


def binary(connection: Connection, frame: pl.DataFrame) -> None:
    copy_frame(connection, table_of(ScoreRow), frame, into=MONTH)


def through_the_table(connection: Connection, frame: pl.DataFrame) -> None:
    copy_frame(connection, table_of(ScoreRow), frame)


def csv(connection: Connection, frame: pl.DataFrame) -> None:
    with driver(connection).cursor().copy(f"COPY nightjar.{MONTH} ({NAMES}) FROM STDIN (FORMAT csv)") as copy:
        for batch in frame.iter_slices(100_000):
            buffer = io.BytesIO()
            batch.write_csv(buffer, include_header=False)
            copy.write(buffer.getvalue())


def text_rows(connection: Connection, frame: pl.DataFrame) -> None:
    with driver(connection).cursor().copy(f"COPY nightjar.{MONTH} ({NAMES}) FROM STDIN") as copy:
        for row in frame.iter_rows():
            copy.write_row(row)


WAYS: dict[str, Callable[[Connection, pl.DataFrame], None]] = {
    "binary COPY (ours)": binary,
    "binary COPY through the table": through_the_table,
    "CSV by Polars": csv,
    "text COPY by psycopg": text_rows,
}

TRIGGER = f"ALTER TABLE nightjar.{MONTH} {{}} TRIGGER guard_night"
FOREIGN_KEY = (
    "ALTER TABLE nightjar.score ADD CONSTRAINT score_run_id_fk FOREIGN KEY (run_id) REFERENCES nightjar.run "
    "(id)"
)
NO_FOREIGN_KEY = "ALTER TABLE nightjar.score DROP CONSTRAINT score_run_id_fk"
CHECKS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "a trigger (ours)": ((), ()),
    "a foreign key": ((TRIGGER.format("DISABLE"), FOREIGN_KEY), (NO_FOREIGN_KEY, TRIGGER.format("ENABLE"))),
    "nothing": ((TRIGGER.format("DISABLE"),), (TRIGGER.format("ENABLE"),)),
}
"""What checks the run -> the statements that make it so, and those that undo them."""


def once(engine: Engine, write: Callable[[Connection, pl.DataFrame], None], frame: pl.DataFrame) -> float:
    """Seconds of one write, which is rolled back."""
    with engine.connect() as connection:
        started = time.perf_counter()
        write(connection, frame)
        seconds = time.perf_counter() - started
        connection.rollback()
    return seconds


def measure(url: str, frame: pl.DataFrame, rounds: int) -> dict[str, float]:
    """Median seconds of each way."""
    engine = make_engine(url)
    rows = [{way: once(engine, write, frame) for way, write in WAYS.items()} for _ in range(rounds)]
    engine.dispose()
    return medians(rows)


def measure_checks(url: str, owner_url: str, frame: pl.DataFrame, rounds: int) -> dict[str, float]:
    """Median seconds of our COPY under each check."""
    engine, owner = make_engine(url), make_engine(owner_url)
    found: list[dict[str, float]] = [{} for _ in range(rounds)]
    for row in found:
        for check, (begin, end) in CHECKS.items():
            change(owner, begin)
            row[check] = once(engine, binary, frame)
            change(owner, end)
    engine.dispose()
    owner.dispose()
    return medians(found)


def change(owner: Engine, statements: tuple[str, ...]) -> None:
    with owner.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def medians(rows: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def encoding(frame: pl.DataFrame) -> float:
    """Seconds that the encoder alone takes."""
    started = time.perf_counter()
    for _ in encode(frame, [wire_type(table_of(ScoreRow).columns[name]) for name in COLUMNS]):
        pass
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        Path(home).chmod(0o755)
        server = EmbeddedPostgres(Path(home))
        server.start()
        try:
            server.ensure_database("nightjar")
            ensure_roles(server.url("admin"), server.passwords)
            upgrade(server.url("owner"))
            with make_engine(server.url("owner")).begin() as connection:
                connection.exec_driver_sql(RUN)
            frame = rows(options.rows)
            seconds, encoder = measure(server.url("writer"), frame, options.rounds), encoding(frame)
            checks = measure_checks(server.url("writer"), server.url("owner"), frame, options.rounds)
        finally:
            server.stop()
            server.remove()
    report(options.rows, options.rounds, seconds, checks, encoder, as_json=options.json)


def report(
    rows: int,
    rounds: int,
    seconds: dict[str, float],
    checks: dict[str, float],
    encoder: float,
    *,
    as_json: bool,
) -> None:
    ways, checked = compared(rows, seconds, "binary COPY (ours)"), compared(rows, checks, "a trigger (ours)")
    if as_json:
        print(
            json.dumps(
                {
                    "rows": rows,
                    "rounds": rounds,
                    "encoder_alone_s": round(encoder, 3),
                    "ways": ways,
                    "checks": checked,
                }
            )
        )
        return
    for name, result in [
        *ways.items(),
        *((f"checked by {name}", result) for name, result in checked.items()),
    ]:
        print(
            f"{name:30} {result['seconds']:8.2f} s {result['rows_per_s']:>10,} rows/s "
            f"{result['times_ours']:6.2f} x ours"
        )
    print(f"{'the encoder alone':30} {encoder:8.2f} s")


def compared(rows: int, seconds: dict[str, float], ours: str) -> dict[str, dict[str, float]]:
    return {
        name: {
            "seconds": round(s, 3),
            "rows_per_s": round(rows / s),
            "times_ours": round(s / seconds[ours], 2),
        }
        for name, s in seconds.items()
    }


if __name__ == "__main__":
    main()
