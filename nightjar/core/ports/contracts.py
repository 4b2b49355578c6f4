"""The contract of what may be scored."""

from typing import Protocol

import polars as pl

from nightjar.core.model.spec import ModelSpec


class Checked(Protocol):
    """Rows that pass the contract, and rows that fail it with the reasons.

    Together they are all the rows that were checked.
    """

    @property
    def valid(self) -> pl.DataFrame: ...

    @property
    def quarantined(self) -> pl.DataFrame: ...


class Check(Protocol):
    def __call__(self, spec: ModelSpec, frame: pl.DataFrame, /) -> Checked:
        """Split rows with features by the model's contract.

        Raises ContractBroken for a fault that concerns all rows, and BadSpec.
        """
        ...
