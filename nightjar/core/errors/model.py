"""These errors say what is wrong with a model, its spec or its versions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from nightjar.core.errors.base import NightjarError, Retryable


class UnknownModel(NightjarError):
    exit_code, runbook = 3, "unknown-model"

    def __init__(self, name: str, known: Sequence[str]) -> None:
        super().__init__(f"There is no model {name!r}. {listed(known)}")


class ModelNotNamed(NightjarError):
    """No model was named, and there is not exactly one."""

    exit_code, runbook = 51, "unknown-model"

    def __init__(self, known: Sequence[str]) -> None:
        super().__init__(f"No model is named. {listed(known)}")
        self.known = tuple(known)


def listed(known: Sequence[str]) -> str:
    names = f"Known: {', '.join(known)}." if known else "There is none yet."
    return f"{names} A model is a folder in models/ with a spec.py."


class ModelBroken(NightjarError):
    """A model's folder is there, and the model cannot be used.

    variant: the type of the error of its code, the field, or the name that clashes.
    """

    exit_code, runbook = 52, "bad-spec"

    def __init__(self, model: str, problem: str, variant: str = "") -> None:
        super().__init__(f"models/{model} {problem}.")
        self.variant = variant


class BadSpec(ModelBroken):
    """A field of a spec is wrong, or contradicts another."""

    exit_code = 4

    def __init__(self, model: str, field: str, problem: str) -> None:
        super().__init__(f"{model}/spec.py:", f"{field} {problem}", field)


class NameClash(ModelBroken):
    """Two models mean different things by one name."""

    exit_code = 53

    def __init__(self, name: str, model: str, other: str) -> None:
        super().__init__(
            f"{model} and models/{other}",
            f"declare the {name} differently: let one import the declaration of the other, or rename one",
            name,
        )
        self.models = model, other


@dataclass(frozen=True, slots=True)
class Unpromoted:
    """A version that was registered at an instant (aware), and that nobody promoted.

    why: what its gates say of it, in words. failed: True if it failed one, which a person has to overrule.
    """

    number: int
    registered_at: datetime
    why: str
    failed: bool = False


class NoChampion(NightjarError):
    """No version was ever champion.

    newest: the newest version; None if there is none.
    """

    exit_code, runbook = 7, "no-champion"

    def __init__(self, model: str, newest: Unpromoted | None = None) -> None:
        super().__init__(f"{model} has no champion to score with. {_to_do(newest)}")
        self.model, self.newest = model, newest
        self.variant = "" if newest is None else "unpromoted"


def _to_do(newest: Unpromoted | None) -> str:
    if newest is None:
        return "Train one."
    return (
        f"The newest version is version {newest.number}. It waits for a person since "
        f"{newest.registered_at:%Y-%m-%d %H:%M} UTC: {newest.why}. Look at its gates, then promote it with a "
        "reason; or train again when other data is known. The same data gives the same version."
    )


class NoHonestChampion(NightjarError):
    """Every version that was ever champion knows more than anybody could know on the night's evening.

    champions: version number -> the instant (UTC) up to which its data was known, newest first.
    """

    exit_code, runbook = 62, "no-champion"

    def __init__(
        self, model: str, score_date: date, as_of: datetime, champions: Mapping[int, datetime]
    ) -> None:
        choices = ", ".join(f"version {n} ({at:%Y-%m-%d %H:%M})" for n, at in champions.items())
        super().__init__(
            f"{model} {score_date}: no version was champion at {as_of:%Y-%m-%d %H:%M} UTC, and none that was "
            "champion later was trained on what was known by then. They were trained on what was known at "
            f"(UTC): {choices}. Train and promote one by what was known then, or name one of these: scores "
            "of nights that a version has seen say nothing about its quality."
        )
        self.model, self.score_date, self.as_of = model, score_date, as_of


class GateFailed(NightjarError):
    """A version did not pass its gates, so it may not become champion."""

    exit_code, runbook = 10, "gate-failed"

    def __init__(self, model: str, version: int, failures: Sequence[str]) -> None:
        super().__init__(
            f"{model} version {version} did not pass its gates: {'; '.join(failures)}. "
            "Train again when more is known, or promote it all the same, with a reason, which the ledger "
            "keeps."
        )
        self.model, self.version, self.failures = model, version, (*failures,)


class UnfitModel(NightjarError):
    """A model file that cannot be read, or that is not a model for its spec. Nothing is registered."""

    exit_code, runbook = 46, "unfit-model"

    def __init__(self, file: Path | str, problem: str, remedy: str) -> None:
        super().__init__(f"{file}: {problem}. {remedy}")


class ArtifactBroken(NightjarError):
    """A stored artifact is missing, or its bytes are not those that were registered."""

    exit_code, runbook = 16, "artifact-broken"

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"{uri}: {problem}. Restore it from a backup. Without one, promote another version if it is a "
            "model, or score its night in a new revision if it is a population."
        )


class PredictsOtherwise(NightjarError):
    """A version gives other numbers for its golden rows than at its registration.

    score_date: of the night that it stops, if it stops one.
    """

    exit_code, runbook = 63, "golden-rows"

    def __init__(self, model: str, version: int, other: str, score_date: date | None = None) -> None:
        stopped = f" {score_date}, so nothing was scored" if score_date else ""
        otherwise = (
            ", or score the night with the numbers of today, with a reason, which the ledger keeps"
            if score_date
            else ""
        )
        super().__init__(
            f"{model} version {version} predicts other numbers than at its registration{stopped}: {other}. "
            f"The code, a library, the machine or its file is another. Put it back, or train anew{otherwise}."
        )
        self.model, self.version, self.score_date = model, version, score_date


class TooLittleHistory(NightjarError):
    exit_code, runbook = 17, "too-little-history"

    def __init__(self, model: str, known_at: datetime, needed: str) -> None:
        remedy = "Land more days, or train by what is known on a later day."
        super().__init__(
            f"{model}: too few mature outcomes are known at {known_at:%Y-%m-%d %H:%M} UTC: {needed}. {remedy}"
        )
        self.model = model


class NothingMatches(TooLittleHistory):
    """Outcomes are mature, and none belongs to a row that was to be scored. More days would not help."""

    def __init__(self, model: str, known_at: datetime, outcomes: int, why: str) -> None:
        NightjarError.__init__(
            self,
            f"{model}: {outcomes:,} outcomes are mature at {known_at:%Y-%m-%d %H:%M} UTC, and no row of a "
            f"population has one of them: {why}",
        )
        self.model = model


class SeenAlready(NightjarError):
    """A version from elsewhere has seen outcomes that it would be measured on. Nothing is registered.

    last_needed: with outcomes up to this date there is enough that it has not seen.
    """

    exit_code, runbook = 59, "too-little-history"

    def __init__(self, model: str, trained_through: date, last_needed: date) -> None:
        super().__init__(
            f"{model}: too few outcomes are known that the version has not seen. It was trained through "
            f"{trained_through}, so it can be measured when the outcomes up to {last_needed} are known. "
            "Register it then, or register a version that was trained on earlier dates alone."
        )
        self.model = model


class WrongLearner(NightjarError):
    """A learner that cannot give what a model of this kind needs."""

    exit_code, runbook = 55, "bad-spec"

    def __init__(self, kind: str, problem: str) -> None:
        super().__init__(
            f"The learner does not fit a model of the kind {kind!r}: {problem}. "
            "Correct fit, baseline or kind in the model's spec."
        )


class CodeFailed(NightjarError):
    """A function of a model's own code raised an error.

    field: of the spec, or of a feature table. asked: what it was called for, in words. raised: the error, in
    words. where: file and line in that code.
    """

    exit_code, runbook = 56, "model-code-failed"
    remedy: ClassVar[str] = "Correct that line, or what it reads, then run the same again."

    def __init__(self, model: str, field: str, asked: str, raised: str, where: str) -> None:
        super().__init__(f"{model}: `{field}` {asked} raised at {where}: {raised}. {self.remedy}")
        self.model = model


class DeliverFailed(CodeFailed, Retryable):
    """`deliver` raised an error. It reaches other machines, so the same call may succeed later."""

    exit_code = 61
    remedy = (
        "Earlier deliveries are unchanged. Correct that line, or wait until what it reaches answers again."
    )
