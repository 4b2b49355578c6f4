"""What claiming a night comes to, for every state of its newest revision, and what a new revision begins with."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from nightjar.core.claim import Request, Step, new_revision, next_step
from nightjar.core.entities import Night, Run, RunState
from nightjar.core.errors import BadSettings

AS_OF = datetime(2013, 6, 15, tzinfo=UTC)
LATER = AS_OF + timedelta(days=1)
NIGHT = Night(model="m", score_date=date(2013, 6, 15), as_of=AS_OF)
CHAMPION, CHALLENGER = SimpleNamespace(id=7), SimpleNamespace(id=8)


def run(state: RunState, **fields) -> Run:
    return Run(**({**NIGHT.model_dump(), "id": 1, "revision": 1, "attempt": 1, "state": state, "known_at": AS_OF, "version_id": 1} | fields))


def step(newest, *, published=False, same_flow_run=False, **request):
    return next_step(newest, Request(**request), published=published, same_flow_run=same_flow_run)


@pytest.mark.parametrize("force", [False, True])
def test_a_night_never_claimed_gets_its_first_revision(force):
    assert step(None, force=force) is Step.NEW


@pytest.mark.parametrize("state", [RunState.CLAIMED, RunState.FAILED])
@pytest.mark.parametrize("another", ["force", "repair"])
def test_an_unfinished_revision_goes_on_unless_another_is_wanted(state, another):
    assert step(run(state)) is Step.RESUME
    assert step(run(state), **{another: True}) is Step.NEW
    assert step(run(state), published=True, same_flow_run=True, **{another: True}) is Step.RESUME


def test_an_unfinished_revision_goes_on_only_if_it_knows_what_is_asked_for():
    assert step(run(RunState.FAILED, known_at=LATER), known_at=LATER) is Step.RESUME
    assert step(run(RunState.FAILED), known_at=LATER) is Step.NEW
    assert step(run(RunState.FAILED), known_at=LATER, same_flow_run=True) is Step.RESUME


@pytest.mark.parametrize("state", list(RunState))
def test_a_published_night_is_done_whatever_came_of_another_revision(state):
    assert step(run(state), published=True) is Step.PUBLISHED


@pytest.mark.parametrize("another", ["force", "repair"])
def test_a_flow_run_that_published_its_revision_is_done_when_it_is_retried(another):
    assert step(run(RunState.PUBLISHED), published=True, same_flow_run=True, **{another: True}) is Step.PUBLISHED
    assert step(run(RunState.PUBLISHED), published=True, **{another: True}) is Step.NEW


def test_a_first_revision_knows_what_was_known_at_its_as_of():
    made = new_revision(NIGHT, None, None, CHAMPION, CHALLENGER, Request())
    assert (made["revision"], made["known_at"], made["base_id"], made["version_id"], made["challenger_id"]) == (1, AS_OF, None, 7, 8)


def test_a_repair_keeps_the_versions_of_what_it_repairs_and_knows_more():
    published = run(RunState.PUBLISHED, id=3, version_id=5, challenger_id=None)
    made = new_revision(NIGHT, published, published, CHAMPION, CHALLENGER, Request(repair=True, known_at=LATER))
    assert (made["revision"], made["known_at"], made["base_id"], made["version_id"], made["challenger_id"]) == (2, LATER, 3, 5, None)


def test_a_repair_that_waited_for_one_with_later_knowledge_does_not_forget_it():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert new_revision(NIGHT, published, published, CHAMPION, None, Request(repair=True, known_at=AS_OF))["known_at"] == LATER


def test_a_forced_revision_of_a_repaired_night_does_not_forget_the_corrections():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert new_revision(NIGHT, published, published, CHAMPION, None, Request(force=True))["known_at"] == LATER


def test_a_night_may_be_scored_whole_as_it_was_known_at_its_as_of_again():
    published = run(RunState.PUBLISHED, known_at=LATER)
    assert new_revision(NIGHT, published, published, CHAMPION, None, Request(force=True, known_at=AS_OF))["known_at"] == AS_OF


@pytest.mark.parametrize(
    ("published", "request_"),
    [
        (None, Request(repair=True)),
        (None, Request(known_at=AS_OF - timedelta(seconds=1))),
    ],
    ids=["a repair of nothing", "knowledge older than the night"],
)
def test_what_cannot_be_is_refused_in_words(published, request_):
    with pytest.raises(BadSettings):
        new_revision(NIGHT, published, published, CHAMPION, None, request_)
