"""How often ordinary nights raise a drift alarm, beside the stated rate, and which planted drifts are told.

    python benchmarks/drift_rate.py simulated --rows 500 5000 100000  # 2,000 nights without drift each
    python benchmarks/drift_rate.py evidently --rows 500 5000   # 100 such nights each, by its defaults
    python benchmarks/drift_rate.py real --home FOLDER          # the nights of July to December
    python benchmarks/drift_rate.py planted --home FOLDER       # drifts put into every eighth of them

Simulated nights have levels of their own, as real ones: rows of a night share its weather. So the number of
rows does not say how far two nights lie apart. `real` lands the year, trains a version on 30 June, and holds
each later night to the nights before it, as the follow-up of a publication does. With `--home` the folder is
kept for the next time.
"""

import argparse
import os
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
from recorded_year import JULY, YEAR, RecordedYear, distribution_of, recorded_year

import models
from nightjar.core.comparison.comparable import in_holiday_period
from nightjar.core.comparison.entities import SCORE, NightProfile
from nightjar.core.comparison.profile import (
    categories_of,
    compared_columns,
    numbers_of,
    profile_of,
    sample_of,
)
from nightjar.core.model.holidays import IsHoliday
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.drift import FEW_ENTITIES, HISTORY, RATE, night_drift
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.monitoring.training import TrainingSample

NIGHTS, SIZES, SAMPLED = 2_000, (500, 5_000, 100_000), 2_000
OF_EVIDENTLY, REFERENCE_NIGHTS = 100, 40
CODES = np.array([f"c{n:03}" for n in range(200)])
TEXTS, NUMBERS = ("code", "city"), ("wind", "rain", "seats", "flag", SCORE)

TRAINED = date(2013, 6, 30)
JUDGED = [day for day in YEAR if day >= JULY]
PLANTED = JUDGED[3::8]

Drift = Callable[[pl.Expr], pl.Expr]


def simulated_night(random: np.random.Generator, number: int, rows: int) -> pl.DataFrame:
    """A night without drift: levels and shares vary between nights, and with the weekday."""
    weekend, level = float(number % 7 in {5, 6}), random.normal(0, 0.3, 3)
    cities = random.dirichlet(np.array([50.0, 30, 15, 5]) * (1 + weekend))
    low = 2 * np.exp(level[2])
    return pl.DataFrame(
        {
            "code": random.choice(CODES, rows),
            "city": random.choice(np.array(["a", "b", "c", "d"]), rows, p=cities),
            "wind": random.normal(level[0] + weekend, 1, rows),
            "rain": np.where(random.random(rows) < 0.8, 0.0, random.exponential(np.exp(level[1]), rows)),
            "seats": random.integers(1, 8, rows).astype(float),
            "flag": (random.random(rows) < 0.01).astype(float),
            SCORE: random.beta(low, 5, rows),
        }
    )


def simulated_profile(number: int, night: pl.DataFrame) -> NightProfile:
    sample = night.head(SAMPLED)
    return NightProfile(
        score_date=YEAR[0] + timedelta(days=number),
        columns=(
            *(categories_of(sample[name], sample.height) for name in TEXTS),
            *(numbers_of(sample[name] if name != SCORE else night[name], sample.height) for name in NUMBERS),
        ),
    )


def simulated(rows: int) -> float:
    """The share of nights with an alarm."""
    random = np.random.default_rng(rows)
    training = TrainingSample(simulated_night(random, 0, SAMPLED), TEXTS, NUMBERS)
    untold = training.compared(simulated_night(random, 0, SAMPLED))
    past, alarms = list[NightProfile](), 0
    for number in range(HISTORY + NIGHTS):
        night = simulated_profile(number, simulated_night(random, number, rows))
        if number >= HISTORY:
            alarms += any(row.drifted for row in night_drift(night, past, untold))
        past = [*past, night][-HISTORY:]
    return alarms / NIGHTS


def show_simulated(sizes: Iterable[int]) -> None:
    for rows in sizes:
        started = time.process_time()
        share = simulated(rows)
        seconds = (time.process_time() - started) / NIGHTS
        print(
            f"{rows:7,} rows: {share:.2%} of {NIGHTS:,} nights without drift alarm, stated {RATE:.0%}"
            f" ({seconds:.2f} s of CPU a night)",
            flush=True,
        )


def by_evidently(night: pl.DataFrame, reference: pl.DataFrame) -> tuple[int, int]:
    """How many columns Evidently's preset calls drifted by its defaults, and of how many."""
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  # takes 20 s
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    definition = DataDefinition(numerical_columns=list(NUMBERS), categorical_columns=list(TEXTS))
    sides = (Dataset.from_pandas(side.to_pandas(), definition) for side in (night, reference))
    found = Report([DataDriftPreset()], include_tests=True).run(*sides).dict()
    columns = [test for test in found["tests"] if "column" in test["metric_config"]["params"]]
    return sum(test["status"] == "FAIL" for test in columns), len(columns)


def show_evidently(sizes: Iterable[int]) -> None:
    os.environ["DO_NOT_TRACK"] = "1"
    warnings.simplefilter("ignore")
    for rows in sizes:
        random = np.random.default_rng(rows)
        reference = pl.concat(simulated_night(random, number, 125) for number in range(REFERENCE_NIGHTS))
        counts = [
            by_evidently(simulated_night(random, number, rows), reference) for number in range(OF_EVIDENTLY)
        ]
        some, half = (
            sum(drifted > share * columns for drifted, columns in counts) / OF_EVIDENTLY for share in (0, 0.5)
        )
        print(
            f"{rows:7,} rows: Evidently's defaults call a column drifted on {some:.0%} of {OF_EVIDENTLY} "
            f"nights without drift, and more than half of the columns on {half:.0%}",
            flush=True,
        )


def profiled(spec: ModelSpec, day: date, night: pl.DataFrame) -> NightProfile:
    return profile_of(sample_of(night, spec.seed), distribution_of(day, night[SCORE]), spec)


def planted(spec: ModelSpec, few: frozenset[str]) -> Iterator[tuple[str, str, Drift]]:
    """Kind, column, and what is done to the column."""
    yield "score doubled", SCORE, lambda values: (2 * values).clip(0, 1)
    yield "score halved", SCORE, lambda values: values / 2
    yield "score squeezed to half its spread", SCORE, lambda values: (values + values.mean()) / 2
    yield "score constant", SCORE, lambda values: values.mean() + 0 * values
    for name in spec.categorical:
        yield "all codes unknown", name, lambda values: pl.lit("Z") + values
        yield (
            "a code in fifty rows unknown",
            name,
            lambda values: pl.when(pl.int_range(pl.len()) % 50 > 0).then(values).otherwise(pl.lit("ZZ")),
        )
        yield "most codes gone", name, lambda values: values.mode().sort().first()
    for name in spec.numeric:
        of = "few entities" if name in few else "many entities"
        yield f"number moved by a standard deviation, {of}", name, lambda values: values + values.std()
        yield (
            f"number squeezed to a fifth of its spread, {of}",
            name,
            lambda values: (values + 4 * values.mean()) / 5,
        )
        yield f"number constant, {of}", name, lambda values: values.mean() + 0 * values
        yield (
            f"number missing in a third, {of}",
            name,
            lambda values: pl.when(pl.int_range(pl.len()) % 3 > 0).then(values),
        )


@dataclass(frozen=True, slots=True)
class Nights:
    """The nights of a year, their profiles, and the training sample of the version that scored them."""

    year: RecordedYear
    training: TrainingSample
    profiles: Mapping[date, NightProfile]

    def judged(self, day: date, night: pl.DataFrame, profile: NightProfile) -> Sequence[ColumnDrift]:
        """The verdict on a night, as it was or changed, beside the nights before it."""
        past = islice((self.profiles[other] for other in reversed(YEAR) if other < day), HISTORY)
        sample = self.training.compared(night.filter(pl.col("fault").is_null()))
        return night_drift(profile, [*past], sample, is_holiday=self.year.spec.is_holiday)


def nights_of(year: RecordedYear) -> Nights:
    reference = pl.read_parquet(year.platform.artifacts.get(year.version.reference_uri))
    profiles = {day: profiled(year.spec, day, night) for day, night in year.nights.items()}
    return Nights(year, TrainingSample(reference, *compared_columns(year.spec)), profiles)


def show_real(nights: Nights) -> None:
    found = {day: nights.judged(day, nights.year.nights[day], nights.profiles[day]) for day in JUDGED}
    show_alarms(found, nights.year.spec.is_holiday)


def show_planted(nights: Nights) -> None:
    """Each drift is put into each column that it can befall, on every eighth night."""
    spec, last = nights.year.spec, nights.profiles[YEAR[-1]]
    few = frozenset(column.column for column in last.columns if column.entities < FEW_ENTITIES)
    told: dict[str, list[tuple[bool, bool]]] = defaultdict(list)
    for day in PLANTED:
        for kind, name, drift in planted(spec, few):
            night = nights.year.nights[day].with_columns(drift(pl.col(name)).alias(name))
            rows = nights.judged(day, night, profiled(spec, day, night))
            drifted = {row.column for row in rows if row.drifted}
            told[kind].append((name in drifted, bool(drifted)))
    print("| drift | told by its column | any alarm | tried |\n|---|---|---|---|")
    for kind, answers in told.items():
        own, any_alarm = (sum(answer[n] for answer in answers) / len(answers) for n in (0, 1))
        print(f"| {kind} | {own:.0%} | {any_alarm:.0%} | {len(answers)} |")


def show_alarms(found: Mapping[date, Sequence[ColumnDrift]], is_holiday: IsHoliday) -> None:
    alarms = {day: [row for row in rows if row.drifted] for day, rows in found.items()}
    alarms = {day: rows for day, rows in alarms.items() if rows}
    apart = [day for day in alarms if not in_holiday_period(day, is_holiday)]
    print(
        f"{len(alarms)} of {len(found)} nights alarm ({len(alarms) / len(found):.1%}), stated {RATE:.0%}; "
        f"{len(apart)} of them are in no holiday period ({len(apart) / len(found):.1%})",
        flush=True,
    )
    for day, rows in alarms.items():
        print(f"  {day}: {', '.join(f'{row.column} ({row.finding})' for row in rows)}")
    for finding in ("season", "outside"):
        count = sum(row.finding == finding and not row.drifted for rows in found.values() for row in rows)
        print(f"{finding}: {count / len(found):.1f} columns a night, no alarm")


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", choices=("simulated", "evidently", "real", "planted"))
    parser.add_argument("--rows", type=int, nargs="*", default=SIZES, help="sizes of the simulated nights")
    parser.add_argument("--home", type=Path, help="folder to keep the year in; without it one that goes away")
    wanted = parser.parse_args()
    if wanted.of == "simulated":
        show_simulated(wanted.rows)
    elif wanted.of == "evidently":
        show_evidently(wanted.rows)
    else:
        show = show_real if wanted.of == "real" else show_planted
        with recorded_year(models.model("flight_delay"), TRAINED, wanted.home) as year:
            show(nights_of(year))


if __name__ == "__main__":
    main()
