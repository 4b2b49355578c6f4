"""Explain one row of a published night."""

from datetime import date
from typing import Annotated

import typer

from nightjar.cli.options import Json, Model, day, one_name, opened, spec_of
from nightjar.showing import console

Words = tuple[str | None, date, str]
"""Model, score date, entity key."""


def explain(
    words: Annotated[
        list[str],
        typer.Argument(metavar="[MODEL] DATE ENTITY", help="The night, and the entity_key of the row."),
    ],
    model: Model = None,
    as_json: Json = False,
) -> None:
    """Say why a row got its score: its inputs, what each added, what was published, and from which files."""
    from nightjar.showing.explained import show

    named, score_date, entity_key = parsed(words, model)
    platform, spec = opened(), spec_of(named)
    found = platform.explain_row(spec)(score_date, entity_key)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        show(found, console.out)


def parsed(words: list[str], model: str | None) -> Words:
    """Raises BadParameter for too few or too many words, BadSettings for two models."""
    *before, told, entity_key = ["", *words] if len(words) == 1 else words
    if len(before) > 1 or not told:
        raise typer.BadParameter(f"{len(words)} words are given; write [MODEL] DATE ENTITY")
    return one_name(before[0] if before else None, model), day(told), entity_key
