"""Read a delivered file: all bytes of a regular file up to a stated size, or none."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EISDIR, ELOOP, ENAMETOOLONG, ENODEV, ENOENT, ENOTDIR, ENXIO, EPERM
from hashlib import sha256
from pathlib import Path
from tempfile import SpooledTemporaryFile

from nightjar.adapters.deliveries.content import BLOCK, Content
from nightjar.core.errors.inputs import BadDelivery

MEGABYTE = 10**6
MOST_BYTES = 256 * MEGABYTE
"""What is read where no setting says otherwise."""
AT_HAND = 16 * MEGABYTE
"""A file of so many bytes is copied into memory, a larger one to the disk."""

KINDS = {
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a character device",
    stat.S_IFBLK: "a block device",
    stat.S_IFDIR: "a folder",
}
OF_THE_FILE = {EACCES, EPERM, ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EISDIR, ENXIO, ENODEV}
"""Refusals of the system that lie in the file itself. Any other error is the machine's, and may pass."""
NEVER_WAIT = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

RESEND = "Have it delivered again, whole."
DELIVER_A_FILE = "Have it delivered as a regular file."
RENAME = "Have it written under another name, and renamed when it is whole."


@contextmanager
def delivered(file: Path, most_bytes: int = MOST_BYTES) -> Iterator[Content]:
    """A copy of what a file holds, which nobody changes while it is checked. It is there for the block.

    Raises BadDelivery as `read_delivered` does.
    """
    with SpooledTemporaryFile(AT_HAND) as copy:
        digest, size = sha256(), 0
        for block in read_delivered(file, most_bytes):
            copy.write(block)
            digest.update(block)
            size += len(block)
        yield Content(copy, size, digest.hexdigest())


def read_delivered(file: Path, most_bytes: int = MOST_BYTES) -> Iterator[bytes]:
    """The content of a regular file, or of one that a symbolic link leads to, a block at a time.

    It never waits for anything but the disk.
    Raises BadDelivery for anything else, for a file that may not be read, is empty, holds more than
    `most_bytes`, or, after the last block, one that changed meanwhile.
    """
    with translated(file):
        # Looked at before it is opened: some devices do something when they are opened.
        require_regular(file, file.stat())
        # `open`, not `Path.open`: it takes a descriptor.
        with open(os.open(file, NEVER_WAIT), "rb") as opened:  # noqa: PTH123
            before = os.fstat(opened.fileno())
            require_regular(file, before)  # it may have been exchanged since
            require_size(file, before.st_size, most_bytes)
            left = before.st_size + 1
            while block := opened.read(min(BLOCK, left)):
                left -= len(block)
                yield block
            if left != 1 or touched(os.fstat(opened.fileno())) != touched(before):
                raise BadDelivery(file, "changed while it was read", RENAME)


@contextmanager
def translated(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in OF_THE_FILE:
            raise
        remedy = (
            "Let the user read it who runs Nightjar." if error.errno in {EACCES, EPERM} else DELIVER_A_FILE
        )
        raise BadDelivery(file, f"cannot be read: {error.strerror}", remedy) from error


def require_regular(file: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise BadDelivery(
            file,
            f"is {KINDS.get(stat.S_IFMT(found.st_mode), 'something else')}, not a regular file",
            DELIVER_A_FILE,
        )


def require_size(file: Path, size: int, most_bytes: int) -> None:
    """A file of the kernel says that it has 0 bytes, whatever it holds, and is not read either."""
    if size == 0:
        raise BadDelivery(file, "is empty: its size is 0 bytes", RESEND)
    if size > most_bytes:
        raise BadDelivery(
            file,
            f"has {size:,} bytes, the limit is {most_bytes:,}",
            "Look whether it is the right file. If it is, raise NIGHTJAR_MAX_DELIVERY_MB: "
            "while a file is checked, the folder for temporary files holds it and its rows.",
        )


def touched(found: os.stat_result) -> tuple[int, int]:
    return found.st_size, found.st_mtime_ns
