"""What a new model may be, and the commands that take it to a published night."""

from enum import StrEnum


class NewKind(StrEnum):
    """What is predicted. Each has its file in kinds/."""

    binary = "binary"
    regression = "regression"
    multiclass = "multiclass"


class Every(StrEnum):
    """Which dates it scores. Each has its file in every/."""

    day = "day"
    weekday = "weekday"
    week = "week"
    month = "month"


NEXT = (
    "pytest tests/models -k {name}",
    "nightjar db migrate",
    "nightjar features apply",
    "nightjar retrain --model {name}",
    "nightjar score --model {name}",
    "nightjar status --model {name}",
)
"""Each after `uv run`, in this order."""
