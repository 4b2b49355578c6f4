"""A run leaves tables in the Prefect UI. They have the values that the command line shows."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from prefect import get_run_logger
from prefect.artifacts import create_link_artifact

from flows.failures import fails_nothing
from flows.showing import show, slug
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.challenge import Step
from nightjar.core.monitoring.drift import held_to_training
from nightjar.core.monitoring.entities import ColumnDrift, Measurement
from nightjar.core.monitoring.outcome_guard import OutcomeCheck
from nightjar.core.night.entities import NightSummary, Run
from nightjar.core.night.plan import Planned
from nightjar.core.plurals import counted
from nightjar.showing.console import (
    CHALLENGER_COLUMNS,
    DRIFT_COLUMNS,
    FIGURES,
    HELD_COLUMNS,
    LATE_COLUMNS,
    NIGHT_COLUMNS,
    PLAN_COLUMNS,
    cell,
    challenger_row,
    challenger_told,
    drift_row,
    held_row,
    late_row,
    night_row,
    performance_columns,
    performance_row,
    plan_row,
    refit_told,
    trailing_columns,
    trailing_rows,
    training_columns,
    training_rows,
)
from nightjar.showing.gates import next_step
from nightjar.showing.remedies import told
from nightjar.usecases.lifecycle.retrain import RetrainSummary
from nightjar.usecases.monitoring.challenge import Standing
from nightjar.usecases.scoring.backfill import BackfillSummary
from nightjar.usecases.scoring.repair import LateNight

LACK_COLUMNS = ("score date", "published without its", "why")


def show_challenger(spec: ModelSpec, standing: Standing | None) -> None:
    """Show how the challenger does beside the champion, and what is asked of a person."""
    if standing is None:
        return
    says = f"{spec.name}: {challenger_told(standing)}"
    if standing.step is Step.ASK:
        get_run_logger().warning(says)
    elif standing.serving.share and standing.step in (Step.STOP, Step.WITHDRAW):
        get_run_logger().error(says)
    answer = f"Answer by a run of the deployment {spec.name}-promote, or with `nightjar promote`."
    notes = [answer] if standing.step is Step.ASK else []
    show(f"challenger-{spec.name}", says, CHALLENGER_COLUMNS, [challenger_row(standing)], notes=notes)


def show_night(night: NightSummary) -> None:
    """Show the night's summary as a table."""
    show(
        f"night-{night.model}",
        f"{night.model} {night.score_date}: run {night.run_id}, as of {night.as_of:%Y-%m-%d %H:%M} UTC, "
        f"version {night.version_number}. "
        "Analysts read it in `analytics.scores`; `nightjar status` shows it in a terminal.",
        ("what", "value"),
        [(name, cell(value)) for name, value in zip(NIGHT_COLUMNS, night_row(night), strict=True)],
        notes=[f"published without its {lack}" for lack in night.lacks],
    )


def show_drift(run: Run, columns: Sequence[ColumnDrift], report: Path | str | None) -> None:
    """Show each column's verdict as a table, drifted columns first, and the place of the report."""
    drifted = [column for column in columns if column.drifted]
    verdict = f"{len(drifted)} of {len(columns)} columns drifted" if drifted else "no column drifted"
    show(
        f"drift-{run.model}",
        f"{run.model} {run.score_date} beside comparable nights: {verdict}. " + report_told(report),
        DRIFT_COLUMNS,
        [drift_row(column) for column in sorted(columns, key=lambda column: not column.drifted)],
        notes=[held] if (held := held_to_training(columns)) else [],
    )
    if isinstance(report, str) and report.startswith(("http://", "https://")):
        create_link_artifact(
            key=f"drift-report-{slug(run.model)}",
            link=report,
            link_text=f"Drift report {run.model} {run.score_date}",
        )


def report_told(report: Path | str | None) -> str:
    """Name the report's place. A browser opens no file from a served page, so a path is not a link."""
    return "No report was drawn." if report is None else f"The report to open: `{report}`"


def show_version(summary: RetrainSummary) -> None:
    """Show the version, its metrics beside the baseline's, and the decision about it."""
    version = summary.version
    show(
        f"version-{version.model}",
        f"{version.model} version {version.number}: {summary.decision}",
        training_columns(version),
        training_rows(version),
        notes=[
            *filter(None, [refit_told(version)]),
            *(f"{gate.name}: {gate.verdict}: {gate.reason}" for gate in version.gates),
            *filter(None, [next_step(version)]),
        ],
    )


def show_figures(summary: RetrainSummary) -> None:
    """What a version predicts beside what happened, by bins of score."""
    version, figures = summary.judged, summary.figures
    show(
        f"calibration-{version.model}",
        f"{version.model} version {version.number}: {FIGURES}",
        figures.columns,
        figures.rows,
    )


def show_performance(spec: ModelSpec, nights: Sequence[Measurement], expected: Sequence[str] = ()) -> None:
    """Show one row for each night. expected: what is estimated of the newest one, in sentences."""
    says = f"{spec.name}: {len(nights)} published nights measured against what really happened"
    rows = [performance_row(spec, night) for night in nights]
    show(f"performance-{spec.name}", says, performance_columns(spec), rows, notes=expected)


def show_trailing(spec: ModelSpec, windows: Sequence[Measurement]) -> None:
    """Show the windows that end with the newest night. Nothing while there are too few nights."""
    if windows:
        says = f"{spec.name}: nights that trail to {windows[0].score_date}, interval of 95% over nights"
        show(f"trailing-{spec.name}", says, trailing_columns(spec), trailing_rows(spec, windows))


def show_held(spec: ModelSpec, held: Sequence[OutcomeCheck]) -> None:
    """Show and log the days of outcomes that wait for a person. Nothing without any."""
    for check in held:
        get_run_logger().error("outcomes are held: %s %s", check.dataset, check.day)
    if held:
        says = f"{spec.name}: outcomes that are held (runbooks/outcomes-held.md)"
        show(f"held-outcomes-{spec.name}", says, HELD_COLUMNS, [held_row(check) for check in held])


def show_lacks(model: str, nights: Mapping[date, Sequence[str]]) -> None:
    """Show which steps after a publication failed again, and why. Nothing without any."""
    if nights:
        says = f"{model}: what published nights lack, because it failed again (runbooks/report-failed.md)"
        rows = [(str(night), *lack.split(": ", 1)) for night, lacks in nights.items() for lack in lacks]
        show(f"lacks-{model}", says, LACK_COLUMNS, rows)


def show_plan(model: str, nights: Sequence[Planned]) -> None:
    """Show what a backfill would do with each night, in its order."""
    says = (
        f"{model}: {sum(night.wanted for night in nights)} of {counted(len(nights), 'night')} would be scored"
    )
    show(f"backfill-{model}", says, PLAN_COLUMNS, [plan_row(night) for night in nights])


def show_late(model: str, nights: Sequence[LateNight]) -> None:
    """Show the published nights that late data touches, and the late data."""
    says = f"{model}: late data touches {len(nights)} published nights"
    show(f"late-{model}", says, LATE_COLUMNS, [late_row(night) for night in nights])


def tell_backfill(model: str, summary: BackfillSummary) -> None:
    """Log each failure, and show the result of every night."""
    for failed in summary.failed:
        get_run_logger().error("%s: %s", failed.score_date, told(failed.error), exc_info=failed.error)
    with fails_nothing(f"showing what became of {model}'s nights"):
        show_backfill(model, summary)


def show_backfill(model: str, summary: BackfillSummary) -> None:
    """Show why each failed night failed, and one row for each published night."""
    failed = [f"{night.score_date}: {told(night.error)}" for night in (*summary.failed, *summary.stopped)]
    lacking = [
        f"{night.score_date}: published without its {lack}"
        for night in summary.nights
        for lack in night.lacks
    ]
    show(
        f"backfill-{model}",
        f"{model}: {summary}",
        NIGHT_COLUMNS,
        [night_row(night) for night in summary.nights],
        notes=failed + lacking,
    )
