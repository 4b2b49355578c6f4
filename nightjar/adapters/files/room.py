"""How much room the disks have."""

import shutil
from pathlib import Path

from nightjar.core.telling.facts import DiskFacts


def disks_of(*places: Path) -> tuple[DiskFacts, ...]:
    """The disks of the places that are there, each once."""
    first = {place.stat().st_dev: place for place in reversed(places) if place.exists()}
    usages = ((str(place), shutil.disk_usage(place)) for place in first.values())
    return tuple(DiskFacts(place, usage.free, usage.total) for place, usage in usages)
