"""The card of a version: what it is for, what it was made of, how good it is, and who decided what.

One list of blocks, written as HTML with plots and as Markdown.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nightjar.core.kinds.curves import Curve
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.lifecycle.training_set import embargo
from nightjar.core.plurals import counted
from nightjar.showing import markdown, page, plots
from nightjar.showing.backtest import (
    bounds_of,
    conclusions,
    curve,
    told,
    whole_columns,
    whole_rows,
    whole_title,
)
from nightjar.showing.console import PREDICTORS, measured
from nightjar.showing.gates import next_step
from nightjar.usecases.lifecycle.facts import Facts, windows_told

MOST_WEIGHTS, MOST_SLICES = 20, 24


@dataclass(frozen=True, slots=True)
class Said:
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Plots as SVG."""

    plots: Sequence[str]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    blocks: Sequence[Said | Rows | Drawn]


def card_html(facts: Facts, limits: str) -> str:
    """HTML in one file. limits: of its use, in the words of the model's own page; empty if it says none."""
    parts = (
        page.section(section.title, *map(_as_html, section.blocks)) for section in sections(facts, limits)
    )
    return page.page(title_of(facts), [page.said(facts.spec.description), *parts])


def card_markdown(facts: Facts, limits: str) -> str:
    parts = [f"# {title_of(facts)}", facts.spec.description]
    for section in sections(facts, limits):
        parts += [f"## {section.title}", *filter(None, map(_as_markdown, section.blocks))]
    return "\n\n".join(parts) + "\n"


def title_of(facts: Facts) -> str:
    return f"{facts.spec.title}: version {facts.version.number}"


def sections(facts: Facts, limits: str) -> Iterator[Section]:
    yield Section("Use and limits", [*_use(facts, limits)])
    yield Section("Verdict", [*_verdict(facts)])
    yield Section("Quality on unseen nights", [*_quality(facts)])
    yield Section("Slices", [*_slices(facts.evidence)])
    yield Section("What counts", [*_weights(facts.evidence)])
    yield Section("Published nights", [*_nights(facts)])
    yield Section("Backtest", [*_backtest(facts)])
    yield Section("What it was made of", [*_made_of(facts)])


def _use(facts: Facts, limits: str) -> Iterator[Said]:
    spec = facts.spec
    yield Said(
        f"It scores each date of the schedule {spec.cron!r} in {spec.time_zone}, by what is known at "
        f"{spec.as_of_time:%H:%M} {counted(spec.horizon_days, 'day')} before."
    )
    yield Said(limits or "The page of the model (card.md) has no section Limits.")


def _verdict(facts: Facts) -> Iterator[Said | Rows]:
    version, judged = facts.version, facts.judged
    if judged.number != version.number:
        yield Said(
            f"It is version {judged.number}, fitted again on all that was known. Gates and figures are those "
            f"of version {judged.number}: no later night was left that could judge the refit."
        )
    if not judged.gates:
        yield Said("No gate was judged.")
    else:
        rows = [(gate.name, gate.verdict.value, gate.reason) for gate in judged.gates]
        yield Rows(("gate", "verdict", "why"), rows)
        if step := next_step(judged):
            yield Said(step)
    if not facts.ledger:
        yield Said("It never had a role.")
        return
    decided = [(f"{row.promoted_at:%Y-%m-%d %H:%M}", row.role, row.actor, row.reason) for row in facts.ledger]
    yield Rows(("since (UTC)", "role", "decided by", "why"), decided)


def _quality(facts: Facts) -> Iterator[Said | Rows | Drawn]:
    kind = facts.spec.kind
    columns = ("predictor", *(metric.title for metric in kind.judging))
    rows = [(name, *_metrics(facts, Of(of))) for of, name in PREDICTORS.items()]
    yield Rows(columns, [row for row in rows if any(value != "-" for value in row[1:])])
    evidence = facts.evidence
    if evidence is None:
        yield Said(
            "There is no evidence document, so no curve is drawn: the version is older, or its file is gone."
        )
        return
    losses = [
        (f"{one.beside}{'' if one.number is None else f', version {one.number}'}", one.rows, told(one.found))
        for one in evidence.comparisons
    ]
    loss = kind.metric(kind.loss.metric).title
    yield Rows(("beside", "rows that neither has seen", f"its {loss} over the other's"), losses)
    drawn = [*_curves(evidence.curves)]
    if evidence.confusion is not None:
        table = evidence.confusion
        drawn.append(
            plots.matrix("Confusion", table.names, table.counts, "class that it told", "what happened")
        )
    if drawn:
        yield Drawn(drawn)
    else:
        yield Said("Its evidence holds no curve: it was judged before curves were kept.")


def _metrics(facts: Facts, of: Of) -> Iterator[str]:
    for metric in facts.spec.kind.judging:
        value = facts.judged.metric(metric.name, of)
        low, high = facts.judged.interval(metric.name) if of is Of.VERSION else (None, None)
        yield "-" if value is None else measured(value, low, high)


def _curves(curves: Iterable[Curve]) -> Iterator[str]:
    by_plot = dict[str, list[Curve]]()
    for one in curves:
        by_plot.setdefault(one.plot, []).append(one)
    for title, of_plot in by_plot.items():
        lines = [plots.Line(one.name, one.points) for one in of_plot]
        yield plots.lines(title, lines, of_plot[0].x, of_plot[0].y)


def _slices(evidence: Evidence | None) -> Iterator[Said | Rows | Drawn]:
    if evidence is None or not (evidence.slices or evidence.slices_left_out):
        yield Said("The spec names no slice, or nothing was measured of them.")
        return
    if evidence.slices:
        beside = evidence.slices[0].beside
        rows = [(one.title, one.rows, told(one.found)) for one in evidence.slices]
        yield Drawn([plots.bars(f"Loss over that of the {beside}", [*_slice_bars(evidence)], reference=1.0)])
        yield Rows(("slice", "rows", f"its loss over that of the {beside}"), rows)
    if evidence.slices_left_out:
        yield Said(f"Too few rows to be judged: {', '.join(evidence.slices_left_out)}.")


def _slice_bars(evidence: Evidence) -> Iterator[plots.Bar]:
    known = [(one.title, one.found) for one in evidence.slices if one.found is not None]
    for title, found in sorted(known, key=lambda each: -each[1].value)[:MOST_SLICES]:
        low, high = bounds_of(found) or (None, None)
        yield plots.Bar(title, found.value, low, high)


def _weights(evidence: Evidence | None) -> Iterator[Said | Rows | Drawn]:
    if evidence is None or not evidence.weights:
        yield Said("The learner does not say what each input adds, or it was not asked when it was judged.")
        return
    shown = evidence.weights[:MOST_WEIGHTS]
    yield Drawn(
        [
            plots.bars(
                "Share of what all inputs add to the raw score",
                [plots.Bar(one.input, one.share) for one in shown],
            )
        ]
    )
    yield Rows(("input", "share"), [(one.input, f"{one.share:.1%}") for one in evidence.weights])


def _nights(facts: Facts) -> Iterator[Said | Rows | Drawn]:
    if not facts.nights:
        yield Said("No night that it scored has been measured.")
        return
    kind, nights = facts.spec.kind, facts.nights
    yield Said(
        f"{counted(len(nights), 'night')}, {nights[0].score_date} to {nights[-1].score_date}, "
        "measured by what happened."
    )
    yield Drawn([_nightly(kind, name, facts) for name in kind.headline])


def _nightly(kind: Kind, name: str, facts: Facts) -> str:
    metric = kind.metric(name)
    points = [(float(n), night.metrics.get(name)) for n, night in enumerate(facts.nights)]
    names = [(float(n), str(night.score_date)) for n, night in enumerate(facts.nights)]
    return plots.lines(
        f"{metric.title} of each night", [plots.Line(metric.title, points)], "night", "", names
    )


def _backtest(facts: Facts) -> Iterator[Said | Rows | Drawn]:
    if facts.backtest is None or not facts.backtest[1].nights:
        yield Said("There is no backtest of this model in which a version scored.")
        return
    plan, results = facts.backtest
    kind = facts.spec.kind
    yield Said(
        f"Of versions of this model, not of this one alone. Retrained: {plan.retrain}, "
        f"from {plan.first} to {plan.last}."
    )
    yield Drawn([curve(kind.metric(name), results) for name in kind.headline])
    yield Said(whole_title(results) + ".")
    yield Rows(whole_columns(kind), [*whole_rows(kind, results)])
    for text in conclusions(kind, results):
        yield Said(text)


def _made_of(facts: Facts) -> Iterator[Said | Rows]:
    version = facts.version
    if windows := windows_told(version):
        yield Rows(("used to", "first date", "last date", "rows"), windows)
        yield Said(f"Days left out between them: {embargo(facts.spec).days}.")
    else:
        yield Said("It has no record of its windows: it is of before records.")
    yield Rows(("what", "value"), [*_identity(facts)])
    if version.params:
        rows = [(name, str(value)) for name, value in sorted(version.params.items())]
        yield Rows(("parameter", "value"), rows)
    if version.record is not None:
        around = version.record.surroundings
        for columns, found in (
            (("library", "version"), around.libraries),
            (("threads of", "number"), around.threads),
            (("feature table", "hash of its recipe"), around.features),
            (("file of its code", "sha256"), around.code),
        ):
            if found:
                yield Rows(columns, [(name, str(value)) for name, value in found.items()])


def _identity(facts: Facts) -> Iterator[tuple[str, str]]:
    version, dataset, record = facts.version, facts.dataset, facts.version.record
    yield "kind", version.kind
    yield "algorithm", version.algorithm
    yield "trained through", str(version.trained_through)
    yield "registered (UTC)", f"{version.created_at:%Y-%m-%d %H:%M}"
    yield "code", version.code_version
    yield "sha256 of the model", version.artifact_sha256
    if dataset is not None:
        yield "dataset", f"{counted(dataset.rows, 'row')}, {dataset.first_date} to {dataset.last_date}"
        yield "outcomes known by (UTC)", f"{dataset.known_at:%Y-%m-%d %H:%M}"
        yield "sha256 of the dataset", dataset.sha256
    if version.evidence_sha256:
        yield "sha256 of the evidence", version.evidence_sha256
    if record is not None:
        yield "seed", str(record.seed)


def _as_html(block: Said | Rows | Drawn) -> str:
    match block:
        case Said(text):
            return page.said(text)
        case Rows(columns, rows):
            return page.table(columns, rows)
        case Drawn(drawn):
            return page.plots(drawn)


def _as_markdown(block: Said | Rows | Drawn) -> str:
    """Plots are in the page alone."""
    match block:
        case Said(text):
            return markdown.literal(text)
        case Rows(columns, rows):
            return markdown.table(columns, rows)
        case Drawn():
            return ""
