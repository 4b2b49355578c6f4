"""What every peer starts from, and how it says what it took. Its environment has no Nightjar.

A peer begins with the ready population, which Nightjar makes itself, and with one file for each feature
table. It writes into a table like the real one. It does no contract, audit, receipt or publication.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

COLUMNS = ("score_date", "run_id", "entity_key", "part", "score")
INTO = f"COPY bench.score ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv)"
ROWS_AT_ONCE = 10_000
"""By `to_sql`."""


@dataclass(frozen=True)
class Table:
    name: str
    keys: list[str]
    features: list[str]
    ttl_s: float


@dataclass(frozen=True)
class Inputs:
    """folder: population.parquet, model.cbm and <table>.parquet for each feature table."""

    folder: Path
    url: str
    day: date
    as_of: datetime
    categorical: list[str]
    numeric: list[str]
    tables: list[Table]

    @classmethod
    def of(cls, folder: Path) -> "Inputs":
        told = json.loads((folder / "inputs.json").read_text())
        return cls(
            folder,
            told["url"],
            date.fromisoformat(told["day"]),
            datetime.fromisoformat(told["as_of"]),
            told["categorical"],
            told["numeric"],
            [Table(**table) for table in told["tables"]],
        )

    @property
    def population(self) -> str:
        return str(self.folder / "population.parquet")

    def history(self, table: Table) -> str:
        return str(self.folder / f"{table.name}.parquet")

    def oldest(self, table: Table) -> datetime:
        return self.as_of - timedelta(seconds=table.ttl_s)

    def model(self) -> Any:
        return model_of(str(self.folder / "model.cbm"))


def model_of(file: str) -> Any:
    from catboost import CatBoostClassifier

    model = CatBoostClassifier()
    model.load_model(file, format="cbm")
    return model


def scored(rows: Any, inputs: Inputs, model: Any, **how: Any) -> Any:
    """The scores of a pandas frame."""
    given = rows[[*inputs.categorical, *inputs.numeric]].copy()
    given[inputs.categorical] = given[inputs.categorical].fillna("").astype(str)
    given[inputs.numeric] = given[inputs.numeric].astype("float64")
    return model.predict_proba(given, **how)[:, 1]


def newest(table: Table, inputs: Inputs) -> Any:
    """The features of each key as known at the night's instant, as a pandas frame."""
    import pandas as pd

    history = pd.read_parquet(inputs.history(table))
    happened, known = history["event_timestamp"], history["created"]
    there = history[(happened >= inputs.oldest(table)) & (happened <= inputs.as_of) & (known <= inputs.as_of)]
    last = there.sort_values(["event_timestamp", "created"]).drop_duplicates(table.keys, keep="last")
    return last[[*table.keys, *table.features]]


def as_stored(keys: Any, scores: Any, inputs: Inputs, part: int = 0) -> Any:
    import pandas as pd

    values = (inputs.day, 1, keys, part, scores)
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def copied(rows: Any, url: str) -> None:
    """COPY a pandas frame, in a transaction of its own."""
    import psycopg

    with psycopg.connect(url) as connection, connection.cursor().copy(INTO) as copy:
        copy.write(rows.to_csv(header=False, index=False))


def inserted(rows: Any, url: str) -> None:
    """Write a pandas frame by `to_sql`, in one transaction."""
    import sqlalchemy as sa

    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        rows.to_sql(
            "score", connection, schema="bench", if_exists="append", index=False, chunksize=ROWS_AT_ONCE
        )


def run(work: Callable[[Inputs], None], rounds: int = 1) -> None:
    """Do the work, and print what each round took. Libraries are imported, and pools are there before."""
    inputs = Inputs.of(Path(sys.argv[1]))
    seconds, cpu = list[float](), list[float]()
    for _ in range(rounds):
        emptied(inputs.url)
        started, used = time.perf_counter(), session_cpu()
        work(inputs)
        seconds.append(time.perf_counter() - started)
        cpu.append(session_cpu() - used)
    print(json.dumps({"seconds": seconds, "cpu": cpu}), flush=True)


def session_cpu() -> float:
    """CPU seconds of all processes of this session, those that have ended among them."""
    ticks, session = 0, os.getsid(0)
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            told = (process / "stat").read_text().rsplit(")", 1)[1].split()
            ticks += sum(map(int, told[11:15])) if int(told[3]) == session else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def emptied(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("TRUNCATE bench.score")
