"""Part jobs on threads and in real other processes."""

import pickle
import threading
from contextvars import ContextVar
from datetime import UTC, date, datetime

import pytest
from pydantic import ValidationError

import models
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.night import ClaimLost
from nightjar.core.night.clock import as_of, night_of
from nightjar.core.night.entities import Night, PartJob, Receipt
from nightjar.executors import pools
from nightjar.executors.in_turn import InTurn
from nightjar.executors.pools import Processes, Threads
from nightjar.wiring.worker import score_part

NIGHT = Night(model="toy", score_date=date(2013, 6, 15), as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
JOBS = [PartJob(run_id=1, part=number, claim="c") for number in range(4)]
BOUND = ContextVar("bound", default="nothing")
SPEC = models.model("flight_delay")


def receipt_of(job):
    return Receipt(run_id=job.run_id, part=job.part, rows=1, scored=1, quarantined=0, stored_at=NIGHT.as_of)


def broken(job):
    """A function that a new process finds by its name."""
    raise ContractBroken(f"part {job.part}", ["column x is missing"])


def test_a_part_job_is_a_value_that_travels():
    job = JOBS[2]
    assert pickle.loads(pickle.dumps(job)) == job
    with pytest.raises(ValidationError):
        job.part = 3


@pytest.mark.parametrize("executor", [InTurn(receipt_of), Threads(receipt_of, 3)], ids=["in turn", "threads"])
def test_receipts_come_in_the_order_of_the_jobs(executor):
    assert [receipt.part for receipt in executor.run(NIGHT, JOBS)] == [0, 1, 2, 3]
    assert executor.run(NIGHT, []) == []


def test_threads_try_all_parts_know_the_context_and_raise_the_first_error():
    done, names = [], set()

    def work(job):
        if job.part == 1:
            raise ContractBroken("part 1", ["column x is missing"])
        names.add((threading.current_thread() is threading.main_thread(), BOUND.get()))
        done.append(job.part)
        return receipt_of(job)

    token = BOUND.set("night")
    with pytest.raises(ContractBroken, match="column x is missing"):
        Threads(work, 2).run(NIGHT, JOBS)
    BOUND.reset(token)
    assert (sorted(done), names) == ([0, 2, 3], {(False, "night")})


def test_after_an_interrupt_no_further_part_begins(monkeypatch):
    begun, waiting = [], threading.Event()

    def work(job):
        begun.append(job.part)
        waiting.wait(10)
        return receipt_of(job)

    def interrupted(futures):
        waiting.set()
        raise KeyboardInterrupt

    monkeypatch.setattr(pools, "receipts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Threads(work, 1).run(NIGHT, JOBS * 100)
    assert len(begun) < len(JOBS) * 100


def test_an_error_of_another_process_comes_back_as_itself():
    with pytest.raises(ContractBroken, match="part 0: column x is missing"):
        Processes(broken, 1).run(NIGHT, JOBS[:1])


@pytest.mark.chaos  # tests/wiring/test_executors.py has it on a cluster; above, a real process fails
@pytest.mark.timeout(200)
def test_a_night_whose_parts_are_scored_by_another_process_is_the_same(world, monkeypatch):
    for name, value in world.env().items():
        monkeypatch.setenv(name, value)
    day, platform = date(2013, 3, 28), world.platform
    platform.prepare(SPEC).ready(as_of(SPEC, day))
    here = platform.score_night(SPEC).run(night_of(SPEC, day))
    there = platform.score_night(SPEC, executor=Processes(score_part, 1)).run(night_of(SPEC, day), force=True)
    assert (there.revision, there.parts_done_now, there.scored) == (
        here.revision + 1,
        here.parts,
        here.scored,
    )
    one, other = (
        platform.store.published_scores(platform.store.run(night.run_id)) for night in (here, there)
    )
    assert one.equals(other)


def test_a_job_of_an_attempt_that_is_over_stores_nothing(world):
    day, platform = date(2013, 3, 29), world.platform
    platform.prepare(SPEC).ready(as_of(SPEC, day))
    night = platform.score_night(SPEC).run(night_of(SPEC, day))
    with pytest.raises(ClaimLost):
        platform.score_part(PartJob(run_id=night.run_id, part=0, claim="of another attempt"))
