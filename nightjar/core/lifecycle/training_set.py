"""A training set joins mature outcomes to the rows that would have been scored.

It is split by time, and a hash of its content identifies it.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from nightjar.core.comparison.ordinary import MIN_VALUES
from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import local_date
from nightjar.core.sampling import sampled

REFERENCE_ROWS = 20_000
DAY = "score_date"


@dataclass(frozen=True, slots=True)
class TimeCut:
    """Rows by when they were scored: `train` is oldest, `valid` chooses, `test` is unseen.

    between: number of rows left out between them, so that their outcomes share no day.
    """

    train: pl.DataFrame
    valid: pl.DataFrame
    test: pl.DataFrame
    between: int = 0

    @property
    def seen(self) -> pl.DataFrame:
        return pl.concat([self.train, self.valid])

    @property
    def left_out(self) -> Mapping[str, int]:
        """Reason -> number of rows that are in no part."""
        return {"rows between the parts, whose outcomes share days with theirs": self.between}

    @property
    def trained_through(self) -> date:
        last = self.valid["score_date"].max()
        assert isinstance(last, date)
        return last


def embargo(spec: ModelSpec) -> timedelta:
    """How long the dates between two parts of a time split are left out.

    The outcome of a date is about `maturity_days` days. Without the embargo, those of the last dates of a
    part would lie in the dates of the next part. See "purging" and "embargo" in chapter 7 of Lopez de Prado
    (2018), Advances in Financial Machine Learning.
    """
    return timedelta(days=max(0, spec.maturity_days - 1))


def last_mature_date(spec: ModelSpec, known_at: datetime) -> date:
    """Return the newest score date whose outcomes count as complete at an instant."""
    return local_date(spec, known_at) - timedelta(days=spec.maturity_days)


def mature_outcomes(outcomes: pl.DataFrame, known_at: datetime, last: date) -> pl.DataFrame:
    """Return `entity_key`, `score_date`, `outcome` for dates up to `last`.

    Each outcome is the latest one that was recorded by `known_at`.
    """
    known = outcomes.filter(pl.col("recorded_at") <= known_at, pl.col("score_date") <= last).drop_nulls(
        "entity_key"
    )
    newest = known.sort("recorded_at", maintain_order=True).unique(
        ["entity_key", "score_date"], keep="last", maintain_order=True
    )
    return newest.select("entity_key", "score_date", "outcome")


def known_days(
    dataset: str, recorded: Mapping[date, Sequence[datetime]], known_at: datetime, set_aside: int = 0
) -> str:
    """Say for which days a dataset is known at an instant.

    recorded: when each day's deliveries were recorded, oldest first. set_aside: how many deliveries are bad.
    """
    known = [day for day, instants in recorded.items() if instants[0] <= known_at]
    bad = f" (bad deliveries that are set aside: {set_aside:,}; correct them first)" if set_aside else ""
    if known:
        return f"{dataset} of {days_told(known)} landed{bad}"
    later = f" by then; those of {days_told(recorded)} came later" if recorded else ""
    return f"no {dataset} landed{later}{bad}"


def days_told(days: Collection[date]) -> str:
    first, last = min(days), max(days)
    return f"one day, {first}," if first == last else f"{len(days)} days, {first} to {last},"


def labelled(population: pl.DataFrame, outcomes: pl.DataFrame) -> tuple[pl.DataFrame, Mapping[str, int]]:
    """Return sound population rows with their outcome, sorted by (score_date, entity_key).

    Also return how many rows were left out, by reason.
    population: `entity_key`, `score_date`, `fault`, and any other columns.
    """
    sound = population.filter(pl.col("fault").is_null()).drop("fault")
    key = ["entity_key", "score_date"]
    rows = sound.join(outcomes, on=key, how="inner").sort("score_date", "entity_key")
    left_out = {
        "population rows with a fault": population.height - sound.height,
        "population rows without a mature outcome": sound.height - rows.height,
        "outcomes without a population row": outcomes.height - rows.height,
    }
    return rows, left_out


def no_outcome(dates: Sequence[date], last: date) -> str:
    """Why there is no mature outcome at all, in words.

    dates: those for which a file of outcomes is known. last: the newest date whose outcomes may be mature.
    """
    if not dates:
        return f"there is none yet, because the newest date that may have some is {last}."
    return (
        f"`outcomes` gives no row for {days_told(dates)} though files of them have landed. It must give rows "
        "once all days of `outcome_reads` are there."
    )


def known_too_late(outcomes: pl.DataFrame, landed: str) -> str:
    """Why no date with outcomes has a population, in words.

    outcomes: at least one. landed: which days of the datasets are known.
    """
    return (
        f"no population of {days_told(outcomes['score_date'].unique())} was known in time. {landed}. A file "
        "counts for a date if it was recorded by the as-of of the date: give past files the instant at which "
        "their content was known, not that at which you land them."
    )


def unmatched(population: pl.DataFrame, outcomes: pl.DataFrame) -> str:
    """Why no row of the populations has an outcome, in words.

    Both are of the same dates. outcomes: at least one.
    """
    if population.is_empty():
        return "`population` gives no row for their dates. Correct it in the model's folder."
    sound = population.filter(pl.col("fault").is_null())
    if sound.is_empty():
        return f"each of the {population.height:,} rows has a fault, the first: {population['fault'][0]}."
    ours, theirs = (rows.row(0, named=True) for rows in (sound, outcomes.sort("score_date", "entity_key")))
    return (
        f"`population` gives keys like {ours['entity_key']!r} on {ours['score_date']}, `outcomes` gives keys "
        f"like {theirs['entity_key']!r} on {theirs['score_date']}. Both must make the same `entity_key` for "
        "the same thing on the same score date."
    )


def cut_by_time(rows: pl.DataFrame, spec: ModelSpec, known_at: datetime) -> TimeCut:
    """Split rows into the last `test_days` calendar days, the `valid_days` before them, and all earlier days.

    The days of the embargo before the test and before the choice are in no part.
    Raises TooLittleHistory.
    rows: at least the columns `score_date` and `outcome`.
    """
    split, last = spec.split, rows["score_date"].max()
    if not isinstance(last, date):
        raise TooLittleHistory(spec.name, known_at, "there is none with a population row")
    test_from = last - timedelta(days=split.test_days - 1)
    valid_to = test_from - embargo(spec)
    valid_from = valid_to - timedelta(days=split.valid_days)
    train_to = valid_from - embargo(spec)
    day = pl.col("score_date")
    between = (day >= valid_to) & (day < test_from) | (day >= train_to) & (day < valid_from)
    cut = TimeCut(
        rows.filter(day < train_to),
        rows.filter(day >= valid_from, day < valid_to),
        rows.filter(day >= test_from),
        between=rows.filter(between).height,
    )
    if cut.train.height < split.min_train_rows:
        needed = (
            f"{split.min_train_rows:,} rows before {train_to} are needed to train on, there are "
            f"{cut.train.height:,}"
        )
        raise TooLittleHistory(spec.name, known_at, f"{needed}. {_what_there_is(rows, spec)}")
    lacks, lacks_to_train = spec.kind.lacking, spec.kind.lacking_to_train
    for name, part, check in (
        ("train", cut.train, lacks),
        ("train", cut.train, lacks_to_train),
        ("choose", cut.valid, lacks),
        ("test", cut.test, lacks),
    ):
        if lacking := check(part["outcome"]):
            raise TooLittleHistory(spec.name, known_at, f"the rows to {name} on need {lacking}")
    return cut


def _what_there_is(rows: pl.DataFrame, spec: ModelSpec) -> str:
    """The rows and their days, what they are kept for, and when there will be enough, in words.

    rows: at least one.
    """
    split, days = spec.split, rows["score_date"].unique().sort().to_list()
    calendar_days = (days[-1] - days[0]).days + 1
    to_train = math.ceil(split.min_train_rows * calendar_days / rows.height)
    span = timedelta(days=to_train + split.valid_days + split.test_days) + 2 * embargo(spec)
    left_out = f"{embargo(spec).days} days before each of the two are left out. " if embargo(spec) else ""
    return (
        f"In all there are {rows.height:,} rows with an outcome, of {days_told(days)} and of these days "
        f"the last {split.test_days} are kept to test, the {split.valid_days} before them to choose. "
        f"{left_out}With as many rows a day there are enough when the outcomes of {days[0] + span} are known"
    )


def reference_sample(rows: pl.DataFrame) -> pl.DataFrame:
    """Return every n-th row, so that each date keeps its weight.

    The sample has at most 20,000 rows, or twice MIN_VALUES rows a date if that is more. The same snapshot
    always gives the same rows.
    """
    wanted = max(REFERENCE_ROWS, 2 * MIN_VALUES * rows["score_date"].n_unique())
    return sampled(rows, wanted)
