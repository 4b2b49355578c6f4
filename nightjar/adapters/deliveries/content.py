"""The bytes of a delivered file, read a stretch at a time."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from typing import IO

BLOCK = 2**20
"""So many bytes are read at once."""


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes that nobody else changes. `end` is always the place after a stretch; None: after all of them.

    file: where they lie, in memory or on the disk. sha256: of all of them, in lower-case hex.
    """

    file: IO[bytes]
    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> "Content":
        return cls(BytesIO(content), len(content), sha256(content).hexdigest())

    def between(self, start: int, end: int | None = None) -> bytes:
        self.file.seek(start)
        return self.file.read(max(0, min(self.size, self.size if end is None else end) - start))

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes of a stretch, BLOCK at a time."""
        end = self.size if end is None else end
        return (self.between(at, min(at + BLOCK, end)) for at in range(start, end, BLOCK))

    def find(self, byte: bytes, start: int = 0, end: int | None = None) -> int:
        """Where a byte is first in a stretch. -1 if there is none, as with `bytes.find`."""
        for number, block in enumerate(self.blocks(start, end)):
            if (at := block.find(byte)) >= 0:
                return start + number * BLOCK + at
        return -1

    def rfind(self, byte: bytes, end: int) -> int:
        """Where a byte is last before `end`. -1 if there is none."""
        while end > 0:
            start = max(0, end - BLOCK)
            if (at := self.between(start, end).rfind(byte)) >= 0:
                return start + at
            end = start
        return -1

    def count(self, byte: bytes, end: int) -> int:
        """How often a byte is there before `end`."""
        return sum(block.count(byte) for block in self.blocks(0, end))
