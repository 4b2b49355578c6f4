"""What the engine must know of a kind of model, in one frozen value of data and pure functions."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import WrongLearner
from nightjar.core.kinds.absurdities import Absurdity
from nightjar.core.kinds.curves import Confusion, Curve, confusion, no_curves
from nightjar.core.kinds.figures import Figures, nothing_to_show
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.limits import Limit, span
from nightjar.core.kinds.losses import Loss
from nightjar.core.kinds.metrics import Metric, Metrics
from nightjar.core.kinds.outputs import OUTPUTS, Calibration, as_named
from nightjar.core.kinds.row_errors import Errors, no_errors


def always_enough(outcomes: pl.Series) -> str | None:  # noqa: ARG001  # whatever they are
    return None


def as_predicted(raw: Any) -> Any:
    """One number a row."""
    return raw


def score_alone(answer: pl.Series, calibration: Calibration) -> pl.DataFrame:  # noqa: ARG001  # there is none
    """The answer is the score, and there is nothing else to publish."""
    return pl.DataFrame({"score": answer}).with_columns(outputs=pl.lit(None, OUTPUTS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of model. Nothing else in the project says what an outcome or a score means.

    low, high: a score lies between them or on them; infinite where there is no bound. Every score is finite.
    Outputs have the same bounds.
    outcomes: the values that an outcome may have; None: any finite number between low and high.
    classes: names of the outcomes 0, 1, 2 and so on, if outcomes are told by name; else empty.
    probabilities: learners are asked for a matrix, the probability of each class in each row; else for one
    number a row.
    output(raw): the answer for each row, made of what a learner gives: one number, or one a class.
    outputs: names of the numbers that are published beside the score, in order. Of a kind with classes these
    are the classes, and their probabilities add up to 1.
    calibrate(answer, outcome): numbers that a version keeps, from rows that it was not trained on. None: it
    needs none.
    rows_of(answer, calibration): `score` and `outputs` (type OUTPUTS, null where there are none) of each row.
    compare(rows): the metrics of `score`, `outputs` and `outcome` in at least one row. Score and outcome are
    Float64 and valid.
    A metric that is not defined may lack.
    errors(rows, found): of the same rows, the standard errors of the metrics that `compare` found.
    loss: what each row adds to the sums by which predictors are compared on the same rows.
    figures(rows): of the same rows, what was predicted beside what happened, by bins of score.
    curves(rows): of the same rows, what a card draws.
    constant(outcomes): the one answer for every row that a predictor without inputs gives, from the outcomes
    that it has seen.
    lacking(outcomes): what they lack to be trained on or measured against, in words; None if nothing.
    lacking_to_train(outcomes): what they lack besides to be trained on.
    headline: the metrics that stand for all of them where there is room for few.
    gates: what a version must prove by its own metrics. absurdities: what the audit holds the scores of a
    night to. A spec sets the limit of each.
    """

    name: str
    low: float
    high: float
    outcomes: tuple[float, ...] | None = None
    classes: tuple[str, ...] = ()
    probabilities: bool = False
    output: Callable[[Any], Any] = as_predicted
    outputs: tuple[str, ...] = ()
    calibrate: Callable[[pl.Series, pl.Series], Calibration] | None = None
    rows_of: Callable[[pl.Series, Calibration], pl.DataFrame] = score_alone
    metrics: tuple[Metric, ...]
    headline: tuple[str, ...]
    compare: Callable[[pl.DataFrame], Metrics]
    errors: Callable[[pl.DataFrame, Metrics], Errors] = no_errors
    loss: Loss
    figures: Callable[[pl.DataFrame], Figures] = nothing_to_show
    curves: Callable[[pl.DataFrame], tuple[Curve, ...]] = no_curves
    constant: Callable[[pl.Series], float | tuple[float, ...]]
    lacking: Callable[[pl.Series], str | None] = always_enough
    lacking_to_train: Callable[[pl.Series], str | None] = always_enough
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

    @property
    def dtype(self) -> pl.DataType:
        """Type of a predictor's answer: Float64, or an Array of them with one for each class."""
        return pl.Array(pl.Float64(), len(self.classes)) if self.classes else pl.Float64()

    def answer(self, raw: Any) -> pl.Series:
        """What a learner gives, as the answer of a predictor.

        raw: an array with one number a row, or with one column for each value of an outcome if the kind asks
        for probabilities. Raises WrongLearner for any other shape, and for what is no number.
        """
        wanted = (len(self.outcomes or ()),) if self.probabilities else ()
        if raw.shape[1:] != wanted or raw.dtype.kind not in "fiu":
            raise WrongLearner(self.name, _unfit(raw, wanted))
        return pl.Series("score", self.output(raw), dtype=self.dtype)

    def require_learner(self, name: str, *, classifies: bool, gives_probabilities: bool) -> None:
        """Raises WrongLearner for a classifier where one number is needed, and for a regressor otherwise.

        name: of the learner, for people.
        """
        if self.probabilities and not gives_probabilities:
            raise WrongLearner(self.name, f"{name} gives no probabilities of outcomes (no predict_proba)")
        if classifies and not self.probabilities:
            raise WrongLearner(self.name, f"{name} is a classifier, and one number a row is needed")

    def require_answer(self, answer: pl.Series) -> None:
        """Raises WrongLearner for predictions of another type than the kind's."""
        if answer.dtype != self.dtype:
            raise WrongLearner(self.name, f"its predictions are {answer.dtype}, and must be {self.dtype}")

    def always(self, outcomes: pl.Series, rows: int) -> pl.Series:
        """The answer of the constant predictor for so many rows."""
        return pl.Series("score", [self.constant(outcomes)], dtype=self.dtype).new_from_index(0, rows)

    def published(self, where: str, answer: pl.Series, calibration: Calibration) -> pl.DataFrame:
        """`score` and `outputs` of each row.

        answer: of a predictor. Raises WrongLearner if it is of another type, and ContractBroken, naming the
        first row that is not valid.
        """
        self.require_answer(answer)
        rows = self.rows_of(answer, calibration)
        self.require_scores(where, rows["score"])
        self.require_outputs(where, rows, self.outputs_by(calibration))
        return rows

    def outputs_by(self, calibration: Calibration) -> tuple[str, ...]:
        """The outputs of a version. One that was never calibrated has none, if its kind needs that."""
        return () if self.calibrate and not calibration else self.outputs

    def measure(self, score: pl.Series, outcome: pl.Series, outputs: pl.Series | None = None) -> Metrics:
        """Every metric but skills, of scores against outcomes. A row whose outcome is null is left out.

        A metric that is not defined, or is too large for a number, is None.
        Raises ValueError for a score that is null, NaN or out of bounds, for an outcome that cannot be,
        and for unequal lengths.
        """
        return self._found(self._known(score, outcome, outputs))

    def measure_with_errors(
        self, score: pl.Series, outcome: pl.Series, outputs: pl.Series | None = None
    ) -> tuple[Metrics, Errors]:
        """The same, with the standard errors that the rows say. Raises ValueError as `measure` does."""
        rows = self._known(score, outcome, outputs)
        found = self._found(rows)
        return found, self.errors(rows, found) if rows.height else {}

    def _found(self, rows: pl.DataFrame) -> Metrics:
        found: Metrics = self.compare(rows) if rows.height else {}
        return {metric.name: finite(found.get(metric.name)) for metric in self.metrics if not metric.skill_of}

    def losses(self, published: pl.DataFrame, outcome: pl.Series) -> pl.Series:
        """The loss of each row. published: `score` and `outputs`, valid. outcome: none is missing."""
        rows = published.with_columns(outcome=outcome.cast(pl.Float64))
        return rows.select(loss=self.loss.of_row).to_series()

    def shown(self, score: pl.Series, outcome: pl.Series, outputs: pl.Series | None = None) -> Figures:
        """The figures of rows with a known outcome. Raises ValueError as `measure` does."""
        rows = self._known(score, outcome, outputs)
        return self.figures(rows) if rows.height else Figures()

    def drawn(self, published: pl.DataFrame, outcome: pl.Series) -> tuple[Curve, ...]:
        """The curves of rows, at least one. published: `score` and `outputs`, valid. No outcome is null."""
        return self.curves(published.with_columns(outcome=outcome.cast(pl.Float64)))

    def confused(self, published: pl.DataFrame, outcome: pl.Series) -> Confusion | None:
        """Which class was told for which, of a kind with classes."""
        rows = published.with_columns(outcome=outcome)
        return confusion(self.classes, rows) if self.classes else None

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

    def with_class(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows with `outputs`, and the column `predicted_class` in place of it if the kind has classes.

        It is the first of the classes with the greatest probability.
        """
        plain = rows.drop("outputs")
        if not self.classes:
            return plain
        names = pl.Series(self.classes, dtype=pl.String)
        return plain.with_columns(predicted_class=names.gather(rows["outputs"].list.arg_max()))

    def require_scores(self, where: str, score: pl.Series) -> None:
        """Raises ContractBroken, naming the first value that is not finite or not within the bounds."""
        if wrong := wrong_values(score, self._is_score(score)):
            raise ContractBroken(
                where, [f"{wrong}: a score of the kind {self.name!r} is a number {span(self.low, self.high)}"]
            )

    def require_outputs(self, where: str, rows: pl.DataFrame, names: Sequence[str]) -> None:
        """Raises ContractBroken, naming the first row whose `outputs` do not fit its `score`.

        names: of the outputs that the version gives.
        """
        fits = as_named(names, self.low, self.high, of_classes=bool(self.classes))
        if wrong := wrong_values(rows["outputs"], rows.select(fits).to_series()):
            raise ContractBroken(where, [f"{wrong}: {self._outputs_told(names)}"])

    def _outputs_told(self, names: Sequence[str]) -> str:
        if not names:
            return f"a version of the kind {self.name!r} that has no outputs gives none"
        told = f"outputs of the kind {self.name!r} are {len(names)} numbers {span(self.low, self.high)}"
        return told + (", they add up to 1, and the score is the greatest" if self.classes else "")

    def coded_outcomes(self, where: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with each `outcome` as a number: of a kind with classes the place of its class, from 0.

        rows: `entity_key`, `score_date`, `outcome`. Raises ContractBroken, naming the first outcome that
        cannot be, and its row.
        """
        outcome = rows["outcome"]
        valid = self._is_named(outcome) if self.classes else self._is_outcome(outcome)
        if wrong := wrong_values(outcome, valid):
            row = rows.filter(~valid).select(pl.col("entity_key", "score_date").cast(pl.String)).row(0)
            may_be = f"an outcome of the kind {self.name!r} is {self.outcomes_told}"
            raise ContractBroken(where, [f"{wrong}, in the row of {row[0]!r} on {row[1]}: {may_be}"])
        if not self.classes:
            return rows
        codes = {name: code for code, name in enumerate(self.classes)}
        named = pl.col("outcome").cast(pl.String)
        return rows.with_columns(outcome=named.replace_strict(codes, return_dtype=pl.Int32))

    @property
    def outcomes_told(self) -> str:
        """What an outcome may be, in words."""
        return " or ".join(map(repr, self.classes)) if self.classes else self.codes_told

    @property
    def codes_told(self) -> str:
        """What the number may be that stands for an outcome, in words."""
        if self.outcomes is None:
            return f"a number {span(self.low, self.high)}"
        return " or ".join(f"{number:g}" for number in self.outcomes)

    def gate_limits(self) -> Iterator[Limit]:
        """What a spec sets for the gates. A limit may be any number that the gate can come to."""
        for gate in self.gates:
            yield gate.limit(self.metric(gate.metric))

    def _is_score(self, score: pl.Series) -> pl.Series:
        return _finite_between(score, self.low, self.high)

    def _is_named(self, outcome: pl.Series) -> pl.Series:
        if not isinstance(outcome.dtype, pl.String | pl.Categorical | pl.Enum):
            return pl.repeat(value=False, n=outcome.len(), eager=True)
        return outcome.cast(pl.String).is_in(self.classes).fill_null(value=False)

    def _is_outcome(self, outcome: pl.Series) -> pl.Series:
        if not (outcome.dtype.is_numeric() or outcome.dtype == pl.Null):
            return pl.repeat(value=False, n=outcome.len(), eager=True)
        if self.outcomes is None:
            return _finite_between(outcome, self.low, self.high)
        return (
            outcome.cast(pl.Float64).is_in([float(value) for value in self.outcomes]).fill_null(value=False)
        )

    def _known(self, score: pl.Series, outcome: pl.Series, outputs: pl.Series | None) -> pl.DataFrame:
        if score.len() != outcome.len():
            raise ValueError(f"{score.len()} scores for {outcome.len()} outcomes")
        beside = pl.repeat(None, score.len(), dtype=OUTPUTS, eager=True) if outputs is None else outputs
        rows = pl.DataFrame(
            {"score": score.cast(pl.Float64), "outcome": outcome.cast(pl.Float64), "outputs": beside}
        ).drop_nulls("outcome")
        if wrong := wrong_values(rows["score"], self._is_score(rows["score"])):
            raise ValueError(f"{wrong}: a score is a number {span(self.low, self.high)}")
        if wrong := wrong_values(rows["outcome"], self._is_outcome(rows["outcome"])):
            raise ValueError(f"{wrong}: an outcome is {self.outcomes_told}")
        return rows


def _unfit(raw: Any, wanted: tuple[int, ...]) -> str:
    """What is wrong with an array that a learner gives. wanted: its shape without the number of rows."""
    columns = f"the probabilities of {wanted[0]} outcomes" if wanted else "one number"
    return (
        f"it gives an array of {raw.dtype} with the shape {raw.shape}. In each row {columns} must be given, "
        f"so the shape must be {(raw.shape[0], *wanted)}"
    )


def finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def wrong_values(values: pl.Series, valid: pl.Series) -> str | None:
    """How many values are not valid, and the first of them; None if all are."""
    if valid.all():
        return None
    wrong = values.filter(~valid)
    first = wrong[0].to_list() if isinstance(wrong[0], pl.Series) else wrong[0]
    return f"{wrong.len()} of {values.len()} values of {values.name} are not valid, the first is {first!r}"


def _finite_between(values: pl.Series, low: float, high: float) -> pl.Series:
    numbers = values.cast(pl.Float64)
    return (numbers.is_finite() & numbers.is_between(low, high)).fill_null(value=False)
