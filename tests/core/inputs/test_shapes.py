"""The values of a column are read as Polars reads them."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.inputs.former import VARIED
from nightjar.core.inputs.shapes import ENDS, of_values

VALUES = st.lists(
    st.none()
    | st.integers(-3, 3).map(float)
    | st.floats(-1e6, 1e6)
    | st.decimals(-9, 9, places=2).map(float),
    min_size=1,
    max_size=60,
)


@given(VALUES)
def test_shares_and_quantiles_are_those_of_polars(values):
    column = pl.Series("x", values, pl.Float64)
    known = column.drop_nulls()
    told = {name: number for name, _, _, number in of_values(pl.DataFrame([column]), ["x"])}
    if known.n_unique() < VARIED:
        assert told.get("few_central") == known.median()
        return
    assert (told["low"], told["middle"], told["high"]) == (
        known.quantile(0.05),
        known.median(),
        known.quantile(0.95),
    )
    assert told["magnitude"] == known.abs().median()
    assert told["repeated_share"] == pytest.approx(known.unique_counts().max() / known.len())
    different = known.unique()
    assert told["whole_values"] == (different == different.round()).mean()
    assert told["top_share"] == (known == known.max()).mean()
    assert told["missing_share"] == column.null_count() / column.len()


@pytest.mark.parametrize(
    ("count", "ends"), [(99, {}), (100, {"least": 0, "lowest": 4, "highest": 95, "greatest": 99})]
)
def test_a_column_of_many_values_has_ends(count, ends):
    rows = pl.DataFrame({"x": [*range(count)]}).reverse()
    told = {name: number for name, _, _, number in of_values(rows, ["x"]) if name in ENDS}
    assert told == ends


def test_a_gauge_that_stays_at_its_end_is_no_less_precise():
    """Relative humidity in fog: 100.0 for a third of the hours."""
    clear = [60.25 + 0.5 * n for n in range(48)]
    fog = clear[:32] + [100.0] * 16
    shares = [
        {name: number for name, _, _, number in of_values(pl.DataFrame({"humid": day}), ["humid"])}
        for day in (clear, fog, [round(value) for value in clear])
    ]
    assert [share["whole_values"] for share in shares] == [0.0, pytest.approx(1 / 33), 1.0]
