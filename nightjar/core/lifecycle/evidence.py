"""Evidence: all that was measured of a version at its registration. Later gates, cards and diffs read it."""

from collections.abc import Mapping
from datetime import date

from pydantic import ConfigDict

from nightjar.core.kinds.curves import Confusion, Curve
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.proofs import Proofs
from nightjar.core.values import Value


class NightLoss(Value):
    """A night of unseen rows. losses: predictor -> the sum of its loss, None where it has seen the night."""

    score_date: date
    rows: int
    losses: Mapping[Of, float | None]


class Comparison(Value):
    """The loss of a version over that of another predictor, on the rows that neither has seen.

    beside: the other. number: of its version, if it is one. rows: how many those are. found: the quotient;
    None if it could not be measured. at_one_level: the same apart from the difference of their levels.
    within_nights: apart from the difference of their levels on each night, so it holds what tells the rows of
    one night apart. by_level: 1, and what the difference of their levels adds. All three are None where they
    were not asked for.
    """

    beside: Of
    number: int | None = None
    rows: int
    found: Estimate | None
    at_one_level: Estimate | None = None
    within_nights: Estimate | None = None
    by_level: Estimate | None = None


class SliceLoss(Value):
    """A comparison on the rows of a slice.

    slice: its name in the spec. value: what its rows share. found: apart from the level of all rows. within:
    apart from the level of each of its nights; None in older evidence.
    """

    slice: str
    value: str
    beside: Of
    rows: int
    found: Estimate | None
    within: Estimate | None = None

    @property
    def title(self) -> str:
        return f"{self.slice} {self.value}"


class LearnerLoss(Value):
    """A learner on the days that choose.

    loss: its mean. over_best: its loss over that of the best; None if the best has none.
    """

    learner: str
    loss: float
    over_best: Estimate | None


class Weight(Value):
    """How much an input matters: the mean size of what it adds to the raw score, as a share of all inputs."""

    input: str
    share: float


class Evidence(Value):
    """What was measured on unseen rows.

    metrics: the version's own, where they are defined. anchor: number of the version that is the best of the
    past; None if there was no champion. nights: oldest first. slices: those with enough rows, in the order of
    the spec. slices_left_out: those with fewer. farthest: quantiles of how many standard errors the farthest
    slice strays by chance. learners: those among which one was chosen, the simplest
    first; empty if there was one. chosen: its name. proofs: what else it must prove; None if not asked for.
    curves, confusion: what a card draws. weights: of the inputs, the greatest first; empty where the learner
    does not say what an input adds.
    Fields of later versions of this document are passed over.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    nights: tuple[NightLoss, ...]
    metrics: Mapping[str, Estimate]
    comparisons: tuple[Comparison, ...]
    anchor: int | None = None
    slices: tuple[SliceLoss, ...] = ()
    slices_left_out: tuple[str, ...] = ()
    farthest: tuple[float, ...] = ()
    learners: tuple[LearnerLoss, ...] = ()
    chosen: str | None = None
    proofs: Proofs | None = None
    curves: tuple[Curve, ...] = ()
    confusion: Confusion | None = None
    weights: tuple[Weight, ...] = ()

    def beside(self, other: Of) -> Comparison | None:
        return next((each for each in self.comparisons if each.beside is other), None)
