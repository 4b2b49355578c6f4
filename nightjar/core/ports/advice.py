"""What a person types to mend an error, which use cases do not know."""

from typing import Protocol


class Advise(Protocol):
    def __call__(self, error: Exception, /) -> Exception:
        """The same error. If a command mends it, its text names the command from now on."""
        ...


def unadvised(error: Exception, /) -> Exception:
    """Errors as they are, where nobody types commands."""
    return error
