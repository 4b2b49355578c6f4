"""Drift: which columns of a night are not as on comparable nights, at a stated rate of false alarms.

Three questions are kept apart:
- Is something broken? The night is compared with comparable past nights (`movement`). How far past nights lie
  from theirs says how rare a distance is (`tail`). All columns of a night share one rate of alarms, RATE.
  The unit is the night, so the rate is the same for any number of rows. Nights in holiday periods say nothing
  of ordinary nights, and have limits HOLIDAY times as far above the usual distance.
- Is the model outside of what it has seen? The night is compared with the training sample (`training`). This
  is information. While past nights are too few to answer the first question, what training proves to be
  broken is an alarm.
- Is it the season? A column that differs from training, but not from the nights before, is no alarm. It is
  told how far it moved within four weeks.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nightjar.core.comparison.by_date import columns_of_date, one_value_a_night
from nightjar.core.comparison.comparable import HOLIDAY
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.model.holidays import IsHoliday, never
from nightjar.core.monitoring.entities import ColumnDrift
from nightjar.core.monitoring.movement import (
    JUMP,
    LEAST,
    LEVEL,
    MISSING,
    MIX,
    SPREAD,
    UNSEEN,
    Column,
    Moved,
    References,
    moved,
    references,
)
from nightjar.core.monitoring.tail import POWER, POWER_OF_FEW, Tail, tail_of, told
from nightjar.core.monitoring.training import METHOD, TRAINING
from nightjar.core.wording import one_in

DECIDES = "nights"
"""The rows of this method hold the verdict."""
DECIDED = "psi"
"""The rows of this method held it before: runs of earlier releases have only these."""
RATE = 0.02
"""At most this share of nights without drift have any alarm, over all columns."""
TAIL_NIGHTS = 56
"""The distances of so many past nights say what is ordinary."""
HISTORY = TAIL_NIGHTS + 28
"""So many past nights are read, so that the oldest of TAIL_NIGHTS has comparable nights too."""
FEW_ENTITIES = 10

SEASON, OUTSIDE = "season", "outside"
"""A column differs from training and is no alarm: it moves slowly; it has been so for longer."""

SAYS: Mapping[str, str] = {
    LEVEL: "its values are not where they are on comparable nights. Distance in usual spreads",
    JUMP: "its values jumped since the last comparable night. Distance",
    SPREAD: "its values are spread otherwise than on comparable nights. Difference as a logarithm",
    MIX: "its categories are not as frequent as on comparable nights. Share of rows in others",
    UNSEEN: "it has categories that no comparable night has. Share of rows",
    MISSING: "the share of missing values is not that of comparable nights. Difference",
}
SHORT: Mapping[str, str] = {
    LEVEL: ".2f",
    JUMP: ".2f",
    SPREAD: ".2f",
    MIX: ".1%",
    UNSEEN: ".1%",
    MISSING: ".1%",
}


@dataclass(frozen=True, slots=True)
class _Measured:
    """The measure of a column that is rarest tonight.

    measures: how many the column has. probability: how often an ordinary night reaches the distance in any of
    them. in_four_weeks: how far the column moved, if that is more than nights usually differ; else None.
    holiday: whether the night is in a holiday period.
    """

    name: str
    distance: float
    tail: Tail
    measures: int
    probability: float
    in_four_weeks: float | None
    holiday: bool

    def limit(self, probability: float) -> float:
        return max(LEAST[self.name], self.tail.limit(min(0.5, probability / self.measures)))


def night_drift(
    tonight: NightProfile,
    past: Sequence[NightProfile],
    training: Sequence[ColumnDrift],
    rate: float = RATE,
    *,
    is_holiday: IsHoliday = never,
) -> tuple[ColumnDrift, ...]:
    """Return the verdict on each column, in the order of `training`.

    past: published nights before, in any order; those without a profile are left out. training: the night
    against the training sample, as `TrainingSample.compared` returns it. While too few past nights have a
    profile of a column, only what the sample proves to be broken is an alarm. rate: the share of nights
    without drift that may have any alarm. is_holiday: names the holidays of the model's calendar.
    """
    earlier = (night for night in past if night.columns and night.score_date < tonight.score_date)
    nights = [*sorted(earlier, key=lambda night: night.score_date)[-HISTORY:], tonight]
    against = references([night.score_date for night in nights], is_holiday)
    columns = _by_column(nights)
    single = {name for name, column in columns.items() if one_value_a_night(column)}
    left_out = columns_of_date(tonight, nights[:-1]) | single
    moves = moved({name: column for name, column in columns.items() if name not in left_out}, against)
    rarest = {name: _rarest(columns[name], found, against) for name, found in moves.items()}
    measured = {name: each for name, each in rarest.items() if each is not None}
    lasting = left_out | {name for name in moves.keys() - measured.keys() if _as_before(moves[name])}
    found, probability = told({name: each.probability for name, each in measured.items()}, rate)
    return tuple(
        _verdict(row, measured[row.column], probability, drifted=row.column in found)
        if row.column in measured
        else _by_training(row, tonight.column(row.column), lasting)
        for row in training
    )


def _by_column(nights: Sequence[NightProfile]) -> Mapping[str, Column]:
    """The columns of the last night, on each of the nights."""
    profiles = [{column.column: column for column in night.columns} for night in nights]
    return {name: [night.get(name) for night in profiles] for name in profiles[-1]}


def _rarest(column: Column, all_of: Moved, against: References) -> _Measured | None:
    """The measure whose distance tonight is the rarest; None if past nights say nothing."""
    power = POWER_OF_FEW if _of_few(column) else POWER
    holiday = bool(against.holiday[-1])
    tails = {
        name: (float(each.distances[-1]), tail.wider(HOLIDAY) if holiday else tail)
        for name, each in all_of.by.items()
        if np.isfinite(each.distances[-1])
        and (tail := tail_of(_of_ordinary_nights(each.distances, against), each.noise, power)) is not None
    }
    rare = {
        name: tail.probability(distance) if distance >= LEAST[name] else 1.0
        for name, (distance, tail) in tails.items()
    }
    if not rare:
        return None
    # Of measures that are all ordinary, the one that is nearest to its limit.
    name = min(rare, key=lambda each: (rare[each], -tails[each][0] / LEAST[each]))
    distance, tail = tails[name]
    probability = min(1.0, rare[name] * len(rare))
    return _Measured(name, distance, tail, len(rare), probability, _trend(all_of, tails), holiday)


def _as_before(found: Moved) -> bool:
    """True if no distance of a column is more than a night before had, or than anybody would act on.

    A column without a value has no other distance than that of its missing values.
    """
    if not np.isfinite(found.by[MISSING].distances[-1]):
        return False
    return all(
        not each.distances[-1] > np.fmax.reduce(each.distances[:-1], initial=LEAST[name])
        for name, each in found.by.items()
    )


def _of_ordinary_nights(distances: NDArray[np.float64], against: References) -> NDArray[np.float64]:
    """The distances of the nights before, NaN for those in holiday periods."""
    return np.where(against.holiday, np.nan, distances)[-TAIL_NIGHTS - 1 : -1]


def _trend(found: Moved, tails: Mapping[str, tuple[float, Tail]]) -> float | None:
    usual = max((tail.usual for name, (_, tail) in tails.items() if name in {LEVEL, MIX}), default=0.0)
    moved_by = found.in_four_weeks
    return None if moved_by is None or moved_by < max(usual, LEAST[LEVEL]) else moved_by


def _of_few(column: Column) -> bool:
    return max(each.entities for each in column if each is not None) < FEW_ENTITIES


def _verdict(row: ColumnDrift, found: _Measured, probability: float, *, drifted: bool) -> ColumnDrift:
    limit = found.limit(probability)
    if drifted:
        finding, note = found.name, _sentence(row, found, limit)
    else:
        finding, note = _slow(row, found.in_four_weeks)
    return row.model_copy(
        update={
            "method": DECIDES,
            "finding": finding,
            "value": found.distance,
            "measure": found.name,
            "expected": found.tail.usual,
            "threshold": limit,
            "rate": found.probability,
            "drifted": drifted,
            "psi": row.value,
            "note": note,
        }
    )


def _sentence(row: ColumnDrift, found: _Measured, limit: float) -> str:
    how = SHORT[found.name]
    said = (
        f"{SAYS[found.name]}: {found.distance:{how}}. Usual: {found.tail.usual:{how}}. Limit: {limit:{how}}. "
        f"Of ordinary nights {one_in(found.probability)} reaches this"
    )
    if found.holiday:
        said = f"{said}. The night is in a holiday period, so its limit is wider"
    return f"{said}; {row.note}" if row.note else said


def _slow(row: ColumnDrift, in_four_weeks: float | None) -> tuple[str | None, str | None]:
    """The finding and the words for a column that is as on the nights before."""
    if not row.drifted:
        return None, row.note
    far = f"PSI {row.value:.2f}" if row.value is not None else "no PSI"
    said = f"differs from the training sample ({far}), as the nights before do"
    if in_four_weeks is not None:
        said = f"{said}; it moved by {in_four_weeks:.2f} within four weeks"
    finding = OUTSIDE if in_four_weeks is None else SEASON
    return finding, f"{said}; {row.note}" if row.note else said


def _by_training(row: ColumnDrift, profile: ColumnProfile | None, lasting: Collection[str]) -> ColumnDrift:
    """lasting: the columns that are as on the nights before, or say when a night is. The year goes on, and
    nothing is broken.
    """
    told = row.finding == TRAINING and row.column not in lasting
    drifted = told and (profile is None or not _of_few([profile]))
    return row.model_copy(
        update={
            "method": DECIDES,
            "measure": METHOD,
            "drifted": drifted,
            "finding": TRAINING if drifted else OUTSIDE if row.drifted else None,
            "psi": row.value,
        }
    )


def verdict(column: ColumnDrift) -> str:
    """Return a word or two: whether it drifted, what is told of it, or what it is like."""
    if column.drifted:
        return "drifted"
    if column.finding is not None:
        return column.finding
    if not _held_to_training(column):
        return "as before"
    return "not compared" if column.value is None else "as in training"


def held_to_training(columns: Sequence[ColumnDrift]) -> str | None:
    """Return a sentence on the columns that are not compared with past nights; None if all are."""
    held = sum(map(_held_to_training, columns))
    if not held:
        return None
    return (
        f"{held} of {len(columns)} columns are held to the training sample, because too few past nights "
        "have values to compare with."
    )


def _held_to_training(column: ColumnDrift) -> bool:
    return METHOD in {column.measure, column.method}
