"""A table that is not as declared is found before a night reads it."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from db.refusals import lasting
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.tables.sources import RawSources
from nightjar.core.errors.inputs import BadTable
from nightjar.core.model.sources import KnownAfter, ParquetTable
from nightjar.core.model.spec import RawDataset, Window
from nightjar.testing.specs import HAPPENED, toy_spec
from nightjar.usecases.data.tables import require_as_declared

DAY = date(2026, 1, 5)
ROWS = pl.DataFrame({"day": [DAY - timedelta(days=1), DAY], "entity_key": ["a", "a"], "x": [1.0, 2.0]})


@pytest.fixture
def check(tmp_path):
    """A model without features, whose population is read from a table, and the check of it."""
    dataset = RawDataset(
        name="planned",
        columns=dict(ROWS.schema),
        keys=("entity_key",),
        day_column="day",
        source=ParquetTable(url=str(tmp_path / "planned.parquet"), known=KnownAfter(timedelta())),
    )
    spec = toy_spec(datasets=(dataset, HAPPENED), population_reads=(Window("planned"),))
    raw = RawSources.of(spec, RawFiles(tmp_path), {}, lasting)

    def checked(rows):
        rows.write_parquet(tmp_path / "planned.parquet")
        require_as_declared(spec, raw, datetime(2026, 1, 6, tzinfo=UTC).date())

    return checked


def test_a_table_as_declared_passes_with_and_without_rows(check):
    check(ROWS)
    check(ROWS.clear())


@pytest.mark.parametrize("height", [0, 2])
def test_a_column_that_is_missing_is_told_also_if_no_feature_is_made_of_it(check, height):
    with pytest.raises(BadTable, match="'x'"):
        check(ROWS.head(height).drop("x"))


def test_a_value_of_the_newest_day_that_does_not_fit_is_told(check):
    with pytest.raises(BadTable, match="'x'"):
        check(ROWS.with_columns(x=pl.Series([1.0, None])))
