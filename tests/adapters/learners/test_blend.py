"""A blend gives the mean of its members, on the scale on which they add up."""

import zipfile

import numpy as np
import pytest

from nightjar.adapters.learners.blend import BlendPredictor, mean_of
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION


def log_odds(probability):
    return np.log(probability / (1 - probability))


def test_two_probabilities_are_joined_by_their_log_odds():
    one, other = np.array([0.1, 0.5, 0.9]), np.array([0.3, 0.5, 0.6])
    joined = mean_of(BINARY, [one, other]).to_numpy()
    assert np.allclose(log_odds(joined), (log_odds(one) + log_odds(other)) / 2)


def test_classes_are_joined_by_the_logs_of_their_probabilities_and_add_up_to_1():
    one, other = np.array([[0.7, 0.2, 0.1]]), np.array([[0.1, 0.6, 0.3]])
    joined = mean_of(multiclass("a", "b", "c"), [one, other]).to_numpy()
    assert joined.sum() == pytest.approx(1)
    assert np.allclose(joined / joined[0, 0], np.sqrt(one * other) / np.sqrt(one * other)[0, 0])


def test_numbers_are_joined_by_their_mean():
    assert mean_of(REGRESSION, [np.array([1.0, 4.0]), np.array([3.0, 4.0])]).to_list() == [2.0, 4.0]


def test_a_sure_member_does_not_make_a_score_of_no_number():
    joined = mean_of(BINARY, [np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5, 1.0])])
    assert joined.is_between(0, 1).all()
    assert joined[2] == pytest.approx(0.5)


def test_a_file_that_is_no_blend_is_refused(tmp_path):
    (tmp_path / "model").write_bytes(b"no archive")
    with pytest.raises(zipfile.BadZipFile):
        BlendPredictor.load(tmp_path / "model", BINARY)
