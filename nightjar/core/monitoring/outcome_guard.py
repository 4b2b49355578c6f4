"""Is a day of outcomes like those of comparable days? A day that is not is held until a person decides.

The numbers of a day lie on scales where a factor is a distance: rows and sizes by their logarithm, shares by
their log odds. A number counts as odd where it lies further outside the range of the comparable days than its
limit. The limits were chosen on January to June of the recorded flights, so that no day of theirs is held.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import partial

from pydantic import AwareDatetime, Field

from nightjar.core.comparison.comparable import HOLIDAY, comparables, in_holiday_period
from nightjar.core.inputs.factors import likely_of_sizes
from nightjar.core.model.holidays import IsHoliday, never
from nightjar.core.monitoring.outcome_shapes import Misfit, misfit
from nightjar.core.values import Value
from nightjar.core.wording import missing, number, of_usual, percent, too_many

RATE = 0.02
"""At most this share of ordinary days reaches any of these limits.

Of 365 days of the recorded year none does: below 1% at 95% confidence (docs/adr/0114).
"""
Limits = Mapping[str, float]
"""The name of a check -> how much of its limit is left. Other checks have one limit.

SEVERAL: how many times as wide the limits are of a slice of a column of more than FEW_VALUES values.
"""
SEVERAL = "a value of several"
TELLS: Limits = {
    "volume": 0.5,
    "slice_missing": 0.2,
    "slice_volume": 0.7,
    "units": 0.6,
    "coupling": 0.7,
    "level": 0.65,
    "shape": 0.75,
    "values": 0.8,
    SEVERAL: 1.6,
}
"""Of a day that counts, and is told. Chosen on January to June, so that at most 2% of their days are told."""
HOLDS: Limits = {**dict.fromkeys(TELLS, 1.0), SEVERAL: math.inf}
"""A held day is missing in all features for weeks. So one of many carriers alone holds none: it is told."""
TOLD_RATE = 0.05
"""At most this share of ordinary days reaches one of these. Of the recorded year 9 of 365 do: below 5% at
95% confidence (docs/adr/0114).
"""
TOLD_DAYS = 14
"""Doubts about so many of the newest days of a dataset are told. Who lands a year is not told all of it."""
LEAST_DAYS = 7
"""With fewer comparable days nothing is said."""
LEAST_ROWS = 20
"""A value that comparable days always have at least so often may not be missing."""
FACTOR_ROWS, FACTOR_ALIKE, FACTOR_VALUE = 1.8, 1.25, 1.3
FACTOR_GONE, FACTOR_SIZE = 4.0, 4.0
"""How many times more or fewer rows, rows of a value, and size or grain of numbers than on comparable days.

FACTOR_ALIKE, FACTOR_VALUE: of the days of the same weekday, whose number of rows is steadier.
"""
FEW_VALUES = 10
"""The slices of a column of more values are many and small, and a storm hits one carrier or another."""
FACTOR_EDGE = 2.5
"""How many times as far below 0 a few numbers may lie, and as wide a gap may be, as on any comparable day.

On January to June they are at most 1.3 and 1.9 times as far and as wide. With few days more is allowed.
"""
FACTOR_APART = 1.8
"""How many times as far as on any comparable day the values of a column may lie apart.

On January to June they lie at most 1.31 times as far apart, in holiday periods at most 0.82 times.
"""
ODD_OF, WIDTHS_OF_ENDS = 7, 0.5
"""The ends of a column may lie within those of comparable days by so many widths of their range.

One day in ODD_OF may have others: a quiet week has few small numbers.
"""
SHARES = (0.05, 0.1, 0.2, 0.8, 0.9, 0.95)
ENDS_OF_SHARES: Mapping[str, tuple[int, int, int]] = {"low": (0, 1, 2), "high": (3, 4, 5)}
"""The quantiles of a column that are read, and which three of them say where its low and high numbers lie.

The middle one is compared. All three must lie beyond: many rows may have one number, and then one quantile
jumps from it to the next one.
"""
WIDTHS_OF_LEVELS, LEAST_SIDE = 1.6, 0.25
"""How far they may lie beyond those of comparable days: so many times as far as the furthest of these lies
from the middle one on this side. That counts as a part of the range at least.
"""
MOST_MISFIT, NEAR_ZERO = 3.6, 0.25
"""How far a number that describes a column may lie from what the others let expect, as a multiple of the
furthest of comparable days. On January to June it lies 2.5 times as far at most, in a storm, and else 1.8.

NEAR_ZERO: numbers below this share of the usual size hardly differ.
"""
SIGNS = ("of 0", "below 0")
Ends = tuple[float, float, float, float]
"""The least, fifth least, fifth greatest and greatest number of a column."""
LOWEST, GAP, GREATEST = "lowest ", "gap of ", "greatest "
CHANCE_OF_ROWS = 2.5
"""Standard deviations of the rows of a value that are allowed besides."""
LEAST_ALIKE = 4
LEAST_APART, WIDTHS_APART = 0.3, 0.4
"""How far the inverse hyperbolic tangent of a rank correlation may lie outside its range: a fixed part, and
so many widths of the range.
"""
LOST, CLEAR = 3.0, 6.0
"""A rank correlation is lost below so many standard errors, if all comparable days have more than CLEAR."""
MOST_ROWS = 2_000
"""Of a day of more rows about so many are looked at, of the same keys every day."""
ODDS = 2.0
"""How far the log odds of an outcome may lie outside the range."""
LEAST_ODDS, WIDTHS, WIDEST = 0.5, 0.45, 1.6
"""The same of what is counted of rows: a fixed part, and so many widths of the range of the comparable days,
at most WIDEST.

In a storm half of the flights have no arrival. So what storms move has a wide range, and planes have not.
"""
SURE = 0.99
"""A rank correlation beyond it counts as this one."""
LEAST_OF_LINE, WIDTHS_OF_LINE = 0.2, 0.4
"""The same of the lines of two columns, as a logarithm."""
GRAINS = 4
"""A line may always be so many grains away. A range of days at the grain does not show how wide it is."""
BEYOND_CHANCE = 30.0
"""Least steps so many times as great as those of numbers without steps are no chance, also if half of the
numbers are missing: the odds are e to the power of -7.
"""
STEADY = 1.7
"""Columns belong together if the rise of their line differs by less than this factor."""
PILED, ALIKE = "piled up at one value", " alike in rows of the same "
WIDTHS_OF_PILES = 0.25
"""How far a pile may lie above those of comparable days, in widths of their range; besides what is chance."""
WHERE, WITH, IN = " where ", " with ", " in "
BEFORE = " of the day before"
"""Follows the name of a number of the file before, also where files come every week."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
AND, KNOWN = " true and ", " known"
"""A flag that is true, and a number of the same row that is known: the two may exclude each other."""
IF_NOT = " missing if not "
"""A number that is missing in rows without a flag. Some flags explain it, as that a flight was cancelled."""
MOST_EXCLUDED = 2
"""So many rows may have both, although no row of the comparable days has: a slip of the feed.

So many entities may lack an outcome too, or have one without being an entity, although none has before.
"""
UNANSWERED, UNASKED = "entities without an outcome", "outcomes of no entity"
RISE = "rise of"
LINE = (RISE, "middle distance from the line of", "distance of most rows from the line of")
LINE_TOLD_AS: Mapping[str, tuple[str, str]] = {
    LINE[1]: (
        "In half of the rows, {y} is further than usual from what {x} lets expect",
        "In half of the rows, {y} is nearer than usual to what {x} lets expect",
    ),
    LINE[2]: (
        "In one of ten rows, {y} is further than usual from what {x} lets expect",
        "In nine of ten rows, {y} is nearer than usual to what {x} lets expect",
    ),
}
"""What is wrong with the distances from the line of `y with x`: above what is usual, and below it."""
ENOUGH_DAYS = 20
"""Fewer comparable days do not show the whole range. With half as many it counts as twice as wide."""
CHANCE = 4.0
"""Standard errors of so many rows that are allowed besides: with few rows, chance alone goes far."""


def where(column: str, value: object) -> str:
    """What follows the name of a number that is of the rows with a value alone."""
    return f"{WHERE}{column} is {value}"


class OutcomeDay(Value):
    """What a day of a dataset of outcomes looks like.

    sizes: column of numbers -> mean of the absolute values; None if all are missing. `greatest arr_delay` ->
    the greatest of them. couplings: `arr_delay with dep_delay`, or with itself the day before -> their rank
    correlation. values: column of texts -> value -> rows. repeated: share of rows with a number that the day
    before had too. outcomes: rows of the score date with an outcome. rates: what is counted, such as
    `arr_delay missing where origin is EWR` -> rows that are so, and all rows. lines: two columns of numbers
    -> the rise of their line, the middle distance from it, and that of most rows. grains: column of numbers
    -> half of the least step between two of them. edges, ends, levels, steps, apart: as the functions of
    `outcome_relations`.
    flags: the columns of numbers that have two different ones, or one.
    shares: outcome -> share of these rows; empty for a kind of any number, whose mean_size is the mean of the
    absolute outcomes.
    broken: why the outcomes cannot be, if they cannot.
    """

    rows: int
    sizes: Mapping[str, float | None]
    couplings: Mapping[str, float | None] = Field(default_factory=dict[str, float | None])
    values: Mapping[str, Mapping[str, int]]
    repeated: float = 0.0
    rates: Mapping[str, tuple[int, int]] = Field(default_factory=dict[str, tuple[int, int]])
    lines: Mapping[str, tuple[float, float, float]] = Field(
        default_factory=dict[str, tuple[float, float, float]]
    )
    grains: Mapping[str, float] = Field(default_factory=dict[str, float])
    edges: Mapping[str, float] = Field(default_factory=dict[str, float])
    ends: Mapping[str, Ends] = Field(default_factory=dict[str, Ends])
    levels: Mapping[str, tuple[float, ...]] = Field(default_factory=dict[str, tuple[float, ...]])
    steps: Mapping[str, float] = Field(default_factory=dict[str, float])
    apart: Mapping[str, float] = Field(default_factory=dict[str, float])
    flags: tuple[str, ...] = ()
    outcomes: int = 0
    shares: Mapping[str, float] = Field(default_factory=dict[str, float])
    mean_size: float | None = None
    broken: str | None = None


Held = Mapping[tuple[date, datetime], datetime | None]
"""Day and instant (UTC) of a delivery -> the instant from which it counts; None: it does not count."""


OF_ROWS = frozenset({"volume", "coverage", "slice_missing", "slice_volume"})
OF_SHARES = frozenset({"values", "base_rate", "repeated"})
WHOLE = frozenset({"rows", "outcomes"})
TOLD_AS: Mapping[str, tuple[str, str]] = {
    "units": ("{} is larger than usual", "{} is smaller than usual"),
    "repeated": ("More {} than usual are delivered again", ""),
    "base_rate": ("The {} is more frequent than usual", "The {} is less frequent than usual"),
    "grain": ("{} has coarser steps than usual", "{} has finer steps than usual"),
    "range": ("The {} is further below 0 than usual", ""),
    "gap": ("The {} is wider than usual", ""),
    "level": ("The {} are higher than usual", "The {} are lower than usual"),
    "cut": ("The {} are missing", "The {} are missing"),
    "shape": (
        "The {} is higher than the other numbers of the day let expect",
        "The {} is lower than the other numbers of the day let expect",
    ),
    "apart": ("Values of {} differ more than usual", ""),
}
HIGHER = "The {} is higher than usual", "The {} is lower than usual"
"""What is wrong, by the name of a finding: above what is usual, and below it. HIGHER: of all other names."""
CORRELATION = "rank correlation of "


def nothing_held(dataset: str) -> Held:  # noqa: ARG001  # whatever it is
    return {}


class HoldFinding(Value):
    """One thing against a day: its name, where, the number, what was expected, and all of it in words.

    low, high: of comparable days; the value lies outside. What has no such numbers has 0 for all three.
    hint: how many times as large the number is, and what that looks like.
    """

    name: str
    where: str
    value: float
    low: float
    high: float
    told: str
    hint: str = ""

    @property
    def what(self) -> str:
        """What is wrong, in a plain sentence."""
        if self.low <= self.value <= self.high:
            return self.told
        more, middle = self.value > self.high, (self.low + self.high) / 2
        if self.name in OF_ROWS:
            things = self.where if self.where in WHOLE else f"rows of {self.where}"
            multiple = self.value / middle if middle else math.inf
            return too_many(things, multiple) if more else missing(things, 1 - multiple)
        if self.name == "coupling":
            pair = self.where.removeprefix(CORRELATION).replace(WITH, " and ", 1)
            return f"{pair} go together {'more' if abs(self.value) > abs(middle) else 'less'} than usual"
        if self.name == "relation":
            return _of_line(self.where, more=more, falls=middle < 0)
        above, below = TOLD_AS.get(self.name, HIGHER)
        return (above if more else below).format(self.where)

    @property
    def named(self) -> str:
        """What is wrong, with the name of the check."""
        return f"{self.what} ({self.name})"

    @property
    def brief(self) -> str:
        """What is wrong, with its number and what is usual, in few digits."""
        if self.what == self.told:
            return self.named
        shown = percent if self.name in OF_SHARES else _short
        value, low, high = map(shown, (self.value, self.low, self.high))
        usual = f"{low} is usual" if low == high else f"{low} to {high} are usual"
        return f"{self.named}: {value} where {usual}{self.hint}"

    @property
    def lines(self) -> str:
        """What is wrong, and the numbers with the limit in a line of their own."""
        return self.named if self.what == self.told else f"{self.named}{self.hint}\n  {self.told}"


def _of_line(where: str, *, more: bool, falls: bool) -> str:
    """where: one of LINE, and two columns, as `rise of arr_delay with dep_delay where origin is EWR`.

    falls: True if a line usually falls, so that a rise above what is usual is a fall that is less steep.
    """
    which = next(each for each in LINE if where.startswith(each))
    y, _, others = where.removeprefix(f"{which} ").partition(WITH)
    x, part, value = others.partition(WHERE)
    if which == RISE:
        goes, how = ("falls", "less" if more else "more") if falls else ("rises", "more" if more else "less")
        return f"When {x} rises, {y} {goes} {how} than usual{part}{value}"
    above, below = LINE_TOLD_AS[which]
    return f"{(above if more else below).format(x=x, y=y)}{part}{value}"


class Verdict(StrEnum):
    """What became of a day's delivery. HELD waits for a person. DOUBTED counts, and people are told."""

    PASSED = "passed"
    DOUBTED = "doubted"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"


COUNTS = frozenset({Verdict.PASSED, Verdict.DOUBTED, Verdict.ACCEPTED})
"""Verdicts on deliveries that are read."""
UNDECIDED = frozenset({Verdict.DOUBTED, Verdict.HELD})
"""Verdicts that a person may still change."""
BY_A_PERSON = frozenset({Verdict.ACCEPTED, Verdict.REFUSED})


class CheckedDelivery(Value):
    """The verdict on a delivery of a day of outcomes.

    recorded_at: the instant of the delivery. counts_from: the instant from which it counts, where a person
    accepted it.
    """

    dataset: str
    day: date
    recorded_at: AwareDatetime
    verdict: Verdict
    counts_from: AwareDatetime | None = None

    @property
    def counts(self) -> bool:
        return self.verdict in COUNTS


class OutcomeCheck(CheckedDelivery):
    """The same with what the day looks like, and why. actor, decided_at: set by the ledger."""

    model: str
    looks: OutcomeDay
    findings: tuple[HoldFinding, ...] = ()
    reason: str | None = None
    actor: str = ""
    decided_at: AwareDatetime | None = None

    @property
    def told(self) -> str:
        """The first finding, the names of the other checks, and how many findings there are.

        One fault makes many findings: a file in seconds has other units in each of its columns and slices.
        """
        names = [*dict.fromkeys(each.name for each in self.findings)]
        if not self.findings:
            return ""
        also = f" also of {', '.join(names[1:])}" if names[1:] else ""
        count = f". {len(self.findings)} findings in all,{also}".rstrip(",") if self.findings[1:] else ""
        return f"{self.findings[0].brief}{count}"

    @property
    def rate(self) -> float:
        """At most this share of ordinary days reaches any of the limits."""
        return TOLD_RATE if self.verdict is Verdict.DOUBTED else RATE


def held_by(checks: Iterable[tuple[date, datetime, str, datetime | None]]) -> Held:
    """The deliveries that do not count, or count later than they were recorded, by any model's check.

    checks: day, instant, verdict and counts_from of the newest verdict of each model on each delivery.
    """
    held = dict[tuple[date, datetime], datetime | None]()
    for day, recorded_at, verdict, counts_from in checks:
        if verdict in {Verdict.HELD, Verdict.REFUSED}:
            held[day, recorded_at] = None
        elif counts_from is not None:
            known = held.get((day, recorded_at), recorded_at)
            held[day, recorded_at] = known and max(known, counts_from)
    return held


def judged(
    day: date,
    found: OutcomeDay,
    days: Mapping[date, OutcomeDay],
    is_holiday: IsHoliday = never,
    step: timedelta = DAY,
) -> tuple[Verdict, tuple[HoldFinding, ...]]:
    """What becomes of a day, and why: what holds it, or else what is told of it. As `checked`.

    In a holiday period nothing is told of rows: everybody knows that fewer or more fly then. What is told has
    the narrower limits. So most days are looked at once: nothing holds where nothing is told.
    """
    doubts = checked(day, found, days, is_holiday, step, TELLS)
    if not doubts:
        return Verdict.PASSED, ()
    if held := checked(day, found, days, is_holiday, step):
        return Verdict.HELD, held
    if in_holiday_period(day, is_holiday):
        doubts = tuple(each for each in doubts if each.name not in OF_ROWS)
    return Verdict.DOUBTED if doubts else Verdict.PASSED, doubts


def compared_with(days: Iterable[date], counting: Collection[date], is_holiday: IsHoliday) -> set[date]:
    """The days that count which some of these days are compared with, as far as they count already."""
    return {each for day in days for each in comparables(day, counting, is_holiday=is_holiday).every}


def checked(
    day: date,
    found: OutcomeDay,
    days: Mapping[date, OutcomeDay],
    is_holiday: IsHoliday = never,
    step: timedelta = DAY,
    limits: Limits = HOLDS,
) -> tuple[HoldFinding, ...]:
    """Everything that stands against a day. days: those that count, of which earlier ones are compared.

    step: how far files lie apart, for the sentences.
    """
    near = comparables(day, days, is_holiday=is_holiday)
    past, alike = ([days[each] for each in which] for which in (near.every, near.alike))
    against = findings(found, past, alike, HOLIDAY if near.holiday else 1.0, limits)
    before = f" of {_before(step)}"
    return tuple(
        each.model_copy(
            update={"told": each.told.replace(BEFORE, before), "where": each.where.replace(BEFORE, before)}
        )
        for each in against
    )


def findings(
    found: OutcomeDay,
    past: Sequence[OutcomeDay],
    alike: Sequence[OutcomeDay] = (),
    wider: float = 1.0,
    limits: Limits = HOLDS,
) -> tuple[HoldFinding, ...]:
    """past: comparable days. alike: those of the same weekday. wider: how many times as wide the limits on
    counted rows are.
    """
    if found.broken is not None:
        return (HoldFinding(name="bounds", where="outcome", value=0, low=0, high=0, told=found.broken),)
    if len(past) < LEAST_DAYS:
        return ()
    times = partial(_times, several=_several((found, *past)), limits=limits)
    found = without_sizes(found, _flags(past))
    return (
        *_rows(found, past, alike, wider, limits),
        *_sizes(found, past, limits["units"], times),
        *_couplings(found, past, wider * limits["coupling"]),
        *_repeated(found, past, wider),
        *_shares(found, past),
        *_rates(found, past, wider, limits["values"], times),
        *_lines(found, past, wider, times),
        *_grains(found, past),
        *_edges(found, past),
        *_ends(found, past, wider),
        *_levels(found, past, wider * limits["level"], times),
        *_shapes(found, past, wider * limits["shape"]),
        *_steps(found, past, times),
        *_apart(found, past),
    )


def _flags(past: Sequence[OutcomeDay]) -> frozenset[str]:
    """The columns that are flags on most days."""
    counts = Counter(name for day in past for name in day.flags)
    return frozenset(name for name, days in counts.items() if 2 * days > len(past))


def without_sizes(found: OutcomeDay, flags: frozenset[str]) -> OutcomeDay:
    """The day without what is read of sizes, for these columns.

    If a flag is set in few rows, it is set in none of them on an ordinary day. Then its size is 0, all rows
    have its greatest value, and it has no line. Two days on which one row has it may be alike by chance. Its
    shares are looked at, as those of any number: what chance does to them is known.
    """
    if not flags:
        return found

    def pair(of: str) -> list[str]:
        return [name.removesuffix(BEFORE) for name in of.partition(WHERE)[0].rpartition(IN)[2].split(WITH)]

    def sizes(of: str) -> bool:
        return of.partition(WHERE)[0].removeprefix(GREATEST) in flags

    return found.model_copy(
        update={
            "sizes": {of: size for of, size in found.sizes.items() if not sizes(of)},
            "rates": {
                of: rate for of, rate in found.rates.items() if of.partition(f" {PILED}")[0] not in flags
            },
            "couplings": {of: each for of, each in found.couplings.items() if not flags.issuperset(pair(of))},
            "lines": {of: each for of, each in found.lines.items() if flags.isdisjoint(pair(of))},
            "apart": {of: each for of, each in found.apart.items() if flags.isdisjoint(pair(of))},
        }
    )


Times = Callable[[str], float]
"""How many times as wide the margin of a number is, by its name."""


def _several(days: Sequence[OutcomeDay]) -> Collection[str]:
    """The columns of more than FEW_VALUES values."""
    names = {name for day in days for name in day.values}
    return {
        name
        for name in names
        if len({value for day in days for value in day.values.get(name, ())}) > FEW_VALUES
    }


def _times(what: str, several: Collection[str], limits: Limits) -> float:
    """`Times` of a day with these columns of more than FEW_VALUES values."""
    return limits[SEVERAL] if what.partition(WHERE)[2].partition(" is ")[0] in several else 1.0


def _rows(
    found: OutcomeDay,
    past: Sequence[OutcomeDay],
    alike: Sequence[OutcomeDay],
    wider: float,
    limits: Limits,
) -> Iterator[HoldFinding]:
    usual, factor = (alike, FACTOR_ALIKE) if len(alike) >= LEAST_ALIKE else (past, FACTOR_ROWS)
    factor **= wider
    rows, outcomes = [each.rows for each in usual], [each.outcomes for each in usual]
    if odd := _odd("volume", "rows", found.rows, rows, factor ** limits["volume"], math.sqrt(min(rows))):
        yield odd
        return
    if odd := _odd("coverage", "outcomes", found.outcomes, outcomes, factor, math.sqrt(min(outcomes))):
        yield odd
    steady = alike if len(alike) >= LEAST_ALIKE else ()
    gone, narrow = FACTOR_GONE ** limits["slice_missing"], limits["slice_volume"]
    for column, now in found.values.items():
        for value in sorted({value for each in past for value in each.values.get(column, {})}):
            every, counts = (
                [each.values.get(column, {}).get(value, 0) for each in days] for days in (past, steady)
            )
            there, where = now.get(value, 0), f"{column} {value}"
            if min(every) >= LEAST_ROWS and there * gone < min(every):
                yield _finding("slice_missing", where, there, every, (min(every) / gone, math.inf))
            elif counts and min(counts) >= LEAST_ROWS:
                factor, chance = FACTOR_VALUE ** (wider * narrow), CHANCE_OF_ROWS * math.sqrt(min(counts))
                if odd := _odd("slice_volume", where, there, counts, factor, narrow * chance):
                    yield odd


def _sizes(found: OutcomeDay, past: Sequence[OutcomeDay], left: float, times: Times) -> Iterator[HoldFinding]:
    if found.rows < LEAST_ROWS:
        return
    sizes = {**found.sizes, "outcome": found.mean_size}
    for column, size in sizes.items():
        usual = [each.mean_size if column == "outcome" else each.sizes.get(column) for each in past]
        known = [each for each in usual if each]
        if len(known) < len(usual) or _of_few_numbers(column, past):
            continue
        if odd := _odd("units", column, size or 0.0, known, FACTOR_SIZE ** (left * times(column))):
            yield odd.model_copy(update={"hint": _hypothesis(size, known)})


def _of_few_numbers(column: str, past: Sequence[OutcomeDay]) -> bool:
    """True if a size is that of fewer than LEAST_ROWS numbers other than 0 on some day, as of refunds.

    column: with the value of its slice. Days that do not say how many numbers are 0 say nothing of it.
    """
    name, slice_, value = column.removeprefix(GREATEST).partition(WHERE)
    counts = [day.rates[of] for day in past if (of := f"{name} of 0{slice_}{value}") in day.rates]
    return any(known - zeros < LEAST_ROWS for zeros, known in counts)


def _couplings(found: OutcomeDay, past: Sequence[OutcomeDay], wider: float) -> Iterator[HoldFinding]:
    """Rank correlations, on a scale on which chance has the same size everywhere."""
    for pair, value in found.couplings.items():
        known = [each for day in past if (each := day.couplings.get(pair)) is not None]
        if value is None or len(known) < LEAST_DAYS:
            continue
        low, high = _z(min(known)), _z(max(known))
        reach = wider * (LEAST_APART + WIDTHS_APART * (high - low) * _scarce(len(known)))
        error = 1 / math.sqrt(min(found.rows, MOST_ROWS))
        least = max(low - reach, LOST * error) if low > CLEAR * error else low - reach
        most = min(high + reach, -LOST * error) if high < -CLEAR * error else high + reach
        if not least <= _z(value) <= most:
            allowed = math.tanh(least), math.tanh(most)
            yield _finding("coupling", f"{CORRELATION}{pair}", value, known, allowed)


def _repeated(found: OutcomeDay, past: Sequence[OutcomeDay], wider: float) -> Iterator[HoldFinding]:
    """Rows that the file before had too pile up as equal values do."""
    shares = [each.repeated for each in past if each.rows]
    known = [(round(each.repeated * each.rows), each.rows) for each in past if each.rows]
    if found.rows >= LEAST_ROWS and len(known) >= LEAST_DAYS:
        most = _share(_most_of_pile(known, found.rows, 1.0, wider, _scarce(len(known))))
        if found.repeated > most:
            yield _finding("repeated", f"rows{BEFORE}", found.repeated, shares, (0.0, most))


def _shares(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    if not found.outcomes:
        return
    for outcome in sorted({*found.shares}.union(*(each.shares for each in past))):
        shares = [each.shares.get(outcome, 0.0) for each in past]
        usual = [_log_odds(share, each.outcomes) for share, each in zip(shares, past, strict=True)]
        low = min(usual) - _reach(min(usual), found.outcomes)
        high = max(usual) + _reach(max(usual), found.outcomes)
        if not low <= _log_odds(found.shares.get(outcome, 0.0), found.outcomes) <= high:
            allowed = _share(low), _share(high)
            yield _finding("base_rate", f"outcome {outcome}", found.shares.get(outcome, 0.0), shares, allowed)
            return


def _rates(
    found: OutcomeDay, past: Sequence[OutcomeDay], wider: float, left: float, times: Times
) -> Iterator[HoldFinding]:
    for counted, (hits, rows) in found.rates.items():
        known = [each for day in past if (each := day.rates.get(counted, (0, 0)))[1] >= LEAST_ROWS]
        if rows < LEAST_ROWS or len(known) < LEAST_DAYS:
            continue
        usual = [_log_odds(some / all_, all_) for some, all_ in known]
        width = (max(usual) - min(usual)) * _scarce(len(usual))
        least = left * wider * times(counted) * (LEAST_ODDS + min(WIDTHS * width, WIDEST))
        if PILED in counted:
            scarce = _scarce(len(usual))
            low, high = -math.inf, _most_of_pile(known, rows, left, wider * times(counted), scarce)
        else:
            low = -math.inf if ALIKE in counted else min(usual) - _reach(min(usual), rows, least, left)
            high = max(usual) + _reach(max(usual), rows, least, left)
        exclusive = AND in counted or counted in {UNANSWERED, UNASKED}
        if exclusive and not any(some for some, _ in known):
            high = _log_odds(MOST_EXCLUDED / rows, rows)
        if not low <= _log_odds(hits / rows, rows) <= high:
            shares, allowed = [some / all_ for some, all_ in known], (_share(low), _share(high))
            yield _finding("values", f"share of {counted}", hits / rows, shares, allowed)


def _lines(
    found: OutcomeDay, past: Sequence[OutcomeDay], wider: float, times: Times
) -> Iterator[HoldFinding]:
    """Two columns belong together if the line of all comparable days rises about as much.

    How far most rows of one value lie from the line is not told: a storm is at one airport. Rows may lie
    much nearer than ever, as where nothing was cancelled: FACTOR_GONE times nearer. GRAINS are never too far.
    """
    for pair, line in found.lines.items():
        known = [day.lines[pair] for day in past if pair in day.lines]
        if not _belong_together(known):
            continue
        few = len(LINE) - (WHERE in pair)
        for told, value, usual in [*zip(LINE, line, zip(*known, strict=True), strict=True)][:few]:
            low, high = _allowed(usual, wider * times(pair))
            if told != RISE:
                grain = _least_grain(pair.partition(WITH)[0], (found, *past))
                low, high = min(low, min(usual) / FACTOR_GONE), max(high, GRAINS * grain)
            if not low <= value <= high:
                yield _finding("relation", f"{told} {pair}", value, usual, (low, high))


def _belong_together(known: Sequence[tuple[float, float, float]]) -> bool:
    """known: the lines of two columns on comparable days."""
    rises = [each[0] for each in known]
    return len(known) >= LEAST_DAYS and min(rises) * max(rises) > 0 and _wide(rises) <= math.log(STEADY)


def _apart(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    """Values of a column that lie further apart than ever, as where some airports have another clock."""
    for of, value in found.apart.items():
        pair = of.partition(IN)[2]
        known = [day.apart[of] for day in past if of in day.apart]
        if len(known) < LEAST_DAYS or not _belong_together([d.lines[pair] for d in past if pair in d.lines]):
            continue
        most = max(known) * FACTOR_APART ** _scarce(len(known))
        if value > most:
            yield _finding("apart", of, value, known, (0.0, most))


def _grains(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    """Numbers of other decimals, or in steps of another size. Steps that chance makes are not compared."""
    for column, value in found.grains.items():
        days = [day for day in past if day.grains.get(column)]
        if not value or len(days) < LEAST_DAYS:
            continue
        if _in_steps(found, column) or all(_in_steps(day, column) for day in days):
            known = [day.grains[column] for day in days]
            if odd := _odd("grain", column, value, known, FACTOR_SIZE):
                yield odd


def _in_steps(day: OutcomeDay, column: str) -> bool:
    """False if numbers without steps might be as far apart.

    Of n numbers that are evenly spread above 0, with mean m, the least step is 2 m / n^2 on average.
    """
    size, rows = day.sizes.get(column), min(day.rows, MOST_ROWS)
    return size is not None and day.grains[column] * rows**2 >= BEYOND_CHANCE * size


def _edges(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    """Numbers far below the lowest of all comparable days, or with a gap amid them that none has.

    Hours and minutes in one number have a gap from 59 to 100; those of one byte begin anew below 0.
    """
    for edge, value in found.edges.items():
        known = [day.edges[edge] for day in past if edge in day.edges]
        if len(known) < LEAST_DAYS or not (usual := max(known)):
            continue
        factor = FACTOR_EDGE ** _scarce(len(known))
        most = max(factor * usual, usual + GRAINS * _least_grain(edge.split(" ")[-1], (found, *past)))
        if value > most:
            yield _finding("range" if edge.startswith(LOWEST) else "gap", edge, value, known, (0.0, most))


def _ends(found: OutcomeDay, past: Sequence[OutcomeDay], wider: float) -> Iterator[HoldFinding]:
    """Ends of a column that are missing, where comparable days have five numbers there, but for odd ones.

    So are all routes with few flights, if somebody keeps small numbers secret.
    """
    for column, (least, _, _, greatest) in found.ends.items():
        known = [day.ends[column] for day in past if column in day.ends]
        if len(known) < LEAST_DAYS:
            continue
        odd, steps = len(known) // ODD_OF, GRAINS * _least_grain(column, (found, *past))
        low = sorted(each[1] for each in known)[: len(known) - odd]
        high = sorted(each[2] for each in known)[odd:]
        within_low, within_high = (
            wider * (steps + WIDTHS_OF_ENDS * _scarce(len(known)) * (usual[-1] - usual[0]))
            for usual in (low, high)
        )
        if least > (most := low[-1] + within_low):
            yield _finding("cut", f"lowest values of {column}", least, low, (-math.inf, most))
        if greatest < (fewest := high[0] - within_high):
            yield _finding("cut", f"highest values of {column}", greatest, high, (fewest, math.inf))


def _levels(
    found: OutcomeDay, past: Sequence[OutcomeDay], wider: float, times: Times
) -> Iterator[HoldFinding]:
    """The numbers at the steady end of a column lie elsewhere than usual, as where a mean is taken from all.

    What is late may be later without end, and so a storm moves it far. What is early is as early as ever.
    """
    for column, quantiles in found.levels.items():
        known = [day.levels[column] for day in past if column in day.levels]
        if len(known) < LEAST_DAYS:
            continue
        which = _steady_end(known)
        outer, middle, inner = ENDS_OF_SHARES[which]
        usual = sorted(each[middle] for each in known)
        steps = GRAINS * _least_grain(column.partition(WHERE)[0], (found, *past))
        below, above = (
            wider * times(column) * (steps + WIDTHS_OF_LEVELS * _scarce(len(known)) ** 2 * side)
            for side in _sides(usual)
        )
        low, high = usual[0] - below, usual[-1] + above
        now = quantiles[outer], quantiles[middle], quantiles[inner]
        if max(now) < low or min(now) > high:
            yield _finding("level", f"{which} numbers of {column}", quantiles[middle], usual, (low, high))


def _shapes(found: OutcomeDay, past: Sequence[OutcomeDay], left: float) -> Iterator[HoldFinding]:
    """A number that describes a column does not fit to the others that do.

    They are quantiles, the shares of 0 and of negative ones, and the mean size, on scales on which they move
    evenly. left: how much of the limit is left.
    """
    for column in sorted(each for each in found.levels if WHERE not in each and found.sizes.get(each)):
        days = [day for day in past if column in day.levels and day.sizes.get(column)]
        if len(days) < LEAST_DAYS:
            continue
        usual = NEAR_ZERO * sorted(day.sizes[column] or 0 for day in days)[len(days) // 2]
        odd = misfit(_described(found, column, usual), [_described(day, column, usual) for day in days])
        limit = left * MOST_MISFIT * _scarce(len(days))
        if odd is not None and odd.distance > limit:
            yield _misfit_told(column, usual, _described(found, column, usual)[odd.place], odd, limit)


def _described(day: OutcomeDay, column: str, usual: float) -> Sequence[float]:
    """The numbers that describe a column. usual: a number below it is near 0."""
    shares = (day.rates.get(f"{column} {of}", (0, 0)) for of in SIGNS)
    return (
        *(math.asinh(each / usual) for each in day.levels[column]),
        *(_log_odds(hits / rows, rows) if rows else 0.0 for hits, rows in shares),
        math.log(day.sizes[column] or usual),
    )


def _misfit_told(column: str, usual: float, value: float, odd: Misfit, limit: float) -> HoldFinding:
    quantiles, signs = len(SHARES), len(SIGNS)
    if odd.place < quantiles:
        what, shown = f"{SHARES[odd.place]:.0%} quantile of {column}", number
        now, expected = (usual * math.sinh(each) for each in (value, odd.expected))
    elif odd.place < quantiles + signs:
        what, shown = f"share of {column} {SIGNS[odd.place - quantiles]}", percent
        now, expected = _share(value), _share(odd.expected)
    else:
        what, shown = f"mean size of {column}", number
        now, expected = math.exp(value), math.exp(odd.expected)
    told = (
        f"{what}: {shown(now)}. The others let expect {shown(expected)}. Distance, as a multiple of the "
        f"furthest of comparable days: {odd.distance:.1f}. Limit: {limit:.1f}"
    )
    return HoldFinding(name="shape", where=what, value=now, low=expected, high=expected, told=told)


def _sides(usual: Sequence[float]) -> tuple[float, float]:
    """How far ordered numbers reach below their middle and above it: a part of their range at least."""
    least, middle, most = usual[0], usual[len(usual) // 2], usual[-1]
    part = LEAST_SIDE * (most - least)
    return max(middle - least, part), max(most - middle, part)


def _steady_end(known: Sequence[tuple[float, ...]]) -> str:
    """The end of a column at which its numbers usually lie closer together. known: its quantiles."""
    lengths = {
        which: sorted(abs(each[last] - each[first]) for each in known)[len(known) // 2]
        for which, (first, _, last) in ENDS_OF_SHARES.items()
    }
    return min(lengths, key=lengths.__getitem__)


def _steps(found: OutcomeDay, past: Sequence[OutcomeDay], times: Times) -> Iterator[HoldFinding]:
    """Numbers that are multiples of more than on any comparable day, as where a join counts each twice."""
    for column, value in found.steps.items():
        known = [day.steps[column] for day in past if column in day.steps]
        if len(known) >= LEAST_DAYS and value > (most := max(known) * times(column)):
            yield _finding("grain", column, value, known, (0.0, most))


def _least_grain(column: str, days: Iterable[OutcomeDay]) -> float:
    return min((day.grains[column] for day in days if column in day.grains), default=0.0)


def _scarce(days: int) -> float:
    """How many times as wide a range counts while so few comparable days are known."""
    return max(1.0, ENOUGH_DAYS / days)


def _wide(usual: Sequence[float]) -> float:
    """How wide the range of numbers of one sign is, as a logarithm; if one is 0, without end."""
    return math.log(max(map(abs, usual)) / min(map(abs, usual))) if all(usual) else math.inf


def _allowed(usual: Sequence[float], wider: float) -> tuple[float, float]:
    """The limits of a number whose usual ones have one sign."""
    reach = wider * (LEAST_OF_LINE + WIDTHS_OF_LINE * _wide(usual) * _scarce(len(usual)))
    if reach == math.inf:
        return -math.inf, math.inf
    low, high = min(map(abs, usual)) / math.exp(reach), max(map(abs, usual)) * math.exp(reach)
    return (low, high) if usual[0] > 0 else (-high, -low)


def _reach(odds: float, rows: int, least: float = ODDS, left: float = 1.0) -> float:
    """How far the log odds of so many rows may lie beyond a bound. left: how much of CHANCE is left."""
    share = _share(odds)
    return least + left * CHANCE / math.sqrt(rows * share * (1 - share) + 0.5)


def _most_of_pile(
    known: Sequence[tuple[int, int]], rows: int, left: float, wider: float, scarce: float
) -> float:
    """The log odds that a pile of so many rows may have. known: those of comparable days.

    By the arc sine of the root of a share: chance moves it as far everywhere, also where rows are few.
    """
    angles = [math.asin(math.sqrt(some / all_)) for some, all_ in known]
    width = scarce * (max(angles) - min(angles))
    most = max(angles) + wider * (WIDTHS_OF_PILES * width + scarce * left * CHANCE / (2 * math.sqrt(rows)))
    return _log_odds(math.sin(min(most, math.pi / 2)) ** 2, rows)


def _odd(
    name: str, where: str, value: float, usual: Sequence[float], factor: float, chance: float = 0.0
) -> HoldFinding | None:
    """A finding if a number is more than a factor outside its range. chance: what is allowed besides."""
    low, high = min(usual) / factor - chance, max(usual) * factor + chance
    return None if low <= value <= high else _finding(name, where, value, usual, (low, high))


def _finding(
    name: str, where: str, value: float, usual: Sequence[float], allowed: tuple[float, float]
) -> HoldFinding:
    low, high = min(usual), max(usual)
    limit = allowed[0] if value < allowed[0] else allowed[1]
    shown = percent if name in OF_SHARES else number
    told = (
        f"{where}: {shown(value)}. {len(usual)} comparable days: {shown(low)} to {shown(high)}. "
        f"Limit: {shown(limit)}"
    )
    return HoldFinding(name=name, where=where, value=value, low=low, high=high, told=told)


def _short(number: float) -> str:
    """Three digits, and all those before the point."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def _before(step: timedelta) -> str:
    """When the file before was, in words."""
    return {DAY: "the day before", WEEK: "the week before"}.get(step, f"{step.days} days before")


def _hypothesis(size: float | None, usual: Sequence[float]) -> str:
    """What the factor to the middle of the usual sizes looks like."""
    if not size:
        return ", all numbers are 0"
    factor = size / sorted(usual)[len(usual) // 2]
    likely = likely_of_sizes(factor)
    return f", {of_usual(factor, 'size')}{f', which looks like {likely}' if likely else ''}"


def _z(correlation: float) -> float:
    return math.atanh(max(-SURE, min(SURE, correlation)))


def _log_odds(share: float, rows: int) -> float:
    """Of a share of rows; with half a row added on either side, so that it is finite."""
    hits = share * rows
    return math.log((hits + 0.5) / (rows - hits + 0.5))


def _share(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def rate_told(rate: float) -> str:
    return f"At most {rate:.0%} of ordinary days reach a limit."
