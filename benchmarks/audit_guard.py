"""How well the audit guards the inputs of a night: false alarms on the recorded year, and which of the faults
put into ordinary nights it tells.

    python benchmarks/audit_guard.py

Lands the year in a folder of its own, retrieves what each night would be scored with, and compares every
night with the 14 before it by the functions that the audit uses. Then, night by night: each pair of number
columns swapped, each column missing or constant, categories never seen. A fault is caught by the contract
(the batch is refused, or more rows quarantined than allowed), by the guard, or by neither.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import combinations

import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.adapters.contracts import check
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.profile import profile_of, quantiles_of, sample_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.inputs.oddities import oddities
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.audit import TRAILING_NIGHTS
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.core.night.population import ordered_population
from nightjar.usecases.data.windows import population_of
from nightjar.wiring.platform import Platform

YEAR = dates_between(date(2013, 1, 1), date(2013, 12, 31))
ORDINARY = (date(2013, 4, 17), date(2013, 7, 17), date(2013, 10, 16))
HISTORIES = (3, 4, 5, 6, 7, 10, TRAILING_NIGHTS)
TRAINED = date(2013, 3, 31)

Nights = Mapping[date, pl.DataFrame]
Fault = tuple[str, str, pl.DataFrame]
"""Its kind, the columns it is in, and the night with it."""


@dataclass(frozen=True, slots=True)
class Year:
    """Each night's rows as they would be scored, and their profiles."""

    spec: ModelSpec
    nights: Nights
    profiles: Mapping[date, NightProfile]

    def trailing(self, day: date, nights: int) -> list[NightProfile]:
        earlier = [other for other in YEAR if other < day][-nights:]
        return [self.profiles[other] for other in reversed(earlier)]

    def odd(self, day: date, profile: NightProfile, nights: int = TRAILING_NIGHTS) -> tuple[str, ...]:
        return oddities(profile, self.trailing(day, nights), self.spec)


def retrieved(platform: Platform, spec: ModelSpec) -> Nights:
    """What each night of the year is scored with, and a score beside it."""
    platform.prepare(spec).ready(evening_by_now(spec, YEAR[-1]))
    rows = pl.concat(
        ordered_population(population_of(spec, platform.raw, day, as_of(spec, day))).with_columns(
            score_date=day, event_timestamp=pl.lit(as_of(spec, day), pl.Datetime("us", "UTC"))
        )
        for day in YEAR
    )
    joined = platform.features.retrieve(spec, rows)
    version = platform.retrain(spec, TRAINED, promote=False).version
    scored = joined.with_columns(
        PredictorStore(platform.artifacts).load(spec, version).predict(joined).alias("score")
    )
    return {key[0]: part for key, part in scored.partition_by("score_date", as_dict=True).items()}


def profiled(spec: ModelSpec, day: date, rows: pl.DataFrame) -> NightProfile:
    score = rows["score"]
    scores = Distribution(
        score_date=day,
        rows=len(score),
        mean=score.mean(),
        stddev=score.std(),
        distinct=score.n_unique(),
        quantiles=quantiles_of(score.sort()),
    )
    return profile_of(sample_of(rows, spec.seed), scores, spec)


def faults(spec: ModelSpec, rows: pl.DataFrame) -> Iterator[Fault]:
    for one, other in combinations(spec.numeric, 2):
        kinds = {name: rows.schema[name] for name in (one, other)}
        swapped = rows.with_columns(
            pl.col(other).cast(kinds[one], strict=False).alias(one),
            pl.col(one).cast(kinds[other], strict=False).alias(other),
        )
        yield "two number columns swapped", f"{one} and {other}", swapped
    for name in spec.numeric:
        middle = rows[name].sort()[rows.height // 2]
        yield "a column missing", name, rows.with_columns(pl.lit(None, rows.schema[name]).alias(name))
        yield (
            "half of a column missing",
            name,
            rows.with_columns(pl.when(pl.int_range(pl.len()) % 2 == 0).then(name).alias(name)),
        )
        yield (
            "a column constant, at its median",
            name,
            rows.with_columns(pl.lit(middle, rows.schema[name]).alias(name)),
        )
    for name in spec.categorical:
        tenth = pl.int_range(pl.len()) % 10 == 0
        yield "a text column missing", name, rows.with_columns(pl.lit(None, pl.String).alias(name))
        yield "a text column constant", name, rows.with_columns(pl.col(name).first())
        yield (
            "new categories in a tenth of the rows",
            name,
            rows.with_columns(
                pl.when(tenth).then(pl.lit("ZZ9"[: len(rows[name][0])])).otherwise(name).alias(name)
            ),
        )


def refused(spec: ModelSpec, rows: pl.DataFrame) -> bool:
    """Whether the contract stops the night: the batch is refused, or too many of its rows."""
    try:
        checked = check(spec, rows)
    except ContractBroken:
        return True
    return checked.quarantined.height > spec.audit["max_quarantine_share"] * rows.height


def false_alarms(year: Year) -> None:
    """Also of a history that has just begun, on any day of the year."""
    started = time.process_time()
    for nights in HISTORIES:
        alarms = {day: found for day in YEAR if (found := year.odd(day, year.profiles[day], nights))}
        print(f"beside {nights:2} nights: {len(alarms)} false alarms")
        for day, found in alarms.items():
            print(f"  {day}: {'; '.join(found)}")
    print(
        f"guard: {1000 * (time.process_time() - started) / len(YEAR) / len(HISTORIES):.0f} ms of CPU a night"
    )


def detection(year: Year, days: tuple[date, ...]) -> None:
    tried, caught = Counter(), Counter()
    missed: dict[str, Counter[str]] = {}
    for day in days:
        for kind, columns, rows in faults(year.spec, year.nights[day]):
            by_contract = refused(year.spec, rows)
            by_guard = bool(year.odd(day, profiled(year.spec, day, rows)))
            tried[kind] += 1
            caught[kind, "contract"] += by_contract
            caught[kind, "guard"] += by_guard
            caught[kind, "either"] += by_contract or by_guard
            if not (by_contract or by_guard):
                missed.setdefault(kind, Counter())[columns] += 1
    print(f"\n{'fault':40} {'tried':>6} {'contract':>9} {'guard':>7} {'either':>7}")
    for kind, count in tried.items():
        shares = (caught[kind, by] / count for by in ("contract", "guard", "either"))
        print(f"{kind:40} {count:6} " + " ".join(f"{share:8.1%}" for share in shares))
    for kind, columns in missed.items():
        print(
            f"\n{kind}, missed: "
            + ", ".join(f"{name} ({count} of {len(days)})" for name, count in columns.most_common())
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--nights",
        type=int,
        default=len(ORDINARY),
        help="ordinary nights to put faults into; 0: false alarms alone",
    )
    days = ORDINARY[: parser.parse_args().nights]
    spec = models.model("flight_delay")
    with platform_of_its_own() as platform:
        nights = retrieved(platform, spec)
    started = time.process_time()
    profiles = {day: profiled(spec, day, nights[day]) for day in YEAR}
    print(f"{len(YEAR)} nights of {sum(night.height for night in nights.values())} rows")
    print(f"profile: {1000 * (time.process_time() - started) / len(YEAR):.0f} ms of CPU a night")
    year = Year(spec, nights, profiles)
    false_alarms(year)
    if days:
        detection(year, days)


if __name__ == "__main__":
    main()
