"""What each day of outcomes looks like, counted for many days at once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import combinations, pairwise

import polars as pl
from polars import selectors

from nightjar.core.kinds.kind import Kind
from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_looks import FEW_VALUES, GREATEST, OutcomeDay, where
from nightjar.core.monitoring.outcome_relations import (
    MANY_ROWS,
    MOST_COUPLED,
    alike,
    apart,
    belonging,
    beside_before,
    edges,
    ends,
    factors,
    flags,
    grains,
    levels,
    lines,
    numbers_of,
    ordered,
    parts,
    piles,
    ranks,
    sampled,
    steps,
    whole,
)

MOST_VALUES = 100
"""A column of texts with more values names things, and is not counted by value."""
SEVERAL_VALUES = 20
"""Of a column with so many values at most, numbers are looked at by value too.

If they are more than FEW_VALUES, those that have MANY_ROWS.
"""
OF_SEVERAL = (" missing", " of 0", " below 0")
"""What is counted of one of several values. The rest of it is chance."""
DAY = timedelta(days=1)


def step_of(days: Iterable[date]) -> timedelta:
    """How far the days of a dataset lie apart where none is missing: a day, or seven for weekly files."""
    ordered = sorted(days)
    return min((after - day for day, after in pairwise(ordered)), default=DAY)


def days_of(
    dataset: RawDataset,
    rows: pl.DataFrame,
    wanted: Collection[date] | None = None,
    step: timedelta = DAY,
) -> Mapping[date, OutcomeDay]:
    """The days of rows as `RawStore.read` gives them, without their outcomes.

    wanted: these days alone; None: all. step: as `step_of`. The day a step before each counts for `repeated`
    and for `belonging`, if its rows are there too.
    """
    if rows.is_empty():
        return {}
    numbers = [name for name in rows.select(selectors.numeric()).columns if name in dataset.columns]
    size = pl.col(numbers).cast(pl.Float64).abs()
    asked = rows if wanted is None else rows.filter(pl.col("date").is_in([*wanted]))
    sized = asked.group_by("date").agg(
        pl.len().alias("__rows"), size.mean(), size.max().name.prefix(GREATEST)
    )
    values = _values(dataset, rows)
    few = [name for name, count in values.items() if count <= FEW_VALUES]
    several = [name for name, count in values.items() if FEW_VALUES < count <= SEVERAL_VALUES]
    by_value = _sizes_by_value(asked, numbers, few, several)
    counted = {name: _counted(asked, name) for name, count in values.items() if count <= MOST_VALUES}
    own = [name for name in numbers if name not in dataset.keys]
    rates = _rates(asked, own, few, several)
    same = sampled(dataset, rows)
    repeated = _repeated(dataset, rows, own, step)
    found = dict[date, OutcomeDay]()
    for row in sized.sort("date").iter_rows(named=True):
        day = row["date"]
        if (now := same.get(day)) is None:
            continue
        beside = beside_before(dataset, now, same.get(day - step))
        read, divided = numbers_of(now, own), parts(now, few, several)
        grain, by_part = grains(read), ordered(read, divided)
        all_rows, fitted = whole(by_part), lines(read, divided, grain)
        found[day] = OutcomeDay(
            rows=row["__rows"],
            sizes={name: row[name] for name in (*numbers, *(f"{GREATEST}{name}" for name in numbers))}
            | by_value.get(day, {}),
            couplings=ranks(beside, own),
            factors=factors(beside, own, few),
            values={name: counts.get(day, {}) for name, counts in counted.items()},
            repeated=repeated.get(day, 0.0),
            rates={
                **rates[day],
                **belonging(dataset, beside, few, several),
                **piles(by_part),
                **alike(dataset, now, read),
            },
            lines=fitted,
            grains=grain,
            edges=edges(all_rows),
            ends=ends(all_rows),
            levels=levels(by_part),
            steps=steps(by_part),
            apart=apart(now, [name for name in counted if name not in few], fitted),
            flags=flags(read),
        )
    return found


def with_outcomes(found: OutcomeDay, outcomes: pl.Series, kind: Kind) -> OutcomeDay:
    """A day with its outcomes, as the kind codes them: their shares, or of any number their mean size."""
    if kind.outcomes is None:
        size = outcomes.cast(pl.Float64).abs().mean()
        return found.model_copy(update={"outcomes": outcomes.len(), "mean_size": size})
    counted = outcomes.drop_nulls().value_counts().iter_rows()
    shares = {
        kind.classes[int(value)] if kind.classes else f"{value:g}": rows / outcomes.len()
        for value, rows in counted
    }
    return found.model_copy(update={"outcomes": outcomes.len(), "shares": shares})


def _values(dataset: RawDataset, rows: pl.DataFrame) -> dict[str, int]:
    """How many different values each column of texts has on a day, at most.

    Of one day: what is seen of a day must not depend on how many others land with it.
    """
    texts = [name for name, dtype in dataset.columns.items() if dtype == pl.String]
    if not texts:
        return {}
    return rows.group_by("date").agg(pl.col(texts).n_unique()).select(pl.col(texts).max()).row(0, named=True)


def _counted(rows: pl.DataFrame, column: str) -> dict[date, dict[str, int]]:
    counted: dict[date, dict[str, int]] = {}
    for day, value, count in rows.drop_nulls(column).group_by("date", column).len().iter_rows():
        counted.setdefault(day, {})[value] = count
    return counted


def _sizes_by_value(
    rows: pl.DataFrame, numbers: Sequence[str], few: Sequence[str], several: Sequence[str]
) -> dict[date, dict[str, float | None]]:
    """The sizes of each value of a column with few of them, as `arr_delay where origin is EWR`."""
    found: dict[date, dict[str, float | None]] = {}
    for column in (*few, *several):
        least = 0 if column in few else MANY_ROWS
        sized = rows.group_by("date", column, maintain_order=True).agg(
            pl.when(pl.col(name).count() >= least)
            .then(pl.col(name).cast(pl.Float64).abs().mean())
            .alias(name)
            for name in numbers
        )
        for row in sized.drop_nulls(column).iter_rows(named=True):
            named = {
                f"{name}{where(column, row[column])}": row[name]
                for name in numbers
                if column in few or row[name] is not None
            }
            found.setdefault(row["date"], {}).update(named)
    return found


def _rates(
    rows: pl.DataFrame, numbers: Sequence[str], few: Sequence[str], several: Sequence[str]
) -> dict[date, dict[str, tuple[int, int]]]:
    """How many rows are as `_countable` says, and of how many; whole and by value of the columns."""
    counted = {told: pl.struct(hits.fill_null(0), of.alias("of")) for told, hits, of in _countable(numbers)}
    of_several = {told: each for told, each in counted.items() if told.endswith(OF_SEVERAL)}
    found: dict[date, dict[str, tuple[int, int]]] = {}
    for column in (None, *few, *several):
        key = ["date"] if column is None else ["date", column]
        asked, least = (of_several, MANY_ROWS) if column in several else (counted, 0)
        by_key = rows.drop_nulls(key).group_by(key, maintain_order=True).agg(**asked)
        for row in by_key.iter_rows(named=True):
            of = "" if column is None else where(column, row[column])
            told = {each: tuple(row[each].values()) for each in asked}
            found.setdefault(row["date"], {}).update(
                (f"{each}{of}", rate) for each, rate in told.items() if rate[1] >= least
            )
    return found


def _countable(numbers: Sequence[str]) -> Iterator[tuple[str, pl.Expr, pl.Expr]]:
    """What is counted of number columns, and of which rows: those that are known."""
    for name in numbers:
        value, known = pl.col(name), pl.col(name).count()
        yield f"{name} missing", value.null_count(), pl.len()
        yield f"{name} of 0", (value == 0).sum(), known
        yield f"{name} below 0", (value < 0).sum(), known
    if len(numbers) <= MOST_COUPLED:
        for a, b in combinations(numbers, 2):
            above = pl.col(a) > pl.col(b)
            one, other = (pl.col(each).is_not_null() for each in (a, b))
            yield f"{a} above {b}", above.sum(), above.count()
            yield f"{a} or {b} alone unknown", (one ^ other).sum(), pl.len()


def _repeated(
    dataset: RawDataset, rows: pl.DataFrame, numbers: Sequence[str], step: timedelta
) -> dict[date, float]:
    """The share of each day's rows that the day before had with the same values, dates and times apart.

    numbers: the columns of numbers but the keys. A row whose numbers are all missing or 0 is that of the day
    before by chance, as a flight that is cancelled twice. Where there are no numbers, every row counts.
    """
    same = [name for name, dtype in dataset.columns.items() if not dtype.is_temporal()]
    says = pl.any_horizontal(pl.col(name) != 0 for name in numbers) if numbers else pl.lit(value=True)
    saying = rows.filter(says)
    days = {part["date"][0]: part.select(same).hash_rows(seed=0) for part in saying.partition_by("date")}
    counts = dict(rows["date"].value_counts().iter_rows())
    return {
        day: int(own.is_in(days[day - step].implode()).sum()) / counts[day]
        for day, own in days.items()
        if day - step in days
    }
