"""How often ordinary nights raise a drift alarm, beside the stated rate, and which planted drifts are told.

    python benchmarks/drift_rate.py simulated    # 2,000 nights without drift of 500, 5,000 and 100,000 rows
    python benchmarks/drift_rate.py evidently    # the same nights with Evidently's defaults, 100 of each size
    python benchmarks/drift_rate.py real         # the nights of July to December, and drifts put into them

Simulated nights have levels of their own, as real ones: rows of a night share its weather. So the number of
rows does not say how far two nights lie apart. `real` lands the year in a folder of its own, trains a version
on 30 June, and holds each later night to the nights before it, as the follow-up of a publication does.
"""

import argparse
import os
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice

import numpy as np
import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.comparison.comparable import in_holiday_period
from nightjar.core.comparison.entities import SCORE, Distribution, NightProfile
from nightjar.core.comparison.profile import (
    categories_of,
    compared_columns,
    numbers_of,
    profile_of,
    quantiles_of,
    sample_of,
)
from nightjar.core.model.holidays import IsHoliday
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.drift import FEW_ENTITIES, HISTORY, RATE, night_drift
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.monitoring.training import TrainingSample
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.core.night.population import ordered_population
from nightjar.usecases.data.windows import population_of

NIGHTS, SIZES, SAMPLED = 2_000, (500, 5_000, 100_000), 2_000
OF_EVIDENTLY, SIZES_OF_EVIDENTLY, REFERENCE_NIGHTS = 100, (500, 5_000), 40
FIRST = date(2013, 1, 1)
CODES = np.array([f"c{n:03}" for n in range(200)])
TEXTS, NUMBERS = ("code", "city"), ("wind", "rain", "seats", "flag", SCORE)

TRAINED = date(2013, 6, 30)
YEAR = dates_between(FIRST, date(2013, 12, 31))
JUDGED = dates_between(date(2013, 7, 1), YEAR[-1])
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
        score_date=FIRST + timedelta(days=number),
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


def show_simulated() -> None:
    for rows in SIZES:
        started = time.process_time()
        share = simulated(rows)
        seconds = (time.process_time() - started) / NIGHTS
        print(
            f"{rows:7,} rows: {share:.2%} of {NIGHTS:,} nights without drift alarm, stated {RATE:.0%}"
            f" ({1000 * seconds:.0f} ms of CPU a night)",
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


def show_evidently() -> None:
    os.environ["DO_NOT_TRACK"] = "1"
    warnings.simplefilter("ignore")
    for rows in SIZES_OF_EVIDENTLY:
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


def retrieved(spec: ModelSpec) -> tuple[Mapping[date, pl.DataFrame], TrainingSample]:
    """What each night of the year is scored with and its scores, and the training sample of the version."""
    with platform_of_its_own() as platform:
        platform.prepare(spec).ready(evening_by_now(spec, YEAR[-1]))
        rows = pl.concat(
            ordered_population(population_of(spec, platform.raw, day, as_of(spec, day))).with_columns(
                score_date=day, event_timestamp=pl.lit(as_of(spec, day), pl.Datetime("us", "UTC"))
            )
            for day in YEAR
        )
        joined = platform.features.retrieve(spec, rows)
        version = platform.retrain(spec, TRAINED, promote=False).version
        score = PredictorStore(platform.artifacts).load(spec, version).predict(joined)
        reference = pl.read_parquet(platform.artifacts.get(version.reference_uri))
    nights = joined.with_columns(pl.Series(SCORE, score)).partition_by("score_date", as_dict=True)
    return {key[0]: night for key, night in nights.items()}, TrainingSample(
        reference, *compared_columns(spec)
    )


def profiled(spec: ModelSpec, day: date, night: pl.DataFrame) -> NightProfile:
    score = night[SCORE]
    scores = Distribution(
        score_date=day,
        rows=night.height,
        mean=score.mean(),
        stddev=score.std(),
        distinct=score.n_unique(),
        quantiles=quantiles_of(score.sort()),
    )
    return profile_of(sample_of(night, spec.seed), scores, spec)


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


def show_real() -> None:
    spec = models.model("flight_delay")
    nights, training = retrieved(spec)
    profiles = {day: profiled(spec, day, night) for day, night in nights.items()}

    def judged(day: date, night: pl.DataFrame, profile: NightProfile) -> Sequence[ColumnDrift]:
        past = islice((profiles[other] for other in reversed(YEAR) if other < day), HISTORY)
        sample = training.compared(night.filter(pl.col("fault").is_null()))
        return night_drift(profile, [*past], sample, is_holiday=spec.is_holiday)

    found = {day: judged(day, nights[day], profiles[day]) for day in JUDGED}
    show_alarms(found, spec.is_holiday)
    few = frozenset(column.column for column in profiles[YEAR[-1]].columns if column.entities < FEW_ENTITIES)
    told: dict[str, list[bool]] = defaultdict(list)
    for day in PLANTED:
        for kind, name, drift in planted(spec, few):
            night = nights[day].with_columns(drift(pl.col(name)).alias(name))
            rows = judged(day, night, profiled(spec, day, night))
            told[kind].append(any(row.column == name and row.drifted for row in rows))
    for kind, answers in told.items():
        print(f"{kind:60} told {sum(answers) / len(answers):6.1%} of {len(answers)}")


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
    shown = {"simulated": show_simulated, "evidently": show_evidently, "real": show_real}
    parser.add_argument("of", choices=shown)
    shown[parser.parse_args().of]()


if __name__ == "__main__":
    main()
