"""The contract of what may be scored."""

from typing import Protocol

import polars as pl

from nightjar.core.model.spec import ModelSpec


class Checked(Protocol):
    """Rows that kept the contract, and those that did not with their reasons.

    Together they are all the rows there were.
    """

    @property
    def valid(self) -> pl.DataFrame: ...

    @property
    def quarantined(self) -> pl.DataFrame: ...


class Check(Protocol):
    def __call__(self, spec: ModelSpec, frame: pl.DataFrame, /) -> Checked:
        """Split rows with features by the model's contract.

        Raises ContractBroken for a fault of them all, BadSpec.
        """
        ...
