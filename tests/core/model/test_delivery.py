"""What a model's own `deliver` gives is told with the model, the field and what is expected there."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import pytest

from nightjar.core.errors.base import Retryable
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.model.spec import Delivery
from nightjar.testing.specs import PLANNED, toy_spec

DAY = date(2026, 1, 5)
NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
GOOD = Delivery("planned", DAY, Path("planned.csv"), NOW)
HOUR = timedelta(hours=1)


def deliveries(given):
    return toy_spec(deliver=lambda inbox, first, last: given).deliveries(Path(), DAY, DAY)


def told(given):
    with pytest.raises(ContractBroken) as raised:
        list(deliveries(given))
    assert not isinstance(raised.value, Retryable)
    text = str(raised.value)
    assert text.startswith(f"toy: `deliver` for days {DAY} to {DAY}: gives ")
    return text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (
            {"recorded_at": NOW.replace(tzinfo=None)},
            "recorded_at=datetime.datetime(2026, 1, 5, 6, 0), which has no ",
        ),
        ({"recorded_at": None}, "recorded_at=None. It must be a datetime with a time zone"),
        (
            {"recorded_at": "2026-01-05"},
            "recorded_at='2026-01-05', a str. It must be a datetime with a time zone",
        ),
        ({"recorded_at": DAY}, "recorded_at=datetime.date(2026, 1, 5), a date. It must be a datetime"),
        ({"dataset": "plans"}, "dataset='plans', and the model's datasets are planned, happened"),
        ({"dataset": PLANNED}, "..., a RawDataset. It must be the name of a dataset, a str"),
        ({"day": "2026-01-05"}, "day='2026-01-05', a str. It must be a datetime.date"),
        ({"day": None}, "day=None. It must be a datetime.date"),
        ({"day": NOW}, "tzinfo=datetime.timezone.utc), a datetime. It must be a datetime.date"),
        ({"last": "2026-01-06"}, "last='2026-01-06', a str. It must be a datetime.date or None"),
        ({"path": "planned.csv"}, "path='planned.csv', a str. It must be a pathlib.Path"),
    ],
)
def test_a_wrong_value_is_told_with_its_field_and_what_is_expected(values, text):
    [field] = values
    shown = told([GOOD, replace(GOOD, **values)])
    assert f"gives a Delivery with {field}=" in shown
    assert text in shown


def test_all_wrong_values_of_a_delivery_are_told():
    text = told([replace(GOOD, day="2026-01-05", path="planned.csv")])
    assert "day='2026-01-05'" in text
    assert "path='planned.csv'" in text


def test_a_long_value_is_cut():
    assert len(told([replace(GOOD, path="x" * 10_000)])) < 500


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (None, "gives None. Is its `yield` forgotten? It must yield a Delivery for each file"),
        (7, "gives 7, a int. It must yield a Delivery for each file"),
        (GOOD, "a Delivery. It must yield a Delivery for each file"),
        (["planned.csv"], "gives 'planned.csv', a str. Each that it yields must be a Delivery"),
        ([None], "gives None, a NoneType. Each that it yields must be a Delivery"),
    ],
)
def test_what_is_no_delivery_is_told_as_such(given, text):
    assert text in told(given)


def test_two_that_are_not_in_the_order_of_recording_are_both_named():
    text = told([replace(GOOD, recorded_at=NOW + HOUR), replace(GOOD, dataset="happened")])
    assert (
        f"gives happened {DAY}, recorded at {NOW}, after planned {DAY}, recorded at {NOW + HOUR}. Deliveries "
        "must come in the order of recorded_at"
    ) in text


def test_the_order_is_that_of_instants_and_equal_ones_are_in_order():
    zoned = NOW.astimezone(datetime.strptime("+0500", "%z").tzinfo)
    good = [GOOD, replace(GOOD, recorded_at=zoned), replace(GOOD, recorded_at=NOW + HOUR)]
    assert list(deliveries(good)) == good


def test_none_is_read_before_it_is_asked_for():
    endless = (replace(GOOD, recorded_at=NOW + n * HOUR) for n in count())
    assert len(list(islice(deliveries(endless), 3))) == 3
    assert next(endless).recorded_at == NOW + 3 * HOUR
