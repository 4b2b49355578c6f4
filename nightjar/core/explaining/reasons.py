"""Which rows of a night are explained, and the reasons of each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from nightjar.core.explaining.contributions import BASE
from nightjar.core.model.explain import Explain, spelled

REASONS: Mapping[str, pl.DataType] = {
    "entity_key": pl.String(),
    "rank": pl.Int32(),
    "input": pl.String(),
    "value": pl.String(),
    "contribution": pl.Float64(),
    "words": pl.String(),
}
"""The columns of reasons. rank: 1 moved the raw score most. value: as text, null where it was missing."""


def chosen(explain: Explain, scores: pl.DataFrame, seed: int) -> pl.Series:
    """The keys of the rows to explain, sorted. The same arguments give the same keys.

    scores: `entity_key`, `score` of all rows of a night. seed: of the draw.
    """
    by_key = scores.select("entity_key", "score").sort("entity_key")
    highest = by_key.sort("score", descending=True, maintain_order=True).head(explain.highest)
    drawn = by_key.sample(n=round(explain.share * by_key.height), seed=seed)
    above = by_key.clear() if explain.above is None else by_key.filter(pl.col("score") > explain.above)
    return pl.concat([above, highest, drawn])["entity_key"].unique().sort()


def reasons_of(explain: Explain, rows: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """The first reasons of each row, with the columns REASONS. An input that adds nothing is no reason.

    rows: `entity_key` and the inputs. told: the contributions of the same rows, in their order.
    """
    names = [name for name in told.columns if name != BASE]
    matrix = told.select(names).to_numpy()
    found = (
        (key, rank, names[place], values[names[place]], float(added[place]))
        for key, values, added in zip(rows["entity_key"], rows.select(names).to_dicts(), matrix, strict=True)
        for rank, place in enumerate(strongest(added, explain.reasons), 1)
    )
    written = [
        (key, rank, name, spelled(value), added, explain.told(name, value))
        for key, rank, name, value, added in found
    ]
    return pl.DataFrame(written, schema=REASONS, orient="row")


def strongest(added: Sequence[float] | np.ndarray[Any, Any], count: int | None = None) -> list[int]:
    """The places of the numbers that are furthest from 0, the furthest first, without zeros."""
    distance = np.abs(np.asarray(added))
    order = np.argsort(-distance, kind="stable")
    return [int(place) for place in order if distance[place]][:count]
