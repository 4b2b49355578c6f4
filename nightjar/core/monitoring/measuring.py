"""Measure the rows of one published night: whole and by slices, champion and challenger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from nightjar.core.kinds.kind import finite
from nightjar.core.kinds.metrics import Metrics
from nightjar.core.kinds.row_errors import Errors, intervals, of_means
from nightjar.core.lifecycle.arms import BY_CHALLENGER, as_served, by_challenger
from nightjar.core.model.own_code import own_code
from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import Measurement, Role
from nightjar.core.night.entities import Run

MOST_VALUES = 50
"""Of a slice, the values with the most rows are measured. Others are in the whole night alone."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of a slice. least_rows: with an outcome, that are needed to show it."""

    slice: str
    value: str
    least_rows: int
    rows: pl.DataFrame


def inputs_read(spec: ModelSpec) -> frozenset[str]:
    """The inputs that slices and the model's own metrics read."""
    return frozenset[str]().union(*(each.reads for each in (*spec.slices, *spec.metrics)))


def measurements_of(
    spec: ModelSpec, run: Run, rows: pl.DataFrame, known_at: datetime
) -> Iterator[Measurement]:
    """All measurements of a night.

    rows: of the published run, with `score`, `outputs`, `challenger_score`, `challenger_outputs`, `arm`,
    `outcome` (null while unknown), and the inputs that are read. Without these (their population is gone)
    the night is measured whole, by the metrics of the kind. Raises CodeFailed.
    """
    whole = inputs_read(spec) <= {*rows.columns}
    # Keys are most of the bytes of a row, and each cut copies its rows. Cuts of sorted rows are sorted.
    needed = rows.drop({"entity_key"} - inputs_read(spec), strict=False).sort("score")
    for cut in cuts_of(needed, spec.slices if whole else ()):
        for role, scored in _roles(run, cut.rows):
            known = scored.drop_nulls("outcome")
            found, errors = _measured(spec, known, whole)
            yield Measurement(
                run_id=run.id,
                model=run.model,
                score_date=run.score_date,
                version_id=run.version_id,
                challenger_id=run.challenger_id,
                role=role,
                slice=cut.slice,
                slice_value=cut.value,
                supported=known.height >= cut.least_rows,
                rows=scored.height,
                with_outcome=known.height,
                metrics=found,
                intervals=intervals(iter(spec.nightly), found, errors, known.height),
                measured_at=known_at,
            )


def cuts_of(rows: pl.DataFrame, slices: Sequence[Slice]) -> Iterator[Cut]:
    """All rows, and the rows of the most frequent values of each slice, the most frequent first."""
    yield Cut("", "", 0, rows)
    for each in slices:
        values = rows.select(value=each.value()).to_series()
        counts = values.value_counts(name="rows").sort("rows", "value", descending=[True, False])
        parts = rows.with_columns(values.alias("value")).partition_by("value", as_dict=True)
        for value in counts["value"].head(MOST_VALUES):
            yield Cut(each.name, value, each.least_rows, parts[value,])


def _roles(run: Run, rows: pl.DataFrame) -> Iterator[tuple[Role, pl.DataFrame]]:
    """The rows as each role scored them."""
    yield Role.CHAMPION, as_served(rows)
    both = rows.drop_nulls("challenger_score")
    if run.challenger_id is not None:
        yield Role.BESIDE, both
        yield Role.CHALLENGER, by_challenger(both)
    if 0 < run.challenger_share < 1:
        yield Role.CHAMPION_ARM, both.filter(~BY_CHALLENGER)
        yield Role.CHALLENGER_ARM, by_challenger(both.filter(BY_CHALLENGER))


def _measured(spec: ModelSpec, rows: pl.DataFrame, whole: bool) -> tuple[Metrics, Errors]:
    found, errors = spec.kind.measure_with_errors(rows["score"], rows["outcome"], rows["outputs"])
    if whole and spec.metrics:
        own, own_errors = _own(spec, rows)
        found, errors = {**found, **own}, {**errors, **own_errors}
    return {metric.name: found.get(metric.name) for metric in spec.nightly}, errors


def _own(spec: ModelSpec, rows: pl.DataFrame) -> tuple[Metrics, Errors]:
    """The model's own metrics. Raises CodeFailed."""
    of_row = {metric.name: metric.of_row.cast(pl.Float64) for metric in spec.metrics}
    with own_code(spec.name, "metrics", spec.outcomes, f"for {rows.height} rows"):
        means = rows.select(each.mean().alias(name) for name, each in of_row.items()).row(0, named=True)
        return {name: finite(value) for name, value in means.items()}, of_means(rows, of_row)
