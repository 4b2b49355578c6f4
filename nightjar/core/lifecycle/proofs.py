"""What a version must prove besides its quality: no leak, stability, use and cost. Part of its evidence."""

from collections.abc import Mapping

from pydantic import ConfigDict

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.values import Value


class SurestBin(Value):
    """The bin of one input that tells the outcome best.

    value: what its rows share: a value, or a range. loss: what is left in its rows, over the mean loss of the
    constant in all rows.
    """

    input: str
    value: str
    loss: float
    rows: int
    nights: int


class Proofs(Value):
    """What was measured on samples of the unseen rows. None, or empty: it was not asked for.

    skill: share of the constant's loss that the version removes. alone: input -> the same by it alone.
    surest: None if no value of one input tells the outcome. shuffled: the loss of the learner, fitted on
    shuffled outcomes, over that of the constant. earlier: the loss of the version over its loss with features
    asked a day earlier. earlier_by: input -> the same with this input alone asked a day earlier. failed: gate
    -> why it could not be measured.
    seeds, noise: mean change of the scores over their standard deviation, with the learner fitted on a sample
    by another seed, and with a little noise in the numbers. compared_rows, skewed_rows: training rows of the
    newest nights, and how many of them have other inputs when their night is scored.
    importance: input -> the share by which the loss rises if its values are put in another order.
    us_a_row: microseconds to predict a row. artifact_bytes: size of its file. retrieval_s: seconds to gather
    the population and features of one night.
    Fields of later versions of this document are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    skill: float | None = None
    alone: Mapping[str, float] = {}
    surest: SurestBin | None = None
    shuffled: Estimate | None = None
    earlier: Estimate | None = None
    earlier_by: Mapping[str, Estimate] = {}
    failed: Mapping[str, str] = {}
    seeds: float | None = None
    noise: float | None = None
    compared_rows: int = 0
    skewed_rows: int = 0
    importance: Mapping[str, float] = {}
    us_a_row: float | None = None
    artifact_bytes: int | None = None
    retrieval_s: float | None = None
