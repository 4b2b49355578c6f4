"""How near the estimate of a night's metrics came to what came true, beside the mean of the nights before.

    python benchmarks/estimates.py [--home FOLDER]

Lands the year, trains a version on 30 June, and estimates each night from August on as `nightjar monitor`
does on the evening before: by the scores and outcomes of the 28 nights before it that were mature. Prints the
mean error of each week, and of all weeks.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from recorded_year import JULY, YEAR, RecordedYear, recorded_year

import models
from nightjar.core.comparison.entities import SCORE
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.estimated import DAYS, Foreseen, estimated, record_of
from nightjar.core.night.clock import evening_by_now
from nightjar.core.sampling import sampled
from nightjar.usecases.data.windows import outcomes_of
from nightjar.usecases.monitoring.estimate import PAST, SAMPLE_ROWS

TRAINED = date(2013, 6, 30)
JUDGED = [day for day in YEAR if day >= JULY + timedelta(days=PAST + DAYS)]
BINARY_METRICS = ("base_rate", "auc")


@dataclass(frozen=True, slots=True)
class Known:
    """Of each night: `score`, `outcome` and `loss` of its rows, and the metrics that came true."""

    rows: Mapping[date, pl.DataFrame]
    metrics: Mapping[date, Mapping[str, float | None]]


def known_of(year: RecordedYear) -> Known:
    spec, days = year.spec, [day for day in YEAR if day >= JULY]
    happened = outcomes_of(spec, year.platform.raw, days, evening_by_now(spec, YEAR[-1] + timedelta(days=9)))
    outcome = happened.select("entity_key", pl.col("outcome").cast(pl.Float64))
    joined = {day: year.nights[day].join(outcome, on="entity_key").select("score", "outcome") for day in days}
    nights = {day: night for day, night in joined.items() if not night.is_empty()}
    return Known(
        {
            day: sampled(night, SAMPLE_ROWS).with_columns(loss=spec.kind.loss.of_row)
            for day, night in nights.items()
        },
        {day: spec.kind.compare(night) for day, night in nights.items()},
    )


def foreseen(spec: ModelSpec, known: Known, metric: str) -> Iterator[Foreseen]:
    for day in (day for day in JUDGED if day in known.rows):
        last = day - timedelta(days=spec.maturity_days + 1)
        past = [other for other in known.rows if other <= last][-PAST:]
        said = estimated(
            pl.concat(known.rows[other] for other in past),
            known.rows[day][SCORE],
            spec.kind.loss.metric,
            binary=True,
        )
        before = [value for other in past if (value := known.metrics[other].get(metric)) is not None]
        truth = known.metrics[day].get(metric)
        if truth is not None and metric in said:
            yield Foreseen(
                score_date=day, estimate=said[metric], trailing=sum(before) / len(before), truth=truth
            )


def show(metric: str, nights: Sequence[Foreseen]) -> None:
    print(f"\n{metric}\n| week to | came true | estimate | its error | trailing mean | its error |")
    print("|---|---|---|---|---|---|")
    ordered = sorted(nights, key=lambda night: night.score_date)
    whole = ordered[len(ordered) % DAYS :]
    for first in range(0, len(whole), DAYS):
        week = whole[first : first + DAYS]
        truth, said, trailing = (
            sum(getattr(night, name) for night in week) / DAYS for name in ("truth", "estimate", "trailing")
        )
        print(
            f"| {week[-1].score_date} | {truth:.4f} | {said:.4f} | {said - truth:+.4f} | {trailing:.4f} "
            f"| {trailing - truth:+.4f} |"
        )
    if record := record_of(nights):
        print(
            f"{metric}: mean error by week {record.error:.4f}, of the trailing mean "
            f"{record.trailing_error:.4f}, over {record.weeks} weeks; "
            f"{'shown' if record.earned else 'not shown'} to people"
        )


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--home", type=Path, help="folder to keep the year in; without it one that goes away")
    spec = models.model("flight_delay")
    with recorded_year(spec, TRAINED, parser.parse_args().home) as year:
        known = known_of(year)
    for metric in (spec.kind.loss.metric, *BINARY_METRICS):
        show(metric, [*foreseen(spec, known, metric)])


if __name__ == "__main__":
    main()
