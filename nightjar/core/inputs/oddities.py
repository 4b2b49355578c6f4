"""An oddity is a change in tonight's inputs that the earlier nights do not explain.

Each finding argues against publishing. The trailing nights show what is ordinary. The
distance of each of them from the others says how much a column usually moves. Tonight the column may move
that much plus a limit. A column of few entities (the weather of three airports) says little about a
distribution. For such a column only two findings count: all values are missing, or values that always
differed are all the same.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

from nightjar.core.comparison.by_date import columns_of_date, one_value
from nightjar.core.comparison.comparable import RECENT
from nightjar.core.comparison.distance import Columns, Distances, distances, gap, together
from nightjar.core.comparison.entities import PREDICTED, ColumnProfile, NightProfile
from nightjar.core.comparison.ordinary import MIN_NIGHTS, MIN_VALUES, turned_constant
from nightjar.core.inputs.findings import Finding
from nightjar.core.model.occasions import oldest_of
from nightjar.core.model.spec import AuditLimits, ModelSpec
from nightjar.core.wording import number, percent, two_lines

FULL = 14
"""The usual distance of a night from the others is known from so many nights of the last RECENT occasions.

Of a daily model they are nights of three weeks: Saturdays differ from weekdays, and weekly rates move slowly.
"""
FEW_ENTITIES = 10
NAMED = 3
"""So many categories are named that the last nights did not have."""
MANY_TIMES = 4
"""A column counts as another one if it has this many times more or fewer different values than ever."""
SWAPPED = 0.5
"""Two columns are swapped if they are much closer to each other's past than to their own.

The sum of their distances to each other's past is then at most this share of the sum of those to their own.
On every night of 2013 the share was at least 0.54.
"""


def oddities(tonight: NightProfile, trailing: Sequence[NightProfile], spec: ModelSpec) -> tuple[Finding, ...]:
    """Describe the changes in tonight's inputs that the trailing nights do not explain.

    With fewer than MIN_NIGHTS trailing nights there are no findings.
    """
    now, nights = inputs_of(tonight), comparable(trailing)
    if len(nights) < MIN_NIGHTS:
        return ()
    measured = distances(now, nights)
    since = oldest_of(spec, tonight.score_date, RECENT)
    full = len(comparable(night for night in trailing if night.score_date >= since)) >= FULL
    dated = columns_of_date(tonight, trailing)
    pasts = [
        Past(column, tuple(night[name] for night in nights if name in night), measured.get(name), full)
        for name, column in now.items()
        if name not in dated
    ]
    known = [past for past in pasts if len(past.nights) >= MIN_NIGHTS]
    pairs = swapped(known, nights)
    told = {name for pair in pairs for name in pair}
    return (
        *(
            Finding(
                name="swapped",
                column=f"{a} and {b}",
                sentence=f"{a} and {b} look swapped: each is as the other was in {len(nights)} nights",
            )
            for a, b in pairs
        ),
        *(found for past in known if past.name not in told for found in past.oddities(spec)),
    )


def comparable(trailing: Iterable[NightProfile]) -> list[Columns]:
    """Return the inputs of each night that has a profile of at least one input."""
    return [inputs for night in trailing if (inputs := inputs_of(night))]


def inputs_of(night: NightProfile) -> Columns:
    return {column.column: column for column in night.columns if column.column not in PREDICTED}


@dataclass(frozen=True, slots=True)
class Past:
    """A column's profile tonight and its profiles in the trailing nights.

    distances: tonight's distance from them, None if it cannot be measured. full: True if there are FULL
    nights of the last RECENT occasions.
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
        """True if fewer than FEW_ENTITIES entities share its values."""
        return max(night.entities for night in (self.now, *self.nights)) < FEW_ENTITIES

    @property
    def single(self) -> bool:
        """True if it has one value a night, such as the price of the day."""
        return all(one_value(night) is not None for night in (self.now, *self.nights))

    @property
    def strange(self) -> bool:
        """True if it is further from its past than any night before, and has at least MIN_VALUES values."""
        return (
            self.distances is not None
            and self.now.values >= MIN_VALUES
            and self.distances.now > self.distances.usual
        )

    def oddities(self, spec: ModelSpec) -> Iterator[Finding]:
        yield from self._missing(spec)
        yield from self._variety()
        if self.distances is not None:
            yield from self._unseen(self.distances, spec.audit)
            yield from self._moved(self.distances, spec.audit)

    def _missing(self, spec: ModelSpec) -> Iterator[Finding]:
        share, usual = self.now.null_share, median(night.null_share for night in self.nights)
        all_gone = self.now.values == 0 and usual < 1 and self.name not in spec.often_missing
        # If one of three sensors is silent, the share of nulls rises by a third. That is ordinary.
        if all_gone or (share - usual > spec.audit["max_null_rise"] and not self.of_few):
            yield self._told(
                "missing",
                f"More values of {self.name} than usual are missing",
                f"Share of values that are missing: {percent(share)}. Usual on the last {len(self.nights)} "
                f"nights: {percent(usual)}",
                share,
                usual,
                usual + spec.audit["max_null_rise"],
                percent,
            )

    def _variety(self) -> Iterator[Finding]:
        known = [night for night in self.nights if night.values]
        if not (known and self.now.values):
            return
        least = min(night.distinct * min(1, self.now.values / night.values) for night in known)
        most = max(night.distinct * max(1, self.now.values / night.values) for night in known)
        counts = sorted(night.distinct for night in known)
        # One of three sensors may be the only one that reports.
        whole = self.now.null_share <= max(night.null_share for night in known)
        constant = self.full and whole and turned_constant(self.now.distinct, counts[0])
        if constant or not least / MANY_TIMES <= self.now.distinct <= max(most, FEW_ENTITIES) * MANY_TIMES:
            more = "more" if self.now.distinct > most else "fewer"
            what = "one value only" if constant else f"many {more} different values than usual"
            yield self._told(
                "constant" if constant else "variety",
                f"{self.name} has {what}",
                f"Different values: {number(self.now.distinct)}. On the last {len(self.nights)} nights: "
                f"{number(counts[0])} to {number(counts[-1])}",
                self.now.distinct,
                median(counts),
                max(most, FEW_ENTITIES) * MANY_TIMES if self.now.distinct > most else least / MANY_TIMES,
                number,
            )

    def _unseen(self, found: Distances, limits: AuditLimits) -> Iterator[Finding]:
        if found.unseen - found.usual_unseen > limits["max_unseen_share"]:
            yield self._told(
                "unseen",
                f"{self.name} has categories that are new, such as {self._new_categories()}",
                f"Share of rows with categories that the last {len(self.nights)} nights did not have: "
                f"{percent(found.unseen)}. Usual: at most {percent(found.usual_unseen)}",
                found.unseen,
                found.usual_unseen,
                found.usual_unseen + limits["max_unseen_share"],
                percent,
            )

    def _new_categories(self) -> str:
        """The most frequent categories that no trailing night has, in quotes, so that a space shows.

        If all known ones are ASCII, a letter that only looks like one of them is shown by its number.
        """
        known = {category for night in self.nights for category in night.categories}
        new = sorted(self.now.categories.keys() - known, key=lambda each: (-self.now.categories[each], each))
        shown = ascii if all(map(str.isascii, known)) else repr
        return ", ".join(shown(each) for each in new[:NAMED])

    def _moved(self, found: Distances, limits: AuditLimits) -> Iterator[Finding]:
        if (
            self.full
            and self.strange
            and not self.of_few
            and found.now - found.usual > limits["max_input_shift"]
        ):
            method = "Kolmogorov-Smirnov" if self.now.quantiles else "total variation"
            last = f"the last {len(self.nights)} nights"
            limit = found.usual + limits["max_input_shift"]
            yield Finding(
                name="distribution",
                column=self.name,
                number=found.now,
                expected=found.usual,
                limit=limit,
                holds=not self.single,  # a single number says nothing of how values are spread
                sentence=two_lines(
                    f"The values of {self.name} are spread otherwise than usual",
                    f"Distance from {last} ({method}; 0: equal, 1: nothing in common): {found.now:.2f}. "
                    f"Between those nights: at most {found.usual:.2f}. Limit: {limit:.2f}",
                ),
            )

    def _told(
        self,
        name: str,
        what: str,
        numbers: str,
        found: float,
        expected: float,
        limit: float,
        shown: Callable[[float], str],
    ) -> Finding:
        """numbers: without the limit."""
        return Finding(
            name=name,
            column=self.name,
            number=found,
            expected=expected,
            limit=limit,
            sentence=two_lines(what, f"{numbers}. Limit: {shown(limit)}"),
        )


def swapped(pasts: Iterable[Past], nights: Sequence[Columns]) -> list[tuple[str, str]]:
    """Return pairs of number columns that were swapped.

    Both are further from their own past than ever, and much closer to each other's past.
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
    """Return the sum of two columns' distances from each other's past."""
    return sum(
        gap(one.now.quantiles, together([one.now.quantiles, *_quantiles(other.name, nights)]))
        for one, other in ((a, b), (b, a))
    )


def _quantiles(name: str, nights: Sequence[Columns]) -> list[tuple[float, ...]]:
    return [night[name].quantiles for night in nights if name in night and night[name].quantiles]
