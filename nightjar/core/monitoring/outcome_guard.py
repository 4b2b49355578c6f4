"""Is a day of outcomes like those of comparable days? A day that is not is held until a person decides.

The numbers of a day lie on scales where a factor is a distance: rows and sizes by their logarithm, shares by
their log odds. A number counts as odd where it lies further outside the range of the comparable days than its
limit. The limits were chosen on January to June of the recorded flights, so that no day of theirs is held.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum

from pydantic import AwareDatetime, Field

from nightjar.core.comparison.comparable import comparables
from nightjar.core.values import Value

LEAST_DAYS = 7
"""With fewer comparable days nothing is said."""
LEAST_ROWS = 20
"""A value that comparable days always have at least so often may not be missing."""
FACTOR_ROWS, FACTOR_ALIKE, FACTOR_VALUE, FACTOR_SIZE = 1.8, 1.5, 4.0, 4.0
"""How many times more or fewer rows, rows of a value, and size of numbers than in any comparable day.

FACTOR_ALIKE: of the days of the same weekday, whose number of rows is steadier.
"""
LEAST_ALIKE = 4
MORE_REPEATED = 0.4
"""How much greater the share of rows may be that the day before had too."""
APART = 0.5
"""How far a correlation may lie outside its range."""
ODDS = 2.0
"""How far the log odds of an outcome may lie outside the range."""
ODDS_OF_RATE, ODDS_OF_MISSING = 1.5, 2.0
"""The same of the share of values that are 0, or greater than those of another column; and of missing ones.

In a storm half of the flights have no arrival.
"""
CHANCE = 4.0
"""Standard errors of so many rows that are allowed besides: with few rows, chance alone goes far."""
MISSING = "missing"
"""In what is counted of missing values."""
KNOWN_FACTORS = {60: "seconds for minutes", 1000: "thousandths", 1.609344: "kilometres for miles"}


class OutcomeDay(Value):
    """What a day of a dataset of outcomes looks like.

    sizes: column of numbers -> mean of the absolute values; None if all are missing. couplings: two columns
    of numbers -> their correlation. values: column of texts
    -> value -> rows. repeated: share of rows that the day before had too. outcomes: rows of the score date
    with an outcome. rates: what is counted, such as `arr_delay missing where origin is EWR` -> rows that are
    so, and all rows. shares: outcome -> share of these rows; empty for a kind of any number, whose
    mean_size is the mean of the absolute outcomes. broken: why the outcomes cannot be, if they cannot.
    """

    rows: int
    sizes: Mapping[str, float | None]
    couplings: Mapping[str, float | None] = Field(default_factory=dict[str, float | None])
    values: Mapping[str, Mapping[str, int]]
    repeated: float = 0.0
    rates: Mapping[str, tuple[int, int]] = Field(default_factory=dict[str, tuple[int, int]])
    outcomes: int = 0
    shares: Mapping[str, float] = Field(default_factory=dict[str, float])
    mean_size: float | None = None
    broken: str | None = None


Held = Mapping[tuple[date, datetime], datetime | None]
"""Day and instant (UTC) of a delivery -> the instant from which it counts; None: it does not count."""


def nothing_held(dataset: str) -> Held:  # noqa: ARG001  # whatever it is
    return {}


class HoldFinding(Value):
    """One thing against a day: its name, where, the number, what was expected, and a sentence."""

    name: str
    where: str
    value: float
    low: float
    high: float
    told: str


class Verdict(StrEnum):
    """What became of a day's delivery. HELD waits for a person."""

    PASSED = "passed"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class OutcomeCheck(Value):
    """One verdict on a delivery of a day of outcomes.

    recorded_at: the instant of the delivery. counts_from: the instant from which it counts, where a person
    accepted it. actor, decided_at: set by the ledger.
    """

    model: str
    dataset: str
    day: date
    recorded_at: AwareDatetime
    verdict: Verdict
    looks: OutcomeDay
    findings: tuple[HoldFinding, ...] = ()
    counts_from: AwareDatetime | None = None
    reason: str | None = None
    actor: str = ""
    decided_at: AwareDatetime | None = None

    @property
    def counts(self) -> bool:
        return self.verdict in {Verdict.PASSED, Verdict.ACCEPTED}


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


def checked(day: date, found: OutcomeDay, days: Mapping[date, OutcomeDay]) -> tuple[HoldFinding, ...]:
    """Everything that stands against a day. days: those that count, of which earlier ones are compared."""
    near = comparables(day, days)
    return findings(found, [days[each] for each in near.every], [days[each] for each in near.alike])


def findings(
    found: OutcomeDay, past: Sequence[OutcomeDay], alike: Sequence[OutcomeDay] = ()
) -> tuple[HoldFinding, ...]:
    """past: comparable days. alike: those of the same weekday."""
    if found.broken is not None:
        return (HoldFinding(name="bounds", where="outcome", value=0, low=0, high=0, told=found.broken),)
    if len(past) < LEAST_DAYS:
        return ()
    return (
        *_rows(found, past, alike),
        *_sizes(found, past),
        *_couplings(found, past),
        *_repeated(found, past),
        *_shares(found, past),
        *_rates(found, past),
    )


def _rows(
    found: OutcomeDay, past: Sequence[OutcomeDay], alike: Sequence[OutcomeDay]
) -> Iterator[HoldFinding]:
    usual, factor = (alike, FACTOR_ALIKE) if len(alike) >= LEAST_ALIKE else (past, FACTOR_ROWS)
    rows, outcomes = [each.rows for each in usual], [each.outcomes for each in usual]
    if odd := _odd("volume", "rows", found.rows, rows, factor, math.sqrt(min(rows))):
        yield odd
        return
    if odd := _odd("coverage", "outcomes", found.outcomes, outcomes, factor, math.sqrt(min(outcomes))):
        yield odd
    for column in found.values:
        usual = {value for each in past for value in each.values.get(column, {})}
        for value in sorted(usual):
            counts = [each.values.get(column, {}).get(value, 0) for each in past]
            there = found.values[column].get(value, 0)
            if min(counts) >= LEAST_ROWS and there * FACTOR_VALUE < min(counts):
                yield _finding("slice_missing", f"{column} {value}", there, counts)


def _sizes(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    if found.rows < LEAST_ROWS:
        return
    sizes = {**found.sizes, "outcome": found.mean_size}
    for column, size in sizes.items():
        usual = [each.mean_size if column == "outcome" else each.sizes.get(column) for each in past]
        known = [each for each in usual if each]
        if len(known) < len(usual):
            continue
        if odd := _odd("units", column, size or 0.0, known, FACTOR_SIZE):
            yield odd.model_copy(update={"told": odd.told + _hypothesis(size, known)})


def _couplings(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    for pair, value in found.couplings.items():
        known = [each for day in past if (each := day.couplings.get(pair)) is not None]
        if value is None or len(known) < len(past):
            continue
        reach = APART + CHANCE / math.sqrt(found.rows)
        if not min(known) - reach <= value <= max(known) + reach:
            yield _finding("coupling", f"correlation of {pair}", value, known)


def _repeated(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    shares = [each.repeated for each in past]
    if found.rows >= LEAST_ROWS and found.repeated > max(shares) + MORE_REPEATED:
        yield _finding("repeated", "rows of the day before", found.repeated, shares)


def _shares(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    if not found.outcomes:
        return
    for outcome in sorted({*found.shares}.union(*(each.shares for each in past))):
        shares = [each.shares.get(outcome, 0.0) for each in past]
        usual = [_log_odds(share, each.outcomes) for share, each in zip(shares, past, strict=True)]
        low = min(usual) - _reach(min(usual), found.outcomes)
        high = max(usual) + _reach(max(usual), found.outcomes)
        if not low <= _log_odds(found.shares.get(outcome, 0.0), found.outcomes) <= high:
            yield _finding("base_rate", f"outcome {outcome}", found.shares.get(outcome, 0.0), shares)
            return


def _rates(found: OutcomeDay, past: Sequence[OutcomeDay]) -> Iterator[HoldFinding]:
    for counted, (hits, rows) in found.rates.items():
        known = [each for day in past if (each := day.rates.get(counted, (0, 0)))[1] >= LEAST_ROWS]
        if rows < LEAST_ROWS or len(known) < LEAST_DAYS:
            continue
        usual = [_log_odds(some / all_, all_) for some, all_ in known]
        least = ODDS_OF_MISSING if MISSING in counted else ODDS_OF_RATE
        low = min(usual) - _reach(min(usual), rows, least)
        high = max(usual) + _reach(max(usual), rows, least)
        if not low <= _log_odds(hits / rows, rows) <= high:
            yield _finding(
                "values", f"share of {counted}", hits / rows, [some / all_ for some, all_ in known]
            )


def _reach(odds: float, rows: int, least: float = ODDS) -> float:
    """How far the log odds of so many rows may lie beyond a bound."""
    share = 1 / (1 + math.exp(-odds))
    return least + CHANCE / math.sqrt(rows * share * (1 - share) + 0.5)


def _odd(
    name: str, where: str, value: float, usual: Sequence[float], factor: float, chance: float = 0.0
) -> HoldFinding | None:
    """A finding if a number is more than a factor outside its range. chance: what is allowed besides."""
    low, high = min(usual), max(usual)
    if low / factor - chance <= value <= high * factor + chance:
        return None
    return _finding(name, where, value, usual)


def _finding(name: str, where: str, value: float, usual: Sequence[float]) -> HoldFinding:
    low, high = min(usual), max(usual)
    told = f"{where}: {value:.4g}, on {len(usual)} comparable days {low:.4g} to {high:.4g}"
    return HoldFinding(name=name, where=where, value=value, low=low, high=high, told=told)


def _hypothesis(size: float | None, usual: Sequence[float]) -> str:
    """What the factor to the middle of the usual sizes looks like."""
    if not size:
        return "; there is no number but 0"
    factor = size / sorted(usual)[len(usual) // 2]
    likely = min(KNOWN_FACTORS, key=lambda each: abs(math.log(factor / each)))
    near = abs(math.log(factor / likely)) < math.log(1.6)
    return f"; {factor:.3g} times as large" + (f", which looks like {KNOWN_FACTORS[likely]}" if near else "")


def _log_odds(share: float, rows: int) -> float:
    """Of a share of rows; with half a row added on either side, so that it is finite."""
    hits = share * rows
    return math.log((hits + 0.5) / (rows - hits + 0.5))


def told(found: Iterable[HoldFinding]) -> str:
    return "; ".join(f"{each.name}: {each.told}" for each in found)
