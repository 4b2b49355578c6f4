from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.slicing import Sliced, bound, in_slices, sliced, worse
from nightjar.core.model.slices import Slice

NIGHTS, SLICES = 28, 20
CUT = Slice(name="city", by="city", least_rows=10)


def cities(random, spread=0.1, together=0.0):
    """Losses by night of a version that is as good as the other. together: noise that all slices share."""
    shared = together * random.standard_t(5, NIGHTS)
    for number in range(SLICES):
        own, within = (1 + shared + spread * random.standard_t(5, NIGHTS) for _ in range(2))
        yield Sliced(cut=CUT, value=f"{number:02}", rows=50, own=own, within=within, other=np.ones(NIGHTS))


def found(slices, limit=1.0, alpha=0.05):
    told, farthest = in_slices(slices, Of.CHAMPION)
    return [one.value for one, _ in worse(told, farthest, limit, alpha)]


@pytest.mark.parametrize("together", [0.0, 0.2])
def test_of_many_slices_that_are_as_good_one_is_rarely_called_worse(together):
    random = np.random.default_rng(6)
    told = [bool(found([*cities(random, together=together)])) for _ in range(100)]
    assert np.mean(told) <= 0.15
    assert not any(found([*cities(random, 0.02, together=together / 10)], limit=1.01) for _ in range(20))


@pytest.mark.parametrize("part", ["own", "within"])
def test_one_slice_that_is_worse_is_found_among_many_by_either_part_and_is_named_first(part):
    random, hits = np.random.default_rng(7), 0
    for _ in range(30):
        slices = [*cities(random)]
        getattr(slices[3], part).__iadd__(0.12)
        hits += found(slices)[:1] == ["03"]
    assert hits >= 27


def test_slices_that_stray_together_have_a_milder_bound():
    """They are nearly one slice."""
    apart = in_slices([*cities(np.random.default_rng(8))], Of.CHAMPION)[1]
    together = in_slices([*cities(np.random.default_rng(8), 0.01, together=0.3)], Of.CHAMPION)[1]
    assert bound(together, 0.05, 20) < bound(apart, 0.05, 20) - 0.5


def test_older_evidence_without_that_bound_gives_each_slice_its_share():
    slices = [*cities(np.random.default_rng(9))]
    slices[5].own.__iadd__(1.0)
    told = [one.model_copy(update={"within": None}) for one in in_slices(slices, Of.CHAMPION)[0]]
    assert [one.value for one, _ in worse(told, (), 1.01, 0.05)] == ["05"]


def test_a_slice_that_is_certainly_worse_is_told_and_one_without_error_is_not_judged():
    exact = Sliced(cut=CUT, value="a", rows=50, own=np.full(28, 2.0), within=np.ones(28), other=np.ones(28))
    rare = np.eye(28)[0]
    seldom = Sliced(cut=CUT, value="b", rows=50, own=rare * 9, within=rare * 9, other=rare)
    assert found([exact, seldom, *cities(np.random.default_rng(1))]) == ["a"]


def test_a_night_on_which_a_slice_has_no_row_adds_nothing():
    day = date(2013, 6, 1)
    rows = pl.DataFrame(
        {
            "score_date": [day, day, day + timedelta(1)],
            "slice": ["OSLO", "LIMA", "OSLO"],
            "own": [1.0, 2.0, 3.0],
            "within": [1.0, 2.0, 3.0],
            "other": [4.0, 5.0, 6.0],
        }
    )
    lima, oslo = sliced(CUT, rows)
    assert (lima.title, lima.rows, lima.other.tolist()) == ("city LIMA", 1, [5.0, 0.0])
    assert (oslo.title, oslo.rows, oslo.own.tolist()) == ("city OSLO", 2, [1.0, 3.0])
