"""The parts of a run. Each part is stored completely or not at all."""

from collections.abc import Collection, Mapping
from typing import Protocol

import polars as pl

from nightjar.core.night.entities import Part, Receipt, Run
from nightjar.core.ports.stages import UNSTAGED, Stages


class PartReader(Protocol):
    """Which parts are stored."""

    def receipts(self, run: Run) -> tuple[Receipt, ...]: ...

    def counts(self, runs: Collection[int]) -> Mapping[int, tuple[int, int]]:
        """Return of each of some runs with stored parts their rows, and how many of these are set aside."""
        ...


class PartWriter(Protocol):
    """Stores parts."""

    def write_part(
        self,
        run: Run,
        part: Part,
        scores: pl.DataFrame,
        quarantined: pl.DataFrame,
        stages: Stages = UNSTAGED,
    ) -> Receipt:
        """Store one part's scores, its quarantined rows, its stages and its receipt in one transaction.

        scores: `entity_key` String; `score` Float64 within the bounds of the version that computed it;
        `outputs` List(Float64), the version's outputs in their order, null if it has none;
        `challenger_score` and `challenger_outputs` like those two, or null;
        `arm` String, champion or challenger, the version that serves the row, null in a run with one;
        `carried_from` Int32, the run that computed the score, null if this run computed it.
        quarantined: `entity_key` String or null, `reasons` String (a JSON array of {column, check, value}),
        `row` String (the row as JSON). The heights of both frames add up to part.rows.
        stages: of the part. The write becomes its last one, without the commit.
        Idempotent: if the part has a receipt, nothing changes and that receipt is returned. This also holds
        when two processes write the part at once.
        Raises StoreUnavailable (retryable), ContractBroken, ClaimLost (another attempt claimed the run).
        """
        ...
