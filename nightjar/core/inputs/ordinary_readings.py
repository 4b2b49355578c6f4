"""Which readings of a night lie outside what comparable nights show to be ordinary (`rules`).

In a holiday period a margin is HOLIDAY times as wide, and two slices together say nothing. What lies beyond
the usual margin and within the wider one is told, and holds nothing, but for numbers of rows: these may well
be others then. A feed that knows no holidays is held to its usual margins, and so is what is `timeless`.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from math import hypot, inf, sqrt

import polars as pl

from nightjar.core.comparison.comparable import HOLIDAY
from nightjar.core.comparison.entities import SCORE
from nightjar.core.inputs.factors import likely
from nightjar.core.inputs.findings import BOTH, Finding
from nightjar.core.inputs.readings import (
    COUNTED,
    CROSSED,
    KEY,
    MOST_ROWS,
    READING,
    rows_read,
    same_by_chance,
)
from nightjar.core.inputs.rules import MARGIN_OF_SLICE, ROWS, ROWS_OF_SLICE, RULES, SLICES, Rule, passed
from nightjar.core.inputs.shapes import ONLY
from nightjar.core.wording import missing, number, percent, too_many, two_lines

LEAST_NIGHTS = 8
"""Fewer comparable nights do not say how far a reading usually moves."""
LEAST_ALIKE = 3
"""Fewer nights of the same weekday say nothing."""
ENOUGH_ALIKE = 5
"""Rows are held to nights of the same weekday if there are so many of them, and else to the nights before."""
RATE = 0.05
"""At most this share of ordinary nights reaches any of these limits.

Of 365 nights of the recorded year three do by their own readings, and 12 by those of the weather's files, of
which three have a real fault (docs/adr/0114). One night does by both, so it is 11 of 362 without a fault:
3.0%, and below 5.1% at 95% confidence. Rules were narrowed after July to December were looked at.
"""
SOME_NIGHTS, FULL_NIGHTS, SCARCE = 14, 20, 1.2
"""Fewer comparable nights than the first say nothing of a reading that moves for weeks on end.

The second show how far it moves; with 14, a margin is half as wide again. A night that is held adds no
history: limits of a calm week would hold all nights of a storm.
"""
MOSTLY_ZERO = 0.05
"""The quantiles of a column with more zeros jump when an event comes into a window. They say nothing."""
SMALL = 0.03
"""A column that changes for fewer entities than this share may be unchanged by chance."""
CHANCE = 2.5
"""Standard deviations of the rows of a slice that are allowed by chance."""
SLIPS = 2.5
"""So few rows with another value are no fault, however small a night is: a shop moves to another city."""
FEW_ROWS = 20
"""A slice that usually has fewer rows may be missing by chance."""
GROWN = 2 * FEW_ROWS
"""A slice that usually has fewer than FEW_ROWS rows may have up to so many.

On January to June a small one of two slices together had twice its rows at most: a carrier that comes to an
airport. So these say nothing.
"""
LEAST_VALUES = 4
"""A column with fewer values on the last nights goes by something else than the weekday."""
IN_HOLIDAYS = "beyond the limit of an ordinary night, and within that of a holiday period"
ONCE_A_MONTH = frozenset({"volume", "slice_volume", "population_unlike", "changed", "order", "swapped"})
"""Beside what says how values moved: checks of what a table or a file of a month shows on its first night."""
IN_MONTHS = "as on the same day of a month before"
OF_OTHERS = ("low", "high", "zero_share", "few_central", "factor")
"""What says something of other readings counts wherever it lies."""

STILL, MIDDLE = "still", "few_central"
OF_SEVERAL = frozenset({"few_short_share", "few_zero_share", "few_pace", "nearer", "crossed"})
"""What says nothing of a column with one value a night: a price has fewer decimals now and then, and the days
until a holiday begin anew after it. Its level is looked at."""
OF_CODES, STEADY = "code_changed", 2.0
"""Codes that belong to a few groups of keys, as departures of an airport, change for all keys of a group at
once. Of some nights then more than so many times as many keys change as on others, and none may by chance."""
CHANGES = {
    "changed": SMALL,
    "some_changed": SMALL,
    "table_changed": SMALL,
    "few_changed": 0.6,
    OF_CODES: 0.1,
}
"""Shares of values that changed, and the least one that is usual. Of three values one may stay by chance."""
FROZEN = 5.0
"""A column is frozen if fewer entities changed than this part of what is usual."""
REFLECTED = -0.4
"""Scores that follow the inputs this much in the opposite direction are not explained by them.

On ordinary nights of the recorded year the correlation is 0.86 in the middle and at least -0.25.
"""
SAME_AS_LAST = 0.995
"""A population with this share of the entities of the night before is that night's, if nights differ more."""
USUALLY_DIFFERS = 0.985
USUALLY_NEW = 10
"""If nights usually have so many entities that no night of the last week had alone, one without any is a part
of an earlier night. On January to June the night with fewest has 3, and the middle one 49. A slice that
always had so many that only one of two nights has, and now a fifth as few, is that of the night before. There
it has two fifths as few at least.
"""
BESIDE_FIFTH = {"least": "lowest", "greatest": "highest"}
"""Readings of a night's last value that are put beside the fifth ones of other nights.

If it does not reach these, an end is missing where every comparable night has five values.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of the night beside those of its comparable nights.

    low, usual, high: least, middle and greatest of theirs. nights: how many of them have it.
    """

    name: str
    column: str
    slice: str
    value: float
    low: float
    usual: float
    high: float
    nights: int


@dataclass(frozen=True, slots=True)
class Margins:
    """How many times as wide as usual a margin is tonight.

    holiday: of every one but those of the feeds in `steady`. apart, unseen, steady: as in `unusual`.
    """

    holiday: float
    apart: int
    unseen: Mapping[str, int]
    steady: Collection[str]

    def wider(self, reading: Reading) -> float:
        return 1.0 if reading.column.rpartition(".")[0] in self.steady else self.holiday

    @property
    def usual(self) -> "Margins":
        """The same for a night that is in no holiday period."""
        return replace(self, holiday=1.0)

    def of(self, rule: Rule, reading: Reading) -> float:
        """Each day that is exchanged in a mean of days may move it as far again."""
        wider = 1.0 if rule.timeless else self.wider(reading)
        margin = wider * (_scarce(reading.nights) if rule.moves else 1.0)
        if rule.since:
            return margin * self.apart
        return margin * (1 + self.unseen.get(reading.column, 0)) if rule.lies else margin


def unusual(
    tonight: pl.DataFrame,
    near: Sequence[pl.DataFrame],
    alike: Sequence[pl.DataFrame] = (),
    *,
    holiday: bool = False,
    steady: Collection[str] = (),
    apart: int = 1,
    unseen: Mapping[str, int] | None = None,
    gaps: Mapping[str, str] | None = None,
    by_date: Collection[str] = (),
    months: Sequence[pl.DataFrame] = (),
) -> tuple[Finding, ...]:
    """Return the findings on a night's readings.

    tonight: its readings. near, alike: the readings of its comparable nights, and of those of them that have
    its weekday. steady: the feeds that know no holidays. apart: how many occasions ago the last published
    night was. Without that, one night that nobody accepts would hold all nights after it, because they are
    compared with a night ever longer ago.
    unseen: column -> how many occasions without a published night are among the days that its values carry.
    After a storm, rates of four weeks lie away from those before it for four weeks.
    gaps: column -> which days its values lack tonight and did not lack last night, or the other way round, in
    words. How such a column moved is told, and holds nothing.
    by_date: the columns whose value is what the date says (`columns_by_date`). They say nothing.
    months: the readings of the nights of the same day of the months before, whatever they are like. A table
    that is computed once a month changes as a whole on that night: what was so a month ago is told, and holds
    nothing.
    """
    if len(near) < LEAST_NIGHTS:
        return ()
    kinds = [COUNTED] if holiday else [COUNTED, CROSSED]
    past, of_weekday = _beside_fifth(summary(near)), summary(alike, [*kinds, ONLY])
    single = single_valued(tonight, past)
    every = [
        each
        for each in beside(tonight, past, LEAST_NIGHTS)
        if each.column not in by_date
        and not (each.column in single and each.name in OF_SEVERAL)
        and not _only_of_other_weekdays(each, alike)
    ]
    enough = len(alike) >= ENOUGH_ALIKE
    for_rows, least = (of_weekday, ENOUGH_ALIKE) if enough else (past, LEAST_NIGHTS)
    rows = tonight.filter(pl.col("name").is_in(kinds))
    counted = beside(rows, for_rows, least)
    low, high, zeros = (
        {each.column: each.usual for each in every if each.name == name}
        for name in ("low", "high", "zero_share")
    )
    events = {each.column for each in every if each.name == "few_central" and each.usual == 0}
    zeros |= dict.fromkeys(events, 1.0)
    widths = {column: high[column] - low[column] for column in high.keys() & low.keys()}
    margins = Margins(HOLIDAY if holiday else 1.0, apart, unseen or {}, steady)
    height = rows_read(tonight) or MOST_ROWS
    as_due = _as_on_the_weekday(tonight, of_weekday)
    beyond = partial(_beyond, widths=widths, zeros=zeros, gaps=gaps or {}, rows=height, months=months)
    found = [
        *(finding for each in counted for finding in _volume(each, margins.holiday, months)),
        *_missing_slices(rows, for_rows.filter(pl.col("name").is_in(kinds)), len(alike if enough else near)),
        *(finding for each in every for finding in _held_or_told(each, margins, beyond)),
        *(finding for each in every if each.column not in as_due for finding in _frozen(each, single)),
        *(() if same_by_chance(tonight, near) else (each for of in every for each in _population(of))),
        *(finding for each in every for finding in _nobody_new(each, height)),
        *(finding for each in every for finding in _standing(each, holiday=holiday)),
        *(finding for each in every for finding in _unexplained(each)),
        *_calendar(tonight, near, of_weekday, len(alike), holiday=holiday),
    ]
    factors = {(each.column, each.slice): each.value for each in every if each.name == "factor"}
    return tuple(_guessed(finding, factors) for finding in _without_parts(found))


def _only_of_other_weekdays(reading: Reading, alike: Sequence[pl.DataFrame]) -> bool:
    """True for a slice that says how many keys stand still, if it has too few keys on nights of the weekday.

    On the night after a free day most keys stand still that are met again, and they are few.
    """
    return (
        reading.name == STILL
        and bool(reading.slice)
        and len(alike) >= LEAST_ALIKE
        and all(
            night.filter(name=STILL, column=reading.column, slice=reading.slice).is_empty() for night in alike
        )
    )


def _without_parts(found: Sequence[Finding]) -> Iterator[Finding]:
    """What stands against a whole column is not told again of its slices. A doubt is less than what holds."""
    whole = {(each.name, each.column, each.holds) for each in found if not each.slice}
    for each in found:
        if not (each.slice and {(each.name, each.column, holds) for holds in {True, each.holds}} & whole):
            yield each


def summary(nights: Sequence[pl.DataFrame], names: Sequence[str] | None = None) -> pl.DataFrame:
    """The readings of some nights together: `low`, `usual`, `high`, and how many `nights` have each.

    nights: their readings. names: which readings; None: all.
    """
    read = pl.concat(nights) if nights else pl.DataFrame(schema=READING)
    kept = read if names is None else read.filter(pl.col("name").is_in(names))
    value = pl.col("value")
    return kept.group_by(KEY).agg(
        pl.len().alias("nights"), low=value.min(), usual=value.median(), high=value.max()
    )


def _beside_fifth(past: pl.DataFrame) -> pl.DataFrame:
    """The summary of the nights before, with the fifth values in the place of the last ones."""
    last = {fifth: name for name, fifth in BESIDE_FIFTH.items()}
    fifths = past.filter(pl.col("name").is_in([*last])).with_columns(pl.col("name").replace(last))
    return pl.concat([past.filter(~pl.col("name").is_in([*BESIDE_FIFTH])), fifths])


def beside(tonight: pl.DataFrame, past: pl.DataFrame, least: int) -> list[Reading]:
    """Put each reading beside those of the nights before that have it. past: their `summary`.

    Those of fewer than `least` nights are left out, and those that lie among them, which keep every rule, but
    OF_OTHERS.
    """
    among = pl.col("value").is_between("low", "high") & ~pl.col("name").is_in(OF_OTHERS)
    known = past.filter(pl.col("nights") >= least)
    joined = tonight.join(known, on=KEY).filter(~among).sort(KEY)
    return [Reading(**row) for row in joined.iter_rows(named=True)]


def _held_or_told(
    reading: Reading, margins: Margins, beyond: Callable[[Reading, Margins], Iterator[Finding]]
) -> Iterator[Finding]:
    """What a reading shows. If that is nothing, because limits are wider in a holiday period: a doubt."""
    held = [*beyond(reading, margins)]
    yield from held
    if not held and margins.holiday > 1:
        yield from (_doubted(each, IN_HOLIDAYS) for each in beyond(reading, margins.usual))


def _beyond(
    reading: Reading,
    margins: Margins,
    *,
    widths: Mapping[str, float],
    zeros: Mapping[str, float],
    gaps: Mapping[str, str],
    rows: float,
    months: Sequence[pl.DataFrame],
) -> Iterator[Finding]:
    """rows: of the night, as far as they are read. months: as for `unusual`."""
    if reading.column == SCORE:
        return
    for rule in (SLICES if reading.slice else RULES).get(reading.name, ()):
        if not _says(rule, reading, zeros) or (unit := _unit(rule, reading, widths, rows)) <= 0:
            continue
        wider = margins.of(rule, reading)
        limit = passed(rule, reading.value, reading.low, reading.high, unit=unit, wider=wider)
        if limit is not None:
            found = _told(rule, reading, limit)
            if rule.moved and reading.column in gaps:
                yield _doubted(found, gaps[reading.column])
            else:
                yield _as_months_ago(found, rule, reading, months, unit, wider)
            return


def _as_months_ago(
    found: Finding,
    rule: Rule,
    reading: Reading,
    months: Sequence[pl.DataFrame],
    unit: float,
    wider: float,
) -> Finding:
    """A doubt if the same would have been found on the same day of a month before, about as far away.

    Only of rows, of entities, and of how the values of entities moved since last night.
    """
    if not (rule.moved or rule.check in ONCE_A_MONTH):
        return found
    name, column, part = reading.name, reading.column, reading.slice
    same = any(
        passed(rule, value, reading.low, reading.high, unit=unit, wider=wider) is not None
        and passed(rule, reading.value, value, value, unit=unit) is None
        for night in months
        for value in night.filter(name=name, column=column, slice=part)["value"]
    )
    return _doubted(found, IN_MONTHS) if same else found


def _doubted(finding: Finding, why: str) -> Finding:
    return finding.because(why).model_copy(update={"holds": False})


def _scarce(nights: int) -> float:
    """How many times as wide a margin is while so few comparable nights are known."""
    return max(1.0, (FULL_NIGHTS / nights) ** SCARCE)


def _says(rule: Rule, reading: Reading, zeros: Mapping[str, float]) -> bool:
    """Whether the past of a reading says anything of it."""
    return (
        reading.nights >= max(rule.least_nights, SOME_NIGHTS if rule.moves else 0)
        and (rule.least_usual is None or reading.usual >= rule.least_usual)
        and (rule.of_zeros or zeros.get(reading.column, 0.0) <= MOSTLY_ZERO)
        and (rule.steady == inf or 0 < reading.high <= rule.steady * reading.low)
        and not (rule.inside and reading.usual in {reading.low, reading.high})
    )


def _unit(rule: Rule, reading: Reading, widths: Mapping[str, float], rows: float) -> float:
    units = {
        "one": 1.0,
        "usual": abs(reading.usual),
        "width": widths.get(reading.column, 0.0),
        "rows": max(1.0, SLIPS / rows / (rule.below or 1.0)),
    }
    return units[rule.unit]


def _volume(reading: Reading, wider: float, months: Sequence[pl.DataFrame]) -> Iterator[Finding]:
    """Rows of the night or of a slice, as quotients. Chance moves the logarithm of few rows far.

    A slice that usually has few rows can only have too many: those of another one under its name.
    """
    if reading.slice and reading.usual < FEW_ROWS and (reading.name == CROSSED or reading.value < GROWN):
        return
    rule = ROWS_OF_SLICE if reading.slice else ROWS
    chance = CHANCE / sqrt(max(reading.usual, 1.0))
    unit = hypot(1, chance / MARGIN_OF_SLICE) if reading.slice else 1.0
    limit = passed(rule, reading.value, reading.low, reading.high, unit=unit, wider=wider)
    if limit is not None:
        found = _told(rule, reading, limit, _rows_told(reading))
        yield _as_months_ago(found, rule, reading, months, unit, wider)


def _missing_slices(tonight: pl.DataFrame, past: pl.DataFrame, nights: int) -> Iterator[Finding]:
    """Slices that every comparable night has with some rows, and this night has not.

    A slice with all rows of a night says when it is, as the month does: that one is over.
    tonight: its counts. past: the `summary` of the counts of the nights. nights: how many these are.
    """
    there = (pl.col("nights") == nights) & (pl.col("low") >= FEW_ROWS / 2) & (pl.col("usual") >= FEW_ROWS)
    whole = past.filter((pl.col("name") == COUNTED) & (pl.col("slice") == ""))
    gone = (
        past.filter(there)
        .join(tonight, on="slice", how="anti")
        .join(whole, on=["low", "usual", "high"], how="anti")
    )
    for row in gone.sort("slice").iter_rows(named=True):
        yield Finding(
            name="slice_missing",
            slice=row["slice"],
            number=0,
            expected=row["usual"],
            limit=1,
            rate=RATE,
            sentence=two_lines(
                f"All rows of {in_words(row['slice'])} are missing",
                f"Rows: 0. Usual: {number(row['usual'])}. Limit: 1",
            ),
        )


def _as_on_the_weekday(tonight: pl.DataFrame, past: pl.DataFrame) -> set[str]:
    """Columns that have one value a night, and tonight that of all comparable nights of the weekday.

    If the last night was of the same weekday, such a column rightly did not change: the first of March
    follows that of February. past: the `summary` of the nights of the weekday.
    """
    known = tonight.filter(name=ONLY).join(past, on=KEY)
    same = (pl.col("value") == pl.col("low")) & (pl.col("value") == pl.col("high"))
    return set(known.filter(same)["column"])


def single_valued(tonight: pl.DataFrame, past: pl.DataFrame) -> set[str]:
    """Columns that have one value a night, such as the price of the day: tonight, and on all nights before.

    past: the `summary` of the nights. A column has a middle on each night on which it has values.
    """
    nights = past.filter(pl.col("name").is_in([ONLY, MIDDLE])).group_by("column", "nights").len("both")
    single = set(nights.filter(pl.col("both") == len((ONLY, MIDDLE)))["column"])
    return single & set(tonight.filter(name=ONLY)["column"])


def _frozen(reading: Reading, single: Collection[str]) -> Iterator[Finding]:
    """Values that usually change and did not. One number a night may be that of last night by chance."""
    if reading.name not in CHANGES or reading.slice or reading.column == SCORE:
        return
    if reading.name == OF_CODES and reading.high > STEADY * reading.low:
        return
    limit = reading.low / FROZEN
    if reading.low >= CHANGES[reading.name] and reading.value < limit:
        what = f"{reading.column} looks frozen: hardly a value changed since last night"
        numbers = _numbers("share of values that changed", reading, limit, percent)
        yield _found("frozen", reading, limit, what, numbers, holds=reading.column not in single)


def _calendar(
    tonight: pl.DataFrame,
    near: Sequence[pl.DataFrame],
    past: pl.DataFrame,
    nights: int,
    *,
    holiday: bool,
) -> Iterator[Finding]:
    """A column that has one value a night, and that of the weekday, has the value of another day.

    past: the `summary` of the nights of the weekday. nights: how many these are. In a holiday period it is a
    doubt: a column may say that a holiday is as a Sunday.
    """
    only = pl.col("name") == ONLY
    if nights < LEAST_ALIKE:
        return
    values = pl.concat(near).filter(only).group_by("column").agg(pl.col("value").n_unique())
    varied = {name for name, count in values.iter_rows() if count >= LEAST_VALUES}
    for reading in beside(tonight.filter(only), past, nights):
        if reading.column in varied and reading.low == reading.high != reading.value:
            what = f"{reading.column} has the value of another weekday"
            numbers = (
                f"Value of the whole night: {reading.value:g}. On the last {nights} nights of this weekday: "
                f"{reading.usual:g}"
            )
            yield _found("calendar", reading, reading.usual, what, numbers, holds=not holiday)


def _population(reading: Reading) -> Iterator[Finding]:
    """The very entities of an earlier night, where nights usually differ."""
    limits = {"met_last": (SAME_AS_LAST, USUALLY_DIFFERS), "met_most": (1.0, 1.0)}
    if reading.name not in limits:
        return
    limit, usual = limits[reading.name]
    if reading.high < usual and reading.value >= limit:
        which = "the night before" if reading.name == "met_last" else "one of the last nights"
        numbers = _numbers("share of the entities that are the same", reading, limit, percent)
        yield _found("population_repeated", reading, limit, f"The population is that of {which}", numbers)


def _nobody_new(reading: Reading, rows: float) -> Iterator[Finding]:
    """All entities are those of one earlier night, where nights usually have new ones. rows: of the night."""
    if reading.name != "within_most" or reading.value < 1:
        return
    if reading.high < 1 and (1 - reading.usual) * rows >= USUALLY_NEW:
        what = "No entity is new: all are those of one of the last nights"
        numbers = _numbers("share of the entities that one night had", reading, 1.0, percent)
        yield _found("population_repeated", reading, 1.0, what, numbers)


def _standing(reading: Reading, *, holiday: bool) -> Iterator[Finding]:
    """A slice with the entities of the night before, where some always differ. In holidays it is a doubt."""
    if reading.name != "others" or reading.nights < SOME_NIGHTS or reading.low < USUALLY_NEW:
        return
    limit = reading.low / FROZEN
    if reading.value < limit:
        what = f"The population of {in_words(reading.slice)} is that of the night before"
        numbers = _numbers("entities that only one of the two nights has", reading, limit, number)
        yield _found("population_repeated", reading, limit, what, numbers, holds=not holiday)


def _unexplained(reading: Reading) -> Iterator[Finding]:
    if reading.name == "explained" and reading.value < REFLECTED <= reading.low:
        numbers = _numbers("rank correlation with what the inputs let expect", reading, REFLECTED, number)
        yield _found("scores_unexplained", reading, REFLECTED, "The scores run against the inputs", numbers)


def _told(rule: Rule, reading: Reading, limit: float, what: str = "") -> Finding:
    """what: what is wrong; by the rule if it is not given."""
    numbers = _numbers(rule.told, reading, limit, percent if rule.of_share else number)
    return _found(rule.check, reading, limit, what or _what(rule, reading), numbers, holds=not rule.doubt)


def _found(
    name: str, reading: Reading, limit: float, what: str, numbers: str, *, holds: bool = True
) -> Finding:
    """What a reading says against a night. what, numbers: the two lines of the sentence."""
    return Finding(
        name=name,
        column=reading.column,
        slice=reading.slice,
        number=reading.value,
        expected=reading.usual,
        limit=limit,
        rate=RATE,
        holds=holds,
        sentence=two_lines(what, numbers),
    )


def _what(rule: Rule, reading: Reading) -> str:
    it = " for ".join(filter(None, (reading.column, in_words(reading.slice))))
    wrong = rule.if_above if reading.value > reading.high else rule.if_below
    return wrong.format(it=it, of=f" of {it}" if it else "")


def _rows_told(reading: Reading) -> str:
    """What is wrong with a number of rows. The column of those of a file is its dataset."""
    of = " of ".join(filter(None, ("rows", in_words(reading.slice) or reading.column)))
    multiple = reading.value / reading.usual if reading.usual else inf
    return missing(of, 1 - multiple) if multiple < 1 else too_many(of, multiple)


def in_words(part: str) -> str:
    """A slice as people say it: `origin=JFK` is "origin JFK", and so is each of two that go together."""
    names, _, values = part.partition("=")
    pairs = [*zip_longest(names.split(BOTH), values.split(BOTH))]
    if any(None in pair for pair in pairs):  # a value has these letters in it
        return f"{names} {values}"
    return BOTH.join(f"{name} {value}".strip() for name, value in pairs)


def _numbers(measure: str, reading: Reading, limit: float, shown: Callable[[float], str]) -> str:
    value, low, usual, high, most = map(
        shown, (reading.value, reading.low, reading.usual, reading.high, limit)
    )
    past = f"always {usual}" if low == high else f"{low} to {high}, usually {usual}"
    return f"{measure[:1].upper()}{measure[1:]}: {value}. Comparable nights: {past}. Limit: {most}"


def _guessed(finding: Finding, factors: Mapping[tuple[str, str], float]) -> Finding:
    """Add the likely cause of a change by one factor."""
    factor = factors.get((finding.column, finding.slice))
    if factor is None or finding.name not in ("units", "step", "level", "changed", "magnitude", "pace"):
        return finding
    cause = likely(factor)
    return finding if cause is None else finding.because(f"it looks like {cause}, by the factor {factor:.4g}")
