"""What of tonight's inputs the nights before do not explain.

Each finding stands against publishing, in words. The trailing nights show what is ordinary. The distance of
each of them from the others says how much a column moves by nature, and tonight it may move that much and a
limit more. A column of few entities (the weather of three airports) says little about a distribution. Of such
a column only two things count that no weather explains: all values are missing, or values that always
differed are all the same.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from statistics import median

import polars as pl

from nightjar.core.comparison.distance import Columns, Distances, distances, to_the_rest
from nightjar.core.comparison.entities import SCORE, ColumnProfile, NightProfile
from nightjar.core.comparison.ordinary import MIN_NIGHTS, MIN_VALUES, turned_constant
from nightjar.core.model.spec import AuditLimits, ModelSpec

FULL = 14
WITHIN = timedelta(days=21)
"""How far a night may lie from the others is known from FULL nights of the last three weeks.

A Saturday is no weekday, rates of the last week move slowly, and nights from before a gap say little. So a
night that nobody accepts or mends does not hold back the later ones for ever.
"""
FEW_ENTITIES = 10
MANY_TIMES = 4
"""So many times fewer or more different values than ever: that is another column."""
SWAPPED = 0.5
"""Two columns are swapped if they are much closer to each other's past than to their own.

Their distances to each other's past together are then at most this share of those to their own. On no night
of 2013 was it below 0.54.
"""


def oddities(tonight: NightProfile, trailing: Sequence[NightProfile], spec: ModelSpec) -> tuple[str, ...]:
    """What of tonight's inputs the trailing nights do not explain.

    Fewer than MIN_NIGHTS of them explain nothing and forbid nothing.
    """
    now, nights = inputs_of(tonight), comparable(trailing)
    if len(nights) < MIN_NIGHTS:
        return ()
    measured = distances(now, nights)
    full = (
        len(comparable(night for night in trailing if tonight.score_date - night.score_date <= WITHIN))
        >= FULL
    )
    pasts = [
        Past(column, tuple(night[name] for night in nights if name in night), measured.get(name), full)
        for name, column in now.items()
    ]
    known = [past for past in pasts if len(past.nights) >= MIN_NIGHTS]
    pairs = swapped(known, nights)
    told = {name for pair in pairs for name in pair}
    return (
        *(
            f"{a} and {b} look swapped: each is as the other was in the last {len(nights)} nights"
            for a, b in pairs
        ),
        *(found for past in known if past.name not in told for found in past.oddities(spec)),
    )


def comparable(trailing: Iterable[NightProfile]) -> list[Columns]:
    """The inputs of those nights that have a profile of any."""
    return [inputs for night in trailing if (inputs := inputs_of(night))]


def inputs_of(night: NightProfile) -> Columns:
    return {column.column: column for column in night.columns if column.column != SCORE}


@dataclass(frozen=True, slots=True)
class Past:
    """A column tonight, and what it was in each of the trailing nights.

    Also how far it lies from them, where that can be said.
    """

    now: ColumnProfile
    nights: tuple[ColumnProfile, ...]
    distances: Distances | None
    full: bool

    @property
    def name(self) -> str:
        return self.now.column

    @property
    def of_few(self) -> bool:
        """Whether few entities share its values."""
        return max(night.entities for night in (self.now, *self.nights)) < FEW_ENTITIES

    @property
    def strange(self) -> bool:
        """Whether it lies further from its past than any night before."""
        return (
            self.distances is not None
            and self.now.values >= MIN_VALUES
            and self.distances.now > self.distances.usual
        )

    def oddities(self, spec: ModelSpec) -> Iterator[str]:
        yield from self._missing(spec)
        yield from self._variety()
        if self.distances is not None:
            yield from self._unseen(self.distances, spec.audit)
            yield from self._moved(self.distances, spec.audit)

    def _missing(self, spec: ModelSpec) -> Iterator[str]:
        share, usual = self.now.null_share, median(night.null_share for night in self.nights)
        all_gone = self.now.values == 0 and usual < 1 and self.name not in spec.often_missing
        # One silent sensor of three is no jump.
        if all_gone or (share - usual > spec.audit["max_null_rise"] and not self.of_few):
            yield (
                f"{self.name} is missing in {share:.0%} of the rows, in the last {len(self.nights)} nights "
                f"in {usual:.0%} usually"
            )

    def _variety(self) -> Iterator[str]:
        known = [night for night in self.nights if night.values]
        if not (known and self.now.values):
            return
        least = min(night.distinct * min(1, self.now.values / night.values) for night in known)
        most = max(night.distinct * max(1, self.now.values / night.values) for night in known)
        counts = sorted(night.distinct for night in known)
        constant = self.full and turned_constant(self.now.distinct, counts[0])
        if constant or not least / MANY_TIMES <= self.now.distinct <= max(most, FEW_ENTITIES) * MANY_TIMES:
            yield (
                f"{self.name} has {self.now.distinct} different values, in the last {len(self.nights)} "
                f"nights it had {counts[0]} to {counts[-1]}"
            )

    def _unseen(self, found: Distances, limits: AuditLimits) -> Iterator[str]:
        if found.unseen - found.usual_unseen > limits["max_unseen_share"]:
            yield (
                f"{self.name} has categories in {found.unseen:.0%} of the rows that it never had in the "
                f"last {len(self.nights)} nights"
            )

    def _moved(self, found: Distances, limits: AuditLimits) -> Iterator[str]:
        if (
            self.full
            and self.strange
            and not self.of_few
            and found.now - found.usual > limits["max_input_shift"]
        ):
            method = "Kolmogorov-Smirnov" if self.now.quantiles else "total variation"
            last = f"the last {len(self.nights)} nights"
            yield (
                f"{self.name}: distance {found.now:.2f} ({method}) from {last}; between those nights it is "
                f"at most {found.usual:.2f}"
            )


def swapped(pasts: Iterable[Past], nights: Sequence[Columns]) -> list[tuple[str, str]]:
    """Pairs of number columns that both lie further from their past than ever.

    Each lies much closer to the other's past.
    """
    strange = [past for past in pasts if past.full and past.strange and past.now.quantiles]
    return [
        (a.name, b.name)
        for a, b in combinations(strange, 2)
        if _crossed(a, b, nights) <= SWAPPED * _straight(a, b)
    ]


def _straight(a: Past, b: Past) -> float:
    return sum(past.distances.now for past in (a, b) if past.distances is not None)


def _crossed(a: Past, b: Past, nights: Sequence[Columns]) -> float:
    """How far two columns lie from each other's past, together."""
    exchanged = to_the_rest(
        [
            {a.name: b.now, b.name: a.now},
            *({name: night[name] for name in (a.name, b.name) if name in night} for night in nights),
        ]
    )
    return float(exchanged.filter(pl.col("night") == 0)["distance"].sum())
