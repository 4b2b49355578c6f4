"""Commands about published nights that turn out wrong: late data, rows that were set aside, and scoring just those again."""

import json
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar import console
from nightjar.cli.options import DEFAULT_MODEL, Accept, Date, KnownAt, Model, day, opened, spec_of
from nightjar.core.errors import NightjarError

if TYPE_CHECKING:
    from nightjar.core.entities import NightSummary, Run
    from nightjar.core.ports import ScoreStore
    from nightjar.usecases.night import ScoreNight
    from nightjar.usecases.repair import LateNight

SHOWN = 20
First = Annotated[date | None, typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="Only nights from this date on.")]
Last = Annotated[date | None, typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="Only nights up to this date.")]


def late(
    model: Model = DEFAULT_MODEL,
    first: First = None,
    last: Last = None,
    known_at: KnownAt = None,
    rescore: Annotated[bool, typer.Option("--rescore", help="Score what is touched again, and publish each of these nights whole.")] = False,
    entities: Annotated[bool, typer.Option("--entities", help="List every touched entity.")] = False,
) -> None:
    """Show the published nights that corrections have touched since, and which entities; --rescore mends them.

    Nothing is asked of the outside world: land corrections first, with `nightjar land` or by waiting for the nightly flow.
    """
    from nightjar.usecases.repair import late_nights

    platform, spec = opened(), spec_of(model)
    known = known_at or this_second()
    platform.corrected(spec, known, console.bar)
    scoring = platform.score_night(spec)
    with console.waiting("comparing what was known with what is known now"):
        found = list(
            late_nights(scoring, (night.score_date for night in platform.store.published(spec.name) if between(night.score_date, first, last)), known)
        )
    if not found:
        console.out.print(f"{spec.name}: no published night is touched by anything recorded up to {known:%Y-%m-%d %H:%M} UTC")
        return
    console.out.print(console.table(f"{spec.name}: nights that late data touches", LATE_COLUMNS, [late_row(night) for night in found]))
    if entities:
        console.out.print(console.table("touched", ("score date", "entity", "what happened"), [row for night in found for row in entity_rows(night)]))
    if rescore:
        mend(scoring, [night.run for night in found], known, platform.settings.night_wait_s)
    else:
        console.out.print("score them again with `nightjar late --rescore`; --entities lists what is touched")


LATE_COLUMNS = ("score date", "run", "published", "changed", "new", "gone", "for instance")


def late_row(night: "LateNight") -> tuple[object, ...]:
    touched = night.touched
    instance = next(iter((*touched.changed, *touched.added, *touched.removed)))
    published = f"{night.publication.published_at:%Y-%m-%d %H:%M}"
    return str(night.run.score_date), night.run.id, published, len(touched.changed), len(touched.added), len(touched.removed), console.plain(instance)


def entity_rows(night: "LateNight") -> Iterator[tuple[str, str, str]]:
    for what, keys in (("changed", night.touched.changed), ("new", night.touched.added), ("gone", night.touched.removed)):
        yield from ((str(night.run.score_date), console.plain(key), what) for key in keys)


def this_second() -> datetime:
    """Now, to the second, once it is over: instants of records are rounded up to it, and a file that landed a moment ago counts."""
    now = datetime.now(UTC)
    time.sleep(1 - now.microsecond / 1_000_000)
    return now.replace(microsecond=0) + timedelta(seconds=1)


def between(score_date: date, first: date | None, last: date | None) -> bool:
    return (first is None or first <= score_date) and (last is None or score_date <= last)


def quarantine_list(
    model: Model = DEFAULT_MODEL,
    score_date: Date = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows to list.")] = SHOWN,
) -> None:
    """List the rows that broke the contract, each with its reasons: of what is published, or held back, of each night."""
    platform, spec = opened(), spec_of(model)
    rows = [row for run in newest_runs(platform.store, spec.name, score_date) for row in reasons_of(platform.store, run)]
    if not rows:
        console.out.print(f"{spec.name}: no row is set aside" + (f" on {score_date}" if score_date else ""))
        return
    columns = ("score date", "run", "state", "entity", "column", "check", "value")
    console.out.print(console.table(f"{spec.name}: rows set aside", columns, rows[:limit]))
    if len(rows) > limit:
        console.out.print(f"{len(rows) - limit} more; --limit lists them, --date names a night")
    console.out.print("when the cause is mended: `nightjar quarantine replay --date YYYY-MM-DD`")


def quarantine_replay(
    model: Model = DEFAULT_MODEL,
    score_date: Date = None,
    known_at: KnownAt = None,
    accept: Accept = None,
) -> None:
    """Score the rows that were set aside once more, by the contract and the data of now, into a new revision of their night.

    Rows whose inputs are unchanged keep their scores. Without --date: every published night that has rows set aside.
    """
    from nightjar.core.entities import RunState
    from nightjar.usecases.repair import would_change

    platform, spec = opened(), spec_of(model)
    known = known_at or this_second()
    runs = [run for run in newest_runs(platform.store, spec.name, score_date) if platform.store.quarantined(run).height]
    if not runs:
        console.out.print(f"{spec.name}: no row is set aside" + (f" on {score_date}" if score_date else ""))
        return
    platform.corrected(spec, known, console.bar)
    scoring = platform.score_night(spec)
    with console.waiting("looking whether anything is mended"):
        mended = [run for run in runs if run.state is not RunState.PUBLISHED or would_change(scoring, run, max(known, run.known_at))]
    for run in runs:
        if run not in mended:
            aside = platform.store.quarantined(run).height
            console.out.print(f"{run.score_date}: nothing is mended yet ({aside} set aside as before); run {run.id} stays as published")
    mend(scoring, mended, known, platform.settings.night_wait_s, accept)


def newest_runs(store: "ScoreStore", model: str, score_date: date | None) -> list["Run"]:
    """What is published of each night, or else the newest run that was held back; of one date, or of all."""
    published = {night.score_date: store.run(night.run_id) for night in store.published(model)}
    held_back = {run.score_date: run for run in reversed(store.runs(model, limit=1000))}
    nights = held_back | published
    return [nights[found] for found in sorted(nights) if score_date in (None, found)]


def reasons_of(store: "ScoreStore", run: "Run") -> Iterator[tuple[object, ...]]:
    rows = store.quarantined(run)
    for key, reasons in zip(rows["entity_key"], rows["reasons"], strict=True):
        for reason in json.loads(reasons):
            yield (
                str(run.score_date),
                run.id,
                run.state.value,
                *(
                    None if text is None else console.plain(str(text))
                    for text in (key, reason.get("column"), reason.get("check"), reason.get("value"))
                ),
            )


def mend(scoring: "ScoreNight", runs: Iterable["Run"], known_at: datetime, wait_s: float, accept: str | None = None) -> None:
    """Score each night again: what is published is repaired, what was held back is scored whole. One that fails does not stop the rest."""
    failed: list[NightjarError] = []
    for run in runs:
        current = scoring.store.publication(run.model, run.score_date)
        if current is not None and current.run_id != run.id:
            console.out.print(f"{run.score_date}: run {current.run_id} was published meanwhile, so run {run.id} is not mended any more; look again")
            continue
        try:
            night = scoring.run(
                run.night, repair=current is not None, force=current is None, known_at=max(known_at, run.known_at), accept=accept, wait_s=wait_s
            )
        except NightjarError as error:
            failed.append(error)
            console.err.print(f"[bold red]{run.score_date}:[/] {console.plain(str(error))}")
        else:
            show_mended(night)
    if failed:
        raise typer.Exit(failed[0].exit_code)


def show_mended(night: "NightSummary") -> None:
    console.out.print(
        f"{night.score_date}: revision {night.revision} published (run {night.run_id}): {night.scored - night.carried} rows scored again, "
        f"{night.carried} kept, {night.quarantined} set aside"
    )
