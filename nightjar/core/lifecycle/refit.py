"""A version that passed its gates is fitted anew, by the same recipe, on all that is known.

The gates judge on the newest days, so the version that they judge has not learned from these. Its refit has.
No day is left that could judge the refit: its metrics and gates are those of the version that was judged.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.entities import Candidate, Version
from nightjar.core.model.record import UsedRows


def earned(judged: Version) -> bool:
    """True for a version that was judged and passed every gate."""
    return bool(judged.gates) and all(gate.passed for gate in judged.gates)


def refit_of(judged: Version, **changes: Any) -> Candidate:
    """The refit of a version before it is registered. changes: the fields in which it differs."""
    same = judged.model_dump(include=set(Candidate.model_fields))
    return Candidate.model_validate(same | changes | {"refit_of": judged.number})


def windows_of(cut: TimeCut) -> Mapping[str, UsedRows]:
    """Use -> the rows that a judged version was fitted on, that chose, and that judged it. None is empty."""
    parts = {"fitted": cut.train, "chosen": cut.valid, "judged": cut.test}
    return {use: window_of(rows) for use, rows in parts.items() if rows.height}


def window_of(rows: pl.DataFrame) -> UsedRows:
    """rows: at least one, with `score_date`."""
    days = rows["score_date"]
    return UsedRows.model_validate({"first": days.min(), "last": days.max(), "rows": rows.height})
