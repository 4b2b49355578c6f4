import io
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.content import content_sha256
from nightjar.core.errors.model import TooLittleHistory
from nightjar.core.lifecycle.training_set import (
    cut_by_time,
    labelled,
    last_mature_date,
    mature_outcomes,
    reference_sample,
)
from nightjar.core.model.spec import TimeSplit
from nightjar.testing.specs import toy_spec

KNOWN = datetime(2013, 3, 10, 12, tzinfo=UTC)
SPEC = toy_spec(split=TimeSplit(test_days=7, valid_days=3, min_train_rows=10))


def test_the_newest_mature_date_is_counted_in_local_days():
    assert last_mature_date(SPEC, datetime(2013, 3, 10, 3, tzinfo=UTC)) == date(2013, 3, 8)
    assert last_mature_date(SPEC, datetime(2013, 3, 10, 12, tzinfo=UTC)) == date(2013, 3, 9)


def outcome(key, day, value, recorded):
    return {"entity_key": key, "score_date": day, "outcome": value, "recorded_at": recorded}


def test_an_outcome_counts_if_it_was_recorded_in_time_and_is_mature_in_its_newest_version():
    day, early = date(2013, 3, 1), KNOWN - timedelta(days=3)
    recorded = pl.DataFrame(
        [
            outcome("a", day, 1, early + timedelta(hours=1)),
            outcome("a", day, 0, early),
            outcome("b", day, 1, KNOWN + timedelta(seconds=1)),
            outcome("c", date(2013, 3, 10), 1, early),
            outcome("e", day, 1, KNOWN),
        ],
        schema_overrides={"outcome": pl.Int8},
    )
    found = mature_outcomes(recorded, KNOWN, date(2013, 3, 9))
    assert sorted(found.rows()) == [("a", day, 1), ("e", day, 1)]


def test_rows_left_out_are_counted_by_reason():
    day = date(2013, 3, 1)
    population = pl.DataFrame(
        {
            "entity_key": ["b", "a", "a", "x"],
            "score_date": [day] * 4,
            "fault": [None, None, "entity_key is repeated", None],
        }
    )
    outcomes = pl.DataFrame({"entity_key": ["a", "b", "late"], "score_date": [day] * 3, "outcome": [1, 0, 1]})
    rows, left_out = labelled(population, outcomes)
    assert rows["entity_key"].to_list() == ["a", "b"]
    assert left_out == {
        "population rows with a fault": 1,
        "population rows without a mature outcome": 1,
        "outcomes without a population row": 1,
    }


def days(count, rows_a_day=4):
    return pl.DataFrame(
        {
            "score_date": [
                date(2013, 1, 1) + timedelta(days=i) for i in range(count) for _ in range(rows_a_day)
            ],
            "outcome": [0, 1] * (count * rows_a_day // 2),
        }
    )


def test_the_cut_gives_every_row_to_one_side_and_time_only_goes_forward():
    rows = days(30)
    cut = cut_by_time(rows, SPEC, KNOWN)
    assert pl.concat([cut.train, cut.valid, cut.test]).equals(rows)
    assert cut.test["score_date"].n_unique() == 7
    assert cut.valid["score_date"].n_unique() == 3
    assert cut.train["score_date"].max() < cut.valid["score_date"].min()
    assert cut.trained_through == cut.test["score_date"].min() - timedelta(days=1)


@given(st.integers(0, 30), st.sampled_from([1, 7]), st.integers(40, 120))
def test_no_outcome_of_a_part_is_about_a_date_of_the_next(maturity_days, every, count):
    spec = toy_spec(maturity_days=maturity_days, split=TimeSplit(test_days=8, valid_days=8, min_train_rows=1))
    rows = days(count * every).filter((pl.col("score_date") - date(2013, 1, 1)).dt.total_days() % every == 0)
    try:
        cut = cut_by_time(rows, spec, KNOWN)
    except TooLittleHistory:
        return
    for earlier, later in ((cut.train, cut.valid), (cut.valid, cut.test)):
        told = earlier["score_date"].max() + timedelta(days=max(0, maturity_days - 1))
        assert told < later["score_date"].min()
    assert cut.train.height + cut.valid.height + cut.test.height + cut.between == rows.height
    assert maturity_days > 1 or cut.between == 0


def test_a_night_that_waits_three_months_keeps_three_months_between_the_parts():
    spec = toy_spec(maturity_days=90, split=TimeSplit(test_days=28, valid_days=14, min_train_rows=4))
    cut = cut_by_time(days(300), spec, KNOWN)
    assert cut.test["score_date"].n_unique() == 28
    assert cut.valid["score_date"].n_unique() == 14
    assert cut.test["score_date"].min() - cut.valid["score_date"].max() == timedelta(days=90)
    assert cut.valid["score_date"].min() - cut.train["score_date"].max() == timedelta(days=90)
    assert list(cut.left_out.values()) == [2 * 89 * 4]
    with pytest.raises(TooLittleHistory, match=r"89 days before each of the two are left out\. With as many"):
        cut_by_time(days(100), spec, KNOWN)


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (days(0), "there is none"),
        (days(12), "10 rows before 2013-01-03 are needed to train on, there are 8"),
        (
            days(30).with_columns(
                outcome=pl.when(pl.col("score_date") > date(2013, 1, 23)).then(0).otherwise("outcome")
            ),
            "rows to test on need both",
        ),
        (days(30).with_columns(outcome=pl.lit(1)), "rows to train on need both"),
    ],
)
def test_too_little_history_says_what_is_lacking(rows, problem):
    with pytest.raises(TooLittleHistory, match=problem):
        cut_by_time(rows, SPEC, KNOWN)


def test_the_reference_keeps_every_date_at_its_weight():
    sample = reference_sample(days(100, 900))
    assert 15_000 < sample.height <= 20_000
    assert sample.group_by("score_date").len()["len"].is_between(170, 190).all()
    assert reference_sample(days(3)).equals(days(3))


frames = st.builds(
    lambda numbers, texts, flags: pl.DataFrame(
        {"n": numbers[:5], "t": texts[:5], "f": flags[:5]},
        schema={"n": pl.Float64, "t": pl.String, "f": pl.Boolean},
    ),
    st.lists(st.none() | st.floats(allow_nan=False), min_size=5, max_size=5),
    st.lists(st.none() | st.text(st.characters(codec="utf-8"), max_size=3), min_size=5, max_size=5),
    st.lists(st.none() | st.booleans(), min_size=5, max_size=5),
)


@given(frames, frames)
@settings(deadline=None, max_examples=200)
def test_the_content_hash_tells_contents_apart_and_nothing_else(first, second):
    file = io.BytesIO()
    first.write_parquet(file, compression="gzip", row_group_size=2)
    file.seek(0)
    assert content_sha256(pl.read_parquet(file)) == content_sha256(first)
    assert content_sha256(pl.concat([first[:2], first[2:]], rechunk=False)) == content_sha256(first)
    if not first.equals(second):
        assert content_sha256(first) != content_sha256(second)


def test_the_content_hash_sees_names_types_order_and_nulls():
    base = pl.DataFrame({"a": ["x", "yz", None], "d": [date(2013, 1, 1), None, date(2013, 1, 2)]})
    others = [
        base.rename({"a": "b"}),
        base.reverse(),
        base.with_columns(a=pl.Series(["xy", "z", None])),
        base.with_columns(a=pl.Series(["x", "yz", ""])),
        base.with_columns(d=pl.col("d").cast(pl.Datetime("us"))),
        base.select("d", "a"),
    ]
    assert len({content_sha256(frame) for frame in (base, *others)}) == 7


def test_the_content_hash_is_of_values_and_not_of_numbers_that_stand_for_them():
    texts = [
        pl.DataFrame({"a": pl.Series(values, dtype=pl.Categorical)}) for values in (["x", "y"], ["y", "x"])
    ]
    assert content_sha256(texts[0]) != content_sha256(texts[1])
    for dtype in (pl.Decimal(10, 2), pl.Int128, pl.UInt128):
        one, other = (pl.DataFrame({"a": pl.Series([value, None], dtype=dtype)}) for value in (1, 2))
        assert content_sha256(one) != content_sha256(other)
