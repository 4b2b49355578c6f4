"""What a factor between two numbers looks like: other units, or another sign."""

from math import log

FACTORS = {
    1.609344: "kilometres for miles",
    0.621371: "miles for kilometres",
    60.0: "seconds for minutes, or minutes for hours",
    1 / 60: "minutes for seconds, or hours for minutes",
    100.0: "percent for shares, or cents for units",
    0.01: "shares for percent, or units for cents",
    1000.0: "thousandths for units",
    0.001: "units for thousandths",
    3600.0: "seconds for hours",
    24.0: "hours for days",
    0.453592: "kilograms for pounds",
    2.204623: "pounds for kilograms",
    0.3048: "metres for feet",
    3.28084: "feet for metres",
    -1.0: "the sign is the opposite",
}
NEAR = 0.01
"""A factor is known if it differs by less than this share from one of the list."""
ROUGHLY = 0.25
"""The same for a factor of sizes, as a logarithm."""
FAR = log(10)
"""Sizes of two days differ of themselves, so only factors further from 1 than this are told of them."""


def likely(factor: float) -> str | None:
    """Return what one factor of many values looks like; None: nothing that is known."""
    return next((cause for known, cause in FACTORS.items() if abs(factor / known - 1) < NEAR), None)


def likely_of_sizes(factor: float) -> str | None:
    """Return what the factor of the sizes of two days, above 0, looks like; None: nothing that is known."""
    far = {known: log(known) for known in FACTORS if known > 0 and abs(log(known)) > FAR}
    nearest = min(far, key=lambda known: abs(log(factor) - far[known]))
    return FACTORS[nearest] if abs(log(factor) - far[nearest]) < ROUGHLY else None
