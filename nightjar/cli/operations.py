"""These commands run the platform: the demo, all its processes, its health checks, its database."""

from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import ANSWERS_WITHIN_S, OneOrAll, day, opened, require_executor, specs_of
from nightjar.cli.versions import retrain
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.platform import ModelsGone
from nightjar.core.errors.settings import BadSettings
from nightjar.scaffold.choices import NEXT, Every, NewKind
from nightjar.showing import console

if TYPE_CHECKING:
    from nightjar.wiring.platform import Platform


class DbRole(StrEnum):
    owner = "owner"
    writer = "writer"
    analyst = "analyst"


def new_model(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and _.")],
    kind: Annotated[NewKind, typer.Option(help="What it predicts.")] = NewKind.binary,
    every: Annotated[
        Every,
        typer.Option(
            help="Which dates it scores: each day, Monday to Friday, Mondays, the first of a month."
        ),
    ] = Every.day,
) -> None:
    """Write the folder of a new model, which trains and scores sample data at once.

    Its comments say what to replace.
    """
    from datetime import UTC, datetime

    from nightjar.scaffold.folder import new_model
    from nightjar.wiring.settings import PROJECT

    for file in new_model(name, kind, every, PROJECT / "models", datetime.now(UTC).date()):
        console.out.print(str(file.relative_to(PROJECT)))
    console.out.print("next, one after the other:")
    for step in NEXT:
        console.out.print(f"  uv run {step.format(name=name)}")


def demo(
    model: OneOrAll = None,
    today: Annotated[
        date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="The day the demo pretends it is.")
    ] = "2013-10-01",  # type: ignore[assignment]  # typer parses the default too
    nights: Annotated[
        int, typer.Option(min=1, max=60, help="How many nights to score from that day on.")
    ] = 7,
) -> None:
    """Train a model on nine months of real flights, score a week of nights and publish them.

    They are published to a real Postgres. Needs no network and no system package. Run it twice: the second
    run finds everything published. Without --model: every model that replays a recorded year.
    """
    from nightjar.cli.demo import run

    platform = opened()
    require_executor(platform)
    for spec in specs_of(model):
        if model is not None or spec.replay is not None:
            run(platform, spec, today, nights)


def up(
    *,
    demo_data: Annotated[
        bool, typer.Option("--champion/--no-champion", help="Train the first champion of each model.")
    ] = True,
) -> None:
    """Start everything: Postgres, the Prefect server with its UI, a worker, all deployments.

    Ctrl-C stops it cleanly.
    """
    from nightjar.adapters.notify.apprise import service
    from nightjar.launcher.launch import alone, run

    platform = opened(service=True)
    if platform.settings.alert_url is not None:
        service(platform.settings.alert_url)  # a wrong one is told now, not after minutes of training
    with alone(platform.settings):
        prepare(platform)
        if demo_data:
            train_first_champions(platform)
        run(platform)


def watch() -> None:
    """Tell programs of publications, and people of trouble, until Ctrl-C. `nightjar up` runs this too.

    It needs Postgres alone. Two of them at once send nothing twice.
    """
    from nightjar.watcher.loop import watch

    watch(opened(service=True))


def deploy(
    *,
    remove: Annotated[
        bool, typer.Option("--remove", help="Delete the deployments of models that are no more.")
    ] = False,
) -> None:
    """Tell a Prefect server of the work pool, the deployments of all models and the automations.

    The server is that of PREFECT_API_URL, or else of `nightjar up`. Doing it again changes nothing; it is
    part of every release. Deployments of models that are no more are told.
    """
    from nightjar.adapters.files.disk import require_room
    from nightjar.server.deploy import api_url, deploy

    platform, specs = opened(), specs_of(None)
    settings = platform.settings
    logs = settings.home / "logs"
    require_room(logs)
    for spec in specs:
        console.show_rebuilds(platform.prepare(spec).rebuilds())
    with console.waiting("deploying the flows"):
        gone = deploy(settings, api_url(settings), logs / "deploy.log", without_left_over=remove)
    console.out.print(f"deployed: {', '.join(spec.name for spec in specs)}")
    console.out.print("work pool, deployments and automations are up to date")
    if gone and remove:
        console.out.print(f"removed: {', '.join(gone)}")
    elif gone:
        console.tell_error(ModelsGone(gone))


def deployments() -> None:
    """Print the deployments that follow from the models' specs, as a prefect.yaml. Needs no server."""
    from nightjar.server.deployments import prefect_yaml

    specs_of(None)
    print(prefect_yaml(), end="")  # noqa: T201  # the bare text is a file


def prefect(context: typer.Context) -> None:
    """Run Prefect's own command line with the server's address and login: `nightjar prefect flow-run ls`."""
    import os

    from nightjar.server.deploy import PREFECT, api_url, environment

    words = passed_on(context)
    settings = opened().settings
    os.execve(PREFECT[0], [*PREFECT, *words], environment(settings, api_url(settings)))


def passed_on(context: typer.Context) -> list[str]:
    """The words for another program. Its errors repeat them as they are, so a terminal must not obey them.

    Raises BadSettings.
    """
    for word in context.args:
        if not all(letter.isprintable() or letter in "\n\t" for letter in word):
            raise BadSettings(
                f"The argument {word!r} has characters that a terminal obeys", "Leave them out."
            )
    return context.args


def resume(deployment: Annotated[str, typer.Argument(help="Its name, like flight_delay-score.")]) -> None:
    """Let a deployment that was paused, by a person or by its broken circuit, follow its schedule again."""
    from nightjar.server.deploy import api_url, connected_briefly
    from nightjar.server.deployments import resume

    settings = opened().settings
    with connected_briefly(settings, api_url(settings), ANSWERS_WITHIN_S) as client:
        name = resume(client, deployment)
    console.out.print(f"{name} follows its schedule again")


def prepare(platform: "Platform") -> None:
    """Bring the schema and the feature registry to the state that the code needs."""
    with console.waiting("migrating the database"):
        platform.migrate()
    with console.waiting("registering the features"):
        platform.apply_features()


def train_first_champions(platform: "Platform") -> None:
    """One model that cannot be trained yet is told, and stops no other."""
    for spec in specs_of(None):
        if platform.registry.holder(spec.name, "champion") is None:
            try:
                retrain(model=spec.name, today=None, promote=True)
            except NightjarError as error:
                console.tell_error(error)


def doctor() -> None:
    """Check everything that a night of any model needs, and say what to do about what is missing.

    Exit code 1 if something is.
    """
    from nightjar.cli.doctor import run

    if not run(opened()):
        raise typer.Exit(1)


def prune(
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without this, nothing is changed.")] = False,
) -> None:
    """Show what nobody needs any more, or remove it.

    That is: rows of runs never published, files that nothing names, old copies and drafts. Nothing that was
    ever published goes, nor what a publication, a dataset, a version or a report names. Needs the owner's
    rights.
    """
    from datetime import UTC, datetime

    with opened().prune() as use_case:
        now = datetime.now(UTC)
        console.show_pruned(use_case.apply(now, console.bar) if apply else use_case.preview(now))


def db_migrate() -> None:
    """Bring the schema, the roles and the analysts' views to what the code needs."""
    console.out.print(f"the database is at migration {opened().migrate()}")


def db_url(
    role: Annotated[DbRole, typer.Option(help="Whose rights the connection has.")] = DbRole.analyst,
) -> None:
    """Print the database's URL with its password: `psql "$(nightjar db url --role analyst)"`."""
    print(opened().url(role.value))  # noqa: T201  # a shell substitutes the bare line


def db_psql(
    context: typer.Context,
    role: Annotated[DbRole, typer.Option(help="Whose rights the session has.")] = DbRole.analyst,
) -> None:
    """Open psql, that of the embedded Postgres if there is no other.

    What follows goes to it: `nightjar db psql -c "SELECT 1"`.
    """
    import os
    import shutil

    from db.server.embedded import binary
    from db.urls import read

    words = passed_on(context)
    url = read(opened().url(role.value))
    program = shutil.which("psql") or str(binary("psql"))
    password = url.parameters.get("password")
    # A list of processes shows arguments, but not the environment.
    secret = {"PGPASSWORD": password} if password else {}
    os.execve(program, [program, url.without_secrets().text, *words], {**os.environ, **secret})


def db_stop() -> None:
    """Stop the embedded Postgres. Any command that needs it starts it again."""
    platform = opened()
    if platform.settings.database_url is not None and not platform.local.running:
        raise BadSettings(
            "The database is a Postgres of yours (NIGHTJAR_DATABASE_URL)", "Stop it where it runs."
        )
    platform.local.stop()
    console.out.print("the embedded Postgres has stopped; nothing is lost")
