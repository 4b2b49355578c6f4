"""The figures of the flight delay model's card.

    python benchmarks/flight_delay.py           # of the recording alone python benchmarks/flight_delay.py
    year      # of every night of the year, and of versions trained on its evenings

The second takes minutes: it lands the year and trains in a folder of its own.
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from own_home import platform_of_its_own

import models
from models.flight_delay.datasets import FLIGHTS, WEATHER, recorded_at
from models.flight_delay.population import outcomes
from models.flight_delay.source import read_weather, recording
from models.flight_delay.training import LEVEL_SHARE, level_shift
from models.recording import recorded_files
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.kinds.binary import BINARY
from nightjar.core.lifecycle.training_set import TimeCut, cut_by_time, last_mature_date
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.showing import console
from nightjar.usecases.lifecycle.retrain import RetrainSummary
from nightjar.wiring.platform import Platform

SEPTEMBER, DECEMBER = date(2013, 9, 30), date(2013, 12, 31)
"""The evenings on which versions are trained."""
YEAR = dates_between(date(2013, 1, 1), date(2013, 12, 31))
MONTH_ENDS = tuple(day for day in YEAR if (day + timedelta(days=1)).day == 1 and day.month >= 3)
"""Before March there are too few rows to train on."""
SHARES = (0.0, LEVEL_SHARE, 1.0)


@dataclass(frozen=True, slots=True)
class Trained:
    """A version, all rows that were known when it was trained, and how they were cut."""

    summary: RetrainSummary
    known: pl.DataFrame
    cut: TimeCut


def happened() -> pl.DataFrame:
    """What the files of all days say of the flights."""
    days = recording()[FLIGHTS.name].items()
    return pl.concat(
        rows.with_columns(date=day, recorded_at=pl.lit(recorded_at(FLIGHTS.name, day))) for day, rows in days
    )


def of_the_recording() -> Iterator[str]:
    """One line for each subject."""
    flights = happened()
    a_day = flights.group_by("date").len()["len"]
    yield f"departures: {flights.height:,}"
    yield f"departures a day: {a_day.mean():,.0f} on average, {a_day.min():,} to {a_day.max():,}"
    at_six = flights.filter(~pl.col("cancelled") & ~pl.col("diverted") & pl.col("arr_delay").is_null())
    yield f"cancelled {flights['cancelled'].sum():,}, diverted {flights['diverted'].sum():,}"
    yield f"under way at 06:00: {at_six.height}, of which {at_six['dep_delay'].null_count()} had not left"
    late = pl.concat(
        outcomes({FLIGHTS.name: rows}, day).with_columns(score_date=day)
        for (day,), rows in flights.partition_by("flight_date", as_dict=True).items()
    )
    days, months = rates(late, pl.col("score_date")), rates(late, pl.col("score_date").dt.month())
    yield (
        f"outcome 1: {BINARY.constant(late['outcome']):.1%} of departures, {min(days.values()):.0%} to "
        f"{max(days.values()):.0%} of a day's"
    )
    yield f"outcome 1 in September: {months[9]:.0%}, in December: {months[12]:.0%}"
    yield f"fastest wind: {read_weather(recorded_files())['wind_speed'].max():,.0f} mph"
    yield f"weather is recorded up to {max(recording()[WEATHER.name])}"


def rates(late: pl.DataFrame, by: pl.Expr) -> dict[object, float]:
    return dict(late.group_by(by).agg(pl.col("outcome").mean()).iter_rows())


def of_the_nights(platform: Platform, spec: ModelSpec, known: pl.DataFrame) -> Iterator[str]:
    """What is missing, and how old features are on the evenings of the year.

    known: the rows of all dates with their features as known on each evening.
    """
    for name in ("carrier_late_rate_7d", "aircraft_seats", "weather_pressure"):
        yield f"{name} is missing in {known[name].null_count() / known.height:.1%} of the rows"
    for table in spec.feature_tables:
        moments = [as_of(spec, day) for day in YEAR]
        newest = [(moment, platform.feature_files.newest(table, moment)) for moment in moments]
        hours = [(moment - found).total_seconds() / 3600 for moment, found in newest if found]
        yield f"{table.name}: the newest row is {min(hours):.0f} to {max(hours):.0f} hours old on an evening"


def trained(platform: Platform, spec: ModelSpec, day: date) -> Trained:
    summary = platform.retrain(spec, day)
    known = pl.read_parquet(platform.artifacts.get(summary.dataset.uri))
    return Trained(summary, known, cut_on(spec, day, known))


def show_version(version: Trained) -> None:
    """Which rows it was made of and judged by, and what `nightjar retrain` prints."""
    number = version.summary.version.number
    uses = {
        "fitted": version.cut.train,
        "trees and level chosen": version.cut.valid,
        "judged": version.cut.test,
    }
    for use, rows in uses.items():
        console.out.print(f"version {number} {use} on {told(rows)}")
    console.show_training(version.summary)


def told(rows: pl.DataFrame) -> str:
    days = rows["score_date"]
    return f"{days.min()} to {days.max()}: {rows.height:,} rows, base rate {rows['outcome'].mean():.3f}"


def show_months_after(platform: Platform, spec: ModelSpec, version: Trained, known: pl.DataFrame) -> None:
    """A version and its rivals, made of the same rows, on all days after the evening on which it was
    trained.
    """
    rows = known.filter(pl.col("score_date") > SEPTEMBER)
    cut, outcome = version.cut, rows["outcome"]
    predictor = PredictorStore(platform.artifacts).load(spec, version.summary.version)
    scores = {
        "this version": predictor.predict(rows),
        "baseline": spec.baseline(cut.train, cut.valid, spec=spec).predict(rows),
        "constant predictor": always(spec.kind.constant(cut.seen["outcome"]), rows),
    }
    measured = {who: spec.kind.measure(score, outcome) for who, score in scores.items()}
    title, judging = f"version {version.summary.version.number} on {told(rows)}", spec.kind.judging
    table = [(who, *(metrics[metric.name] for metric in judging)) for who, metrics in measured.items()]
    console.out.print(console.table(title, ("predictor", *(metric.title for metric in judging)), table))


def always(score: float, rows: pl.DataFrame) -> pl.Series:
    return pl.repeat(score, rows.height, dtype=pl.Float64, eager=True)


def cut_on(spec: ModelSpec, day: date, known: pl.DataFrame) -> TimeCut:
    """The rows of the version of an evening, by use. known: the rows of that evening at least."""
    evening = evening_by_now(spec, day)
    rows = known.filter(pl.col("score_date") <= last_mature_date(spec, evening))
    return cut_by_time(rows, spec, evening)


def levels(spec: ModelSpec, cut: TimeCut) -> dict[float, tuple[float, float]]:
    """ECE and Brier skill on unseen days, by how far the level of the scores follows that of the newest
    days.
    """
    predictor = spec.fit(cut.train, cut.valid, spec=spec)
    base_rate, newest_rate = (spec.kind.constant(rows["outcome"]) for rows in (cut.seen, cut.valid))
    constant = spec.kind.measure(always(base_rate, cut.test), cut.test["outcome"])
    rest = level_shift(log_odds(predictor.predict(cut.valid)), newest_rate)
    fitted = log_odds(predictor.predict(cut.test))
    found = {}
    for share in SHARES:
        moved = fitted + (share - LEVEL_SHARE) / (1 - LEVEL_SHARE) * rest
        metrics = spec.kind.measure(pl.Series(1 / (1 + np.exp(-moved))), cut.test["outcome"])
        found[share] = metrics["ece"] or 0.0, spec.kind.skills(metrics, constant)["brier_skill"] or 0.0
    return found


def log_odds(scores: pl.Series) -> np.ndarray:
    return np.log(scores.to_numpy() / (1 - scores.to_numpy()))


def show_levels(found: Mapping[date, Mapping[float, tuple[float, float]]]) -> None:
    columns = [f"{what} at {share:g}" for what in ("ECE", "skill") for share in SHARES]
    rows = [(str(day), *(of[share][n] for n in (0, 1) for share in SHARES)) for day, of in found.items()]
    title = "how far the level follows the newest days"
    console.out.print(console.table(title, ("trained on", *columns), rows))
    for share in SHARES:
        eces, skills = zip(*(of[share] for of in found.values()), strict=True)
        console.out.print(f"at {share:g}: worst ECE {max(eces):.3f}, mean Brier skill {np.mean(skills):.3f}")


def of_the_year(platform: Platform) -> None:
    spec = models.model("flight_delay")
    platform.prepare(spec).land(evening_by_now(spec, DECEMBER))
    before, after = trained(platform, spec, SEPTEMBER), trained(platform, spec, DECEMBER)
    console.out.print("\n".join(of_the_nights(platform, spec, after.known)))
    show_version(before)
    show_months_after(platform, spec, before, after.known)
    show_version(after)
    show_levels({day: levels(spec, cut_on(spec, day, after.known)) for day in MONTH_ENDS})


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", nargs="?", choices=("recording", "year"), default="recording")
    if parser.parse_args().of == "recording":
        print("\n".join(of_the_recording()))
        return
    with platform_of_its_own() as platform:
        of_the_year(platform)


if __name__ == "__main__":
    main()
