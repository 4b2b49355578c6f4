from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.monitoring.training import DriftThresholds, TrainingSample, compared

CATEGORIES = [f"c{i}" for i in range(40)]


def sample(rows, seed, shift=0.0):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "city": random.choice(CATEGORIES, rows, p=np.arange(1, 41) / 820),
            "wind": random.normal(shift, 1, rows),
            "rain": np.where(random.random(rows) < 0.9, 0.0, random.exponential(1, rows)),
            "score": random.beta(2, 5, rows),
        }
    )


def drift(night, reference, **kwargs):
    return {
        row.column: row for row in compared(night, reference, ["city"], ["wind", "rain", "score"], **kwargs)
    }


def test_clean_resamples_raise_almost_no_alarm():
    reference = sample(20_000, 0)
    rows = [
        row
        for seed in range(1, 51)
        for row in compared(sample(900, seed), reference, ["city"], ["wind", "rain", "score"])
    ]
    assert len(rows) == 200
    assert sum(row.drifted for row in rows) == 0


@pytest.mark.parametrize("rows", [40, 60, 150])
def test_small_clean_nights_raise_few_alarms(rows):
    reference = sample(20_000, 0)
    found = [
        row
        for seed in range(1, 41)
        for row in compared(sample(rows, seed), reference, ["city"], ["wind", "rain", "score"])
    ]
    assert sum(row.drifted for row in found) <= 2


def test_the_threshold_without_the_floor_follows_the_noise():
    reference = sample(20_000, 0)
    limits = DriftThresholds(psi=0.0, false_alarm=0.01)
    rows = [
        row
        for seed in range(1, 101)
        for row in compared(sample(900, seed), reference, ["city"], ["wind", "score"], limits)
    ]
    alarms = sum(row.drifted for row in rows) / len(rows)
    assert alarms < 0.03


def test_a_moved_mean_and_a_new_category_are_noticed():
    night = sample(900, 1, shift=1.0).with_columns(
        city=pl.when(pl.int_range(900) % 3 == 0).then(pl.lit("new")).otherwise("city")
    )
    found = drift(night, sample(20_000, 0))
    assert found["wind"].drifted
    assert found["city"].drifted
    assert "33.3% of values never seen in training" in (found["city"].note or "")
    assert not found["rain"].drifted
    assert not found["score"].drifted


def test_a_rise_of_missing_values_is_drift_though_the_values_are_alike():
    night = sample(900, 1).with_columns(wind=pl.when(pl.int_range(900) % 3 == 0).then(None).otherwise("wind"))
    row = drift(night, sample(20_000, 0))["wind"]
    assert row.drifted
    assert row.null_share == pytest.approx(1 / 3)
    assert row.note == "missing values went from 0.0% to 33.3%"
    assert row.value < row.threshold


def nightly(nights, rows_a_night, seed):
    random = np.random.default_rng(seed)
    days = [date(2013, 1, 1) + timedelta(days=i) for i in range(nights)]
    weather = random.normal(15, 8, nights)
    return pl.DataFrame(
        {
            "score_date": [day for day in days for _ in range(rows_a_night)],
            "wind": [w for w in weather for _ in range(rows_a_night)],
            "weekday": [float(day.isoweekday()) for day in days for _ in range(rows_a_night)],
        }
    )


def test_what_a_whole_night_shares_is_no_drift_when_training_nights_share_it_too():
    reference = nightly(200, 70, 1)
    alarms = 0
    for seed in range(20):
        night = nightly(1, 900, seed + 10)
        alarms += sum(row.drifted for row in compared(night, reference, [], ["weekday"]))
        row = compared(night, reference.drop("score_date"), [], ["weekday"])[0]
        assert row.drifted
        assert row.note == "constant: every value is 2"
    assert alarms == 0


def test_a_feed_that_fails_for_whole_nights_in_training_may_fail_for_one():
    failing = pl.col("score_date").dt.day() % 7 == 0
    reference = nightly(200, 70, 1).with_columns(wind=pl.when(~failing).then("wind"))
    night = nightly(1, 900, 2).with_columns(
        wind=pl.when(pl.int_range(900) < 300).then(None).otherwise("wind")
    )
    with_nights, without = (
        compared(night, frame, [], ["wind"])[0] for frame in (reference, reference.drop("score_date"))
    )
    assert "missing values" not in (with_nights.note or "")
    assert "missing values went from 13.0% to 33.3%" in without.note


def test_a_shared_value_outside_everything_seen_is_drift():
    reference = nightly(200, 70, 1)
    night = nightly(1, 900, 2).with_columns(wind=pl.lit(99.0), weekday=pl.lit(9.0))
    assert [row.drifted for row in compared(night, reference, [], ["wind", "weekday"])] == [True, True]


def test_columns_that_cannot_be_compared_say_why():
    reference = sample(1000, 0).with_columns(
        empty=pl.lit(None, pl.Float64), gone=pl.lit(1.0), kind=pl.lit(1.0), lost=pl.lit(1.0), few=pl.lit(1.0)
    )
    night = sample(200, 1).with_columns(
        empty=pl.lit(None, pl.Float64),
        kind=pl.lit("text"),
        lost=pl.lit(float("nan")),
        new=pl.lit(1.0),
        few=pl.when(pl.int_range(200) < 5).then(1.0),
    )
    found = {
        row.column: row
        for row in compared(night, reference, [], ["empty", "gone", "kind", "lost", "new", "few"])
    }
    assert {name: (row.drifted, row.note) for name, row in found.items()} == {
        "empty": (False, "all values missing, as in the training sample"),
        "gone": (True, "column missing from the night"),
        "kind": (True, "String cannot be compared, found in the night"),
        "lost": (True, "all values missing"),
        "new": (True, "column missing from the training sample"),
        "few": (True, "missing values went from 0.0% to 97.5%; only 5 values: too few to compare"),
    }


def test_a_night_without_rows_is_drift_in_every_column():
    found = drift(sample(900, 1).clear(), sample(1000, 0))
    assert {row.note for row in found.values()} == {"the night has no rows"}
    assert all(row.drifted for row in found.values())


def test_a_constant_column_that_was_constant_in_training_is_no_drift():
    frame = sample(900, 1).with_columns(wind=pl.lit(3.0))
    row = drift(frame, sample(1000, 0).with_columns(wind=pl.lit(3.0)))["wind"]
    assert not row.drifted
    assert row.note is None
    assert drift(sample(900, 1).with_columns(wind=pl.lit(2.0)), frame)["wind"].drifted


numbers = st.none() | st.floats() | st.sampled_from([0.0, 1.0, float("inf")])
texts = st.none() | st.text(max_size=3)
columns = st.one_of(
    st.lists(numbers, max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.Float64)),
    st.lists(st.none() | st.integers(-5, 5), max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.Int64)),
    st.lists(texts, max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.String)),
    st.lists(texts, max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.Categorical)),
    st.lists(st.none() | st.booleans(), max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.Boolean)),
    st.lists(st.none() | st.dates(), max_size=40).map(lambda v: pl.Series("x", v, dtype=pl.Date)),
    st.lists(st.lists(st.integers(0, 3)), max_size=20).map(
        lambda v: pl.Series("x", v, dtype=pl.List(pl.Int64))
    ),
    st.lists(st.none(), max_size=20).map(lambda v: pl.Series("x", v, dtype=pl.Null)),
)


@given(columns, columns)
@settings(deadline=None, max_examples=400)
def test_no_data_makes_it_raise_and_every_number_is_finite(night, reference):
    rows = compared(night.to_frame(), reference.to_frame(), ["x"], ["x", "absent"])
    assert len(rows) == 3
    for row in rows:
        assert (row.value is None) == (row.threshold is None)
        assert row.value is None or (np.isfinite(row.value) and row.value >= 0)
        assert row.value is not None or row.note
        assert 0 <= row.null_share <= 1


def test_a_sample_that_many_nights_are_compared_with_says_of_each_what_it_says_of_one_alone():
    reference = sample(2_000, 0).with_columns(
        score_date=pl.Series([date(2013, 1, 1) + timedelta(days=n % 20) for n in range(2_000)])
    )
    kept = TrainingSample(reference, ["city"], ["wind", "rain", "score"])
    nights = [sample(rows, rows) for rows in (900, 25, 60, 900, 400, 60)]
    assert [kept.compared(night) for night in nights] == [
        compared(night, reference, ["city"], ["wind", "rain", "score"]) for night in nights
    ]


def test_rows_of_the_sample_without_a_date_count_together_and_end_nothing():
    rng = np.random.default_rng(7)
    rows = pl.DataFrame(
        {
            "score_date": [date(2013, 1, 1 + n % 28) if n % 9 else None for n in range(5_000)],
            "x": [float(value) if value < 2 else None for value in rng.normal(size=5_000)],
        }
    )
    night = rows.select("x").head(500)
    (column,) = compared(night, rows, [], ["x"])
    assert not column.drifted
    (column,) = compared(night, rows.with_columns(score_date=pl.lit(None, pl.Date)), [], ["x"])
    assert not column.drifted
