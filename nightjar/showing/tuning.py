"""A search of parameters for people."""

from collections.abc import Iterator, Mapping

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.tuning import TODAY, Trial, over
from nightjar.core.model.search import Params
from nightjar.core.model.spec import ModelSpec
from nightjar.showing import console
from nightjar.showing.backtest import told
from nightjar.usecases.lifecycle.tune import Tuned


def show_search(spec: ModelSpec, tuned: Tuned) -> None:
    """The trials, best first, and what follows from them."""
    out, loss = console.out, spec.kind.metric(spec.kind.loss.metric).title
    for use, cuts in {"choose": tuned.folds.choosing, "confirm": (tuned.folds.confirming,)}.items():
        days = [cut.test["score_date"] for cut in cuts]
        out.print(f"nights that {use}: {days[0].min()} to {days[-1].max()}, in stretches: {len(days)}")
    columns = "trial", *tuned.search.space, "folds", loss, "over that of today", "seconds"
    out.print(console.table("trials, the best first", columns, [*_rows(tuned)]))
    out.print(f"{spec.name}: {tuned.verdict.reason}")
    for what, found in _figures(tuned).items():
        out.print(f"{loss} over that of the parameters of today, on nights that {what}: {told(found)}")
    if tuned.verdict.better:
        best = tuned.trials[tuned.verdict.best - 1].params
        out.print(f"To take them, write in models/{spec.name}/spec.py: {_as_code(best)}")
    out.print(f"search {tuned.name}: {len(tuned.trials)} trials, {tuned.resumed} of them were stored before")


def _rows(tuned: Tuned) -> Iterator[tuple[object, ...]]:
    today = tuned.trials[TODAY - 1]
    for trial in sorted(tuned.trials, key=lambda trial: (trial.given_up, trial.loss)):
        params = (trial.params[name] for name in tuned.search.space)
        beside = told(over(trial.nights, today.nights))
        yield _numbered(trial), *params, trial.folds, trial.loss, beside, f"{trial.seconds:.1f}"


def _numbered(trial: Trial) -> str:
    return f"{trial.number} (today)" if trial.number == TODAY else str(trial.number)


def _figures(tuned: Tuned) -> Mapping[str, Estimate]:
    found = {"choose": tuned.verdict.over_today, "confirm": tuned.verdict.confirmed}
    return {what: one for what, one in found.items() if one is not None}


def _as_code(params: Params) -> str:
    return f"params={dict(params)!r}"
