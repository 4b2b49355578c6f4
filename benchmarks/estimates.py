"""How near estimates of a night's metrics came to what came true, beside the mean of the nights before.

    python benchmarks/estimates.py [--home FOLDER]

Lands the year, trains a version on 30 June, and estimates each night from August on as a night does after its
publication, by CBPE and by PAPE: by inputs, scores and outcomes of the last 28 nights whose outcomes were
known at its as-of. Prints the error of each week, and the mean error of all weeks, of the nights that
both estimated.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import product
from pathlib import Path
from time import process_time

import polars as pl
from recorded_year import JULY, YEAR, RecordedYear, recorded_year

import models
from nightjar.core.comparison.entities import SCORE
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.estimated import expected_by
from nightjar.core.monitoring.foreseen import DAYS, ESTIMATES, Foreseen, Method, record_of
from nightjar.core.night.clock import as_of, evening_by_now
from nightjar.core.sampling import sampled
from nightjar.usecases.data.windows import outcomes_of
from nightjar.usecases.monitoring.estimate import PAST, SAMPLE_ROWS

TRAINED = date(2013, 6, 30)
JUDGED = [day for day in YEAR if day >= JULY + timedelta(days=PAST + DAYS)]


@dataclass(frozen=True, slots=True)
class Known:
    """Of each night: its rows with inputs, `score`, `outcome` and `loss`; the metrics that came true; since
    when these were known.
    """

    rows: Mapping[date, pl.DataFrame]
    metrics: Mapping[date, Mapping[str, float | None]]
    since: Mapping[date, datetime]


def known_of(year: RecordedYear) -> Known:
    spec, days = year.spec, [day for day in YEAR if day >= JULY]
    happened = outcomes_of(spec, year.platform.raw, days, evening_by_now(spec, YEAR[-1] + timedelta(days=9)))
    outcome = happened.select("entity_key", pl.col("outcome").cast(pl.Float64))
    joined = {day: year.nights[day].join(outcome, on="entity_key") for day in days}
    nights = {day: night for day, night in joined.items() if not night.is_empty()}
    return Known(
        {
            day: sampled(night, SAMPLE_ROWS).with_columns(loss=spec.kind.loss.of_row)
            for day, night in nights.items()
        },
        {day: spec.kind.compare(night.select(SCORE, "outcome")) for day, night in nights.items()},
        dict(happened.group_by("score_date").agg(pl.col("recorded_at").max()).iter_rows()),
    )


def said_of(spec: ModelSpec, known: Known) -> Iterator[tuple[str, str, Foreseen]]:
    """Each metric of each night: the method that estimated it, the metric, and what came true."""
    for day in (day for day in JUDGED if day in known.rows):
        evening = as_of(spec, day)
        before = [other for other in known.rows if known.since[other] <= evening][-PAST:]
        past = [known.rows[other] for other in before]
        asked = spec.kind.loss.metric, spec.numeric, spec.categorical
        said = expected_by(past, known.rows[day], *asked, binary=True)
        for method, metric in product(ESTIMATES, said[Method.CBPE].values):
            truth, value = known.metrics[day].get(metric), said[method].values.get(metric)
            if truth is not None and value is not None:
                trailing = said[Method.TRAILING].values[metric]
                yield method, metric, Foreseen(score_date=day, estimate=value, trailing=trailing, truth=truth)


def show(metric: str, by_method: Mapping[str, Sequence[Foreseen]]) -> None:
    """A row a week: what came true, and how far from it each method and the trailing mean were."""
    names = " | ".join(f"{method} | its error" for method in by_method)
    print(f"\n{metric}\n| week to | came true | {names} | trailing mean | its error |")
    print("|---" * (4 + 2 * len(by_method)) + "|")
    weeks = [[*_weeks(nights)] for nights in by_method.values()]
    for of_methods in zip(*weeks, strict=True):
        last, truth, trailing = of_methods[0][0].score_date, *_means(of_methods[0], "truth", "trailing")
        said = [mean for week in of_methods for mean in _means(week, "estimate")]
        told = " | ".join(f"{mean:.4f} | {mean - truth:+.4f}" for mean in (*said, trailing))
        print(f"| {last} | {truth:.4f} | {told} |")
    for method, nights in by_method.items():
        if record := record_of(nights):
            print(
                f"{metric}: mean error by week {record.error:.4f} of {method}, "
                f"{record.trailing_error:.4f} of the trailing mean, over {record.weeks} weeks: "
                f"{'shown' if record.earned else 'not shown'} to people"
            )


def _weeks(nights: Sequence[Foreseen]) -> Iterator[Sequence[Foreseen]]:
    """The whole weeks, oldest first, each with its newest night first."""
    ordered = sorted(nights, key=lambda night: night.score_date, reverse=True)
    return reversed([ordered[n : n + DAYS] for n in range(0, len(ordered) - DAYS + 1, DAYS)])


def _means(week: Sequence[Foreseen], *names: str) -> Iterator[float]:
    return (sum(getattr(night, name) for night in week) / DAYS for name in names)


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--home", type=Path, help="folder to keep the year in; without it one that goes away")
    spec = models.model("flight_delay")
    with recorded_year(spec, TRAINED, parser.parse_args().home) as year:
        known = known_of(year)
    began = process_time()
    found: dict[str, dict[str, list[Foreseen]]] = {}
    for method, metric, night in said_of(spec, known):
        found.setdefault(metric, {}).setdefault(method, []).append(night)
    nights = len({night.score_date for night in found[spec.kind.loss.metric]["CBPE"]})
    for metric, by_method in found.items():
        both = set.intersection(*({night.score_date for night in of} for of in by_method.values()))
        counts = ", ".join(f"{len(of)} by {method}" for method, of in by_method.items())
        show(
            metric,
            {name: [night for night in of if night.score_date in both] for name, of in by_method.items()},
        )
        print(f"{metric}: nights estimated: {counts}")
    print(f"\nboth methods: {(process_time() - began) / nights:.2f} CPU seconds a night")


if __name__ == "__main__":
    main()
