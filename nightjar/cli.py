"""The command line. Each command resolves its words, calls one use case through the bootstrap and shows what came of it."""

import sys
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from nightjar import console
from nightjar.core.errors import BadSettings, NightjarError, StorageRefused

if TYPE_CHECKING:
    from nightjar.bootstrap import Platform
    from nightjar.core.spec import ModelSpec

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown")
db = typer.Typer(no_args_is_help=True, help="The database: migrate it, connect to it, stop the embedded one.")
features = typer.Typer(no_args_is_help=True, help="Feature tables and Feast's registry.")
app.add_typer(db, name="db")
app.add_typer(features, name="features")


YEARS = range(1900, 2200)


class DbRole(StrEnum):
    owner = "owner"
    writer = "writer"
    analyst = "analyst"


def day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2013-10-01") from None
    if found.year not in YEARS:
        raise typer.BadParameter(f"{found} is not between {YEARS.start} and {YEARS.stop - 1}")
    return found


def instant(text: str) -> datetime:
    """An instant in UTC; one written without an offset is taken to be in UTC."""
    from datetime import UTC

    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write it like 2013-10-01T16:00:00+00:00") from None
    day(str(found.date()))
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


Model = Annotated[str, typer.Option("--model", "-m", help="Name of a folder in models/.")]
Date = Annotated[date | None, typer.Option("--date", "-d", parser=day, metavar="YYYY-MM-DD", help="The local date to score.")]
Today = Annotated[
    date | None,
    typer.Option(parser=day, metavar="YYYY-MM-DD", help="Stands in for the calendar: only what was known on this day's evening is used."),
]
DEFAULT_MODEL = "flight_delay"


def main() -> None:
    """Run the command; an error raised on purpose is shown without a traceback and ends with its class's exit code."""
    try:
        app(standalone_mode=True)
    except NightjarError as error:
        fail(error)
    except OSError as error:
        fail(StorageRefused(error))
    except KeyboardInterrupt:
        console.err.print("stopped; nothing half-done is visible, run the same command again to go on")
        sys.exit(130)


def fail(error: NightjarError) -> NoReturn:
    console.err.print(f"[bold red]error:[/] {console.plain(str(error))}")
    sys.exit(error.exit_code)


def opened() -> "Platform":
    from pydantic import ValidationError

    from nightjar import logs
    from nightjar.bootstrap import Platform

    try:
        platform = Platform()
    except ValidationError as error:
        faults = "; ".join(f"NIGHTJAR_{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in error.errors(include_input=False))
        raise BadSettings(faults, "Correct it in the environment or in .env; .env.example explains each.") from None
    logs.configure(platform.settings.log_format, "warning" if platform.settings.log_level == "info" else platform.settings.log_level)
    return platform


def spec_of(model: str) -> "ModelSpec":
    import models

    return models.model(model)


def today_or(spec: "ModelSpec", today: date | None) -> date:
    """The given day, or the calendar's in the model's time zone, carried into its recorded year if it replays one."""
    from zoneinfo import ZoneInfo

    from nightjar.core.night import today_of

    return today or today_of(spec, datetime.now(ZoneInfo(spec.time_zone)))


@app.command()
def demo(
    today: Annotated[date, typer.Option(parser=day, metavar="YYYY-MM-DD", help="The day the demo pretends it is.")] = "2013-10-01",  # type: ignore[assignment]  # typer parses the default too
    nights: Annotated[int, typer.Option(min=1, max=60, help="How many nights to score from that day on.")] = 7,
) -> None:
    """Train a model on nine months of real flights, score a week of nights and publish them to a real Postgres.

    Needs no network and no system package. Run it twice: the second run finds everything published.
    """
    from nightjar.demo import run

    run(opened(), spec_of(DEFAULT_MODEL), today, nights)


@app.command()
def up(*, demo_data: Annotated[bool, typer.Option("--champion/--no-champion", help="Train a champion first if there is none.")] = True) -> None:
    """Start everything: Postgres, the Prefect server with its UI, a worker, all deployments. Ctrl-C stops it cleanly."""
    from nightjar.up import require_free, run

    platform = opened()
    require_free(platform.settings.prefect_port)
    prepare(platform)
    if demo_data:
        train_first_champion(platform)
    run(platform)


def prepare(platform: "Platform") -> None:
    """Schema and feature registry as the code needs them."""
    with console.waiting("migrating the database"):
        platform.migrate()
    with console.waiting("registering the features"):
        platform.apply_features()


def train_first_champion(platform: "Platform") -> None:
    spec = spec_of(DEFAULT_MODEL)
    if platform.registry.holder(spec.name, "champion") is None:
        retrain(model=spec.name, today=None, promote=True)


@app.command()
def score(
    score_date: Date = None,
    model: Model = DEFAULT_MODEL,
    force: Annotated[bool, typer.Option(help="Publish a new revision though the night is published.")] = False,
    accept: Annotated[
        str | None, typer.Option(metavar="REASON", help="Publish though the audit finds the scores absurd; the ledger keeps why.")
    ] = None,
    report: Annotated[bool, typer.Option(help="Draw the drift report afterwards.")] = False,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for another process that is scoring this night.")] = 0,
) -> None:
    """Score one night and publish it. Without --date: tomorrow, as the schedule would tonight."""
    from nightjar.core.night import night_of

    platform, spec = opened(), spec_of(model)
    scored = score_date or today_or(spec, None) + timedelta(days=spec.horizon_days)
    night = night_of(spec, scored)
    platform.ready(spec, night.as_of, console.bar)
    with console.waiting(f"scoring {spec.name} {scored}"):
        summary = platform.score_night(spec).run(night, force=force, accept=accept, wait_s=wait)
    console.out.print(console.table(f"{spec.name}", console.NIGHT_COLUMNS, [console.night_row(summary)]))
    if report:
        draw_report(platform, spec, summary.run_id)


def draw_report(platform: "Platform", spec: "ModelSpec", run_id: int) -> None:
    with console.waiting("drawing the drift report"):
        uri, columns = platform.watch_night(spec).report(platform.store.run(run_id))
    drifted = [column.column for column in columns if column.drifted]
    console.out.print(f"drift: {len(drifted)} of {len(columns)} columns{': ' + ', '.join(drifted) if drifted else ''}")
    console.out.print(f"report: {platform.artifacts.local_path(uri) or uri}")


@app.command()
def backfill(
    first: Annotated[date, typer.Option("--from", parser=day, metavar="YYYY-MM-DD")],
    last: Annotated[date, typer.Option("--to", parser=day, metavar="YYYY-MM-DD")],
    model: Model = DEFAULT_MODEL,
) -> None:
    """Score every night from --from to --to that is not published yet. Running it again does only what is missing."""
    from nightjar.core.entities import NightSummary
    from nightjar.core.night import dates_between, night_of
    from nightjar.usecases.backfill import backfill as backfill_nights

    if last < first:
        raise BadSettings(f"--to {last} lies before --from {first}", "Name the earlier date with --from.")
    platform, spec = opened(), spec_of(model)
    platform.ready(spec, night_of(spec, last).as_of, console.bar)
    use_case = platform.score_night(spec)

    def one(score_date: date) -> NightSummary:
        return use_case.run(night_of(spec, score_date), wait_s=platform.settings.night_wait_s)

    summary = backfill_nights(dates_between(first, last), one, console.bar)
    console.out.print(console.table(spec.name, console.NIGHT_COLUMNS, [console.night_row(night) for night in summary.nights]))
    console.out.print(
        f"{len(summary.published_now)} nights published, {len(summary.nights) - len(summary.published_now)} were already, {len(summary.failed)} failed"
    )
    for failed in summary.failed:
        console.err.print(f"[bold red]{failed.score_date}:[/] {console.plain(str(failed.error))}")
    if summary.failed:
        raise typer.Exit(summary.failed[0].error.exit_code)


@app.command()
def retrain(
    model: Model = DEFAULT_MODEL,
    today: Today = None,
    promote: Annotated[bool, typer.Option(help="Let a version that passes its gates become champion.")] = True,
) -> None:
    """Train on all that was known by --today, measure on unseen days, register; champion if it passes its gates."""
    platform, spec = opened(), spec_of(model)
    known = today_or(spec, today)
    platform.ready(spec, platform.evening(spec, known), console.bar)
    console.show_training(platform.retrain(spec, known, promote=promote, progress=console.bar))


@app.command()
def monitor(model: Model = DEFAULT_MODEL, today: Today = None) -> None:
    """Load the outcomes known by --today and measure every published night against them."""
    platform, spec = opened(), spec_of(model)
    known = platform.evening(spec, today_or(spec, today))
    platform.ready(spec, known, console.bar)
    console.show_performance(platform.watch_night(spec).outcomes_known(known))


@app.command()
def promote(
    version: Annotated[int, typer.Argument(help="Number of the version, as `nightjar status` lists it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept in the ledger.")],
    model: Model = DEFAULT_MODEL,
    challenger: Annotated[bool, typer.Option("--challenger", help="Let it score in shadow beside the champion instead.")] = False,
    despite_gates: Annotated[bool, typer.Option("--despite-gates", help="Promote a version that failed its gates.")] = False,
) -> None:
    """Make a version champion by hand: to roll back, to approve, or to try a challenger in shadow."""
    from nightjar.core.promotion import require_gates

    platform, spec = opened(), spec_of(model)
    found = platform.registry.version(spec.name, version)
    if found is None:
        known = ", ".join(str(known.number) for known in platform.registry.versions(spec.name)) or "none"
        raise BadSettings(f"{spec.name} has no version {version}", f"Registered: {known}.")
    if not (challenger or despite_gates):
        require_gates(found)
    role = "challenger" if challenger else "champion"
    platform.registry.promote(found, role, reason)
    console.out.print(f"{spec.name} version {version} is {role}")


@app.command()
def land(
    dataset: Annotated[str, typer.Argument(help="Name of a raw dataset of the model.")],
    landed_day: Annotated[date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="The day the file is about.")],
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file with a header.")],
    model: Model = DEFAULT_MODEL,
    recorded_at: Annotated[
        datetime | None,
        typer.Option(parser=instant, metavar="INSTANT", help="When its content became known, like 2013-10-01T16:00:00+00:00; now, if not given."),
    ] = None,
) -> None:
    """Check one delivered file and keep it. A different file for a day that has landed is kept beside it, as a correction."""
    from datetime import UTC

    from nightjar.usecases.landing import land_file

    platform, spec = opened(), spec_of(model)
    result = land_file(spec, dataset, landed_day, file, recorded_at or datetime.now(UTC), raw=platform.raw)
    console.out.print(f"{dataset} {landed_day}: {result}")


@app.command()
def status(
    model: Model = DEFAULT_MODEL, limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many nights and versions to list.")] = 10
) -> None:
    """The latest nights, versions and where to look."""
    platform, spec = opened(), spec_of(model)
    console.show_status(platform, spec, limit)


@app.command()
def doctor() -> None:
    """Check everything a night needs, and say what to do about what is missing. Exit code 1 if something is."""
    from nightjar.doctor import run

    if not run(opened(), spec_of(DEFAULT_MODEL)):
        raise typer.Exit(1)


@features.command("apply")
def features_apply() -> None:
    """Tell Feast's registry what the models declare. Part of a deployment; a flow never does it."""
    opened().apply_features()
    console.out.print("the feature registry is up to date")


@features.command("build")
def features_build(model: Model = DEFAULT_MODEL, today: Today = None) -> None:
    """Land what was delivered by --today and build the features of it."""
    platform, spec = opened(), spec_of(model)
    platform.ready(spec, platform.evening(spec, today_or(spec, today)), console.bar)


@db.command("migrate")
def db_migrate() -> None:
    """Bring the schema, the roles and the analysts' views to what the code needs."""
    console.out.print(f"the database is at migration {opened().migrate()}")


@db.command("url")
def db_url(role: Annotated[DbRole, typer.Option(help="Whose rights the connection has.")] = DbRole.analyst) -> None:
    """Print the database's URL with its password: `psql "$(nightjar db url --role analyst)"`."""
    print(opened().url(role.value))  # noqa: T201  # the bare line is what a shell substitutes


@db.command("psql", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def db_psql(context: typer.Context, role: Annotated[DbRole, typer.Option(help="Whose rights the session has.")] = DbRole.analyst) -> None:
    """Open psql, that of the embedded Postgres if there is no other. What follows goes to it: `nightjar db psql -c "SELECT 1"`."""
    import os
    import shutil

    from db.embedded import binary

    url = opened().url(role.value)
    program = shutil.which("psql") or str(binary("psql"))
    os.execv(program, [program, url, *context.args])


@db.command("stop")
def db_stop() -> None:
    """Stop the embedded Postgres. Any command that needs it starts it again."""
    platform = opened()
    if platform.settings.database_url is not None and not platform.local.running:
        raise BadSettings("The database is a Postgres of yours (NIGHTJAR_DATABASE_URL)", "Stop it where it runs.")
    platform.local.stop()
    console.out.print("the embedded Postgres has stopped; nothing is lost")
