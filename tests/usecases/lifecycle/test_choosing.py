"""A spec with several learners: one is chosen, judged, and fitted anew as itself."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.learners.ready import BOOSTING, CONSTANT, LINEAR
from nightjar.core.errors.model import BadSpec, CodeFailed
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.spec import Learner
from nightjar.testing.specs import TOY, spec_of_kind
from nightjar.usecases.lifecycle.choosing import chosen

ROWS = 1600
READY = (CONSTANT, LINEAR, BOOSTING)
KINDS = {"binary": BINARY, "regression": REGRESSION, "multiclass": multiclass("low", "high")}


def rows_of(kind):
    """A world in which a straight line is as good as anything."""
    random = np.random.default_rng(2)
    x, city = random.normal(size=ROWS), random.choice(["OSLO", "ROME"], ROWS)
    line = x + (city == "ROME")
    happens = random.random(ROWS) < 1 / (1 + np.exp(-2 * line))
    outcome = line if kind is REGRESSION else happens.astype(float)
    return pl.DataFrame(
        {
            "score_date": np.repeat(np.arange("2013-06-01", "2013-07-11", dtype="datetime64[D]"), 40),
            "x": x,
            "city": city,
            "outcome": outcome + random.normal(0, 0.5, ROWS) * (kind is REGRESSION),
        }
    )


def cut(kind):
    rows = rows_of(kind)
    return TimeCut(rows[:800], rows[800:1200], rows[1200:])


def spec_with(kind, simpler, **changes):
    return spec_of_kind(kind, categorical=("city",), numeric=("x",), simpler=simpler, **changes)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_straight_line_is_chosen_where_the_world_is_one(kind, tmp_path):
    taken = chosen(spec_with(kind, (CONSTANT, LINEAR), fit=BOOSTING.fit), cut(kind))
    assert taken.learner.name == "linear"
    assert [one.learner for one in taken.among] == ["constant", "linear", "fit"]
    assert taken.predictor.predict(cut(kind).test).dtype == kind.dtype


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("ready", READY, ids=[one.name for one in READY])
def test_each_ready_learner_is_stored_without_pickle_and_the_same_every_time(ready, kind, tmp_path):
    spec, parts = spec_with(kind, ()), cut(kind)
    unseen = parts.test.with_columns(city=pl.lit("LIMA"), x=pl.lit(None, pl.Float64))
    for number in range(2):
        predictor = ready.fit(parts.train, parts.valid, spec=spec)
        predictor.save(tmp_path / f"{number}")
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    assert predictor.predict(unseen).is_not_null().all()
    again = ready.refit(parts.seen, spec=spec, judged=predictor)
    again.save(tmp_path / "refit")
    assert ((tmp_path / "refit").read_bytes() == (tmp_path / "0").read_bytes()) is False


def test_one_learner_alone_is_compared_with_nothing():
    assert chosen(spec_with(BINARY, (), fit=LINEAR.fit), cut(BINARY)).among == ()


def test_a_learner_that_raises_is_named():
    def broken(train, valid, *, spec):
        raise ValueError("no")

    with pytest.raises(CodeFailed, match="broken"):
        chosen(spec_with(BINARY, (Learner(name="broken", fit=broken),), fit=LINEAR.fit), cut(BINARY))


def test_two_learners_of_one_name_are_refused():
    with pytest.raises(BadSpec, match="simpler has a name twice"):
        replace(TOY, simpler=(LINEAR, LINEAR))
