"""How two versions differ: in what they were made of, what was measured, and their scores of one night."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, cast

import polars as pl

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.model.entities import Dataset, Version
from nightjar.core.values import Value

QUANTILES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0)
LARGEST = 10


class Change(Value):
    """A fact in which two versions differ. None: the version does not have it."""

    what: str
    first: str | None
    second: str | None


class Measured(Value):
    """A number that was measured of a version on unseen rows. low, high: its interval, where it is known."""

    value: float
    low: float | None = None
    high: float | None = None


class Beside(Value):
    """The same number of two versions. Each was measured on its own unseen rows."""

    what: str
    first: Measured | None
    second: Measured | None


class Move(Value):
    entity_key: str
    first: float
    second: float


class ScoreDifference(Value):
    """The second version's scores minus the first's, of the same rows.

    rows: those that both scored. quantiles: level -> difference. rank_correlation: Spearman's; None where
    either gives every row the same score. moves: the rows that differ most, at most LARGEST.
    """

    score_date: date
    run_id: int
    rows: int
    mean: float
    mean_absolute: float
    quantiles: Mapping[str, float]
    rank_correlation: float | None
    moves: tuple[Move, ...]


class VersionDifference(Value):
    """data, parameters, code: only what differs. metrics, slices: all that was measured of either."""

    model: str
    first: int
    second: int
    data: tuple[Change, ...]
    parameters: tuple[Change, ...]
    code: tuple[Change, ...]
    metrics: tuple[Beside, ...]
    slices: tuple[Beside, ...]
    scores: ScoreDifference | None = None


def changes(first: Mapping[str, Any], second: Mapping[str, Any]) -> tuple[Change, ...]:
    """The facts that differ, by name. Facts within facts have names with dots."""
    a, b = dict(_flat(first)), dict(_flat(second))
    return tuple(
        Change(what=name, first=a.get(name), second=b.get(name))
        for name in sorted({*a, *b})
        if a.get(name) != b.get(name)
    )


def _flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(cast("Mapping[str, Any]", value), f"{prefix}{name}.")
        elif value is not None:
            yield f"{prefix}{name}", str(value)


def data_of(version: Version, dataset: Dataset) -> Mapping[str, Any]:
    record = None if version.record is None else version.record.model_dump(mode="json")
    kept = {"sha256", "rows", "first_date", "last_date", "known_at"}
    return {
        "snapshot": dataset.model_dump(mode="json", include=kept),
        "trained through": version.trained_through,
        "windows": None if record is None else record["windows"],
        "refit of": version.refit_of,
    }


def parameters_of(version: Version) -> Mapping[str, Any]:
    """Without the windows of its rows, which are data."""
    fitted = {name: value for name, value in version.params.items() if name != "windows"}
    record = version.record
    of_spec = {} if record is None else {"seed": record.seed, "spec": record.params}
    return {"algorithm": version.algorithm, **of_spec, **fitted}


def code_of(version: Version) -> Mapping[str, Any]:
    if version.record is None:
        return {"commit": version.code_version}
    made = version.record.surroundings.model_dump(mode="json", exclude_none=True)
    return {"commit": version.code_version, **made}


def metrics_of(version: Version) -> Mapping[str, Measured]:
    return {
        row.metric: Measured(value=row.value, low=row.low, high=row.high)
        for row in version.metrics
        if row.of is Of.VERSION
    }


def slices_of(evidence: Evidence | None) -> Mapping[str, Measured]:
    """A slice -> the version's loss over that of whom it was judged beside, with its interval."""
    slices = () if evidence is None else evidence.slices
    return {
        f"{one.title}, over {one.beside}": _estimated(one.found) for one in slices if one.found is not None
    }


def _estimated(found: Estimate) -> Measured:
    low, high = found.shown if found.error is not None else (None, None)
    return Measured(value=found.value, low=low, high=high)


def beside(first: Mapping[str, Measured], second: Mapping[str, Measured]) -> tuple[Beside, ...]:
    names = dict.fromkeys((*first, *second))
    return tuple(Beside(what=name, first=first.get(name), second=second.get(name)) for name in names)


def score_difference(run_id: int, score_date: date, scores: pl.DataFrame) -> ScoreDifference | None:
    """None without a row.

    scores: `entity_key`, and the scores `first` and `second`. Rows without one of them are left out.
    """
    both = scores.drop_nulls().with_columns(difference=pl.col("second") - pl.col("first"))
    if both.is_empty():
        return None
    differences = both["difference"]
    correlation = both.select(pl.corr("first", "second", method="spearman")).item()
    moves = both.sort(pl.col("difference").abs(), "entity_key", descending=[True, False]).head(LARGEST)
    return ScoreDifference(
        score_date=score_date,
        run_id=run_id,
        rows=both.height,
        mean=_mean(differences),
        mean_absolute=_mean(differences.abs()),
        quantiles={f"{level:.0%}": _quantile(differences, level) for level in QUANTILES},
        rank_correlation=correlation if correlation is not None and math.isfinite(correlation) else None,
        moves=tuple(Move.model_validate(row) for row in _rows(moves)),
    )


def _rows(moves: pl.DataFrame) -> Sequence[dict[str, Any]]:
    return moves.select("entity_key", "first", "second").to_dicts()


def _mean(values: pl.Series) -> float:
    mean = values.mean()
    assert isinstance(mean, float)
    return mean


def _quantile(values: pl.Series, level: float) -> float:
    found = values.quantile(level, "linear")
    assert found is not None
    return found
