"""How far each reading of a night may lie outside those of its comparable nights.

A reading may lie outside their interval by a margin: a share of the width of the interval, and a fixed part.
Both are measured on the scale on which the reading moves evenly. A share near 0 or 1 moves little, and so
does a correlation near 1. The fixed parts were chosen on the nights of January to June of the recorded year
alone; docs/audit-measured.md says what they gave on July to December.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import atanh, exp, inf, log, tanh
from typing import Literal

Unit = Literal["one", "width", "usual", "rows"]


@dataclass(frozen=True, slots=True)
class Scale:
    """A scale on which margins are measured, and the way back.

    positive: only numbers above 0 are on it. bounded: it begins at 0 and ends at 1.
    """

    to: Callable[[float], float]
    back: Callable[[float], float]
    positive: bool = False
    bounded: bool = False


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
PART = replace(PLAIN, bounded=True)
FACTOR = Scale(log, exp, positive=True)
MEAN = Scale(lambda value: log(value + TENTH), lambda value: exp(value) - TENTH)
SHARE = Scale(_odds, _of_odds)
CORRELATION = Scale(lambda value: atanh(ALMOST * value), lambda value: tanh(value) / ALMOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a reading must keep.

    check: the name of its finding. told: what the reading measures, in words. above, below: the fixed part of
    the margin on this side; None: this side says nothing. if_above, if_below: what is wrong there, in a plain
    sentence; {it} stands for the column and its slice, and {of} for "of it".
    widths: the share of the interval's width that is added to the margin, at most `widest`.
    scale: where both are measured. unit: of the fixed part. "width": the distance from the 5% to the 95%
    quantile of the column. "usual": the usual value. "rows": as "one", but that of a few rows of the night at
    least.
    A reading says nothing if it is usually below `least_usual`, if fewer than `least_nights` nights have it,
    (inside) if it is usually at an end of its interval, or (unless of_zeros) of a column that is often 0.
    steady: a reading says nothing if its interval reaches to more than so many times its least number.
    moves: True if it moves for weeks on end, so that few nights do not show how far.
    since: True if it compares with the last published night: the longer ago that is, the further it moves.
    lies: True if it says where the values of a column lie. If they carry days without a published night, they
    may lie further away.
    moved: True if it says how values moved since last night. What a gap explains is told, and holds nothing.
    timeless: True if no holiday moves it: it says in what form values are, and what belongs to what.
    least_limit: a limit above the usual numbers is at least this, on the scale.
    doubt: True if the world does this now and then, as where a campaign ends: it is told, and holds nothing.
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
    timeless: bool = False
    least_limit: float = -inf
    doubt: bool = False
    told: str
    if_above: str = ""
    if_below: str = ""

    @property
    def of_share(self) -> bool:
        """True if it measures a share, which people are told in percent."""
        return self.told.startswith("share of ")


def _share(
    check: str, told: str, things: str, *, lies: bool = False, timeless: bool = False
) -> tuple[Rule, Rule]:
    """A share of values: as a difference, and as odds. So a share of 0 or 1 may hardly change.

    things: which values these are.
    """
    more, fewer = f"{{it}} has more {things} than usual", f"{{it}} has fewer {things} than usual"
    odds = Rule(
        check=check,
        above=3.0,
        below=3.0,
        scale=SHARE,
        lies=lies,
        timeless=timeless,
        told=told,
        if_above=more,
        if_below=fewer,
    )
    return replace(odds, above=0.25, below=0.25, scale=PART), odds


def _level(told: str, least: float, which: str, check: str = "level", *, since: bool = False) -> tuple[Rule]:
    """A number on the scale of its column: as a part of the width of the column's values.

    which: the part of the column that it is about, as a subject and its verb.
    """
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
            if_above=f"{which} higher than usual",
            if_below=f"{which} lower than usual",
        ),
    )


STILL_ROWS = "share of the rows of whose key no feature changed"

CHANGED = Rule(
    check="changed",
    since=True,
    moved=True,
    above=0.5,
    scale=PART,
    told="share of entities whose value changed since last night",
    if_above="More values of {it} than usual changed since last night",
)
FACTORED = Rule(
    check="units",
    moved=True,
    above=0.6,
    scale=PART,
    timeless=True,
    told="share of entities whose value changed by the same factor",
    if_above="Many values of {it} changed by the same factor since last night",
)
OFFSET = Rule(
    check="offset",
    moved=True,
    above=0.6,
    scale=PART,
    timeless=True,
    told="share of entities whose value changed by the same amount",
    if_above="Many values of {it} changed by the same amount since last night",
)
PACE = Rule(
    check="pace",
    since=True,
    moved=True,
    moves=True,
    above=0.35,
    widest=1.2,
    scale=FACTOR,
    of_zeros=False,
    told="mean distance from the value of last night",
    if_above="{it} moved further than usual since last night",
)
REPEATED = Rule(
    check="repeated",
    above=0.25,
    scale=PART,
    told="share of rows that share one value",
    if_above="More rows than usual have the same value of {it}",
)
COPIES = Rule(
    check="copies",
    above=1.0,
    scale=SHARE,
    timeless=True,
    told="share of rows that are the same as another row",
    if_above="More rows{of} than usual are copies of another row",
)
FAMILIAR = Rule(
    check="units",
    below=4.6,
    widths=0.3,
    scale=SHARE,
    moves=True,
    told="share of values that the days before had too",
    if_below="{it} has values that the days before did not have",
)

STRANGE = Rule(
    check="units",
    below=1.7,
    widths=0.0,
    scale=MEAN,
    least_nights=14,
    least_usual=1.0,
    told=FAMILIAR.told,
    if_below=FAMILIAR.if_below,
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
    told="distance of most values from what the other columns let expect, in usual distances",
    if_above="{it} does not fit the other columns",
)
DECIMALS = Rule(
    check="decimals",
    below=2.4,
    scale=SHARE,
    moves=True,
    told="share of values whose decimals the days before had too",
    if_below="{it} has other decimals than the days before",
)
OTHER_DECIMALS = Rule(
    check="decimals",
    above=0.4,
    widths=0.25,
    scale=SHARE,
    moves=True,
    told="share of values that have other decimals than the days before",
    if_above="{it} has other decimals than the days before",
)
BETWEEN = Rule(
    check="filled",
    above=1.5,
    widths=0.1,
    scale=SHARE,
    moves=True,
    told="share of values that are the exact mean of the one before and the one after",
    if_above="More values of {it} than usual are the exact mean of the two beside them",
)
STUCK = Rule(
    check="frozen",
    above=1.0,
    widths=0.2,
    scale=SHARE,
    moves=True,
    told="share of values equal to the one before",
    if_above="{it} looks stuck: more values than usual equal the one before",
)
STILL = Rule(
    check="frozen",
    above=1.6,
    scale=SHARE,
    told="share of the keys of which no feature changed",
    if_above="{it} looks frozen: more rows than usual did not change since last night",
)
END = Rule(
    check="clipped",
    widths=0.5,
    unit="width",
    of_zeros=False,
    moves=True,
    lies=True,
    told="",
)
"""Of the few values at an end of a column."""
EMPTY = Rule(
    check="missing",
    above=1.5,
    scale=SHARE,
    told="share of rows without a value",
    if_above="More values of {it} than usual are missing",
)

ROTATED = Rule(
    check="order",
    above=3.0,
    widths=0.5,
    moves=True,
    timeless=True,
    told="how much more likely its values are if the day begins elsewhere, in logarithms of odds",
    if_above="The values of {it} follow each other as usual only if its day begins at another instant",
)
RULES: Mapping[str, tuple[Rule, ...]] = {
    "zero_share": _share("zeros", "share of zeros", "zeros", lies=True),
    "negative_share": _share("sign", "share of negative values", "negative values", timeless=True),
    "whole_values": _share(
        "precision",
        "share of whole numbers among the different values",
        "whole numbers",
        lies=True,
        timeless=True,
    ),
    "repeated_share": (REPEATED, replace(REPEATED, above=1.5, scale=SHARE)),
    "code_share": (replace(REPEATED, above=1.5, scale=SHARE, doubt=True),),
    "short_share": (
        Rule(
            check="precision",
            moves=True,
            above=2.0,
            below=3.0,
            scale=SHARE,
            timeless=True,
            told="share of values of two decimals",
            if_above="{it} has fewer decimals than usual",
            if_below="{it} has more decimals than usual",
        ),
    ),
    "digits": (
        Rule(
            check="precision",
            scale=SHARE,
            above=1.0,
            widths=0.0,
            least_limit=-2.8,  # 5%
            timeless=True,
            told="share of values that end in another digit than on the last nights",
            if_above="{it} ends in other digits than usual: it looks rounded",
        ),
    ),
    "top_share": (
        Rule(
            check="clipped",
            moves=True,
            above=1.2,
            scale=SHARE,
            told="share of values at the greatest one",
            if_above="{it} looks cut off at its greatest value",
        ),
    ),
    "bottom_share": (
        Rule(
            check="clipped",
            moves=True,
            above=1.1,
            scale=SHARE,
            told="share of values at the least one",
            if_above="{it} looks cut off at its least value",
        ),
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
            if_above="The values of {it} are larger than usual",
            if_below="The values of {it} are smaller than usual",
        ),
    ),
    "low": _level("5% quantile", 0.25, "The low values of {it} are"),
    "middle": _level("median", 0.25, "The middle of {it} is"),
    "high": _level("95% quantile", 0.5, "The high values of {it} are"),
    "lowest": (
        replace(
            END,
            check="range",
            below=0.5,
            widths=1.0,
            told="fifth least value",
            if_below="Some values of {it} are lower than usual",
        ),
    ),
    "highest": (
        replace(
            END,
            check="range",
            above=0.5,
            widths=1.0,
            told="fifth greatest value",
            if_above="Some values of {it} are higher than usual",
        ),
    ),
    "least": (
        replace(
            END,
            above=0.15,
            told="least value, beside the fifth least ones of other nights",
            if_above="The lowest values of {it} are missing",
        ),
    ),
    "greatest": (
        replace(
            END,
            below=0.15,
            told="greatest value, beside the fifth greatest ones of other nights",
            if_below="The highest values of {it} are missing",
        ),
    ),
    "step": _level(
        "median change since last night",
        0.35,
        "The change of {it} since last night is",
        check="step",
        since=True,
    ),
    "pace": (PACE,),
    "changed": (CHANGED, replace(CHANGED, above=2.2, scale=SHARE)),
    "category_changed": (
        Rule(
            check="changed",
            since=True,
            above=1.0,
            scale=SHARE,
            told="share of entities whose category changed since last night",
            if_above="More categories of {it} than usual changed since last night",
        ),
    ),
    "same_factor": (FACTORED,),
    "same_offset": (OFFSET,),
    "order": (
        Rule(
            check="order",
            since=True,
            below=0.8,
            scale=CORRELATION,
            of_zeros=False,
            told="rank correlation with the values of last night",
            if_below="{it} does not follow its own values of last night as usual",
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
            told="rank correlation with its own values of last night, less the one with another column's",
            if_below="{it} looks exchanged with another column",
        ),
    ),
    "together": (
        Rule(
            check="together",
            above=0.6,
            below=0.6,
            scale=CORRELATION,
            told="rank correlation of the two",
            if_above="{it} go together more than usual",
            if_below="{it} go together less than usual",
        ),
    ),
    "missing_share": (
        Rule(
            check="missing",
            below=1.5,
            scale=SHARE,
            told="share of missing values",
            if_below="Fewer values of {it} than usual are missing",
        ),
    ),
    "attribute": (
        Rule(
            check="attribute",
            scale=PART,
            below=0.006,
            unit="rows",
            timeless=True,
            told="share of rows whose value the last nights had for the same key",
            if_below="Rows have another {it} than on the last nights",
        ),
    ),
    "gone": (
        Rule(
            check="entities_missing",
            above=2.0,
            scale=SHARE,
            told="share of the entities of all of the last nights that are missing",
            if_above="Entities that all of the last nights had are missing",
        ),
    ),
    "few_pace": (replace(PACE, above=0.5, widest=inf, of_zeros=True),),
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
            if_above="A value of {it} jumped further than usual since last night",
        ),
    ),
    "nearer": (
        Rule(
            check="swapped",
            scale=PART,
            since=True,
            above=0.45,
            moves=True,
            of_zeros=False,
            told="share of keys whose value is nearer to that of another column last night",
            if_above="{it} looks exchanged with another column",
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
            told="distance from its former values, as a multiple of that from another column's",
            if_above="{it} looks exchanged with another column",
        ),
    ),
    "few_zero_share": (
        Rule(
            check="zeros",
            scale=PART,
            above=0.7,
            lies=True,
            told="share of zeros among the few values",
            if_above="{it} has more zeros than usual",
        ),
    ),
    "on_grid": (
        Rule(
            check="units",
            scale=PART,
            below=0.5,
            timeless=True,
            told="share of the values on the steps of the gauge",
            if_below="{it} has values between the steps of its gauge",
        ),
    ),
    "single_valued": (
        Rule(
            check="misjoined",
            below=0.02,
            timeless=True,
            told="keys as a share of the different rows of features",
            if_below="Some keys of {it} have more than one row of features",
        ),
    ),
    "distinct": (
        Rule(
            check="keys_alike",
            below=0.5,
            scale=SHARE,
            timeless=True,
            told="different rows of features as a share of the keys",
            if_below="More keys of {it} than usual have the same features as another key",
        ),
    ),
    "still": (
        Rule(
            check="frozen",
            above=1.0,
            scale=SHARE,
            told=STILL_ROWS,
            if_above="{it} looks frozen: more rows than usual did not change since last night",
        ),
    ),
    "absent": (
        Rule(
            check="missing",
            scale=PART,
            above=0.2,
            least_nights=14,
            timeless=True,
            told="share of the keys without any feature",
            if_above="More keys of {it} than usual have no feature",
        ),
    ),
    "twins": (COPIES,),
    "emptiest": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            below=0.65,
            scale=MEAN,
            told="least share of the rows in a twentieth of the values, as a multiple of last night's",
            if_below="A range of the values of {it} has far fewer rows than last night",
        ),
    ),
    "emptiest_end": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            below=0.65,
            scale=MEAN,
            told="least share of the rows at either end of the values, as a multiple of last night's",
            if_below="One end of the values of {it} has far fewer rows than last night",
        ),
    ),
    "fullest": (
        Rule(
            check="gap",
            since=True,
            moves=True,
            above=0.6,
            scale=FACTOR,
            told="greatest share of the rows in a twentieth of the values, as a multiple of last night's",
            if_above="A range of the values of {it} has far more rows than last night",
        ),
    ),
    "met_most": (
        Rule(
            check="population_unlike",
            moves=True,
            below=0.5,
            scale=SHARE,
            told="share of entities in common with the most similar one of the last nights",
            if_below="The entities differ more than usual from those of each of the last nights",
        ),
    ),
    "few_changed": (replace(CHANGED, moved=False, above=0.45, widths=2.0, least_nights=18, of_zeros=False),),
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
            if_above="{it} is higher than usual",
            if_below="{it} is lower than usual",
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
            if_above="The values of {it} are larger than usual",
            if_below="The values of {it} are smaller than usual",
        ),
    ),
    "few_short_share": (
        Rule(
            check="precision",
            moves=True,
            above=6.0,
            below=6.0,
            scale=SHARE,
            timeless=True,
            told="share of the few values of two decimals",
            if_above="{it} has fewer decimals than usual",
            if_below="{it} has more decimals than usual",
        ),
    ),
    "empty": (EMPTY,),
    "by_others": (BY_OTHERS,),
    "jump": (
        Rule(
            check="jump",
            above=0.8,
            widths=0.1,
            scale=MEAN,
            inside=True,
            moves=True,
            told="distance of the first values from the last ones of the day before, in usual steps",
            if_above="{it} does not go on where the day before ended",
        ),
    ),
    "turned": (
        Rule(
            check="jump",
            above=0.3,
            widths=0.0,
            told="how far the first values are turned from the last ones of the day before, in half turns",
            if_above="{it} is turned against the end of the day before",
        ),
    ),
    "one_way": (
        Rule(
            check="one_way",
            above=1.2,
            widths=0.6,
            least_limit=3.0,  # less is chance
            moves=True,
            told="more rises than falls, or falls than rises, from value to value, in standard deviations",
            if_above="{it} goes one way only: its values hardly ever turn back",
        ),
    ),
    "silent": (
        Rule(
            check="silent",
            above=2.5,
            widths=0.0,
            told="most instants in turn at which a key has no row",
            if_above="Rows of {it} are missing for several instants in turn",
        ),
    ),
    "anew": (
        Rule(
            check="repeated",
            scale=PART,
            above=0.2,
            widths=0.0,
            moves=True,
            told="share of rows by which a value has more than on any day before",
            if_above="{it} has one value in many rows, which few rows of a day before had",
        ),
    ),
    "seam": (
        Rule(
            check="jump",
            above=0.25,
            widths=0.25,
            scale=FACTOR,
            moves=True,
            told="distance of the first rows from the last ones of the day before, in logarithms of steps",
            if_above="{it} does not go on where the day before ended",
        ),
    ),
    "rotated": (ROTATED,),
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
            if_above="{it} do not rise together as usual",
            if_below="{it} do not rise together as usual",
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
            if_above="{it} fit each other less than usual",
            if_below="{it} fit each other better than usual",
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
            told="mean distance from the values before and after, in usual distances",
            if_above="{it} jumps more from value to value than usual",
            if_below="{it} is smoother than usual",
        ),
    ),
    "late": (
        Rule(
            check="late",
            above=4.0,
            widths=0.0,
            scale=SHARE,
            told="share of the first values that are the last ones of the day before",
            if_above="{it} begins with the last values of the day before",
        ),
    ),
    "same_day": (
        Rule(
            check="outdated",
            above=3.0,
            scale=SHARE,
            told="share of values that are those of a day before",
            if_above="{it} has values of an earlier day",
        ),
    ),
    "least_size": (
        Rule(
            check="units",
            above=1.2,
            widths=0.3,
            scale=FACTOR,
            told="least size of a value but 0",
            if_above="{it} lacks its usual small values",
        ),
    ),
    "whole": (
        Rule(
            check="volume",
            below=1.6,
            widths=0.2,
            scale=SHARE,
            told="share of the keys and instants that have a row",
            if_below="Rows of {it} are missing: keys or times without one",
        ),
    ),
    "same_key": (
        Rule(
            check="copies",
            above=2.5,
            widths=0.2,
            scale=SHARE,
            moves=True,
            told="share of values that two keys have in common at the same instant",
            if_above="More values of {it} than usual are the same for two keys",
        ),
    ),
    "followed": (
        Rule(
            check="keys_exchanged",
            scale=PART,
            below=0.15,
            widths=0.2,
            moves=True,
            told="share of rows that are most like the former row of their own key",
            if_below="Rows of {it} look exchanged between keys",
        ),
    ),
    "exchanged": (
        Rule(
            check="keys_exchanged",
            above=6.5,
            widths=0.0,
            told="by how much the rows fit other keys better than their own, in logarithms of odds",
            if_above="Rows of {it} fit other keys better than their own",
        ),
    ),
    "various": (
        Rule(
            check="repeated",
            below=1.0,
            scale=SHARE,
            moves=True,
            told="share of different values among all",
            if_below="{it} has fewer different values than usual",
        ),
    ),
    "alike": (replace(COPIES, above=2.0),),
    "familiar": (FAMILIAR, STRANGE),
    "off_steps": (
        Rule(
            check="units",
            above=0.1,
            widths=0.0,
            scale=PART,
            timeless=True,
            told="share of values that are no multiples of the usual step",
            if_above="{it} has values between the usual steps: it looks like another unit",
        ),
    ),
    "beyond": (
        Rule(
            check="range",
            above=1.5,
            widths=1.0,
            moves=True,
            told="distance from the range of the days before, in its widths",
            if_above="{it} lies outside the range of the days before",
        ),
    ),
    "not_below": (
        Rule(
            check="swapped",
            above=4.0,
            below=4.0,
            scale=SHARE,
            told="share of rows where the first is not below the second",
            if_above="{it}: the first is below the second in fewer rows than usual",
            if_below="{it}: the first is below the second in more rows than usual",
        ),
    ),
    "equal": (
        Rule(
            check="copies",
            above=4.5,
            widths=0.3,
            scale=SHARE,
            told="share of rows where the first is the same as the second",
            if_above="{it} are the same in more rows than usual",
        ),
    ),
    "stuck": (STUCK,),
    "longest": (
        Rule(
            check="frozen",
            above=2.5,
            widths=1.0,
            moves=True,
            told="rows in turn in which no value changes",
            if_above="{it} looks stuck: no value changes for many rows in turn",
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
            if_below="{it} follows the value before less than usual",
        ),
    ),
}
"""Reading -> what it must keep. `few_`: of a column of few different values, such as the weather of three
airports: its values count, not the rows that share them."""
SLICES: Mapping[str, tuple[Rule, ...]] = {
    "familiar": (FAMILIAR, STRANGE),
    "rotated": (replace(ROTATED, above=15.0),),
    "by_others": (replace(BY_OTHERS, above=1.15),),
    "decimals": (replace(DECIMALS, below=3.5),),
    "other_decimals": (replace(OTHER_DECIMALS, above=0.9, widths=0.3),),
    "between": (replace(BETWEEN, above=2.6),),
    "stuck": (replace(STUCK, above=2.5),),
    "empty": (replace(EMPTY, above=2.4, widths=0.2),),
    "beside_keys": (
        Rule(
            check="by_others",
            above=0.6,
            widths=0.2,
            scale=FACTOR,
            moves=True,
            told="mean distance from the other keys at the same instant, in usual distances",
            if_above="{it} does not fit the other keys at the same time",
        ),
    ),
    "same_factor": (replace(FACTORED, above=0.8),),
    "same_offset": (replace(OFFSET, above=0.9),),
    "still": (STILL,),
    "few_still": (replace(STILL, above=0.5, scale=PART, least_nights=14),),
    "lost": (
        Rule(
            check="missing",
            above=1.5,
            scale=MEAN,
            told="values a row that are missing since last night",
            if_above="More values of {it} than usual are missing since last night",
        ),
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
    if rule.above is not None:
        limit = max(_limit(rule, most, spread + rule.above * unit, wider), rule.least_limit)
        if at > limit:
            return rule.scale.back(limit)
    if rule.below is not None and at < (limit := _limit(rule, least, -spread - rule.below * unit, wider)):
        return rule.scale.back(limit)
    return None


def _limit(rule: Rule, end: float, margin: float, wider: float) -> float:
    """How far a reading may lie. end: of the interval of the comparable nights.

    Nothing lies beyond the ends of a bounded scale. So a wider margin takes at most half of the room that the
    usual one leaves.
    """
    usual, limit = end + margin, end + wider * margin
    if not (rule.scale.bounded and 0 < usual < 1):
        return limit
    return min(limit, (usual + 1) / 2) if margin > 0 else max(limit, usual / 2)
