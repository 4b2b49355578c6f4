"""Gather what a training needs: past populations as they were known, with outcomes and features."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches

import polars as pl

from nightjar.core.errors.inputs import MissingFeatures
from nightjar.core.errors.model import NothingMatches, TooLittleHistory
from nightjar.core.lifecycle.training_set import (
    known_days,
    known_too_late,
    labelled,
    last_mature_date,
    mature_outcomes,
    no_outcome,
    unmatched,
)
from nightjar.core.model.generations import FIRST, Generations
from nightjar.core.model.occasions import is_occasion
from nightjar.core.model.rules import ADDED_TO_ROWS
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import as_of
from nightjar.core.night.population import ordered_population
from nightjar.core.night.windows import Recorded, dates_readable, readable
from nightjar.core.ports.features import FeatureSource
from nightjar.core.ports.progress import Progress, silent
from nightjar.core.ports.raw import RawStore
from nightjar.core.values import INSTANT
from nightjar.usecases.data.landing import set_aside
from nightjar.usecases.data.windows import outcomes_of, population_of


def labelled_rows(
    spec: ModelSpec, known_at: datetime, raw: RawStore, progress: Progress
) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """Every population row with a mature outcome, without its features.

    Also the number of rows left out, by reason. What lands meanwhile does not count.
    """
    raw = raw.listed_once()
    recorded, last = recorded_of(spec, raw), last_mature_date(spec, known_at)
    told = dates_readable(spec, spec.outcome_reads, recorded, known_at)
    mature = [day for day in told if day <= last and is_occasion(spec, day)]
    outcomes = mature_outcomes(outcomes_of(spec, raw, mature, known_at), known_at, last)
    dates = [
        day
        for day in outcomes["score_date"].unique().sort()
        if readable(spec, spec.population_reads, day, recorded, as_of(spec, day))
    ]
    bad = Counter(refusal.dataset for refusal in set_aside(spec, raw))
    landed = "; ".join(known_days(name, days, known_at, bad[name]) for name, days in recorded.items())
    if outcomes.is_empty():
        raise TooLittleHistory(spec.name, known_at, f"{no_outcome(mature, last)} {landed}")
    if not dates:
        raise NothingMatches(spec.name, known_at, outcomes.height, known_too_late(outcomes, landed))
    populations = populations_of(spec, dates, raw, progress)
    rows, left_out = labelled(populations, outcomes)
    if rows.is_empty():
        raise NothingMatches(spec.name, known_at, outcomes.height, unmatched(populations, outcomes))
    return rows, left_out


def with_features(
    spec: ModelSpec, rows: pl.DataFrame, features: FeatureSource, progress: Progress
) -> pl.DataFrame:
    """The rows with all inputs, as known at the `event_timestamp` of each. Raises MissingFeatures."""
    with progress("retrieval of features as known on each evening", 1) as advance:
        joined = features.retrieve(spec, rows)
        advance()
    if missing := set(spec.inputs) - set(joined.columns):
        raise lacking(spec, sorted(missing), rows.columns)
    return joined


def lacking(spec: ModelSpec, missing: Sequence[str], columns: Sequence[str]) -> MissingFeatures:
    """The error for inputs that neither the population, with these columns, nor the service gives."""
    features = [feature for table in spec.feature_tables for feature in table.features]
    unknown = [name for name in missing if name not in features]
    if not unknown:
        return MissingFeatures(spec.name, missing, spec.feature_service)
    own = [column for column in columns if column not in {*ADDED_TO_ROWS, "score_date"}]
    near = dict.fromkeys(like for name in unknown for like in get_close_matches(name, [*own, *features]))
    return MissingFeatures(spec.name, unknown, spec.feature_service, columns=own, near=[*near])


def known_rows(
    spec: ModelSpec, known_at: datetime, raw: RawStore, features: FeatureSource, progress: Progress = silent
) -> pl.DataFrame:
    """What a training at an instant knows: `score_date`, `entity_key`, the inputs, `outcome`.

    The features are read as they are built. Raises TooLittleHistory, NothingMatches, MissingFeatures.
    """
    known, _ = labelled_rows(spec, known_at, raw, progress)
    features.require(spec)
    rows = with_features(spec, known, features, progress)
    return rows.select("score_date", "entity_key", *spec.inputs, "outcome")


def generations_of(spec: ModelSpec, features: FeatureSource) -> Generations:
    """The generation of each feature table that is read today."""
    read = features.generations(spec) if spec.feature_tables else {}
    return {table.name: read.get(table.name, FIRST) for table in spec.feature_tables}


def recorded_of(spec: ModelSpec, raw: RawStore) -> Recorded:
    """When the deliveries of each dataset of the outcomes and of the population were recorded."""
    reads = (*spec.outcome_reads, *spec.population_reads)
    return {name: raw.recorded(name) for name in dict.fromkeys(window.dataset for window in reads)}


def populations_of(spec: ModelSpec, dates: Sequence[date], raw: RawStore, progress: Progress) -> pl.DataFrame:
    """Each date's population as it would have been scored.

    It uses the deliveries recorded by the date's own as-of, not later corrections.
    """
    nights: list[pl.DataFrame] = []
    with progress("populations of past nights", len(dates)) as advance:
        for day in dates:
            moment = as_of(spec, day)
            rows = population_of(spec, raw, day, moment)
            nights.append(
                ordered_population(rows).with_columns(
                    score_date=pl.lit(day), event_timestamp=pl.lit(moment, INSTANT)
                )
            )
            advance()
    return pl.concat(nights)
