"""The parts of the platform as they end and are stopped, and what a port is refused for."""

import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nightjar.core.errors.settings import BadSettings
from nightjar.launcher.processes import Postgres, require_free


class Local:
    """An embedded Postgres that a test starts and ends."""

    def __init__(self) -> None:
        self.alive, self.stops = False, 0

    def start(self) -> None:
        self.alive = True

    def stop(self) -> None:
        self.stops += 1


def test_a_postgres_that_ended_and_that_a_command_has_started_since_is_left_running():
    local = Local()
    life = Postgres(cast("Any", SimpleNamespace(local=local)))
    local.alive = False
    assert life.ended() == "ended"
    local.start()  # by another process, which works with it from now on
    life.stop()
    assert local.stops == 0
    again = Postgres(cast("Any", SimpleNamespace(local=local)))
    assert again.ended() is None
    again.stop()
    assert local.stops == 1


def test_a_port_that_is_taken_is_told_from_one_that_this_account_may_not_use(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(BadSettings, match=r"Port \d+ is taken"):
            require_free(taken.getsockname()[1])

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(BadSettings, match=r"may not listen on port 80.*1024"):
        require_free(80)
