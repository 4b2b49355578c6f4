"""How often the audit and drift stop or tell of simulated nights on which nothing is wrong.

    python benchmarks/audit_rate.py --rows 500 5000 100000 --nights 1000    # of each of the two worlds

In the world of `visits`, rows are new every night, as the trips of a fleet are. In that of `shops`, the same
entities come again: they have attributes, a record that moves, and the readings of a few gauges. The nights
of both have levels of their own, and weekends. Each night is held to those before it, with the functions of a
real night: profile, readings, oddities (`unusual`, `repeated`, `oddities`) and drift (`night_drift`).
"""

import argparse
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day

import numpy as np
import polars as pl
import structlog
from audit_guard import Kept, run_of
from drift_rate import simulated_night
from recorded_year import distribution_of

from nightjar.core.comparison.entities import SCORE, NightProfile
from nightjar.core.comparison.profile import compared_columns, profile_of, sample_of
from nightjar.core.inputs.oddities import oddities
from nightjar.core.inputs.ordinary_readings import RATE
from nightjar.core.inputs.readings import counts, entities, same_entities
from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.monitoring.drift import HISTORY, night_drift
from nightjar.core.monitoring.drift import RATE as RATE_OF_DRIFT
from nightjar.core.monitoring.training import TrainingSample
from nightjar.core.night.audit import TRAILING_NIGHTS
from nightjar.testing.specs import toy_spec
from nightjar.usecases.scoring.unlike import MOST_NIGHTS, Unlike

log = structlog.get_logger(__name__)

FIRST = date(2013, 1, 1)
BEFORE = HISTORY
"""So many nights come first and are not counted."""
SOUND = pl.lit(None, pl.String).alias("fault")
REGIONS, GAUGES = 40, 3


def table(name: str, key: str, features: tuple[str, ...]) -> FeatureTable:
    return FeatureTable(
        name=name,
        description=name,
        keys={key: pl.String()},
        features={feature: pl.Float64() for feature in features},
        ttl=timedelta(days=7),
        lookback_days=0,
        sources=(),
        compute=lambda *_: pl.DataFrame(),
    )


def visits(rows: int) -> tuple[ModelSpec, Callable[[int], pl.DataFrame]]:
    """Rows that are new every night."""
    random = np.random.default_rng(rows)
    spec = toy_spec(
        categorical=("code", "city"),
        numeric=("wind", "rain", "seats", "flag"),
        feature_tables=(),
        slices=(Slice(name="city", by="city"),),
    )

    def night(number: int) -> pl.DataFrame:
        new = pl.int_range(number * rows, (number + 1) * rows, eager=True).cast(pl.String)
        return simulated_night(random, number, rows).with_columns(new.alias("entity_key"), SOUND)

    return spec, night


def shops(rows: int) -> tuple[ModelSpec, Callable[[int], pl.DataFrame]]:
    """The same entities every night, of which one in twenty is closed."""
    random = np.random.default_rng(rows + 1)
    tables = (table("region", "region", ("rate", "mean_sales")), table("gauge", "gauge", ("warmth", "humid")))
    spec = toy_spec(
        categorical=("kind", "region"),
        numeric=("size", "sales", "age", *(feature for each in tables for feature in each.features)),
        feature_tables=tables,
        slices=(Slice(name="kind", by="kind"),),
    )
    kept = pl.DataFrame(
        {
            "entity_key": [f"shop {n}" for n in range(rows)],
            "kind": random.choice(np.array(["a", "b", "c", "d"]), rows, p=[0.5, 0.3, 0.15, 0.05]),
            "region": [f"region {n}" for n in random.integers(0, REGIONS, rows)],
            "gauge": [f"gauge {n}" for n in random.integers(0, GAUGES, rows)],
            "size": random.lognormal(5, 0.7, rows).round(),
            "age": random.integers(1, 40, rows).astype(float),
        }
    )
    usual, warmths = random.beta(4, 12, REGIONS), random.normal(60, 5, GAUGES)
    records = usual

    def night(number: int) -> pl.DataFrame:
        nonlocal records, warmths
        weekend, level = 1.3 if number % 7 in {5, 6} else 1.0, random.normal(0, 0.1)
        records = records + 0.1 * (usual - records) + random.normal(0, 0.01, REGIONS)
        warmths = 60 + 0.7 * (warmths - 60) + random.normal(0, 5) + random.normal(0, 1, GAUGES)
        open_ones = kept.filter(pl.Series(random.random(rows) < 0.95))
        sales = (
            open_ones["size"].to_numpy() * weekend * np.exp(level + random.normal(0, 0.2, open_ones.height))
        )
        regions = pl.DataFrame(
            {"region": [f"region {n}" for n in range(REGIONS)], "rate": records, "mean_sales": 150 * records}
        )
        gauges = pl.DataFrame(
            {
                "gauge": [f"gauge {n}" for n in range(GAUGES)],
                "warmth": (warmths / 0.18).round() * 0.18,
                "humid": random.normal(60, 15, GAUGES).clip(5, 100).round(2),
            }
        )
        score = 1 / (1 + np.exp(2 - sales / 400 + random.normal(0, 0.3, open_ones.height)))
        return (
            open_ones.with_columns(SOUND, sales=pl.Series(sales), score=pl.Series(score))
            .join(regions, on="region", how="left", maintain_order="left")
            .join(gauges, on="gauge", how="left", maintain_order="left")
        )

    return spec, night


WORLDS = {"visits": visits, "shops": shops}


@dataclass(frozen=True, slots=True)
class Counted:
    """Nights by what was said of them, and the names of what was found. seconds: of CPU."""

    nights: int
    stopped: int
    alarmed: int
    either: int
    names: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class World:
    """Nights in a row, each held to those before it."""

    spec: ModelSpec
    night: Callable[[int], pl.DataFrame]
    kept: Kept = field(default_factory=Kept)
    profiles: list[NightProfile] = field(default_factory=list[NightProfile])

    def judged(self, number: int, training: TrainingSample) -> tuple[list[str], bool]:
        """The names of what the audit finds, and whether drift alarms."""
        day, rows = FIRST + timedelta(days=number), self.night(number)
        profile = profile_of(sample_of(rows, 1), distribution_of(day, rows[SCORE]), self.spec)
        sample = entities(same_entities(rows, day), day)
        run = run_of(self.spec.name, day, datetime.combine(day, time_of_day(12), UTC), 1, rows.height)
        unlike, told = Unlike(self.spec, self.kept), counts(rows, self.spec)
        found = [
            *unlike.findings(run, told, sample, unlike.earlier(run, told)),
            *oddities(profile, self.profiles[-TRAILING_NIGHTS:][::-1], self.spec),
        ]
        drift = night_drift(profile, self.profiles[-HISTORY:], training.compared(rows.head(1)))
        self.profiles.append(profile)
        for kept in (self.kept.read, self.kept.rows):
            kept.pop(day - timedelta(days=MOST_NIGHTS), None)
        for each in found:
            log.info("found", night=number, check=each.name, told=each.in_one_line)
        return [each.name for each in found], any(row.drifted for row in drift)


def counted(world: World, nights: int) -> Counted:
    training = TrainingSample(world.night(0), *compared_columns(world.spec))
    started, names = time.process_time(), Counter[str]()
    told = [world.judged(number, training) for number in range(BEFORE + nights)][BEFORE:]
    for found, _ in told:
        names.update(set(found))
    return Counted(
        nights=nights,
        stopped=sum(bool(found) for found, _ in told),
        alarmed=sum(alarm for _, alarm in told),
        either=sum(bool(found) or alarm for found, alarm in told),
        names=names,
        seconds=(time.process_time() - started) / (BEFORE + nights),
    )


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--rows", type=int, nargs="+", default=(500, 5_000, 100_000), help="of a night")
    parser.add_argument("--nights", type=int, default=1_000, help="to count, of each world and size")
    parser.add_argument("--worlds", nargs="+", choices=[*WORLDS], default=[*WORLDS])
    wanted = parser.parse_args()
    print(
        f"stated: the audit stops at most {RATE:.0%} of ordinary nights, drift alarms on {RATE_OF_DRIFT:.0%}"
    )
    for rows in wanted.rows:
        for name in wanted.worlds:
            found = counted(World(*WORLDS[name](rows)), wanted.nights)
            of = found.nights
            print(
                f"{rows:7,} rows, {name}: {found.stopped / of:.2%} of {of:,} nights are stopped, drift "
                f"alarms on {found.alarmed / of:.2%}, either on {found.either / of:.2%}\n"
                f"    {1000 * found.seconds:.0f} ms of CPU a night; found: {dict(found.names)}",
                flush=True,
            )


if __name__ == "__main__":
    main()
