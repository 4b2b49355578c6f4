"""A night of the past is scored by a version that could have scored it then."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.reign import of_then
from nightjar.core.model.entities import Promotion

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def day(number):
    return NOW + timedelta(days=number)


def ledger(*rows):
    """Newest first. rows: (version, the day of its promotion), oldest first."""
    return tuple(
        Promotion(
            id=n,
            model="toy",
            version_id=version,
            version_number=version,
            role="champion",
            reason="",
            actor="",
            promoted_at=day(at),
        )
        for n, (version, at) in enumerate(rows)
    )[::-1]


KNOWN = {1: day(-300), 2: day(-200), 3: day(-100)}


@pytest.mark.parametrize(
    ("as_of", "version"),
    [(9, None), (10, 1), (15, 1), (20, 2), (30, 1), (99, 1)],
)
def test_the_champion_of_the_evening_scores_whatever_its_data(as_of, version):
    later = {1: day(1000), 2: day(1000)}
    assert of_then(ledger((1, 10), (2, 20), (1, 30)), "champion", day(as_of), later) == version


@pytest.mark.parametrize(("as_of", "version"), [(-301, None), (-300, 1), (-201, 1), (-200, 2), (-1, 3)])
def test_before_the_first_promotion_it_is_the_last_one_whose_data_was_known(as_of, version):
    assert of_then(ledger((1, 0), (2, 1), (3, 2)), "champion", day(as_of), KNOWN) == version


def test_a_champion_that_was_rolled_back_does_not_score_the_recorded_past():
    assert of_then(ledger((2, 0), (3, 1), (2, 2)), "champion", day(-1), KNOWN) == 2


def test_a_role_is_not_filled_from_another():
    assert of_then(ledger((1, 0)), "challenger", day(5), KNOWN) is None


@given(
    rows=st.lists(st.tuples(st.integers(1, 4), st.integers(0, 50)), max_size=8),
    known=st.lists(st.integers(-50, 60), min_size=4, max_size=4),
    as_of=st.integers(-60, 70),
)
def test_no_version_scores_a_night_before_it_reigned_or_its_data_was_known(rows, known, as_of):
    rows, data = sorted(rows, key=lambda row: row[1]), {n + 1: day(at) for n, at in enumerate(known)}
    version = of_then(ledger(*rows), "champion", day(as_of), data)
    reigned = [number for number, at in rows if at <= as_of]
    honest = {number for number, _ in rows if data[number] <= day(as_of)}
    assert version == reigned[-1] if reigned else version in (honest or {None})
