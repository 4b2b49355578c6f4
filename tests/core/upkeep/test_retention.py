from datetime import UTC, date, datetime, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from nightjar.core.night.entities import RunState
from nightjar.core.upkeep.retention import (
    SHARED,
    SHARED_GRACE,
    Holding,
    Month,
    Named,
    Policy,
    StoredFile,
    Trace,
    forgettable,
    needed,
    stale,
    total,
    unneeded,
    vacant,
)

NOW = datetime(2013, 7, 1, tzinfo=UTC)
POLICY = Policy()
OLD, YOUNG = NOW - timedelta(days=15), NOW - timedelta(days=13)
NAMES = [f"{letter * 64}.parquet" for letter in "abcdef"]


def trace(number=1, state=RunState.FAILED, touched_at=OLD, *, published=False, base_id=None):
    return Trace(
        id=number,
        model="toy",
        score_date=date(2013, 6, 1),
        state=state,
        touched_at=touched_at,
        published=published,
        base_id=base_id,
    )


def file(name, changed_at=OLD, size=10):
    return StoredFile(f"file:///store/population/{name[:2]}/{name}", "population", size, changed_at)


def test_runs_that_ended_long_ago_without_being_published_are_forgettable():
    runs = [
        trace(n, state)
        for n, state in enumerate((RunState.FAILED, RunState.ABANDONED, RunState.CLAIMED, RunState.PRUNED))
    ]
    assert forgettable(runs, POLICY, NOW) == tuple(runs)


def test_a_run_that_was_ever_published_is_kept_even_if_nobody_sees_it_now():
    assert (
        forgettable(
            [trace(state=RunState.PUBLISHED), trace(state=RunState.FAILED, published=True)], POLICY, NOW
        )
        == ()
    )


def test_a_run_that_ended_lately_is_kept_unless_its_rows_began_to_go():
    assert forgettable([trace(touched_at=YOUNG)], POLICY, NOW) == ()
    half_gone = trace(state=RunState.PRUNED, touched_at=YOUNG)
    assert forgettable([half_gone], POLICY, NOW) == (half_gone,)


def test_the_base_of_a_repair_is_kept_until_the_repair_is_forgotten():
    base, repair = trace(1), trace(2, base_id=1)
    assert forgettable([base, repair], POLICY, NOW) == (repair,)
    forgotten = trace(2, RunState.PRUNED, base_id=1)
    assert forgettable([base, forgotten], POLICY, NOW) == (base, forgotten)


def test_a_file_is_needed_by_its_name_wherever_the_store_lay_when_it_was_named():
    named = [
        Named(f"file:///before/population/aa/{NAMES[0]}", 1),
        Named(f"s3://bucket/dataset/bb/{NAMES[1]}"),
    ]
    assert needed(named, frozenset()) == {"a" * 64, "b" * 64}
    assert needed(named, frozenset({1})) == {"b" * 64}


def test_the_files_of_a_bundle_are_needed_as_long_as_its_manifest_is():
    manifest = "c" * 64
    old = NOW - timedelta(days=100)
    members = [file(f"{manifest}{suffix}", old) for suffix in (".parts", ".0.parquet", ".1.parquet")]
    assert (
        unneeded(
            members,
            needed([Named(f"file:///store/population/cc/{manifest}.parts", 1)], frozenset()),
            POLICY,
            NOW,
        )
        == ()
    )
    assert unneeded(members, frozenset(), POLICY, NOW) == tuple(members)


def test_a_file_that_nothing_names_goes_when_it_is_older_than_any_night():
    young = file(NAMES[0], NOW - timedelta(hours=47))
    old = file(NAMES[1], NOW - timedelta(hours=48))
    assert unneeded([young, old], frozenset(), POLICY, NOW) == (old,)
    assert unneeded([old], frozenset({"b" * 64}), POLICY, NOW) == ()


def test_a_file_of_features_that_was_stored_for_workers_is_kept_as_long_as_nights_count_on_it():
    ages = (timedelta(days=3), SHARED_GRACE / 2, SHARED_GRACE)
    shared = [StoredFile(f"s3://b/{SHARED}/{n}", SHARED, 1, NOW - age) for n, age in enumerate(ages)]
    assert unneeded(shared, frozenset(), POLICY, NOW) == (shared[2],)


def test_a_month_is_vacant_when_it_holds_no_other_scores_than_forgotten_ones():
    month = Month("score_2013_06", date(2013, 6, 1), frozenset({1, 2}))
    assert vacant([month], frozenset({1, 2, 3})) == (month,)
    assert vacant([month], frozenset({1})) == ()


def test_holdings_are_added_up_by_kind_and_nothing_is_not_told():
    assert total([Holding("score", 2, 10), Holding("drift", 0, 0), Holding("score", 1, 5)]) == (
        Holding("score", 3, 15),
    )


moments = st.integers(0, 40).map(lambda days: NOW - timedelta(days=days))


@st.composite
def histories(draw):
    """Runs of any state and age, some published, some repairing an earlier one; rows that name files;
    files of any age.
    """
    runs = []
    for number in range(1, draw(st.integers(1, 8)) + 1):
        state = draw(st.sampled_from(RunState))
        base = draw(st.none() | st.integers(1, number - 1)) if number > 1 else None
        published = state is RunState.PUBLISHED or (state is not RunState.PRUNED and draw(st.booleans()))
        runs.append(trace(number, state, draw(moments), published=published, base_id=base))
    owners = st.none() | st.sampled_from([run.id for run in runs])
    named = draw(
        st.lists(
            st.builds(lambda name, run_id: Named(f"s3://x/{name}", run_id), st.sampled_from(NAMES), owners),
            max_size=8,
        )
    )
    files = draw(st.lists(st.builds(file, st.sampled_from(NAMES), moments), max_size=8))
    return runs, named, files


@given(histories())
def test_nothing_that_can_be_reached_ever_goes(history):
    """Reached: from the ledger, by a run that is young, as the base of either, or by a row of any run that
    stays.
    """
    runs, named, files = history
    gone = {run.id for run in forgettable(runs, POLICY, NOW)}
    staying = [run for run in runs if run.id not in gone]
    assert {run.id for run in runs if run.published} <= {run.id for run in staying}
    assert {
        run.id
        for run in runs
        if run.touched_at > NOW - POLICY.unpublished and run.state is not RunState.PRUNED
    } <= {run.id for run in staying}
    assert not {run.base_id for run in staying if run.state is not RunState.PRUNED} & gone
    removed = unneeded(files, needed(named, frozenset(gone)), POLICY, NOW)
    names = {file.uri.rpartition("/")[2] for file in removed}
    assert not names & {
        row.uri.rpartition("/")[2] for row in named if row.run_id is None or row.run_id not in gone
    }
    assert all(file.changed_at <= NOW - POLICY.grace for file in removed)


@given(histories())
def test_what_goes_goes_at_once(history):
    """A second time finds nothing more, but for the bases that repairs forgotten the first time stood on."""
    runs, _, files = history
    assume(all(run.base_id is None for run in runs))
    gone = {run.id for run in forgettable(runs, POLICY, NOW)}
    assert forgettable([run for run in runs if run.id not in gone], POLICY, NOW) == ()
    removed = stale(files, POLICY.inbox, NOW)
    assert stale([file for file in files if file not in removed], POLICY.inbox, NOW) == ()
