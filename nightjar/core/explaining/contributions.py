"""What each input adds to the raw score of a row, by the learner that gave the score.

The raw score is the scale on which a learner adds up. Of a binary model it is the log odds of the event. Of a
model with classes it is the log of the likeliest class's probability, less the mean of this log over all
classes. Of a regression it is the score, or its log where the learner predicts by a log.
"""

from typing import Protocol, runtime_checkable

import numpy as np
import polars as pl

from nightjar.core.kinds.kind import Kind
from nightjar.core.model.spec import Predictor

BASE = "base_value"
"""The column of what the raw score is before any input adds to it."""

LEAST = 1e-15
"""A probability counts as no less than this, so that its log is finite."""


class Unexplained(Exception):
    """Why a learner does not say what each input adds, in words. The scores are not touched by that.

    Who asks for contributions tells these words to people. It is no failure.
    """

    def __init__(self, learner: str, problem: str) -> None:
        super().__init__(f"the learner {learner!r} gives no contributions of inputs: {problem}")


@runtime_checkable
class Explains(Protocol):
    """A predictor that says what each input adds. The protocol is optional."""

    def contributions(self, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
        """One Float64 column for each input of the model, and BASE. They add up to the raw score of the row.

        frame, sample: rows with at least the spec's inputs. The answer has a row for each row of `frame`, in
        its order. sample: rows that the model was fitted on, at least one. Linear models and CatBoost
        measure from them; other trees do not look at them.
        Raises Unexplained, saying why.
        """
        ...


def contributions_of(predictor: Predictor, frame: pl.DataFrame, sample: pl.DataFrame) -> pl.DataFrame:
    """See `Explains.contributions`. Raises Unexplained also for a learner that never says it."""
    if not isinstance(predictor, Explains):
        raise Unexplained(predictor.algorithm, "it does not say what each input adds to a score")
    return predictor.contributions(frame, sample)


def margins(kind: Kind, given: np.ndarray) -> np.ndarray:
    """The log of each outcome's probability, less the mean of these logs: rows x outcomes.

    given: answers of a kind that asks for probabilities.
    """
    both = given if kind.classes else np.column_stack([1 - given, given])
    return centred(np.log(np.clip(both, LEAST, None)))


def centred(by_outcome: np.ndarray) -> np.ndarray:
    """Numbers by row and outcome, less the mean of each row."""
    return by_outcome - by_outcome.mean(axis=1, keepdims=True)


def of_likeliest(kind: Kind, by_outcome: np.ndarray, given: np.ndarray) -> np.ndarray:
    """What is told of a row, where something is known for each of its outcomes.

    by_outcome: rows x outcomes, and perhaps further axes; logs of probabilities, each but for a number that
    all outcomes of a row share. given: the answers.
    """
    if not kind.classes:
        return by_outcome[:, 1] - by_outcome[:, 0]
    return by_outcome[np.arange(len(given)), given.argmax(axis=1)] - by_outcome.mean(axis=1)
