"""The command line.

Each command resolves its words, calls one use case through the bootstrap and shows what came of it.
"""

import os
import platform
import sys
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from nightjar.cli import (
    alerts,
    backtests,
    cards,
    data,
    desk,
    evidently,
    explain,
    ledger,
    nights,
    operations,
    outcomes,
    repairs,
    status,
    tuning,
    versions,
)
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.machine import REFUSALS, refused
from nightjar.core.errors.settings import BadSettings
from nightjar.showing import console
from nightjar.wiring.json_lines import speak_json

INTERRUPTED = 130
"""The exit code by which typer says that Ctrl-C ended a command."""

PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For a command whose words are another program's."""

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown"
)


def show_version(*, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        console.out.print(f"nightjar {version('nightjar')}, Python {platform.python_version()}")
        raise typer.Exit


@app.callback()
def about(
    version: Annotated[  # its callback does the work
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and end."),
    ] = False,
) -> None:
    """Scheduled batch scoring: nights of a model, each published exactly once."""


quarantine = typer.Typer(
    no_args_is_help=True,
    help="Rows that broke the contract: see them, and score them once the cause is mended.",
)
deliveries = typer.Typer(
    no_args_is_help=True,
    help="Bad deliveries, which were set aside: see them, and clear those that stay bad.",
)
held = typer.Typer(
    no_args_is_help=True,
    help="Days of outcomes that were held when they landed: see them, accept or refuse them.",
)
db = typer.Typer(no_args_is_help=True, help="The database: migrate it, connect to it, stop the embedded one.")
features = typer.Typer(no_args_is_help=True, help="Feature tables and Feast's registry.")

for command in (
    operations.new_model,
    operations.demo,
    operations.up,
    operations.watch,
    operations.deploy,
    operations.deployments,
    operations.resume,
    desk.desk,
    evidently.evidently,
    nights.score,
    nights.backfill,
    nights.rollback,
    repairs.late,
    versions.retrain,
    backtests.backtest,
    tuning.tune,
    cards.card,
    versions.register,
    versions.monitor,
    versions.promote,
    versions.withdraw,
    versions.share,
    versions.challenge,
    ledger.models,
    ledger.diff,
    ledger.replay,
    data.land,
    explain.explain,
    status.status,
    status.stages,
    status.findings,
    operations.doctor,
    operations.prune,
):
    app.command()(command)
app.command(context_settings={**PASSED_ON, "help_option_names": []})(operations.prefect)
features.command("apply")(data.features_apply)
features.command("build")(data.features_build)
db.command("migrate")(operations.db_migrate)
db.command("url")(operations.db_url)
db.command("psql", context_settings=PASSED_ON)(operations.db_psql)
db.command("stop")(operations.db_stop)
quarantine.command("list")(repairs.quarantine_list)
quarantine.command("replay")(repairs.quarantine_replay)
deliveries.command("list")(data.deliveries_list)
deliveries.command("clear")(data.deliveries_clear)
held.command("list")(outcomes.outcomes_list)
held.command("findings")(outcomes.outcomes_findings)
held.command("accept")(outcomes.outcomes_accept)
held.command("refuse")(outcomes.outcomes_refuse)
app.add_typer(held, name="outcomes")
app.add_typer(alerts.alerts, name="alerts")
app.add_typer(deliveries, name="deliveries")
app.add_typer(quarantine, name="quarantine")
app.add_typer(features, name="features")
app.add_typer(db, name="db")


def main() -> None:
    """Run the command; an error raised on purpose is shown without a traceback.

    The process then ends with the exit code of the error's class.
    """
    # Before the settings, whose errors are lines of a log too.
    if os.environ.get("NIGHTJAR_LOG_FORMAT") == "json":
        speak_json()
    try:
        require_text(sys.argv[1:])
        app(standalone_mode=True)
    except NightjarError as error:
        fail(error)
    except REFUSALS as error:
        fail(refused(error))
    except SystemExit as ended:
        if ended.code == INTERRUPTED:
            console.err.print("stopped; nothing half-done is visible, run the same command again to go on")
        raise


def require_text(arguments: Sequence[str]) -> None:
    """Raises BadSettings for an argument that was typed in another encoding.

    No database and no log could hold it.
    """
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise BadSettings(f"The argument {argument!r} is not UTF-8", "Type it in UTF-8.") from error


def fail(error: NightjarError) -> NoReturn:
    console.tell_error(error)
    sys.exit(error.exit_code)
