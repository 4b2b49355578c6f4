"""How far each reading of a night may lie outside those of its comparable nights.

A reading may lie outside their interval by a margin: a share of the width of the interval, and a fixed part.
Both are measured on the scale on which the reading moves evenly. A share near 0 or 1 moves little, and so
does a correlation near 1. The fixed parts were chosen on the nights of January to June of the recorded year
alone; docs/audit.md says what they gave on July to December.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import atanh, exp, inf, log, tanh
from typing import Literal

Unit = Literal["one", "width", "usual"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale on which margins are measured, and the way back. positive: only numbers above 0 are on it."""

    to: Callable[[float], float]
    back: Callable[[float], float]
    positive: bool = False


RARE = 0.01
"""Shares that are this near to 0 or to 1 are hardly told apart."""
ALMOST = 0.95
"""A correlation counts as this part of it, so that those near 1 are hardly told apart."""
NOTHING = 1e-9
"""A number that is less than this share of the greatest one is 0 with an error of rounding."""
TENTH = 0.1
"""Means that are this near to 0 are hardly told apart."""


def _odds(share: float) -> float:
    return log((share + RARE) / (1 - share + RARE))


def _of_odds(odds: float) -> float:
    return (exp(odds) * (1 + RARE) - RARE) / (1 + exp(odds))


PLAIN = Scale(lambda value: value, lambda value: value)
FACTOR = Scale(log, exp, positive=True)
MEAN = Scale(lambda value: log(value + TENTH), lambda value: exp(value) - TENTH)
SHARE = Scale(_odds, _of_odds)
CORRELATION = Scale(lambda value: atanh(ALMOST * value), lambda value: tanh(value) / ALMOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a reading must keep.

    check: the name of its finding. told: what is wrong, in words. above, below: the fixed part of the margin
    on this side; None: this side says nothing. widths: the share of the interval's width that is added to it,
    at most `widest`.
    scale: where both are measured. unit: of the fixed part. "width": the distance from the 5% to the 95%
    quantile of the column. "usual": the usual value.
    A reading says nothing if it is usually below `least_usual`, if fewer than `least_nights` nights have it,
    (inside) if it is usually at an end of its interval, or (unless of_zeros) of a column that is often 0.
    steady: a reading says nothing if its interval reaches to more than so many times its least number.
    moves: True if it moves for weeks on end, so that few nights do not show how far.
    since: True if it compares with the last published night: the longer ago that is, the further it moves.
    lies: True if it says where the values of a column lie. If they carry days without a published night, they
    may lie further away.
    moved: True if it says how values moved since last night. What a gap explains is told, and holds nothing.
    """

    check: str
    above: float | None = None
    below: float | None = None
    widths: float = 0.5
    widest: float = inf
    scale: Scale = PLAIN
    unit: Unit = "one"
    least_usual: float | None = None
    of_zeros: bool = True
    least_nights: int = 0
    inside: bool = False
    moves: bool = False
    steady: float = inf
    since: bool = False
    lies: bool = False
    moved: bool = False
    told: str


def _share(check: str, told: str, *, lies: bool = False) -> tuple[Rule, Rule]:
    """A share of values: as a difference, and as odds. So a share of 0 or 1 may hardly change."""
    return (
        Rule(check=check, above=0.25, below=0.25, lies=lies, told=told),
        Rule(check=check, above=3.0, below=3.0, scale=SHARE, lies=lies, told=told),
    )


def _level(told: str, least: float, check: str = "level", *, since: bool = False) -> tuple[Rule]:
    """A number on the scale of its column: as a part of the width of the column's values."""
    return (
        Rule(
            check=check,
            moves=True,
            above=least,
            below=least,
            widths=1.0,
            unit="width",
            of_zeros=False,
            since=since,
            lies=not since,
            moved=since,
            told=told,
        ),
    )


CHANGED = "share of entities whose value changed since last night"
FACTORED = "share of entities whose value changed by the same factor"
STILL = "share of the keys of which no feature changed"
STILL_ROWS = "share of the rows of whose key no feature changed"
PACE = "mean distance from the value of last night"
OFFSET = "share of entities whose value changed by the same amount"

FAMILIAR = Rule(
    check="units",
    below=4.6,
    widths=0.3,
    scale=SHARE,
    moves=True,
    told="share of values that the days before had too,",
)

STRANGE = Rule(
    check="units",
    below=1.7,
    widths=0.0,
    scale=MEAN,
    least_nights=14,
    least_usual=1.0,
    told=FAMILIAR.told,
)
"""Hardly a value of a gauge of few steps is one that the days before had, and usually all are.

After one unusual day the odds of FAMILIAR allow even none.
"""
BY_OTHERS = Rule(
    check="by_others",
    above=0.8,
    widths=0.15,
    scale=FACTOR,
    moves=True,
    told="distance of most values from what the other columns let expect, as a multiple of the usual one,",
)
DECIMALS = Rule(
    check="decimals",
    below=2.4,
    scale=SHARE,
    moves=True,
    told="share of values whose decimals the days before had too,",
)
OTHER_DECIMALS = Rule(
    check="decimals",
    above=0.4,
    widths=0.25,
    scale=SHARE,
    moves=True,
    told="share of values that have other decimals than the days before,",
)
BETWEEN = Rule(
    check="filled",
    above=1.5,
    widths=0.1,
    scale=SHARE,
    moves=True,
    told="share of values that are the exact mean of the one before and the one after,",
)
STUCK = "share of values equal to the one before"
EMPTY = "share of rows without a value"

RULES: Mapping[str, tuple[Rule, ...]] = {
    "zero_share": _share("zeros", "share of zeros", lies=True),
    "negative_share": _share("sign", "share of negative values"),
    "whole_values": _share("precision", "share of whole numbers among the different values", lies=True),
    "repeated_share": (
        Rule(check="repeated", above=0.25, told="share of rows that share one value"),
        Rule(check="repeated", above=1.5, scale=SHARE, told="share of rows that share one value"),
    ),
    "short_share": (
        Rule(
            check="precision",
            moves=True,
            above=2.0,
            below=3.0,
            scale=SHARE,
            told="share of values of two decimals",
        ),
    ),
    "top_share": (
        Rule(check="clipped", moves=True, above=1.2, scale=SHARE, told="share of values at the greatest one"),
    ),
    "bottom_share": (
        Rule(check="clipped", moves=True, above=1.1, scale=SHARE, told="share of values at the least one"),
    ),
    "magnitude": (
        Rule(
            check="magnitude",
            moves=True,
            above=0.5,
            below=0.5,
            scale=FACTOR,
            lies=True,
            told="middle size of the values",
        ),
    ),
    "low": _level("5% quantile", 0.25),
    "middle": _level("median", 0.25),
    "high": _level("95% quantile", 0.5),
    "step": _level("median change since last night", 0.35, check="step", since=True),
    "pace": (
        Rule(
            check="pace",
            since=True,
            moved=True,
            moves=True,
            above=0.35,
            widest=1.2,
            scale=FACTOR,
            of_zeros=False,
            told=PACE,
        ),
    ),
    "changed": (
        Rule(check="changed", since=True, moved=True, above=0.5, told=CHANGED),
        Rule(check="changed", since=True, moved=True, above=2.2, scale=SHARE, told=CHANGED),
    ),
    "category_changed": (
        Rule(
            check="changed",
            since=True,
            above=1.0,
            scale=SHARE,
            told="share of entities whose category changed since last night",
        ),
    ),
    "same_factor": (Rule(check="units", moved=True, above=0.6, told=FACTORED),),
    "same_offset": (Rule(check="offset", moved=True, above=0.6, told=OFFSET),),
    "order": (
        Rule(
            check="order",
            since=True,
            below=0.8,
            scale=CORRELATION,
            of_zeros=False,
            told="rank correlation with the values of last night",
        ),
    ),
    "own": (
        Rule(
            check="swapped",
            since=True,
            below=0.2,
            least_usual=0.1,
            moves=True,
            of_zeros=False,
            told="rank correlation with its own values of last night, less the one with another column's,",
        ),
    ),
    "together": (
        Rule(check="together", above=0.6, below=0.6, scale=CORRELATION, told="rank correlation of the two"),
    ),
    "missing_share": (Rule(check="missing", below=1.5, scale=SHARE, told="share of missing values"),),
    "gone": (
        Rule(
            check="entities_missing",
            above=2.0,
            scale=SHARE,
            told="share of the entities of all of the last nights that are missing",
        ),
    ),
    "few_pace": (
        Rule(
            check="pace",
            since=True,
            moved=True,
            moves=True,
            above=0.5,
            scale=FACTOR,
            told=PACE,
        ),
    ),
    "leap": (
        Rule(
            check="leap",
            since=True,
            moved=True,
            moves=True,
            above=0.45,
            scale=FACTOR,
            of_zeros=False,
            told="greatest change of a key since last night",
        ),
    ),
    "nearer": (
        Rule(
            check="swapped",
            since=True,
            above=0.45,
            moves=True,
            of_zeros=False,
            told="share of keys whose value is nearer to that of another column last night,",
        ),
    ),
    "crossed": (
        Rule(
            check="swapped",
            since=True,
            above=1.0,
            widths=1.0,
            scale=FACTOR,
            moves=True,
            of_zeros=False,
            told="distance from its former values, as a multiple of that from another column's,",
        ),
    ),
    "few_zero_share": (
        Rule(check="zeros", above=0.7, lies=True, told="share of zeros among the few values"),
    ),
    "on_grid": (Rule(check="units", below=0.5, told="share of the values on the steps of the gauge"),),
    "single_valued": (
        Rule(check="misjoined", below=0.02, told="keys as a share of the different rows of features"),
    ),
    "distinct": (
        Rule(
            check="keys_alike",
            below=0.5,
            scale=SHARE,
            told="different rows of features as a share of the keys",
        ),
    ),
    "still": (Rule(check="frozen", above=1.0, scale=SHARE, told=STILL_ROWS),),
    "absent": (
        Rule(check="missing", above=0.2, least_nights=14, told="share of the keys without any feature"),
    ),
    "twins": (
        Rule(check="copies", above=1.0, scale=SHARE, told="share of rows that are the same as another row"),
    ),
    "emptiest": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            below=0.65,
            scale=MEAN,
            told="least share of the rows in a twentieth of the values, as a multiple of last night's,",
        ),
    ),
    "emptiest_end": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            below=0.65,
            scale=MEAN,
            told="least share of the rows at either end of the values, as a multiple of last night's,",
        ),
    ),
    "fullest": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            above=0.6,
            scale=FACTOR,
            told="greatest share of the rows in a twentieth of the values, as a multiple of last night's,",
        ),
    ),
    "met_most": (
        Rule(
            check="population_unlike",
            moves=True,
            below=0.5,
            scale=SHARE,
            told="overlap of the entities with those of the last nights",
        ),
    ),
    "few_changed": (
        Rule(
            check="changed", since=True, above=0.45, widths=2.0, least_nights=18, of_zeros=False, told=CHANGED
        ),
    ),
    "few_central": (
        Rule(
            check="level",
            moves=True,
            above=0.1,
            below=0.1,
            widths=1.0,
            unit="usual",
            inside=True,
            lies=True,
            told="median of the few values",
        ),
    ),
    "few_magnitude": (
        Rule(
            check="magnitude",
            moves=True,
            above=1.5,
            below=2.5,
            scale=FACTOR,
            inside=True,
            lies=True,
            told="middle size of the few values",
        ),
    ),
    "few_short_share": (
        Rule(
            check="precision",
            moves=True,
            above=6.0,
            below=6.0,
            scale=SHARE,
            told="share of the few values of two decimals",
        ),
    ),
    "empty": (Rule(check="missing", above=1.5, scale=SHARE, told=EMPTY),),
    "by_others": (BY_OTHERS,),
    "jump": (
        Rule(
            check="jump",
            above=0.8,
            widths=0.1,
            scale=MEAN,
            inside=True,
            moves=True,
            told="distance of the first values from the last ones of the day before, in usual steps,",
        ),
    ),
    "turned": (
        Rule(
            check="jump",
            above=0.3,
            widths=0.0,
            told="how far the first values are turned from the last ones of the day before, in half turns,",
        ),
    ),
    "seam": (
        Rule(
            check="jump",
            above=0.25,
            widths=0.25,
            scale=FACTOR,
            moves=True,
            told="distance of the first rows from the last ones of the day before, in logarithms of steps,",
        ),
    ),
    "decimals": (DECIMALS,),
    "other_decimals": (OTHER_DECIMALS,),
    "between": (BETWEEN,),
    "rise": (
        Rule(
            check="relation",
            above=0.4,
            below=0.4,
            widths=0.3,
            scale=FACTOR,
            steady=3.0,
            told="how far the second column rises with the first one",
        ),
    ),
    "from_line": (
        Rule(
            check="relation",
            above=0.7,
            below=0.7,
            widths=0.4,
            scale=FACTOR,
            steady=3.0,
            told="middle distance of the second column from its line with the first one",
        ),
    ),
    "rough": (
        Rule(
            check="order",
            above=0.75,
            below=1.0,
            widths=0.1,
            scale=FACTOR,
            inside=True,
            moves=True,
            told="mean distance from the values before and after, as a multiple of the usual one,",
        ),
    ),
    "late": (
        Rule(
            check="late",
            above=4.0,
            widths=0.0,
            scale=SHARE,
            told="share of the first values that are the last ones of the day before",
        ),
    ),
    "same_day": (
        Rule(check="outdated", above=3.0, scale=SHARE, told="share of values that are those of a day before"),
    ),
    "least_size": (
        Rule(
            check="units",
            above=1.2,
            widths=0.3,
            scale=FACTOR,
            told="least size of a value but 0",
        ),
    ),
    "whole": (
        Rule(
            check="volume",
            below=1.6,
            widths=0.2,
            scale=SHARE,
            told="share of the keys and instants that have a row",
        ),
    ),
    "same_key": (
        Rule(
            check="copies",
            above=2.5,
            widths=0.2,
            scale=SHARE,
            moves=True,
            told="share of values that two keys have in common at the same instant,",
        ),
    ),
    "followed": (
        Rule(
            check="keys_exchanged",
            below=0.15,
            widths=0.2,
            told="share of rows that are most like the former row of their own key",
        ),
    ),
    "exchanged": (
        Rule(
            check="keys_exchanged",
            above=6.5,
            widths=0.0,
            told="by how much the rows fit other keys better than their own, in logarithms of odds",
        ),
    ),
    "various": (
        Rule(check="repeated", below=1.0, scale=SHARE, moves=True, told="different values as a share of all"),
    ),
    "alike": (
        Rule(check="copies", above=2.0, scale=SHARE, told="share of rows that are the same as another row"),
    ),
    "familiar": (FAMILIAR, STRANGE),
    "beyond": (
        Rule(
            check="range",
            above=1.5,
            widths=1.0,
            moves=True,
            told="distance from the range of the days before, in its widths,",
        ),
    ),
    "not_below": (
        Rule(
            check="swapped",
            above=4.0,
            below=4.0,
            scale=SHARE,
            told="share of rows where the first is not below the second",
        ),
    ),
    "equal": (
        Rule(
            check="copies",
            above=4.5,
            widths=0.3,
            scale=SHARE,
            told="share of rows where the first is the same as the second",
        ),
    ),
    "stuck": (
        Rule(
            check="frozen",
            above=1.0,
            widths=0.2,
            scale=SHARE,
            moves=True,
            told=STUCK,
        ),
    ),
    "longest": (
        Rule(
            check="frozen", above=2.5, widths=1.0, moves=True, told="rows in turn in which no value changes"
        ),
    ),
    "smooth": (
        Rule(
            check="order",
            below=0.55,
            widths=0.1,
            scale=CORRELATION,
            moves=True,
            told="rank correlation with the value before",
        ),
    ),
}
"""Reading -> what it must keep. `few_`: of a column of few different values, such as the weather of three
airports: its values count, not the rows that share them."""
SLICES: Mapping[str, tuple[Rule, ...]] = {
    "familiar": (FAMILIAR, STRANGE),
    "by_others": (replace(BY_OTHERS, above=1.15),),
    "decimals": (replace(DECIMALS, below=3.5),),
    "other_decimals": (replace(OTHER_DECIMALS, above=0.9, widths=0.3),),
    "between": (replace(BETWEEN, above=2.6),),
    "stuck": (Rule(check="frozen", above=2.5, widths=0.2, scale=SHARE, moves=True, told=STUCK),),
    "empty": (Rule(check="missing", above=2.4, widths=0.2, scale=SHARE, told=EMPTY),),
    "beside_keys": (
        Rule(
            check="by_others",
            above=0.6,
            widths=0.2,
            scale=FACTOR,
            moves=True,
            told="mean distance from the other keys at the same instant, as a multiple of the usual one,",
        ),
    ),
    "same_factor": (Rule(check="units", moved=True, above=0.8, told=FACTORED),),
    "same_offset": (Rule(check="offset", moved=True, above=0.9, told=OFFSET),),
    "still": (Rule(check="frozen", above=1.6, scale=SHARE, told=STILL),),
    "few_still": (Rule(check="frozen", above=0.5, least_nights=14, told=STILL),),
    "lost": (
        Rule(check="missing", above=1.5, scale=MEAN, told="values a row that are missing since last night,"),
    ),
}
"""Slices are many and small. Only what cannot be chance counts."""
MOVED = frozenset(
    name for rules in (RULES, SLICES) for name, of in rules.items() if any(rule.moved for rule in of)
)
"""Readings that say how values moved since last night."""
ROWS = Rule(check="volume", above=0.18, below=0.2, scale=FACTOR, told="rows")
MARGIN_OF_SLICE = 0.45
ROWS_OF_SLICE = Rule(
    check="slice_volume",
    above=MARGIN_OF_SLICE,
    below=MARGIN_OF_SLICE,
    widths=1.0,
    scale=FACTOR,
    told="rows",
)


def passed(
    rule: Rule, value: float, low: float, high: float, *, unit: float = 1.0, wider: float = 1.0
) -> float | None:
    """Return the limit that a reading passed; None if it keeps the rule.

    low, high: the interval of the comparable nights. unit: of the rule's fixed parts. wider: how many times
    as wide the margin is.
    """
    if rule.scale.positive and min(value, low) <= NOTHING * high:
        return None
    at, least, most = (rule.scale.to(each) for each in (value, low, high))
    spread = min(rule.widths * (most - least), rule.widest)
    if rule.above is not None and at > (limit := most + wider * (spread + rule.above * unit)):
        return rule.scale.back(limit)
    if rule.below is not None and at < (limit := least - wider * (spread + rule.below * unit)):
        return rule.scale.back(limit)
    return None
