"""A factor is told as what it looks like, and not as what is merely near."""

import pytest

from nightjar.core.inputs.factors import likely, likely_of_sizes


@pytest.mark.parametrize(
    ("factor", "told"),
    [(60.2, "seconds"), (1.61, "kilometres"), (-1.0, "sign"), (2.0, None), (92.0, None), (0.0, None)],
)
def test_one_factor_of_many_values_is_known_exactly(factor, told):
    found = likely(factor)
    assert found is None if told is None else told in (found or "")


@pytest.mark.parametrize(
    ("factor", "told"),
    [
        (56, "seconds"),
        (92, "cents"),
        (0.0009, "units for thousandths"),
        (0.012, "shares"),
        (7.3, None),
        (2, None),
    ],
)
def test_sizes_of_two_days_say_it_roughly_and_only_if_it_is_large(factor, told):
    found = likely_of_sizes(factor)
    assert found is None if told is None else told in (found or "")
