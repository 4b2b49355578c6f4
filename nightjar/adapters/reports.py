"""The drift report is one HTML file that needs no network.

Our own decisions are at the top. Evidently's charts of the same columns are below, without its tests: a page
has one verdict. Evidently takes seconds to import and a long time to draw, so only the call that draws
imports it.
"""

import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

import polars as pl

from nightjar.core.comparison.profile import compared_columns
from nightjar.core.model.categories import spelled
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.drift import RATE, held_to_training, verdict
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.night.entities import Run

SAMPLE_ROWS = 5_000
"""At most so many rows of each side are drawn. Charts of more rows look the same."""
LESS_THAN = "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}"
STYLE = """
#nightjar {font: 15px/1.5 system-ui, sans-serif; color: #1b1b1b; background: #fff}
#nightjar {max-width: 1100px; margin: 0 auto; padding: 24px}
#nightjar .wide {overflow-x: auto}
#nightjar table {border-collapse: collapse; width: 100%; margin: 12px 0}
#nightjar th, #nightjar td {border-bottom: 1px solid #ddd; padding: 4px 8px; text-align: left}
#nightjar td {font-variant-numeric: tabular-nums; vertical-align: top}
#nightjar .drifted td:first-child {border-left: 4px solid #b3261e; font-weight: 600}
"""
EXPLANATION = f"""Each column is held to comparable past nights: the last ones of the same weekday, and
the last ones of any weekday. A column has drifted if ordinary nights reach its distance too rarely. All
columns of a night share one rate: of nights without drift, at most {RATE:.0%} are to have any alarm.
PSI says how far the column is from the training sample. It is information: a season moves it too."""
NAMES = (
    "column",
    "verdict",
    "measure",
    "distance",
    "usual",
    "limit",
    "PSI to training",
    "missing",
    "in training",
)


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
    ) -> None:
        """Draw the page.

        night, reference: the model's inputs and `score`. At most 5,000 rows of each are drawn, and the page
        says so. The page names each column that cannot be drawn.
        """
        sides = sides_of(spec, night, reference)
        heading = _heading(spec, run, columns, sides.skipped, _charts(sides) if sides else NOTHING_DRAWN)
        if not sides:
            into.write_text(_page(heading), encoding="utf-8")
            return
        page = values(sides).get_html_str(as_iframe=False)
        into.write_text(page.replace("<body>", f"<body>{heading}", 1), encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Sides:
    """The rows that Evidently sees, and of which columns. False if it would see none."""

    night: pl.DataFrame
    reference: pl.DataFrame
    categorical: Sequence[str]
    numeric: Sequence[str]
    skipped: Sequence[str]

    def __bool__(self) -> bool:
        return bool(self.categorical or self.numeric)


def sides_of(spec: ModelSpec, night: pl.DataFrame, reference: pl.DataFrame) -> Sides:
    """Sample both sides. Columns without a value on one side are skipped."""
    texts, numbers = compared_columns(spec)
    categorical = [name for name in texts if _drawable(night, name) and _drawable(reference, name)]
    numeric = [
        name
        for name in numbers
        if _drawable(night, name, number=True) and _drawable(reference, name, number=True)
    ]
    skipped = [name for name in (*texts, *numbers) if name not in (*categorical, *numeric)]
    now, then = (_sample(side, spec.seed) for side in (night, reference))
    return Sides(now, then, categorical, numeric, skipped)


NOTHING_DRAWN = "No column has values on both sides, so there is nothing to chart."


def _charts(sides: Sides) -> str:
    return (
        f"Below, Evidently draws the columns: a sample of {sides.night.height:,} rows of the night (current) "
        f"beside {sides.reference.height:,} rows of training (reference). The charts hold no verdict."
    )


def _drawable(frame: pl.DataFrame, name: str, *, number: bool = False) -> bool:
    if name not in frame.columns:
        return False
    column = frame[name]
    if not number:
        return column.null_count() < column.len() and not column.dtype.is_nested()
    return (column.dtype.is_numeric() or column.dtype == pl.Boolean) and bool(
        column.cast(pl.Float64).is_finite().any()
    )


def _sample(frame: pl.DataFrame, seed: int) -> pl.DataFrame:
    return frame if frame.height <= SAMPLE_ROWS else frame.sample(SAMPLE_ROWS, seed=seed)


def _pandas(frame: pl.DataFrame, categorical: Sequence[str], numeric: Sequence[str]) -> Any:
    """Return a pandas frame, the only kind that Evidently accepts.

    Infinities are left out, because Evidently draws histograms. `<` is replaced, because Evidently writes
    categories unescaped into a script of the page.
    """
    return frame.select(
        *(_harmless(spelled(frame[name])).alias(name) for name in categorical),
        *(
            pl.when(pl.col(name).cast(pl.Float64).is_finite()).then(pl.col(name).cast(pl.Float64)).alias(name)
            for name in numeric
        ),
    ).to_pandas()


def _harmless(texts: pl.Series) -> pl.Series:
    return texts.str.replace_all("<", LESS_THAN, literal=True)


def values(sides: Sides, name: str = "", at: datetime | None = None) -> Any:
    """Return Evidently's snapshot of the values of each column on both sides. It runs no test.

    name, at: of the snapshot, where Evidently's own UI lists it.
    """
    with quiet():
        from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415  # 4 to 20 s
        from evidently.presets import ValueStats  # noqa: PLC0415

        numeric, categorical = list(sides.numeric), list(sides.categorical)
        definition = DataDefinition(numerical_columns=numeric, categorical_columns=categorical)
        current, training = (
            Dataset.from_pandas(_pandas(frame, categorical, numeric), definition)
            for frame in (sides.night, sides.reference)
        )
        metrics = [ValueStats(column=column) for column in (*categorical, *numeric)]
        return Report(metrics, include_tests=False).run(current, training, timestamp=at, name=name or None)


@contextmanager
def quiet() -> Iterator[None]:
    """Prevent Evidently's telemetry, and warnings about constant columns and its own dependencies."""
    os.environ["DO_NOT_TRACK"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _page(heading: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta '
        f'charset="UTF-8"><title>Drift</title></head><body>{heading}</body></html>\n'
    )


def _heading(
    spec: ModelSpec, run: Run, columns: Sequence[ColumnDrift], skipped: Sequence[str], charts: str
) -> str:
    drifted = [column for column in columns if column.drifted]
    told = (
        f"{len(drifted)} of {len(columns)} columns drifted"
        if drifted
        else f"None of {len(columns)} columns drifted"
    )
    ordered = sorted(columns, key=lambda column: (not column.drifted, column.finding is None, column.column))
    who = (
        f"run {run.id} (revision {run.revision}), scored by the version with id {run.version_id} as known "
        f"at {run.as_of:%Y-%m-%d %H:%M} UTC"
    )
    scored = "" if run.population is None else f" {run.population.rows:,} rows in the population."
    parts = [
        f"<h1>{escape(spec.title)}: {run.score_date}</h1>",
        f"<p>Model {escape(run.model)}, score date {run.score_date}, {who}.{scored}</p>",
        f"<h2>{told}</h2>",
        _notes("Alarms", drifted),
        f"<p>{EXPLANATION}</p>",
        f"<p>{held}</p>" if (held := held_to_training(columns)) else "",
        f'<div class="wide"><table><tr>{"".join(f"<th>{name}</th>" for name in NAMES)}</tr>',
        f"{''.join(map(_table_row, ordered))}</table></div>",
        _notes("To know", [column for column in ordered if not column.drifted]),
        f"<p>Without a chart, for want of values on one side: {escape(', '.join(skipped))}.</p>"
        if skipped
        else "",
        f"<p>{charts}</p>",
    ]
    return f'<style>{STYLE}</style><section id="nightjar">{"".join(parts)}</section>'


def _notes(title: str, columns: Sequence[ColumnDrift]) -> str:
    said = [
        f"<li>column {escape(column.column)}: {escape(column.note)}</li>" for column in columns if column.note
    ]
    return f"<h3>{title}</h3><ul>{''.join(said)}</ul>" if said else ""


def _table_row(column: ColumnDrift) -> str:
    cells = (
        column.column,
        verdict(column),
        column.measure or column.method,
        *map(_number, (column.value, column.expected, column.threshold, column.psi)),
        f"{column.null_share:.1%}",
        f"{column.reference_null_share:.1%}",
    )
    told = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return f'<tr class="{"drifted" if column.drifted else ""}">{told}</tr>'


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
