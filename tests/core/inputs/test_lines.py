"""The line that most rows of two columns lie near."""

import numpy as np
import pytest

from nightjar.core.inputs.lines import line


def test_a_line_goes_through_most_points():
    one = np.arange(100.0)
    other = 2 * one + np.where(one % 5 == 0, 1000.0, 1.0)
    assert line(one, other) == (
        pytest.approx(2.0, abs=1e-6),
        pytest.approx(0.0, abs=1e-6),
        pytest.approx(999.0),
    )


def test_a_column_of_one_value_has_a_flat_line():
    assert line(np.ones(40), np.arange(40.0))[0] == 0
