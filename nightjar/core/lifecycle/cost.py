"""What a version costs: the time of a prediction, and the size of its file."""

from collections.abc import Iterator

from nightjar.core.kinds.gates import GateResult
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.stability import at_most
from nightjar.core.model.judging import ARTIFACT_MB, US_A_ROW
from nightjar.core.model.spec import ModelSpec


def costly(spec: ModelSpec, proofs: Proofs) -> Iterator[GateResult]:
    """The gates on cost that were measured."""
    if proofs.us_a_row is not None:
        yield at_most(US_A_ROW, "prediction of a row, in microseconds,", proofs.us_a_row, spec)
    if proofs.artifact_bytes is not None:
        yield at_most(ARTIFACT_MB, "size of the file, in MB,", proofs.artifact_bytes / 1e6, spec)
