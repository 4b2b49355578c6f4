"""These errors say why a night is not scored or not published."""

from collections.abc import Sequence
from datetime import date

from nightjar.core.errors.base import NightjarError, Retryable
from nightjar.core.errors.settings import BadSettings
from nightjar.core.plurals import counted


class AuditFailed(NightjarError):
    """The stored night must not be published.

    findings: what the most telling ones say, in plain lines. others: how many more there are.
    numbers: their numbers, and how often ordinary nights have such findings; empty if there are none.
    acceptable: True if the world may be the reason. A person is then told how to publish the night as it is.
    corrects: True if another revision of the night came before, which analysts may see.
    """

    exit_code, runbook = 9, "audit-failed"

    def __init__(
        self,
        model: str,
        score_date: date,
        findings: Sequence[str],
        *,
        others: int = 0,
        numbers: str = "",
        acceptable: bool = True,
        corrects: bool = False,
    ) -> None:
        otherwise = "; or, if the world was truly like this, publish it with a reason, which the ledger keeps"
        more = () if others == 0 else (f"And {counted(others, 'more finding')}",)
        held = f"{model} {score_date} is stored but not published: {'. '.join((*findings, *more))}."
        remedy = (
            f"Mend the cause and score the night again in a new revision{otherwise if acceptable else ''}."
        )
        super().__init__(" ".join(filter(None, (held, numbers, remedy))))
        self.model, self.score_date = model, score_date
        self.others, self.acceptable, self.corrects = others, acceptable, corrects


class NightBusy(Retryable):
    """Another process holds the night's lock."""

    exit_code, runbook = 12, "night-busy"

    def __init__(self, model: str, score_date: date, holder: str, waited_s: float) -> None:
        super().__init__(
            f"{model} {score_date} is being scored by {holder}; waited {waited_s:.0f} s. Nothing was "
            "changed. Try again when it has ended."
        )
        self.model = model


class ClaimLost(Retryable):
    """The lock or the claim went to another attempt while this one was working."""

    exit_code, runbook = 13, "claim-lost"

    def __init__(self, model: str, score_date: date, run_id: int) -> None:
        super().__init__(
            f"{model} {score_date}: run {run_id} was taken over by another attempt, so this one published "
            "nothing. The other attempt finishes the night."
        )
        self.model = model


class Stopped(NightjarError):
    """While this attempt worked, a person ended its flow run or another attempt of it began.

    Retrying a part does not help.
    """

    exit_code, runbook = 50, "stopped"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This flow run was stopped: {why}. What it published stays, parts that it stored are kept, and "
            "it publishes nothing more. The next attempt does the rest."
        )


class RepairOutdated(Retryable):
    """A repair kept scores of a publication that was replaced meanwhile, perhaps by a rollback."""

    exit_code, runbook = 40, "repair-outdated"

    def __init__(self, model: str, score_date: date, run_id: int, base_id: int, shown_id: int) -> None:
        super().__init__(
            f"{model} {score_date}: run {run_id} repairs run {base_id}, but meanwhile analysts were shown "
            f"run {shown_id}, so it published nothing. The same repair again begins with what they see now."
        )
        self.model = model


class NotPublished(BadSettings):
    """The night is not published, so there is nothing to repair."""

    def __init__(self, model: str, score_date: date) -> None:
        super().__init__(f"{model} {score_date} is not published, so there is nothing to repair", "Score it.")
        self.model, self.score_date = model, score_date


class NothingPublished(BadSettings):
    """A night of which analysts see nothing. state: of its newest run; None if there was none."""

    def __init__(self, model: str, score_date: date, state: str | None) -> None:
        held = "it was never scored" if state is None else f"its newest run is {state}"
        super().__init__(
            f"Nothing is published of {model} {score_date}: {held}", "Score it, or name another night."
        )
        self.model, self.score_date = model, score_date


class NoSuchRow(BadSettings):
    """A published night whose population never had an entity. near: keys that look like it."""

    def __init__(self, model: str, score_date: date, entity_key: str, near: Sequence[str]) -> None:
        like = f" Like it are {', '.join(near)}." if near else ""
        super().__init__(
            f"The population of {model} {score_date} has no row {entity_key!r}",
            f"Name another night or another entity_key.{like}",
        )
        self.model = model


class NeverPublished(BadSettings):
    """A rollback names a run that was never published."""

    def __init__(self, model: str, score_date: date, run_id: int) -> None:
        super().__init__(f"Run {run_id} of {model} {score_date} was never published", "Name one that was.")
        self.model = model


class ReasonMissing(BadSettings):
    def __init__(self) -> None:
        super().__init__("A rollback needs a reason", "Say why: the ledger keeps it, and people read it.")


class WorkBusy(Retryable):
    """Another process does the same kind of work. Only one process may do it at a time."""

    exit_code, runbook = 22, "work-busy"

    def __init__(self, what: str, holder: str, waited_s: float) -> None:
        super().__init__(
            f"{what[:1].upper()}{what[1:]}: being done by {holder}; waited {waited_s:.0f} s. Try again when "
            "it has ended."
        )


class NothingToReplay(BadSettings):
    """A run was named that stored no score."""

    def __init__(self, model: str, score_date: date, run_id: int) -> None:
        super().__init__(f"Run {run_id} of {model} {score_date} stored no score", "Name a published run.")
        self.model = model


class ReplayDiffers(NightjarError):
    """A run that was scored again does not give what it gave, or its source gives other inputs today."""

    exit_code, runbook = 64, "replay-differs"

    def __init__(self, model: str, run_id: int, what: str) -> None:
        super().__init__(
            f"Run {run_id} of {model} is not reproduced: {what}. Look for what changed since: the code, the "
            "libraries, the machine, or the source. What is published stays as it is."
        )


class OtherCode(NightjarError):
    """A run cannot be scored again by the code of today: it asks for other inputs than the run read.

    commit: of the code that trained the version. changed: what is another since, in words.
    """

    exit_code, runbook = 65, "replay-differs"

    def __init__(self, model: str, run_id: int, why: str, commit: str, changed: Sequence[str]) -> None:
        since = f" Since its version was trained: {'; '.join(changed)}." if changed else ""
        super().__init__(
            f"Run {run_id} of {model} cannot be scored again by the code of today: {why}{since} Replay it "
            f"in a checkout of the code that trained its version: {commit}."
        )
