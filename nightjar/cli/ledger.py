"""These commands show the versions of a model, who decided what about them, and how two of them differ."""

import json
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nightjar.cli.options import Json, Model, day, opened, spec_of
from nightjar.showing import console

if TYPE_CHECKING:
    from nightjar.core.model.entities import Promotion
    from nightjar.usecases.lifecycle.holdings import Held


def models(
    model: Model = None,
    at: Annotated[
        date | None,
        typer.Option(
            parser=day, metavar="YYYY-MM-DD", help="Show the roles for the night of this date as well."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show the versions of a model, their gates and roles, and who decided what and why."""
    from nightjar.core.night.clock import night_of
    from nightjar.showing.ledger import show_versions
    from nightjar.usecases.lifecycle.holdings import held

    platform, spec = opened(), spec_of(model)
    found = held(platform.registry, spec.name, None if at is None else night_of(spec, at))
    ledger = platform.registry.promotions(spec.name)
    if as_json:
        typer.echo(json.dumps(document(spec.name, at, found, ledger), indent=1, default=str))
    else:
        show_versions(found, ledger, then=None if at is None else str(at))


def document(
    model: str, at: date | None, found: "Sequence[Held]", ledger: "Sequence[Promotion]"
) -> dict[str, Any]:
    """What `nightjar models --json` prints. roles_at: the roles for the night `at`, if that was asked for."""
    versions = [
        one.version.model_dump(mode="json")
        | {"known_at": one.known_at.isoformat(), "roles": one.roles}
        | ({} if at is None else {"roles_at": one.roles_then})
        for one in found
    ]
    return {
        "model": model,
        "at": at,
        "versions": versions,
        "ledger": [row.model_dump(mode="json") for row in ledger],
    }


def replay(
    run: Annotated[int, typer.Argument(min=1, metavar="RUN", help="A run, as `nightjar status` lists them.")],
    model: Model = None,
    from_source: Annotated[
        bool,
        typer.Option(
            "--from-source",
            help="Retrieve population and features again, as known then, and compare them too.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Score a run again from what it fixed, with its version: the same bits, or what differs.

    Nothing is published. Exit code 0: identical. 64: not.
    """
    from nightjar.core.errors.night import ReplayDiffers
    from nightjar.showing.ledger import differs_told, show_replayed
    from nightjar.usecases.scoring.scorers import run_of

    platform, spec = opened(), spec_of(model)
    with console.waiting(f"scoring run {run} of {spec.name} again"):
        found = platform.replay(spec).run(run_of(platform.store, spec.name, run), from_source=from_source)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        show_replayed(found)
    if not found.identical:
        raise ReplayDiffers(spec.name, run, differs_told(found))


def diff(
    first: Annotated[int, typer.Argument(min=1, metavar="V1", help="Number of a version.")],
    second: Annotated[int, typer.Argument(min=1, metavar="V2", help="Number of another version.")],
    model: Model = None,
    score_date: Annotated[
        date | None,
        typer.Option(
            "--date",
            "-d",
            parser=day,
            metavar="YYYY-MM-DD",
            help="The published night that both score. Without it: the latest.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show how two versions differ: data, parameters, code, metrics, slices, scores of one night."""
    from nightjar.showing.ledger import show_difference

    platform, spec = opened(), spec_of(model)
    with console.waiting(f"comparing version {first} of {spec.name} with version {second}"):
        found = platform.differences(spec).between(first, second, score_date)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
    else:
        show_difference(found, platform.registry.versions(spec.name)[0])
