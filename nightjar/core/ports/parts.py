"""The parts of a run, each stored whole or not at all."""

from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Part, Receipt, Run


class PartReader(Protocol):
    """Which parts are stored."""

    def receipts(self, run: Run) -> tuple[Receipt, ...]: ...


class PartWriter(Protocol):
    """Stores parts."""

    def write_part(self, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame) -> Receipt:
        """Store one part's scores, its quarantined rows and its receipt in one transaction.

        scores: `entity_key` String; `score` Float64 within the bounds of the version that gave it;
        `challenger_score` likewise, or null; `carried_from` Int32: the run whose score it is, null for one
        computed now.
        quarantined: `entity_key` String or null, `reasons` String (a JSON array of {column, check, value}),
        `row` String (the row as JSON). Their heights add up to part.rows.
        Idempotent: a part whose receipt exists is left as it is and its receipt returned, also when two
        processes write it at once.
        Raises StoreUnavailable (retryable), ContractBroken, ClaimLost (the run is no longer this attempt's).
        """
        ...
