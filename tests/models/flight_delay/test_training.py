import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.flight_delay.training import LEVEL_SHARE, fit_baseline, fit_catboost, level_shift
from nightjar.testing.specs import toy_spec

SPEC = toy_spec(categorical=("city",), numeric=("wind",), seed=3)


def sample(rows, seed, level=0.0):
    random = np.random.default_rng(seed)
    wind = random.normal(size=rows)
    late = random.random(rows) < 1 / (1 + np.exp(-(wind + level)))
    return pl.DataFrame(
        {"city": random.choice(["OSLO", "ROME"], rows), "wind": wind, "outcome": late.astype("int8")}
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


def test_both_fits_leave_the_frames_and_the_global_random_state_alone():
    train, valid = sample(500, 0), sample(200, 1)
    # the global one is the point
    before = train.clone(), valid.clone(), np.random.get_state()[1].copy()  # noqa: NPY002
    fit_baseline(train, valid, spec=SPEC)
    fit_catboost(train, valid, spec=SPEC)
    assert train.equals(before[0])
    assert valid.equals(before[1])
    assert (np.random.get_state()[1] == before[2]).all()  # noqa: NPY002  # the global one is the point
