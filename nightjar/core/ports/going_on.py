"""Whether work is still wanted."""

from typing import Protocol


class GoOn(Protocol):
    """Whether work is still wanted. Asked between its steps, from any thread, so a question must be cheap."""

    def __call__(self, *, last: bool = False) -> None:
        """Return if the work may go on, and also where nobody can be asked.

        Raises Stopped, and then at every later call too.
        last: nothing can be taken back after this. Otherwise an answer of a moment ago will do.
        """
        ...


def unasked(*, last: bool = False) -> None:
    """Work that only the end of its process stops, as that of the command line."""
