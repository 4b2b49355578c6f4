"""The store against a reference that loops: for each entity row, over the whole history."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_series_equal

START = datetime(2024, 1, 1, tzinfo=UTC)
UTC_US = pl.Datetime("us", "UTC")

hours = st.integers(0, 12)
moments = hours.map(lambda hour: START + timedelta(hours=hour))
keys = st.one_of(st.none(), st.integers(1, 3))
histories = st.lists(st.tuples(keys, keys, moments, st.one_of(st.none(), moments)), max_size=25)
maybe_moments = st.one_of(st.none(), moments)
cutoff_rows = st.lists(st.tuples(keys, keys, maybe_moments, maybe_moments), max_size=12)
entity_rows = st.lists(st.tuples(keys, keys, st.one_of(st.none(), moments)), max_size=12)
ttls = st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=3), timedelta(days=9)])


def first_recorded(history, width, key, happened):
    """When an event was recorded for the first time; versions that do not say when they were are none."""
    return min(
        recorded
        for *other, at, recorded in history
        if other[:width] == key[:width] and at == happened and recorded is not None
    )


def seen(history, entities, ttl, *, as_known_at, width, corrections_only=False):
    """The number of the history row that each entity row (keys, instant, cutoff) may see, by looking at
    all of them.
    """
    found = []
    for *asked, at, until in entities:
        best = None
        for number, (*key, happened, recorded) in enumerate(history):
            if at is None or None in key[:width] or key[:width] != list(asked[:width]) or happened > at:
                continue
            if ttl and happened < at - ttl:
                continue
            if as_known_at and (recorded is None or until is None or recorded > until):
                continue
            if corrections_only and first_recorded(history, width, key, happened) > at:
                continue
            rank = (happened, recorded or datetime.min.replace(tzinfo=UTC), number)
            best = max(best, rank) if best else rank
        found.append(best[2] if best else None)
    return pl.Series("v", found, dtype=pl.Int64)


@pytest.mark.parametrize("width", [0, 1, 2])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, entities=entity_rows, ttl=ttls, as_known_at=st.booleans())
def test_every_row_sees_what_a_loop_over_history_finds(
    view, retrieve, width, history, entities, ttl, as_known_at
):
    check(view, retrieve, history, entities, ttl, as_known_at, width)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=histories,
    asked=st.lists(st.tuples(keys, keys), min_size=1, max_size=12),
    at=moments,
    ttl=ttls,
    as_known_at=st.booleans(),
)
def test_rows_of_one_instant_see_what_a_loop_over_history_finds(
    view, retrieve, history, asked, at, ttl, as_known_at
):
    check(view, retrieve, history, [(*key, at) for key in asked], ttl, as_known_at, 1)


@pytest.mark.parametrize("width", [0, 1])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, entities=cutoff_rows, ttl=ttls, as_known_at=st.booleans())
def test_a_cutoff_of_its_own_limits_what_each_row_may_know(
    view, retrieve, width, history, entities, ttl, as_known_at
):
    check(view, retrieve, history, entities, ttl, as_known_at, width)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, entities=entity_rows, until=moments, ttl=ttls)
def test_one_cutoff_for_all_rows_limits_what_they_may_know(view, retrieve, history, entities, until, ttl):
    check(view, retrieve, history, [(*row, until) for row in entities], ttl, False, 1)


@pytest.mark.parametrize("width", [0, 1])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories, entities=cutoff_rows, ttl=ttls)
def test_a_later_cutoff_can_correct_what_was_known_and_add_nothing(
    view, retrieve, width, history, entities, ttl
):
    check(view, retrieve, history, entities, ttl, True, width, corrections_only=True)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=histories,
    asked=st.lists(st.tuples(keys, keys), min_size=1, max_size=12),
    at=moments,
    until=moments,
    ttl=ttls,
)
def test_a_night_scored_again_sees_corrections_of_what_it_knew(
    view, retrieve, history, asked, at, until, ttl
):
    check(view, retrieve, history, [(*key, at, until) for key in asked], ttl, True, 1, corrections_only=True)


def check(view, retrieve, history, entities, ttl, as_known_at, width, *, corrections_only=False):
    """entities: keys and instant, and maybe a cutoff, which then is a column of the frame and counts in
    any case.
    """
    rows = pl.DataFrame(
        history, schema={"a": pl.Int64, "b": pl.Int64, "ts": UTC_US, "created": UTC_US}, orient="row"
    )
    own = {"known_at": UTC_US} if any(len(row) == 4 for row in entities) else {}
    frame = pl.DataFrame(
        entities, schema={"a": pl.Int64, "b": pl.Int64, "event_timestamp": UTC_US} | own, orient="row"
    )
    features = view(rows.with_row_index("v").cast({"v": pl.Int64}), ("a", "b")[:width], ttl=ttl)
    job = retrieve(features, frame, as_known_at=as_known_at, corrections_only=corrections_only)
    asked = [row if own else (*row, row[2]) for row in entities]
    expected = seen(
        history,
        asked,
        ttl,
        as_known_at=as_known_at or bool(own),
        width=width,
        corrections_only=corrections_only and bool(own),
    )
    result = job.to_polars()
    assert result.drop("v").equals(frame)
    assert_series_equal(result["v"], expected)
    assert_series_equal(pl.concat(job.iter_batches(3))["v"], expected)
