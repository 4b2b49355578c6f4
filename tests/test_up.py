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


def test_the_place_of_the_login_is_told_and_never_the_login(tmp_path):
    from pydantic import SecretStr

    from nightjar.server.login import ensured_login
    from nightjar.settings import Settings

    settings = Settings(home=tmp_path / "a home", _env_file=None)
    secret = ensured_login(settings).get_secret_value()
    (file,) = settings.home.iterdir()
    assert up.where_login_is(settings) == f"what this prints: cat '{file}'"
    given = settings.model_copy(update={"prefect_auth": SecretStr("user:given")})
    assert up.where_login_is(given) == "the value of NIGHTJAR_PREFECT_AUTH"
    assert secret not in repr(up.with_login(settings)) + repr(up.with_login(given))
    assert up.server_environment(up.with_login(given), "url")["NIGHTJAR_PREFECT_AUTH"] == "user:given"
