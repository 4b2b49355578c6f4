"""Backtests in memory."""

from collections.abc import Sequence

from nightjar.core.lifecycle.backtest import NightMetric, StepDone
from nightjar.core.lifecycle.walk import Plan


class MemoryBacktests:
    """Implements the port `Backtests`."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._steps: dict[str, dict[int, StepDone]] = {}
        self.nights: list[NightMetric] = []

    def add_step(self, name: str, plan: Plan, step: StepDone, nights: Sequence[NightMetric]) -> None:
        steps = self._steps.setdefault(name, {})
        if step.number not in steps:
            steps[step.number] = step
            self._plans.pop(name, None)
            self._plans[name] = plan
            self.nights.extend(nights)

    def steps(self, name: str) -> tuple[StepDone, ...]:
        return tuple(step for _, step in sorted(self._steps.get(name, {}).items()))

    def newest(self, model: str) -> tuple[str, Plan] | None:
        found = [(name, plan) for name, plan in self._plans.items() if plan.model == model]
        return found[-1] if found else None
