"""What the suite prints at its end: kills by kind, what readers saw, how long healing took."""

import statistics
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MUST_BE_ZERO = ("half nights", "duplicates", "differing", "vanished")


@dataclass
class Tally:
    """kills: deed -> count. reached: boundary -> count.

    heals_s: seconds from the last blow to the night's publication, and what the blow was.
    """

    kills: Counter[str] = field(default_factory=Counter)
    spots: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    heals_s: list[tuple[float, str]] = field(default_factory=list)
    nights: int = 0
    faults: list[str] = field(default_factory=list)
    differing_rows: int = 0
    duplicate_rows: int = 0
    seen: Counter[str] = field(default_factory=Counter)

    @property
    def survived(self) -> int:
        return sum(self.kills.values())

    def add_seen(self, counts: Mapping[str, int]) -> None:
        self.seen.update(counts)

    def lines(self) -> Iterator[str]:
        yield f"{self.survived} kills and cuts in {self.nights} nights: {named(self.kills)}"
        yield f"struck at {len(self.spots)} places: {named(self.spots)}"
        if self.missed:
            yield f"not reached, so not counted: {named(self.missed)}"
        yield f"how those that survived the blow ended: {named(self.ends)}"
        yield f"differing rows {self.differing_rows}, duplicate rows {self.duplicate_rows}"
        looked = (
            f"{self.seen['polls']} polls by readers, {self.seen['nights looked at']} looks at a published "
            "night"
        )
        yield f"{looked}: " + ", ".join(f"{kind} {self.seen[kind]}" for kind in MUST_BE_ZERO)
        if self.heals_s:
            longest, blow = max(self.heals_s)
            median = statistics.median(seconds for seconds, _ in self.heals_s)
            yield (
                f"seconds from the last blow to the publication: median {median:.1f}, max {longest:.1f} "
                f"({blow})"
            )
        yield from (f"FAULT {fault}" for fault in self.faults)


def named(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.most_common()) or "none"
