"""What every model must keep, whoever adds it."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from models import MODELS, NAMES, model
from nightjar.adapters.contracts import check
from nightjar.core.errors.model import ModelBroken
from nightjar.core.kinds.estimates import LEAST_NIGHTS
from nightjar.core.model.occasions import occasions_between
from nightjar.core.night.clock import as_of
from nightjar.core.night.population import ordered_population
from nightjar.core.values import INSTANT
from nightjar.scaffold.choices import Every, NewKind
from nightjar.testing.scaffolds import SCAFFOLDS, written
from nightjar.usecases.data.windows import outcomes_of, read_windows

MONTHLY = written("new_each_month", NewKind.binary, Every.month)
EVERY = {**MODELS, **SCAFFOLDS, MONTHLY.name: MONTHLY}
every_model = pytest.mark.parametrize("spec", EVERY.values(), ids=EVERY)


def test_listing_the_models_imports_nothing_heavy():
    script = "import json, sys, models; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    )
    assert not {"pandas", "pandera", "catboost", "sklearn", "feast", "prefect", "sqlalchemy"} & set(loaded)


@pytest.mark.parametrize("name", NAMES)
def test_its_folder_can_be_used(name):
    try:
        model(name)
    except ModelBroken as error:
        pytest.fail(str(error), pytrace=False)


@every_model
def test_the_contract_covers_every_input(spec):
    assert set(spec.contract().columns) >= {"entity_key", *spec.inputs}


@every_model
def test_its_test_days_hold_the_nights_that_a_verdict_needs(spec):
    days = timedelta(days=spec.split.test_days - 1)
    last = spec.replay.last if spec.replay else spec.data_from + 2 * days
    assert len(occasions_between(spec, last - days, last)) >= LEAST_NIGHTS


@every_model
def test_schedules_avoid_the_hours_that_a_clock_change_repeats_or_skips(spec):
    for cron in (spec.cron, spec.retrain_cron):
        assert re.fullmatch(r"\d+ \d+ \S+ \S+ \S+", cron)
        assert int(cron.split()[1]) not in {1, 2}


@every_model
def test_a_delivery_replayed_gives_the_same_bytes_in_order_of_recording(spec, world_of, tmp_path):
    if spec.deliver is None:
        pytest.skip("nothing is delivered: its datasets are tables")
    day = world_of(spec).last - timedelta(days=2)
    one, two = (
        list(spec.deliveries(tmp_path / name, day - timedelta(days=2), day)) for name in ("one", "two")
    )
    assert [delivery.path.read_bytes() for delivery in one] == [
        delivery.path.read_bytes() for delivery in two
    ]
    assert [delivery.recorded_at for delivery in one] == sorted(delivery.recorded_at for delivery in one)
    assert len({(delivery.dataset, delivery.day) for delivery in one}) == len(one)


@every_model
def test_features_of_a_range_are_those_of_its_days_joined(spec, world_of):
    world = world_of(spec)
    for table in spec.feature_tables:
        last = world.newest(table)
        first = last - timedelta(days=9)
        together = table.compute(world.frames(table, first, last), first, last)
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        apart = pl.concat([table.compute(world.frames(table, day, day), day, day) for day in days])
        order = ["event_timestamp", *table.keys]
        assert not together.is_empty()
        assert_frame_equal(together.sort(order), apart.sort(order), check_exact=True)


@every_model
def test_no_feature_needs_what_was_recorded_after_it(spec, world_of):
    world = world_of(spec)
    for table in spec.feature_tables:
        day = world.newest(table)
        rows = table.compute(world.frames(table, day, day), day, day)
        for (created,), expected in rows.partition_by("created", as_dict=True).items():
            known_then = table.compute(world.frames(table, day, day, known_at=created), day, day)
            assert_frame_equal(known_then.filter(pl.col("created") == created), expected, check_exact=True)
        assert not rows.is_empty()
        assert (rows["event_timestamp"] <= rows["created"]).all()


@every_model
def test_feature_rows_have_the_declared_columns_and_one_row_a_key_and_instant(spec, world_of):
    world = world_of(spec)
    for table in spec.feature_tables:
        rows = table.compute(world.frames(table, world.first, world.last), world.first, world.last)
        declared = {
            **table.keys,
            **table.features,
            "date": pl.Date(),
            **dict.fromkeys(("event_timestamp", "created"), pl.Datetime("us", "UTC")),
        }
        assert dict(rows.schema) == declared
        assert rows.select(*table.keys, "event_timestamp").is_duplicated().any() is False
        assert rows.select(list(table.keys)).null_count().sum_horizontal().item() == 0


@every_model
def test_features_of_nothing_are_an_empty_table(spec, world_of):
    world = world_of(spec)
    for table in spec.feature_tables:
        frames = {name: frame.clear() for name, frame in world.frames(table, world.last, world.last).items()}
        rows = table.compute(frames, world.last, world.last)
        assert rows.is_empty()
        assert set(rows.columns) == {*table.keys, *table.features, "date", "event_timestamp", "created"}


@every_model
def test_a_real_night_keeps_the_contract(spec, world_of):
    world = world_of(spec)
    for night in (*world.nights[-2:], world.nights[len(world.nights) // 2]):
        rows = ordered_population(world.night(night))
        checked = check(spec, rows)
        assert checked.valid.height == rows.height > 0
        assert checked.quarantined.is_empty()


@every_model
def test_the_first_night_of_all_is_scored_without_history(spec, world_of):
    world = world_of(spec)
    rows = ordered_population(world.night(world.nights[0]))
    assert check(spec, rows).valid.height == rows.height > 0


@every_model
def test_population_keys_are_unique_and_meet_the_outcomes(spec, world_of):
    world = world_of(spec)
    night = world.told[-1]
    rows = world.night(night)
    outcomes = outcomes_of(spec, world.raw, [night], datetime.max.replace(tzinfo=UTC))
    assert rows["entity_key"].is_unique().all()
    assert rows["entity_key"].null_count() == 0
    assert {"entity_key": pl.String(), "score_date": pl.Date(), "recorded_at": INSTANT}.items() <= dict(
        outcomes.schema
    ).items()
    meeting = set(outcomes["entity_key"]) & set(rows["entity_key"])
    assert len(meeting) > max(outcomes.height, rows.height) / 2, "most keys must be the same on both sides"
    assert spec.kind.lacking_to_train(outcomes["outcome"]) is None
    assert (outcomes["recorded_at"] > as_of(spec, night)).all(), "an outcome known before its night is a leak"
    mature = as_of(spec, night + timedelta(days=spec.maturity_days + spec.horizon_days))
    assert (outcomes["recorded_at"] <= mature).all(), "outcomes are complete later than `maturity_days` says"


@every_model
def test_a_population_made_twice_is_the_same(spec, world_of):
    world = world_of(spec)
    for night in (world.nights[0], world.nights[-1]):
        one, two = (ordered_population(world.population(night)) for _ in range(2))
        assert_frame_equal(one, two, check_exact=True)


@every_model
def test_outcomes_of_many_dates_are_those_of_each_date(spec, world_of):
    world = world_of(spec)
    nights, known = world.told[-4:], as_of(spec, world.last)
    apart = [outcomes_of(spec, world.raw, [night], known) for night in nights]
    together = outcomes_of(spec, world.raw, nights, known)
    assert_frame_equal(together, pl.concat(apart, how="vertical_relaxed"))
    assert not together.is_empty()


@every_model
def test_a_population_of_nothing_is_empty(spec, world_of):
    world = world_of(spec)
    night = world.nights[-1]
    read = read_windows(spec, world.raw, spec.population_reads, night, as_of(spec, night))
    assert spec.population({name: rows.clear() for name, rows in read.items()}, night).is_empty()
