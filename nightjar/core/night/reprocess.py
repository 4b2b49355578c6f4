"""What a person may ask of a backfill.

Apart from the rest, which takes Polars to import, for the sake of the command line.
"""

from enum import StrEnum


class Order(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"


class Reprocess(StrEnum):
    """What becomes of nights that were attempted before."""

    NONE = "none"
    """They are left alone, however they ended."""
    FAILED = "failed"
    """Those that are not published are scored."""
    ALL = "all"
    """Each is scored; one that is published gets a new revision."""
