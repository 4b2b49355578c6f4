"""The command that says how things stand: versions, nights with their gaps, and runs.

Beside them it shows what a Prefect server knows.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import DEFAULT_MODEL, Model, opened, spec_of
from nightjar.showing import console
from nightjar.showing.remedies import told

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.night.calendar import Entry
    from nightjar.core.night.entities import Publication, Run
    from nightjar.core.platform.attempts import Attempt, ServerStatus
    from nightjar.wiring.platform import Platform

NIGHTS = ("night", "what happened", "run", "revision", "rows", "published (UTC)")
RUNS = ("score date", "run", "revision", "attempt", "state", "analysts see it", "population")
ATTEMPTS = ("ended (UTC)", "flow", "flow run", "state", "why")


def status(
    model: Model = DEFAULT_MODEL,
    limit: Annotated[
        int,
        typer.Option(min=1, max=10_000, help="How many versions, nights, runs and failed attempts to list."),
    ] = 10,
) -> None:
    """Show the latest versions, nights and runs.

    Also nights that are missing or held back, attempts that failed, and what is paused.
    """
    from nightjar.core.night.calendar import calendar, due_by
    from nightjar.core.platform.attempts import by_night
    from nightjar.usecases.data.landing import set_aside

    platform, spec = opened(), spec_of(model)
    published = {publication.score_date: publication for publication in platform.store.published(spec.name)}
    standings = platform.store.standings(spec.name, date.min, date.max)
    server = asked(platform, spec)
    attempts = () if isinstance(server, str) else left_over(platform, server, published)
    show_versions(platform, spec, limit)
    show_nights(calendar(standings, due_by(spec, datetime.now(UTC)), by_night(attempts)), published, limit)
    show_runs(platform, spec, limit, published)
    show_server(server, attempts, limit)
    console.show_refusals(set_aside(spec, platform.raw))
    console.show_where(platform)


def show_versions(platform: "Platform", spec: "ModelSpec", limit: int) -> None:
    roles = {
        holder.id: role
        for role in ("challenger", "champion")
        if (holder := platform.registry.holder(spec.name, role))
    }
    headline = [spec.kind.metric(name) for name in spec.kind.headline]
    rows = [
        (
            v.number,
            v.algorithm,
            *(v.metric(metric.name) for metric in headline),
            str(v.trained_through),
            roles.get(v.id, ""),
        )
        for v in platform.registry.versions(spec.name)[:limit]
    ]
    columns = ("version", "algorithm", *(metric.title for metric in headline), "trained through", "role")
    console.out.print(console.table("versions", columns, rows))


def show_nights(entries: "Sequence[Entry]", published: "Mapping[date, Publication]", limit: int) -> None:
    """The newest nights as a calendar, why those that failed did, and what the older ones hold."""
    shown, older = entries[:limit], entries[limit:]
    console.out.print(
        console.table("nights", NIGHTS, [night_row(entry, published.get(entry.first)) for entry in shown])
    )
    for why in reasons(shown):
        console.out.print(console.plain(why))
    if told := counted(older):
        console.out.print(f"older nights: {told}; --limit {len(entries)} lists them")


def night_row(entry: "Entry", publication: "Publication | None") -> tuple[object, ...]:
    """A night, or a stretch of missing ones, in NIGHTS.

    Of a published night it is what analysts see, else its newest run.
    """
    if entry.standing is None:
        return *missing_row(entry), None, None, None, None
    run = entry.standing.run
    rows = run.population.rows if run.population else None
    if publication is None:
        return str(entry.first), entry.what, run.id, run.revision, rows, None
    return (
        str(entry.first),
        entry.what,
        publication.run_id,
        run.revision,
        rows,
        f"{publication.published_at:%Y-%m-%d %H:%M:%S}",
    )


def missing_row(entry: "Entry") -> tuple[str, str]:
    if entry.nights > 1:
        return f"{entry.first} to {entry.last}", f"{entry.what}: {entry.nights} nights"
    failed = f"{entry.attempts} attempt{'s' if entry.attempts > 1 else ''} failed"
    return str(entry.first), f"{entry.what}: {failed}" if entry.attempts else entry.what


def reasons(entries: "Sequence[Entry]") -> Iterator[str]:
    """Why the newest run of a night ended, if it failed; also where analysts see an older one."""
    for entry in entries:
        if entry.standing is not None and entry.standing.error:
            yield (
                f"{entry.first} run {entry.standing.run.id} {entry.standing.run.state.value}: "
                f"{entry.standing.error}"
            )


def counted(entries: "Sequence[Entry]") -> str:
    """How many nights there are of each kind."""
    counts: dict[str, int] = {}
    for entry in entries:
        counts[entry.what] = counts.get(entry.what, 0) + entry.nights
    return ", ".join(f"{count} {what}" for what, count in counts.items())


def show_runs(
    platform: "Platform", spec: "ModelSpec", limit: int, published: "Mapping[date, Publication]"
) -> None:
    runs = platform.store.runs(spec.name, limit)
    seen = {publication.run_id for publication in published.values()}
    console.out.print(console.table("runs", RUNS, [run_row(run, seen=run.id in seen) for run in runs]))
    for uri in [uri for run in runs for uri in platform.drift_ledger.reports(run)][:1]:
        console.out.print(
            f"report:  {platform.artifacts.local_path(present := platform.artifacts.present(uri)) or present}"
        )


def run_row(run: "Run", *, seen: bool) -> tuple[object, ...]:
    rows = run.population.rows if run.population else None
    return (
        str(run.score_date),
        run.id,
        run.revision,
        run.attempt,
        run.state.value,
        "yes" if seen else "",
        rows,
    )


def show_server(server: "ServerStatus | str", attempts: "Sequence[Attempt]", limit: int) -> None:
    """Attempts that failed without a run, and what is paused.

    Where the server could not be asked, one line says why.
    """
    if isinstance(server, str):
        console.out.print(f"Prefect: not asked for failed attempts and pauses: {console.plain(server)}")
        return
    if attempts:
        console.out.print(
            console.table(
                "attempts that failed and hold no run",
                ATTEMPTS,
                [attempt_row(each) for each in attempts[:limit]],
            )
        )
    if server.pauses:
        pauses = [(console.plain(pause.what), console.plain(pause.why)) for pause in server.pauses]
        console.out.print(console.table("paused", ("what", "why"), pauses))
    console.out.print(
        f"Prefect: {len(attempts) or 'no'} failed without a run in the last 14 days, "
        f"{len(server.pauses) or 'nothing'} paused"
    )


def left_over(
    platform: "Platform", server: "ServerStatus", published: "Mapping[date, Publication]"
) -> "tuple[Attempt, ...]":
    """The attempts that neither the ledger knows nor anything has made good."""
    from nightjar.core.platform.attempts import unhealed

    claimants = platform.store.claimants([attempt.flow_run for attempt in server.attempts])
    return unhealed(
        server, claimants, {night: publication.published_at for night, publication in published.items()}
    )


def attempt_row(attempt: "Attempt") -> tuple[str, ...]:
    row = f"{attempt.ended_at:%Y-%m-%d %H:%M}", attempt.flow, attempt.name, attempt.state, attempt.why
    return tuple(map(console.plain, row))


def asked(platform: "Platform", spec: "ModelSpec") -> "ServerStatus | str":
    """What the server knows, or why it could not be asked."""
    from nightjar.cli.doctor import NO_SERVER, has_server

    if not has_server(platform.settings):
        return NO_SERVER
    from nightjar.server.deploy import api_url
    from nightjar.server.status import server_status

    try:
        return server_status(platform.settings, api_url(platform.settings), spec)
    except Exception as error:  # noqa: BLE001  # the ledger is shown without the server
        return told(error)
