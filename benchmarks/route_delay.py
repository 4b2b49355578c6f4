"""The figures of the route delay model's card.

    python benchmarks/route_delay.py

It takes a minute: it lands the year in a folder of its own and trains on the evenings of 2013.
"""

from collections.abc import Iterator
from datetime import date

import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.kinds.metrics import Metrics
from nightjar.core.lifecycle.training_set import TimeCut, cut_by_time, last_mature_date
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import evening_by_now
from nightjar.showing import console
from nightjar.wiring.platform import Platform

SEPTEMBER, DECEMBER = date(2013, 9, 30), date(2013, 12, 31)
"""A version of the first evening is judged on the routes that were known up to the second."""
SHOWN = ("mae", "rmse", "r2", "coverage", "width")


def rows_of(platform: Platform, spec: ModelSpec, day: date) -> pl.DataFrame:
    """All rows with an outcome that was known on an evening, with their inputs."""
    summary = platform.retrain(spec, day, promote=False)
    return pl.read_parquet(platform.artifacts.get(summary.dataset.uri))


def cut_on(spec: ModelSpec, day: date, known: pl.DataFrame) -> TimeCut:
    evening = evening_by_now(spec, day)
    return cut_by_time(known.filter(pl.col("score_date") <= last_mature_date(spec, evening)), spec, evening)


def judged(
    platform: Platform, spec: ModelSpec, version: Version, cut: TimeCut, rows: pl.DataFrame
) -> Iterator[tuple[str, Metrics]]:
    """A version, the baseline and the constant of the same rows, on rows that none of them saw."""
    kind, outcome = spec.kind, rows["outcome"]
    answers = PredictorStore(platform.artifacts).load(spec, version).predict(rows)
    made = kind.rows_of(answers, version.calibration)
    yield "this version", kind.measure(made["score"], outcome, made["outputs"])
    baseline = spec.baseline(cut.train, cut.valid, spec=spec).predict(rows)
    yield "baseline", kind.measure(baseline, outcome)
    trailing = rows["route_delay"].fill_null(kind.constant(cut.seen["outcome"]))
    yield "trailing mean as it is", kind.measure(trailing, outcome)
    constant = pl.repeat(kind.constant(cut.seen["outcome"]), rows.height, dtype=pl.Float64, eager=True)
    yield "constant predictor", kind.measure(constant, outcome)


def main() -> None:
    spec = models.model("route_delay")
    with platform_of_its_own() as platform:
        platform.prepare(spec).land(evening_by_now(spec, DECEMBER))
        summary = platform.retrain(spec, SEPTEMBER)
        console.show_training(summary)
        known = rows_of(platform, spec, DECEMBER)
        later = known.filter(pl.col("score_date") > SEPTEMBER)
        cut = cut_on(spec, SEPTEMBER, known)
        table = [
            (who, *(found[name] for name in SHOWN))
            for who, found in judged(platform, spec, summary.version, cut, later)
        ]
        weeks = later["score_date"]
        title = f"version 1 on the weeks from {weeks.min()} to {weeks.max()}: {later.height:,} rows"
        console.out.print(console.table(title, ("predictor", *SHOWN), table))


if __name__ == "__main__":
    main()
