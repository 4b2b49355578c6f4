"""What a learner answers, held to the kind of model that it answers for."""

from collections.abc import Callable, Iterable, Sequence, Sized
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from nightjar.core.errors.model import UnfitModel
from nightjar.core.explaining.contributions import BASE, Unexplained, of_likeliest
from nightjar.core.kinds.kind import Kind

Rows = TypeVar("Rows", bound=Sized)


def answered(kind: Kind, rows: Rows, ask: Callable[[Rows], Any]) -> pl.Series:
    """The answer for each row. Without rows the learner is not asked: some libraries refuse that."""
    if not len(rows):
        return pl.Series("score", dtype=kind.dtype)
    return kind.answer(ask(rows))


def explained(
    kind: Kind,
    algorithm: str,
    names: Sequence[str],
    answer: pl.Series,
    ask: Callable[[], Any],
) -> pl.DataFrame:
    """The contributions of `names`, and BASE, to the raw score of each row.

    answer: of the same rows. ask: gives an array with the inputs and then the base on its last axis: rows x
    (inputs + 1), or rows x outcomes x (inputs + 1). It is not called without rows.
    Raises Unexplained where the library cannot tell.
    """
    columns = [*names, BASE]
    if not len(answer):
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Float64()))
    try:
        told = np.asarray(ask(), dtype=float)
    except Exception as error:  # each library has its own errors for what it cannot explain
        raise Unexplained(algorithm, str(error).split("\n", 1)[0]) from error
    if kind.probabilities:
        by_outcome = told if told.ndim == 3 else np.stack([-told / 2, told / 2], axis=1)
        told = of_likeliest(kind, by_outcome, answer.to_numpy())
    return pl.DataFrame(told.reshape(len(answer), -1), schema=columns, orient="row")


def both(second: np.ndarray) -> np.ndarray:
    """The probabilities of two outcomes, one column each, by that of the second one."""
    return np.column_stack([1 - second, second])


def require_answers(file: Path, objective: str, outcomes: int | None, kind: Kind) -> None:
    """Raises UnfitModel for a learner whose answer is not what a kind needs.

    objective: of the learner, for people. outcomes: how many it gives probabilities for; None: one number.
    """
    if outcomes == (needed := needed_outcomes(kind)):
        return
    raise UnfitModel(
        file,
        f"its objective is {objective}, so it gives {_told(outcomes)}. "
        f"A model of the kind {kind.name!r} needs {_told(needed)}",
        "Register a version that was trained for that, or correct `kind` in the spec.",
    )


def require_classes(file: Path, classes: Iterable[object], kind: Kind) -> None:
    """Raises UnfitModel for outcomes that are not those of a kind, or are in another order.

    classes: what the file or its description says that the model tells apart, in the order of its
    probabilities.
    """
    told = [_outcome(each) for each in classes]
    if told in ([*kind.classes], [*(kind.outcomes or ())]):
        return
    needed = [*(kind.classes or kind.outcomes or ())]
    raise UnfitModel(
        file,
        f"it tells apart {told}, and the kind {kind.name!r} {needed}, in this order",
        "Train it on these outcomes or on their numbers from 0, or order the classes of the spec as it does.",
    )


def _outcome(told: object) -> object:
    """The number that a class stands for, if it is one: some libraries keep it as text."""
    flags = {"False": 0.0, "True": 1.0}
    try:
        return flags[told] if isinstance(told, str) and told in flags else float(str(told))
    except ValueError:
        return str(told)


def needed_outcomes(kind: Kind) -> int | None:
    """How many probabilities a kind needs in each row; None: it needs one number."""
    return len(kind.outcomes or ()) if kind.probabilities else None


def _told(outcomes: int | None) -> str:
    return "one number in each row" if outcomes is None else f"the probabilities of {outcomes} outcomes"
