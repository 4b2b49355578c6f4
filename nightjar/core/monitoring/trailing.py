"""Numbers of trailing nights, made of the numbers of each night, with the night as the unit.

A trailing number is the mean of the nights' numbers, weighted by their rows with an outcome. Its interval
comes from a bootstrap over nights (nightjar/core/lifecycle/resampling.py). So a correction of one night
restates a window without reading rows of the others, and a year of a million rows a night costs what a year
of a thousand does. An AUC of trailing nights says how well rows are ranked within a night.
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby

import numpy as np

from nightjar.core.kinds.estimates import LEAST_NIGHTS, Estimate
from nightjar.core.kinds.metrics import Metric
from nightjar.core.lifecycle.resampling import quotient
from nightjar.core.monitoring.entities import Measurement, Role

WINDOWS = (7, 28)
"""Lengths of the windows, in occasions of the model's schedule."""

Since = Callable[[date, int], date]
"""The first date of the window of so many occasions that ends with a date."""


def trailing(
    nightly: Iterable[Measurement],
    metrics: Sequence[Metric],
    least_rows: Mapping[str, int],
    since: Since,
    changed: Collection[date],
    known_at: datetime,
) -> Iterator[Measurement]:
    """Every window that holds a changed night, and LEAST_NIGHTS or more.

    nightly: the newest measurements of single nights, none of which a version may have seen in training.
    least_rows: slice -> rows with an outcome that are needed to show it. A window of champion and challenger
    holds nights of the same two versions.
    """
    known = sorted(
        (each for each in nightly if each.with_outcome), key=lambda each: (_of(each), each.score_date)
    )
    for _, group in groupby(known, _of):
        nights = [*group]
        dates = [night.score_date for night in nights]
        for end, night in enumerate(nights):
            for length in WINDOWS:
                held = nights[bisect_left(dates, since(night.score_date, length)) : end + 1]
                if len(held) >= LEAST_NIGHTS and any(each.score_date in changed for each in held):
                    yield _window(held, length, metrics, least_rows.get(night.slice, 0), known_at)


def _of(night: Measurement) -> tuple[str, str, str, int, int]:
    """What has windows of its own."""
    champion, challenger = (
        (0, 0) if night.role is Role.CHAMPION else (night.version_id, night.challenger_id or 0)
    )
    return night.role, night.slice, night.slice_value, champion, challenger


def _window(
    nights: Sequence[Measurement], length: int, metrics: Sequence[Metric], least_rows: int, known_at: datetime
) -> Measurement:
    """nights: oldest first."""
    with_outcome = sum(night.with_outcome for night in nights)
    found = {metric.name: mean_of(nights, metric.name) for metric in metrics}
    return nights[-1].model_copy(
        update={
            "occasions": length,
            "nights": len(nights),
            "supported": with_outcome >= least_rows,
            "rows": sum(night.rows for night in nights),
            "with_outcome": with_outcome,
            "metrics": {name: None if each is None else each.value for name, each in found.items()},
            "intervals": {
                metric.name: metric.within(*each.shown)
                for metric in metrics
                if (each := found[metric.name]) is not None and each.error is not None
            },
            "measured_at": known_at,
        }
    )


def mean_of(nights: Sequence[Measurement], metric: str) -> Estimate | None:
    """The mean of the nights for which a metric is defined, weighted by their rows. None if there is none."""
    known = [
        (value, night.with_outcome) for night in nights if (value := night.metrics.get(metric)) is not None
    ]
    values, rows = (np.array([each[n] for each in known], np.float64) for n in (0, 1))
    return quotient(values * rows, rows)
