"""Who serves a row: stable when the share changes, as large as the share says, and another by challenge."""

from datetime import UTC, date, datetime
from math import sqrt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.lifecycle.arms import as_served, by_challenger, place_of, share_of, with_arms
from nightjar.core.model.entities import Promotion
from nightjar.core.night.entities import Run, RunState
from nightjar.core.night.part_rows import SCORES

NOW = datetime(2013, 6, 15, tzinfo=UTC)
ROWS = 5_000
SHARES = st.floats(0, 1)


def run(share, challenger=2):
    return Run(
        id=1,
        model="toy",
        score_date=date(2013, 6, 15),
        revision=1,
        attempt=1,
        state=RunState.CLAIMED,
        as_of=NOW,
        known_at=NOW,
        version_id=1,
        challenger_id=challenger,
        challenger_share=share,
    )


def scores(keys, challenger=0.9):
    height = len(keys)
    columns = {
        "entity_key": keys,
        "score": [0.1] * height,
        "outputs": [[0.1, 0.2]] * height,
        "challenger_score": [challenger] * height,
        "challenger_outputs": [[0.9, 0.8]] * height,
        "arm": [None] * height,
        "carried_from": [None] * height,
    }
    return pl.DataFrame(columns, schema=SCORES)


FLIGHTS = scores([f"UA-{number}-EWR-2013-10-08" for number in range(ROWS)])


def served(share, challenger=2, rows=FLIGHTS):
    found = with_arms(run(share, challenger), rows)
    return set(found.filter(pl.col("arm") == "challenger")["entity_key"])


def test_the_place_of_an_entity_is_the_same_for_ever():
    """Another one would give entities another version in the middle of a comparison. By `b2sum -l 64`."""
    assert place_of("UA-1545-EWR-IAH", "toy 2") == 0.13694860155279187
    assert place_of("ø\u4e2d", "toy 2") == 0.614771084120063


@given(SHARES, SHARES)
def test_an_entity_that_is_served_stays_served_when_the_share_grows(one, other):
    small, large = sorted([one, other])
    rows = FLIGHTS.head(200)
    assert served(small, rows=rows) <= served(large, rows=rows)


@given(st.lists(st.text(min_size=1, max_size=9), unique=True, max_size=30), SHARES, st.randoms())
def test_a_row_has_the_same_arm_in_whatever_part_and_order(keys, share, chance):
    rows = scores(keys)
    shuffled = rows.sample(fraction=1, shuffle=True, seed=chance.randrange(99))
    assert served(share, rows=rows) == {
        key for row in shuffled.iter_slices(1) for key in served(share, rows=row)
    }


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("challenger", [2, 3, 40])
def test_as_many_are_served_as_the_share_says(share, challenger):
    reach = 4 * sqrt(share * (1 - share) / ROWS)
    assert len(served(share, challenger)) / ROWS == pytest.approx(share, abs=reach)


def test_all_are_served_at_the_end_and_in_shadow_nobody_has_an_arm():
    assert len(served(1.0)) == ROWS
    assert with_arms(run(0.0), FLIGHTS)["arm"].null_count() == ROWS


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_another_challenger_serves_other_entities(share):
    both = len(served(share, 2) & served(share, 3)) / ROWS
    assert both == pytest.approx(share**2, abs=4 * sqrt(share**2 * (1 - share**2) / ROWS))


def test_the_champion_serves_what_the_challenger_could_not_score():
    rows = pl.concat([FLIGHTS.head(50), scores(["none"], challenger=None)])
    found = with_arms(run(1.0), rows)
    assert found.filter(pl.col("arm") == "champion")["entity_key"].to_list() == ["none"]
    assert as_served(found)["score"].to_list() == [0.9] * 50 + [0.1]


def test_a_row_shows_the_numbers_of_its_arm_and_keeps_those_of_both():
    found = with_arms(run(0.5), FLIGHTS.head(20))
    shown = as_served(found)
    wanted = {"challenger": (0.9, [0.9, 0.8]), "champion": (0.1, [0.1, 0.2])}
    assert shown.select("score", "outputs").rows() == [wanted[arm] for arm in found["arm"]]
    assert shown["challenger_score"].equals(found["challenger_score"])
    assert by_challenger(found).select("score", "outputs").rows() == [(0.9, [0.9, 0.8])] * 20
    assert as_served(FLIGHTS).equals(FLIGHTS)


def row(number, role, share=0.0):
    return Promotion(
        id=1,
        model="toy",
        version_id=number,
        version_number=number,
        role=role,
        share=share,
        reason="why",
        actor="somebody",
        promoted_at=NOW,
    )


@pytest.mark.parametrize(
    ("ledger", "share"),
    [
        ([], 0),
        ([(1, "champion")], 0),
        ([(1, "champion"), (2, "challenger")], 0),
        ([(1, "champion"), (2, "challenger"), (2, "challenger", 0.25)], 0.25),
        ([(2, "challenger"), (2, "challenger", 0.25), (2, "challenger", 0.05)], 0.05),
        ([(2, "challenger", 0.25), (2, "withdrawn")], 0),
        ([(2, "challenger", 0.25), (2, "champion")], 0),
        ([(2, "challenger", 0.25), (3, "challenger")], 0),
        ([(2, "challenger", 0.25), (2, "withdrawn"), (2, "challenger")], 0),
        ([(2, "challenger", 0.25), (3, "champion")], 0.25),
    ],
)
def test_the_share_is_that_of_the_challenger_of_now(ledger, share):
    """ledger: oldest first."""
    assert share_of(row(*each) for each in reversed(ledger)) == share
