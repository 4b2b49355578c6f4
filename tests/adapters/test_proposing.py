"""Proposals follow from the trials that are told, and look where these were good."""

import errno
from datetime import date
from pathlib import Path

import pytest

from nightjar.adapters.files.trials import TrialFiles
from nightjar.adapters.proposing import propose
from nightjar.core.errors.settings import BadSettings
from nightjar.core.lifecycle.tuning import NightOfTrial, Trial
from nightjar.core.model.search import OneOf, Real, Whole

SPACE = {
    "depth": Whole(low=1, high=8),
    "rate": Real(low=0.01, high=1, log=True),
    "loss": OneOf(values=("a", "b")),
}


def trial(number, params, loss=1.0, *, given_up=False):
    night = NightOfTrial(score_date=date(2013, 1, 1), rows=1, loss=loss)
    return Trial(number=number, params=params, nights=(night,), folds=1, given_up=given_up, seconds=0.5)


def searched(loss_of, count, seed=0):
    trials = []
    for number in range(1, count + 1):
        params = propose(SPACE, trials, seed)
        loss = loss_of(params)
        trials.append(trial(number, params, loss, given_up=loss > 30))
    return trials


def distance(params):
    return (params["depth"] - 6) ** 2 + (params["loss"] == "b")


def test_every_proposal_lies_in_the_space_and_the_later_ones_are_better():
    trials = searched(distance, 24)
    assert all(span.holds(each.params[name]) for each in trials for name, span in SPACE.items())
    early, late = (sum(one.loss for one in part) for part in (trials[:8], trials[-8:]))
    assert late < early


def test_the_same_trials_and_seed_give_the_same_proposal_so_a_search_goes_on_as_it_would_have():
    whole = searched(distance, 9)
    assert propose(SPACE, whole[:8], 0) == whole[8].params
    assert propose(SPACE, whole[:8], 1) != whole[8].params


def test_stored_trials_come_back_as_they_were_in_their_order(tmp_path):
    files, trials = TrialFiles(tmp_path), searched(distance, 3)
    for each in reversed(trials):
        files.add("one", each)
    assert files.of("one") == tuple(trials)
    assert files.of("another") == ()


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "000001.json").write_text("{")
    with pytest.raises(BadSettings, match=r"000001\.json holds no trial"):
        TrialFiles(tmp_path).of("one")


def test_a_disk_that_fails_is_no_fault_of_a_trial(tmp_path, monkeypatch):
    def refusing(self):
        raise OSError(errno.EIO, "Input/output error")

    TrialFiles(tmp_path).add("one", searched(distance, 1)[0])
    monkeypatch.setattr(Path, "read_bytes", refusing)
    with pytest.raises(OSError, match="Input/output error"):
        TrialFiles(tmp_path).of("one")
