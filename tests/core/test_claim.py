"""What claiming a night comes to, for every state of its newest revision."""

from datetime import UTC, date, datetime

import pytest

from nightjar.core.claim import Step, next_step
from nightjar.core.entities import Run, RunState


def run(state: RunState) -> Run:
    return Run(
        id=1, model="m", score_date=date(2013, 6, 15), revision=1, attempt=1, state=state, as_of=datetime(2013, 6, 15, tzinfo=UTC), version_id=1
    )


@pytest.mark.parametrize("force", [False, True])
def test_a_night_never_claimed_gets_its_first_revision(force):
    assert next_step(None, published=False, force=force, same_flow_run=False) is Step.NEW


@pytest.mark.parametrize("state", [RunState.CLAIMED, RunState.FAILED])
def test_an_unfinished_revision_goes_on_unless_another_is_forced(state):
    assert next_step(run(state), published=False, force=False, same_flow_run=False) is Step.RESUME
    assert next_step(run(state), published=False, force=True, same_flow_run=False) is Step.NEW
    assert next_step(run(state), published=True, force=True, same_flow_run=True) is Step.RESUME


@pytest.mark.parametrize("state", list(RunState))
def test_a_published_night_is_done_whatever_came_of_a_forced_revision(state):
    assert next_step(run(state), published=True, force=False, same_flow_run=False) is Step.PUBLISHED


def test_a_forced_flow_run_that_published_is_done_when_it_is_retried():
    assert next_step(run(RunState.PUBLISHED), published=True, force=True, same_flow_run=True) is Step.PUBLISHED
    assert next_step(run(RunState.PUBLISHED), published=True, force=True, same_flow_run=False) is Step.NEW
