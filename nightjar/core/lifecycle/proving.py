"""The gates on what a version must prove besides its quality."""

from nightjar.core.kinds.gates import GateResult, untold
from nightjar.core.lifecycle.cost import costly
from nightjar.core.lifecycle.leakage import leaks
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.lifecycle.stability import unstable
from nightjar.core.model.spec import ModelSpec


def proofs_judged(spec: ModelSpec, proofs: Proofs) -> tuple[GateResult, ...]:
    """The verdict of each gate that was measured, or that could not be."""
    failed = (untold(name, spec.gates[name], why) for name, why in proofs.failed.items())
    return (*leaks(spec, proofs), *unstable(spec, proofs), *costly(spec, proofs), *failed)
