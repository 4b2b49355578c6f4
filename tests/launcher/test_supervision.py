"""What ends is started again; what ends again and again takes the platform down with an error that says
so.
"""

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from harness.children import pid_of
from harness.held import until

from nightjar.core.errors.platform import PlatformFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.platform.supervision import RestartPolicy
from nightjar.launcher.children import Child
from nightjar.launcher.supervision import Supervised, until_ready
from nightjar.wiring.settings import Settings

LOG = Path("logs/part.log")


@dataclass
class Scripted:
    """A life that ends when it is told to."""

    how: str | None = None
    is_ready: bool = True
    stops: int = 0

    def ended(self) -> str | None:
        return self.how

    def ready(self) -> bool:
        return self.is_ready and self.how is None

    def stop(self) -> None:
        self.stops += 1


@dataclass
class Lives:
    """Begins one life after the other; an error in its place is raised."""

    planned: list[Scripted | Exception] = field(default_factory=list)
    begun: list[Scripted] = field(default_factory=list)

    def __call__(self) -> Scripted:
        next_one = self.planned.pop(0) if self.planned else Scripted()
        if isinstance(next_one, Exception):
            raise next_one
        self.begun.append(next_one)
        return next_one

    def end(self, how: str = "ended with code -9") -> None:
        self.begun[-1].how = how


def started(lives: Lives, **options) -> Supervised:
    part = Supervised("The part", lives, log=LOG, **options)
    part.start(0)
    return part


def test_what_ended_is_started_again_after_its_pause_and_not_before(capsys):
    part = started(lives := Lives())
    lives.end()
    part.tend(5)
    assert (lives.begun[0].stops, part.ready) == (1, False)
    part.tend(5.9)
    assert len(lives.begun) == 1
    part.tend(6)
    part.tend(6.5)
    assert (len(lives.begun), part.ready) == (2, True)
    said = capsys.readouterr().out.splitlines()
    assert said == ["The part ended with code -9; start 1 of 8 follows in 1 s", "The part is back"]


def test_pauses_grow_until_it_is_given_up_with_the_count_and_the_log():
    part, now = started(lives := Lives(), policy=RestartPolicy(restarts=3)), 0.0
    for pause in (1, 2, 4):
        lives.end()
        part.tend(now)
        part.tend(now + pause - 0.1)
        assert part.life is None
        now += pause
        part.tend(now)
        assert part.ready
    lives.end("ended with code 1")
    with pytest.raises(
        PlatformFailed, match=r"The part ended with code 1\. It was started again 3 times in a row.*part\.log"
    ):
        part.tend(now)


def test_a_life_that_was_steady_is_followed_by_a_short_pause_again():
    part = started(lives := Lives())
    for end, again in ((1, 2), (3, 5), (5 + 600, 606)):
        lives.end()
        part.tend(end)
        part.tend(again - 0.1)
        assert part.life is None
        part.tend(again)
        assert part.life is not None


def test_a_start_that_fails_counts_as_an_end_and_says_why(capsys):
    taken, full = (
        BadSettings("Port 4200 is taken", "Stop what listens there."),
        OSError(28, "No space left on device", "x.log"),
    )
    part = started(lives := Lives(), policy=RestartPolicy(restarts=2))
    lives.planned = [taken, full]
    lives.end()
    part.tend(1000)
    part.tend(1001)
    with pytest.raises(
        PlatformFailed, match=r"could not start: x\.log: No space left on device\. Free space"
    ):
        part.tend(1003)
    assert "could not start: Port 4200 is taken. Stop what listens there." in capsys.readouterr().out


def test_nothing_is_started_again_before_what_it_needs_is_ready():
    needed = started(first := Lives())
    part = started(lives := Lives(), needs=[needed])
    first.end()
    lives.end()
    for now in (0, 0.9):
        needed.tend(now)
        part.tend(now)
    first.planned = [Scripted(is_ready=False)]
    needed.tend(1)
    part.tend(1)
    assert (needed.life is not None, part.life) == (True, None)
    first.begun[-1].is_ready = True
    part.tend(2)
    assert part.ready


def test_a_first_life_that_ends_before_it_is_ready_is_not_repeated():
    part = started(Lives([Scripted(how="ended with code 3")]))
    with pytest.raises(PlatformFailed, match=r"The part ended with code 3\. Its log is .*part\.log"):
        until_ready(part)


@pytest.fixture
def settings(tmp_path):
    for folder in ("logs", "run"):
        (tmp_path / folder).mkdir()
    return Settings(home=tmp_path, _env_file=None)


SAYS = ["sh", "-c", "echo said; exit 7"]


def test_a_child_says_how_it_ended_and_leaves_a_log(settings):
    child = Child("part", SAYS, {}, settings)
    child.process.wait()
    assert (child.ended(), child.ready()) == ("ended with code 7", False)
    assert (settings.home / "logs" / "part.log").read_text() == "said\n"
    child.stop()


def test_the_log_of_a_child_may_be_json(settings):
    child = Child("part", SAYS, {}, settings.model_copy(update={"log_format": "json"}))
    child.process.wait()
    child.stop()
    assert json.loads((settings.home / "logs" / "part.log").read_text())["event"] == "said"
    assert child.ended() == "ended with code 7"


def states_of(group):
    """The states of the processes of a group."""
    for process in psutil.process_iter(["status"]):
        with suppress(ProcessLookupError):
            if os.getpgid(process.pid) == group:
                yield process.info["status"]


def test_a_child_that_does_not_end_when_asked_is_killed_with_its_group(settings, monkeypatch):
    monkeypatch.setattr("nightjar.launcher.children.STOPS_WITHIN_S", 0.2)
    child = Child("part", ["sh", "-c", "trap '' TERM; echo deaf; sleep 60 & wait; wait"], {}, settings)
    while not (settings.home / "logs" / "part.log").read_text():
        time.sleep(0.01)
    assert child.ready()
    assert pid_of(settings.home, "part") == child.process.pid, "all that hold the lock are of its group"
    child.stop()
    assert child.ended() == "ended with code -9"
    until("its group has ended", lambda: {*states_of(child.process.pid)} <= {psutil.STATUS_ZOMBIE})
