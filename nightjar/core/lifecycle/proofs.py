"""What a version must prove besides its quality: that nothing leaks into it. One document of its evidence."""

from collections.abc import Mapping

from pydantic import ConfigDict

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.values import Value


class Proofs(Value):
    """What was measured on samples of the unseen rows. None, or empty: it was not asked for.

    skill: share of the constant's loss that the version removes. alone: input -> the same by it alone.
    shuffled: the loss of the learner, fitted on shuffled outcomes, over that of the constant. earlier: the
    loss of the version over its loss with features asked a day earlier. failed: gate -> why it could not be
    measured.
    Fields of later versions of this document are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    skill: float | None = None
    alone: Mapping[str, float] = {}
    shuffled: Estimate | None = None
    earlier: Estimate | None = None
    failed: Mapping[str, str] = {}
