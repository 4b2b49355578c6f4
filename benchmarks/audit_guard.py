"""How often the audit stops ordinary nights, and which of the faults put into ordinary nights it finds.

    python benchmarks/audit_guard.py [--nights 4]

Lands the year in a folder of its own and retrieves what each night would be scored with. It compares every
night with the nights before it by the functions that the audit uses. The limits were chosen on January to
June. Then it puts each fault of `audit_faults.py` into random nights of July to December, retrieves the
features of a changed population again, and scores the rows again. A fault is found by the contract (the batch
is refused, or more rows quarantined than allowed) or by the audit.
"""

import argparse
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import polars as pl
from audit_faults import INPUTS, POPULATION, SCORES, Case, Nights
from own_home import platform_of_its_own

import models
from nightjar.adapters.contracts import check
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.comparison.comparable import comparables
from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.profile import profile_of, quantiles_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.oddities import oddities
from nightjar.core.inputs.ordinary_readings import unusual
from nightjar.core.inputs.readings import EARLIER, counts, entities, readings
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.night.audit import TRAILING_NIGHTS, absurdities
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.core.night.population import ordered_population
from nightjar.usecases.data.windows import population_of
from nightjar.wiring.platform import Platform

YEAR = dates_between(date(2013, 1, 1), date(2013, 12, 31))
JULY = date(2013, 7, 1)
TRAINED = date(2013, 3, 31)
SEED = 2013


@dataclass(frozen=True, slots=True)
class Year:
    """Each night's rows as they would be scored, their profiles and readings."""

    spec: ModelSpec
    nights: Nights
    profiles: dict[date, NightProfile]
    readings: dict[date, pl.DataFrame]

    def keep(self, day: date, rows: pl.DataFrame) -> None:
        self.profiles[day] = profiled(self.spec, day, rows)
        self.readings[day] = self.read(day, rows)

    def read(self, day: date, rows: pl.DataFrame) -> pl.DataFrame:
        earlier = [self.nights[other] for other in self.readings if other < day][-EARLIER:][::-1]
        found = readings(entities(rows, day), self.spec, earlier)
        return pl.concat([found, counts(rows, self.spec)])

    def found(self, day: date, rows: pl.DataFrame | None = None) -> tuple[Finding, ...]:
        """What the audit has against a night as it was, or with these rows in its place."""
        profile = self.profiles[day] if rows is None else profiled(self.spec, day, rows)
        read = self.readings[day] if rows is None else self.read(day, rows)
        earlier = [other for other in self.readings if other < day]
        near = comparables(day, earlier, is_holiday=self.spec.is_holiday)
        trailing = [self.profiles[other] for other in earlier[-TRAILING_NIGHTS:][::-1]]
        scores = distribution_of(day, self.nights[day] if rows is None else rows)
        return (
            *absurdities(scores, trailing, 0, self.spec),
            *oddities(profile, trailing, self.spec),
            *unusual(
                read,
                [self.readings[other] for other in near.every],
                [self.readings[other] for other in near.alike],
                holiday=near.holiday,
            ),
        )


def retrieved(platform: Platform, spec: ModelSpec) -> tuple[Nights, Predictor]:
    """What each night of the year is scored with, a score beside it, and the model that gave it."""
    platform.prepare(spec).ready(evening_by_now(spec, YEAR[-1]))
    rows = pl.concat(
        ordered_population(population_of(spec, platform.raw, day, as_of(spec, day))).with_columns(
            score_date=day, event_timestamp=pl.lit(as_of(spec, day), pl.Datetime("us", "UTC"))
        )
        for day in YEAR
    )
    joined = platform.features.retrieve(spec, rows)
    version = platform.retrain(spec, TRAINED, promote=False).version
    predictor = PredictorStore(platform.artifacts).load(spec, version)
    scored = entities_of(joined.with_columns(predictor.predict(joined).alias("score")))
    return scored, predictor


def entities_of(rows: pl.DataFrame) -> Nights:
    nights = rows.partition_by("score_date", as_dict=True)
    return {key[0]: entities(part, key[0]) for key, part in nights.items()}


def distribution_of(day: date, rows: pl.DataFrame) -> Distribution:
    score = rows["score"]
    return Distribution(
        score_date=day,
        rows=len(score),
        mean=score.mean(),
        stddev=score.std(),
        distinct=score.n_unique(),
        quantiles=quantiles_of(score.sort()),
    )


def profiled(spec: ModelSpec, day: date, rows: pl.DataFrame) -> NightProfile:
    return profile_of(rows, distribution_of(day, rows), spec)


def refused(spec: ModelSpec, rows: pl.DataFrame) -> bool:
    """Whether the contract stops the night: the batch is refused, or too many of its rows."""
    try:
        checked = check(spec, rows)
    except ContractBroken:
        return True
    return checked.quarantined.height > spec.audit["max_quarantine_share"] * rows.height


def false_alarms(year: Year) -> None:
    started = time.process_time()
    halves: Mapping[str, list[date]] = {
        "January to June (the limits were chosen on them)": [day for day in YEAR if day < JULY],
        "July to December": [day for day in YEAR if day >= JULY],
    }
    for half, days in halves.items():
        alarms = {day: found for day in days if (found := year.found(day))}
        print(
            f"{half}: {len(alarms)} of {len(days)} ordinary nights are stopped "
            f"({len(alarms) / len(days):.1%})"
        )
        for day, found in alarms.items():
            print(f"  {day}: " + "; ".join(f"{each.name}: {each.sentence}" for each in found[:4]))
    print(f"comparison: {1000 * (time.process_time() - started) / len(YEAR):.0f} ms of CPU a night")


def detection(year: Year, platform: Platform, predictor: Predictor, nights: int) -> None:
    chosen = random.Random(SEED)
    print(f"\n{'fault':42} {'found':>7}  by")
    found_of, tried_of = 0, 0
    for kind, changes in (("population", POPULATION), ("inputs", INPUTS), ("scores", SCORES)):
        for name, change in changes.items():
            days = chosen.sample([day for day in YEAR if day >= JULY], nights)
            names: Counter[str] = Counter()
            caught = 0
            for day in days:
                rows = change(Case(day, year.nights))
                if kind == "population":
                    rows = again(platform, year.spec, rows)
                if kind != "scores":
                    rows = rows.with_columns(predictor.predict(rows).alias("score"))
                by = (
                    {"contract"}
                    if refused(year.spec, rows)
                    else {each.name for each in year.found(day, rows)}
                )
                names.update(by)
                caught += bool(by)
            found_of, tried_of = found_of + caught, tried_of + nights
            by_whom = ", ".join(f"{by} {count}" for by, count in names.most_common(4))
            print(f"{name:42} {caught}/{nights:<4}  {by_whom}", flush=True)
    print(f"found: {found_of} of {tried_of} ({found_of / tried_of:.1%})")


def again(platform: Platform, spec: ModelSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """A changed population, with its own features."""
    features = {feature for table in spec.feature_tables for feature in table.features}
    return platform.features.retrieve(spec, rows.drop(features | {"score"}, strict=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nights", type=int, default=4, help="nights to put each fault into; 0: none")
    nights = parser.parse_args().nights
    spec = models.model("flight_delay")
    with platform_of_its_own() as platform:
        rows, predictor = retrieved(platform, spec)
        year = Year(spec, rows, {}, {})
        started = time.process_time()
        for day in YEAR:
            year.keep(day, rows[day])
        print(f"{len(YEAR)} nights of {sum(night.height for night in rows.values())} rows")
        spent = (time.process_time() - started) / len(YEAR)
        print(f"profile and readings: {1000 * spent:.0f} ms of CPU a night")
        false_alarms(year)
        if nights:
            detection(year, platform, predictor, nights)


if __name__ == "__main__":
    main()
