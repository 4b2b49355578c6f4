"""What stands against a day of outcomes, in words."""

import math
from collections.abc import Mapping

from nightjar.core.inputs import findings
from nightjar.core.monitoring.outcome_looks import LINE, RISE, WHERE, WITH
from nightjar.core.values import Value
from nightjar.core.wording import missing, percent, too_many

LINE_TOLD_AS: Mapping[str, tuple[str, str]] = {
    LINE[1]: (
        "In half of the rows, {y} is further than usual from what {x} lets expect",
        "In half of the rows, {y} is nearer than usual to what {x} lets expect",
    ),
    LINE[2]: (
        "In one of ten rows, {y} is further than usual from what {x} lets expect",
        "In nine of ten rows, {y} is nearer than usual to what {x} lets expect",
    ),
}
"""What is wrong with the distances from the line of `y with x`: above what is usual, and below it."""
OF_ROWS = findings.OF_ROWS | {"coverage"}
OF_SHARES = frozenset({"values", "base_rate", "repeated"})
SHARE = "share of "
WHOLE = frozenset({"rows", "outcomes"})
TOLD_AS: Mapping[str, tuple[str, str]] = {
    "units": ("{} is larger than usual", "{} is smaller than usual"),
    "repeated": ("More {} than usual are delivered again", ""),
    "base_rate": ("The {} is more frequent than usual", "The {} is less frequent than usual"),
    "factor": ("The {} are larger than usual", "The {} are smaller than usual"),
    "grain": ("{} has coarser steps than usual", "{} has finer steps than usual"),
    "range": ("The {} is further below 0 than usual", ""),
    "gap": ("The {} is wider than usual", ""),
    "level": ("The {} are higher than usual", "The {} are lower than usual"),
    "cut": ("The {} are missing", "The {} are missing"),
    "shape": (
        "The {} is higher than the other numbers of the day let expect",
        "The {} is lower than the other numbers of the day let expect",
    ),
    "apart": ("Values of {} differ more than usual", ""),
}
HIGHER = "The {} is higher than usual", "The {} is lower than usual"
"""What is wrong, by the name of a finding: above what is usual, and below it. HIGHER: of all other names."""
CORRELATION = "rank correlation of "


class HoldFinding(Value):
    """One thing against a day: its name, where, the number, what was expected, and all of it in words.

    low, high: of comparable days; the value lies outside. What has no such numbers has 0 for all three.
    hint: how many times as large the number is, and what that looks like.
    """

    name: str
    where: str
    value: float
    low: float
    high: float
    told: str
    hint: str = ""

    @property
    def what(self) -> str:
        """What is wrong, in a plain sentence."""
        if self.low <= self.value <= self.high:
            return self.told
        more, middle = self.value > self.high, (self.low + self.high) / 2
        if self.name in OF_ROWS:
            things = self.where if self.where in WHOLE else f"rows of {self.where}"
            multiple = self.value / middle if middle else math.inf
            return too_many(things, multiple) if more else missing(things, 1 - multiple)
        if self.name == "coupling":
            pair = self.where.removeprefix(CORRELATION).replace(WITH, " and ", 1)
            return f"{pair} go together {'more' if abs(self.value) > abs(middle) else 'less'} than usual"
        if self.name == "relation":
            return _of_line(self.where, more=more, falls=middle < 0)
        above, below = TOLD_AS.get(self.name, HIGHER)
        return (above if more else below).format(self.where)

    @property
    def named(self) -> str:
        """What is wrong, with the name of the check."""
        return f"{self.what} ({self.name})"

    @property
    def brief(self) -> str:
        """What is wrong, with its number and what is usual, in few digits."""
        if self.what == self.told:
            return self.named
        shown = percent if self.name in OF_SHARES or self.where.startswith(SHARE) else _short
        value, low, high = map(shown, (self.value, self.low, self.high))
        usual = f"{low} is usual" if low == high else f"{low} to {high} are usual"
        if self.name == "shape":
            usual = f"{low} is to be expected"
        return f"{self.named}: {value} where {usual}{self.hint}"

    @property
    def lines(self) -> str:
        """What is wrong, and the numbers with the limit in a line of their own."""
        return self.named if self.what == self.told else f"{self.named}{self.hint}\n  {self.told}"


def _of_line(where: str, *, more: bool, falls: bool) -> str:
    """where: one of LINE, and two columns, as `rise of arr_delay with dep_delay where origin is EWR`.

    falls: True if a line usually falls, so that a rise above what is usual is a fall that is less steep.
    """
    which = next(each for each in LINE if where.startswith(each))
    y, _, others = where.removeprefix(f"{which} ").partition(WITH)
    x, part, value = others.partition(WHERE)
    if which == RISE:
        goes, how = ("falls", "less" if more else "more") if falls else ("rises", "more" if more else "less")
        return f"When {x} rises, {y} {goes} {how} than usual{part}{value}"
    above, below = LINE_TOLD_AS[which]
    return f"{(above if more else below).format(x=x, y=y)}{part}{value}"


def _short(number: float) -> str:
    """Three digits, and all those before the point."""
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"
