"""Older versions are compared with fresh ones on the same nights, and the schedule follows from it."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.lifecycle.ages import ages_of, follows, range_of

FIRST, NIGHTS, WIDTH = date(2013, 1, 1), 84, 7


def losses(a_week):
    """Versions of each week on all later nights. a_week: how much the loss grows with each week of age."""
    random = np.random.default_rng(0)
    level = random.uniform(50, 150, NIGHTS)  # a night's own difficulty is far greater than what age adds
    pairs = [(start, night) for start in range(0, NIGHTS, WIDTH) for night in range(start, NIGHTS)]
    rows = [
        (FIRST + timedelta(days=night), night - start, level[night] * (1 + a_week * ((night - start) // 7)))
        for start, night in pairs
    ]
    noisy = [(day, age, loss * random.normal(1, 0.01)) for day, age, loss in rows]
    return pl.DataFrame(noisy, {"score_date": pl.Date, "age": pl.Int64, "loss": pl.Float64}, orient="row")


def test_ranges_of_age_double():
    assert [range_of(age, 7) for age in (0, 6, 7, 13, 14, 27, 28, 55, 56)] == [0, 0, 1, 1, 2, 2, 3, 3, 4]


def test_a_loss_that_grows_with_age_is_found_whatever_the_nights_are_like():
    ages = ages_of(losses(0.02), WIDTH)
    assert [(age.first, age.last) for age in ages] == [(0, 6), (7, 13), (14, 27), (28, 55), (56, 83)]
    found = [age.over_fresh.value for age in ages]
    assert found[0] == 1
    assert found[1] == pytest.approx(1.02, abs=0.005)
    assert found == sorted(found)
    assert "From 7 occasions on a version is surely worse" in follows(ages)
    assert "Retrain at least every 7 occasions" in follows(ages)


def test_versions_that_do_not_age_need_no_shorter_schedule():
    assert "no gain on this stretch" in follows(ages_of(losses(0.0), WIDTH))


def test_one_step_alone_says_nothing_of_ages():
    young = losses(0.02).filter(pl.col("age") < WIDTH)
    assert "nothing follows" in follows(ages_of(young, WIDTH))
    assert ages_of(young.clear(), WIDTH) == ()
