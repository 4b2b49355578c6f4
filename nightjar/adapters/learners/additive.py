"""Contributions of inputs to the raw score of a model that adds up a function of each input."""

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from nightjar.core.sampling import sampled

Raw = Callable[[pl.DataFrame], np.ndarray]
"""Gives the raw score of each row and outcome: rows x outcomes."""

SAMPLE_ROWS = 1_000
"""Rows of the sample whose mean is taken, at most. They are spread over all of it."""


def additive_contributions(
    names: Sequence[str], raw: Raw, frame: pl.DataFrame, sample: pl.DataFrame
) -> np.ndarray:
    """What each input adds, measured from the mean of the sample: rows x outcomes x (inputs + 1).

    The last one is the base, the mean raw score of the sample. In a linear model an input adds coefficient
    times deviation from the mean, whatever scales, fills or encodes each input before. An input is changed
    alone in one row of the sample, so nothing is known of these steps.
    Raises ValueError for a model where inputs act together, as behind a step that multiplies them.
    """
    sample = sampled(sample, SAMPLE_ROWS)
    first = sample[:1]

    def moved(given: pl.DataFrame) -> np.ndarray:
        same = pl.DataFrame([first[name].new_from_index(0, given.height) for name in names])
        return np.stack([raw(same.with_columns(given[name])) - raw(first) for name in names], axis=-1)

    usual = moved(sample).mean(axis=0)
    base = (raw(first)[0] + usual.sum(axis=-1))[None, :, None].repeat(frame.height, axis=0)
    told = np.concatenate([moved(frame) - usual, base], axis=-1)
    if not np.allclose(told.sum(axis=-1), raw(frame), rtol=1e-6, atol=1e-6):
        raise ValueError("its inputs act together, so none adds a number of its own")
    return told
