"""The drift report is one HTML file that needs no network.

Our own decisions are at the top. Evidently's charts are below. Evidently takes seconds to import and a long
time to draw, so only the call that draws imports it.
"""

import math
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from nightjar.core.comparison.profile import compared_columns
from nightjar.core.model.categories import spelled
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run

SAMPLE_ROWS = 50_000
LESS_THAN = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
STYLE = """
#nightjar {font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff}
#nightjar {max-width: 1100px; margin: 0 auto; padding: 24px}
#nightjar table {border-collapse: collapse; width: 100%; margin: 12px 0}
#nightjar th, #nightjar td {border-bottom: 1px solid #ddd; padding: 4px 8px; text-align: left}
#nightjar td {font-variant-numeric: tabular-nums}
#nightjar .drifted td:first-child {border-left: 4px solid #b3261e; font-weight: 600}
"""
EXPLANATION = """The table is what the platform decided: PSI of each column against the training sample,
with a threshold that allows for the size of the night and for how far ordinary training nights lie apart,
and the share of missing values."""
CHARTS = """Below, Evidently draws the same columns and applies its own tests, as a second opinion:
they raise more alarms on clean data and do not notice missing values."""


class EvidentlyReportWriter:
    """Implements ports.ReportWriter."""

    def draw(
        self,
        spec: ModelSpec,
        run: Run,
        night: pl.DataFrame,
        reference: pl.DataFrame,
        columns: Sequence[ColumnDrift],
        into: Path,
    ) -> Sequence[ColumnDrift]:
        """Draw the page.

        night, reference: the model's inputs and `score`. At most 50,000 rows of each are drawn.
        The page names each column that cannot be drawn.
        """
        known = {column.column: column for column in columns}
        texts, numbers = compared_columns(spec)
        categorical = [name for name in texts if _drawable(night, name) and _drawable(reference, name)]
        numeric = [
            name
            for name in numbers
            if _drawable(night, name, number=True) and _drawable(reference, name, number=True)
        ]
        skipped = [name for name in (*texts, *numbers) if name not in (*categorical, *numeric)]
        heading = _heading(spec, run, night.height, columns, skipped)
        if not categorical and not numeric:
            into.write_text(_page(heading), encoding="utf-8")
            return tuple(_row(name, known, "none", note="nothing to draw") for name in skipped)
        drawn_night, drawn_reference = (
            _sample(frame, categorical, numeric, spec.seed) for frame in (night, reference)
        )
        page, found = _evidently(drawn_night, drawn_reference, categorical, numeric)
        into.write_text(page.replace("<body>", f"<body>{heading}", 1), encoding="utf-8")
        drawn = tuple(_row(name, known, **values) for name, values in found.items())
        return drawn + tuple(_row(name, known, "none", note="nothing to draw") for name in skipped)


def _drawable(frame: pl.DataFrame, name: str, *, number: bool = False) -> bool:
    if name not in frame.columns:
        return False
    column = frame[name]
    if not number:
        return column.null_count() < column.len() and not column.dtype.is_nested()
    return (column.dtype.is_numeric() or column.dtype == pl.Boolean) and bool(
        column.cast(pl.Float64).is_finite().any()
    )


def _sample(frame: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str], seed: int) -> Any:
    """Return a pandas frame, the only kind that Evidently accepts.

    Infinities are left out, because Evidently draws histograms. `<` is replaced, because Evidently writes
    categories unescaped into a script of the page.
    """
    rows = frame.select(
        *(_harmless(spelled(frame[name])).alias(name) for name in categorical),
        *(
            pl.when(pl.col(name).cast(pl.Float64).is_finite()).then(pl.col(name).cast(pl.Float64)).alias(name)
            for name in numeric
        ),
    )
    return (rows if rows.height <= SAMPLE_ROWS else rows.sample(SAMPLE_ROWS, seed=seed)).to_pandas()


def _harmless(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all("<", LESS_THAN, literal=True)


def _evidently(
    night: Any, reference: Any, categorical: Sequence[str], numeric: Sequence[str]
) -> tuple[str, Mapping[str, Mapping[str, Any]]]:
    """Return the page, and per column the method, its value, its threshold and whether its test failed."""
    with _quiet():
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  # 4 to 20 s
        from evidently.presets import DataDriftPreset  # noqa: PLC0415

        definition = DataDefinition(numerical_columns=list(numeric), categorical_columns=list(categorical))
        current, training = (Dataset.from_pandas(frame, definition) for frame in (night, reference))
        snapshot = Report([DataDriftPreset()], include_tests=True).run(current, training)
        content, page = snapshot.dict(), snapshot.get_html_str(as_iframe=False)
    failed = {test["metric_config"]["metric_id"] for test in content["tests"] if test["status"] == "FAIL"}
    return page, {
        metric["config"]["column"]: {
            "method": metric["config"]["method"],
            "value": float(metric["value"]) if math.isfinite(metric["value"]) else None,
            "threshold": metric["config"]["threshold"],
            "drifted": metric["id"] in failed,
        }
        for metric in content["metrics"]
        if "column" in metric["config"]
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Prevent Evidently's telemetry, and warnings about constant columns and its own dependencies."""
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _row(
    name: str,
    known: Mapping[str, ColumnDrift],
    method: str,
    value: float | None = None,
    threshold: float | None = None,
    *,
    drifted: bool = False,
    note: str | None = None,
) -> ColumnDrift:
    ours = known.get(name)
    return ColumnDrift(
        column=name,
        method=f"evidently:{method}",
        value=value,
        threshold=threshold,
        drifted=drifted,
        null_share=ours.null_share if ours else 1.0,
        reference_null_share=ours.reference_null_share if ours else 1.0,
        note=(ours.note if ours else None) or note,
    )


def _page(heading: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta '
        f'charset="UTF-8"><title>Drift</title></head><body>{heading}</body></html>\n'
    )


def _heading(
    spec: ModelSpec, run: Run, rows: int, columns: Sequence[ColumnDrift], skipped: Sequence[str]
) -> str:
    drifted = [column for column in columns if column.drifted]
    verdict = (
        f"{len(drifted)} of {len(columns)} columns drifted"
        if drifted
        else f"None of {len(columns)} columns drifted"
    )
    ordered = sorted(columns, key=lambda column: (not column.drifted, column.column))
    who = (
        f"run {run.id} (revision {run.revision}), scored by the version with id {run.version_id} as known "
        f"at {run.as_of:%Y-%m-%d %H:%M} UTC"
    )
    names = ("column", "PSI", "threshold", "drifted", "missing", "missing in training")
    parts = [
        f"<h1>{escape(spec.title)}: {run.score_date}</h1>",
        f"<p>Model {escape(run.model)}, score date {run.score_date}, {who}. {rows:,} rows.</p>",
        f"<h2>{verdict}</h2><p>{EXPLANATION}</p>",
        _notes(columns),
        f"<table><tr>{''.join(f'<th>{name}</th>' for name in names)}</tr>",
        f"{''.join(map(_table_row, ordered))}</table>",
        f"<p>Without a chart, for want of values on one side: {escape(', '.join(skipped))}.</p>"
        if skipped
        else "",
        f"<p>{CHARTS}</p>"
        if len(skipped) < sum(map(len, compared_columns(spec)))
        else "<p>No column has values on both sides, so there is nothing to chart.</p>",
    ]
    return f'<style>{STYLE}</style><section id="nightjar">{"".join(parts)}</section>'


def _notes(columns: Sequence[ColumnDrift]) -> str:
    said = [
        f"<li>column {escape(column.column)}: {escape(column.note)}</li>" for column in columns if column.note
    ]
    return f"<ul>{''.join(said)}</ul>" if said else ""


def _table_row(column: ColumnDrift) -> str:
    value, threshold = (
        "" if number is None else f"{number:.3f}" for number in (column.value, column.threshold)
    )
    cells = (
        column.column,
        value,
        threshold,
        "yes" if column.drifted else "no",
        f"{column.null_share:.1%}",
        f"{column.reference_null_share:.1%}",
    )
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr class="{"drifted" if column.drifted else ""}">{told}</tr>'
