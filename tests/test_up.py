"""Which ends of a worker the platform survives."""

import subprocess

import pytest

from nightjar import up
from nightjar.core.errors import PlatformFailed


@pytest.fixture
def server():
    with subprocess.Popen(["sleep", "60"]) as server:
        yield server
        server.kill()


def test_a_worker_that_cannot_run_takes_the_platform_down_with_its_log(server, tmp_path):
    with pytest.raises(PlatformFailed, match=r"The Prefect worker ended with code 1.*worker\.log"):
        up.watch(server, up.Workers(lambda: subprocess.Popen(["false"])), tmp_path)


def test_a_worker_that_was_killed_after_a_while_is_replaced(monkeypatch):
    started = []
    workers = up.Workers(lambda: started.append(subprocess.Popen(["sleep", "60"])) or started[-1])
    try:
        assert not workers.replace_dead()
        started[0].kill()
        started[0].wait()
        assert not workers.replace_dead()
        monkeypatch.setattr(up, "WORKS_AT_LEAST_S", 0)
        assert workers.replace_dead()
        assert workers.newest is started[1] is not started[0]
        assert not workers.replace_dead()
    finally:
        for each in started:
            each.kill()
            each.wait()
