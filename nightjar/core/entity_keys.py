"""Keys of entities that hold the date of their night: the same entity has another key on each night."""

from collections.abc import Iterable, Iterator
from datetime import date

import polars as pl

FORMS = ("%Y-%m-%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y")
"""How a date is written in keys."""


def written(day: date) -> Iterator[str]:
    """A date in each of the forms, in their order."""
    return (day.strftime(form) for form in FORMS)


def undated(like: str, score_date: date) -> pl.Expr:
    """The column `entity_key` without the score date. like: a key that says how the date is written."""
    key = pl.col("entity_key")
    for text in written(score_date):
        if like.endswith(text):  # to look at the end alone takes a third of the time
            key = key.str.strip_suffix(text)
        elif text in like:
            key = key.str.replace(text, "", literal=True)
    return key


def nights_in(key: str, nights: Iterable[date]) -> list[date]:
    """Those of some nights whose date the key holds."""
    return [night for night in nights if any(text in key for text in written(night))]


def on_night(key: str, of: date, night: date) -> list[str]:
    """The keys that an entity may have on a night. of: the night whose date its key holds.

    A day and a month may be written in either order. A key without the date is the same on each night.
    """
    pairs = zip(written(of), written(night), strict=True)
    return [*dict.fromkeys(key.replace(own, other) for own, other in pairs if own in key)] or [key]
