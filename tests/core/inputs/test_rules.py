"""A rule holds a reading to an interval and a margin, on the scale on which the reading moves evenly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.inputs.rules import (
    CORRELATION,
    FACTOR,
    MEAN,
    PART,
    PLAIN,
    RULES,
    SHARE,
    SLICES,
    Rule,
    passed,
)

shares = st.floats(0, 1)
DOMAINS = [
    (PLAIN, st.floats(-1e6, 1e6)),
    (FACTOR, st.floats(1e-6, 1e6)),
    (MEAN, st.floats(0, 1e3)),
    (PART, shares),
    (SHARE, shares),
    (CORRELATION, st.floats(-1, 1)),
]

EVERY = [each for rules in (*RULES.values(), *SLICES.values()) for each in rules]


@pytest.mark.parametrize(("scale", "values"), DOMAINS)
@given(data=st.data())
def test_a_scale_keeps_the_order_and_leads_back(scale, values, data):
    low, high = sorted((data.draw(values), data.draw(values)))
    assert scale.to(low) <= scale.to(high)
    assert scale.back(scale.to(low)) == pytest.approx(low, abs=1e-6, rel=1e-6)


@pytest.mark.parametrize(("scale", "values"), DOMAINS)
@given(data=st.data())
def test_a_reading_inside_the_interval_never_passes_a_limit(scale, values, data):
    low, value, high = sorted(data.draw(values) for _ in range(3))
    rule = Rule(check="x", above=0.1, below=0.1, scale=scale, told="x")
    assert passed(rule, value, low, high) is None


def test_a_share_that_was_always_0_may_hardly_grow():
    rule = Rule(check="x", above=1.0, scale=SHARE, told="x")
    assert passed(rule, 0.01, 0.0, 0.0) is None
    assert passed(rule, 0.05, 0.0, 0.0) == pytest.approx(0.0174, abs=1e-3)
    assert passed(rule, 0.55, 0.4, 0.5) is None


def test_a_rule_of_factors_says_nothing_of_numbers_that_are_not_positive():
    rule = Rule(check="x", above=0.5, below=0.5, scale=FACTOR, told="x")
    assert passed(rule, 4.0, 0.0, 1.0) is None
    assert passed(rule, 5.0, 1.0, 2.0) == pytest.approx(2 * 2**0.5 * 2.718281828**0.5)


def test_a_margin_is_so_many_times_as_wide():
    rule = Rule(check="x", above=0.5, told="x")
    assert passed(rule, 2.4, 0.0, 1.0) == 2.0
    assert passed(rule, 2.4, 0.0, 1.0, wider=2.0) is None


def test_a_wider_margin_of_a_share_leaves_half_of_the_room():
    """A clock in another zone moves all values by the same amount, also in a holiday period."""
    rule = Rule(check="x", above=0.6, below=0.6, scale=PART, told="share of entities")
    assert passed(rule, 1.0, 0.0, 0.0) == 0.6
    assert passed(rule, 1.0, 0.0, 0.0, wider=2.0) == pytest.approx(0.8)
    assert passed(rule, 0.0, 1.0, 1.0, wider=3.0) == pytest.approx(0.2)
    assert passed(rule, 0.7, 0.0, 0.0, wider=2.0) is None


@pytest.mark.parametrize("rule", EVERY)
def test_a_share_is_measured_on_a_scale_that_knows_its_ends(rule):
    assert not (rule.of_share and rule.scale is PLAIN)


@pytest.mark.parametrize("rule", EVERY)
def test_each_side_that_holds_a_night_has_a_plain_sentence(rule):
    assert (rule.above is not None, rule.below is not None) == (bool(rule.if_above), bool(rule.if_below))
    for said in filter(None, (rule.if_above, rule.if_below)):
        assert "{" not in said.format(it="distance", of=" of distance")
