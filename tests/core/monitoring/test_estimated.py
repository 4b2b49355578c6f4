from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.monitoring.estimated import Foreseen, estimated, record_of, told

DAY = date(2013, 9, 1)


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


def foreseen(count, estimate, trailing):
    return [
        Foreseen(score_date=DAY + timedelta(days=n), estimate=estimate, trailing=trailing, truth=0.2)
        for n in range(count)
    ]


def test_an_estimate_is_told_only_where_it_was_better_than_the_mean_of_the_nights_before():
    better, worse = record_of(foreseen(30, 0.21, 0.23)), record_of(foreseen(30, 0.24, 0.23))
    assert (better.weeks, better.error, better.trailing_error) == pytest.approx((4, 0.01, 0.03))
    assert told("Brier", better, 0.19).startswith("Brier: 0.1900 estimated (mean error by week 0.0100")
    assert told("Brier", worse, 0.19).startswith("Brier: not estimated; an estimate would be no better")


def test_before_four_weeks_have_come_true_nothing_is_told():
    assert record_of(foreseen(6, 0.2, 0.3)) is None
    for record in (None, record_of(foreseen(21, 0.2, 0.3))):
        assert told("Brier", record, 0.19) == (
            "Brier: not estimated; fewer than 4 weeks of estimates have come true"
        )
