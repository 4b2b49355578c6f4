"""What was delivered last for the features of a night is read as the night could know it."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.inputs.delivered import DAYS
from nightjar.core.model.sources import Files
from nightjar.core.model.spec import RawDataset, Window
from nightjar.core.night.clock import night_of
from nightjar.testing.runs import claimed
from nightjar.testing.specs import HAPPENED, PLANNED, TOY, WEATHER, toy_spec
from nightjar.usecases.scoring.feeds import Feeds

CITIES = ["cairo", "oslo", "rome"]
RAIN = RawDataset(
    name="rain",
    columns={"city": pl.String(), "day": pl.Date(), "rain": pl.Float64()},
    keys=("city", "day"),
    day_column="day",
    source=Files(format="parquet"),
)
SPEC = toy_spec(
    datasets=(PLANNED, HAPPENED, RAIN),
    feature_tables=(replace(WEATHER, sources=("rain", "planned", "happened")),),
    numeric=("x", "rain"),
)
NIGHT = night_of(SPEC, date(2013, 6, 15))
LAST = NIGHT.as_of.date()
HOUR = timedelta(hours=1)


@pytest.fixture
def raw(tmp_path):
    return RawFiles(tmp_path / "data")


@pytest.fixture
def deliver(raw, tmp_path):
    """deliver(days_before, rain, hours) lands a day that is known so many hours after the as_of."""

    def land(before, rain, hours=0.0):
        day, file = LAST - timedelta(days=before), tmp_path / "rain.parquet"
        rows = pl.DataFrame({"city": CITIES, "day": [day] * 3, "rain": [rain, rain + 1, rain + 2]})
        rows.write_parquet(file)
        raw.land(RAIN, day, file, NIGHT.as_of + HOUR * (hours or -24 * before - 1))

    return land


def read(raw, known_at=NIGHT.as_of, spec=SPEC):
    told = Feeds(spec, raw).readings(claimed(NIGHT, known_at=known_at))
    return {(name, column): value for name, column, part, value in told.iter_rows() if not part}


def middle(told):
    return told.get(("few_central", "rain.rain"))


def test_the_newest_day_is_read_beside_those_before(raw, deliver):
    for before in range(DAYS + 3):
        deliver(before, float(before))
    told = read(raw)
    assert middle(told) == 1.0
    assert told["rows", "rain"] == 3
    assert told["few_pace", "rain.rain"] == pytest.approx(1.0)


def test_a_night_reads_what_it_knew_and_a_repair_its_corrections(raw, deliver):
    deliver(1, 10.0)
    deliver(1, 20.0, hours=30)
    deliver(0, 99.0, hours=30)
    assert middle(read(raw)) == 11.0
    assert middle(read(raw, NIGHT.as_of + 31 * HOUR)) == 21.0


def test_a_day_that_the_night_did_not_know_is_not_read_by_its_repair(raw, deliver):
    for before in range(8):
        deliver(before, 1000.0 if before == 4 else float(before), hours=30 if before == 4 else 0)
    late = read(raw, NIGHT.as_of + 31 * HOUR)
    assert late == read(raw)
    assert late["beyond", "rain.rain"] == pytest.approx(1 / 8)


def test_nothing_delivered_gives_no_reading(raw, deliver):
    assert read(raw) == {}
    deliver(0, 1.0, hours=5)
    assert read(raw) == {}


def test_what_the_population_or_the_outcomes_read_is_looked_at_elsewhere(raw, deliver):
    deliver(0, 1.0)
    also = replace(SPEC, population_reads=(*TOY.population_reads, Window("rain")))
    assert read(raw, spec=also) == {}
