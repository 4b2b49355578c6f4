"""What a day of a dataset of outcomes looks like, and what its numbers are called.

A name says what was counted or measured, of which column and which rows: `share of arr_delay missing where
origin is EWR`.
"""

from collections.abc import Mapping

from pydantic import Field

from nightjar.core.values import Value

FEW_VALUES = 10
"""The slices of a column of more values are many and small, and a storm hits one carrier or another."""
SHARES = (0.05, 0.1, 0.2, 0.8, 0.9, 0.95)
SIGNS = ("of 0", "below 0")
Ends = tuple[float, float, float, float]
"""The least, fifth least, fifth greatest and greatest number of a column."""
LOWEST, GAP, GREATEST = "lowest ", "gap of ", "greatest "
MOST_ROWS = 2_000
"""Of a day of more rows about so many are looked at, of the same keys every day."""
PILED, ALIKE = "piled up at one value", " alike in rows of the same "
WHERE, WITH, IN = " where ", " with ", " in "
BEFORE = " of the day before"
"""Follows the name of a number of the file before, also where files come every week."""
AND, KNOWN = " true and ", " known"
"""A flag that is true, and a number of the same row that is known: the two may exclude each other."""
IF_NOT = " missing if not "
"""A number that is missing in rows without a flag. Some flags explain it, as that a flight was cancelled."""
UNANSWERED, UNASKED = "entities without an outcome", "outcomes of no entity"
RISE = "rise of"
LINE = (RISE, "middle distance from the line of", "distance of most rows from the line of")


def where(column: str, value: object) -> str:
    """What follows the name of a number that is of the rows with a value alone."""
    return f"{WHERE}{column} is {value}"


class OutcomeDay(Value):
    """What a day of a dataset of outcomes looks like.

    sizes: column of numbers -> mean of the absolute values; None if all are missing. `greatest arr_delay` ->
    the greatest of them. couplings: `arr_delay with dep_delay`, or with itself the day before -> their rank
    correlation. values: column of texts -> value -> rows. repeated: share of rows with a number that the day
    before had too. outcomes: rows of the score date with an outcome. rates: what is counted, such as
    `arr_delay missing where origin is EWR` -> rows that are so, and all rows. lines: two columns of numbers
    -> the rise of their line, the middle distance from it, and that of most rows. grains: column of numbers
    -> half of the least step between two of them. factors, edges, ends, levels, steps, apart: as the
    functions of `outcome_relations`.
    flags: the columns of numbers that have two different ones, or one.
    shares: outcome -> share of these rows; empty for a kind of any number, whose mean_size is the mean of the
    absolute outcomes.
    broken: why the outcomes cannot be, if they cannot. code: a hash of the model's code that made them; ""
    of days from before it was kept.
    """

    rows: int
    sizes: Mapping[str, float | None]
    couplings: Mapping[str, float | None] = Field(default_factory=dict[str, float | None])
    factors: Mapping[str, float] = Field(default_factory=dict[str, float])
    values: Mapping[str, Mapping[str, int]]
    repeated: float = 0.0
    rates: Mapping[str, tuple[int, int]] = Field(default_factory=dict[str, tuple[int, int]])
    lines: Mapping[str, tuple[float, float, float]] = Field(
        default_factory=dict[str, tuple[float, float, float]]
    )
    grains: Mapping[str, float] = Field(default_factory=dict[str, float])
    edges: Mapping[str, float] = Field(default_factory=dict[str, float])
    ends: Mapping[str, Ends] = Field(default_factory=dict[str, Ends])
    levels: Mapping[str, tuple[float, ...]] = Field(default_factory=dict[str, tuple[float, ...]])
    steps: Mapping[str, float] = Field(default_factory=dict[str, float])
    apart: Mapping[str, float] = Field(default_factory=dict[str, float])
    flags: tuple[str, ...] = ()
    outcomes: int = 0
    shares: Mapping[str, float] = Field(default_factory=dict[str, float])
    mean_size: float | None = None
    broken: str | None = None
    code: str = ""
