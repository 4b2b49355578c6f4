"""Backtests, apart from all that is published."""

from collections.abc import Sequence
from typing import Protocol

from nightjar.core.lifecycle.backtest import NightMetric, StepDone
from nightjar.core.lifecycle.walk import Plan


class Backtests(Protocol):
    """Stores the steps of backtests. Append-only. A backtest is named by `name_of`."""

    def add_step(self, name: str, plan: Plan, step: StepDone, nights: Sequence[NightMetric]) -> None:
        """Store a step with the metrics of its nights. A step that is stored already is left as it is."""
        ...

    def steps(self, name: str) -> tuple[StepDone, ...]:
        """Return the steps that are stored, from the first one on."""
        ...

    def newest(self, model: str) -> tuple[str, Plan] | None:
        """Return name and plan of the backtest of a model whose step was stored last."""
        ...
