"""Reach: the raw days of each dataset that a night reads, for its population and its features."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.core.night.windows import files_of

A_DAY = timedelta(days=1)
AHEAD = timedelta(days=7)
"""So long after a night's as_of a feed may have days that it knows: a forecast is about days to come."""

Days = tuple[date, date]
"""The first and the last of them."""


def first_used(table: FeatureTable, as_of: datetime) -> date:
    """Return the first raw day whose rows of a table may be used at an instant (UTC).

    The last event of a row may happen on the day after its raw day.
    """
    return (as_of - table.ttl - A_DAY).date()


def days_of_features(spec: ModelSpec, as_of: datetime) -> dict[str, Days]:
    """Return the days of each dataset from which the features at an instant (UTC) are computed.

    A row may be used for the `ttl` of its table, and is computed from `lookback_days` before its own day.
    """
    return _joined(
        (source, (first_used(table, as_of) - table.lookback_days * A_DAY, (as_of + AHEAD).date()))
        for table in spec.feature_tables
        for source in table.sources
    )


def days_read(spec: ModelSpec, score_date: date, as_of: datetime) -> dict[str, Days]:
    """Return the days of each dataset that the night reads. as_of: that of the night (UTC)."""
    of_population = ((each.dataset, files_of(spec, each, score_date)) for each in spec.population_reads)
    return _joined((*of_population, *days_of_features(spec, as_of).items()))


def _joined(spans: Iterable[tuple[str, Days]]) -> dict[str, Days]:
    found = dict[str, Days]()
    for name, (first, last) in spans:
        earliest, latest = found.get(name, (first, last))
        found[name] = min(first, earliest), max(last, latest)
    return found
