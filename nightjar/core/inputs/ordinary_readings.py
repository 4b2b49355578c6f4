"""Which readings of a night lie outside what comparable nights show to be ordinary.

A reading may lie outside the interval of the comparable nights by a margin: a share of the width of the
interval, and a fixed part. The fixed parts were chosen on the nights of January to June of the recorded year
alone; docs/audit.md says what they gave on July to December. In a holiday period a margin is HOLIDAY times as
wide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

import polars as pl

from nightjar.core.comparison.comparable import HOLIDAY
from nightjar.core.inputs.findings import Finding

LEAST_NIGHTS = 8
"""Fewer comparable nights do not say how far a reading usually moves."""
LEAST_ALIKE = 3
"""Rows are held to nights of the same weekday if there are so many of them, and else to the nights before."""
RATE = 0.043
"""At most this share of ordinary nights reaches any of these limits.

8 of 184 nights were stopped before the last limits were widened and holidays were named (docs/audit.md).
"""
MOSTLY_ZERO = 0.05
"""The quantiles of a column with more zeros jump when an event comes into a window. They say nothing."""
SMALL = 0.03
"""A column that changes for fewer entities than this share may be unchanged by chance."""
FEW_ROWS = 20
"""A slice that usually has fewer rows may be missing by chance."""
KNOWN_FACTORS = {
    1.609344: "kilometres for miles",
    0.621371: "miles for kilometres",
    60.0: "seconds for minutes, or minutes for hours",
    1 / 60: "minutes for seconds, or hours for minutes",
    100.0: "percent for shares, or cents for units",
    0.01: "shares for percent, or units for cents",
    1000.0: "thousandths for units",
    0.001: "units for thousandths",
    3600.0: "seconds for hours",
    24.0: "hours for days",
    0.453592: "kilograms for pounds",
    2.204623: "pounds for kilograms",
    0.3048: "metres for feet",
    3.28084: "feet for metres",
    -1.0: "the sign is the opposite",
}
NEAR = 0.01

Unit = Literal["share", "log", "width"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a reading must keep.

    check: the name of its finding. above, below: the fixed part of the margin on this side; None: this side
    says nothing. widths: the share of the interval's width that is added to it. unit: of the fixed part. A
    share is as the reading is. "log": a quotient, e to the power of it. "width": the distance from the 5% to
    the 95% quantile of the column. told: what is wrong, in words.
    """

    check: str
    above: float | None = None
    below: float | None = None
    widths: float = 0.5
    unit: Unit = "share"
    told: str


RULES: Mapping[str, Rule] = {
    "zero_share": Rule(check="zeros", above=0.25, below=0.25, told="share of zeros"),
    "negative_share": Rule(check="sign", above=0.25, below=0.25, told="share of negative values"),
    "whole_share": Rule(check="precision", above=0.25, below=0.25, told="share of whole numbers"),
    "repeated_share": Rule(check="repeated", above=0.25, told="share of rows that share one value"),
    "low": Rule(check="level", above=0.25, below=0.25, widths=1.0, unit="width", told="5% quantile"),
    "middle": Rule(check="level", above=0.25, below=0.25, widths=1.0, unit="width", told="median"),
    "high": Rule(check="level", above=0.5, below=0.5, widths=1.0, unit="width", told="95% quantile"),
    "step": Rule(
        check="step", above=0.35, below=0.35, widths=1.0, unit="width", told="median change since last night"
    ),
    "changed": Rule(
        check="changed", above=0.5, told="share of entities whose value changed since last night"
    ),
    "same_factor": Rule(
        check="units", above=0.6, told="share of entities whose value changed by the same factor"
    ),
    "same_offset": Rule(
        check="offset", above=0.6, told="share of entities whose value changed by the same amount"
    ),
    "order": Rule(check="order", below=0.35, told="rank correlation with the values of last night"),
    "together": Rule(check="together", above=0.55, below=0.55, told="rank correlation of the two"),
    "met_most": Rule(
        check="population_unlike", below=0.35, told="overlap of the entities with those of the last nights"
    ),
}
SLICES: Mapping[str, Rule] = {
    "same_factor": Rule(
        check="units", above=0.85, told="share of entities whose value changed by the same factor"
    ),
    "same_offset": Rule(
        check="offset", above=0.92, told="share of entities whose value changed by the same amount"
    ),
}
"""Slices are many and small. Only what cannot be chance counts."""
FROZEN = 5.0
"""A column is frozen if fewer entities changed than this part of what is usual."""
ROWS = Rule(check="volume", above=0.25, below=0.3, widths=0.5, unit="log", told="rows")
ROWS_OF_SLICE = Rule(check="slice_volume", above=0.5, below=0.5, widths=0.5, unit="log", told="rows")
REFLECTED = -0.4
"""Scores that follow the inputs this much in the opposite direction are not explained by them.

On ordinary nights of the recorded year the correlation is 0.86 in the middle and at least -0.25.
"""
SAME_AS_LAST = 0.995
"""A population with this share of the entities of the night before is that night's, if nights differ more."""
USUALLY_DIFFERS = 0.985


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of the night beside those of its comparable nights: least, middle, greatest."""

    name: str
    column: str
    slice: str
    value: float
    low: float
    usual: float
    high: float


def unusual(
    tonight: pl.DataFrame,
    near: Sequence[pl.DataFrame],
    alike: Sequence[pl.DataFrame] = (),
    *,
    holiday: bool = False,
) -> tuple[Finding, ...]:
    """Return the findings on a night's readings.

    tonight: its readings. near, alike: the readings of its comparable nights, and of those of them that have
    its weekday.
    """
    if len(near) < LEAST_NIGHTS:
        return ()
    every = beside(tonight, near)
    for_rows = alike if len(alike) >= LEAST_ALIKE else near
    counted = beside(tonight.filter(pl.col("name") == "rows"), for_rows, least=LEAST_ALIKE)
    low, high, zeros = (
        {each.column: each.usual for each in every if each.name == name}
        for name in ("low", "high", "zero_share")
    )
    widths = {column: high[column] - low[column] for column in high.keys() & low.keys()}
    wider = HOLIDAY if holiday else 1.0
    found = [
        *(finding for each in counted for finding in _volume(each, wider)),
        *_missing_slices(tonight, for_rows),
        *(finding for each in every for finding in _beyond(each, widths, zeros, wider)),
        *(finding for each in every for finding in _frozen(each)),
        *(finding for each in every for finding in _population(each)),
        *(finding for each in every for finding in _unexplained(each)),
    ]
    factors = {(each.column, each.slice): each.value for each in every if each.name == "factor"}
    return tuple(_guessed(finding, factors) for finding in found)


def beside(tonight: pl.DataFrame, nights: Sequence[pl.DataFrame], least: int = LEAST_NIGHTS) -> list[Reading]:
    """Put each reading beside those of the nights that have it; readings of too few nights are left out."""
    if not nights:
        return []
    key = ["name", "column", "slice"]
    past = (
        pl.concat(nights)
        .group_by(key)
        .agg(
            pl.len().alias("nights"),
            low=pl.col("value").min(),
            usual=pl.col("value").median(),
            high=pl.col("value").max(),
        )
        .filter(pl.col("nights") >= min(least, len(nights)))
        .drop("nights")
    )
    joined = tonight.join(past, on=key).sort(key)
    return [Reading(**row) for row in joined.iter_rows(named=True)]


def _beyond(
    reading: Reading, widths: Mapping[str, float], zeros: Mapping[str, float], wider: float
) -> Iterator[Finding]:
    rule = (SLICES if reading.slice else RULES).get(reading.name)
    if rule is None or reading.column == "score":
        return
    unit = 1.0
    if rule.unit == "width":
        unit = widths.get(reading.column, 0.0)
        if unit <= 0 or zeros.get(reading.column, 0.0) > MOSTLY_ZERO:
            return
    spread = rule.widths * (reading.high - reading.low)
    if rule.above is not None and reading.value > (
        most := reading.high + wider * (spread + rule.above * unit)
    ):
        yield _told(rule, reading, most)
    if rule.below is not None and reading.value < (
        least := reading.low - wider * (spread + rule.below * unit)
    ):
        yield _told(rule, reading, least)


def _volume(reading: Reading, wider: float) -> Iterator[Finding]:
    """Rows of the night or of a slice, as quotients."""
    rule = ROWS_OF_SLICE if reading.slice else ROWS
    if reading.slice and reading.usual < FEW_ROWS:
        return
    factor = max(reading.high, 1) / max(reading.low, 1)
    most = reading.high * factor ** (rule.widths * wider) * exp(wider * (rule.above or 0))
    least = reading.low / factor ** (rule.widths * wider) * exp(-wider * (rule.below or 0))
    if reading.value > most:
        yield _told(rule, reading, most)
    if reading.value < least:
        yield _told(rule, reading, least)


def _missing_slices(tonight: pl.DataFrame, nights: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Slices that every comparable night has with some rows, and this night has not."""
    rows = pl.concat([night.filter(pl.col("name") == "rows") for night in nights] or [tonight.clear()])
    usual = rows.group_by("slice").agg(
        least=pl.col("value").min(), usual=pl.col("value").median(), nights=pl.len()
    )
    gone = usual.filter(
        (pl.col("nights") == len(nights)) & (pl.col("least") >= FEW_ROWS / 2) & (pl.col("usual") >= FEW_ROWS)
    ).join(tonight.filter(pl.col("name") == "rows"), on="slice", how="anti")
    for row in gone.sort("slice").iter_rows(named=True):
        yield Finding(
            name="slice_missing",
            slice=row["slice"],
            number=0,
            expected=row["usual"],
            limit=1,
            rate=RATE,
            sentence=f"{row['slice']} has no row; {row['usual']:.0f} are usual",
        )


def _frozen(reading: Reading) -> Iterator[Finding]:
    """Values that usually change and did not."""
    if reading.name not in ("changed", "table_changed") or reading.slice or reading.column == "score":
        return
    limit = reading.low / FROZEN
    if reading.low >= SMALL and reading.value < limit:
        yield Finding(
            name="frozen",
            column=reading.column,
            number=reading.value,
            expected=reading.usual,
            limit=limit,
            rate=RATE,
            sentence=(
                f"{reading.column} looks frozen: {reading.value:.1%} of its values changed since last night, "
                f"{reading.usual:.1%} are usual, {limit:.1%} is the least allowed"
            ),
        )


def _population(reading: Reading) -> Iterator[Finding]:
    """The very entities of an earlier night, where nights usually differ."""
    limits = {"met_last": (SAME_AS_LAST, USUALLY_DIFFERS), "met_most": (1.0, 1.0)}
    if reading.name not in limits:
        return
    limit, usual = limits[reading.name]
    if reading.high < usual and reading.value >= limit:
        which = "the night before" if reading.name == "met_last" else "one of the last nights"
        yield Finding(
            name="population_repeated",
            number=reading.value,
            expected=reading.usual,
            limit=limit,
            rate=RATE,
            sentence=(
                f"the population is that of {which}: {reading.value:.1%} of the entities are the same, "
                f"{reading.usual:.1%} are usual, less than {limit:.1%} is allowed"
            ),
        )


def _unexplained(reading: Reading) -> Iterator[Finding]:
    if reading.name == "explained" and reading.value < REFLECTED <= reading.low:
        yield Finding(
            name="scores_unexplained",
            column=reading.column,
            number=reading.value,
            expected=reading.usual,
            limit=REFLECTED,
            rate=RATE,
            sentence=(
                f"the scores run against the inputs: their rank correlation with what earlier nights let "
                f"expect is {reading.value:.2f}, {reading.usual:.2f} is usual, {REFLECTED} is the limit"
            ),
        )


def _told(rule: Rule, reading: Reading, limit: float) -> Finding:
    what = " of ".join(filter(None, (rule.told, reading.column)))
    where = f" in {reading.slice}" if reading.slice else ""
    return Finding(
        name=rule.check,
        column=reading.column,
        slice=reading.slice,
        number=reading.value,
        expected=reading.usual,
        limit=limit,
        rate=RATE,
        sentence=(
            f"{what}{where}: {reading.value:.4g}; comparable nights have {reading.low:.4g} to "
            f"{reading.high:.4g}, usually {reading.usual:.4g}; the limit is {limit:.4g}"
        ),
    )


def _guessed(finding: Finding, factors: Mapping[tuple[str, str], float]) -> Finding:
    """Add the likely cause of a change by one factor."""
    factor = factors.get((finding.column, finding.slice))
    if factor is None or finding.name not in ("units", "step", "level", "changed"):
        return finding
    causes = [cause for known, cause in KNOWN_FACTORS.items() if abs(factor / known - 1) < NEAR]
    told = f" It looks like {causes[0]}: factor {factor:.4g}." if causes else ""
    return finding.model_copy(update={"sentence": f"{finding.sentence}.{told}" if told else finding.sentence})
