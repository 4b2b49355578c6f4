"""Numbers with the noun that they count, and days from one to another."""

from datetime import date


def counted(number: int, one: str, several: str = "") -> str:
    """`1 night`, `2 nights`, `1,200 nights`. several: the plural, where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"


def days_told(first: date, last: date) -> str:
    """`2013-10-01`, `2013-10-01 to 2013-10-03`."""
    return f"{first}" if first == last else f"{first} to {last}"
