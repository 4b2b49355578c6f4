"""Put the small daily files of past months of a feature table together, one file for each month.

A night or a training opens one file for a month, and no longer thirty. The rows stay the same.
Large files stay as they are: a correction would write all of them again.
"""

from calendar import monthrange
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import polars as pl

from nightjar.adapters.feast_polars.spans import Span
from nightjar.adapters.files.atomic import last_change, write_parquet
from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.adapters.files.generations import PART, all_partitions, folder_name, partitions

SMALL = 64 * 1024**2
"""Bytes of a month's files. They fit into memory, and a correction of one day writes them all in a second."""

STILL_READ = timedelta(days=1)
"""Who listed the daily files before they were put together may open them for so long."""


def compact(folder: Path, still_read: timedelta = STILL_READ) -> None:
    """Put past months of a generation together, and remove daily files that were replaced so long ago.

    The month of the newest day is not past. Whoever is killed here leaves every row in place. The caller
    ensures that there is one writer at a time. Raises DamagedFile.
    """
    for span, files in _past_months(folder):
        if sum(file.stat().st_size for file in files) <= SMALL:
            with naming_damage(files, OF_FEATURES):
                frames = [pl.read_parquet(file, glob=False, hive_partitioning=False) for file in files]
            write_parquet(pl.concat(frames, how="diagonal_relaxed"), folder / folder_name(span) / PART)
    _remove_replaced(folder, datetime.now(UTC) - still_read)


def _past_months(folder: Path) -> Iterator[tuple[Span, list[Path]]]:
    """Months before that of the newest day, with more than one file, oldest file first."""
    days = [(span.first, file) for span, file in reversed(partitions(folder)) if not span.several]
    for month, found in groupby(days, lambda each: each[0].replace(day=1)):
        files = [file for _, file in found]
        if len(files) > 1 and month < days[-1][0].replace(day=1):
            yield Span(month, _last_of(month)), files


def _last_of(month: date) -> date:
    return month.replace(day=monthrange(month.year, month.month)[1])


def _remove_replaced(folder: Path, before: datetime) -> None:
    there = all_partitions(folder)
    settled = [span for span, file in there if span.several and last_change(file) <= before]
    for span, file in there:
        if any(month.holds(span) for month in settled):
            file.unlink()
            with suppress(OSError):  # what somebody else put there stays
                file.parent.rmdir()
