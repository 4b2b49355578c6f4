"""A platform that a benchmark has to itself."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings


@contextmanager
def platform_of_its_own() -> Iterator[Platform]:
    """A migrated platform with features applied, in a folder that goes away with it."""
    home = Path(tempfile.mkdtemp(prefix="nightjar-benchmark-"))
    try:
        with platform_in(home) as platform:
            yield platform
    finally:
        shutil.rmtree(home, ignore_errors=True)


def opened(home: Path) -> Platform:
    return Platform(Settings(home=home, max_delivery_mb=10_000, _env_file=None))


@contextmanager
def platform_in(home: Path) -> Iterator[Platform]:
    """The same in a folder that is kept. Its Postgres stops at the end."""
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o755)  # root runs Postgres as another account
    platform = opened(home)
    try:
        platform.migrate()
        platform.apply_features()
        yield platform
    finally:
        platform.close()
        platform.local.stop()
