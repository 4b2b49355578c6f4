"""Fit all learners of a spec on the same rows, and take the one that is to be judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from nightjar.core.lifecycle.choosing import choice
from nightjar.core.lifecycle.evidence import LearnerLoss
from nightjar.core.lifecycle.training_set import DAY, TimeCut
from nightjar.core.model.spec import Learner, ModelSpec, Predictor
from nightjar.usecases.lifecycle.fitting import fitted


@dataclass(frozen=True, slots=True)
class Chosen:
    """A learner and its predictor. among: the learners it was chosen from; empty if it was the only one."""

    learner: Learner
    predictor: Predictor
    among: Sequence[LearnerLoss] = ()


def chosen(spec: ModelSpec, cut: TimeCut) -> Chosen:
    """Raises CodeFailed."""
    predictors = {learner.name: fitted(spec, learner, cut) for learner in spec.learners}
    if len(predictors) == 1:
        return Chosen(spec.learners[0], predictors[spec.learners[0].name])
    losses = {
        name: spec.kind.losses(
            spec.kind.published(f"predictions of {name}", predictor.predict(cut.valid), ()),
            cut.valid["outcome"],
        )
        for name, predictor in predictors.items()
    }
    name, among = choice(cut.valid[DAY], losses, spec.certainty.alpha)
    taken = next(learner for learner in spec.learners if learner.name == name)
    return Chosen(taken, predictors[name], among)
