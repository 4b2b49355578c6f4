"""Why a night is not scored or not published."""

from collections.abc import Sequence
from datetime import date

from nightjar.core.errors.base import NightjarError, Retryable


class AuditFailed(NightjarError):
    """The stored night must not be published. acceptable: whether a person may publish it all the same."""

    exit_code, runbook = 9, "audit-failed"

    def __init__(self, model: str, score_date: date, findings: Sequence[str], *, acceptable: bool = True) -> None:
        otherwise = "; or, if the world was truly like this, publish it with --accept and the reason, which the ledger keeps"
        super().__init__(
            f"{model} {score_date} is stored but not published: {'; '.join(findings)}. "
            f"Mend the cause and run the night again with --force (a new revision){otherwise if acceptable else ''}."
        )
        self.findings = tuple(findings)


class NightBusy(Retryable):
    """Another process holds the night's lock."""

    exit_code, runbook = 12, "night-busy"

    def __init__(self, model: str, score_date: date, holder: str, waited_s: float) -> None:
        super().__init__(
            f"{model} {score_date} is being scored by {holder}; waited {waited_s:.0f} s. "
            "Nothing was changed. Look with `nightjar status`, and try again when it has ended."
        )


class ClaimLost(Retryable):
    """The lock or the claim went to another attempt while this one was working."""

    exit_code, runbook = 13, "claim-lost"

    def __init__(self, model: str, score_date: date, run_id: int) -> None:
        super().__init__(
            f"{model} {score_date}: run {run_id} was taken over by another attempt, so this one published nothing. "
            "The other attempt finishes the night; look with `nightjar status`."
        )


class Stopped(NightjarError):
    """A person ended this flow run, or another attempt of it began, while this one worked. No retry of a part changes that."""

    exit_code, runbook = 50, "stopped"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"This flow run was stopped: {why}. What it published stays, parts that it stored are kept, and it publishes nothing more. "
            "The next attempt does the rest."
        )


class RepairOutdated(Retryable):
    """A repair kept scores of a publication that was replaced, by a rollback perhaps, while it worked."""

    exit_code, runbook = 40, "repair-outdated"

    def __init__(self, model: str, score_date: date, run_id: int, base_id: int, shown_id: int) -> None:
        super().__init__(
            f"{model} {score_date}: run {run_id} repairs run {base_id}, but meanwhile analysts were shown run {shown_id}, so it published nothing. "
            "Look why with `nightjar status`; the same command again repairs what they see now."
        )


class WorkBusy(Retryable):
    """Another process does the same kind of work, which only one may do at a time."""

    exit_code, runbook = 22, "work-busy"

    def __init__(self, what: str, holder: str, waited_s: float) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]}: being done by {holder}; waited {waited_s:.0f} s. Try again when it has ended.")
