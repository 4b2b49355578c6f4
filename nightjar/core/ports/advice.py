"""Errors get the command that corrects them. Use cases do not know the commands."""

from typing import Protocol


class Advise(Protocol):
    def __call__(self, error: Exception, /) -> Exception:
        """Return the same error. If a command corrects it, its text now names that command."""
        ...


def unadvised(error: Exception, /) -> Exception:
    """Return the error unchanged. It is for places where nobody types commands."""
    return error
