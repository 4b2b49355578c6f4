"""Options of a backfill that a person may choose.

They have a module of their own because the rest imports Polars, and the command line must start fast.
"""

from enum import StrEnum


class Order(StrEnum):
    OLDEST = "oldest"
    NEWEST = "newest"


class Reprocess(StrEnum):
    """How a backfill treats nights that were attempted before."""

    NONE = "none"
    """They are not scored again, however they ended."""
    FAILED = "failed"
    """The unpublished ones are scored."""
    ALL = "all"
    """All are scored. A published night gets a new revision."""
