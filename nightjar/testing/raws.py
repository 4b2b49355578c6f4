"""Raw days of tests."""

from typing import Self


class Steady:
    """Raw days to which nothing is added while they are read: each listing of them says the same."""

    def listed_once(self) -> Self:
        return self
