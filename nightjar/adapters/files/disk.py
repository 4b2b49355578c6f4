"""Files and folders of the platform: an error of theirs names them."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENOUGH_TO_BEGIN_BYTES = 1 << 20


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Let an OSError name the path: what fails while it is written does not say which file it is."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def require_room(folder: Path) -> None:
    """Make the folder if it is missing.

    Raises an OSError that names it where nothing can be written there.
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
