"""What is asked of a version that was trained elsewhere, before it is measured."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import SeenAlready, UnfitModel
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.training_set import embargo
from nightjar.core.model.description import Description
from nightjar.core.model.spec import TimeSplit
from nightjar.testing.predictors import Formula
from nightjar.testing.specs import spec_of_kind, toy_spec
from nightjar.usecases.lifecycle.origins import Elsewhere, read_elsewhere

FIRST, DAYS = date(2013, 1, 1), 40
KNOWN = datetime(2013, 3, 1, tzinfo=UTC)
SPLIT = TimeSplit(test_days=7, valid_days=6, min_train_rows=10)
ROWS = pl.DataFrame(
    {
        "score_date": [FIRST + timedelta(days=day) for day in range(DAYS) for _ in range(4)],
        "wind": [0.1, 0.2, 0.8, 0.9] * DAYS,
        "outcome": [0, 1, 0, 1] * DAYS,
    }
)
LAST = FIRST + timedelta(days=DAYS - 1)
DAYS_SEEN = st.integers(0, DAYS + 5).map(lambda days: FIRST + timedelta(days=days))


def elsewhere(tmp_path, trained_through, maturity_days=1, score=None, kind=BINARY):
    spec = spec_of_kind(kind, numeric=("wind",), split=SPLIT, maturity_days=maturity_days)
    predictor = Formula(pl.col("wind") if score is None else score)
    return Elsewhere(spec, tmp_path / "model", predictor, trained_through, {})


@given(trained_through=DAYS_SEEN, maturity_days=st.integers(1, 5))
def test_no_outcome_of_the_test_shares_a_day_with_those_that_were_seen(
    trained_through, maturity_days, tmp_path_factory
):
    origin = elsewhere(tmp_path_factory.getbasetemp(), trained_through, maturity_days)
    last_needed = trained_through + embargo(origin.spec) + timedelta(days=SPLIT.test_days)
    if last_needed > LAST:
        with pytest.raises(SeenAlready, match=f"when the outcomes up to {last_needed} are known"):
            origin.cut(ROWS, KNOWN)
        return
    cut = origin.cut(ROWS, KNOWN)
    learned = origin.learned(cut)
    unseen_from = trained_through + timedelta(days=maturity_days)
    assert cut.test["score_date"].min() >= unseen_from
    assert learned.cut.seen.equals(cut.seen)
    assert learned.cut.valid.filter(pl.col("score_date") < unseen_from).is_empty()
    assert learned.trained_through == trained_through


def test_an_interval_is_made_from_rows_that_the_version_has_not_seen(tmp_path):
    before_the_test = LAST - timedelta(days=SPLIT.test_days)
    assert elsewhere(tmp_path, before_the_test).cut(ROWS, KNOWN)
    with pytest.raises(SeenAlready, match=f"when the outcomes up to {LAST + timedelta(days=1)} are known"):
        elsewhere(tmp_path, before_the_test, kind=REGRESSION).cut(ROWS, KNOWN)
    origin = elsewhere(tmp_path, before_the_test - timedelta(days=2), kind=REGRESSION)
    assert origin.learned(origin.cut(ROWS, KNOWN)).cut.valid.height == 2 * 4


def test_a_score_that_its_kind_does_not_have_is_told_before_anything_is_stored(tmp_path):
    origin = elsewhere(tmp_path, FIRST, score=pl.col("wind") * 100)
    with pytest.raises(ContractBroken, match="a score of the kind 'binary' is a number from 0 to 1"):
        origin.rehearse(origin.cut(ROWS, KNOWN))


def test_a_model_that_cannot_score_the_rows_is_named(tmp_path):
    origin = elsewhere(tmp_path, FIRST, score=pl.col("snow"))
    with pytest.raises(UnfitModel, match=r"model: it does not score rows of toy .ColumnNotFoundError"):
        origin.rehearse(origin.cut(ROWS, KNOWN))


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(BadSettings, match=r"model.cbm cannot be read: No such file or directory"):
        read_elsewhere(toy_spec(), tmp_path / "model.cbm", Description(), predictors=None)


def test_a_changed_file_and_one_that_was_trained_nobody_knows_through_when_are_refused(tmp_path):
    file = tmp_path / "model.onnx"
    file.write_bytes(b"changed")
    with pytest.raises(UnfitModel, match=r"its SHA-256 is d67e.*, and the description says 00"):
        read_elsewhere(toy_spec(), file, Description(sha256="0" * 64), predictors=None)
    with pytest.raises(BadSettings, match=r"It is not told through which date .*model.onnx was trained"):
        read_elsewhere(toy_spec(), file, Description(), predictors=None)
