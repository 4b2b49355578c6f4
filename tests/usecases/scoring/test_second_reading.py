"""A night whose store joins features wrongly is found by reading the tables a second time."""

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.files.feature_tables import FeatureDirectory
from nightjar.core.model.generations import FIRST, Generation
from nightjar.core.night.clock import night_of
from nightjar.core.values import INSTANT
from nightjar.testing.runs import claimed
from nightjar.testing.specs import WEATHER, toy_spec
from nightjar.usecases.scoring.second_reading import SecondReading

TABLE = replace(WEATHER, ttl=timedelta(days=9))
SPEC = toy_spec(feature_tables=(TABLE,), numeric=("x", "rain"))
NIGHT = night_of(SPEC, date(2013, 3, 11))
CITIES = ["oslo", "rome", "cairo"]


def made(days, recorded=0.0):
    """The rain of each city so many days before the night, and the hours after it in which it was known."""
    at = NIGHT.as_of - timedelta(days=days)
    values = [100 * days + place for place in range(len(CITIES))]
    return pl.DataFrame({"city": CITIES, "rain": values}).with_columns(
        pl.col("rain").cast(pl.Float64),
        event_timestamp=pl.lit(at, INSTANT),
        created=pl.lit(at + timedelta(hours=recorded), INSTANT),
    )


@pytest.fixture
def second(tmp_path):
    files = FeatureDirectory(tmp_path)
    files.use(TABLE, Generation(FIRST, "recipe"))
    # Today's rain is known a day late, and tomorrow's lies there already.
    for rows in (made(2), made(1), made(0, recorded=24), made(-1)):
        files.write(TABLE, rows, {})
    return SecondReading(spec=SPEC, tables=files)


def found(second, rain, known_at=NIGHT.as_of):
    run = claimed(NIGHT, known_at=known_at)
    rows = pl.DataFrame({"city": [*CITIES, "lima"], "x": [0.0] * 4, "rain": [*rain, None]})
    return [each.name for each in second.findings(run, rows, {}, {})]


def test_what_was_known_by_the_night_is_no_finding(second):
    assert found(second, [100, 101, 102]) == []


@pytest.mark.parametrize(
    "rain",
    [[101, 102, 100], [200, 201, 202], [0, 1, 2], [-100, -99, -98]],
    ids=["of other keys", "of the day before", "not known yet", "of tomorrow"],
)
def test_a_join_that_gives_other_rows_is_found(second, rain):
    assert found(second, rain) == ["misread"]


@pytest.mark.parametrize(("rain", "names"), [(105, []), (100, ["misread"]), (0, ["misread"])])
def test_a_repair_sees_corrections_of_what_the_night_knew_and_no_later_news(second, rain, names):
    second.tables.write(TABLE, made(1, recorded=30).with_columns(pl.col("rain") + 5), {})
    given = [rain, rain + 1, rain + 2]
    assert found(second, given, NIGHT.as_of + timedelta(hours=30)) == names


def test_many_keys_get_the_rows_that_each_key_gets(second):
    moment = NIGHT.as_of
    many = second.tables.recent(TABLE, pl.DataFrame({"city": ["rome", "lima"]}), moment, moment)
    assert many.rows(named=True) == [second.tables.known(TABLE, {"city": "rome"}, moment, moment)]
