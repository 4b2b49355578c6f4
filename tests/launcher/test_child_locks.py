"""A platform that was killed leaves processes; the next one finds and ends them, and only them."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest
from harness.held import until

from nightjar.core.errors.settings import BadSettings
from nightjar.launcher import child_locks
from nightjar.launcher.child_locks import held_by_child, only_one

PARENT = """
import subprocess, sys, time
from pathlib import Path
from nightjar.launcher.child_locks import held_by_child, only_one
folder = Path(sys.argv[1])
with only_one(folder):
    with held_by_child(folder / "server.lock") as lock:
        child = subprocess.Popen(["sleep", "600"], start_new_session=True, pass_fds=[lock.fileno()])
    print(child.pid, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path):
    started = subprocess.Popen(
        [sys.executable, "-c", PARENT, tmp_path / "run"], stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    child = int(started.stdout.readline())
    yield started, child
    started.kill()
    started.wait()
    started.stdout.close()


def lives(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_what_a_killed_platform_left_running_ends_when_the_next_one_starts(parent, tmp_path):
    started, child = parent
    started.kill()
    started.wait()
    assert lives(child)
    with only_one(tmp_path / "run"):
        until("it has ended", lambda: not lives(child))


def test_a_second_platform_in_the_same_home_is_refused_and_disturbs_nothing(parent, tmp_path):
    started, child = parent
    with (
        pytest.raises(BadSettings, match=f"runs already, as process {started.pid}"),
        only_one(tmp_path / "run"),
    ):
        pass
    assert lives(child)


@pytest.fixture
def stranger():
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as other:
        yield other
        os.kill(other.pid, signal.SIGKILL)


def test_a_pid_that_somebody_else_has_by_now_is_left_alone(stranger, tmp_path):
    """The lock is free, so its holder has ended, whatever process has the number now."""
    with only_one(tmp_path / "run"), held_by_child(tmp_path / "run" / "worker.lock") as lock:
        lock.write(str(stranger.pid))
    with only_one(tmp_path / "run"):
        assert stranger.poll() is None


@pytest.mark.parametrize("written", ["", "of a stranger"])
def test_the_child_that_holds_a_lock_ends_whatever_its_file_says(written, parent, stranger, tmp_path):
    """The parent may be killed before it writes anything down. The file still says what was there before."""
    started, child = parent
    (tmp_path / "run" / "server.lock").write_text(written and str(stranger.pid))
    started.kill()
    started.wait()
    with only_one(tmp_path / "run"):
        until("it has ended", lambda: not lives(child))
        assert stranger.poll() is None


def test_somebody_who_only_reads_a_lock_is_left_alone(parent, tmp_path):
    started, child = parent
    with (
        (tmp_path / "run" / "server.lock").open() as read,
        subprocess.Popen(["sleep", "600"], stdin=read, start_new_session=True) as reader,
    ):
        started.kill()
        started.wait()
        try:
            with only_one(tmp_path / "run"):
                until("it has ended", lambda: not lives(child))
            with pytest.raises(subprocess.TimeoutExpired):
                reader.wait(0.2)
        finally:
            reader.kill()


def test_if_the_system_does_not_say_who_holds_a_lock_whoever_has_it_open_ends(parent, tmp_path, monkeypatch):
    started, child = parent
    started.kill()
    started.wait()
    monkeypatch.setattr(child_locks, "_locks", lambda *_: False)
    with only_one(tmp_path / "run"):
        until("it has ended", lambda: not lives(child))


def test_a_holder_of_another_account_is_found_by_a_command_that_can_be_pasted(tmp_path, monkeypatch):
    file = tmp_path / "server.lock of a home"
    monkeypatch.setattr(child_locks, "holders", lambda _: [])
    with held_by_child(file), pytest.raises(BadSettings, match=r"`sudo fuser '.*of a home'`"):
        child_locks.end(file)
