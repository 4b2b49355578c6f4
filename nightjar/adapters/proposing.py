"""Optuna proposes parameters. It keeps nothing: it is told all earlier trials each time."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nightjar.core.lifecycle.tuning import Trial
from nightjar.core.model.search import OneOf, Params, Span, Whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

RANDOM_TRIALS = 6
"""So many are drawn at random before earlier trials say where to look."""


def propose(space: Mapping[str, Span], trials: Sequence[Trial], seed: int) -> Params:
    """Implements ports.Propose by the tree-structured Parzen estimator (Bergstra et al. 2011, NeurIPS 24).

    A trial that was given up counts as one that is worse than all that were not.
    """
    import optuna  # noqa: PLC0415  # takes half a second to import

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=seed + len(trials), n_startup_trials=RANDOM_TRIALS)
    study = optuna.create_study(sampler=sampler)
    ranges = {name: _distribution(span) for name, span in space.items()}
    for trial in trials:
        study.add_trial(_as_told(trial, ranges))
    return study.ask(ranges).params


def _distribution(span: Span) -> "BaseDistribution":
    from optuna import distributions  # noqa: PLC0415  # as above

    if isinstance(span, OneOf):
        return distributions.CategoricalDistribution(span.values)
    if isinstance(span, Whole):
        return distributions.IntDistribution(span.low, span.high, log=span.log)
    return distributions.FloatDistribution(span.low, span.high, log=span.log)


def _as_told(trial: Trial, ranges: "dict[str, BaseDistribution]") -> "FrozenTrial":
    from optuna.trial import TrialState, create_trial  # noqa: PLC0415  # as above

    params = {name: trial.params[name] for name in ranges}
    if trial.given_up:
        steps = {trial.folds: trial.loss}
        return create_trial(
            state=TrialState.PRUNED, params=params, distributions=ranges, intermediate_values=steps
        )
    return create_trial(value=trial.loss, params=params, distributions=ranges)
