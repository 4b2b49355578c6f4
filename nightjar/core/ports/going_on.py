"""Whether work is still wanted."""

from typing import Protocol


class GoOn(Protocol):
    """Asks if work is still wanted. It is called between steps, from any thread, so it must be cheap."""

    def __call__(self, *, last: bool = False) -> None:
        """Return if the work may go on, or if nobody can be asked.

        Otherwise raise Stopped, and raise it again at every later call.
        last: the next step cannot be undone, so the answer must be new. Otherwise a recent answer is enough.
        """
        ...


def unasked(*, last: bool = False) -> None:
    """Never stop the work. It ends early only with its process, as on the command line."""
