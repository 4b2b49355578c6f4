"""What the engine must know of a kind of model, in one frozen value of data and pure functions."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.absurdities import Absurdity
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.limits import Limit, span
from nightjar.core.kinds.metrics import Metric, Metrics


def always_enough(outcomes: pl.Series) -> str | None:  # noqa: ARG001  # whatever they are
    return None


def as_predicted(raw: Any) -> Any:
    """One number a row."""
    return raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of model. Nothing else in the project says what an outcome or a score means.

    low, high: a score lies between them or on them; infinite where there is no bound. Every score is finite.
    outcomes: the values that an outcome may have; None: any finite number between low and high.
    probabilities: learners are asked for a matrix, the probability of each class in each row; else for one
    number a row.
    output(raw): the score of each row, made of what a learner answers.
    compare(rows): the metrics of `score` and `outcome`, both Float64 and valid, in at least one row.
    A metric that is not defined may lack.
    constant(outcomes): the one score for every row that a predictor without inputs gives, from the outcomes
    that it has seen.
    lacking(outcomes): what they lack to be trained on or measured against, in words; None if nothing.
    headline: the metrics that stand for all of them where there is room for few.
    gates: what a version must prove. absurdities: what the audit holds the scores of a night to.
    A spec sets the limit of each.
    """

    name: str
    low: float
    high: float
    outcomes: tuple[float, ...] | None = None
    probabilities: bool = False
    output: Callable[[Any], Any] = as_predicted
    metrics: tuple[Metric, ...]
    headline: tuple[str, ...]
    compare: Callable[[pl.DataFrame], Metrics]
    constant: Callable[[pl.Series], float]
    lacking: Callable[[pl.Series], str | None] = always_enough
    gates: tuple[Gate, ...]
    absurdities: tuple[Absurdity, ...]

    def metric(self, name: str) -> Metric:
        return next(metric for metric in self.metrics if metric.name == name)

    @property
    def judging(self) -> tuple[Metric, ...]:
        """The metrics by which predictors are put beside one another."""
        return tuple(metric for metric in self.metrics if metric.better and not metric.skill_of)

    @property
    def nightly(self) -> tuple[Metric, ...]:
        """The metrics of a published night."""
        return tuple(metric for metric in self.metrics if metric.nightly and not metric.skill_of)

    def measure(self, score: pl.Series, outcome: pl.Series) -> Metrics:
        """Every metric but skills, of scores against outcomes. A row whose outcome is null is left out.

        A metric that is not defined, or is too large for a number, is None.
        Raises ValueError for a score that is null, NaN or out of bounds, for an outcome that cannot be,
        and for unequal lengths.
        """
        rows = self._known(score, outcome)
        found: Metrics = self.compare(rows) if rows.height else {}
        return {metric.name: finite(found.get(metric.name)) for metric in self.metrics if not metric.skill_of}

    def skills(self, version: Metrics, constant: Metrics) -> Metrics:
        """The skills of a version beside the constant predictor: above 0 is better. None if not defined."""
        pairs = {
            metric.name: (version.get(metric.skill_of), constant.get(metric.skill_of))
            for metric in self.metrics
            if metric.skill_of
        }
        return {
            name: None if own is None or not reference else 1 - own / reference
            for name, (own, reference) in pairs.items()
        }

    def require_scores(self, where: str, score: pl.Series) -> None:
        """Raises ContractBroken, naming the first value that is not finite or not within the bounds."""
        if wrong := wrong_values(score, self._is_score(score)):
            raise ContractBroken(
                where, [f"{wrong}: a score of the kind {self.name!r} is a number {span(self.low, self.high)}"]
            )

    def require_outcomes(self, where: str, rows: pl.DataFrame) -> None:
        """Raises ContractBroken, naming the first wrong value and its row, unless each `outcome` can be.

        rows: `entity_key`, `score_date`, `outcome`.
        """
        outcome = rows["outcome"]
        valid = self._is_outcome(outcome)
        if wrong := wrong_values(outcome, valid):
            row = rows.filter(~valid).select(pl.col("entity_key", "score_date").cast(pl.String)).row(0)
            may_be = f"an outcome of the kind {self.name!r} is {self.outcomes_told}"
            raise ContractBroken(where, [f"{wrong}, in the row of {row[0]!r} on {row[1]}: {may_be}"])

    @property
    def outcomes_told(self) -> str:
        """What an outcome may be, in words."""
        return (
            f"a number {span(self.low, self.high)}"
            if self.outcomes is None
            else " or ".join(f"{value:g}" for value in self.outcomes)
        )

    def gate_limits(self) -> Iterator[Limit]:
        """What a spec sets for the gates. A limit may be any number that the gate can come to."""
        for gate in self.gates:
            yield gate.limit(self.metric(gate.metric))

    def _is_score(self, score: pl.Series) -> pl.Series:
        return _finite_between(score, self.low, self.high)

    def _is_outcome(self, outcome: pl.Series) -> pl.Series:
        if not (outcome.dtype.is_numeric() or outcome.dtype == pl.Null):
            return pl.repeat(value=False, n=outcome.len(), eager=True)
        if self.outcomes is None:
            return _finite_between(outcome, self.low, self.high)
        return (
            outcome.cast(pl.Float64).is_in([float(value) for value in self.outcomes]).fill_null(value=False)
        )

    def _known(self, score: pl.Series, outcome: pl.Series) -> pl.DataFrame:
        if score.len() != outcome.len():
            raise ValueError(f"{score.len()} scores for {outcome.len()} outcomes")
        rows = pl.DataFrame(
            {"score": score.cast(pl.Float64), "outcome": outcome.cast(pl.Float64)}
        ).drop_nulls("outcome")
        if wrong := wrong_values(rows["score"], self._is_score(rows["score"])):
            raise ValueError(f"{wrong}: a score is a number {span(self.low, self.high)}")
        if wrong := wrong_values(rows["outcome"], self._is_outcome(rows["outcome"])):
            raise ValueError(f"{wrong}: an outcome is {self.outcomes_told}")
        return rows


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def wrong_values(values: pl.Series, valid: pl.Series) -> str | None:
    """How many values are not valid, and the first of them; None if all are."""
    wrong = values.filter(~valid)
    if wrong.is_empty():
        return None
    return f"{wrong.len()} of {values.len()} values of {values.name} are not valid, the first is {wrong[0]!r}"


def _finite_between(values: pl.Series, low: float, high: float) -> pl.Series:
    numbers = values.cast(pl.Float64)
    return (numbers.is_finite() & numbers.is_between(low, high)).fill_null(value=False)
