"""The files that a generation of a feature table must have: one that is gone was lost, and is built again.

`_files.json` beside the manifest lists them, each with the first and the last raw day whose rows it holds.
A loss on the disk does not change it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path

from nightjar.adapters.feast_polars.spans import Span
from nightjar.adapters.files.atomic import write_text
from nightjar.adapters.files.damage import OF_INDEX
from nightjar.adapters.files.generations import PART, all_partitions, folder_name, partitions
from nightjar.core.errors.inputs import DamagedFile

FILES = "_files.json"
"""The underscore hides it from readers that read every file of a folder as Parquet."""

RawDays = tuple[date, date] | None
"""The first and the last raw day of a file. None: it was written before they were kept."""

Required = dict[Span, RawDays]


def lost_files(folder: Path, built: Collection[date]) -> dict[Path, frozenset[date]]:
    """Each file that is gone, with the built raw days of which rows may have lain in it.

    built: all raw days that the generation was built of. Raises DamagedFile.
    """
    there = {span for span, _ in all_partitions(folder)}
    wide = [span for span in there if span.several]
    required = _read(folder)
    if required is None:
        return _gaps(folder, there, built)
    return {
        folder / folder_name(span) / PART: frozenset(
            day for day in built if days is None or days[0] <= day <= days[1]
        )
        for span, days in sorted(required.items())
        if span not in there and not _held(span, wide)
    }


def require_written(folder: Path, events: Iterable[date], built: Collection[date]) -> None:
    """Require the files that are there now, after rows of these raw days were added to some of them.

    events: the dates of the rows. A file that was put together with others is required as the new one.
    """
    kept, dates = _read(folder) or {}, frozenset(events)
    there = {span for span, _ in partitions(folder)}
    wide = [span for span in there if span.several]
    new = (min(built), max(built)) if built else None
    required = {span: days for span, days in kept.items() if span not in there and not _held(span, wide)}
    for span in there:
        of_kept = [days for other, days in kept.items() if span.holds(other)] if span.several else []
        own = [kept[span]] if span in kept else []
        written = [new] if any(map(span.has, dates)) else []
        required[span] = _around([*of_kept, *own, *written])
    _write(folder, required)


def require_what_is_there(folder: Path) -> None:
    """Require no file that is gone any more: the caller has its raw days built again."""
    there = [span for span, _ in partitions(folder)]
    kept = _read(folder) or {}
    _write(folder, {span: kept.get(span) for span in there})


def _gaps(folder: Path, there: Collection[Span], built: Collection[date]) -> dict[Path, frozenset[date]]:
    """Of a generation that was written before its files were listed: days between others without a file.

    How long after its raw day an event lies is taken from the newest of both. A day more on each side is
    built again, for events on both sides of midnight in UTC.
    """
    if not there or not built:
        return {folder / folder_name(Span(day, day)) / PART: frozenset([day]) for day in sorted(built)}
    first, newest = min(span.first for span in there), max(there)
    later = timedelta(0) if newest.several else newest.last - max(built)
    covered = {
        span.first + timedelta(days=n) for span in there for n in range((span.last - span.first).days + 1)
    }
    return {
        folder / folder_name(Span(day + later, day + later)) / PART: frozenset(
            near for n in (-1, 0, 1) if (near := day + timedelta(days=n)) in built
        )
        for day in sorted(built)
        if first < day + later < newest.last and day + later not in covered
    }


def _held(span: Span, wide: Iterable[Span]) -> bool:
    return any(each.holds(span) for each in wide)


def _around(found: Collection[RawDays]) -> RawDays:
    known = [days for days in found if days is not None]
    if len(known) < len(found) or not known:
        return None
    return min(first for first, _ in known), max(last for _, last in known)


def _read(folder: Path) -> Required | None:
    """None: the files were never listed."""
    file = folder / FILES
    if not file.exists():
        return None
    try:
        listed: Mapping[str, list[str] | None] = json.loads(file.read_text(encoding="utf-8"))
        return {Span.of(span): _days(days) for span, days in listed.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise DamagedFile(file, str(error), OF_INDEX) from error


def _days(listed: list[str] | None) -> RawDays:
    if listed is None:
        return None
    first, last = listed
    return date.fromisoformat(first), date.fromisoformat(last)


def _write(folder: Path, required: Required) -> None:
    listed = {
        str(span): None if days is None else [str(day) for day in days]
        for span, days in sorted(required.items())
    }
    text = json.dumps(listed, indent=0)
    if not (folder / FILES).exists() or (folder / FILES).read_text(encoding="utf-8") != text:
        write_text(text, folder / FILES)
