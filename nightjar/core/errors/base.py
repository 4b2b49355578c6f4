"""What every error that Nightjar raises on purpose has: a text, an exit code, a runbook."""

from typing import ClassVar


class NightjarError(Exception):
    """Root of all errors raised on purpose. No traceback is needed to act on one.

    The text says what was wrong, where, and what has to happen. It names no command. An error keeps its facts
    as attributes, and the edge makes its advice of them (nightjar/showing/remedies.py).
    """

    exit_code: ClassVar[int] = 1
    runbook: ClassVar[str] = "unexpected-error"
    advice: str = ""
    """The command that mends it, in a sentence. Empty until the edge adds it."""

    @property
    def words(self) -> str:
        """All that there is to say, without the runbook."""
        return f"{super().__str__()} {self.advice}".rstrip()

    def __str__(self) -> str:
        return f"{self.words} Runbook: runbooks/{self.runbook}.md"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a trip between processes.

        Subclasses take other arguments than the text that they pass on.
        """
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[NightjarError], args: tuple[object, ...], state: dict[str, object]) -> NightjarError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class Retryable(NightjarError):
    """The same call may succeed later without anyone changing anything."""
