"""What every error that Nightjar raises on purpose has: a text, an exit code, a runbook."""

from typing import ClassVar


class NightjarError(Exception):
    """Root of all errors raised on purpose. Its text is complete: no traceback is needed to act on it."""

    exit_code: ClassVar[int] = 1
    runbook: ClassVar[str] = "unexpected-error"

    def __str__(self) -> str:
        return f"{super().__str__()} Runbook: runbooks/{self.runbook}.md"

    def __reduce__(self) -> tuple[object, ...]:
        """Survive a trip between processes: subclasses take other arguments than the text that they pass on."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[NightjarError], args: tuple[object, ...], state: dict[str, object]) -> NightjarError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class Retryable(NightjarError):
    """The same call may succeed later without anyone changing anything."""
