import numpy as np
import polars as pl
import pytest

from nightjar.core.monitoring.estimated import estimated, expected_by, trailing
from nightjar.core.monitoring.foreseen import Method


def nights(rows, seed, high=1.0):
    """Scores that state the true chance of the event, and what happened."""
    random = np.random.default_rng(seed)
    score = random.beta(2, 5, rows) * high
    outcome = (random.random(rows) < score).astype(float)
    return pl.DataFrame({"score": score, "outcome": outcome, "loss": (score - outcome) ** 2})


def auc(rows):
    ranks, hits = rows["score"].rank(), rows["outcome"] == 1
    count = int(hits.sum())
    return (ranks.filter(hits).sum() - count * (count + 1) / 2) / (count * (rows.height - count))


def test_loss_rate_and_auc_of_an_easier_night_are_foreseen_from_its_scores_alone():
    past, tonight = nights(40_000, 1), nights(20_000, 2, high=0.4)
    found = estimated(past, tonight["score"], "brier", binary=True)
    assert found["brier"] == pytest.approx(tonight["loss"].mean(), abs=0.006)
    assert found["base_rate"] == pytest.approx(tonight["outcome"].mean(), abs=0.01)
    assert found["auc"] == pytest.approx(auc(tonight), abs=0.02)
    assert abs(found["brier"] - past["loss"].mean()) > 0.05


def test_scores_that_are_too_high_are_corrected_by_what_happened_to_them():
    high = nights(40_000, 1).with_columns(pl.col("score").sqrt())
    found = estimated(high, high["score"], "brier", binary=True)
    assert found["base_rate"] == pytest.approx(high["outcome"].mean(), abs=0.01)


def test_of_numbers_only_the_loss_is_estimated_and_of_few_rows_nothing():
    past = nights(1_000, 1)
    assert set(estimated(past, past["score"], "mae", binary=False)) == {"mae"}
    assert estimated(past.head(400), past["score"], "mae", binary=False) == {}
    assert estimated(past, past["score"].head(0), "mae", binary=False) == {}


def test_the_trailing_mean_is_that_of_nights_and_not_of_rows():
    one, other = nights(2_000, 1), nights(500, 2, high=0.4)
    all_alike = one.head(3).with_columns(outcome=pl.lit(0.0))
    found = trailing([one, other, all_alike], "brier", binary=True)
    rates = [night["outcome"].mean() for night in (one, other, all_alike)]
    assert found["base_rate"] == pytest.approx(np.mean(rates))
    assert found["auc"] == pytest.approx((auc(one) + auc(other)) / 2)
    assert set(trailing([one], "mae", binary=False)) == {"mae"}
    assert trailing([], "brier", binary=True) == {}


def test_each_method_says_what_it_expects_or_why_it_says_nothing():
    past = [nights(600, seed).with_columns(x=pl.lit(float(seed % 2))) for seed in range(4)]
    tonight = nights(300, 9).with_columns(x=pl.lit(0.0))
    said = expected_by(past, tonight, "brier", ["x"], [], binary=True)
    assert [set(one.values) for one in said.values()] == [{"brier", "base_rate", "auc"}] * 3
    assert said[Method.CBPE].effective_rows == 2_400
    assert 1_000 < said[Method.PAPE].effective_rows < 1_600
    unlike = expected_by([*past[1::2], past[0].head(50)], tonight, "brier", ["x"], [], binary=True)
    assert unlike[Method.PAPE].values == {}
    assert "fewer than 500" in unlike[Method.PAPE].note
    few = expected_by(past[:1], tonight, "brier", ["x"], [], binary=True)
    assert few[Method.CBPE].values != {}
    none = expected_by([past[0].head(99)], tonight, "brier", ["x"], [], binary=True)
    assert none[Method.CBPE].note == "99 past rows have an outcome, and the night has 300 sampled rows"
    assert set(none[Method.TRAILING].values) == {"brier", "base_rate", "auc"}
