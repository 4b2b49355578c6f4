"""Equal values share a rank, and a missing value has none."""

import numpy as np
import polars as pl

from nightjar.core.inputs.former import ranked


def test_ranks_are_means_of_equal_values_and_nan_keeps_its_place() -> None:
    values = np.random.default_rng(1).integers(-3, 4, (50, 3)) / 2
    values[::7, 1], values[:, 2] = np.nan, np.nan
    values[:2, 0] = 0.0, -0.0
    of_polars = pl.DataFrame(values).select(pl.all().fill_nan(None).rank()).to_numpy()
    np.testing.assert_array_equal(ranked(values), of_polars.astype(float))
    assert ranked(values[:0]).shape == (0, 3)
