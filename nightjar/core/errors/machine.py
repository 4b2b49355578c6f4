"""These errors say what the machine refuses: space on a disk, rights to a file, or memory."""

import errno

from nightjar.core.errors.base import NightjarError, Retryable


class StorageRefused(Retryable):
    """The file system refused: it is full or read-only, or we lack the rights."""

    exit_code, runbook = 24, "storage-refused"

    def __init__(self, error: OSError) -> None:
        where = error.filename or "the file system"
        super().__init__(
            f"{where}: {error.strerror or error}. Free space or open it to this user, then run the same "
            "again: what is stored is kept."
        )


class OutOfMemory(Retryable):
    """No more memory is available, because of the machine or because of a limit of this process."""

    exit_code, runbook = 34, "out-of-memory"

    def __init__(self) -> None:
        super().__init__(
            "There is no memory left for this process. What is stored is kept. "
            "Give it more, or let it do less at once (NIGHTJAR_THREADS=1, a smaller part_rows in the "
            "model's spec), then run the same again."
        )


REFUSALS = (OSError, MemoryError)
"""Python raises these when the machine refuses something. `refused` translates them."""


OF_MACHINE = frozenset(
    {
        errno.EACCES,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.EPERM,
        errno.EROFS,
    }
)
"""The numbers of an OSError that tell of the machine. Others may be a fault of the code, as a wrong path."""


def by_machine(error: Exception) -> bool:
    """True if an error of a library, or of a model's own code, is a refusal of the machine."""
    if isinstance(error, OSError) and error.errno in OF_MACHINE:
        return True
    return isinstance(error, REFUSALS) and isinstance(refused(error), OutOfMemory)


def may_pass(error: object) -> bool:
    """True if the same call may be tried again unchanged. The type of the error decides."""
    return isinstance(error, (Retryable, *REFUSALS))


def refused(error: OSError | MemoryError) -> Retryable:
    """Translate the machine's error into one of ours.

    Libraries report a lack of memory as an OSError or as a MemoryError.
    """
    return (
        OutOfMemory()
        if isinstance(error, MemoryError) or "Cannot allocate memory" in str(error)
        else StorageRefused(error)
    )


def told_of(error: Exception) -> str:
    """Return an error in words.

    The text of an unexpected error begins with its type, because some errors have no other text.
    """
    if isinstance(error, (OSError, MemoryError)):
        return str(refused(error))
    return str(error) if isinstance(error, NightjarError) else f"{type(error).__name__}: {error}"
