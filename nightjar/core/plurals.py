"""Numbers with the noun that they count."""


def counted(number: int, one: str, several: str = "") -> str:
    """`1 night`, `2 nights`, `1,200 nights`. several: the plural, where it is not `one` with an s."""
    return f"{number:,} {one if number == 1 else several or f'{one}s'}"
