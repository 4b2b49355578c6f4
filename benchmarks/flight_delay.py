"""The figures of the flight delay model's card.

    python benchmarks/flight_delay.py           # of the recording alone
    python benchmarks/flight_delay.py year      # of every night, and of a version trained in September
    python benchmarks/flight_delay.py walk      # October to December, a new version each week; quality by age
    python benchmarks/flight_delay.py choose    # June to September, where features and parameters were chosen

All but the first take minutes: they land the year and train in a folder of their own.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

import polars as pl
from own_home import platform_of_its_own

import models
from models.flight_delay.datasets import FLIGHTS, WEATHER, recorded_at
from models.flight_delay.population import outcomes
from models.flight_delay.source import read_weather, recording
from models.recording import recorded_files
from nightjar.adapters.learners.blend import BlendPredictor
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.metrics import Metrics
from nightjar.core.lifecycle.ages import AGE, ages_of
from nightjar.core.lifecycle.backtest import DAY, LOSS
from nightjar.core.lifecycle.correlating import Judged, correlations
from nightjar.core.lifecycle.training_set import TimeCut, cut_by_time, last_mature_date
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.showing import console
from nightjar.showing.backtest import show_ages, show_correlations
from nightjar.usecases.lifecycle.gathering import known_rows
from nightjar.usecases.lifecycle.measuring import Always, Predicts, estimates, intervals
from nightjar.usecases.lifecycle.retrain import RetrainSummary
from nightjar.wiring.platform import Platform

SEPTEMBER, DECEMBER = date(2013, 9, 30), date(2013, 12, 31)
"""The evening on which a version is trained, and that on which all of the year is known."""
YEAR = dates_between(date(2013, 1, 1), date(2013, 12, 31))
WALK = (date(2013, 10, 1), date(2013, 12, 30))
CHOOSE = (date(2013, 6, 4), date(2013, 9, 30))
"""First and last day. A week begins on a Tuesday: the version is trained on Sunday night, when the night that
scores Monday has begun.
"""
MODEL, TREES, REGRESSION = "this model", "its trees alone", "its logistic regression alone"
WEEK, TRAINED_BEFORE = timedelta(days=7), timedelta(days=2)
LEAST_AUC, MOST = 0.675, {"brier": 0.170, "ece": 0.030}
"""What the model is to reach."""
SHOWN = ("auc", *MOST)


@dataclass(frozen=True, slots=True)
class Trained:
    """A version, all rows that were known when it was trained, and how they were cut."""

    summary: RetrainSummary
    known: pl.DataFrame
    cut: TimeCut


@dataclass(frozen=True, slots=True)
class Week:
    """The rows of a week, and who scores them: name -> predictor.

    judged: the metrics of the model on its newest four weeks, before it was fitted anew on them too.
    """

    rows: pl.DataFrame
    by: Mapping[str, Predicts]
    judged: Metrics


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
    number = version.summary.judged.number
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


def cut_on(spec: ModelSpec, day: date, known: pl.DataFrame) -> TimeCut:
    """The rows of the version of an evening, by use. known: the rows of that evening at least."""
    evening = evening_by_now(spec, day)
    rows = known.filter(pl.col("score_date") <= last_mature_date(spec, evening))
    return cut_by_time(rows, spec, evening)


def walked(spec: ModelSpec, known: pl.DataFrame, first: date, last: date) -> Iterator[Week]:
    """Score each week by what was known on the Sunday before, as the schedule does. No gate is asked.

    known: the rows of all dates with their features as known on each evening.
    """
    for begin in weeks(first, last):
        cut = cut_on(spec, begin - TRAINED_BEFORE, known)
        seen = pl.concat([cut.train, cut.valid, cut.test])
        within = pl.col("score_date").is_between(begin, min(last, begin + WEEK - timedelta(days=1)))
        judged = spec.fit(cut.train, cut.valid, spec=spec)
        yield Week(known.filter(within), by_week(spec, cut, seen, judged), measured(spec, judged, cut.test))
        console.out.print(f"  week of {begin} is scored")


def weeks(first: date, last: date) -> Sequence[date]:
    return dates_between(first, last)[:: WEEK.days]


def by_week(spec: ModelSpec, cut: TimeCut, seen: pl.DataFrame, judged: Predictor) -> Mapping[str, Predicts]:
    """Name -> who scores the week. All are fitted on all rows that are known.

    judged: the model as it is judged. Its number of trees was chosen on a cut of the rows.
    """
    assert spec.refit is not None
    model = spec.refit(seen, spec=spec, judged=judged)
    assert isinstance(model, BlendPredictor)
    trees, regression = model.members
    return {
        MODEL: model,
        TREES: trees,
        REGRESSION: regression,
        "baseline": spec.baseline(seen, cut.valid, spec=spec),
        "constant predictor": Always(spec.kind, seen["outcome"]),
    }


def measured(spec: ModelSpec, predictor: Predicts, rows: pl.DataFrame) -> Metrics:
    published = spec.kind.rows_of(predictor.predict(rows), ())
    return spec.kind.measure(published["score"], rows["outcome"], published["outputs"])


def show_walk(spec: ModelSpec, walk: Sequence[Week]) -> None:
    """Each predictor with the ends of its 95% intervals, and the targets."""
    rows = pl.concat(week.rows for week in walk)
    found = {who: of_a_predictor(spec, who, walk, rows) for who in walk[0].by}
    titles = [spec.kind.metric(name).title for name in SHOWN]
    columns = [each for title in titles for each in (title, "low", "high")]
    title = f"{len(walk)} versions, a new one each week, on {told(rows)}"
    table = [(who, *chain.from_iterable(told)) for who, told in found.items()]
    console.out.print(console.table(title, ("predictor", *columns), table))
    values = dict(zip(SHOWN, (value for value, *_ in found[MODEL]), strict=True))
    console.out.print(f"target: AUC at least {LEAST_AUC}: {reached(values['auc'] >= LEAST_AUC)}")
    for name, most in MOST.items():
        metric = spec.kind.metric(name).title
        console.out.print(f"target: {metric} at most {most:.3f}: {reached(values[name] <= most)}")


def of_a_predictor(
    spec: ModelSpec, who: str, walk: Sequence[Week], rows: pl.DataFrame
) -> list[tuple[float, float, float]]:
    """Each metric of SHOWN with the ends of its interval."""
    published = spec.kind.rows_of(pl.concat(week.by[who].predict(week.rows) for week in walk), ())
    measured = spec.kind.measure(published["score"], rows["outcome"], published["outputs"])
    bounds = intervals(spec.kind, estimates(spec.kind, published, rows, measured))
    return [(measured[name] or 0.0, *bounds[name]) for name in SHOWN]


def show_correlation(spec: ModelSpec, walk: Sequence[Week]) -> None:
    """How well the metrics of a version on the days that judge foretell those of its week."""
    versions = [
        Judged(offline=week.judged, online=measured(spec, week.by[MODEL], week.rows)) for week in walk
    ]
    show_correlations(spec.kind, correlations(spec.kind.judging, versions))


def show_staleness(spec: ModelSpec, walk: Sequence[Week]) -> None:
    """Each version also scores all later weeks: its loss over that of the newest one, by its age."""
    show_ages(ages_of(pl.concat(by_age(spec, walk)), WEEK.days))


def by_age(spec: ModelSpec, walk: Sequence[Week]) -> Iterator[pl.DataFrame]:
    """`score_date`, AGE in days and LOSS of each version on each night from its first one on."""
    for number, week in enumerate(walk):
        rows = pl.concat(later.rows for later in walk[number:])
        published = spec.kind.rows_of(week.by[MODEL].predict(rows), ())
        losses = rows.select(DAY, spec.kind.losses(published, rows["outcome"]).alias(LOSS))
        age = (pl.col(DAY) - week.rows[DAY].min()).dt.total_days().alias(AGE)
        yield losses.group_by(DAY).agg(pl.col(LOSS).sum()).select(DAY, age, LOSS)


def reached(it_is: bool) -> str:
    return "reached" if it_is else "missed"


def of_the_year(platform: Platform, spec: ModelSpec) -> None:
    platform.prepare(spec).land(evening_by_now(spec, DECEMBER))
    show_version(trained(platform, spec, SEPTEMBER))
    console.out.print("\n".join(of_the_nights(platform, spec, trained(platform, spec, DECEMBER).known)))


def of_a_walk(platform: Platform, spec: ModelSpec, first: date, last: date) -> None:
    """Nothing later than the evening after the last day is landed."""
    after = last + timedelta(days=1)
    started = time.monotonic()
    walk = [*walked(spec, known_on(platform, spec, after), first, last)]
    for show in (show_walk, show_correlation, show_staleness):
        show(spec, walk)
    console.out.print(f"made in {(time.monotonic() - started) / 60:.0f} minutes")


def known_on(platform: Platform, spec: ModelSpec, day: date) -> pl.DataFrame:
    """The rows of all dates, with their features as known on each evening."""
    evening = evening_by_now(spec, day)
    platform.prepare(spec).ready(evening, console.bar)
    return known_rows(spec, evening, platform.raw_of(spec), platform.features, console.bar)


SLOW: Mapping[str, Callable[[Platform, ModelSpec], None]] = {
    "year": of_the_year,
    "walk": lambda platform, spec: of_a_walk(platform, spec, *WALK),
    "choose": lambda platform, spec: of_a_walk(platform, spec, *CHOOSE),
}


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", nargs="?", choices=("recording", *SLOW), default="recording")
    asked = parser.parse_args().of
    if asked == "recording":
        print("\n".join(of_the_recording()))
        return
    with platform_of_its_own() as platform:
        SLOW[asked](platform, models.model("flight_delay"))


if __name__ == "__main__":
    main()
