"""Every error Nightjar raises on purpose: what was wrong, where, and what to do next.

The command line shows them without a traceback and exits with the class's `exit_code`; `runbook` names the page in
`runbooks/` that an operator opens. Retryable or not is a type: `except Retryable` is the whole retry policy.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar


class NightjarError(Exception):
    """Root of all errors raised on purpose. Its text is complete: no traceback is needed to act on it."""

    exit_code: ClassVar[int] = 1
    runbook: ClassVar[str] = "unexpected-error"

    def __str__(self) -> str:
        return f"{super().__str__()} Runbook: runbooks/{self.runbook}.md"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a trip between processes: subclasses take other arguments than the text that they pass on."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[NightjarError], args: tuple[object, ...], state: dict[str, object]) -> NightjarError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class Retryable(NightjarError):
    """The same call may succeed later without anyone changing anything."""


class BadSettings(NightjarError):
    """A setting or argument that cannot be used."""

    exit_code, runbook = 2, "bad-settings"

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")


class UnknownModel(NightjarError):
    exit_code, runbook = 3, "unknown-model"

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no model {name!r}. Known: {', '.join(sorted(known))}. Models are listed in models/__init__.py.")


class BadSpec(NightjarError):
    exit_code, runbook = 4, "bad-spec"

    def __init__(self, model: str, field: str, problem: str) -> None:
        super().__init__(f"models/{model}/spec.py: {field} {problem}.")


class BadDelivery(NightjarError):
    """A landed file that does not keep its dataset's schema. What was there before is untouched."""

    exit_code, runbook = 5, "bad-delivery"

    def __init__(self, file: Path | str, problem: str, remedy: str, column: str | None = None) -> None:
        where = f"{file}, column {column!r}" if column else str(file)
        super().__init__(f"{where}: {problem}. {remedy}")
        self.file, self.problem, self.remedy, self.column = str(file), problem, remedy, column


class DeliveriesSetAside(NightjarError):
    """Bad deliveries that nothing has replaced, and nobody has cleared."""

    exit_code, runbook = 45, "bad-delivery"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Bad deliveries are set aside ({len(names)}): {', '.join(names)}. Look with `nightjar deliveries list`.")


class NoPopulation(NightjarError):
    """landed: how many rows there are for the date, of which the model takes none. last: no date up to it has any."""

    exit_code, runbook = 6, "no-population"

    def __init__(self, model: str, score_date: date, dataset: str, known_at: datetime, landed: int, last: date | None = None) -> None:
        dates = f"{score_date}" if last in (None, score_date) else f"{score_date} to {last}"
        known = f"recorded by {known_at:%Y-%m-%d %H:%M} UTC"
        why = (
            f"{landed} rows of {dataset} {known} landed for that date, and the model's `population` takes none of them. "
            f"Look at the rows, and at the filter in models/{model}/; or name another date."
            if landed
            else f"no {dataset} {known} landed for that date. "
            "Land it with `nightjar land`, or name another date; if it was recorded later than that, score with --known-at."
        )
        super().__init__(f"{model}: nothing to score on {dates}: {why}")


class NoChampion(NightjarError):
    exit_code, runbook = 7, "no-champion"

    def __init__(self, model: str) -> None:
        super().__init__(f"{model} has no champion to score with. Train one with `nightjar retrain --model {model}`.")


class ContractBroken(NightjarError):
    """A fault of the whole batch: a missing column or a wrong type. No row of it can be trusted."""

    exit_code, runbook = 8, "contract-broken"

    def __init__(self, where: str, faults: Sequence[str]) -> None:
        super().__init__(f"{where}: {'; '.join(faults)}. Correct the source or the contract, then retry the run.")


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


class StaleFeatures(NightjarError):
    """A feed stopped: features are older than the model lets them be."""

    exit_code, runbook = 25, "stale-features"

    def __init__(self, model: str, score_date: date, as_of: datetime, findings: Sequence[str]) -> None:
        super().__init__(
            f"{model} {score_date} is not scored, as of {as_of:%Y-%m-%d %H:%M} UTC: {'; '.join(findings)}. "
            "Land what was delivered and run the night again; or, if it is to be scored without, say --accept and the reason, which the ledger keeps."
        )
        self.findings = tuple(findings)


class GateFailed(NightjarError):
    """A version that may not become champion."""

    exit_code, runbook = 10, "gate-failed"

    def __init__(self, model: str, version: int, failures: Sequence[str]) -> None:
        super().__init__(
            f"{model} version {version} did not pass its gates: {'; '.join(failures)}. "
            "Train again when more is known, or say `--despite-gates` and why, which the ledger keeps."
        )


class MissingFeatures(NightjarError):
    exit_code, runbook = 11, "missing-features"

    def __init__(self, model: str, missing: Sequence[str], service: str) -> None:
        super().__init__(f"{model}: feature service {service!r} lacks {sorted(missing)}. Run `nightjar features apply`, or correct the model's spec.")


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


class DamagedFile(NightjarError):
    """A stored file of raw days or features that holds other bytes than were written."""

    exit_code, runbook = 41, "damaged-file"

    def __init__(self, file: Path, why: str, remedy: str) -> None:
        super().__init__(f"{file} is damaged: {why}. {remedy}")


class StoreUnavailable(Retryable):
    exit_code, runbook = 14, "store-unavailable"

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(f"{what} cannot be reached: {cause}. Check it with `nightjar doctor`; the run may simply be retried.")


class StorageRefused(Retryable):
    """The file system said no: it is full, read-only, or closed to us."""

    exit_code, runbook = 24, "storage-refused"

    def __init__(self, error: OSError) -> None:
        where = error.filename or "the file system"
        super().__init__(f"{where}: {error.strerror or error}. Free space or open it to this user, then run the same again: what is stored is kept.")


class OutOfMemory(Retryable):
    """The machine, or a limit of this process, gives no more memory."""

    exit_code, runbook = 34, "out-of-memory"

    def __init__(self) -> None:
        super().__init__(
            "There is no memory left for this process. What is stored is kept. Give it more, or let it do less at once (NIGHTJAR_THREADS=1, "
            "a smaller part_rows in the model's spec), then run the same again."
        )


REFUSALS = (OSError, MemoryError)
"""How Python says that the machine refuses something; `refused` says what it means."""


def may_pass(error: object) -> bool:
    """Whether the same may be tried again without anyone changing anything: the type of the error says so."""
    return isinstance(error, (Retryable, *REFUSALS))


def refused(error: OSError | MemoryError) -> Retryable:
    """What the machine said, as what it means: libraries tell of memory in either way."""
    return OutOfMemory() if isinstance(error, MemoryError) or "Cannot allocate memory" in str(error) else StorageRefused(error)


def told_of(error: Exception) -> str:
    """An error in words: an unexpected one begins with its type, which is all that some of them say."""
    if isinstance(error, (OSError, MemoryError)):
        return str(refused(error))
    return str(error) if isinstance(error, NightjarError) else f"{type(error).__name__}: {error}"


class SchemaOutdated(NightjarError):
    exit_code, runbook = 15, "schema-outdated"

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(f"The database is at migration {found or 'none'}, the code needs {expected}. Run `nightjar db migrate`.")


class SchemaNewer(NightjarError):
    """The database was migrated by newer code, whose migrations this code does not know."""

    exit_code, runbook = 30, "schema-newer"

    def __init__(self, found: str, newest: str) -> None:
        super().__init__(
            f"The database is newer than this code: it is at migration {found}, the newest known here is {newest}. "
            "Install the code that it was migrated for; nothing was changed."
        )


class ArtifactBroken(NightjarError):
    """A stored artifact is missing or is not the bytes that were registered."""

    exit_code, runbook = 16, "artifact-broken"

    def __init__(self, uri: str, problem: str) -> None:
        super().__init__(
            f"{uri}: {problem}. Restore it from a backup. Without one, promote another version with `nightjar promote` if it is a model, "
            "or score its night with --force if it is a population."
        )


class TooLittleHistory(NightjarError):
    exit_code, runbook = 17, "too-little-history"

    def __init__(self, model: str, known_at: datetime, needed: str) -> None:
        remedy = "Land more days, or name a later day with --today."
        super().__init__(f"{model}: too few mature outcomes are known at {known_at:%Y-%m-%d %H:%M} UTC: {needed}. {remedy}")


class EmbeddedPostgresFailed(NightjarError):
    exit_code, runbook = 18, "embedded-postgres"

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"The embedded Postgres did not start: {problem}. {remedy}")


class PlatformFailed(NightjarError):
    """A process of `nightjar up` did not come up, or ended on its own."""

    exit_code, runbook = 19, "platform-failed"

    def __init__(self, process: str, problem: str, log: Path | str) -> None:
        super().__init__(f"{process} {problem}. Its log is {log}.")


class NotDeployed(NightjarError):
    """The Prefect server lacks, or has otherwise, what this code runs on."""

    exit_code, runbook = 28, "not-deployed"

    def __init__(self, what: str, remedy: str = "Run `nightjar deploy`.") -> None:
        super().__init__(f"The Prefect server is not as this code wants it: {what}. {remedy}")


class ServerOpen(NightjarError):
    """The Prefect server obeys those whom it should not."""

    exit_code, runbook = 38, "server-open"

    def __init__(self, url: str, openings: Sequence[str]) -> None:
        super().__init__(
            f"The Prefect server at {url} {'; it '.join(openings)}. "
            "Who reaches it may run the flows, or more. Start it as `nightjar up` and docker/compose.yaml do."
        )


class NotOurFlow(NightjarError):
    """A flow run of a deployment that this code does not have. The worker runs nothing else."""

    exit_code, runbook = 39, "not-our-flow"

    def __init__(self, why: str) -> None:
        super().__init__(f"This worker runs the flows that prefect.yaml deploys, and no other: {why}.")


class NoWorker(NightjarError):
    """Runs are scheduled, and nothing takes them."""

    exit_code, runbook = 29, "no-worker"

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}: no run starts. Runs that wait keep their score date.")


class RunsStuck(NightjarError):
    """Flow runs that nothing will end, or start, by itself."""

    exit_code, runbook = 31, "stuck-run"

    def __init__(self, runs: Sequence[str]) -> None:
        super().__init__(f"{len(runs)} flow runs look stuck: {'; '.join(runs)}.")


class DeploymentPaused(NightjarError):
    """A schedule starts no more runs: its circuit is open, or a person paused it."""

    exit_code, runbook = 32, "circuit-open"

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"Paused, by a person or by failures in a row: {', '.join(names)}. When that is mended: `nightjar resume {names[0]}`.")


class RoleHasNoPassword(NightjarError):
    exit_code, runbook = 20, "role-has-no-password"

    def __init__(self, role: str) -> None:
        super().__init__(f"The role {role} has no password here. Set NIGHTJAR_{role.upper()}_PASSWORD and run `nightjar db migrate` as the owner.")


class UnsafeFeatureStore(NightjarError):
    exit_code, runbook = 21, "unsafe-feature-store"

    def __init__(self, store_type: str) -> None:
        super().__init__(
            f"feature_store.yaml names offline_store type {store_type!r}, which loses rows: on a real night of 801 departures it "
            "returned 13 without an error (it drops entity rows whose history is expired or absent). Use "
            "nightjar.adapters.feast_polars.PolarsOfflineStore."
        )


class NotOurStore(NightjarError):
    """A question that only our own offline store can answer."""

    exit_code, runbook = 26, "not-our-store"

    def __init__(self, model: str, store_type: str) -> None:
        super().__init__(
            f"{model}: features are asked for as they were known at another instant than the entities' own, which the offline store "
            f"{store_type!r} of feature_store.yaml cannot answer. Use nightjar.adapters.feast_polars.PolarsOfflineStore with its `known_at` as it is."
        )


class WorkBusy(Retryable):
    """Another process does the same kind of work, which only one may do at a time."""

    exit_code, runbook = 22, "work-busy"

    def __init__(self, what: str, holder: str, waited_s: float) -> None:
        super().__init__(f"{what[:1].upper()}{what[1:]}: being done by {holder}; waited {waited_s:.0f} s. Try again when it has ended.")


class RightsMissing(NightjarError):
    """The database lets a role in and refuses what it is to do: its grants were lost, in a restore perhaps."""

    exit_code, runbook = 35, "rights-missing"

    def __init__(self, what: str, cause: str) -> None:
        super().__init__(f"{what} does not let us: {cause}. Let the owner grant again what was lost; the runbook has the statements.")


class RolesMissing(NightjarError):
    """The database lacks roles, and its URL's user may not create them."""

    exit_code, runbook = 23, "roles-missing"

    def __init__(self, user: str, roles: Sequence[str]) -> None:
        statements = " ".join(f"CREATE ROLE {role} LOGIN PASSWORD '...';" for role in roles)
        super().__init__(
            f"{user} may not create the roles {', '.join(roles)}. Let an administrator run once: {statements} "
            "Then set NIGHTJAR_WRITER_PASSWORD and NIGHTJAR_ANALYST_PASSWORD, and run `nightjar db migrate` again."
        )


class OwnerNeeded(NightjarError):
    """What only the owner of the schema may do, tried as somebody else."""

    exit_code, runbook = 33, "owner-needed"

    def __init__(self, user: str) -> None:
        super().__init__(
            f"Pruning removes rows, which only the owner of the schema may do, and {user} is not. "
            "Let NIGHTJAR_DATABASE_URL name the owner, as it does for `nightjar db migrate`."
        )


class NightsRunning(Retryable):
    """A migration found somebody at work by the schema that it would change."""

    exit_code, runbook = 27, "nights-running"

    def __init__(self, working: Sequence[str], waited_s: float) -> None:
        super().__init__(
            f"The database is not migrated while someone works by its schema: {'; '.join(working) or 'a process that has just ended'}. "
            f"Waited {waited_s:.0f} s; nothing was changed. Look with `nightjar status`, and migrate again when it has ended."
        )
