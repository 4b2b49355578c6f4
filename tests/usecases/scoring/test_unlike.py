"""A night is held to the readings of recent nights."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import islice

import polars as pl
import pytest

from nightjar.core.inputs.ordinary_readings import LEAST_NIGHTS
from nightjar.core.inputs.readings import counts
from nightjar.core.model.occasions import occasions_by
from nightjar.core.night.clock import night_of
from nightjar.testing.runs import claimed
from nightjar.testing.specs import PLANNED, WEATHER, toy_spec
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
        self.recorded = readings

    def published(self, model, before, most):
        return dict.fromkeys(self.read, False)

    def of_nights(self, model, nights):
        return {night: self.read[night] for night in nights}

    def samples(self, model, before, most):
        """The rows of a night say which night it is."""
        nights = sorted((night for night in self.read if night < before), reverse=True)
        return {night: rows(1).with_columns(night=pl.lit(night)) for night in nights[:most]}


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


@pytest.mark.parametrize(
    ("cron", "lookback", "unseen"), [("0 6 * * *", 2, 2), ("0 6 * * *", 30, 3), ("0 6 * * 6", 20, 2)]
)
def test_it_counts_the_occasions_without_a_publication_that_values_carry(monkeypatch, cron, lookback, unseen):
    told = []
    monkeypatch.setattr(unlike, "unusual", lambda *_, unseen, **__: told.append(unseen) or ())
    table = replace(WEATHER, sources=(PLANNED.name,), lookback_days=lookback)
    spec = toy_spec(cron=cron, horizon_days=0, feature_tables=(table,))
    found(spec, list(islice(occasions_by(spec, DAY), 1 + 3, 15)))
    assert told == [{"rain": unseen}]


def test_it_says_which_feeds_know_no_holidays(monkeypatch):
    told = []
    monkeypatch.setattr(unlike, "unusual", lambda *_, steady, **__: told.append(steady) or ())
    spec = toy_spec(cron="0 6 * * *", horizon_days=0, without_holidays=(PLANNED.name,))
    found(spec, list(islice(occasions_by(spec, DAY), 1, 15)))
    assert told == [(PLANNED.name,)]


@pytest.mark.parametrize(
    ("held", "days_before"),
    [
        ((), (1, 2, 3, 4, 5, 6, 7)),
        ((6, 7), (1, 2, 3, 4, 5, 8, 14)),
        ((7,), (1, 2, 3, 4, 5, 6, 14)),
        ((1, 2), (3, 4, 5, 6, 7, 8, 9)),
        ((7, 14, 21, 28), (1, 2, 3, 4, 5, 6, 8)),
    ],
)
def test_a_week_of_nights_has_the_weekday_of_the_night_although_its_last_one_was_held(held, days_before):
    """Else each Saturday after a held weekend would be held to Mondays to Fridays."""
    spec, published = toy_spec(), [DAY - timedelta(days=n) for n in range(1, 31) if n not in held]
    compared = Unlike(spec, Kept(spec, published)).earlier(
        claimed(night_of(spec, DAY)), counts(rows(50), spec)
    )
    nights = [sample["night"].item() for sample in compared.samples]
    assert [(DAY - night).days for night in nights] == [*days_before]


def test_later_nights_do_not_learn_how_a_column_moved_when_a_gap_came_or_went():
    def recorded(gaps):
        spec = toy_spec()
        kept, counted = Kept(spec, [DAY - timedelta(days=n) for n in range(1, 31)]), counts(rows(100), spec)
        values = rows(100).with_columns(x=pl.int_range(100).cast(pl.Float64))
        kept.samples = lambda *_: {DAY - timedelta(days=1): values.with_columns(pl.col("x") + 1)}
        run, unlike = claimed(night_of(spec, DAY)), Unlike(spec, kept)
        unlike.findings(run, counted, values, unlike.earlier(run, counted), gaps)
        return {name for name, column, _, _ in kept.recorded.iter_rows() if column == "x"}

    moved = {"same_offset", "same_factor", "step", "pace", "changed"}
    assert recorded({}) >= moved
    assert recorded({"x": "a day is delivered at last"}) == recorded({}) - moved
    assert recorded({"y": "a day is delivered at last"}) == recorded({})
