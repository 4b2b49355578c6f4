"""How far columns lie from one another, as properties and against a plain reading of the definition."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from nightjar.core.comparison.distance import distances, to_the_rest
from nightjar.core.comparison.profile import categories_of, numbers_of

VALUES = st.lists(st.integers(-3, 3).map(float) | st.floats(-1e6, 1e6), min_size=1, max_size=20)
TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=20)


def numbers(*nights):
    return [{"x": numbers_of(pl.Series("x", values, pl.Float64), len(values))} for values in nights]


def texts(*nights):
    return [{"x": categories_of(pl.Series("x", values, pl.String), len(values))} for values in nights]


def by_night(nights):
    return dict(to_the_rest(nights).select("night", "distance").iter_rows())


def widest_gap(one, others):
    """By definition: at every value, the share of values up to it in one and on average in the others."""

    def up_to(values, at):
        return sum(value <= at for value in values) / len(values)

    return max(
        abs(up_to(one, at) - sum(up_to(other, at) for other in others) / len(others))
        for at in {*one, *(v for o in others for v in o)}
    )


def exchanged(one, others):
    def share(values, name):
        return values.count(name) / len(values)

    return (
        sum(
            abs(share(one, name) - sum(share(other, name) for other in others) / len(others))
            for name in "abcd"
        )
        / 2
    )


@given(st.lists(VALUES, min_size=2, max_size=5))
def test_numbers_lie_apart_by_the_widest_gap_between_their_shares(nights):
    profiles = numbers(*nights)
    kept = [profile["x"].quantiles for profile in profiles]
    for night, found in by_night(profiles).items():
        assert found == pytest.approx(widest_gap(kept[night], kept[:night] + kept[night + 1 :]))


@given(st.lists(VALUES, min_size=2, max_size=5))
def test_numbers_are_as_far_apart_as_scipy_says(nights):
    profiles = numbers(*nights)
    kept = [profile["x"].quantiles for profile in profiles]
    for night, found in by_night(profiles).items():
        others = [value for other in kept[:night] + kept[night + 1 :] for value in other]
        assert found == pytest.approx(ks_2samp(kept[night], others, method="asymp").statistic)


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_categories_lie_apart_by_the_rows_that_would_have_to_change(nights):
    for night, found in by_night(texts(*nights)).items():
        assert found == pytest.approx(exchanged(nights[night], nights[:night] + nights[night + 1 :]))


@given(VALUES)
def test_the_same_numbers_lie_nowhere_apart_and_others_as_far_as_can_be(values):
    assert set(by_night(numbers(values, values)).values()) == {0.0}
    assert set(by_night(numbers(values, [value + 3e6 for value in values])).values()) == {1.0}


def test_tonight_is_compared_with_the_trailing_nights_and_they_with_one_another():
    found = distances(numbers([5.0] * 9)[0], numbers([1.0] * 4, [1.0] * 9, [1.0, 9.0]))
    assert (found["x"].now, found["x"].usual) == (
        pytest.approx(5 / 6, abs=0.01),
        pytest.approx(0.5, abs=0.02),
    )


def test_values_in_categories_that_no_other_night_has_are_told():
    found = distances(texts(["a", "z", "z", "z"])[0], texts(["a", "b"], ["a", "a"], ["a", "c", "a", "a"]))[
        "x"
    ]
    assert (found.unseen, found.usual_unseen) == (pytest.approx(0.75), pytest.approx(0.5))


def test_what_too_many_categories_leave_out_is_not_unseen():
    many = texts([f"c{n}" for n in range(1000)], [f"c{n}" for n in range(1000)])
    assert to_the_rest(many)["unseen"].to_list() == [0.0, 0.0]


def test_a_column_without_values_tonight_or_before_is_not_measured():
    nothing = {"x": numbers_of(pl.Series("x", [None, None], pl.Float64), 2)}
    assert distances(nothing, numbers([1.0], [2.0])) == {}
    assert distances(numbers([1.0])[0], [nothing, nothing, nothing]) == {}
    assert distances(numbers([1.0])[0], [*numbers([1.0]), nothing]) == {}


def test_a_column_that_changed_its_kind_is_not_compared():
    assert distances(texts(["a"])[0], numbers([1.0], [1.0])) == {}


def test_each_column_is_measured_by_itself():
    both = [
        {"x": x["x"], "y": y["x"].model_copy(update={"column": "y"})}
        for x, y in zip(numbers([1.0], [1.0], [2.0]), texts("a", "b", "b"), strict=True)
    ]
    found = distances(both[0], both[1:])
    assert (found["x"].now, found["y"].now) == pytest.approx((0.5, 1.0))
