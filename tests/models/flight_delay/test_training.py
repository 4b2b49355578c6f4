from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.flight_delay.spec import SPEC as FLIGHTS
from models.flight_delay.training import (
    LEVEL_SHARE,
    MOST_TREES,
    REFIT_LEVEL_SHARE,
    STEP,
    best_stage,
    boosted,
    fit_baseline,
    fit_blend,
    fit_catboost,
    level_shift,
    refit_blend,
)
from nightjar.core.model.spec import TimeSplit
from nightjar.testing.specs import toy_spec

SPEC = toy_spec(
    categorical=("city",),
    numeric=("wind", "sched_dep_minute"),
    seed=3,
    params=FLIGHTS.params,
    split=TimeSplit(test_days=7, valid_days=5, min_train_rows=100),
)


def sample(rows, seed, level=0.0):
    random = np.random.default_rng(seed)
    wind = random.normal(size=rows)
    late = random.random(rows) < 1 / (1 + np.exp(-(wind + level)))
    return pl.DataFrame(
        {
            "score_date": [date(2013, 1, 1) + timedelta(days=20 * n // rows) for n in range(rows)],
            "city": random.choice(["OSLO", "ROME"], rows),
            "wind": wind,
            "sched_dep_minute": random.integers(0, 1440, rows),
            "outcome": late.astype("int8"),
        }
    )


def logit(rate):
    return np.log(rate / (1 - rate))


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=50), st.floats(0.001, 0.999))
@settings(deadline=None)
def test_the_shift_gives_the_mean_asked_for(log_odds, rate):
    values = np.array(log_odds)
    assert np.mean(1 / (1 + np.exp(-(values + level_shift(values, rate))))) == pytest.approx(rate, abs=1e-6)


def test_scores_follow_the_level_of_the_newest_days_half_way():
    train = sample(4000, 0)
    calm, same = (fit_catboost(train, sample(2000, 1, level), spec=SPEC) for level in (-1.5, 0.0))
    rows = sample(2000, 2)
    moved = logit(same.predict(rows).mean()) - logit(calm.predict(rows).mean())
    assert LEVEL_SHARE == 0.5
    assert 0.4 < moved < 1.1


def test_a_refit_has_the_trees_that_were_judged_and_follows_the_level_of_its_newest_days():
    early, late = sample(3000, 0), sample(1000, 1, -1.5)
    late = late.with_columns(pl.col("score_date") + timedelta(days=20))
    judged = fit_blend(early, sample(1000, 2), spec=SPEC)
    blend = refit_blend(pl.concat([early, late]), spec=SPEC, judged=judged)
    judged, again = (one.members[0] for one in (judged, blend))
    assert again.params()["trees"] == judged.params()["trees"]
    newest = late.filter(pl.col("score_date") > late["score_date"].max() - timedelta(days=5))
    as_fitted = boosted(pl.concat([early, late]), SPEC, judged.params()["trees"]).predict(newest)
    scored, happened = again.predict(newest), newest["outcome"]
    assert happened.mean() < as_fitted.mean()
    gap, moved = (logit(rate) - logit(as_fitted.mean()) for rate in (happened.mean(), scored.mean()))
    assert moved / gap == pytest.approx(REFIT_LEVEL_SHARE, abs=0.1)


def test_the_level_of_the_newest_days_has_no_say_in_the_number_of_trees():
    """The later stage ranks better. At the level of the trees it would lose."""
    outcome = np.array([0.0, 0, 0, 1])
    weak, strong = np.array([-1.0, -1.0, -1.1, -1.0]), np.array([3.0, 3.1, 3.0, 6.0])
    assert best_stage({20: weak, 160: strong}, outcome) == 160
    assert best_stage({20: weak - 5, 160: strong + 5}, outcome) == 160


def test_the_newest_days_choose_among_the_stages():
    assert fit_catboost(sample(3000, 0), sample(1000, 1), spec=SPEC).params()["trees"] in range(
        STEP, MOST_TREES + 1, STEP
    )


@pytest.mark.parametrize("fit", [fit_baseline, fit_blend, fit_catboost])
def test_each_learner_tells_windy_days_apart_and_gives_the_same_twice(fit, tmp_path):
    train, valid = sample(3000, 0), sample(1000, 1)
    stored = []
    for name in ("once", "again"):
        predictor = fit(train, valid, spec=SPEC)
        predictor.save(tmp_path / name)
        stored.append((tmp_path / name).read_bytes())
    calm, windy = (predictor.predict(valid.with_columns(wind=pl.lit(wind))).mean() for wind in (-1.0, 1.0))
    assert windy > calm + 0.2
    assert stored[0] == stored[1]


def test_both_fits_leave_the_frames_and_the_global_random_state_alone():
    train, valid = sample(500, 0), sample(200, 1)
    # the global one is the point
    before = train.clone(), valid.clone(), np.random.get_state()[1].copy()  # noqa: NPY002
    fit_baseline(train, valid, spec=SPEC)
    fit_catboost(train, valid, spec=SPEC)
    assert train.equals(before[0])
    assert valid.equals(before[1])
    assert (np.random.get_state()[1] == before[2]).all()  # noqa: NPY002  # the global one is the point
