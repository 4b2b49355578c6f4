"""Generations of a feature table: all rows of one are made by one recipe, and a night reads one of them.

Code that changed makes a new generation beside the old one. The new one is read once it is whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FIRST = ""
"""The name of the generation whose files lie in the table's own folder."""

UNKNOWN = ""
"""The recipe of rows that were made before recipes were kept, by another declaration than today's."""

Generations = Mapping[str, str]
"""Feature table -> the name of one of its generations. Of a table that is not in it: FIRST."""


@dataclass(frozen=True, slots=True)
class Generation:
    """name: unique within the table. recipe: what made its rows."""

    name: str
    recipe: str


def next_generation(kept: Sequence[Generation], recipe: str, *, afresh: bool = False) -> Generation:
    """The generation that today's code builds: a kept one that it made, or else a new one.

    kept: oldest first; the last one is read today. afresh: a new one although the code is the same. The same
    arguments give the same name, so an interrupted build is continued.
    """
    if not kept:
        return Generation(FIRST, recipe)
    if afresh:
        return Generation(f"_{recipe}-{len(kept)}", recipe)
    made = [generation for generation in kept if generation.recipe == recipe]
    return made[-1] if made else Generation(f"_{recipe}", recipe)


TRAINED_ON = "feature_generations"
"""The parameter of a version that names the generations that it was trained on."""


def made_otherwise(
    trained: Generations, read: Generations, kept: Mapping[str, Sequence[Generation]]
) -> tuple[str, ...]:
    """The feature tables that are read in a generation by another recipe than a version was trained on.

    kept: the generations of each table that there are. One that is there no longer counts as by another
    recipe. A table that the version was not trained on is left out.
    """

    def recipe(table: str, name: str) -> str:
        return next((each.recipe for each in kept.get(table, ()) if each.name == name), name)

    return tuple(
        table
        for table, name in sorted(trained.items())
        if table in read and recipe(table, name) != recipe(table, read[table])
    )
