"""Stages are measured whatever becomes of them, and a night never fails because somebody measures it."""

import subprocess
import sys
import threading
import time

import pytest
from structlog.testing import capture_logs

from nightjar.adapters.telemetry.meter import ProcessMeter, Processor
from nightjar.core.errors.database import StoreUnavailable

MOST_SECONDS_A_STAGE = 0.002
"""A stage costs 40 microseconds. The limit leaves room for a busy machine."""


@pytest.fixture
def kept():
    return []


@pytest.fixture
def meter(kept):
    return ProcessMeter(keep=(kept.append,))


def test_work_is_kept_with_what_each_stage_told(meter, kept, run):
    with meter(run, 3) as stages:
        with stages("retrieval") as tell:
            tell(rows=10, size=800)
        with stages("predict", "challenger") as tell:
            tell(rows=9, quarantined=1)
    (work,) = kept
    assert (work.run, work.part, work.error) == (run, 3, None)
    told = [(each.stage, each.role, each.rows, each.size, each.quarantined) for each in work.stages]
    assert told == [
        ("retrieval", "", 10, 800, None),
        ("predict", "challenger", 9, None, 1),
    ]
    assert sum(stage.seconds for stage in work.stages) <= work.seconds
    assert work.started_at <= work.stages[0].started_at <= work.stages[1].started_at


def test_a_stage_that_fails_is_kept_with_the_class_of_its_error(meter, kept, run):
    with pytest.raises(KeyError), meter(run) as stages, stages("audit"):
        raise KeyError("x")
    (work,) = kept
    assert (work.error, [(stage.stage, stage.error) for stage in work.stages]) == (
        "KeyError",
        [("audit", "KeyError")],
    )


def test_a_retry_says_how_often_its_stage_failed_before(meter, kept, run):
    for _ in range(2):
        with pytest.raises(StoreUnavailable), meter(run, 0) as stages, stages("write"):
            raise StoreUnavailable("the database", "it is gone")
    for part in (0, 1):
        with meter(run, part) as stages, stages("write"):
            pass
    assert [work.stages[0].retries for work in kept] == [0, 1, 2, 0]
    assert meter.failures == {}


def test_an_interrupted_night_leaves_nothing_to_keep(meter, kept, run):
    with pytest.raises(KeyboardInterrupt), meter(run) as stages, stages("audit"):
        raise KeyboardInterrupt
    assert kept == []


def test_work_goes_on_if_its_stages_cannot_be_kept(kept, run):
    def full(work):
        raise OSError("no space left")

    with capture_logs() as logs, ProcessMeter(keep=(full, kept.append))(run):
        pass
    assert [(line["event"], line["error"]) for line in logs] == [("stages_not_kept", "no space left")]
    assert len(kept) == 1


def test_stages_on_two_threads_share_the_time_of_the_processor(meter, kept, run):
    """What they get together is what the process spent, so it is not more than its clock says."""
    began = time.process_time()
    both_are_open = threading.Barrier(2)

    def work(part):
        with meter(run, part) as stages, stages("predict"):
            both_are_open.wait()
            sum(range(200_000))
            both_are_open.wait()

    threads = [threading.Thread(target=work, args=(part,)) for part in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent = [work.stages[0].cpu_seconds for work in kept]
    assert all(spent)
    assert sum(spent) <= time.process_time() - began


def test_the_time_between_stages_belongs_to_none():
    now = [0.0]
    processor = Processor(clock=lambda: now[0])
    processor.begin("a")
    now[0] = 2.0
    processor.begin("b")
    now[0] = 4.0
    assert processor.end("a") == 3.0
    now[0] = 5.0
    assert processor.end("b") == 2.0
    now[0] = 9.0
    processor.begin("c")
    assert processor.end("c") == 0.0


def test_peak_memory_is_in_bytes_and_stays_when_the_memory_is_given_back():
    """Linux counts it to within some pages."""
    program = (
        "from nightjar.adapters.telemetry.meter import peak_memory\n"
        "before = peak_memory(); held = bytearray(b'x' * 50_000_000); del held; print(before, peak_memory())"
    )
    told = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    before, after = map(int, told.stdout.split())
    assert before > 10_000_000
    assert after - before > 49_000_000


def test_measuring_a_stage_costs_next_to_nothing(run):
    with ProcessMeter()(run) as stages:
        began = time.process_time()
        for _ in range(100):
            with stages("predict") as tell:
                tell(rows=1)
    assert (time.process_time() - began) / 100 < MOST_SECONDS_A_STAGE
