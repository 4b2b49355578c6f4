"""Read the windows of populations and outcomes: the same rows, for whatever purpose and number of dates."""

from collections.abc import Collection, Iterable, Iterator
from datetime import date, datetime
from pathlib import Path

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.own_code import batches_by, rows_by, streamed_rows_by, sunk_by
from nightjar.core.model.spec import LazyRaw, ModelSpec, RawFrames, Window
from nightjar.core.night.clock import dates_between
from nightjar.core.night.population import by_content, key_is_storable
from nightjar.core.night.windows import complete, files_of, in_window, span, within
from nightjar.core.ports.raw import RawStore
from nightjar.core.values import INSTANT

AT_HAND = 2_000_000
"""Of at most so many raw rows a population is taken as it is made. It takes less CPU, and memory for all."""
OUTCOME_COLUMNS = ("entity_key", "outcome", "recorded_at")
NO_OUTCOMES = pl.DataFrame(
    schema={
        "entity_key": pl.String(),
        "outcome": pl.Float64(),
        "recorded_at": INSTANT,
        "score_date": pl.Date(),
    }
)


def read_windows(
    spec: ModelSpec, raw: RawStore, windows: Iterable[Window], score_date: date, known_at: datetime
) -> RawFrames:
    """Dataset name -> the rows of its window, as known at an instant."""
    frames = dict[str, pl.DataFrame]()
    for window in windows:
        files = files_of(spec, window, score_date)
        rows = raw.read(spec.dataset(window.dataset), *files, known_at=known_at)
        frames[window.dataset] = within(spec, window, score_date, rows)
    return frames


def scan_windows(
    spec: ModelSpec, raw: RawStore, windows: Iterable[Window], score_date: date, known_at: datetime
) -> LazyRaw:
    """The rows of `read_windows`, in no order. They are read when they are collected."""
    frames = dict[str, pl.LazyFrame]()
    for window in windows:
        rows = raw.scan(spec.dataset(window.dataset), *files_of(spec, window, score_date), known_at=known_at)
        kept = in_window(spec, window, score_date, rows.collect_schema())
        frames[window.dataset] = rows if kept is None else rows.filter(kept)
    return frames


def population_of(spec: ModelSpec, raw: RawStore, score_date: date, known_at: datetime) -> pl.DataFrame:
    """The rows that a model scores for a date, as known at an instant. Raises CodeFailed, ContractBroken."""
    read, called = (scan_windows, streamed_rows_by) if spec.streamed else (read_windows, rows_by)
    frames = read(spec, raw, spec.population_reads, score_date, known_at)
    rows = called(spec.name, "population", spec.population, f"for {score_date}", frames, score_date)
    return by_content(rows) if spec.streamed else rows


def batches_of_population(
    spec: ModelSpec, raw: RawStore, score_date: date, known_at: datetime, rows: int, folder: Path
) -> Iterator[pl.DataFrame | pl.LazyFrame]:
    """The rows of a streamed population, so many at a time. Raises CodeFailed, ContractBroken.

    folder: many rows are written there first, and LazyFrames read them there.
    """
    frames = scan_windows(spec, raw, spec.population_reads, score_date, known_at)
    by_spec = spec.name, "population", spec.population, f"for {score_date}"
    if sum(map(height, frames.values())) <= AT_HAND:
        yield from batches_by(*by_spec, rows, frames, score_date)
        return
    with (file := folder / "population.parquet").open("xb") as opened:
        sunk_by(*by_spec, opened, rows, frames, score_date)
    made = pl.scan_parquet(file, glob=False)
    yield from (made.slice(start, rows) for start in range(0, height(made), rows))


def height(rows: pl.LazyFrame) -> int:
    """How many rows there are. Of a file without a filter its footer says it."""
    return rows.select(pl.len()).collect(engine="streaming").item()


def outcomes_of(spec: ModelSpec, raw: RawStore, dates: Collection[date], known_at: datetime) -> pl.DataFrame:
    """`entity_key`, `outcome`, `recorded_at`, `score_date` of some dates, as known at an instant.

    outcome: a number, of a kind with classes the place of its class.
    A date has no rows while a dataset has not landed to the end of the date's window. A row without a
    storable key is left out, because it was never scored. Each file is read once.
    Raises CodeFailed, and ContractBroken for a missing column or an impossible outcome.
    """
    recorded = {window.dataset: raw.recorded(window.dataset) for window in spec.outcome_reads}
    known = sorted(day for day in set(dates) if complete(spec, day, recorded, known_at))
    if not known:
        return NO_OUTCOMES
    read = [FilesByDay(spec, raw, window, known, known_at) for window in spec.outcome_reads]
    found = [
        _outcomes_on(spec, {files.window.dataset: files.of(day) for files in read}, day) for day in known
    ]
    rows = pl.concat(found, how="vertical_relaxed").filter(key_is_storable())
    return spec.kind.coded_outcomes(f"outcomes of {spec.name}", rows)


def _outcomes_on(spec: ModelSpec, frames: RawFrames, score_date: date) -> pl.DataFrame:
    rows = rows_by(spec.name, "outcomes", spec.outcomes, f"for {score_date}", frames, score_date)
    if lacking := [name for name in OUTCOME_COLUMNS if name not in rows.columns]:
        raise ContractBroken(f"outcomes of {spec.name}", [f"column {name} is missing" for name in lacking])
    return rows.select(OUTCOME_COLUMNS).with_columns(score_date=pl.lit(score_date))


class FilesByDay:
    """The files of a dataset that hold the windows of some dates, read once."""

    def __init__(
        self, spec: ModelSpec, raw: RawStore, window: Window, dates: Collection[date], known_at: datetime
    ) -> None:
        self.spec, self.window = spec, window
        rows = raw.read(spec.dataset(window.dataset), *span(spec, window, dates), known_at=known_at)
        self._none = rows.clear()
        self._days = {key[0]: part for key, part in rows.partition_by("date", as_dict=True).items()}

    def of(self, score_date: date) -> pl.DataFrame:
        """The rows of one date's window, in order of their files: those that `read_windows` gives."""
        days = dates_between(*files_of(self.spec, self.window, score_date))
        parts = [self._days[day] for day in days if day in self._days]
        return within(self.spec, self.window, score_date, pl.concat([self._none, *parts]))
