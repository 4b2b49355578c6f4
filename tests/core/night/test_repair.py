"""Which rows of a night later knowledge touches."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.night.repair import (
    CARRIED,
    Touched,
    came_from,
    compared,
    late_days,
    split_carried,
    touched,
    with_carried,
)
from nightjar.testing.specs import PLANNED, WEATHER, toy_spec

KEYS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from([None, 0.0, 1.0, 2.0]), max_size=8)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2013, 6, day, hour, tzinfo=UTC)


def population(values: dict, faulty: tuple[str, ...] = ()) -> pl.DataFrame:
    rows = {
        "entity_key": list(values),
        "x": list(values.values()),
        "fault": ["repeated" if key in faulty else None for key in values],
    }
    return pl.DataFrame(rows, schema={"entity_key": pl.String, "x": pl.Float64, "fault": pl.String})


def scores(values: dict, carried_from: int | None = None) -> pl.DataFrame:
    columns = {
        "entity_key": list(values),
        "score": [0.5] * len(values),
        "outputs": [None] * len(values),
        "challenger_score": [None] * len(values),
        "challenger_outputs": [None] * len(values),
        "arm": [None] * len(values),
        "carried_from": [carried_from] * len(values),
    }
    return pl.DataFrame(
        columns,
        schema={
            "entity_key": pl.String,
            "score": pl.Float64,
            "outputs": pl.List(pl.Float64),
            "challenger_score": pl.Float64,
            "challenger_outputs": pl.List(pl.Float64),
            "arm": pl.String,
            "carried_from": pl.Int32,
        },
    )


@given(KEYS, KEYS)
def test_every_entity_is_the_same_changed_added_or_removed(then, now):
    inputs = compared(population(then), population(now))
    found = touched(population(then), population(now), inputs)
    assert set(inputs.same) == {key for key in then.keys() & now.keys() if then[key] == now[key]}
    assert set(found.changed) == {key for key in then.keys() & now.keys() if then[key] != now[key]}
    assert (set(found.added), set(found.removed)) == (now.keys() - then.keys(), then.keys() - now.keys())
    assert bool(found) == (then != now)
    assert found.columns == (("x",) if found.changed else ())


@given(KEYS, KEYS, st.sets(st.sampled_from("abcdefgh")))
def test_kept_and_fresh_rows_are_all_the_rows_and_only_scored_rows_are_kept(then, now, quarantined):
    scored = {key: value for key, value in then.items() if key not in quarantined}
    rows = with_carried(
        population(now), compared(population(then), population(now)).same, scores(scored), base_id=4
    )
    kept, fresh = split_carried(rows)
    assert sorted([*kept["entity_key"], *fresh["entity_key"]]) == sorted(now)
    assert set(kept["entity_key"]) == {key for key in scored.keys() & now.keys() if then[key] == now[key]}
    assert set(kept["carried_from"]) <= {4}
    assert not set(CARRIED) & set(fresh.columns)


def test_a_row_kept_twice_still_names_the_run_that_computed_it():
    rows = with_carried(
        population({"a": 1.0}), pl.Series(["a"]), scores({"a": 1.0}, carried_from=2), base_id=4
    )
    assert split_carried(rows)[0]["carried_from"].to_list() == [2]


def test_a_row_that_may_not_be_scored_keeps_no_score():
    rows = with_carried(
        population({"a": 1.0}, faulty=("a",)), pl.Series(["a"]), scores({"a": 1.0}), base_id=4
    )
    assert split_carried(rows)[0].is_empty()


def test_a_column_that_the_first_run_did_not_have_makes_every_row_another():
    then, now = population({"a": 1.0, "b": 2.0}), population({"a": 1.0, "b": 2.0}).with_columns(y=1)
    assert touched(then, now, compared(then, now)) == Touched(changed=("a", "b"), columns=("y",))


def test_a_column_whose_type_changed_makes_every_row_with_a_value_another():
    then = population({"a": 1.0, "b": 2.0}).with_columns(y=pl.Series([1, None]))
    now = then.with_columns(y=pl.Series(["1", None]))
    assert touched(then, now, compared(then, now)) == Touched(changed=("a",), columns=("y",))


def test_what_touched_a_night_names_the_raw_data_behind_it():
    datasets = tuple(replace(PLANNED, name=name) for name in ("planned", "happened", "weather", "stations"))
    spec = toy_spec(datasets=datasets, feature_tables=(replace(WEATHER, sources=("weather", "stations")),))
    assert came_from(Touched(changed=("a",), columns=("rain",)), spec) == {"weather", "stations"}
    assert came_from(Touched(changed=("a",), columns=("gate", "rain")), spec) == {
        "weather",
        "stations",
        "planned",
    }
    assert came_from(Touched(removed=("a",)), spec) == {"planned"}


def test_a_correction_is_late_and_a_day_that_nobody_could_have_had_is_not():
    recorded = {
        date(2013, 6, 1): [at(2), at(9)],
        date(2013, 6, 3): [at(8)],
        date(2013, 6, 4): [at(5)],
        date(2013, 6, 5): [at(7)],
    }
    assert late_days(recorded, since=at(6), until=at(9)) == {date(2013, 6, 1): at(9), date(2013, 6, 3): at(8)}
    assert late_days(recorded, since=at(6), until=at(8)) == {date(2013, 6, 3): at(8)}
    assert late_days({}, since=at(6), until=at(9)) == {}
