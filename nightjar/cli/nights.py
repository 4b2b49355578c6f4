"""These commands score one night or many, and show earlier publications again."""

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import (
    Accept,
    ByVersion,
    Date,
    First,
    KnownAt,
    Last,
    Model,
    Reason,
    day,
    end,
    opened,
    require_executor,
    require_order,
    seconds,
    spec_of,
    stated,
)
from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.reprocess import Order, Reprocess
from nightjar.showing import console

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.night.entities import NightSummary
    from nightjar.wiring.platform import Platform


def score(
    score_date: Date = None,
    model: Model = None,
    force: Annotated[
        bool, typer.Option(help="Publish a new revision though the night is published.")
    ] = False,
    accept: Accept = None,
    known_at: KnownAt = None,
    version: ByVersion = None,
    reason: Reason = None,
    report: Annotated[bool, typer.Option(help="Draw the drift report afterwards.")] = False,
    wait: Annotated[
        float,
        typer.Option(
            parser=seconds,
            metavar="SECONDS",
            help="Seconds to wait for another process that is scoring this night.",
        ),
    ] = 0,
) -> None:
    """Score one night and publish it. Without --date: the latest that is due by the end of today.

    The latest night gets the champion of now. An earlier one gets the champion that it could have had.
    """
    from nightjar.core.model.occasions import require_occasion
    from nightjar.core.night.clock import night_of, score_date_of, wanted_until
    from nightjar.usecases.scoring.scorers import by_date, named_or

    platform, spec = opened(), spec_of(model)
    require_executor(platform)
    scored = score_date or score_date_of(spec, datetime.now(UTC))
    require_occasion(spec, scored)
    night, otherwise = night_of(spec, scored), by_date(spec, datetime.now(UTC))
    choose = named_or(version, reason, platform.require_gates(spec), otherwise)
    if force or platform.store.publication(spec.name, scored) is None:
        platform.require_scorable(spec)([scored], choose, known_at)
        until = night.as_of if score_date is None else wanted_until(spec, scored, datetime.now(UTC))
        platform.prepare(spec).ready(until, console.bar)
        if known_at is not None:
            platform.prepare(spec).corrected(known_at, console.bar)
    with console.waiting(f"scoring {spec.name} {scored}"):
        summary = platform.score_night(spec).run(
            night, force=force, known_at=known_at, accept=accept, choose=choose, wait_s=wait
        )
    if summary.already_published:
        require_version(spec, summary, version)
    if known_at is not None and summary.already_published:
        raise BadSettings(
            f"{spec.name} {scored} is published already, so --known-at changed nothing",
            f"Mend it with `nightjar late --model {spec.name} --rescore`, or add --force.",
        )
    console.show_nights(spec.name, [summary])
    if report:
        draw_report(platform, spec, summary.run_id)


def require_version(spec: "ModelSpec", published: "NightSummary", version: int | None) -> None:
    """Raises BadSettings if a night that is published already has the scores of another version."""
    if version not in (None, published.version_number):
        raise BadSettings(
            f"{spec.name} {published.score_date} is published already with the scores of version "
            f"{published.version_number}, so --version changed nothing",
            "Add --force.",
        )


def draw_report(platform: "Platform", spec: "ModelSpec", run_id: int) -> None:
    from nightjar.showing.reports import keep_reports

    with console.waiting("drawing the drift report"):
        uri, columns = keep_reports(platform, spec, platform.store.run(run_id))
    drifted = [column.column for column in columns if column.drifted]
    console.out.print(
        f"drift: {len(drifted)} of {len(columns)} columns{': ' + ', '.join(drifted) if drifted else ''}"
    )
    console.out.print(f"report: {platform.artifacts.local_path(uri) or uri}")


def backfill(
    first: First,
    last: Last,
    model: Model = None,
    order: Annotated[Order, typer.Option(help="Which nights first.")] = Order.OLDEST,
    reprocess: Annotated[
        Reprocess,
        typer.Option(
            help=(
                "Of nights attempted before, score: none; those that failed or were left unfinished; all, "
                "in a new revision."
            )
        ),
    ] = Reprocess.FAILED,
    parallel: Annotated[
        int, typer.Option(min=1, metavar="N", help="Nights at a time, up to NIGHTJAR_NIGHTS_AT_ONCE.")
    ] = 1,
    version: ByVersion = None,
    reason: Reason = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be done.")] = False,
) -> None:
    """Score the nights from --from to --to: by default what is missing or failed. Run it again to go on.

    Each night gets the champion that reigned on its evening.
    """
    from uuid import uuid4

    from nightjar.core.night.clock import wanted_until
    from nightjar.usecases.scoring.backfill import planned_nights
    from nightjar.usecases.scoring.scorers import by_then, named_or

    require_order(first, last)
    platform, spec = opened(), spec_of(model)
    require_executor(platform)
    choose = named_or(version, reason, platform.require_gates(spec), by_then)
    use_case = platform.backfill(spec, parallel=parallel, flow_run=f"backfill {uuid4()}", choose=choose)
    nights = planned_nights(platform.store, spec, first, last, reprocess, order)
    if dry_run:
        console.show_plan(spec, nights)
        return
    if wanted := [night.score_date for night in nights if night.wanted]:
        platform.require_scorable(spec)(wanted, choose)
        platform.prepare(spec).ready(wanted_until(spec, last, datetime.now(UTC)), console.bar)
    summary = use_case.run(nights, console.bar)
    console.show_backfill(spec, summary)
    end(summary)


def rollback(
    reason: Annotated[str, typer.Option(parser=stated, help="Why; it is kept in the ledger.")],
    score_date: Annotated[
        date | None, typer.Option("--date", "-d", parser=day, metavar="YYYY-MM-DD", help="The night.")
    ] = None,
    run: Annotated[
        int | None,
        typer.Option(
            "--to-run", min=1, help="A run of that night that was published, as `nightjar status` lists them."
        ),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option("--to-version", min=1, help="The version that is champion from the next night on."),
    ] = None,
    tonight: Annotated[
        bool,
        typer.Option("--tonight", help="Also publish the latest published night with that version's scores."),
    ] = False,
    accept: Accept = None,
    model: Model = None,
) -> None:
    """Show analysts an earlier publication of a night again, or make an earlier version champion again.

    For a night: --date and --to-run. For the champion: --to-version, with --tonight at once. Nothing is lost:
    the later one stays in the ledger, and comes back in the same way.
    """
    platform, spec = opened(), spec_of(model)
    if version is not None and score_date is None and run is None:
        roll_back_champion(platform, spec, version, reason, accept, tonight=tonight)
    elif score_date is not None and run is not None and version is None and not tonight:
        roll_back_night(platform, spec, score_date, run, reason)
    else:
        raise BadSettings(
            "A rollback is of a night or of the champion",
            "Name --date and --to-run, or --to-version with or without --tonight.",
        )


def roll_back_night(platform: "Platform", spec: "ModelSpec", score_date: date, run: int, reason: str) -> None:
    before = platform.store.publication(spec.name, score_date)
    done = platform.roll_back(spec, score_date, run, reason)
    shown = f"analysts see run {done.publication.run_id} of {spec.name} {score_date}"
    already = before == done.publication
    console.out.print(
        f"{shown} already"
        if already
        else f"{shown} since {done.publication.published_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    console.show_lacks(spec.name, score_date, done.lacks)


def roll_back_champion(
    platform: "Platform", spec: "ModelSpec", number: int, reason: str, accept: str | None, *, tonight: bool
) -> None:
    """First the role, then the night: if the second fails, the same command does it again."""
    from nightjar.usecases.lifecycle import roll_back
    from nightjar.usecases.scoring.scorers import version_of

    to = version_of(platform.registry, spec.name, number)
    gates = platform.require_gates(spec)
    since = roll_back.roll_back_champion(platform.registry, to, reason, gates).promoted_at
    console.out.print(f"{spec.name} version {number} is champion since {since:%Y-%m-%d %H:%M:%S} UTC")
    published = platform.store.published(spec.name)
    if not tonight or not published:
        console.out.print("it scores from the next night on")
        return
    with console.waiting(f"publishing {spec.name} {published[-1].score_date} with version {number}"):
        switched = platform.switch_night(spec).run(published[-1].score_date, to, reason, accept=accept)
    summary = switched.summary
    how = "from its shadow scores" if switched.from_shadow else "scored again"
    told = "already" if summary.already_published else f"now, {how} in {summary.seconds:.1f} s"
    console.out.print(
        f"analysts see version {number} of {spec.name} {summary.score_date} {told} (run {summary.run_id})"
    )
    console.show_lacks(spec.name, summary.score_date, summary.lacks)
