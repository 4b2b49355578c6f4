"""Of many trials the best is lucky, so it must be surely better, and better on nights that chose nothing."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.lifecycle.folds import folds_of
from nightjar.core.lifecycle.tuning import (
    TODAY,
    NightOfTrial,
    Trial,
    best_of,
    hopeless,
    name_of,
    nights_of,
    over,
    promising,
    verdict_on,
)
from nightjar.core.model.search import OneOf, Real, Search, Whole
from nightjar.core.model.spec import TimeSplit
from nightjar.testing.specs import toy_spec

FIRST = date(2013, 1, 1)
LEVEL = np.random.default_rng(0).uniform(50, 150, 60)
SEARCH = Search(space={"depth": Whole(low=1, high=8)}, folds=3, fold_days=10)


def nights(factor, count=60, noise=0.01, seed=1):
    spread = np.random.default_rng(seed).normal(1, noise, count)
    return tuple(
        NightOfTrial(score_date=FIRST + timedelta(days=day), rows=400, loss=LEVEL[day] * factor * spread[day])
        for day in range(count)
    )


def trial(number, factor, **changes):
    told = {"params": {"depth": number}, "nights": nights(factor, seed=number), "folds": 3, "seconds": 1.0}
    return Trial(**{"number": number, "given_up": False, **told, **changes})


def better(value, error=0.001):
    return Estimate(value=value, nights=28, error=error, degrees=8)


def test_the_nights_of_a_trial_hold_the_sums_of_their_rows():
    days = pl.Series([FIRST, FIRST, FIRST + timedelta(days=1)])
    assert nights_of(days, pl.Series([1.0, 2.0, 4.0])) == (
        NightOfTrial(score_date=FIRST, rows=2, loss=3.0),
        NightOfTrial(score_date=FIRST + timedelta(days=1), rows=1, loss=4.0),
    )


def test_a_trial_that_was_given_up_is_never_the_best():
    found = [trial(1, 1.0), trial(2, 0.5, given_up=True, folds=1)]
    assert best_of(found).number == 1
    assert best_of([]) is None
    assert promising(found) is None


def test_a_trial_is_given_up_once_it_is_surely_worse_than_the_best_on_the_same_nights():
    best = trial(1, 1.0)
    assert hopeless(nights(1.05, 20), best, 0.05)
    assert not hopeless(nights(1.0, 20, seed=5), best, 0.05)
    assert not hopeless(nights(1.05, 20), None, 0.05)
    assert not hopeless(nights(2.0, 4), best, 0.05), "four nights say nothing"


def test_only_nights_that_both_have_are_compared():
    assert over(nights(1.0, 20, noise=0), nights(0.5, 60, noise=0)).value == pytest.approx(2)
    assert over(nights(1.0, 20), ()) is None


def test_a_sure_gain_that_the_later_nights_confirm_is_taken():
    trials = [trial(1, 1.0), trial(2, 0.9)]
    verdict = verdict_on(trials, promising(trials), better(0.95), 0.05)
    assert (verdict.best, verdict.better) == (2, True)
    assert verdict.over_today.value == pytest.approx(0.9, abs=0.01)


def test_a_gain_that_the_later_nights_do_not_confirm_is_not_taken():
    trials = [trial(1, 1.0), trial(2, 0.9)]
    for confirmed in (better(1.0), better(1.2), None):
        verdict = verdict_on(trials, promising(trials), confirmed, 0.05)
        assert verdict.best == TODAY
        assert "not on those that confirm" in verdict.reason


def test_the_luckiest_of_many_equal_trials_is_not_taken():
    """Each of 100 searches has 40 trials that are as good as the parameters of today."""
    taken = 0
    for search in range(100):
        trials = [trial(n, 1.0, nights=nights(1.0, noise=0.05, seed=1000 * search + n)) for n in range(1, 41)]
        taken += verdict_on(trials, promising(trials), better(0.9), 0.05).better
    assert taken <= 10


def test_a_search_without_a_gain_keeps_the_parameters_of_today():
    verdict = verdict_on([trial(1, 1.0), trial(2, 1.1)], None, None, 0.05)
    assert (verdict.best, verdict.confirmed) == (TODAY, None)
    assert "of 2 trials none has less loss" in verdict.reason


def test_a_search_has_another_name_if_anything_it_is_made_of_changes():
    made_of = {"data_sha256": "a", "code": {"spec.py": "b"}, "params": {"depth": 4}}
    name = name_of("toy", SEARCH, **made_of)
    wider = Search(space={"depth": Whole(low=1, high=9)}, folds=3, fold_days=10)
    others = [
        name_of("other", SEARCH, **made_of),
        name_of("toy", wider, **made_of),
        *(
            name_of("toy", SEARCH, **{**made_of, **change})
            for change in ({"data_sha256": "x"}, {"code": {"spec.py": "x"}}, {"params": {"depth": 5}})
        ),
    ]
    assert len({name, *others}) == 6
    assert name == name_of("toy", SEARCH, **made_of)


def rows(days):
    dates = [FIRST + timedelta(days=day) for day in range(days) for _ in range(4)]
    return pl.DataFrame({"score_date": dates, "outcome": [0, 1, 0, 1] * days})


@pytest.mark.parametrize("maturity_days", [1, 4])
def test_folds_go_forward_and_never_reach_the_days_that_judge(maturity_days):
    spec = toy_spec(
        split=TimeSplit(test_days=14, valid_days=5, min_train_rows=40), maturity_days=maturity_days
    )
    known_at = datetime(2013, 5, 1, tzinfo=UTC)
    folds = folds_of(rows(100), spec, SEARCH, known_at)
    first_judged, gap = FIRST + timedelta(days=86), timedelta(days=maturity_days - 1)
    tests = [cut.test["score_date"] for cut in (*folds.choosing, folds.confirming)]
    assert len(tests) == 4
    assert all(days.n_unique() == 10 for days in tests)
    assert [days.min() for days in tests[1:]] == [days.max() + timedelta(days=1) for days in tests[:-1]]
    assert tests[-1].max() == first_judged - gap - timedelta(days=1)
    for cut in (*folds.choosing, folds.confirming):
        assert cut.valid["score_date"].max() + gap < cut.test["score_date"].min()
        assert cut.train["score_date"].max() + gap < cut.valid["score_date"].min()


def test_too_little_history_for_all_folds_is_told():
    spec = toy_spec(split=TimeSplit(test_days=14, valid_days=5, min_train_rows=40))
    with pytest.raises(TooLittleHistory):
        folds_of(rows(60), spec, SEARCH, datetime(2013, 5, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("space", "params", "told"),
    [
        ({}, {}, "must name a parameter"),
        ({"depth": Whole(low=3, high=3)}, {"depth": 3}, "no two values"),
        ({"rate": Real(low=0, high=1, log=True)}, {"rate": 0.5}, "scale of logs"),
        ({"kind": OneOf(values=("a",))}, {"kind": "a"}, "no two values"),
        ({"depth": Whole(low=1, high=3)}, {}, "`params` has no value of it"),
        ({"depth": Whole(low=1, high=3)}, {"depth": 4}, "is not there"),
        ({"depth": Whole(low=0, high=3)}, {"depth": True}, "is not there"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_with_the_spec(space, params, told):
    from nightjar.core.errors.model import BadSpec

    with pytest.raises(BadSpec, match=told):
        toy_spec(search=Search(space=space), params=params)
