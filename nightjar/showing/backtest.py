"""A backtest for people: tables in a terminal, a page with its curve, and an object for programs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from nightjar.core import plurals
from nightjar.core.kinds.estimates import CONFIDENCE, Estimate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Metric
from nightjar.core.lifecycle.ages import Age, follows
from nightjar.core.lifecycle.backtest import Results, StepDone
from nightjar.core.lifecycle.correlating import Correlation
from nightjar.core.model.spec import ModelSpec
from nightjar.showing import console, plots
from nightjar.showing.page import page, said, section, table
from nightjar.showing.page import plots as grid
from nightjar.usecases.lifecycle.backtest import Walked

TOLD_OF_A_STEP = {"number", "known_at", "first", "last", "decision", "champion", "promoted"}
MOST_LETTERS = 100
STEP_COLUMNS = ("training", "knew all by (UTC)", "first night", "last night", "scored by", "what came of it")


def show_backtest(spec: ModelSpec, walked: Walked) -> None:
    """The whole stretch, its months or weeks, and the trainings."""
    out, results = console.out, walked.results
    steps = [(*row, shortened(str(decision))) for *row, decision in step_rows(walked.steps)]
    out.print(console.table("trainings", STEP_COLUMNS, steps))
    if not results.nights:
        out.print(nobody(walked))
        return
    out.print(
        console.table(whole_title(results), whole_columns(spec.kind), [*whole_rows(spec.kind, results)])
    )
    for name in spec.kind.headline:
        metric = spec.kind.metric(name)
        columns, rows = period_table(metric, results)
        out.print(console.table(f"{metric.title} by period", columns, rows))
    for told in conclusions(spec.kind, results):
        out.print(told)
    out.print(f"backtest {walked.name}: {summary(walked)}")


def nobody(walked: Walked) -> str:
    """Why no night was scored, in words."""
    last = walked.steps[-1].decision
    return (
        f"No version became champion, so no night was scored. The last training: {last}. With "
        "`--despite-gates` every version scores."
    )


def shortened(decision: str) -> str:
    """So that a row fits into a terminal. The page and the object hold all of it."""
    return decision if len(decision) <= MOST_LETTERS else f"{decision[:MOST_LETTERS]}..."


def summary(walked: Walked) -> str:
    steps, promoted = len(walked.steps), sum(step.promoted for step in walked.steps)
    before = f"; {walked.resumed} of them were stored before" if walked.resumed else ""
    despite = ", despite gates" if walked.plan.despite_gates else ""
    return f"{promoted} of {steps} trainings gave a new champion{despite}{before}"


def step_rows(steps: Iterable[StepDone]) -> Iterator[tuple[object, ...]]:
    for step in steps:
        by = "nobody" if step.champion is None else f"version {step.champion}"
        known = f"{step.known_at:%Y-%m-%d %H:%M}"
        yield step.number, known, str(step.first), str(step.last), by, step.decision


def whole_title(results: Results) -> str:
    counted = (
        f"{plurals.counted(results.nights, 'night')}, {plurals.counted(results.rows, 'row')} with an outcome"
    )
    return f"{counted}; each with its {CONFIDENCE:.0%} interval"


def whole_columns(kind: Kind) -> tuple[str, ...]:
    loss = kind.metric(kind.loss.metric).title
    return "predictor", *(metric.title for metric in kind.judging), f"champion's {loss} over its"


def whole_rows(kind: Kind, results: Results) -> Iterator[tuple[object, ...]]:
    for who, found in results.whole.items():
        own = (told(found.get(metric.name), metric) for metric in kind.judging)
        yield who.value, *own, told(results.beside.get(who))


def told(found: Estimate | None, metric: Metric | None = None) -> str:
    """A value with its interval, where that is known. metric: whose bounds cut the interval."""
    if found is None:
        return "-"
    low, high = bounds_of(found, metric) or (None, None)
    return console.measured(found.value, low, high)


def bounds_of(found: Estimate, metric: Metric | None = None) -> tuple[float, float] | None:
    if found.error is None:
        return None
    return found.shown if metric is None else metric.within(*found.shown)


def period_table(metric: Metric, results: Results) -> tuple[tuple[str, ...], Sequence[tuple[object, ...]]]:
    columns = ("from", "to", "rows", *(who.value for who in results.whole))
    rows = [
        (
            str(period.first),
            str(period.last),
            period.rows,
            *(period.metrics.get(who, {}).get(metric.name) for who in results.whole),
        )
        for period in results.periods
    ]
    return columns, rows


def conclusions(kind: Kind, results: Results) -> Iterator[str]:
    """Whether the champion was better than each other predictor, by its loss on the same rows."""
    loss = kind.metric(kind.loss.metric).title
    for who, found in results.beside.items():
        bounds = None if found is None else bounds_of(found)
        if bounds is None:
            continue
        low, high = bounds
        verdict = "better than" if high < 1 else "worse than" if low > 1 else "not surely other than"
        yield f"The champion is {verdict} the {who}: its {loss} over the other's is {told(found)}."


CORRELATION = "quality when judged (offline) beside the nights that followed (online), over versions"
CORRELATION_COLUMNS = ("metric", "versions", "offline", "online", "gap", "spread of gap", "correlation")


def correlation_rows(kind: Kind, found: Sequence[Correlation]) -> Sequence[tuple[object, ...]]:
    return [
        (
            kind.metric(one.metric).title,
            one.versions,
            one.offline,
            one.online,
            f"{one.gap:+.3f}",
            one.spread,
            "-" if one.correlation is None else console.measured(one.correlation, one.low, one.high, ".2f"),
        )
        for one in found
    ]


def show_correlations(kind: Kind, found: Sequence[Correlation]) -> None:
    if found:
        console.out.print(console.table(CORRELATION, CORRELATION_COLUMNS, correlation_rows(kind, found)))


AGE_COLUMNS = ("age in occasions", "nights", "loss over that of a fresh version")


def age_rows(ages: Sequence[Age]) -> Sequence[tuple[object, ...]]:
    return [(f"{age.first} to {age.last}", age.nights, told(age.over_fresh)) for age in ages]


def show_ages(ages: Sequence[Age]) -> None:
    """Quality by age, and what follows for the schedule."""
    console.out.print(console.table("quality by age", AGE_COLUMNS, age_rows(ages)))
    console.out.print(follows(ages))


def ages_section(ages: Sequence[Age]) -> str:
    known = [(age, age.over_fresh) for age in ages if age.over_fresh is not None]
    points = [(float(n), found.value) for n, (_, found) in enumerate(known)]
    band = [bounds_of(found) or (found.value, found.value) for _, found in known]
    names = [(float(n), f"{age.first} to {age.last}") for n, (age, _) in enumerate(known)]
    line = plots.Line("loss over that of a fresh version", points, band)
    drawn = grid([plots.lines(line.name, [line], "age in occasions", "", names)])
    return section("Quality by age", said(follows(ages)), drawn, table(AGE_COLUMNS, age_rows(ages)))


def backtest_page(spec: ModelSpec, walked: Walked, ages: Sequence[Age] = ()) -> str:
    """HTML that opens offline."""
    plan = walked.plan
    parts = [
        said(
            f"Nights from {plan.first} to {plan.last}, as they would have been scored if the model had been "
            f"retrained: {plan.retrain}. {summary(walked)}. Nothing of this was published."
        )
    ]
    results = walked.results
    if not results.nights:
        return page(title_of(spec), [*parts, said(nobody(walked)), section("Trainings", steps_table(walked))])
    whole = table(whole_columns(spec.kind), [*whole_rows(spec.kind, results)])
    curves = grid(curve(spec.kind.metric(name), results) for name in spec.kind.headline)
    periods = (table(*period_table(spec.kind.metric(name), results)) for name in spec.kind.headline)
    return page(
        title_of(spec),
        [
            *parts,
            *(said(text) for text in conclusions(spec.kind, results)),
            section("Quality over time", curves, *periods),
            *([ages_section(ages)] if ages else []),
            section("The whole stretch", said(whole_title(results)), whole),
            section("Trainings", steps_table(walked)),
        ],
    )


def title_of(spec: ModelSpec) -> str:
    return f"Backtest of {spec.title}"


def steps_table(walked: Walked) -> str:
    return table(STEP_COLUMNS, [*step_rows(walked.steps)])


def curve(metric: Metric, results: Results) -> str:
    """A line for each predictor, a point for each period."""
    drawn = [
        plots.Line(
            who.value,
            [
                (float(n), period.metrics.get(who, {}).get(metric.name))
                for n, period in enumerate(results.periods)
            ],
        )
        for who in results.whole
    ]
    names = [(float(n), str(period.first)) for n, period in enumerate(results.periods)]
    better = f" ({metric.better} is better)" if metric.better else ""
    return plots.lines(f"{metric.title}{better}", drawn, "first night of the period", "", names)


def as_object(spec: ModelSpec, walked: Walked, ages: Sequence[Age] = ()) -> Mapping[str, Any]:
    """What `--json` prints."""
    results = walked.results
    return {
        "backtest": walked.name,
        "plan": walked.plan.model_dump(mode="json"),
        "measured_at": walked.measured_at.isoformat(),
        "nights": results.nights,
        "rows": results.rows,
        "whole": {who.value: _values(spec.kind, found) for who, found in results.whole.items()},
        "champion_over": {who.value: _bounds(found) for who, found in results.beside.items()},
        "periods": [
            {
                "first": str(period.first),
                "last": str(period.last),
                "rows": period.rows,
                "metrics": {who.value: dict(found) for who, found in period.metrics.items()},
            }
            for period in results.periods
        ],
        "ages": [
            {
                "first": age.first,
                "last": age.last,
                "nights": age.nights,
                "over_fresh": _bounds(age.over_fresh),
            }
            for age in ages
        ],
        "steps": [step.model_dump(mode="json", include=TOLD_OF_A_STEP) for step in walked.steps],
    }


def _values(kind: Kind, found: Mapping[str, Estimate]) -> Mapping[str, Any]:
    return {name: _bounds(one, kind.metric(name)) for name, one in found.items()}


def _bounds(found: Estimate | None, metric: Metric | None = None) -> Mapping[str, float | None] | None:
    if found is None:
        return None
    low, high = bounds_of(found, metric) or (None, None)
    return {"value": found.value, "low": low, "high": high}
