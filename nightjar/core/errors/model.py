"""These errors say what is wrong with a model, its spec or its versions."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from nightjar.core.errors.base import NightjarError


class UnknownModel(NightjarError):
    exit_code, runbook = 3, "unknown-model"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"There is no model {name!r}. Known: {', '.join(sorted(known))}. Models are listed in "
            "models/__init__.py."
        )


class BadSpec(NightjarError):
    exit_code, runbook = 4, "bad-spec"

    def __init__(self, model: str, field: str, problem: str) -> None:
        super().__init__(f"models/{model}/spec.py: {field} {problem}.")


class NoChampion(NightjarError):
    exit_code, runbook = 7, "no-champion"

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} has no champion to score with. Train one.")
        self.model = model


class GateFailed(NightjarError):
    """A version did not pass its gates, so it may not become champion."""

    exit_code, runbook = 10, "gate-failed"

    def __init__(self, model: str, version: int, failures: Sequence[str]) -> None:
        super().__init__(
            f"{model} version {version} did not pass its gates: {'; '.join(failures)}. "
            "Train again when more is known, or promote it all the same, with a reason, which the ledger "
            "keeps."
        )
        self.model, self.version = model, version


class ArtifactBroken(NightjarError):
    """A stored artifact is missing, or its bytes are not those that were registered."""

    exit_code, runbook = 16, "artifact-broken"

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"{uri}: {problem}. Restore it from a backup. Without one, promote another version if it is a "
            "model, or score its night in a new revision if it is a population."
        )


class TooLittleHistory(NightjarError):
    exit_code, runbook = 17, "too-little-history"

    def __init__(self, model: str, known_at: datetime, needed: str) -> None:
        remedy = "Land more days, or train by what is known on a later day."
        super().__init__(
            f"{model}: too few mature outcomes are known at {known_at:%Y-%m-%d %H:%M} UTC: {needed}. {remedy}"
        )
        self.model = model
