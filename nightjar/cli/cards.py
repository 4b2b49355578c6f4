"""The card command writes what is known of a version, for people."""

from pathlib import Path
from typing import Annotated

import typer

from nightjar.cli.options import Model, Named, one_name, opened, spec_of
from nightjar.showing import console


def card(
    named: Named = None,
    model: Model = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="Its number. Without it: the champion, or else the newest.")
    ] = None,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where to write the two files.")] = Path(),
) -> None:
    """Write the card of a version as HTML, which opens offline, and as Markdown."""
    from nightjar.showing.card import card_html, card_markdown
    from nightjar.showing.reports import limits_of

    platform, spec = opened(), spec_of(one_name(named, model))
    facts = platform.facts_of(spec)(version)
    limits = limits_of(spec)
    to.mkdir(parents=True, exist_ok=True)
    name = f"{spec.name}-{facts.version.number}"
    for suffix, text in ((".html", card_html(facts, limits)), (".md", card_markdown(facts, limits))):
        (to / f"{name}{suffix}").write_text(text, encoding="utf-8")
        console.out.print(f"card: {to / f'{name}{suffix}'}")
