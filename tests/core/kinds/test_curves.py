"""Curves tell what the metrics tell, in few points."""

import numpy as np
import polars as pl
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.curves import POINTS
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.kinds.regression import REGRESSION

ROWS = 2_000
RANDOM = np.random.default_rng(3)
SCORE = RANDOM.uniform(0.05, 0.95, ROWS).round(2)
LATE = pl.Series("outcome", (RANDOM.random(ROWS) < SCORE).astype(int))
GIVEN = pl.DataFrame({"score": SCORE}).with_columns(outputs=pl.lit(None, OUTPUTS))


def named(kind, published, outcome, plot):
    return {one.name: np.array(one.points) for one in kind.drawn(published, outcome) if one.plot == plot}


def test_the_area_below_the_roc_curve_is_the_auc():
    curve = named(BINARY, GIVEN, LATE, "ROC")["version"]
    area = np.trapezoid(curve[:, 1], curve[:, 0])
    assert area == pytest.approx(BINARY.measure(GIVEN["score"], LATE)["auc"], abs=0.01)
    assert len(curve) <= POINTS + 2
    assert curve[-1].tolist() == [1, 1]


def test_precision_ends_at_the_base_rate_where_all_are_recalled():
    curve = named(BINARY, GIVEN, LATE, "Precision and recall")["version"]
    assert curve[-1] == pytest.approx([1, LATE.mean()])


def test_calibrated_scores_lie_on_the_diagonal_of_reliability():
    curve = named(BINARY, GIVEN, LATE, "Reliability")["version"]
    assert np.abs(curve[:, 0] - curve[:, 1]).max() < 0.12


def test_outcomes_that_are_all_alike_have_no_ranking_and_are_still_drawn():
    none = pl.Series("outcome", [0] * ROWS)
    assert not named(BINARY, GIVEN, none, "ROC")
    assert named(BINARY, GIVEN, none, "Reliability")


def test_residuals_of_numbers_lie_between_their_quantiles():
    happened = pl.Series("outcome", SCORE + RANDOM.normal(0, 1, ROWS))
    curves = named(REGRESSION, GIVEN, happened, "Residuals")
    low, median, high = (
        curves[name] for name in ("10% of them are below", "median", "90% of them are below")
    )
    assert (low[:, 1] < median[:, 1]).all()
    assert (median[:, 1] < high[:, 1]).all()
    assert REGRESSION.confused(GIVEN, happened) is None


def test_each_row_of_a_kind_with_classes_is_counted_once():
    kind = multiclass("a", "b", "c")
    told, happened = RANDOM.integers(0, 3, ROWS), RANDOM.integers(0, 3, ROWS)
    outputs = [[0.8 if n == one else 0.1 for n in range(3)] for one in told]
    published = pl.DataFrame({"score": [0.8] * ROWS, "outputs": outputs})
    found = kind.confused(published, pl.Series("outcome", happened))
    assert sum(map(sum, found.counts)) == ROWS
    assert found.counts[1][2] == int(((happened == 1) & (told == 2)).sum())
    assert named(kind, published, pl.Series("outcome", happened), "Reliability")
