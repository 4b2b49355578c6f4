"""What claiming a night comes to, for every state of its newest revision, and what a new revision begins
with.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from nightjar.core.errors.settings import BadSettings
from nightjar.core.night.claim import Request, Step, new_revision, next_step
from nightjar.core.night.entities import Night, Run, RunState
from nightjar.testing.versions import toy_version

AS_OF = datetime(2013, 6, 15, tzinfo=UTC)
LATER = AS_OF + timedelta(days=1)
SHOWN = 6
ANOTHER = {"force": {"force": True}, "repair": {"repairs": SHOWN}}
NIGHT = Night(model="m", score_date=date(2013, 6, 15), as_of=AS_OF)
CHAMPION, CHALLENGER = toy_version(id=7), toy_version(id=8)


def run(state: RunState, **fields) -> Run:
    return Run(
        **(
            {
                **NIGHT.model_dump(),
                "id": 1,
                "revision": 1,
                "attempt": 1,
                "state": state,
                "known_at": AS_OF,
                "version_id": 1,
            }
            | fields
        )
    )


def step(newest, *, published=False, same_flow_run=False, **request):
    shown = run(RunState.PUBLISHED, id=SHOWN) if published else None
    return next_step(newest, shown, Request(**request), same_flow_run=same_flow_run)


@pytest.mark.parametrize("force", [False, True])
def test_a_night_never_claimed_gets_its_first_revision(force):
    assert step(None, force=force) is Step.NEW


@pytest.mark.parametrize("state", [RunState.CLAIMED, RunState.FAILED])
@pytest.mark.parametrize("another", ANOTHER)
def test_an_unfinished_revision_goes_on_unless_another_is_wanted(state, another):
    unfinished = run(state, base_id=ANOTHER[another].get("repairs"))
    assert step(run(state)) is Step.RESUME
    assert step(unfinished, published=True, **ANOTHER[another]) is Step.NEW
    assert step(unfinished, published=True, same_flow_run=True, **ANOTHER[another]) is Step.RESUME


@pytest.mark.parametrize("state", list(RunState))
@pytest.mark.parametrize("same_flow_run", [False, True])
def test_a_repair_of_what_analysts_no_longer_see_does_nothing(state, same_flow_run):
    assert step(run(state), published=True, same_flow_run=same_flow_run, repairs=SHOWN - 1) is Step.PUBLISHED


def test_an_unfinished_repair_does_not_go_on_as_the_repair_of_another_run():
    assert (
        step(run(RunState.FAILED, base_id=SHOWN - 1), published=True, same_flow_run=True, repairs=SHOWN)
        is Step.NEW
    )


def test_what_was_held_back_is_not_gone_on_with_where_it_is_wanted_afresh():
    held_back = run(RunState.FAILED)
    assert step(held_back, afresh=True, known_at=AS_OF) is Step.NEW
    assert step(held_back, afresh=True, known_at=AS_OF, same_flow_run=True) is Step.RESUME
    assert step(held_back, afresh=True, known_at=AS_OF, published=True) is Step.PUBLISHED


def test_an_unfinished_revision_goes_on_only_if_it_knows_what_is_asked_for():
    assert step(run(RunState.FAILED, known_at=LATER), known_at=LATER) is Step.RESUME
    assert step(run(RunState.FAILED), known_at=LATER) is Step.NEW
    assert step(run(RunState.FAILED), known_at=LATER, same_flow_run=True) is Step.RESUME


@pytest.mark.parametrize("state", list(RunState))
def test_a_published_night_is_done_whatever_came_of_another_revision(state):
    assert step(run(state), published=True) is Step.PUBLISHED


@pytest.mark.parametrize("another", ANOTHER)
def test_a_flow_run_that_published_its_revision_is_done_when_it_is_retried(another):
    assert (
        step(run(RunState.PUBLISHED), published=True, same_flow_run=True, **ANOTHER[another])
        is Step.PUBLISHED
    )
    assert step(run(RunState.PUBLISHED), published=True, **ANOTHER[another]) is Step.NEW


def test_a_first_revision_knows_what_was_known_at_its_as_of():
    made = new_revision(NIGHT, None, None, CHAMPION, CHALLENGER, Request())
    assert (
        made["revision"],
        made["known_at"],
        made["base_id"],
        made["version_id"],
        made["challenger_id"],
    ) == (1, AS_OF, None, 7, 8)


def test_a_repair_keeps_the_versions_of_what_it_repairs_and_knows_more():
    published = run(RunState.PUBLISHED, id=3, version_id=5, challenger_id=None)
    made = new_revision(NIGHT, published, published, CHAMPION, CHALLENGER, Request(repairs=3, known_at=LATER))
    assert (
        made["revision"],
        made["known_at"],
        made["base_id"],
        made["version_id"],
        made["challenger_id"],
    ) == (2, LATER, 3, 5, None)


def test_a_repair_does_not_forget_what_an_earlier_one_knew():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert (
        new_revision(NIGHT, published, published, CHAMPION, None, Request(repairs=1, known_at=AS_OF))[
            "known_at"
        ]
        == LATER
    )


def test_a_forced_revision_of_a_repaired_night_does_not_forget_the_corrections():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert new_revision(NIGHT, published, published, CHAMPION, None, Request(force=True))["known_at"] == LATER


def test_a_night_may_be_scored_whole_as_it_was_known_at_its_as_of_again():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert (
        new_revision(NIGHT, published, published, CHAMPION, None, Request(force=True, known_at=AS_OF))[
            "known_at"
        ]
        == AS_OF
    )


@pytest.mark.parametrize(
    ("published", "request_"),
    [
        (None, Request(repairs=1)),
        (None, Request(known_at=AS_OF - timedelta(seconds=1))),
    ],
    ids=["a repair of nothing", "knowledge older than the night"],
)
def test_what_cannot_be_is_refused_in_words(published, request_):
    with pytest.raises(BadSettings):
        new_revision(NIGHT, published, published, CHAMPION, None, request_)
