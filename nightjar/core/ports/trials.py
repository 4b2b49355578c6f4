"""Trials of parameters: where they are kept, and who proposes the next ones."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from nightjar.core.lifecycle.tuning import Trial
from nightjar.core.model.search import Params, Span


class Trials(Protocol):
    """Keeps the trials of searches. A search is named by `tuning.name_of`."""

    def add(self, name: str, trial: Trial) -> None:
        """Store a trial, whole or not at all. One of the same number is replaced."""
        ...

    def of(self, name: str) -> tuple[Trial, ...]:
        """The trials of a search that are stored, from the first one on."""
        ...


class Propose(Protocol):
    def __call__(self, space: Mapping[str, Span], trials: Sequence[Trial], seed: int) -> Params:
        """The parameters that are to be tried next, by what earlier trials gave.

        The same trials and seed give the same parameters.
        """
        ...
