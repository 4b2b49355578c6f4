"""A finding: one thing that stands against a night, with its numbers and in a sentence."""

from collections import Counter
from collections.abc import Iterable
from math import inf
from operator import itemgetter

from nightjar.core.values import Value
from nightjar.core.wording import number

RUNBOOK = "audit-failed"
ALWAYS_REAL = frozenset({"incomplete", "irreproducible", "misread", "misbuilt"})
"""Checks that no state of the world explains: a night with such a finding must not be published as it is."""
BOTH = " and "
"""Between the names, and between the values, of a slice of two columns."""
FOREMOST = 3
"""So many findings of a night are told in an error or an alert. The others are counted."""


class Finding(Value):
    """One thing that stands against a night.

    name: which check found it, in snake case. sentence: a plain line that says what is wrong, and if there
    are numbers, a second line with them (`two_lines`). column, slice: what it is about; "" if it is about
    all. number, expected, limit: what was measured, what ordinary nights have, and what is still allowed;
    None where a check has no such number. rate: the share of ordinary nights that reach the limit, as
    measured; None if it is not known. holds: False if it does not hold the night back: the night is
    published, and people are told.
    """

    name: str
    sentence: str
    column: str = ""
    slice: str = ""
    number: float | None = None
    expected: float | None = None
    limit: float | None = None
    rate: float | None = None
    runbook: str = RUNBOOK
    holds: bool = True

    @property
    def what(self) -> str:
        """The plain line."""
        return self.sentence.partition("\n")[0]

    @property
    def named(self) -> str:
        """The plain line with the name of the check."""
        return f"{self.what} ({self.name})"

    @property
    def in_one_line(self) -> str:
        return self.sentence.replace("\n", ". ")

    @property
    def lines(self) -> str:
        """The plain line with the name of the check, and the line of the numbers, as sentences."""
        return "".join((f"{self.named}.", *(f"\n  {each}." for each in self.sentence.split("\n")[1:])))

    def because(self, why: str) -> "Finding":
        """Add to the plain line what explains it."""
        what, *numbers = self.sentence.split("\n")
        return self.model_copy(update={"sentence": "\n".join((f"{what}: {why}", *numbers))})

    @property
    def strength(self) -> float:
        """How far the number lies from what is expected: 1 at the limit, 2 twice as far.

        inf if it has no such numbers.
        """
        if self.number is None or self.expected is None or self.limit is None or self.limit == self.expected:
            return inf
        return (self.number - self.expected) / (self.limit - self.expected)

    @property
    def always_real(self) -> bool:
        """True if the world cannot be the reason, so nobody is offered to accept it."""
        return self.name in ALWAYS_REAL

    @property
    def narrow(self) -> int:
        """0 if it is about all rows, 1 if about a slice, 2 if about a slice of two columns."""
        names, _, _ = self.slice.partition("=")
        return 1 + names.count(BOTH) if names else 0


OF_ROWS = frozenset({"volume", "slice_missing", "slice_volume"})


def foremost(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the few findings of a night that are told, the most telling first."""
    return most_telling_first(findings)[:FOREMOST]


def most_telling_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings of a night in the order in which people see them.

    Those about more rows come first; of these, the strongest one of each check; of these, what has no number,
    then numbers of rows, which may explain all that follows, then the strongest.
    One fault makes many findings: half a file has too few rows in each of its slices, and other values.
    """
    strongest = sorted(
        findings,
        key=lambda each: (each.narrow, each.strength < inf, each.name not in OF_ROWS, -each.strength),
    )
    so_far = Counter[tuple[int, str]]()
    placed = list[tuple[int, int, Finding]]()
    for finding in strongest:
        of_check = (finding.narrow, finding.name)
        placed.append((finding.narrow, so_far[of_check], finding))
        so_far[of_check] += 1
    placed.sort(key=itemgetter(0, 1))
    return tuple(finding for _, _, finding in placed)


def sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(finding.in_one_line for finding in findings)


def numbers_told(findings: Iterable[Finding]) -> str:
    """The numbers of findings by their checks, and how often ordinary nights have such ones."""
    found = tuple(findings)
    numbers = [f"{each.name} {told}" for each in found if (told := _numbers(each))]
    rates = {each.name: each.rate for each in found if each.rate is not None}
    most = max(rates.values(), default=0.0)
    often = f"At most {most:.0%} of ordinary nights reach a limit of {', '.join(rates)}." if rates else ""
    return " ".join(filter(None, (f"Numbers: {'; '.join(numbers)}." if numbers else "", often)))


def _numbers(finding: Finding) -> str:
    known = {"": finding.number, "expected ": finding.expected, "limit ": finding.limit}
    return ", ".join(f"{what}{number(value)}" for what, value in known.items() if value is not None)
