"""Record what a version is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nightjar.core.lifecycle.training_set import embargo
from nightjar.core.model.entities import Dataset
from nightjar.core.model.record import UNKNOWN, Record, Surroundings, UsedRows
from nightjar.core.model.spec import ModelSpec

SurroundingsOf = Callable[[str], Surroundings]
"""What fits and scores here, by the algorithm of a predictor."""


def unknown(algorithm: str) -> Surroundings:  # noqa: ARG001  # whatever it is
    return UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorder:
    spec: ModelSpec
    dataset: Dataset
    surroundings: SurroundingsOf

    def record(
        self, algorithm: str, windows: Mapping[str, UsedRows], beside: Mapping[str, int] | None = None
    ) -> Record:
        """Of a version that was made just now. beside: role -> version that it is judged beside."""
        return Record(
            dataset_sha256=self.dataset.sha256,
            known_at=self.dataset.known_at,
            windows=windows,
            embargo_days=embargo(self.spec).days,
            seed=self.spec.seed,
            params=self.spec.params,
            limits=dict(self.spec.gates),
            beside=beside or {},
            surroundings=self.surroundings(algorithm),
        )
