import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

from nightjar.core.comparison.entities import Distribution, NightProfile
from nightjar.core.comparison.profile import scores_of
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.kinds.absurdities import shifted_by_spread
from nightjar.core.kinds.regression import COVERAGE, REGRESSION, calibrate

numbers = st.floats(-1e6, 1e6)
scored = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=50)


@given(scored)
@settings(deadline=None, max_examples=100)
def test_every_metric_agrees_with_scikit_learn(rows):
    score, outcome = (np.array(column) for column in zip(*rows, strict=True))
    found = REGRESSION.measure(pl.Series(score), pl.Series(outcome))
    assert found["mae"] == pytest.approx(mean_absolute_error(outcome, score), rel=1e-9, abs=1e-12)
    assert found["rmse"] == pytest.approx(math.sqrt(mean_squared_error(outcome, score)), rel=1e-9, abs=1e-12)
    if found["r2"] is not None and np.ptp(outcome) > 1e-3:
        assert found["r2"] == pytest.approx(r2_score(outcome, score), rel=1e-6)


def test_r2_is_not_defined_where_all_outcomes_are_alike():
    assert REGRESSION.measure(pl.Series([1.0, 2.0]), pl.Series([3, 3]))["r2"] is None


def test_an_error_too_large_for_a_number_is_no_metric():
    found = REGRESSION.measure(pl.Series([1e300, 0.0]), pl.Series([-1e300, 1.0]))
    assert found["mae"] == pytest.approx(1e300)
    assert found["rmse"] is None


def test_the_constant_that_it_is_compared_with_is_the_mean():
    outcome = pl.Series([1, 2, 6])
    assert REGRESSION.constant(outcome) == 3
    always = REGRESSION.measure(pl.Series([3.0, 3.0, 3.0]), outcome)
    assert REGRESSION.skills(always, always) == {"rmse_skill": 0}


@pytest.mark.parametrize("outcome", [["late"], [math.inf], [math.nan], [None]])
def test_an_outcome_is_a_finite_number(outcome):
    rows = pl.DataFrame({"entity_key": ["a"], "score_date": [date(2013, 6, 1)], "outcome": outcome})
    with pytest.raises(ContractBroken, match="kind 'regression' is a number that is finite"):
        REGRESSION.coded_outcomes("outcomes of toy", rows)


def night(mean, stddev):
    return Distribution(score_date=date(2013, 6, 1), rows=9, mean=mean, stddev=stddev, distinct=9)


def before(*nights):
    return [NightProfile(score_date=n.score_date, columns=(scores_of(n),)) for n in nights]


@given(st.floats(1e-3, 1e6), st.floats(-1e6, 1e6))
def test_a_shift_is_judged_alike_in_every_unit(scale, origin):
    trailing = before(night(origin, 3 * scale), night(origin, 4 * scale))
    assert shifted_by_spread(night(origin + 3 * scale, scale), trailing, 1.0) is None
    assert "standard deviations apart" in shifted_by_spread(night(origin + 4 * scale, scale), trailing, 1.0)


def test_a_mean_that_is_no_number_is_a_finding_and_a_first_night_has_nothing_to_shift_from():
    assert shifted_by_spread(night(math.nan, 1.0), before(night(0.0, 1.0)), 1.0)
    assert shifted_by_spread(night(5.0, 1.0), [], 1.0) is None


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=200))
@settings(deadline=None, max_examples=80)
def test_the_interval_holds_the_score_and_its_share_of_the_rows_that_it_was_made_of(rows):
    score, outcome = (pl.Series("score", column, dtype=pl.Float64) for column in zip(*rows, strict=True))
    given_by = REGRESSION.published("here", score, calibrate(score, outcome))
    low, high = (given_by["outputs"].list.get(n) for n in (0, 1))
    assert ((low <= score) & (score <= high)).all()
    slack = 1e-6 + 1e-9 * outcome.abs()
    assert ((low - slack <= outcome) & (outcome <= high + slack)).mean() >= COVERAGE


def test_rows_like_those_it_was_calibrated_on_lie_within_as_often_as_promised():
    random = np.random.default_rng(1)
    errors = pl.Series(random.gamma(2.0, 5.0, 4000) - 8)
    nothing = pl.Series("score", np.zeros(2000))
    calibration = calibrate(nothing, errors[:2000])
    given_by = REGRESSION.published("here", nothing, calibration)
    found = REGRESSION.measure(given_by["score"], errors[2000:], given_by["outputs"])
    assert found["coverage"] == pytest.approx(COVERAGE, abs=0.02)
    assert -calibration[0] < calibration[1]
    assert found["width"] == pytest.approx(calibration[1] - calibration[0])


def test_a_version_that_was_never_calibrated_publishes_its_score_alone():
    assert REGRESSION.published("here", pl.Series("score", [1.0]), ()).rows() == [(1.0, None)]
    assert REGRESSION.outputs_by(()) == ()
