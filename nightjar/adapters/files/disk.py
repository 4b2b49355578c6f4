"""An error of the file system names the platform's file or folder that it is about."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENOUGH_TO_BEGIN_BYTES = 1 << 20


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the path.

    An error during a write does not name its file.
    """
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def require_room(folder: Path) -> None:
    """Create the folder if it is missing, and check that files can be written there.

    Raises an OSError that names the folder if they cannot.
    """
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, probe = tempfile.mkstemp(dir=folder, prefix=".probe-")
        try:
            missing = bytes(ENOUGH_TO_BEGIN_BYTES)
            while missing:
                missing = missing[os.write(descriptor, missing) :]
        finally:
            os.close(descriptor)
            os.unlink(probe)  # noqa: PTH108  # a path of text, as mkstemp gives it
