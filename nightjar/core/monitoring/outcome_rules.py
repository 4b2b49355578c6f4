"""How far each number of a day of outcomes may lie outside those of comparable days.

The numbers of a day lie on scales where a factor is a distance: rows and sizes by their logarithm, shares by
their log odds. A number counts as odd where it lies further outside the range of the comparable days than its
limit. The limits were chosen on January to June of the recorded flights, so that no day of theirs is held.
"""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial

from nightjar.core.inputs.factors import likely_of_sizes
from nightjar.core.monitoring.outcome_findings import CORRELATION, OF_SHARES, HoldFinding
from nightjar.core.monitoring.outcome_looks import (
    ALIKE,
    AND,
    BEFORE,
    FEW_VALUES,
    GREATEST,
    IN,
    LINE,
    LOWEST,
    MOST_ROWS,
    PILED,
    RISE,
    SHARES,
    SIGNS,
    UNANSWERED,
    UNASKED,
    WHERE,
    WITH,
    OutcomeDay,
)
from nightjar.core.monitoring.outcome_shapes import Misfit, misfit
from nightjar.core.wording import number, of_usual, percent

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
    "factor": 0.85,
    "level": 0.65,
    "shape": 0.75,
    "values": 0.8,
    SEVERAL: 1.6,
}
"""Of a day that counts, and is told. Chosen on January to June, so that at most 2% of their days are told."""
HOLDS: Limits = {**dict.fromkeys(TELLS, 1.0), SEVERAL: math.inf}
"""A held day is missing in all features for weeks. So one of many carriers alone holds none: it is told."""
LEAST_DAYS = 7
"""With fewer comparable days nothing is said."""
LEAST_ROWS = 20
"""A value that comparable days always have at least so often may not be missing."""
FACTOR_ROWS, FACTOR_ALIKE, FACTOR_VALUE = 1.8, 1.25, 1.3
FACTOR_GONE, FACTOR_SIZE = 4.0, 4.0
"""How many times more or fewer rows, rows of a value, and size or grain of numbers than on comparable days.

FACTOR_ALIKE, FACTOR_VALUE: of the days of the same weekday, whose number of rows is steadier.
"""
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
CHANCE_OF_ROWS = 2.5
"""Standard deviations of the rows of a value that are allowed besides."""
LEAST_ALIKE = 4
LEAST_APART, WIDTHS_APART = 0.3, 0.4
"""How far the inverse hyperbolic tangent of a rank correlation may lie outside its range: a fixed part, and
so many widths of the range.
"""
LOST, CLEAR = 3.0, 6.0
"""A rank correlation is lost below so many standard errors, if all comparable days have more than CLEAR."""
ODDS = 2.0
"""How far the log odds of an outcome may lie outside the range."""
LEAST_ODDS, WIDTHS, WIDEST = 0.5, 0.45, 1.6
"""The same of what is counted of rows: a fixed part, and so many widths of the range of the comparable days,
at most WIDEST.

In a storm half of the flights have no arrival. So what storms move has a wide range, and planes have not.
"""
LEAST_OF_FACTOR, WIDTHS_OF_FACTORS = 0.08, 0.7
"""How far a factor to the file before may lie beyond its range, as a logarithm: a fixed part, and so many
widths of the range.
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
WIDTHS_OF_PILES = 0.25
"""How far a pile may lie above those of comparable days, in widths of their range; besides what is chance."""
MOST_EXCLUDED = 2
"""So many rows may have both, although no row of the comparable days has: a slip of the feed.

So many entities may lack an outcome too, or have one without being an entity, although none has before.
"""
ENOUGH_DAYS = 20
"""Fewer comparable days do not show the whole range. With half as many it counts as twice as wide."""
CHANCE = 4.0
"""Standard errors of so many rows that are allowed besides: with few rows, chance alone goes far."""


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
        *_repeated(found, past, wider),
        *_sizes(found, past, limits["units"], times),
        *_couplings(found, past, wider * limits["coupling"]),
        *_factors(found, past, wider * limits["factor"], times),
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
    found: OutcomeDay, past: Sequence[OutcomeDay], alike: Sequence[OutcomeDay], wider: float, limits: Limits
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


def _factors(
    found: OutcomeDay, past: Sequence[OutcomeDay], left: float, times: Times
) -> Iterator[HoldFinding]:
    """Numbers of the same keys are larger or smaller than in the file before, in the middle of the rows."""
    for column, factor in found.factors.items():
        known = [day.factors[column] for day in past if column in day.factors]
        if len(known) < LEAST_DAYS:
            continue
        width = math.log(max(known) / min(known)) * _scarce(len(known))
        reach = math.exp(left * times(column) * (LEAST_OF_FACTOR + WIDTHS_OF_FACTORS * width))
        low, high = min(known) / reach, max(known) * reach
        if not low <= factor <= high:
            name, slice_, value = column.partition(WHERE)
            of = f"numbers of {name} beside those{BEFORE}{slice_}{value}"
            yield _finding("factor", of, factor, known, (low, high))


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
        now, *past_ones = (_described(day, column, usual) for day in (found, *days))
        odd, limit = misfit(now, past_ones), left * MOST_MISFIT * _scarce(len(days))
        if odd is not None and odd.distance > limit:
            yield _misfit_told(column, usual, now[odd.place], odd, limit)


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


def _hypothesis(size: float | None, usual: Sequence[float]) -> str:
    """What the factor to the middle of the usual sizes looks like."""
    if size is None:
        return ", no number is known"
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
