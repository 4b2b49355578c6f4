"""What each version did on the rows that it served: its mean over nights, and the difference."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from nightjar.core.kinds.binary import BINARY
from nightjar.core.lifecycle.sequential import confidence_sequence
from nightjar.core.monitoring.arms import by_arm
from nightjar.core.monitoring.entities import Basis, NightComparison
from nightjar.testing.versions import TRAINED_THROUGH, toy_version

CHAMPION, CHALLENGER = toy_version(), toy_version(id=2, number=2)
BRIER, AUC = BINARY.metric("brier"), BINARY.metric("auc")


def night(number, champion, challenger, **changes):
    usual = {
        "run_id": number,
        "model": "toy",
        "score_date": TRAINED_THROUGH + timedelta(days=number),
        "version_id": 1,
        "challenger_id": 2,
        "basis": Basis.ARMS,
        "share": 0.25,
        "rows": 75,
        "with_outcome": 75,
        "challenger_rows": 25,
        "challenger_with_outcome": 25,
        "champion": {"brier": champion, "auc": None},
        "challenger": {"brier": challenger, "auc": None},
        "measured_at": datetime(2013, 7, 1, tzinfo=UTC),
    }
    return NightComparison(**usual | changes)


def found(*nights):
    return list(by_arm(nights, [BRIER, AUC], CHAMPION, CHALLENGER, 0.05))


def test_each_arm_has_its_mean_over_nights_and_the_difference_holds_for_every_look():
    chance = np.random.default_rng(1)
    first, second = chance.normal(0.2, 0.02, 60), chance.normal(0.15, 0.02, 60)
    (brier,) = found(*(night(n, *both) for n, both in enumerate(zip(first, second, strict=True), 1)))
    assert (brier.metric, brier.nights) == (BRIER, 60)
    assert brier.champion.mean == pytest.approx(first.mean())
    assert brier.champion.low < 0.2 < brier.champion.high
    assert brier.challenger.low < 0.15 < brier.challenger.high
    assert brier.challenger.high < brier.champion.low
    assert (brier.gain.low, brier.gain.high) == confidence_sequence(first - second, 0.05)
    assert 0 < brier.gain.low < brier.gain.mean < brier.gain.high


def test_a_restated_night_counts_once_and_other_nights_do_not():
    restated = found(night(1, 0.2, 0.1), night(2, 0.2, 0.1), night(1, 0.4, 0.1))
    assert (restated[0].nights, restated[0].champion.mean) == (2, pytest.approx(0.3))
    assert found(night(1, 0.2, 0.1, basis=Basis.ROWS), night(2, 0.2, 0.1, version_id=3)) == []
    assert found(night(1, 0.2, 0.1, score_date=date(2013, 5, 1)), night(2, None, 0.1)) == []


def test_one_night_has_no_interval():
    (brier,) = found(night(1, 0.2, 0.1))
    assert np.isnan([brier.champion.low, brier.challenger.high]).all()
    assert (brier.gain.low, brier.gain.high) == (-np.inf, np.inf)
