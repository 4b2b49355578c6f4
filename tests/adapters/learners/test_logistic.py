"""The sum that Polars computes is the pipeline that scikit-learn fitted."""

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits

from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.logistic import LogisticPredictor, _pipeline

TEXTS, NUMBERS = ("city", "plane"), ("wind", "minute", "rain")


def rows(count=600, seed=0):
    random = np.random.default_rng(seed)
    wind = pl.Series(random.normal(size=count))
    return pl.DataFrame(
        {
            "city": random.choice(["OSLO", "ROME"], count),
            "plane": random.choice(["A", "B", None], count),
            "wind": wind.set(pl.Series(random.random(count) < 0.1), None),
            "minute": random.integers(0, 1440, count),
            "rain": 1.0,
            "outcome": (random.random(count) < 1 / (1 + np.exp(-wind.to_numpy()))).astype(int),
        }
    )


def test_it_gives_what_the_pipeline_gives_for_known_unknown_and_missing_values():
    train = rows()
    fitted = LogisticPredictor.fitted(train, TEXTS, NUMBERS, in_steps=("minute",), strength=0.5)
    with threadpool_limits(1):
        pipeline = _pipeline(TEXTS, NUMBERS, ("minute",), 0.5)
        pipeline.fit(inputs(train, TEXTS, NUMBERS, fitted.categories), train["outcome"].to_numpy())
    other = rows(200, 1).with_columns(
        city=pl.when(pl.int_range(200) % 7 == 0).then(pl.lit("PERU")).otherwise("city"),
        minute=pl.when(pl.int_range(200) % 5 == 0).then(pl.lit(720)).otherwise("minute"),
    )
    given = inputs(other, TEXTS, NUMBERS, fitted.categories)
    assert np.allclose(fitted.predict(other), pipeline.predict_proba(given)[:, 1], rtol=1e-12)


def test_it_is_fitted_without_texts_or_steps():
    fitted = LogisticPredictor.fitted(rows(), (), ("wind",))
    calm, windy = (fitted.predict(pl.DataFrame({"wind": [wind]}))[0] for wind in (-1.0, 1.0))
    assert windy > calm
    assert fitted.params() == {"C": 1.0, "steps": {}}


def test_a_row_gets_the_same_bits_in_every_batch_and_every_time():
    random = np.random.default_rng(3)
    names = [f"n{place}" for place in range(40)]
    many = pl.DataFrame({name: random.normal(size=5_000) for name in names}).with_columns(
        outcome=pl.Series(random.integers(0, 2, 5_000))
    )
    fitted = LogisticPredictor.fitted(many.head(500), (), tuple(names))
    whole = fitted.predict(many)
    assert all(fitted.predict(many).equals(whole) for _ in range(10))
    for size, rows in ((1, 100), (7, 210), (300, 600)):
        parts = [fitted.predict(many.slice(at, size)) for at in range(0, rows, size)]
        assert pl.concat(parts).equals(whole.head(rows))
