"""The text that people read of an error: what was wrong, the command for it with its arguments, the
runbook.
"""

import pickle
import re
import shlex
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import typer

from nightjar.cli import app
from nightjar.core.errors import cluster, database, inputs, machine, model, night, platform, settings
from nightjar.core.errors.base import NightjarError, Retryable
from nightjar.core.lost import LostDelivery
from nightjar.core.monitoring.due import Wait
from nightjar.showing.remedies import advised, remedy, told, waiting_told, with_advice
from nightjar.testing.specs import toy_spec

DAY, AS_OF = date(2013, 6, 15), datetime(2013, 6, 15, 1, tzinfo=UTC)
SCORE = "nightjar score --model toy --date 2013-06-15"
FAULTS = ("rain is gone",)


def lost_on(day, last=None):
    return LostDelivery(
        dataset="weather", day=day, last=last or day, file="/data/x.parquet", recorded_at=AS_OF
    )


COMMANDS = [
    (cluster.ClusterGone("tcp://host:8786", "does not answer"), ("nightjar doctor",)),
    (cluster.WorkersKilled("tcp://host:8786", 3, 4, "tcp://host:1"), ("nightjar doctor",)),
    (cluster.WorkerUnfit("The worker tcp://host:1", FAULTS), ("nightjar doctor",)),
    (database.StoreUnavailable("The score database", "no route to host"), ("nightjar doctor",)),
    (database.SchemaOutdated("0007", "0008"), ("nightjar db migrate",)),
    (database.RoleHasNoPassword("writer"), ("nightjar db migrate",)),
    (database.RolesMissing("owner", ["writer"]), ("nightjar db migrate",)),
    (database.OwnerNeeded("writer"), ("nightjar db migrate",)),
    (database.NoEmbeddedPostgres(Path("postgres")), ("nightjar up", "nightjar db migrate")),
    (database.NightsRunning(["process 7"], 3), ("nightjar status", "nightjar db migrate")),
    (inputs.BadDelivery("in.csv", "is truncated", "Have it sent again."), ()),
    (
        inputs.BadDelivery("in.csv", "is truncated", "Have it sent again.", night=("toy", DAY)),
        (f"{SCORE} --accept REASON",),
    ),
    (inputs.DeliveriesSetAside("toy", ["weather 2013-06-14"]), ("nightjar deliveries list --model toy",)),
    (inputs.DataGone("/data", "is empty"), ("nightjar features build --model NAME --from-nothing",)),
    (inputs.NothingSetAside("toy", "weather", DAY), ("nightjar deliveries list --model toy",)),
    (inputs.NothingLost("toy", "weather", DAY), ("nightjar deliveries list --model toy",)),
    (
        inputs.DeliveriesLost([lost_on(DAY)], "toy"),
        (
            "nightjar land weather 2013-06-15 FILE --model toy",
            "nightjar deliveries clear weather 2013-06-15 --lost --model toy",
        ),
    ),
    (
        inputs.DeliveriesLost([lost_on(DAY, DAY.replace(day=21))]),
        (
            "nightjar land weather 2013-06-15 FILE --through 2013-06-21 --model NAME",
            "nightjar deliveries clear weather 2013-06-15 --lost --model NAME",
        ),
    ),
    (
        inputs.NoPopulation("toy", DAY, "flights", AS_OF, landed=0),
        ("nightjar land flights 2013-06-15 FILE --model toy", f"{SCORE} --known-at INSTANT"),
    ),
    (inputs.NoPopulation("toy", DAY, "flights", AS_OF, landed=9), ()),
    (inputs.StaleFeatures("toy", DAY, AS_OF, FAULTS), (f"{SCORE} --accept REASON",)),
    (inputs.MissingFeatures("toy", ["rain"], "toy_service"), ("nightjar features apply",)),
    (inputs.MissingFeatures("toy", ["rian"], "toy_service", columns=["x"], near=["rain"]), ()),
    (inputs.FeastSchemaGone(), ("nightjar db migrate", "nightjar features apply")),
    (inputs.FeastRegistryEmpty(), ("nightjar features apply",)),
    (model.NoChampion("toy"), ("nightjar retrain --model toy",)),
    (
        model.NoChampion("toy", model.Unpromoted(3, AS_OF, "min_auc asks a person")),
        (
            "nightjar models --model toy",
            "nightjar promote 3 --model toy --reason REASON",
            "nightjar retrain --model toy",
        ),
    ),
    (
        model.NoChampion("toy", model.Unpromoted(3, AS_OF, "min_auc failed", failed=True)),
        ("nightjar promote 3 --model toy --despite-gates --reason REASON",),
    ),
    (
        model.NoHonestChampion("toy", DAY, AS_OF, {2: AS_OF}),
        ("nightjar retrain --model toy --today YYYY-MM-DD", f"{SCORE} --version NUMBER", "nightjar backfill"),
    ),
    (model.GateFailed("toy", 2, FAULTS), ("nightjar promote 2 --model toy --despite-gates --reason REASON",)),
    (
        model.ArtifactBroken("s3://artifacts/3f", "the file is missing"),
        (
            "nightjar promote NUMBER --model NAME --reason REASON",
            "nightjar score --model NAME --date YYYY-MM-DD --force",
        ),
    ),
    (
        model.TooLittleHistory("toy", AS_OF, "there is none"),
        ("nightjar retrain --model toy --today YYYY-MM-DD",),
    ),
    (model.NothingMatches("toy", AS_OF, 9, "keys differ."), ("nightjar retrain --model toy",)),
    (model.SeenAlready("toy", DAY, DAY), ("nightjar register FILE --model toy --today YYYY-MM-DD",)),
    (model.PredictsOtherwise("toy", 3, "1 of 5"), ("nightjar doctor", "nightjar retrain --model toy")),
    (
        model.PredictsOtherwise("toy", 3, "1 of 5", DAY),
        ("nightjar doctor", "nightjar retrain --model toy", f"{SCORE} --accept REASON"),
    ),
    (night.AuditFailed("toy", DAY, FAULTS), (f"{SCORE} --force", f"{SCORE} --accept REASON")),
    (night.AuditFailed("toy", DAY, FAULTS, corrects=True), (f"{SCORE} --force --accept REASON",)),
    (night.AuditFailed("toy", DAY, FAULTS, acceptable=False), (f"{SCORE} --force",)),
    (night.AuditFailed("toy", DAY, FAULTS, others=7), (f"nightjar findings {DAY} --model toy",)),
    (night.NightBusy("toy", DAY, "process 7", 3), ("nightjar status --model toy",)),
    (night.ClaimLost("toy", DAY, 4), ("nightjar status --model toy",)),
    (night.RepairOutdated("toy", DAY, 4, 2, 3), ("nightjar status --model toy",)),
    (night.NeverPublished("toy", DAY, 4), ("nightjar status --model toy",)),
    (night.NothingPublished("toy", DAY, None), ("nightjar status --model toy", SCORE)),
    (night.NotPublished("toy", DAY), (SCORE,)),
    (night.ReasonMissing(), ("nightjar rollback", "--reason")),
    (settings.ExtraMissing("onnxruntime", "onnx", "No module"), ("uv sync --extra onnx",)),
    (
        settings.NoOccasion("toy", DAY, "0 6 * * 1", (DAY, DAY)),
        (f"nightjar backfill --model toy --from {DAY} --to {DAY} --dry-run",),
    ),
    (settings.DayToCome(DAY, date(2013, 6, 14), "UTC"), ("--today 2013-06-14",)),
    (platform.NotDeployed("there is no work pool"), ("nightjar deploy",)),
    (platform.NotDeployed("its port is another", "Restart the server."), ()),
    (platform.ModelsGone(["toy-score"]), ("nightjar deploy --remove",)),
    (platform.ServerOpen("http://127.0.0.1:4200", ["asks nobody for a login"]), ("nightjar up",)),
    (model.ModelNotNamed([]), ("nightjar new-model NAME",)),
    (model.ModelNotNamed(["toy", "toys"]), ("--model NAME",)),
    (platform.NoWorker("No worker takes runs of the work pool"), ("nightjar up",)),
    (platform.NoWorker("The pool is paused", "paused"), ("nightjar prefect work-pool resume nightjar",)),
    (platform.DeploymentPaused(["toy-score", "toy-repair"]), ("nightjar resume toy-score",)),
]

SAY_IT_THEMSELVES = {
    settings.BadSettings: "they are given what to do instead",
    settings.SystemLibraryMissing: "it names the library and where Debian has it",
    database.EmbeddedPostgresFailed: "it is given what to do",
    inputs.DamagedFile: "it is given what to do",
    inputs.FilesLost: "it is given what to do",
    inputs.ArtifactsLost: "the runbook has a way for each kind of file",
    database.SchemaNewer: "the code is exchanged, not the database",
    database.RightsMissing: "it takes statements, which the runbook has",
    inputs.BadTable: "the table or the query is corrected",
    inputs.NotDelivered: "it says what to do instead",
    inputs.ContractBroken: "the source or the contract is corrected",
    inputs.UnsafeFeatureStore: "feature_store.yaml is corrected",
    inputs.NotOurStore: "feature_store.yaml is corrected",
    machine.StorageRefused: "room is made on the disk",
    machine.OutOfMemory: "it takes more memory",
    model.UnknownModel: "it lists them",
    settings.NoVersion: "it lists them",
    model.ModelBroken: "the code of the model is corrected",
    model.BadSpec: "the spec is corrected",
    model.UnfitModel: "it is given what to do",
    model.NameClash: "one of the two models is corrected",
    model.WrongLearner: "the learner or the kind is corrected",
    model.CodeFailed: "the code of the model is corrected",
    model.DeliverFailed: "the code of the model is corrected, or what it reaches answers again",
    inputs.ServiceMissing: "the spec is corrected, or the repository is applied with its own tools",
    inputs.ServiceUnreadable: "the repository is not ours to mend",
    night.Stopped: "nothing is wrong",
    night.NoSuchRow: "it says what to name",
    night.NothingToReplay: "it says what to name",
    night.OtherCode: "it names the commit",
    night.ReplayDiffers: "what changed since is put back, or explains it",
    night.WorkBusy: "it is waited for",
    platform.PlatformFailed: "its log says what to do",
    platform.NotOurFlow: "nothing is to be done",
    platform.RunsStuck: "the runbook tells how to end each kind",
}
"""Errors that no command of ours mends, and why."""

PLACEHOLDERS = {"INSTANT": "2013-06-15T01:00:00+00:00", "YYYY-MM-DD": "2013-06-15", "NUMBER": "3"}


def classes(root: type[NightjarError]) -> Iterator[type[NightjarError]]:
    for child in root.__subclasses__():
        yield child
        yield from classes(child)


def quoted(error: NightjarError) -> list[str]:
    return re.findall(r"`([^`]*)`", remedy(error))


@pytest.mark.parametrize(("error", "commands"), COMMANDS, ids=lambda value: type(value).__name__)
def test_people_read_what_was_wrong_then_the_command_with_its_arguments_then_the_runbook(error, commands):
    core = str(pickle.loads(pickle.dumps(error))).removesuffix(f" Runbook: runbooks/{error.runbook}.md")
    assert not re.search(r"nightjar [a-z]|--[a-z]", core), "the core knows no command"
    whole = told(error)
    assert whole.startswith(core)
    assert whole.endswith(f" Runbook: runbooks/{error.runbook}.md")
    advice = whole.removeprefix(core)
    assert [command for command in commands if command not in advice] == []
    assert bool(commands) == ("`" in advice)


@pytest.mark.parametrize("error", [error for error, _ in COMMANDS], ids=lambda error: type(error).__name__)
def test_the_command_line_takes_every_command_that_an_error_names(error, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").touch()
    for words in (shlex.split(command)[1:] for command in quoted(error) if command.startswith("nightjar ")):
        command, rest = typer.main.get_command(app), [PLACEHOLDERS.get(word, word) for word in words]
        while hasattr(command, "commands"):
            command = command.commands[rest.pop(0)]
        if rest:
            command.make_context(
                command.name, rest
            )  # refuses what it does not know, what is missing and what is no date


def test_every_error_has_a_command_or_says_itself_what_has_to_happen():
    ours = {kind for kind in classes(NightjarError) if kind.__module__.startswith("nightjar.")} - {Retryable}
    with_command = {type(error) for error, commands in COMMANDS if commands}
    assert ours == with_command | set(SAY_IT_THEMSELVES)
    assert {kind for kind in ours if remedy.dispatch(kind) is not remedy.dispatch(object)} == with_command


def test_an_error_names_its_command_wherever_it_is_shown_from_then_on_and_once():
    error = advised(advised(model.NoChampion("toy")))
    assert str(error) == told(error) == str(pickle.loads(pickle.dumps(error)))
    assert str(error).count("`nightjar retrain --model toy`") == 1


def test_what_is_raised_by_work_with_advice_is_itself_and_names_its_command():
    @with_advice()
    def work() -> None:
        raise model.NoChampion("toy")

    with pytest.raises(model.NoChampion, match="Run `nightjar retrain --model toy`") as failed:
        work()
    assert failed.value.model == "toy"


@pytest.mark.parametrize(
    ("lacking", "ends"),
    [
        ("night", ". `nightjar score --model toy` publishes one"),
        ("outcomes", "; `nightjar land happened YYYY-MM-DD FILE --model toy` brings one in"),
        (None, ""),
    ],
)
def test_who_waits_for_a_measurement_reads_which_command_ends_the_wait(lacking, ends):
    assert waiting_told(toy_spec(), Wait("nothing is measured", lacking)) == f"nothing is measured{ends}"


def test_an_error_that_nobody_raised_on_purpose_begins_with_its_type():
    assert told(ValueError("a fault of ours")) == "ValueError: a fault of ours"
    assert told(MemoryError()).endswith("Runbook: runbooks/out-of-memory.md")
