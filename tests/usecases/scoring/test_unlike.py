"""A night is held to the readings of recent nights."""

from datetime import date, timedelta
from itertools import islice

import polars as pl
import pytest

from nightjar.core.inputs.ordinary_readings import LEAST_NIGHTS
from nightjar.core.inputs.readings import counts
from nightjar.core.model.occasions import occasions_by
from nightjar.core.night.clock import night_of
from nightjar.testing.runs import claimed
from nightjar.testing.specs import toy_spec
from nightjar.usecases.scoring import unlike
from nightjar.usecases.scoring.unlike import Unlike

DAY = date(2013, 6, 15)


def rows(count):
    keys = [f"k{n}" for n in range(count)]
    return pl.DataFrame({"entity_key": keys, "entity": keys, "x": 1.0, "score": 0.5})


class Kept:
    """The readings of published nights of 100 rows each."""

    def __init__(self, spec, nights):
        self.read = {night: counts(rows(100), spec) for night in nights}

    def record(self, run, readings, sample):
        pass

    def published(self, model, before, most):
        return dict.fromkeys(self.read, False)

    def of_nights(self, model, nights):
        return {night: self.read[night] for night in nights}

    def samples(self, model, before, most):
        return {}


def found(spec, nights):
    """What is found of half a night."""
    run, unlike, counted = (
        claimed(night_of(spec, DAY)),
        Unlike(spec, Kept(spec, nights)),
        counts(rows(50), spec),
    )
    return {each.name for each in unlike.findings(run, counted, rows(50), unlike.earlier(run, counted))}


@pytest.mark.parametrize("cron", ["0 6 * * *", "0 6 * * 6"])
def test_a_night_is_held_to_the_occasions_before_it(cron):
    spec = toy_spec(cron=cron, horizon_days=0)
    assert "volume" in found(spec, list(islice(occasions_by(spec, DAY), 1, 15)))


@pytest.mark.parametrize(("recent", "told"), [(LEAST_NIGHTS - 1, False), (LEAST_NIGHTS, True)])
def test_after_a_gap_the_nights_before_it_say_nothing_until_there_are_new_ones(recent, told):
    new = [DAY - timedelta(days=n) for n in range(1, recent + 1)]
    old = [DAY - timedelta(days=60 + n) for n in range(30)]
    assert ("volume" in found(toy_spec(), [*new, *old])) == told


@pytest.mark.parametrize("cron", ["0 6 * * *", "0 6 * * 6"])
@pytest.mark.parametrize("held", [0, 2])
def test_it_counts_in_occasions_how_long_ago_the_last_published_night_is(monkeypatch, cron, held):
    told = []
    monkeypatch.setattr(unlike, "unusual", lambda *_, apart, **__: told.append(apart) or ())
    spec = toy_spec(cron=cron, horizon_days=0)
    found(spec, list(islice(occasions_by(spec, DAY), 1 + held, 15)))
    assert told == [1 + held]
