"""The nights of a recorded year as they would be scored: what the benchmarks of monitoring share."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from own_home import platform_in, platform_of_its_own

from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.comparison.entities import SCORE, Distribution
from nightjar.core.comparison.profile import quantiles_of
from nightjar.core.model.entities import Version
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.night.clock import as_of, dates_between, evening_by_now
from nightjar.core.night.population import ordered_population
from nightjar.usecases.data.windows import population_of
from nightjar.wiring.platform import Platform

YEAR = dates_between(date(2013, 1, 1), date(2013, 12, 31))
JULY = date(2013, 7, 1)
ROWS = "year.parquet"
"""The rows of all nights with their features, in the folder that is kept."""


@dataclass(frozen=True, slots=True)
class RecordedYear:
    """nights: the rows of each night, with features and `score`. version: the one that scored them."""

    platform: Platform
    spec: ModelSpec
    version: Version
    predictor: Predictor
    nights: Mapping[date, pl.DataFrame]


@contextmanager
def recorded_year(spec: ModelSpec, trained: date, home: Path | None = None) -> Iterator[RecordedYear]:
    """Land the year, compute its features, and score its nights by a version that was trained on a date.

    home: a folder to keep all of it in, for the next time. None: one that goes away.
    """
    with _platform(home) as platform:
        kept = platform.settings.home / ROWS
        if not kept.exists():
            _retrieved(platform, spec).write_parquet(kept)
        rows = pl.read_parquet(kept)
        version = _trained(platform, spec, trained)
        predictor = PredictorStore(platform.artifacts).load(spec, version)
        scored = rows.with_columns(predictor.predict(rows).alias(SCORE))
        nights = {key[0]: night for key, night in scored.partition_by("score_date", as_dict=True).items()}
        yield RecordedYear(platform, spec, version, predictor, nights)


def _platform(home: Path | None) -> AbstractContextManager[Platform]:
    return platform_of_its_own() if home is None else platform_in(home)


def _retrieved(platform: Platform, spec: ModelSpec) -> pl.DataFrame:
    platform.prepare(spec).ready(evening_by_now(spec, YEAR[-1]))
    rows = pl.concat(
        ordered_population(population_of(spec, platform.raw, day, as_of(spec, day))).with_columns(
            score_date=day, event_timestamp=pl.lit(as_of(spec, day), pl.Datetime("us", "UTC"))
        )
        for day in YEAR
    )
    return platform.features.retrieve(spec, rows)


def _trained(platform: Platform, spec: ModelSpec, day: date) -> Version:
    """The version that is trained on a date. The folder names it for the next time."""
    kept = platform.settings.home / f"version of {day}"
    if kept.exists():
        version = platform.registry.version(spec.name, int(kept.read_text()))
        assert version is not None
        return version
    version = platform.retrain(spec, day, promote=False).version
    kept.write_text(str(version.number))
    return version


def distribution_of(day: date, score: pl.Series) -> Distribution:
    return Distribution(
        score_date=day,
        rows=len(score),
        mean=score.mean(),
        stddev=score.std(),
        distinct=score.n_unique(),
        quantiles=quantiles_of(score.sort().to_numpy()),
    )
