"""Name the command that fixes an error, with its arguments filled in.

An error of the core says what was wrong and what has to happen. Code that shows an error to people shows
`told(error)`. All imports are fast, because `nightjar --help` needs this module.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import singledispatch
from typing import TYPE_CHECKING, TypeVar

from nightjar.core.errors import cluster, database, inputs, model, night, platform, settings
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import told_of

if TYPE_CHECKING:
    from nightjar.core.lost import LostDelivery
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.monitoring.due import Wait

E = TypeVar("E", bound=Exception)


def told(error: Exception) -> str:
    """The whole text that people read about an error.

    It says what was wrong, what has to happen, the command for it, and the runbook.
    """
    return told_of(advised(error))


def advised(error: E) -> E:
    """Add the command to the error's own text, so that other programs show it too. Return the same error."""
    if isinstance(error, NightjarError):
        error.advice = remedy(error)
    return error


@contextmanager
def with_advice() -> Iterator[None]:
    """Pass each error raised in the block through `advised`."""
    try:
        yield
    except NightjarError as error:
        advised(error)
        raise


def waiting_told(spec: "ModelSpec", wait: "Wait") -> str:
    """The reason why nights are not measured, and the command that ends the wait."""
    if wait.lacking == "night":
        return f"{wait.why}. `nightjar score --model {spec.name}` publishes one"
    if wait.lacking == "outcomes":
        dataset = spec.outcome_reads[0].dataset
        land = f"`nightjar land {dataset} YYYY-MM-DD FILE --model {spec.name}`"
        return f"{wait.why}; {land} brings one in"
    return wait.why


@singledispatch
def remedy(error: NightjarError) -> str:  # noqa: ARG001  # its class has no command
    """A sentence that names the command. It is empty if the error's own text says all there is to do."""
    return ""


ASK_THE_DOCTOR = "Check it with `nightjar doctor`."
ALWAYS: Mapping[type[NightjarError], str] = {
    cluster.ClusterGone: ASK_THE_DOCTOR,
    cluster.WorkerUnfit: "`nightjar doctor` asks each worker.",
    database.StoreUnavailable: ASK_THE_DOCTOR,
    database.SchemaOutdated: "Run `nightjar db migrate`.",
    database.RoleHasNoPassword: "Run `nightjar db migrate`.",
    database.RolesMissing: "Run `nightjar db migrate`.",
    database.OwnerNeeded: "The owner is who runs `nightjar db migrate`.",
    database.NoEmbeddedPostgres: "`nightjar up` and `nightjar db migrate` start it.",
    database.NightsRunning: "Look with `nightjar status`; then run `nightjar db migrate`.",
    inputs.DataGone: (
        "If it is lost for good, `nightjar features build --model NAME --from-nothing` lands what its feeds "
        "still have."
    ),
    inputs.FeastRegistryEmpty: "Run `nightjar features apply`.",
    inputs.FeastSchemaGone: "Run `nightjar db migrate`, then `nightjar features apply`.",
    model.ArtifactBroken: (
        "To promote another version: `nightjar promote NUMBER --model NAME --reason REASON`. "
        "To score a night in a new revision: `nightjar score --model NAME --date YYYY-MM-DD --force`."
    ),
    night.ReasonMissing: "`nightjar rollback` takes it as --reason.",
    platform.ModelsGone: "Run `nightjar deploy --remove`.",
    platform.ServerOpen: "`nightjar up` and docker/compose.yaml start it like that.",
}
"""The remedies that take no facts of the error."""


def always(sentence: str) -> Callable[[NightjarError], str]:
    return lambda _: sentence


for kind, sentence in ALWAYS.items():
    remedy.register(kind, always(sentence))


# what a night needs


@remedy.register
def _(error: inputs.BadDelivery) -> str:
    return f"To score it without: {scored(*error.night, '--accept REASON')}." if error.night else ""


@remedy.register
def _(error: inputs.DeliveriesSetAside | inputs.NothingSetAside | inputs.NothingLost) -> str:
    return f"Look with `nightjar deliveries list --model {error.model}`."


@remedy.register
def _(error: inputs.DeliveriesLost) -> str:
    first, name = error.lost[0], error.model or "NAME"
    without = f"`nightjar deliveries clear {first.dataset} {first.day} --lost --model {name}`"
    return f"To land one: {landed(first, name)}. If it is gone for good: {without}."


@remedy.register
def _(error: inputs.MissingFeatures) -> str:
    return "Run `nightjar features apply`." if error.repo is None and error.columns is None else ""


@remedy.register
def _(error: inputs.NoPopulation) -> str:
    if error.landed:
        return ""
    later = (
        f"To score with what is known later: {scored(error.model, error.score_date, '--known-at INSTANT')}."
    )
    if error.scanned:
        return later
    land = f"`nightjar land {error.dataset} {error.score_date} FILE --model {error.model}`"
    return f"To land it: {land}. {later}"


@remedy.register
def _(error: inputs.StaleFeatures) -> str:
    return f"To score it without: {scored(error.model, error.score_date, '--accept REASON')}."


# a model and its versions


@remedy.register
def _(error: model.ModelNotNamed) -> str:
    if not error.known:
        return "`nightjar new-model NAME` makes one."
    return "Name one with `--model NAME`, or set NIGHTJAR_MODEL."


@remedy.register
def _(error: model.NoChampion) -> str:
    train = f"nightjar retrain --model {error.model}"
    if error.newest is None:
        return f"Run `{train}`."
    overruled = " --despite-gates" if error.newest.failed else ""
    promote = f"nightjar promote {error.newest.number} --model {error.model}{overruled} --reason REASON"
    look = f"`nightjar models --model {error.model}` shows its gates and what to look at first."
    return f"{look} To promote it: `{promote}`. To train again: `{train}`."


@remedy.register
def _(error: model.NoHonestChampion) -> str:
    train = f"nightjar retrain --model {error.model} --today YYYY-MM-DD"
    name = scored(error.model, error.score_date, "--version NUMBER")
    return f"To train one: `{train}`. To name one: {name}, or `nightjar backfill` with --version."


@remedy.register
def _(error: model.GateFailed) -> str:
    promote = f"nightjar promote {error.version} --model {error.model} --despite-gates --reason REASON"
    return f"To promote it all the same: `{promote}`."


@remedy.register
def _(error: model.PredictsOtherwise) -> str:
    train = f"`nightjar retrain --model {error.model}` trains."
    look = f"`nightjar doctor` names the libraries that changed. {train}"
    if error.score_date is None:
        return look
    return f"{look} To score it all the same: {scored(error.model, error.score_date, '--accept REASON')}."


@remedy.register
def _(error: model.TooLittleHistory) -> str:
    held = f"`nightjar outcomes list --model {error.model}` shows days that have landed and are held."
    return f"{held} To name a later day: `nightjar retrain --model {error.model} --today YYYY-MM-DD`."


@remedy.register
def _(error: model.NothingMatches) -> str:
    return f"Then run `nightjar retrain --model {error.model}` again."


@remedy.register
def _(error: model.SeenAlready) -> str:
    return f"To name a later day: `nightjar register FILE --model {error.model} --today YYYY-MM-DD`."


@remedy.register
def _(error: settings.ExtraMissing) -> str:
    return f"Run `uv sync --extra {error.extra}`."


# nights


@remedy.register
def _(error: night.AuditFailed) -> str:
    again = f"To score it again: {scored(error.model, error.score_date, '--force')}."
    anyway = ("--force", "--accept REASON") if error.corrects else ("--accept REASON",)
    accept = f" To publish it as it is: {scored(error.model, error.score_date, *anyway)}."
    look = f"`nightjar findings {error.score_date} --model {error.model}`"
    return f"To see all findings with their numbers: {look}. {again}{accept if error.acceptable else ''}"


@remedy.register
def _(error: night.NightBusy | night.ClaimLost | night.RepairOutdated | night.NeverPublished) -> str:
    return f"Look with `nightjar status --model {error.model}`."


@remedy.register
def _(error: night.NothingPublished) -> str:
    look = f"Look with `nightjar status --model {error.model}`"
    return f"{look}, or run {scored(error.model, error.score_date)}."


@remedy.register
def _(error: night.NotPublished) -> str:
    return f"Run {scored(error.model, error.score_date)}."


@remedy.register
def _(error: settings.NoOccasion) -> str:
    span = f"--from {error.nearest[0]} --to {error.nearest[-1]}"
    return f"`nightjar backfill --model {error.model} {span} --dry-run` lists the dates of a range."


@remedy.register
def _(error: settings.DayToCome) -> str:
    return f"The last day is `--today {error.today}`."


# the Prefect server


@remedy.register
def _(error: platform.NotDeployed) -> str:
    return "" if error.remedy else "Run `nightjar deploy`."


@remedy.register
def _(error: platform.NoWorker) -> str:
    if error.variant == "paused":
        return "`nightjar prefect work-pool resume nightjar` lets runs start."
    return "`nightjar up` runs one, and another one in place of one that hangs and is ended."


@remedy.register
def _(error: platform.DeploymentPaused) -> str:
    return f"Run `nightjar resume {error.names[0]}`."


def scored(name: str, score_date: object, *options: str) -> str:
    return f"`{' '.join(('nightjar score --model', name, '--date', str(score_date), *options))}`"


def landed(lost: "LostDelivery", model: str) -> str:
    through = f" --through {lost.last}" if lost.last != lost.day else ""
    return f"`nightjar land {lost.dataset} {lost.day} FILE{through} --model {model}`"
