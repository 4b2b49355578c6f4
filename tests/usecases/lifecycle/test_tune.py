"""A search over a small made-up world, with rows and folds of a real retraining."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import polars as pl
import pytest

from nightjar.adapters.files.trials import TrialFiles
from nightjar.adapters.proposing import propose
from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.training_set import cut_by_time
from nightjar.core.model.search import Real, Search, Whole
from nightjar.core.model.spec import TimeSplit
from nightjar.showing.tuning import show_search
from nightjar.testing.counting import counted
from nightjar.testing.predictors import Formula
from nightjar.testing.specs import toy_spec
from nightjar.testing.worlds import FIRST, NoFeatures, made
from nightjar.usecases.lifecycle.gathering import known_rows
from nightjar.usecases.lifecycle.tune import Tune

DAYS, ROWS = 70, 20
LAST = FIRST + timedelta(days=DAYS - 1)
KNOWN_AT = datetime(2013, 5, 15, tzinfo=UTC)


def fit_slope(train, valid, *, spec):
    """It learns nothing: the slope is a parameter, and 2 is the true one."""
    SEEN.extend((train, valid))
    return Formula(1 / (1 + (-spec.params["slope"] * pl.col("x")).exp()))


def refit_slope(rows, *, spec, judged):
    SEEN.append(rows)
    return fit_slope(rows, rows, spec=spec)


SEEN = []
SPEC = toy_spec(
    time_zone="UTC",
    fit=fit_slope,
    refit=refit_slope,
    params={"slope": -1.0, "kept": "as it is"},
    search=Search(space={"slope": Real(low=-4, high=4)}, folds=2, fold_days=10),
    split=TimeSplit(test_days=14, valid_days=3, min_train_rows=200),
)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return made(tmp_path_factory.mktemp("world"), DAYS, ROWS, drift_days=1e9)


@pytest.fixture
def tune(raw, tmp_path):
    ticks = count()
    return Tune(
        spec=SPEC,
        raw=raw,
        features=NoFeatures(),
        trials=TrialFiles(tmp_path / "searches"),
        propose=propose,
        code={"toy/spec.py": "a"},
        clock=lambda: float(next(ticks)),
    )


def test_a_search_finds_the_true_slope_and_confirms_it(tune):
    tuned = tune.run(KNOWN_AT, 60)
    assert tuned.trials[0].params == SPEC.params
    assert tuned.verdict.better
    best = tuned.trials[tuned.verdict.best - 1]
    assert best.params["slope"] > 0
    assert best.params["kept"] == "as it is"
    assert tuned.verdict.over_today.value < 0.9
    assert tuned.verdict.confirmed.value < 1
    assert any(trial.given_up and trial.folds == 1 for trial in tuned.trials)


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(tune, tmp_path):
    stopped = tune.run(KNOWN_AT, 12)
    went_on = tune.run(KNOWN_AT, 12)
    assert went_on.resumed == len(stopped.trials)
    assert went_on.trials[: went_on.resumed] == stopped.trials
    at_once = replace(tune, trials=TrialFiles(tmp_path / "other")).run(KNOWN_AT, 60)
    both = [[trial.params for trial in tuned.trials] for tuned in (went_on, at_once)]
    assert both[0] == both[1][: len(both[0])]


def test_other_code_is_another_search(tune):
    first = tune.run(KNOWN_AT, 1)
    assert replace(tune, code={"toy/spec.py": "b"}).run(KNOWN_AT, 1).resumed == 0
    assert tune.run(KNOWN_AT, 0).resumed == len(first.trials)


def test_neither_fits_nor_scores_touch_the_days_that_judge(tune):
    SEEN.clear()
    tuned = tune.run(KNOWN_AT, 5)
    rows = known_rows(SPEC, KNOWN_AT, tune.raw, tune.features)
    judged = cut_by_time(rows, SPEC, KNOWN_AT).test["score_date"].min()
    assert judged == LAST - timedelta(days=13)
    cuts = (*tuned.folds.choosing, tuned.folds.confirming)
    assert max(cut.test["score_date"].max() for cut in cuts) < judged
    assert max(frame["score_date"].max() for frame in SEEN) < tuned.folds.confirming.test["score_date"].min()


def test_however_many_nights_are_gathered_what_has_landed_is_listed_once(tune):
    with counted() as work:
        known_rows(SPEC, KNOWN_AT, tune.raw, tune.features)
    assert {*Counter(work.listed).values()} == {1}


def test_a_model_without_a_search_is_told_what_it_lacks(tune):
    with pytest.raises(BadSettings, match="toy names no parameters to try"):
        replace(tune, spec=replace(SPEC, search=None)).run(KNOWN_AT, 1)


def test_too_little_history_is_told_before_anything_is_tried(tune):
    many = Search(space={"slope": Whole(low=-4, high=4)}, folds=20, fold_days=10)
    with pytest.raises(TooLittleHistory):
        replace(tune, spec=replace(SPEC, search=many, params={"slope": 1})).run(KNOWN_AT, 1)


def test_people_are_shown_each_trial_and_the_line_to_write(tune, capsys):
    tuned = tune.run(KNOWN_AT, 60)
    show_search(SPEC, tuned)
    told = capsys.readouterr().out
    best = tuned.trials[tuned.verdict.best - 1]
    assert "1 (today)" in told
    assert f"To take them, write in models/toy/spec.py: params={dict(best.params)!r}" in told
    assert f"search {tuned.name}: {len(tuned.trials)} trials, 0 of them were stored before" in told
    assert f"nights that confirm: {tuned.folds.confirming.test['score_date'].min()}" in told


def test_parameters_that_are_not_surely_better_are_not_recommended(tune, capsys):
    show_search(SPEC, tune.run(KNOWN_AT, 0))
    told = capsys.readouterr().out
    assert "of 1 trials none has less loss than the parameters of today" in told
    assert "To take them" not in told
