"""The error of a metric of one night, beside what drawing its rows again says."""

import numpy as np
import polars as pl
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.kinds.regression import REGRESSION

ROWS, DRAWS = 600, 200


def binary(random):
    score = random.beta(2, 5, ROWS)
    return pl.DataFrame({"score": score, "outcome": (random.random(ROWS) < score) * 1.0, "outputs": None})


def regression(random):
    outcome = random.gamma(2, 10, ROWS)
    score = outcome + random.normal(0, 8, ROWS)
    return pl.DataFrame({"score": score, "outcome": outcome}).with_columns(
        outputs=pl.concat_list(pl.col("score") - 9, pl.col("score") + 10)
    )


def classes(random):
    outputs = random.dirichlet((3, 2, 1), ROWS)
    outcome = [float(random.choice(3, p=row)) for row in outputs]
    return pl.DataFrame({"score": outputs.max(axis=1), "outcome": outcome, "outputs": outputs.tolist()})


@pytest.mark.parametrize(
    ("kind", "made", "names"),
    [
        (BINARY, binary, {"base_rate", "mean_score", "brier", "auc", "pr_auc"}),
        (REGRESSION, regression, {"mean_outcome", "mae", "rmse", "r2", "coverage", "width"}),
        (multiclass("a", "b", "c"), classes, {"accuracy", "mean_score", "brier"}),
    ],
    ids=lambda each: getattr(each, "name", None),
)
def test_the_error_of_a_night_is_that_of_drawing_its_rows_again(kind, made, names):
    random = np.random.default_rng(3)
    rows = made(random).with_columns(pl.col("outputs").cast(OUTPUTS))
    found, errors = kind.measure_with_errors(rows["score"], rows["outcome"], rows["outputs"])
    drawn = [rows[random.integers(ROWS, size=ROWS)] for _ in range(DRAWS)]
    again = [kind.compare(each) for each in drawn]
    for name in names:
        assert errors[name] == pytest.approx(np.std([each[name] for each in again]), rel=0.3), name
        assert found[name] is not None
