"""A night of as many flights as wanted, for the benchmarks: its rows, its model, and where it is scored.

The rows are those of a recorded day over and over, with other flight numbers and up to 20 minutes of jitter.
Keys of features stay those of the recorded day, so every row finds its features.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import structlog
from own_home import opened, platform_in, platform_of_its_own

import models
from models.flight_delay.contract import contract as contract_of_a_day
from models.flight_delay.contract import text
from models.flight_delay.datasets import SCHEDULES, recorded_at
from models.flight_delay.population import entity_key
from models.flight_delay.source import recording
from models.flight_delay.training import fit_catboost, refit_catboost
from nightjar.core.model.entities import Version
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import LazyRaw, ModelSpec, Predictor
from nightjar.core.night.clock import evening_by_now, night_of
from nightjar.wiring.platform import Platform

if TYPE_CHECKING:
    import pandera.polars as pa

DAY = date(2013, 10, 8)
NUMBERS = 10_000
"""A flight number of a recorded day is smaller. What it has above that says which copy of its row it is."""
JITTER_MINUTES = 20
DAYS_MINUTES = 24 * 60
OTHER_PARAMS = {"depth": 3, "learning_rate": 0.2}
"""Of the challenger."""


def spec_of(part_rows: int) -> ModelSpec:
    """The flight delay model, for rows whose flight numbers may be large, and with CatBoost alone."""
    return replace(
        models.model("flight_delay"),
        part_rows=part_rows,
        population=population,
        streamed=True,
        contract=contract,
        fit=fit_catboost,
        refit=refit,
    )


def refit(rows: pl.DataFrame, *, spec: ModelSpec, judged: Predictor) -> Predictor:
    return refit_catboost(rows, spec=spec, trees=judged.params()["trees"])


def population(raw: LazyRaw, score_date: date) -> pl.LazyFrame:
    """As that of the model, with counts of departures in thousandths of the day's."""
    minute = pl.col("sched_dep_minute")
    flights = raw[SCHEDULES.name].filter(pl.col("flight_date") == score_date)
    leaving = (
        flights.group_by("origin", "sched_dep", (minute // 60).alias("hour"))
        .len()
        .collect(engine="streaming")
    )
    return flights.join(
        _departures(leaving).lazy(), on=["origin", "sched_dep"], maintain_order="left"
    ).select(
        entity_key(),
        "carrier",
        pl.col("flight") % NUMBERS,
        "origin",
        "dest",
        "sched_dep",
        "sched_dep_minute",
        "sched_arr_minute",
        ((pl.col("sched_arr_minute") - minute) % DAYS_MINUTES).alias("sched_block_minutes"),
        pl.col("flight_date").dt.weekday().cast(pl.Int64).alias("weekday"),
        "distance",
        "hour_departures",
        "day_departures",
        "day_departures_before",
        "day_share_before",
    )


def _departures(leaving: pl.DataFrame) -> pl.DataFrame:
    """The counts for each airport and instant. leaving: how many departures each has."""
    count = pl.col("len").cast(pl.Int64)
    of_origin = count.sum().over("origin")
    before = count.cum_sum().over("origin", order_by="sched_dep") - count

    def thousandths(of: pl.Expr) -> pl.Expr:
        return of * 1000 // count.sum()

    return leaving.select(
        "origin",
        "sched_dep",
        thousandths(count.sum().over("origin", "hour")).clip(1).alias("hour_departures"),
        thousandths(of_origin).clip(1).alias("day_departures"),
        thousandths(before).alias("day_departures_before"),
        (before / of_origin).alias("day_share_before"),
    )


def contract() -> "pa.DataFrameSchema":
    import pandera.polars as pa  # noqa: PLC0415  # takes seconds to import

    of_a_day = contract_of_a_day()
    key = text(r"^[A-Z0-9]{2}\d{1,9}-[A-Z]{3}-\d{4}-\d{2}-\d{2}$")
    return pa.DataFrameSchema({**of_a_day.columns, "entity_key": key}, name=of_a_day.name)


def schedules(rows: int) -> pl.DataFrame:
    """The schedules of DAY. The first copy of each recorded row is the row itself."""
    real, rng = recording()[SCHEDULES.name][DAY], np.random.default_rng(7)
    numbers = np.arange(rows)
    picked, copy = real[numbers % real.height], numbers // real.height
    moved = np.where(copy, rng.integers(-JITTER_MINUTES, JITTER_MINUTES + 1, (2, rows)), 0)
    leaves = np.clip(picked["sched_dep_minute"].to_numpy() + moved[0], 0, DAYS_MINUTES - 1)
    later = pl.Series(leaves - picked["sched_dep_minute"].to_numpy())
    return picked.with_columns(
        flight=pl.col("flight") + pl.Series(copy) * NUMBERS,
        sched_dep=pl.col("sched_dep") + pl.duration(minutes=later),
        sched_dep_minute=pl.Series(leaves),
        sched_arr_minute=(pl.col("sched_arr_minute") + pl.Series(moved[1])) % DAYS_MINUTES,
        distance=pl.col("distance") + pl.Series(np.where(copy, rng.integers(0, 6, rows), 0)),
    )


@contextmanager
def ready_platform(home: Path | None = None) -> Iterator[tuple[Platform, Version, Version]]:
    """A platform with the features of DAY, a champion and a challenger.

    home: a folder that is kept, and is ready at once the next time. None: a folder that goes away.
    """
    # A log line on the output would not be JSON.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with platform_of_its_own() if home is None else platform_in(home) as platform:
        name = spec_of(1).name
        if len(platform.registry.versions(name)) < 2:
            elsewhere(make_ready, platform.settings.home)
        champion, *_, challenger = sorted(platform.registry.versions(name), key=lambda each: each.number)
        yield platform, champion, challenger


def elsewhere(work: Callable[..., None], *arguments: Any) -> None:
    """Do it in a process of its own, so that it counts for no peak of this one."""
    process = get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} ended with code {process.exitcode}")


def make_ready(home: Path) -> None:
    """Land what DAY reads, and train a champion and a challenger."""
    platform, spec = opened(home), spec_of(1)
    platform.prepare(spec).ready(night_of(spec, DAY).as_of)
    trained_on = DAY - timedelta(days=1)
    platform.prepare(spec).land(evening_by_now(spec, trained_on))
    for each in (spec, replace(spec, params={**spec.params, **OTHER_PARAMS})):
        platform.retrain(each, trained_on, promote=False)
    platform.close()


def write(rows: int, file: Path) -> None:
    schedules(rows).write_parquet(file)


def land(platform: Platform, rows: int) -> None:
    """Deliver the schedules of DAY, as Parquet. The newest delivery counts."""
    known = recorded_at(SCHEDULES.name, DAY) + timedelta(minutes=len(_deliveries(platform)))
    with TemporaryDirectory() as folder:
        elsewhere(write, rows, file := Path(folder) / f"{DAY}.parquet")
        platform.raw.land(replace(SCHEDULES, source=Files(format="parquet")), DAY, file, known)


def _deliveries(platform: Platform) -> tuple[datetime, ...]:
    return platform.raw.recorded(SCHEDULES.name, [DAY]).get(DAY, ())
