"""Windows: the days of datasets that the population and the outcomes of a score date read."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl

from nightjar.core.errors.inputs import NoPopulation
from nightjar.core.model.spec import ModelSpec, Window
from nightjar.core.night.clock import dates_between, file_days

Recorded = Mapping[str, Mapping[date, Sequence[datetime]]]
"""Dataset name -> landed day -> the instants (UTC) its deliveries were recorded at, oldest first."""


def no_population(
    spec: ModelSpec, score_date: date, known_at: datetime, landed: int = 0, last: date | None = None
) -> NoPopulation:
    """The error for dates without rows to score. It names the datasets that the population reads."""
    reads = [window.dataset for window in spec.population_reads]
    scanned = not any(spec.dataset(name).delivered for name in reads)
    return NoPopulation(spec.name, score_date, " and ".join(reads), known_at, landed, last, scanned=scanned)


def local_days(window: Window, score_date: date) -> tuple[date, date]:
    """The first and the last local day of a window."""
    return score_date - timedelta(days=window.days_before), score_date + timedelta(days=window.days_after)


def files_of(spec: ModelSpec, window: Window, score_date: date) -> tuple[date, date]:
    """The first and the last day of the files that hold a window.

    These are its local days. For a dataset whose `day_column` has instants, they are the UTC days that the
    local days overlap.
    """
    dataset = spec.dataset(window.dataset)
    first, last = (file_days(dataset, spec.time_zone, day) for day in local_days(window, score_date))
    return first[0], last[1]


def span(spec: ModelSpec, window: Window, dates: Collection[date]) -> tuple[date, date]:
    """The first and the last day of the files that hold the windows of some dates, at least one."""
    return files_of(spec, window, min(dates))[0], files_of(spec, window, max(dates))[1]


def within(spec: ModelSpec, window: Window, score_date: date, rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of a window, in their order, of rows of its files.

    Rows of a file on other local days are left out, if the `day_column` has instants.
    """
    kept = in_window(spec, window, score_date, rows.schema)
    return rows if kept is None else rows.filter(kept)


def in_window(
    spec: ModelSpec, window: Window, score_date: date, schema: Mapping[str, pl.DataType]
) -> pl.Expr | None:
    """Which rows of its files a window has. None: all. schema: of the rows."""
    column = spec.dataset(window.dataset).day_column
    if column is None or not isinstance(schema[column], pl.Datetime):
        return None
    local = pl.col(column).dt.convert_time_zone(ZoneInfo(spec.time_zone).key).dt.date()
    return local.is_between(*local_days(window, score_date))


def readable(
    spec: ModelSpec, windows: Iterable[Window], score_date: date, recorded: Recorded, known_at: datetime
) -> bool:
    """True if a file of any of the windows was recorded by an instant."""
    return any(
        instants[0] <= known_at
        for window in windows
        for day in dates_between(*files_of(spec, window, score_date))
        if (instants := recorded[window.dataset].get(day))
    )


def dates_readable(
    spec: ModelSpec, windows: Sequence[Window], recorded: Recorded, known_at: datetime
) -> tuple[date, ...]:
    """Every date for which a file of any of the windows was recorded by an instant."""
    days = [day for window in windows for day in recorded[window.dataset]]
    if not days:
        return ()
    first = min(days) - timedelta(days=max(window.days_after for window in windows) + 1)
    last = max(days) + timedelta(days=max(window.days_before for window in windows) + 1)
    return tuple(
        day for day in dates_between(first, last) if readable(spec, windows, day, recorded, known_at)
    )


def complete(spec: ModelSpec, score_date: date, recorded: Recorded, known_at: datetime) -> bool:
    """True if each dataset of the outcomes had landed to the end of the date's window by an instant.

    A file of the last day, or of a later one, says so: a day without events may have no file.
    """
    return all(
        any(day >= last and instants[0] <= known_at for day, instants in recorded[window.dataset].items())
        for window in spec.outcome_reads
        for _, last in [files_of(spec, window, score_date)]
    )
