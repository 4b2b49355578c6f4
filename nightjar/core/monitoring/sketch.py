"""A sketch describes the scores of a part in numbers that can be put together with those of other parts.

A part is stored together with its sketch. So a night's scores are described without reading them again, and
nobody needs room for all of them. Sources: variances are put together as in Chan, Golub and LeVeque, Updating
formulae and a pairwise algorithm for computing sample variances (1979); different scores are counted by their
least hashes, as in Bar-Yossef et al., Counting distinct elements in a data stream (2002).
"""

import math
from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import ConfigDict

from nightjar.core.comparison.entities import Distribution
from nightjar.core.comparison.profile import STEPS, places_of, spread_of
from nightjar.core.lifecycle.arms import BY_CHALLENGER, served
from nightjar.core.night.part_rows import SCORES
from nightjar.core.values import Value

POINTS = 4 * STEPS
"""A part keeps so many steps of its sorted scores. So a quantile of a night lies between those whose ranks
are 1 / (2 * POINTS) = 0.3% of its rows to the left and to the right of it.
"""
HASHES = 256
"""So many least hashes are kept: the number of different scores is found to 6%, and fewer are counted."""
HIGHEST = 100
"""So many rows with the highest scores are kept."""
RANKED = {name: SCORES[name] for name in ("entity_key", "score", "arm")}
"""The columns of a row with a high score."""


class Sketch(Value):
    """The scores of a part as they are served.

    rows, carried, shadowed, by_challenger, mean, stddev, distinct: as in `Distribution`.

    points: POINTS + 1 of the sorted scores, evenly spaced from the least to the greatest one, or all of them
    if they are not more. hashes: the HASHES least ones of the different scores, in order. highest:
    `entity_key`, score and arm of the HIGHEST rows with the highest scores; of equal scores those with the
    least keys.
    """

    model_config = ConfigDict(ser_json_inf_nan="strings")

    rows: int
    carried: int = 0
    shadowed: int = 0
    by_challenger: int = 0
    mean: float = math.nan
    stddev: float = math.nan
    distinct: int = 0
    points: tuple[float, ...] = ()
    hashes: tuple[int, ...] = ()
    highest: tuple[tuple[str, float, str | None], ...] = ()


def sketch_of(scores: pl.DataFrame) -> Sketch:
    """Describe stored scores: rows with the columns SCORES, whose scores are finite."""
    rows = scores.select("entity_key", served("score"), "arm")
    values = rows["score"].to_numpy(writable=True)
    spread = spread_of(values)
    highest = rows.filter(pl.col("score") >= values[-HIGHEST:][0]) if values.size else rows
    return Sketch(
        rows=spread["rows"],
        carried=scores["carried_from"].count(),
        shadowed=scores["challenger_score"].count(),
        by_challenger=scores.filter(BY_CHALLENGER).height,
        mean=spread["mean"],
        stddev=spread["stddev"],
        distinct=spread["distinct"],
        points=tuple(values[_ranks(values.size)].tolist()),
        hashes=tuple(_hashes(values).tolist()),
        highest=tuple(_ranked(highest, HIGHEST).iter_rows()),
    )


def described(score_date: date, sketches: Sequence[Sketch]) -> Distribution:
    """Describe the night whose parts are sketched. `classes` is empty: no sketch counts them."""
    parts = [each for each in sketches if each.rows]
    mean, squares = _moments(parts)
    rows = sum(part.rows for part in parts)
    return Distribution(
        score_date=score_date,
        rows=rows,
        carried=sum(part.carried for part in parts),
        shadowed=sum(part.shadowed for part in parts),
        by_challenger=sum(part.by_challenger for part in parts),
        mean=mean,
        stddev=math.sqrt(squares / rows) if rows else math.nan,
        distinct=_different(parts),
        quantiles=_quantiles(parts),
    )


def highest_of(sketches: Iterable[Sketch], count: int) -> pl.DataFrame:
    """The columns RANKED of the rows with the highest scores of all parts. count: at most HIGHEST."""
    rows = [row for each in sketches for row in each.highest]
    return _ranked(pl.DataFrame(rows, schema=RANKED, orient="row"), count)


def _ranked(rows: pl.DataFrame, count: int) -> pl.DataFrame:
    return rows.sort("score", "entity_key", descending=[True, False]).head(count)


def _moments(parts: Sequence[Sketch]) -> tuple[float, float]:
    """The mean, and the sum of the squares of what the scores differ from it."""
    rows, mean, squares = 0, parts[0].mean if parts else math.nan, 0.0
    for part in parts:
        apart, rows = part.mean - mean, rows + part.rows
        share = part.rows / rows
        mean += apart * share
        # ** raises an error where the square is too large for a number
        squares += part.stddev * part.stddev * part.rows + apart * apart * share * (rows - part.rows)
    return mean, squares


def _quantiles(parts: Sequence[Sketch]) -> tuple[float, ...]:
    """STEPS + 1 of the night's scores. A kept score stands for the rows around it."""
    if not parts:
        return ()
    points = np.concatenate([part.points for part in parts])
    order = np.argsort(points, kind="stable")
    until = np.cumsum(np.concatenate([_rows_around(part.rows) for part in parts])[order])
    places = np.searchsorted(until, places_of(int(until[-1]), STEPS), side="right")
    return tuple(points[order][places].tolist())


def _ranks(rows: int) -> NDArray[np.int64]:
    """The places of the scores that a part of so many sorted ones keeps."""
    return np.array(range(rows) if rows <= POINTS else places_of(rows, POINTS), np.int64)


def _rows_around(rows: int) -> NDArray[np.int64]:
    """How many rows of a part lie nearest to each score that it keeps."""
    ranks = _ranks(rows)
    return np.diff([0, *(ranks[:-1] + ranks[1:]) // 2 + 1, rows])


def _different(parts: Sequence[Sketch]) -> int:
    """The number of different scores: at least those of any part, at most those of all."""
    hashes = np.unique(np.array([hash_ for part in parts for hash_ in part.hashes], np.uint64))[:HASHES]
    found = hashes.size if hashes.size < HASHES else round((HASHES - 1) * 2**64 / int(hashes[-1]))
    counts = [part.distinct for part in parts]
    return min(max(found, *counts), sum(counts)) if counts else 0


def _hashes(ordered: NDArray[np.float64]) -> NDArray[np.uint64]:
    """The least hashes of sorted scores: the last steps of SplitMix64, as in Steele et al. (2014)."""
    different = ordered[np.append(True, ordered[1:] != ordered[:-1])[: ordered.size]]
    bits = (different + 0.0).view(np.uint64)  # the two zeros are equal
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits = bits ^ (bits >> np.uint64(31))
    few = bits if bits.size <= HASHES else np.partition(bits, HASHES)[:HASHES]
    return np.sort(few)
