"""Fit a model's learners, and find out on few rows that one does not fit the kind of the model.

A whole fit may take hours. A classifier for dollars is told within a second.
"""

from collections.abc import Iterator, Sequence

import polars as pl

from nightjar.core.errors.model import WrongLearner
from nightjar.core.kinds.kind import Kind
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.own_code import own_code
from nightjar.core.model.spec import Learner, ModelSpec, Predictor, Refit

REHEARSAL_ROWS = 200
OF_EACH_OUTCOME = 20
"""Rows of each outcome in a rehearsal, where there are few outcomes. A learner must see all of them."""


def rehearse(spec: ModelSpec, cut: TimeCut, learners: Sequence[Learner] | None = None) -> None:
    """Fit learners on few rows, and let them predict them. None: the baseline and all that the spec names.

    Raises WrongLearner. Any other error is left to the whole fit: the rows may be too few for a learner.
    """
    train, valid = few(cut.train, spec.kind), few(cut.valid, spec.kind)
    for learner in (baseline_of(spec), *spec.learners) if learners is None else learners:
        for answer in _answers(spec, learner, train, valid):
            spec.kind.require_answer(answer)


def baseline_of(spec: ModelSpec) -> Learner:
    return Learner(name="baseline", fit=spec.baseline)


def _answers(
    spec: ModelSpec, learner: Learner, train: pl.DataFrame, valid: pl.DataFrame
) -> Iterator[pl.Series]:
    """What a learner predicts for few rows, and what its refit predicts for them."""
    try:
        predictor = learner.fit(train, valid, spec=spec)
        yield predictor.predict(valid)
        if learner.refit is not None:
            yield learner.refit(pl.concat([train, valid]), spec=spec, judged=predictor).predict(valid)
    except WrongLearner:
        raise
    except Exception:  # noqa: BLE001  # libraries have their own errors, and the whole fit tells them
        return


def few(rows: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """Rows of all dates, and some of each outcome if the kind has few outcomes."""
    numbered = rows.with_row_index("row")
    spread = numbered.gather_every(max(1, rows.height // REHEARSAL_ROWS))
    if kind.outcomes is not None:
        each = numbered.group_by("outcome", maintain_order=True).head(OF_EACH_OUTCOME)
        spread = pl.concat([spread, each.select(spread.columns)]).unique("row").sort("row")
    return spread.drop("row")


def fitted(spec: ModelSpec, learner: Learner, cut: TimeCut) -> Predictor:
    """A learner, fitted on what is seen.

    Raises CodeFailed for an error of the model's own code, and the errors of the platform as they are.
    """
    with own_code(spec.name, learner.name, learner.fit, _outcomes(spec)):
        return learner.fit(cut.train, cut.valid, spec=spec)


def refitted(spec: ModelSpec, refit: Refit, rows: pl.DataFrame, judged: Predictor) -> Predictor:
    """The recipe of a predictor, fitted on all rows. Raises as `fitted` does."""
    with own_code(spec.name, "refit", refit, _outcomes(spec)):
        return refit(rows, spec=spec, judged=judged)


def _outcomes(spec: ModelSpec) -> str:
    return f"with outcomes that are each {spec.kind.codes_told}"
