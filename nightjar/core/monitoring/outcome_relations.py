"""How the columns of a day of outcomes belong together, and to the day before.

Arrivals of another flight, of the day before, in another clock, or full of noise are ordinary arrivals. But
they do not rise with the departures as they did, and planes have other numbers of seats than a day ago.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import combinations, product
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray
from polars import selectors

from nightjar.core.inputs.former import SOME, Matrix, distinct, matrix
from nightjar.core.inputs.lines import Line
from nightjar.core.inputs.lines import line as fitted
from nightjar.core.inputs.shapes import FIFTH, LEAST_OF_ENDS, quantile
from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_looks import (
    ALIKE,
    AND,
    BEFORE,
    GAP,
    IF_NOT,
    IN,
    KNOWN,
    LOWEST,
    MOST_ROWS,
    PILED,
    SHARES,
    UNANSWERED,
    UNASKED,
    WHERE,
    WITH,
    Ends,
    where,
)

Rates = Mapping[str, tuple[int, int]]
"""What is counted -> how many rows are so, and of how many."""
Ordered = Mapping[tuple[str, str], Matrix]
"""A column, and "" or a part as ` where origin is EWR` -> its numbers in order, without the missing ones."""

THIRD, BESIDE = 3, 20
"""So many rows below 0, or on either side of a gap, are no slip of a few rows."""
KEYS_BEFORE = f"keys{BEFORE}"
MANY_ROWS = 30
"""Of a column of several values those with fewer rows, or numbers, are left out: what they show is chance."""
FEW_ROWS, ENOUGH_VALUES = 5, 10
"""Values with fewer rows are not compared with each other, nor are fewer values."""
STEPPED = 20
"""So many different whole numbers are all even, or all odd, by chance once in half a million times."""
HUNDRED, NEARLY_WHOLE, MOST_EXACT = 100, 1e-3, 1e12
"""Numbers of two decimals are whole in hundredths, as far as this can be said of so large ones."""
MOST_COUPLED = 8
"""With more columns of numbers they are not compared with each other."""


def sampled(dataset: RawDataset, rows: pl.DataFrame) -> Mapping[date, pl.DataFrame]:
    """At most about MOST_ROWS rows of each day, of the same keys every day.

    Of a day that has none of these keys, because it has few rows beside a large day, all rows.
    """
    most = max(rows.group_by("date").len()["len"])
    keys, one_of = keys_of(dataset), -(-most // MOST_ROWS)
    if one_of > 1 and keys:
        chosen = pl.struct(keys).hash() % one_of == 0
        rows = rows.filter(chosen | ~chosen.any().over("date"))
    return {part["date"][0]: part for part in rows.partition_by("date")}


def keys_of(dataset: RawDataset) -> list[str]:
    """The keys without a day or a time: they are met again on other days."""
    return [name for name in dataset.keys if not dataset.columns[name].is_temporal()]


def beside_before(dataset: RawDataset, now: pl.DataFrame, then: pl.DataFrame | None) -> pl.DataFrame:
    """The rows of a day, with the values of the same keys the day before as `arr_delay of the day before`.

    `met` is True where the key was there. now, then: the rows of both days. Without `then` or keys: now.
    """
    keys = keys_of(dataset)
    if then is None or not keys:
        return now
    own = [name for name in now.select(~selectors.temporal()).columns if name in _own(dataset)]
    once = then.unique(keys, keep="first").select(*keys, pl.col(own).name.suffix(BEFORE), met=True)
    return now.join(once, on=keys, how="left", maintain_order="left")


def belonging(
    dataset: RawDataset, rows: pl.DataFrame, few: Sequence[str], several: Sequence[str] = ()
) -> Rates:
    """What is counted of the rows of a day, and of the same keys the day before.

    rows: as `beside_before`. few: columns whose values are looked at by themselves too. several: as `parts`.
    Of them new keys are not counted, because carriers give all their flights other numbers, nor is what
    hardly happens: a number beside a flag that excludes it, or none without a flag that explains it.
    """
    counted = dict(_countable(dataset, rows))
    if "met" in rows.columns:
        counted[KEYS_BEFORE] = pl.col("met").fill_null(value=False)
        own = [name for name in _own(dataset) if f"{name}{BEFORE}" in rows.columns]
        counted |= {f"{name}{BEFORE}": pl.col(name) == pl.col(f"{name}{BEFORE}") for name in own}
    if not counted:
        return {}  # all columns are numbers, and nothing is known of the day before
    asked = [
        *(each.sum().alias(f"{told} hits") for told, each in counted.items()),
        *(each.count().alias(f"{told} of") for told, each in counted.items()),
    ]
    found = _whole_and_by_value(rows, asked, few, several)
    seldom = tuple(f"{WHERE}{name} is " for name in several)
    return {
        f"{told}{of}": (int(row[f"{told} hits"]), int(row[f"{told} of"]))
        for of, row in found.items()
        for told in counted
        if not (of.startswith(seldom) and (AND in told or IF_NOT in told or told == KEYS_BEFORE))
    }


def alike(dataset: RawDataset, rows: pl.DataFrame, numbers: Mapping[str, Matrix]) -> Rates:
    """How many rows have the number of the one before them that has the same part of the key.

    A join by a part of the key gives rows the numbers of others. A part is one column of the key, or all but
    one. numbers: as `numbers_of`. Two numbers are compared if both are known.
    """
    keys = keys_of(dataset)
    if len(keys) < 2 or len(numbers) > MOST_COUPLED:
        return {}
    found = dict[str, tuple[int, int]]()
    for part in dict.fromkeys(part for size in (1, len(keys) - 1) for part in combinations(keys, size)):
        hashed = rows.select(part).hash_rows(seed=0).to_numpy()
        order = np.argsort(hashed, kind="stable")
        same = np.diff(hashed[order]) == 0
        for name, values in numbers.items():
            now, last = values[order][1:], values[order][:-1]
            compared = same & ~np.isnan(now + last)
            told = f"{name}{ALIKE}{' and '.join(part)}"
            found[told] = int((compared & (now == last)).sum()), int(compared.sum())
    return found


def ranks(rows: pl.DataFrame, numbers: Sequence[str]) -> Mapping[str, float]:
    """The rank correlations of each two columns of numbers, and of each with itself the day before.

    rows: as `beside_before`.
    """
    if len(numbers) > MOST_COUPLED:
        return {}
    met = [(name, f"{name}{BEFORE}") for name in numbers if f"{name}{BEFORE}" in rows.columns]
    known = {pair: rows.select(pair).drop_nulls() for pair in [*combinations(numbers, 2), *met]}
    found = {
        f"{a}{WITH}{b}": both.select(pl.corr(pl.col(a).rank(), pl.col(b).rank()).fill_nan(None)).item()
        for (a, b), both in known.items()
        if both.height >= SOME
    }
    return {told: value for told, value in found.items() if value is not None}


def factors(rows: pl.DataFrame, numbers: Sequence[str], few: Sequence[str]) -> Mapping[str, float]:
    """How many times as large each column of numbers is as for the same keys the day before, in the middle of
    the rows. Whole, and by value of columns of few values.

    rows: as `beside_before`. Only numbers that are above 0 on both days count, SOME of them at least.
    """
    pairs = {name: f"{name}{BEFORE}" for name in numbers if f"{name}{BEFORE}" in rows.columns}
    if not pairs:
        return {}
    times = {
        name: pl.when((pl.col(name) > 0) & (pl.col(before) > 0)).then(pl.col(name) / pl.col(before))
        for name, before in pairs.items()
    }
    asked = [each.median().alias(name) for name, each in times.items()]
    asked += [each.count().alias(f"{name} of") for name, each in times.items()]
    found = _whole_and_by_value(rows, asked, few)
    return {
        f"{name}{of}": row[name] for of, row in found.items() for name in pairs if row[f"{name} of"] >= SOME
    }


def _whole_and_by_value(
    rows: pl.DataFrame, asked: Sequence[pl.Expr], few: Sequence[str], several: Sequence[str] = ()
) -> Mapping[str, Mapping[str, Any]]:
    """The answers of all rows, and of those of each value of some columns, as ` where origin is EWR`.

    several: columns of more values, of which those with MANY_ROWS are asked.
    """
    found = {"": rows.select(asked).row(0, named=True)}
    for column in (*few, *several):
        each_value = (
            rows.drop_nulls(column)
            .group_by(column, maintain_order=True)
            .agg(pl.len().alias("rows of it"), *asked)
        )
        found |= {
            where(column, row[column]): row
            for row in each_value.iter_rows(named=True)
            if column in few or row["rows of it"] >= MANY_ROWS
        }
    return found


def answered(entities: pl.Series, told: pl.Series) -> Rates:
    """How many entities that were to be scored have no outcome, and how many outcomes are of no entity.

    Both are entity keys. Nothing is said without entities: perhaps nothing was to be scored then.
    """
    if entities.is_empty():
        return {}
    return {
        UNANSWERED: (int((~entities.is_in(told.implode())).sum()), entities.len()),
        UNASKED: (int((~told.is_in(entities.implode())).sum()), told.len()),
    }


def _own(dataset: RawDataset) -> list[str]:
    return [name for name in dataset.columns if name not in dataset.keys]


def _countable(dataset: RawDataset, rows: pl.DataFrame) -> Iterator[tuple[str, pl.Expr]]:
    """What is counted of texts and flags; null where a row says nothing of it."""
    own = rows.select(name for name in rows.columns if name in _own(dataset))
    texts, flags, numbers = (
        own.select(of).columns for of in (selectors.string(), selectors.boolean(), selectors.numeric())
    )
    yield from ((f"{name} missing", pl.col(name).is_null()) for name in (*texts, *flags))
    yield from ((f"{name} true", pl.col(name)) for name in flags)
    for flag, name in product(flags, numbers):
        yield f"{flag}{AND}{name}{KNOWN}", pl.col(flag) & pl.col(name).is_not_null()
        yield f"{name}{IF_NOT}{flag}", pl.when(~pl.col(flag)).then(pl.col(name).is_null())


def parts(
    rows: pl.DataFrame, few: Sequence[str], several: Sequence[str] = ()
) -> Mapping[str, NDArray[np.bool_]]:
    """All rows, and those of each value of some columns, as ` where origin is EWR`.

    several: columns of more values, of which those with MANY_ROWS count.
    """
    counts = {
        name: rows[name].drop_nulls().value_counts().sort(name).iter_rows() for name in (*few, *several)
    }
    return {
        "": np.full(rows.height, fill_value=True),
        **{
            where(column, value): (rows[column] == value).fill_null(value=False).to_numpy()
            for column, values in counts.items()
            for value, count in values
            if column in few or count >= MANY_ROWS
        },
    }


def grains(numbers: Mapping[str, Matrix]) -> Mapping[str, float]:
    """Half of the least step between two numbers of each column: 0.5 for whole ones, 0 without a step.

    numbers: as `numbers_of`.
    """
    return {name: _grain(values) for name, values in numbers.items()}


def _grain(numbers: Matrix) -> float:
    steps = np.diff(np.unique(numbers[np.isfinite(numbers)]))
    return float(steps.min()) / 2 if steps.size else 0.0


def flags(numbers: Mapping[str, Matrix]) -> tuple[str, ...]:
    """Those of the columns of numbers that have two different ones, or one. numbers: as `numbers_of`."""
    return tuple(name for name, values in numbers.items() if distinct(values) <= 2)


def whole(found: Ordered) -> Mapping[str, Matrix]:
    """The numbers of each column in order, of all rows."""
    return {name: numbers for (name, of), numbers in found.items() if not of}


def edges(found: Mapping[str, Matrix]) -> Mapping[str, float]:
    """Where the numbers of each column leave their range, as far as a few rows do and not one.

    found: as `whole`.
    `lowest dep_delay`: how far below 0 the THIRD lowest number is. `gap of dep_delay`: the widest step
    between two numbers, with at least BESIDE rows on either side.
    """
    told = dict[str, float]()
    for name, numbers in found.items():
        if numbers.size > 2 * BESIDE:
            told[f"{LOWEST}{name}"] = max(0.0, -float(numbers[THIRD - 1]))
            told[f"{GAP}{name}"] = float(np.diff(numbers)[BESIDE - 1 : numbers.size - BESIDE].max())
    return told


def ends(found: Mapping[str, Matrix]) -> Mapping[str, Ends]:
    """The least, fifth least, fifth greatest and greatest number of each column of many numbers.

    found: as `whole`.
    """
    told = dict[str, Ends]()
    for name, numbers in found.items():
        if numbers.size >= LEAST_OF_ENDS:
            least, fifth, last_fifth, greatest = numbers[[0, FIFTH - 1, -FIFTH, -1]].tolist()
            told[name] = least, fifth, last_fifth, greatest
    return told


def numbers_of(rows: pl.DataFrame, names: Sequence[str]) -> Mapping[str, Matrix]:
    """The numbers of each column. NaN: missing."""
    return dict(zip(names, matrix(rows, names).T, strict=True))


def ordered(numbers: Mapping[str, Matrix], of_day: Mapping[str, NDArray[np.bool_]]) -> Ordered:
    """The known numbers of each column in order, whole and by value. Those without any are left out.

    numbers: as `numbers_of`. of_day: as `parts`.
    """
    known = {name: ~np.isnan(values) for name, values in numbers.items()}
    return {
        (name, of): np.sort(values[there])
        for name, values in numbers.items()
        for of, part in of_day.items()
        if (there := known[name] & part).any()
    }


def piles(found: Ordered) -> Rates:
    """How many numbers of each column are piled up at one value: more than at each value next to it.

    Delays of 16 to 30 minutes that are written as 15 are a pile, and so are those that are cut off.
    All of them, if the column has one value.
    """
    return {f"{name} {PILED}{of}": (_pile(numbers), numbers.size) for (name, of), numbers in found.items()}


def _pile(numbers: Matrix) -> int:
    first_places = np.flatnonzero(np.diff(numbers, prepend=-np.inf) > 0)
    counts = np.diff(first_places, append=numbers.size)
    beside = np.maximum(np.append(counts[1:], 0), np.append(0, counts[:-1]))
    return int((counts - beside).max())


def levels(found: Ordered) -> Mapping[str, tuple[float, ...]]:
    """The quantiles of SHARES of each column of many numbers, whole and by value."""
    return {
        f"{name}{of}": tuple(quantile(numbers, share) for share in SHARES)
        for (name, of), numbers in found.items()
        if numbers.size >= LEAST_OF_ENDS
    }


def steps(found: Ordered) -> Mapping[str, float]:
    """The greatest number of which all differences of a column are multiples, whole and by value.

    Of columns of at most two decimals, and of STEPPED different numbers.
    """
    wholes = {
        f"{name}{of}": hundredths
        for (name, of), numbers in found.items()
        if (hundredths := _in_hundredths(numbers)) is not None
    }
    differences = {of: np.diff(hundredths) for of, hundredths in wholes.items()}
    return {
        of: float(np.gcd.reduce(each) / HUNDRED)
        for of, each in differences.items()
        if np.count_nonzero(each) >= STEPPED - 1
    }


def _in_hundredths(numbers: Matrix) -> NDArray[np.int64] | None:
    """None if numbers have more decimals than two, or are too large to tell."""
    if max(-numbers[0], numbers[-1]) * HUNDRED >= MOST_EXACT:
        return None
    hundredths = np.round(numbers * HUNDRED)
    exact = np.abs(hundredths - numbers * HUNDRED).max() < NEARLY_WHOLE
    return hundredths.astype(np.int64) if exact else None


def lines(
    numbers: Mapping[str, Matrix], of_day: Mapping[str, NDArray[np.bool_]], grain: Mapping[str, float]
) -> Mapping[str, Line]:
    """The line of each two columns of numbers, whole and by value, as `arr_delay with dep_delay`.

    Most rows lie near a line also on a day of a storm, so it differs little from day to day.
    numbers: as `numbers_of`. of_day: as `parts`. grain: of each of these columns.
    """
    return dict(_lines(numbers, of_day, grain)) if len(grain) <= MOST_COUPLED else {}


def _lines(
    values: Mapping[str, Matrix], of_day: Mapping[str, NDArray[np.bool_]], grain: Mapping[str, float]
) -> Iterator[tuple[str, Line]]:
    for one, other in combinations(grain, 2):
        known = ~np.isnan(values[one] + values[other])
        for of, part in of_day.items():
            both = known & part
            if both.sum() >= SOME:
                yield f"{other}{WITH}{one}{of}", line(values[one][both], values[other][both], grain[other])


def apart(rows: pl.DataFrame, columns: Sequence[str], found: Mapping[str, Line]) -> Mapping[str, float]:
    """How far the values of a column of texts lie apart, as `dest in arr_delay with dep_delay`.

    Of each value it is the middle distance from the line of all rows; without a tenth of the rows at either
    end, where a storm may be. columns: those of texts. found: the `lines` of these rows.
    """
    pairs = {name: (*name.split(WITH), of[0]) for name, of in found.items() if WHERE not in name}
    return {
        f"{column}{IN}{pair}": width
        for pair, (other, one, rise) in pairs.items()
        for column in columns
        if (width := _apart(rows.select(column, away=pl.col(other) - rise * pl.col(one)), column)) is not None
    }


def _apart(rows: pl.DataFrame, column: str) -> float | None:
    middles = (
        rows.drop_nulls()
        .group_by(column)
        .agg(pl.col("away").median(), pl.len())
        .filter(pl.col("len") >= FEW_ROWS)
    )
    if middles.height < ENOUGH_VALUES:
        return None
    low, high = np.quantile(np.repeat(middles["away"].to_numpy(), middles["len"].to_numpy()), (0.1, 0.9))
    return float(high - low)


def line(one: Matrix, other: Matrix, grain: float) -> Line:
    """The rise of the line through most points, the middle distance from it, and that of most points.

    A distance below the grain of the other number says nothing, and counts as the grain.
    """
    rise, middle, most = fitted(one, other)
    return rise, max(middle, grain), max(most, grain)
