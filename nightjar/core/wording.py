"""Numbers as people say them, and what is told in two lines: what is wrong, and the numbers."""

from fractions import Fraction
from math import inf

NEAR = 0.08
"""A part or a multiple that is this near to a word for it, as a share of it, is told by the word."""
PARTS = {
    Fraction(1, 10): "a tenth",
    Fraction(1, 5): "a fifth",
    Fraction(1, 4): "a quarter",
    Fraction(1, 3): "a third",
    Fraction(1, 2): "half",
    Fraction(2, 3): "two thirds",
    Fraction(3, 4): "three quarters",
}
TIMES = {1.5: "one and a half times", 2: "twice", 3: "three times", 4: "four times", 5: "five times"}
MILLIONTH = 1e-6
NEARLY_ALL = 0.995
"""From this share on, whole percents would say 100% of what is not all."""
MANY = 10
"""Greater multiples are told without decimals."""


def number(value: float) -> str:
    """`1,982`, `84.02`, `0.198`: four digits, and all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def percent(share: float) -> str:
    """`53%`, `0.4%`: three digits at most."""
    return f"{100 * share:.3g}%"


def one_in(share: float) -> str:
    """`1 in 20,000`: how often something happens, by the share of times."""
    if share < MILLIONTH:
        return "fewer than 1 in a million"
    return f"1 in {float(f'{1 / share:.1g}'):,.0f}"


def part(share: float) -> str:
    """`half`, `a fifth`, `37%`: what comes before "of the rows"."""
    near = min(PARTS, key=lambda known: abs(share / float(known) - 1))
    return PARTS[near] if abs(share / float(near) - 1) <= NEAR else f"{share:.0%}"


def times(multiple: float) -> str:
    """`twice`, `4.6 times`, `a fifth`: how many times as large as what is usual something is."""
    if multiple < 1:
        return part(multiple) if multiple > NEAR else f"{multiple:.2g} times"
    near = min(TIMES, key=lambda known: abs(multiple / known - 1))
    if abs(multiple / near - 1) <= NEAR / 2:
        return TIMES[near]
    return f"{multiple:,.0f} times" if multiple >= MANY else f"{multiple:.1f} times"


def of_usual(multiple: float, what: str) -> str:
    """`twice the usual size`, `a fifth of the usual size`."""
    return f"{times(multiple)}{' of' if NEAR < multiple < 1 else ''} the usual {what}"


def missing(things: str, share: float) -> str:
    """`Half of the rows of origin LGA are missing`, `Nearly all of the rows of ...`."""
    told = "all" if share == 1 else "nearly all" if share >= NEARLY_ALL else part(share)
    return _begun(f"{told} of the {things} are missing")


def too_many(things: str, multiple: float) -> str:
    """`There are twice as many rows of origin LGA as usual`."""
    return (
        f"There are {times(multiple)} as many {things} as usual"
        if multiple < inf
        else f"{_begun(things)} are new"
    )


def two_lines(what: str, numbers: str) -> str:
    """What is wrong in a plain line, and the numbers in another one. No line ends with a full stop."""
    return f"{' '.join(what.splitlines())}\n{numbers}"


def _begun(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
