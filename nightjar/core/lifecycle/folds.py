"""Folds: stretches of days on which parameters are compared, each after the days that were fitted on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from nightjar.core.lifecycle.training_set import DAY, TimeCut, cut_by_time, embargo
from nightjar.core.model.search import Search
from nightjar.core.model.spec import ModelSpec


@dataclass(frozen=True, slots=True)
class Folds:
    """Each fold's `test` is scored by what was fitted on its older rows.

    choosing: oldest first. confirming: the newest one. It chooses nothing.
    """

    choosing: tuple[TimeCut, ...]
    confirming: TimeCut


def folds_of(rows: pl.DataFrame, spec: ModelSpec, search: Search, known_at: datetime) -> Folds:
    """The folds before the days that judge a version trained on these rows. No fold has one of those days.

    Raises TooLittleHistory. rows: at least `score_date` and `outcome`.
    """
    judged = cut_by_time(rows, spec, known_at).test
    before = rows.filter(pl.col(DAY) < judged.select(pl.col(DAY).min()).item() - embargo(spec))
    *choosing, confirming = reversed([*_newest_first(before, spec, search, known_at)])
    return Folds(tuple(choosing), confirming)


def _newest_first(
    rows: pl.DataFrame, spec: ModelSpec, search: Search, known_at: datetime
) -> Iterator[TimeCut]:
    judged_by_fold = replace(spec, split=replace(spec.split, test_days=search.fold_days))
    days_before_last = (pl.col(DAY).max() - pl.col(DAY)).dt.total_days()
    for place in range(search.folds + 1):
        known = rows.filter(days_before_last >= place * search.fold_days)
        yield cut_by_time(known, judged_by_fold, known_at)
