"""What the machine refuses: room on a disk, rights to a file, memory."""

from nightjar.core.errors.base import NightjarError, Retryable


class StorageRefused(Retryable):
    """The file system said no: it is full, read-only, or closed to us."""

    exit_code, runbook = 24, "storage-refused"

    def __init__(self, error: OSError) -> None:
        where = error.filename or "the file system"
        super().__init__(
            f"{where}: {error.strerror or error}. Free space or open it to this user, then run the same "
            "again: what is stored is kept."
        )


class OutOfMemory(Retryable):
    """The machine, or a limit of this process, gives no more memory."""

    exit_code, runbook = 34, "out-of-memory"

    def __init__(self) -> None:
        super().__init__(
            "There is no memory left for this process. What is stored is kept. "
            "Give it more, or let it do less at once (NIGHTJAR_THREADS=1, a smaller part_rows in the "
            "model's spec), then run the same again."
        )


REFUSALS = (OSError, MemoryError)
"""How Python says that the machine refuses something; `refused` says what it means."""


def may_pass(error: object) -> bool:
    """Whether the same may be tried again without anyone changing anything: the type of the error says so."""
    return isinstance(error, (Retryable, *REFUSALS))


def refused(error: OSError | MemoryError) -> Retryable:
    """What the machine said, as what it means: libraries tell of memory in either way."""
    return (
        OutOfMemory()
        if isinstance(error, MemoryError) or "Cannot allocate memory" in str(error)
        else StorageRefused(error)
    )


def told_of(error: Exception) -> str:
    """An error in words: an unexpected one begins with its type, which is all that some of them say."""
    if isinstance(error, (OSError, MemoryError)):
        return str(refused(error))
    return str(error) if isinstance(error, NightjarError) else f"{type(error).__name__}: {error}"
