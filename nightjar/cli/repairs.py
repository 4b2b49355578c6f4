"""These commands find published nights that turn out wrong, and score only the wrong rows again.

A night is wrong because of late data or because of rows that were set aside.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from nightjar.cli.options import (
    Accept,
    Date,
    KnownAt,
    Model,
    day,
    end,
    opened,
    require_executor,
    require_order,
    spec_of,
)
from nightjar.core.plurals import counted
from nightjar.showing import console

if TYPE_CHECKING:
    from nightjar.core.model.spec import ModelSpec
    from nightjar.core.night.entities import NightSummary, Run
    from nightjar.core.night.plan import Planned
    from nightjar.core.ports.scores import ScoreReader
    from nightjar.usecases.scoring.repair import LateNight
    from nightjar.wiring.platform import Platform

SHOWN = 20
First = Annotated[
    date | None,
    typer.Option("--from", parser=day, metavar="YYYY-MM-DD", help="Only nights from this date on."),
]
Last = Annotated[
    date | None, typer.Option("--to", parser=day, metavar="YYYY-MM-DD", help="Only nights up to this date.")
]


def late(
    model: Model = None,
    first: First = None,
    last: Last = None,
    known_at: KnownAt = None,
    rescore: Annotated[
        bool,
        typer.Option(
            "--rescore", help="Score what is touched again, and publish each of these nights whole."
        ),
    ] = False,
    accept: Accept = None,
    entities: Annotated[bool, typer.Option("--entities", help="List every touched entity.")] = False,
) -> None:
    """Show the published nights that corrections have touched since, and which entities.

    --rescore mends them. Nothing is asked of the outside world: land corrections first, with `nightjar land`
    or by waiting for the nightly flow.
    """
    from nightjar.usecases.scoring.repair import late_nights

    require_order(first or date.min, last or date.max)
    platform, spec = opened(), spec_of(model)
    if rescore:
        require_executor(platform)
    if not platform.store.published(spec.name):
        console.out.print(f"{spec.name}: no night is published, so nothing can have touched one")
        return
    known = platform.prepare(spec).corrected(known_at, console.bar)
    with console.waiting("comparing what was known with what is known now"):
        found = list(
            late_nights(
                platform.night_inputs(spec), platform.store, first or date.min, last or date.max, known
            )
        )
    if not found:
        console.out.print(
            f"{spec.name}: no published night is touched by anything recorded up to {known:%Y-%m-%d %H:%M} "
            "UTC"
        )
        return
    console.out.print(
        console.table(
            f"{spec.name}: nights that late data touches",
            console.LATE_COLUMNS,
            [console.late_row(night) for night in found],
        )
    )
    if entities:
        console.out.print(
            console.table(
                "touched",
                ("score date", "entity", "what happened"),
                [row for night in found for row in entity_rows(night)],
            )
        )
    if rescore:
        mend(platform, spec, [night.planned for night in found], known, accept)
    else:
        again = f"`nightjar late --model {spec.name} --rescore`"
        console.out.print(f"score them again with {again}; --entities lists what is touched")


def entity_rows(night: "LateNight") -> Iterator[tuple[str, str, str]]:
    for what, keys in (
        ("changed", night.touched.changed),
        ("new", night.touched.added),
        ("gone", night.touched.removed),
    ):
        yield from ((str(night.run.score_date), key, what) for key in keys)


def quarantine_list(
    model: Model = None,
    score_date: Date = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many rows to list.")] = SHOWN,
) -> None:
    """List the rows that broke the contract, each with its reasons.

    They are those of what is published, or held back, of each night.
    """
    from nightjar.usecases.scoring.repair import runs_aside

    platform, spec = opened(), spec_of(model)
    runs = runs_aside(platform.store, spec.name, score_date or date.min, score_date or date.max)
    rows = [row for run in runs for row in reasons_of(platform.store, run)]
    if not rows:
        tell_none_aside(platform, spec, score_date)
        return
    columns = ("score date", "run", "state", "entity", "column", "check", "value")
    console.out.print(console.table(f"{spec.name}: rows set aside", columns, rows[:limit]))
    if len(rows) > limit:
        console.out.print(f"{len(rows) - limit} more; --limit lists them, --date names a night")
    replay = f"nightjar quarantine replay --model {spec.name} --date YYYY-MM-DD"
    console.out.print(f"when the cause is mended: `{replay}`")


def quarantine_replay(
    model: Model = None,
    score_date: Date = None,
    known_at: KnownAt = None,
    accept: Accept = None,
) -> None:
    """Score the rows that were set aside once more, into a new revision of their night.

    The contract and the data of now decide. Rows whose inputs are unchanged keep their scores. Without
    --date: every published night that has rows set aside.
    """
    from nightjar.usecases.scoring.repair import nights_aside

    platform, spec = opened(), spec_of(model)
    require_executor(platform)
    nights = nights_aside(platform.store, spec.name, score_date or date.min, score_date or date.max)
    if not nights:
        tell_none_aside(platform, spec, score_date)
        return
    mend(platform, spec, nights, platform.prepare(spec).corrected(known_at, console.bar), accept)


def tell_none_aside(platform: "Platform", spec: "ModelSpec", score_date: date | None) -> None:
    """Of nights that were never begun nobody can say it."""
    begun = platform.store.standings(spec.name, score_date or date.min, score_date or date.max)
    if begun:
        looked_at = f"on {score_date}" if score_date else f"in {counted(len(begun), 'night')}"
        none = f"no row is set aside {looked_at}"
    else:
        none = f"no night of {score_date} was begun" if score_date else "no night was begun"
    console.out.print(f"{spec.name}: {none}")


def reasons_of(store: "ScoreReader", run: "Run") -> Iterator[tuple[object, ...]]:
    rows = store.quarantined(run)
    for key, reasons in zip(rows["entity_key"], rows["reasons"], strict=True):
        for reason in json.loads(reasons):
            yield (
                str(run.score_date),
                run.id,
                run.state.value,
                *(
                    None if text is None else str(text)
                    for text in (key, reason.get("column"), reason.get("check"), reason.get("value"))
                ),
            )


def mend(
    platform: "Platform",
    spec: "ModelSpec",
    nights: "Sequence[Planned]",
    known_at: datetime,
    accept: str | None,
) -> None:
    """Score each night again. A published night is repaired; a night that was held back is scored whole.

    If one night fails, the others are still scored.
    """
    from uuid import uuid4

    summary = platform.backfill(spec, flow_run=f"repair {uuid4()}", known_at=known_at, accept=accept).run(
        nights, console.bar
    )
    for night in summary.nights:
        console.out.print(f"{night.score_date}: {mended(night)}")
        console.show_lacks(spec.name, night.score_date, night.lacks)
    end(summary)


def mended(night: "NightSummary") -> str:
    if night.already_published:
        return f"nothing to mend; run {night.run_id} stays as published, {night.quarantined} set aside"
    counts = (
        f"{counted(night.scored - night.carried, 'row')} scored again, {night.carried} kept, "
        f"{night.quarantined} set aside"
    )
    return f"revision {night.revision} published (run {night.run_id}): {counts}"
