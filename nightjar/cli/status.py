"""The status command shows versions, nights with their gaps, and runs.

It also shows what a Prefect server knows.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import Json, Model, OneOrAll, day, opened, spec_of, specs_of
from nightjar.core import plurals
from nightjar.showing import console
from nightjar.showing.remedies import told

if TYPE_CHECKING:
    from nightjar.core.inputs.findings import Finding
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.night.calendar import Entry
    from nightjar.core.night.entities import Publication, Run
    from nightjar.core.night.stages import StageTotal
    from nightjar.core.platform.attempts import Attempt, ServerStatus
    from nightjar.core.ports.ledger import RunReader
    from nightjar.core.telling.incidents import Incident
    from nightjar.wiring.platform import Platform

Seen = tuple["Publication", "Run"]
"""What analysts see of a night: its newest publication, and the run that this shows."""
NIGHTS = ("night", "what happened", "run", "revision", "rows", "published (UTC)")
RUNS = ("score date", "run", "revision", "attempt", "state", "analysts see it", "population")
STAGES = ("stage", "times", "rows", "s", "CPU s", "MB", "peak MB", "set aside", "retries", "errors")
ATTEMPTS = ("ended (UTC)", "flow", "flow run", "state", "why")


def status(
    model: OneOrAll = None,
    limit: Annotated[
        int,
        typer.Option(min=1, max=10_000, help="How many versions, nights, runs and failed attempts to list."),
    ] = 10,
) -> None:
    """Show the latest versions, nights and runs of a model, or without --model of all models.

    Also nights that are missing, failed or held back, attempts that failed, and what is paused.
    """
    platform = opened()
    for spec in specs_of(model):
        show_model(platform, spec, limit)
    if told := incidents_told(platform.incidents().opened(), model):
        console.out.print(told)
    console.show_where(platform)


def incidents_told(found: "Sequence[Incident]", model: str | None) -> str:
    """How many incidents are open: of a model and of the platform, or else all. Empty if there is none."""
    names = [incident.now.model for incident in found]
    if model is None:
        counts = {"": len(names)}
    else:
        counts = {f" of {model}": names.count(model), " of the platform": names.count("")}
    told = ", ".join(f"{count}{whose}" for whose, count in counts.items() if count)
    return f"open incidents: {told}; nightjar alerts lists them" if told else ""


def stages(
    score_date: Annotated[date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="The night.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show what each stage of a night took: rows, seconds, bytes, memory. All parts together.

    Of the run that analysts see, or else of the newest run.
    """
    from nightjar.core.errors.night import NothingPublished
    from nightjar.core.night.stages import totals

    platform, spec = opened(), spec_of(model)
    runs = platform.store.runs_of(spec.name, score_date)
    if not runs:
        raise NothingPublished(spec.name, score_date, None)
    publication = platform.store.publication(spec.name, score_date)
    run_id = runs[-1].id if publication is None else publication.run_id
    found = totals(stage for _, stage in platform.stages.stages(run_id))
    if as_json:
        document = {"run": run_id, "stages": [stage.model_dump(mode="json") for stage in found]}
        typer.echo(json.dumps(document, indent=1))
        return
    title = f"stages of {spec.name} {score_date}, run {run_id}"
    console.out.print(console.table(title, STAGES, [stage_row(stage) for stage in found]))


def stage_row(stage: "StageTotal") -> tuple[object, ...]:
    """Return the row of a stage in STAGES. A megabyte has 1,000,000 bytes."""
    return (
        f"{stage.stage} ({stage.role})" if stage.role else stage.stage,
        stage.times,
        stage.rows,
        f"{stage.seconds:.2f}",
        f"{stage.cpu_seconds:.2f}",
        None if stage.size is None else f"{stage.size / 1e6:.1f}",
        f"{stage.peak_memory / 1e6:.0f}",
        stage.quarantined,
        stage.retries,
        ", ".join(sorted(set(stage.errors))),
    )


def findings(
    score_date: Annotated[date, typer.Argument(parser=day, metavar="YYYY-MM-DD", help="The night.")],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Show everything that the audit has against the newest run of a night, the most telling first."""
    from nightjar.core.errors.night import NothingPublished
    from nightjar.core.inputs.findings import most_telling_first
    from nightjar.core.night.entities import RunState

    platform, spec = opened(), spec_of(model)
    runs = platform.store.runs_of(spec.name, score_date)
    if not runs:
        raise NothingPublished(spec.name, score_date, None)
    run = runs[-1]
    found = most_telling_first(platform.readings.findings(run))
    if as_json:
        document = {"run": run.id, "findings": [finding.model_dump(mode="json") for finding in found]}
        typer.echo(json.dumps(document, indent=1))
    elif not found:
        none = f"attempt {run.attempt} of run {run.id} has no findings"
        unseen = f"; the run is {run.state.value}, and its audit may not have looked yet"
        console.out.print(none if run.state is RunState.PUBLISHED else f"{none}{unseen}")
    else:
        title = f"findings of {spec.name} {score_date}, run {run.id}"
        console.show_numbered(title, [f"{finding.lines}\n  {exact(finding)}" for finding in found])


def exact(finding: "Finding") -> str:
    """What a finding is about, with its numbers, and whether it holds the night back."""
    from nightjar.core.wording import number

    numbers = {"number": finding.number, "expected": finding.expected, "limit": finding.limit}
    told = {
        "column": finding.column,
        "slice": finding.slice,
        **{name: number(value) for name, value in numbers.items() if value is not None},
        "reached by": "" if finding.rate is None else f"at most {finding.rate:.0%} of ordinary nights",
        "holds the night back": "yes" if finding.holds else "no",
    }
    return "; ".join(f"{name}: {value}" for name, value in told.items() if value)


def show_model(platform: "Platform", spec: "ModelSpec", limit: int) -> None:
    from nightjar.core.night.calendar import calendar
    from nightjar.core.night.clock import due_by
    from nightjar.core.platform.attempts import by_night
    from nightjar.usecases.data.landing import set_aside

    console.out.print(console.headed(f"{spec.name}:", "bold", spec.title))
    published = {publication.score_date: publication for publication in platform.store.published(spec.name)}
    standings = platform.store.standings(spec.name, date.min, date.max)
    server = asked(platform, spec)
    attempts = () if isinstance(server, str) else left_over(platform, server, published)
    show_versions(platform, spec, limit)
    console.show_challenger(platform.judge_challenger(spec).standing())
    entries = calendar(standings, due_by(spec, datetime.now(UTC)), by_night(attempts))
    show_nights(entries, seen_of(platform, entries[:limit], published), limit)
    show_doubts(platform.readings.doubts(spec.name), limit)
    show_runs(platform, spec, limit, published)
    show_server(server, attempts, limit)
    guard = platform.guard_outcomes(spec)
    console.show_undecided(guard.undecided())
    console.show_unchecked(guard.unchecked())
    console.show_refusals(set_aside(spec, platform.raw_of(spec)))
    console.show_rebuilds(platform.prepare(spec).rebuilds())


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
            v.refit_of or "",
            roles.get(v.id, ""),
        )
        for v in platform.registry.versions(spec.name)[:limit]
    ]
    titles = [metric.title for metric in headline]
    columns = ("version", "algorithm", *titles, "trained through", "refit of", "role")
    console.out.print(console.table("versions", columns, rows))


def seen_of(
    platform: "Platform", entries: "Sequence[Entry]", published: "Mapping[date, Publication]"
) -> dict[date, Seen]:
    """What analysts see of each published night. A newer run of it may be held back or failed."""
    return {
        entry.first: (publication, shown_run(platform.store, entry, publication))
        for entry in entries
        if (publication := published.get(entry.first))
    }


def shown_run(store: "RunReader", entry: "Entry", publication: "Publication") -> "Run":
    newest = None if entry.standing is None else entry.standing.run
    return newest if newest is not None and newest.id == publication.run_id else store.run(publication.run_id)


def show_nights(entries: "Sequence[Entry]", seen: Mapping[date, Seen], limit: int) -> None:
    """Show the newest nights as a calendar, the reasons of failed nights, and counts of the older nights.

    seen: what analysts see of the newest nights.
    """
    shown, older = entries[:limit], entries[limit:]
    console.out.print(
        console.table("nights", NIGHTS, [night_row(entry, seen.get(entry.first)) for entry in shown])
    )
    for why in reasons(shown):
        console.out.print(console.plain(why))
    if told := counted(older):
        console.out.print(f"older nights: {told}; --limit {len(entries)} lists them")


def show_doubts(doubts: "Mapping[date, Sequence[Finding]]", limit: int) -> None:
    """Show what is told of the newest published nights that it did not hold back."""
    for night in sorted(doubts, reverse=True)[:limit]:
        for doubt in doubts[night]:
            console.out.print(console.plain(f"{night} published, doubted: {doubt.named}"))


def night_row(entry: "Entry", seen: Seen | None) -> tuple[object, ...]:
    """Return the row of a night, or of a stretch of missing nights, in NIGHTS.

    The row of a published night shows the run that analysts see. Otherwise it shows the newest run.
    """
    if entry.standing is None:
        return *missing_row(entry), None, None, None, None
    run, published_at = entry.standing.run, None
    if seen is not None:
        publication, run = seen
        published_at = f"{publication.published_at:%Y-%m-%d %H:%M:%S}"
    rows = run.population.rows if run.population else None
    return str(entry.first), entry.what, run.id, run.revision, rows, published_at


def missing_row(entry: "Entry") -> tuple[str, str]:
    if entry.nights > 1:
        return f"{entry.first} to {entry.last}", f"{entry.what}: {plurals.counted(entry.nights, 'night')}"
    failed = f"{plurals.counted(entry.attempts, 'attempt')} failed"
    return str(entry.first), f"{entry.what}: {failed}" if entry.attempts else entry.what


def reasons(entries: "Sequence[Entry]") -> Iterator[str]:
    """Yield why the newest run of each night failed, also if analysts see an older run of that night."""
    for entry in entries:
        if entry.standing is not None and entry.standing.error:
            yield (
                f"{entry.first} run {entry.standing.run.id} {entry.standing.run.state.value}: "
                f"{entry.standing.error}"
            )


def counted(entries: "Sequence[Entry]") -> str:
    """Say how many nights there are of each kind."""
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
    for uri in [uri for run in runs for uri in platform.drift_ledger.reports(run, "drift")][:1]:
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
    """Show attempts that failed without a run, and what is paused.

    If the server could not be asked, one line says why.
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
        pauses = [(pause.what, pause.why) for pause in server.pauses]
        console.out.print(console.table("paused", ("what", "why"), pauses))
    console.out.print(server_told(server, attempts))


def server_told(server: "ServerStatus", attempts: "Sequence[Attempt]") -> str:
    """How many attempts failed without a run, and how many pauses there are, in two sentences."""
    failed = plurals.counted(len(attempts), "attempt") if attempts else "no attempt"
    paused = "Nothing is paused."
    if server.pauses:
        stop = "stops" if len(server.pauses) == 1 else "stop"
        paused = f"{plurals.counted(len(server.pauses), 'pause')} {stop} runs."
    return f"Prefect: {failed} of the last 14 days failed before a run began. {paused}"


def left_over(
    platform: "Platform", server: "ServerStatus", published: "Mapping[date, Publication]"
) -> "tuple[Attempt, ...]":
    """Return the attempts that the ledger does not know and that no later success has made good."""
    from nightjar.core.platform.attempts import unhealed

    claimants = platform.store.claimants([attempt.flow_run for attempt in server.attempts])
    return unhealed(
        server, claimants, {night: publication.published_at for night, publication in published.items()}
    )


def attempt_row(attempt: "Attempt") -> tuple[str, ...]:
    return f"{attempt.ended_at:%Y-%m-%d %H:%M}", attempt.flow, attempt.name, attempt.state, attempt.why


def asked(platform: "Platform", spec: "ModelSpec") -> "ServerStatus | str":
    """Return what the server knows, or the reason why it could not be asked."""
    from nightjar.cli.doctor import NO_SERVER, has_server

    if not has_server(platform.settings):
        return NO_SERVER
    from nightjar.server.deploy import api_url
    from nightjar.server.status import server_status

    try:
        return server_status(platform.settings, api_url(platform.settings), spec)
    except Exception as error:  # noqa: BLE001  # the ledger is shown even without the server
        return told(error)
