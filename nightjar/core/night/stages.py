"""What each stage of a run took: rows, time, bytes and memory."""

from collections.abc import Iterable, Mapping

from pydantic import AwareDatetime, Field

from nightjar.core.night.entities import Run
from nightjar.core.values import Value

IN_ORDER = (
    "readiness",
    "population",
    "snapshot",
    "draw",
    "retrieval",
    "contract",
    "predict",
    "write",
    "audit",
    "publish",
    "drift",
    "reasons",
    "measurement",
    "challenger",
    "report",
)
"""The stages, in the order of a night."""


class Stage(Value):
    """A stage that has ended, of a part or of a run as a whole.

    role: champion or challenger; empty for a stage that both share. rows, size, quarantined: None where the
    stage has none; size: bytes read or copied. cpu_seconds: of this process; stages that run at once share
    its time equally. peak_memory: bytes, the most that the process held until the stage ended.
    retries: how often the stage failed before, in this attempt and process. error: class of the error that
    ended it, else None.
    """

    stage: str
    role: str = ""
    started_at: AwareDatetime
    seconds: float = Field(ge=0)
    cpu_seconds: float = Field(ge=0)
    peak_memory: int = Field(ge=0)
    rows: int | None = Field(default=None, ge=0)
    size: int | None = Field(default=None, ge=0)
    quarantined: int | None = Field(default=None, ge=0)
    retries: int = Field(default=0, ge=0)
    error: str | None = None


class Work(Value):
    """A piece of work that has ended, with its stages: a part of a run, or what was done of it as a whole.

    part: None for the run as a whole. follows: it followed the publication. error: class of the error that
    ended it, else None.
    """

    run: Run
    part: int | None
    follows: bool = False
    started_at: AwareDatetime
    seconds: float = Field(ge=0)
    stages: tuple[Stage, ...]
    error: str | None = None


class StageTotal(Value):
    """A stage of a run, its parts and attempts together.

    times: how many of them there are. peak_memory: the most of any. errors: classes of those that failed.
    Other fields: sums, None where none of them has a number.
    """

    stage: str
    role: str
    times: int
    rows: int | None
    seconds: float
    cpu_seconds: float
    size: int | None
    peak_memory: int
    quarantined: int | None
    retries: int
    errors: tuple[str, ...]


def totals(stages: Iterable[Stage]) -> tuple[StageTotal, ...]:
    """Return the stages by name and role, in the order of a night."""
    found = dict[tuple[str, str], list[Stage]]()
    for stage in stages:
        found.setdefault((stage.stage, stage.role), []).append(stage)
    return tuple(_total(found[name]) for name in sorted(found, key=_place))


def _place(name: tuple[str, str]) -> tuple[int, str, str]:
    stage, role = name
    return IN_ORDER.index(stage) if stage in IN_ORDER else len(IN_ORDER), stage, role


def _total(stages: list[Stage]) -> StageTotal:
    return StageTotal(
        stage=stages[0].stage,
        role=stages[0].role,
        times=len(stages),
        rows=_sum(each.rows for each in stages),
        seconds=sum(each.seconds for each in stages),
        cpu_seconds=sum(each.cpu_seconds for each in stages),
        size=_sum(each.size for each in stages),
        peak_memory=max(each.peak_memory for each in stages),
        quarantined=_sum(each.quarantined for each in stages),
        retries=sum(each.retries for each in stages),
        errors=tuple(each.error for each in stages if each.error is not None),
    )


def _sum(numbers: Iterable[int | None]) -> int | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None


def shared(spent: Mapping[object, float], seconds: float) -> dict[object, float]:
    """Add CPU seconds in equal shares to what the stages that are open have spent.

    Nothing is lost and nothing counted twice: the sum grows by `seconds`, if a stage is open.
    """
    return {stage: before + seconds / len(spent) for stage, before in spent.items()}
