"""The evidently command writes published nights as a workspace for Evidently's own UI."""

from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from nightjar.cli.options import Model, Named, one_name, opened, spec_of
from nightjar.core.errors.settings import BadSettings
from nightjar.core.plurals import counted
from nightjar.showing import console


def evidently(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="The workspace. Nights are added to it.")],
    named: Named = None,
    model: Model = None,
    nights: Annotated[int, typer.Option(min=1, metavar="N", help="The last N published nights.")] = 7,
) -> None:
    """Add the values of published nights to a workspace that Evidently's own UI shows.

    Evidently says nothing about drift there: the verdict is in `analytics.drift` and on the desk.
    """
    from nightjar.adapters.evidently_workspace import EvidentlyWorkspace

    platform, spec = opened(), spec_of(one_name(named, model))
    published = sorted(platform.store.published(spec.name), key=lambda night: night.score_date)[-nights:]
    if not published:
        raise BadSettings(f"{spec.name} has no published night", "`nightjar score` publishes one.")
    out.mkdir(parents=True, exist_ok=True)
    watch, workspace, added = platform.watch_night(spec), EvidentlyWorkspace(out, spec), 0
    with console.bar("nights added", len(published)) as advance:
        for night in published:
            run = platform.store.run(night.run_id)
            added += not workspace.holds(run) and workspace.add(run, *watch.sides(run))
            advance()
    console.out.print(f"{counted(added, 'night')} of {spec.name} added to {out}. To see them:")
    console.out.print(f"uv run evidently ui --workspace {quote(str(out))}")
