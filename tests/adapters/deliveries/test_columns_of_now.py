"""A dataset whose columns were changed: its earlier days are read in the columns of now."""

from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.spec import RawDataset

OLD, NEW = date(2013, 6, 15), date(2013, 6, 16)
SHOPS = RawDataset(
    name="shops",
    columns={"shop": pl.String(), "count": pl.Int32(), "at": pl.Datetime("us", "UTC")},
    keys=("shop",),
)
TEXTS = {"shop": "north", "count": "12", "at": "2013-06-15T09:30:00Z", "rain": "0.5"}


@pytest.fixture
def raw(tmp_path):
    return RawFiles(tmp_path / "data")


def land(raw, dataset, day, **values):
    file = raw.root.parent / f"{day}.csv"
    row = ",".join((TEXTS | values)[name] for name in dataset.columns)
    file.write_text(f"{','.join(dataset.columns)}\n{row}\n# rows=1\n")
    raw.land(dataset, day, file, datetime(2013, 6, day.day, 12, tzinfo=UTC))


def changed(**columns):
    """None: the column is removed."""
    kept = SHOPS.columns | columns
    return replace(SHOPS, columns={name: kind for name, kind in kept.items() if kind is not None})


def both(raw, dataset):
    """The values of each way to read, which are the same, and in the order in which they are declared."""
    read, scanned = raw.read(dataset, OLD, NEW), raw.scan(dataset, OLD, NEW).collect()
    assert read.equals(scanned)
    assert [*read.schema.items()][:-2] == [*dataset.columns.items()]
    return read.drop("date", "recorded_at").to_dict(as_series=False)


@pytest.mark.parametrize(
    ("columns", "name", "values"),
    [
        ({"rain": pl.Float64()}, "rain", [None, 0.5]),
        ({"count": pl.Int64()}, "count", [12, 12]),
        ({"count": pl.Float64()}, "count", [12.0, 12.0]),
        ({"count": pl.String()}, "count", ["12", "12"]),
        ({"at": pl.Datetime("ms", "UTC")}, "at", [datetime(2013, 6, 15, 9, 30, tzinfo=UTC)] * 2),
    ],
    ids=["added", "wider", "with fractions", "as text", "in another unit"],
)
@pytest.mark.parametrize("days", [(OLD, NEW), (OLD, OLD)], ids=["old and new", "old alone"])
def test_days_of_before_are_read_as_the_dataset_is_declared_now(raw, columns, name, values, days):
    land(raw, SHOPS, OLD)
    now = changed(**columns)
    if NEW in days:
        land(raw, now, NEW)
    assert both(raw, now)[name] == values[: len({*days})]


def test_a_column_that_is_declared_no_more_is_left_out(raw):
    land(raw, SHOPS, OLD)
    now = changed(count=None)
    land(raw, now, NEW)
    assert [*both(raw, now)] == ["shop", "at"]


def test_columns_in_another_order_are_read_in_the_order_of_now(raw):
    land(raw, SHOPS, OLD)
    now = replace(SHOPS, columns=dict(reversed(SHOPS.columns.items())))
    land(raw, now, NEW, count="13")
    assert both(raw, now)["count"] == [12, 13]


@pytest.mark.parametrize("kind", [pl.Boolean(), pl.Date(), pl.Datetime("us", "UTC")])
def test_a_type_that_means_something_else_is_told_with_its_file_and_column(raw, kind):
    land(raw, SHOPS, OLD)
    for read in (raw.read, lambda *asked: raw.scan(*asked).collect()):
        with pytest.raises(ContractBroken, match=r"column count landed as Int32 in .*date=2013-06-15"):
            read(changed(count=kind), OLD, NEW)


def test_a_number_that_the_type_of_now_cannot_hold_is_told(raw):
    land(raw, SHOPS, OLD, count="300")
    with pytest.raises(ContractBroken, match="300"):
        raw.read(changed(count=pl.Int8()), OLD, NEW)
