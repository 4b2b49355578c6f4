"""Builds a night from the adapters of a test, and scores its parts one after another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.core.ports.execution import PartExecutor
from nightjar.core.ports.going_on import GoOn, unasked
from nightjar.core.ports.nights import NightStore
from nightjar.core.ports.stages import Meter, unmetered
from nightjar.executors.in_turn import InTurn
from nightjar.testing.memory import MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.readings import MemoryReadings
from nightjar.usecases.scoring.guard import NightGuard
from nightjar.usecases.scoring.inputs import NightInputs
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.part import ScorePart

OF_INPUTS = frozenset(field.name for field in fields(NightInputs))

Each = Callable[[Callable[[PartJob], Receipt], Sequence[PartJob]], Sequence[Receipt]]
"""How part jobs are done, given what does one."""


@dataclass(frozen=True, slots=True)
class Parts:
    """A PartExecutor that does the jobs as a test defines."""

    work: Callable[[PartJob], Receipt]
    each: Each

    # `night` is for people who watch, and nobody watches a test.
    def run(self, night: Night, jobs: Sequence[PartJob]) -> Sequence[Receipt]:  # noqa: ARG002
        return self.each(self.work, jobs)


def score_night(*, store: NightStore, guard: NightGuard, **inputs: Any) -> ScoreNight:
    """inputs: the fields of NightInputs."""
    return wired(NightInputs(**inputs), store, guard)


def in_memory(*, spec: ModelSpec, **inputs: Any) -> ScoreNight:
    """A night whose runs and profiles are kept in memory. inputs: the other fields of NightInputs."""
    store = MemoryNights()
    guard = NightGuard(
        spec=spec,
        files=MemoryFeatureFiles(),
        profiles=MemoryInputProfiles(store),
        readings=MemoryReadings(store),
    )
    return score_night(store=store, guard=guard, spec=spec, **inputs)


def wired(
    inputs: NightInputs,
    store: NightStore,
    guard: NightGuard,
    go_on: GoOn = unasked,
    meter: Meter = unmetered,
    **others: Any,
) -> ScoreNight:
    executor = InTurn(ScorePart(lambda _: inputs, store, go_on, meter))
    both = {"go_on": go_on, "meter": meter}
    return ScoreNight(inputs=inputs, store=store, guard=guard, executor=executor, **both, **others)


def changed(night: ScoreNight, **changes: Any) -> ScoreNight:
    """The same night with other adapters: fields of NightInputs or of ScoreNight."""
    inputs = replace(night.inputs, **{name: value for name, value in changes.items() if name in OF_INPUTS})
    kept = {name: getattr(night, name) for name in ("store", "guard", "follow", "go_on", "advised", "meter")}
    return wired(inputs, **kept | {name: value for name, value in changes.items() if name not in OF_INPUTS})


def with_parts(night: ScoreNight, each: Each) -> ScoreNight:
    """Return the same night, with its parts done by `each`."""
    return on(night, Parts(ScorePart(lambda _: night.inputs, night.store, night.go_on, night.meter), each))


def on(night: ScoreNight, executor: PartExecutor) -> ScoreNight:
    return replace(night, executor=executor)


def in_turn(work: Callable[[PartJob], Receipt], jobs: Sequence[PartJob]) -> list[Receipt]:
    return [work(job) for job in jobs]
