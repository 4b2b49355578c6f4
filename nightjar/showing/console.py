"""Show progress bars and tables in a terminal."""

import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import partial
from typing import IO, TYPE_CHECKING, cast

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from nightjar.core.platform.log_lines import rendered
from nightjar.core.plurals import counted, days_told
from nightjar.showing.gates import next_step
from nightjar.showing.remedies import told
from nightjar.wiring.json_lines import spoken_as_json

if TYPE_CHECKING:
    from nightjar.core.errors.base import NightjarError
    from nightjar.core.inputs.refusals import Refusal
    from nightjar.core.kinds.metrics import Metric
    from nightjar.core.lifecycle.evidence import LearnerLoss
    from nightjar.core.model.entities import Version
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.monitoring.arms import ArmMetric
    from nightjar.core.monitoring.entities import ColumnDrift, Measurement
    from nightjar.core.monitoring.outcome_guard import OutcomeCheck
    from nightjar.core.night.entities import NightSummary
    from nightjar.core.night.plan import Planned
    from nightjar.core.ports.progress import Advance
    from nightjar.core.upkeep.retention import Pruned
    from nightjar.usecases.data.features import TablePlan
    from nightjar.usecases.lifecycle.retrain import RetrainSummary
    from nightjar.usecases.monitoring.challenge import Standing
    from nightjar.usecases.scoring.backfill import BackfillSummary
    from nightjar.usecases.scoring.repair import LateNight
    from nightjar.wiring.platform import Platform

WIDTH_WITHOUT_TERMINAL = 100_000
"""Width of output without a terminal: each table row is one line, so that it can be searched for."""


class Stream:
    """The stdout or stderr that is current at the moment of writing.

    Without a terminal, lines have no trailing spaces.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def write(self, text: str) -> int:
        return getattr(sys, self._name).write(re.sub(r"[ ]+$", "", text, flags=re.MULTILINE))

    def flush(self) -> None:
        getattr(sys, self._name).flush()


AsWritten = partial(Console, highlight=False, markup=False, emoji=False)
"""A console that shows the text of others: brackets as brackets, and `:id:` of a key as it is."""


def made(*, stderr: bool) -> Console:
    console = AsWritten(stderr=stderr, soft_wrap=True)
    if console.is_terminal:
        return console
    stream = cast("IO[str]", Stream("stderr" if stderr else "stdout"))
    return AsWritten(file=stream, soft_wrap=True, width=WIDTH_WITHOUT_TERMINAL)


out, err = made(stderr=False), made(stderr=True)


def notice(text: str, *, level: str = "info", **fields: object) -> None:
    """Report an action of a service: a line on stdout, or an object in its log with level and fields."""
    if spoken_as_json():
        log(text, level, fields)
    else:
        out.print(plain(text))


def tell_error(error: "NightjarError") -> None:
    """Show an expected error on stderr."""
    text = told(error)
    if spoken_as_json():
        log(
            text,
            "error",
            {"error": type(error).__name__, "exit_code": error.exit_code, "runbook": error.runbook},
        )
    else:
        err.print(headed("error:", "bold red", text))


def log(event: str, level: str, fields: Mapping[str, object]) -> None:
    sys.stderr.write(
        rendered(event, at=datetime.now(UTC), level=level, logger="nightjar", fields=fields) + "\n"
    )
    sys.stderr.flush()


def worded(what: str, total: int) -> str:
    """What is counted, for a number: its first word is the plural of what is one step."""
    first, _, rest = what.partition(" ")
    return what if total != 1 else f"{first.removesuffix('s')} {rest}".strip()


@contextmanager
def bar(what: str, total: int) -> "Iterator[Advance]":
    """Show a progress bar on stderr, and one line at its end. Without a terminal, show only that line."""
    if not err.is_terminal:
        started = time.monotonic()
        yield lambda steps=1: None  # noqa: ARG005  # nobody watches the single steps
        err.print(f"  {total} {worded(what, total)} in {time.monotonic() - started:.1f} s")
        return
    columns = (
        TextColumn("  {task.description:<36}"),
        BarColumn(bar_width=32),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err) as progress:
        task = progress.add_task(what, total=total)
        yield lambda steps=1: progress.advance(task, steps)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a spinner on stderr during some work. Without a terminal, show one line."""
    if not err.is_terminal:
        err.print(f"  {what}")
        yield
        return
    with err.status(what):
        yield


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table with numbers aligned right and text aligned left."""
    drawn = Table(
        title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for n, column in enumerate(columns):
        numeric = bool(rows) and all(isinstance(row[n], int | float) or row[n] is None for row in rows)
        drawn.add_column(column, justify="right" if numeric else "left", header_style="dim", overflow="fold")
    for row in rows:
        drawn.add_row(*(cell(value) for value in row))
    return drawn


def cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else plain(str(value))


def measured(value: float, low: float | None, high: float | None, form: str = ".3f") -> str:
    """A number with its interval, where that is known. form: of each number."""
    interval = "" if low is None or high is None else f" ({low:{form}} to {high:{form}})"
    return f"{value:{form}}{interval}"


NIGHT_COLUMNS = (
    "score date",
    "rows",
    "scored",
    "quarantined",
    "mean score",
    "version",
    "run",
    "what happened",
)


def night_row(night: "NightSummary") -> tuple[object, ...]:
    """A night in NIGHT_COLUMNS. `run` names the revision if it is not the first."""
    run = f"{night.run_id}" if night.revision == 1 else f"{night.run_id} (revision {night.revision})"
    kept = f", {night.carried} scores kept" if night.carried else ""
    kept += f", {night.by_challenger} by the challenger" if night.by_challenger else ""
    parts = f"{night.parts_done_now} of {counted(night.parts, 'part')}"
    now = f"published: {parts} now{kept}, {night.seconds:.1f} s"
    lacks = [f"no {lack.partition(':')[0]}" for lack in night.lacks]
    lacks += [unshadowed(night)] if night.without_challenger else []
    happened = "; ".join(["published already" if night.already_published else now, *lacks])
    return (
        str(night.score_date),
        night.population,
        night.scored,
        night.quarantined,
        night.mean_score,
        night.version_number,
        run,
        happened,
    )


REPORT_FAILED = "runbooks/report-failed.md"
CHALLENGER_FAILED = "runbooks/challenger-failed.md"
CANARY_STOPPED = "runbooks/canary-stopped.md"

LATE_COLUMNS = ("score date", "run", "changed", "new", "gone", "for instance", "by what was recorded (UTC)")


def late_row(night: "LateNight") -> tuple[object, ...]:
    """A night that late data touches, in LATE_COLUMNS.

    The row has the counts of entities by result, and the late raw data.
    """
    touched = night.touched
    instance = next(iter((*touched.changed, *touched.added, *touched.removed)))
    late = ", ".join(f"{name} {instant:%Y-%m-%d %H:%M}" for name, instant in night.late.items())
    return (
        str(night.run.score_date),
        night.run.id,
        len(touched.changed),
        len(touched.added),
        len(touched.removed),
        instance,
        late,
    )


REFUSAL_COLUMNS = ("dataset", "day", "recorded (UTC)", "set aside (UTC)", "what is wrong")


def refusal_row(refusal: "Refusal") -> tuple[str, ...]:
    """A row in REFUSAL_COLUMNS for a delivery that is set aside."""
    instants = (f"{instant:%Y-%m-%d %H:%M}" for instant in (refusal.recorded_at, refusal.refused_at))
    where = f"column {refusal.column}: " if refusal.column else ""
    return refusal.dataset, refusal.about, *instants, where + refusal.problem


HELD_COLUMNS = ("dataset", "day", "recorded (UTC)", "what stands against it")


def held_row(check: "OutcomeCheck") -> tuple[str, ...]:
    """A day of outcomes that is held or doubted, in HELD_COLUMNS."""
    recorded = f"{check.recorded_at:%Y-%m-%d %H:%M}"
    return check.dataset, str(check.day), recorded, check.told


def show_numbered(title: str, texts: Iterable[str]) -> None:
    out.print(title, style="bold")
    for place, text in enumerate(texts, start=1):
        out.print(plain(f"{place}. {text}"))


def show_findings(check: "OutcomeCheck") -> None:
    """Show all that stands against a day of outcomes, with the numbers."""
    from nightjar.core.monitoring.outcome_guard import rate_told

    dataset, day, recorded, _ = held_row(check)
    show_numbered(
        f"findings of {dataset} {day}, recorded {recorded} (UTC)", [each.lines for each in check.findings]
    )
    out.print(rate_told(check.rate))


def show_undecided(checks: "Sequence[OutcomeCheck]") -> None:
    """Show the days of outcomes that are held, and those that are doubted. Without any, show nothing."""
    held = [tuple(map(plain, held_row(check))) for check in checks if not check.counts]
    doubted = [tuple(map(plain, held_row(check))) for check in checks if check.counts]
    if held:
        out.print(table("outcomes that are held: nothing reads them", HELD_COLUMNS, held))
        out.print("decide: nightjar outcomes accept or refuse DAY --reason ... (runbooks/outcomes-held.md)")
    if doubted:
        out.print(table("outcomes that are doubted: they count", HELD_COLUMNS, doubted))
        out.print("accept: nightjar outcomes accept DAY --reason ..., or land a right file of the day")
    if checks:
        out.print("all findings with their numbers: nightjar outcomes findings DAY")


def show_unchecked(days: "Sequence[date]") -> None:
    """Say which days of outcomes nothing has checked yet. Without any, show nothing."""
    if days:
        of = f"{counted(len(days), 'day')} of outcomes ({days_told(days[0], days[-1])})"
        out.print(f"not checked yet: {of}; the next run checks what has landed")


def show_refusals(refusals: "Sequence[Refusal]") -> None:
    """Show the deliveries that are set aside. Without any, show nothing."""
    if refusals:
        out.print(
            table(
                "deliveries set aside",
                REFUSAL_COLUMNS,
                [tuple(map(plain, refusal_row(refusal))) for refusal in refusals],
            )
        )


def show_kept(refusals: "Iterable[Refusal]") -> None:
    """Show where the bytes of deliveries set aside are kept, and what to do about each delivery."""
    for refusal in refusals:
        out.print(plain(f"{refusal.dataset} {refusal.about}: {refusal.remedy}"))
        out.print(plain(f"  delivered: {refusal.file}"))
        out.print(plain(f"  copy:      {refusal.kept or 'none, it could not be read'}"))


def rebuilds_told(plans: "Sequence[TablePlan]") -> str:
    """The feature tables that the next build makes anew, in one sentence. Empty if there is none."""
    names = ", ".join(f"{plan.table.name} ({counted(len(plan.days), 'day')})" for plan in plans)
    return f"the code of feature tables changed, and the next build makes them anew: {names}" if plans else ""


def show_rebuilds(plans: "Sequence[TablePlan]") -> None:
    """Show what `rebuilds_told` says. Without any, show nothing."""
    if plans:
        out.print(plain(rebuilds_told(plans)))


PLAN_COLUMNS = ("score date", "now", "would be", "why it failed")


def show_plan(spec: "ModelSpec", nights: "Sequence[Planned]") -> None:
    """Show the action of a backfill for each night, in the order of the plan."""
    out.print(table(spec.name, PLAN_COLUMNS, [tuple(map(plain, plan_row(night))) for night in nights]))
    out.print(f"{sum(night.wanted for night in nights)} of {counted(len(nights), 'night')} would be scored")


def plan_row(night: "Planned") -> tuple[str, ...]:
    """A night in PLAN_COLUMNS."""
    again = (
        "scored again, a new revision"
        if night.force
        else "scored again where that changes it"
        if night.repair
        else "scored"
    )
    intent = again if night.wanted else "left as it is"
    return str(night.score_date), night.stage.value, intent, night.error or ""


def show_backfill(spec: "ModelSpec", summary: "BackfillSummary") -> None:
    """Show each night that was scored, and the counts."""
    if summary.nights:
        show_nights(spec.name, summary.nights)
    out.print(f"{spec.name}: {summary}")


def show_nights(title: str, nights: "Sequence[NightSummary]") -> None:
    """Show each night, and below the table the steps that failed, with the reasons."""
    out.print(table(title, NIGHT_COLUMNS, [night_row(night) for night in nights]))
    for night in nights:
        if night.without_challenger:
            lacks = f"{unshadowed(night)} ({CHALLENGER_FAILED})"
            err.print(headed(f"{night.score_date}:", "bold yellow", lacks))
        show_lacks(night.model, night.score_date, night.lacks)


CHALLENGER_COLUMNS = (
    "challenger",
    "champion",
    "nights",
    "mean gain",
    "low",
    "high",
    "e-value",
    "needed",
    "against",
)


def challenger_row(standing: "Standing") -> tuple[object, ...]:
    """A challenger beside the champion in CHALLENGER_COLUMNS."""
    found = standing.evidence
    numbers = [found.gain, found.low, found.high, found.better, found.needed, found.worse]
    return (
        standing.challenger.number,
        standing.champion.number,
        found.nights,
        *(f"{number:.4g}" for number in numbers),
    )


def challenger_told(standing: "Standing") -> str:
    """Say in one sentence what the nights say, and what follows."""
    from nightjar.core.monitoring.challenge import Step

    found, version = standing.evidence, f"version {standing.challenger.number}"
    more = "" if found.more_nights is None else f"; about {found.more_nights} more nights like these decide"
    said = f"{version} against version {standing.champion.number}: {found.finding.value}{more}"
    if share := standing.serving.share:
        nights = counted(standing.serving.nights, "night")
        said += f". It serves {share:.3g} of the entities, measured in {nights}"
    number = standing.challenger.number
    gates = " --despite-gates" if standing.failed_gates else ""
    match standing.step:
        case Step.ASK if standing.next_share is not None:
            ask = f"nightjar share {number} {standing.next_share:.3g}"
            said += f'. It waits for a person: {ask}{gates} --reason "..."'
        case Step.ASK:
            said += f'. It waits for a person: nightjar promote {number}{gates} --reason "..."'
        case Step.SERVE:
            said += f". Next it serves {standing.next_share:.3g} of the entities"
        case Step.STOP | Step.WITHDRAW if share:
            said += f". The nights in which it served say that it is worse: it stops ({CANARY_STOPPED})"
        case _:
            pass
    return said


def show_challenger(standing: "Standing | None") -> None:
    """Show the comparison of challenger and champion. Nothing without a challenger."""
    if standing is None:
        return
    out.print(table("challenger", CHALLENGER_COLUMNS, [challenger_row(standing)]))
    out.print(plain(challenger_told(standing)))


ARM_COLUMNS = ("metric", "nights", "champion's rows", "challenger's rows", "champion minus challenger")


def show_arms(found: "Iterable[ArmMetric]") -> None:
    """Show what each version did on the rows that it served. Nothing if the challenger served none."""
    rows = [
        (
            each.metric.title,
            each.nights,
            *(
                measured(one.mean, one.low, one.high, ".4g")
                for one in (each.champion, each.challenger, each.gain)
            ),
        )
        for each in found
    ]
    if rows:
        out.print(table("each version on the rows that it served", ARM_COLUMNS, rows))


def unshadowed(night: "NightSummary") -> str:
    """Say how many rows lack the challenger's score."""
    return f"the challenger gave no score for {night.without_challenger} of {counted(night.scored, 'row')}"


def show_lacks(model: str, score_date: date, lacks: "Sequence[str]") -> None:
    """Show the steps after a publication that failed. `nightjar monitor` does them later."""
    for lack in lacks:
        err.print(headed(f"{score_date}:", "bold yellow", f"published without its {lack}"))
    if lacks:
        err.print(f"`nightjar monitor --model {model}` tries it again ({REPORT_FAILED})")


def plain(text: str) -> str:
    """Text whose characters that a terminal would obey or hide are written out."""
    return "".join(
        letter if letter.isprintable() or letter == "\n" else ascii(letter)[1:-1] for letter in text
    )


def headed(head: str, style: str, text: str) -> Text:
    """A line that begins with a word in a style."""
    return Text.assemble((head, style), " ", plain(text))


PREDICTORS = {
    "version": "this version",
    "baseline": "baseline",
    "constant": "constant predictor",
    "champion": "reigning champion",
}
"""Their names in this table. The gates show the version's numbers beside the champion."""


def judging(version: "Version") -> "tuple[Metric, ...]":
    from nightjar.core.kinds import kind_of

    return kind_of(version.kind, version.classes).judging


def training_columns(version: "Version") -> tuple[str, ...]:
    return "predictor", *(metric.title for metric in judging(version))


def training_rows(version: "Version") -> list[tuple[object, ...]]:
    """The rows in training_columns: each predictor that was measured beside the version."""
    from nightjar.core.kinds.metrics import Of

    rows = [
        (told, [version.metric(metric.name, Of(of)) for metric in judging(version)])
        for of, told in PREDICTORS.items()
    ]
    bounds = [version.interval(metric.name) for metric in judging(version)]
    ends = [
        (f"this version, {end} of 95%", [both[n] for both in bounds]) for n, end in enumerate(("low", "high"))
    ]
    return [
        (told, *values)
        for told, values in (*rows[:1], *ends, *rows[1:])
        if any(value is not None for value in values)
    ]


def refit_told(version: "Version") -> str:
    """Which version it is the refit of, and on which rows; nothing for one that was judged itself."""
    if version.refit_of is None:
        return ""
    rows = version.record.windows["fitted"] if version.record else None
    told = f": {rows.first} to {rows.last}, {counted(rows.rows, 'row')}" if rows else ""
    return (
        f"{version.model} version {version.number} is version {version.refit_of}, fitted anew on all that is "
        f"known{told}"
    )


LEARNERS = "learners on the days that choose, the simplest first"
LEARNER_COLUMNS = ("learner", "loss", "over the best", "interval")


def learner_row(one: "LearnerLoss") -> tuple[object, ...]:
    """A row in LEARNER_COLUMNS."""
    over = one.over_best
    if over is None or over.error is None:
        return one.learner, one.loss, None if over is None else over.value, ""
    low, high = over.shown
    return one.learner, one.loss, over.value, f"{low:.3f} to {high:.3f}"


FIGURES = "what it predicts for unseen days beside what happened, by score"


def show_training(summary: "RetrainSummary") -> None:
    """Show a version's metrics on unseen days beside those of three others.

    The others are the baseline, the constant predictor and the current champion.
    """
    version, judged = summary.version, summary.judged
    out.print(
        table(
            f"{judged.model} version {judged.number} on unseen days",
            training_columns(judged),
            training_rows(judged),
        )
    )
    if summary.figures.rows:
        out.print(table(FIGURES, summary.figures.columns, summary.figures.rows))
    if summary.learners:
        out.print(table(LEARNERS, LEARNER_COLUMNS, [learner_row(one) for one in summary.learners]))
    out.print(
        table(
            "gates",
            ("gate", "verdict", "why"),
            [(gate.name, gate.verdict.value, gate.reason) for gate in judged.gates],
        )
    )
    for reason, rows in summary.left_out.items():
        if rows:
            out.print(f"left out: {rows:,} {reason}")
    if told := refit_told(version):
        out.print(told)
    out.print(f"{version.model} version {version.number}: {summary.decision}")
    if step := next_step(judged):
        out.print(step)


def performance_columns(spec: "ModelSpec") -> tuple[str, ...]:
    return "score date", "rows", "with outcome", *(metric.title for metric in spec.nightly)


def performance_row(spec: "ModelSpec", night: "Measurement") -> tuple[object, ...]:
    """A night in performance_columns."""
    return (
        str(night.score_date),
        night.rows,
        night.with_outcome,
        *(night.metrics.get(metric.name) for metric in spec.nightly),
    )


def show_performance(spec: "ModelSpec", nights: "Sequence[Measurement]") -> None:
    rows = [performance_row(spec, night) for night in nights]
    out.print(table("published nights against what happened", performance_columns(spec), rows))


def trailing_columns(spec: "ModelSpec") -> tuple[str, ...]:
    return "occasions", "nights", "whose", "slice", "with outcome", *(metric.title for metric in spec.nightly)


def trailing_rows(spec: "ModelSpec", windows: "Sequence[Measurement]") -> list[tuple[object, ...]]:
    """Windows in trailing_columns: each number with its interval."""
    ordered = sorted(windows, key=lambda each: (each.occasions, each.slice, each.slice_value, each.role))
    return [
        (
            window.occasions,
            window.nights,
            window.role.value,
            f"{window.slice} {window.slice_value}".strip() or "all",
            f"{window.with_outcome} of {window.rows}",
            *(with_interval(window, metric.name) for metric in spec.nightly),
        )
        for window in ordered
    ]


def with_interval(window: "Measurement", metric: str) -> str | None:
    """A number and its interval. None where it is not defined."""
    value, bounds = window.metrics.get(metric), window.intervals.get(metric, (None, None))
    return None if value is None else measured(value, *bounds, ".4g")


def show_trailing(spec: "ModelSpec", windows: "Sequence[Measurement]") -> None:
    """Show the windows that end with the newest night. Nothing while there are too few nights."""
    if windows:
        title = f"nights that trail to {windows[0].score_date}, interval of 95% over nights"
        out.print(table(title, trailing_columns(spec), trailing_rows(spec, windows)))


DRIFT_COLUMNS = ("column", "verdict", "measure", "distance", "limit", "PSI", "missing", "in training", "note")


def drift_row(column: "ColumnDrift") -> tuple[object, ...]:
    """A row in DRIFT_COLUMNS for a column. `missing` and `in training` are shares of missing values."""
    from nightjar.core.monitoring.drift import verdict

    shares = (f"{share:.1%}" for share in (column.null_share, column.reference_null_share))
    return (
        column.column,
        verdict(column),
        column.measure or column.method,
        column.value,
        column.threshold,
        column.psi,
        *shares,
        column.note or "",
    )


def show_pruned(pruned: "Pruned") -> None:
    """Show what was or would be removed, and what was kept because another process uses it."""
    rows = [(holding.kind, holding.count, size(holding.bytes)) for holding in pruned.holdings]
    out.print(
        table("removed" if pruned.applied else "would be removed", ("what", "how many", "size"), rows)
        if rows
        else "nothing to remove"
    )
    for name in pruned.busy:
        err.print(f"{name}: somebody is at it, so it was left as it is; the next time does it")
    if rows and not pruned.applied:
        out.print("nothing was changed; `nightjar prune --apply` does it")


def size(count: int) -> str:
    """A number of bytes in readable units. An item without bytes of its own gets a dash."""
    return decimal(count) if count else "-"


def show_where(platform: "Platform") -> None:
    """Show the places where a person can look next."""
    out.print(
        'table:   uv run nightjar db psql -c "SELECT * FROM scores LIMIT 5"   (or any client: uv run '
        "nightjar db url --role analyst)"
    )
    out.print('reports: uv run nightjar db psql -c "SELECT * FROM reports"')
    out.print(f"UI:      uv run nightjar up, then http://127.0.0.1:{platform.settings.prefect_port}")
