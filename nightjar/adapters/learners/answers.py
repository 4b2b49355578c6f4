"""What a learner answers, held to the kind of model that it answers for."""

from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl

from nightjar.core.errors.model import UnfitModel
from nightjar.core.kinds.kind import Kind

Rows = TypeVar("Rows", bound=Sized)


def answered(kind: Kind, rows: Rows, ask: Callable[[Rows], Any]) -> pl.Series:
    """The answer for each row. Without rows the learner is not asked: some libraries refuse that."""
    if not len(rows):
        return pl.Series("score", dtype=kind.dtype)
    return kind.answer(ask(rows))


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


def needed_outcomes(kind: Kind) -> int | None:
    """How many probabilities a kind needs in each row; None: it needs one number."""
    return len(kind.outcomes or ()) if kind.probabilities else None


def _told(outcomes: int | None) -> str:
    return "one number in each row" if outcomes is None else f"the probabilities of {outcomes} outcomes"
