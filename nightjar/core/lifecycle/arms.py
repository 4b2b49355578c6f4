"""Which of two versions serves a row: a stable share of the entities gets the challenger's score.

An entity has a place in [0, 1), by a hash of its key and of the challenger. The challenger serves the places
below the share. So an entity that it serves stays served when the share grows, and no other entity changes.
Another challenger has other places. The hash is BLAKE2, which is the same on every machine, for ever.
"""

from collections.abc import Iterable
from hashlib import blake2b

import polars as pl

from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, holder_of
from nightjar.core.model.entities import Promotion
from nightjar.core.night.entities import Run

BITS = 53
"""As many as the fraction of a Float64 holds: then no place is rounded to 1."""
BY_CHALLENGER = pl.col("arm").eq_missing(pl.lit(CHALLENGER))


def place_of(entity_key: str, salt: str) -> float:
    """Return the place of an entity, evenly distributed in [0, 1). salt: another one gives other places."""
    found = blake2b(f"{salt}\0{entity_key}".encode(), digest_size=8).digest()
    return (int.from_bytes(found) >> (64 - BITS)) / 2**BITS


def with_arms(run: Run, scores: pl.DataFrame) -> pl.DataFrame:
    """Name for each row the version that serves it, in the column `arm`. Null in a run with one version.

    scores: the columns SCORES, with or without `arm`. The same run gives a row the same arm, however often it
    is scored. The champion serves a row to which the challenger gave no score.
    """
    if run.challenger_share == 0:
        return scores.with_columns(arm=pl.lit(None, pl.String))
    salt = f"{run.model} {run.challenger_id}"
    chosen = [place_of(key, salt) < run.challenger_share for key in scores["entity_key"]]
    served = pl.Series(chosen, dtype=pl.Boolean) & scores["challenger_score"].is_not_null()
    return scores.with_columns(arm=pl.when(served).then(pl.lit(CHALLENGER)).otherwise(pl.lit(CHAMPION)))


def as_served(scores: pl.DataFrame) -> pl.DataFrame:
    """Give each row as `score` and `outputs` what its arm says. scores: with the columns SCORES."""
    return scores.with_columns(map(served, ("score", "outputs")))


def served(name: str) -> pl.Expr:
    """What a row's arm says of `score` or `outputs`, under the same name."""
    return pl.when(BY_CHALLENGER).then(f"challenger_{name}").otherwise(name).alias(name)


def by_challenger(scores: pl.DataFrame) -> pl.DataFrame:
    """The challenger's numbers of rows, as `score` and `outputs`."""
    return scores.with_columns(score="challenger_score", outputs="challenger_outputs")


def share_of(ledger: Iterable[Promotion]) -> float:
    """Return the share that the challenger serves now. 0 if it scores in shadow, or if there is none.

    ledger: newest first.
    """
    rows = tuple(ledger)
    held = holder_of(CHALLENGER, ((row.version_id, row.role) for row in rows))
    return next((row.share for row in rows if row.role == CHALLENGER and row.version_id == held), 0.0)
