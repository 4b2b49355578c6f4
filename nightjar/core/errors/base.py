"""Every error that Nightjar raises on purpose has a text, an exit code and a runbook."""

from typing import ClassVar


class NightjarError(Exception):
    """Root of all errors that Nightjar raises on purpose. A person can act on one without a traceback.

    The text says what was wrong, where, and what has to happen. It names no command. An error keeps its facts
    as attributes. The edge makes its advice from them (nightjar/showing/remedies.py).
    """

    exit_code: ClassVar[int] = 1
    runbook: ClassVar[str] = "unexpected-error"
    advice: str = ""
    """A sentence with the command that corrects the error. It is empty until the edge adds it."""
    worker: str = ""
    """The worker of a cluster that raised the error. It is empty if this process did."""
    variant: str = ""
    """What tells errors of one type apart that are mended in different ways. It is empty if none are."""

    @property
    def words(self) -> str:
        """The text, the worker and the advice, without the runbook."""
        where = f"This was on the worker {self.worker}." if self.worker else ""
        return " ".join(filter(None, (super().__str__(), where, self.advice)))

    @property
    def because(self) -> str:
        """The name of the cause that people are told of. Another name is another cause."""
        return " ".join(filter(None, (type(self).__name__, self.variant)))

    def __str__(self) -> str:
        return f"{self.words} Runbook: runbooks/{self.runbook}.md"

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error be pickled and sent to another process.

        The default fails, because subclasses take other arguments than the text that they pass on.
        """
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[NightjarError], args: tuple[object, ...], state: dict[str, object]) -> NightjarError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(state)
    return error


class Retryable(NightjarError):
    """The same call may succeed later without anyone changing anything."""
