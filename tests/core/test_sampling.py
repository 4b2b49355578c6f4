"""A sample of rows."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.sampling import sampled


@given(st.integers(1, 500), st.integers(1, 300))
def test_a_sample_has_at_most_so_many_rows_and_all_if_there_are_fewer(count, most):
    frame = pl.DataFrame({"n": range(count)})
    taken = sampled(frame, most)
    assert 1 <= taken.height <= most
    assert count > most or taken.equals(frame)
