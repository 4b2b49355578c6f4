"""What `nightjar up` says of the login, and which signals stop it."""

import os
import signal

import pytest
from pydantic import SecretStr

from nightjar.launcher import launch, processes
from nightjar.server.login import ensured_login
from nightjar.wiring.settings import Settings


def test_the_place_of_the_login_is_told_and_never_the_login(tmp_path):
    settings = Settings(home=tmp_path / "a home", _env_file=None)
    secret = ensured_login(settings).get_secret_value()
    (file,) = settings.home.iterdir()
    assert launch.where_login_is(settings) == f"what this prints: cat '{file}'"
    given = settings.model_copy(update={"prefect_auth": SecretStr("user:given")})
    assert launch.where_login_is(given) == "the value of NIGHTJAR_PREFECT_AUTH"
    assert secret not in repr(launch.with_login(settings)) + repr(launch.with_login(given))
    assert (
        processes.server_environment(launch.with_login(given), "url")["NIGHTJAR_PREFECT_AUTH"] == "user:given"
    )


@pytest.fixture
def handlers():
    """The handlers of the signals are as before when the test ends."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
def test_a_closed_terminal_stops_the_platform_as_one_ctrl_c_however_many_tell_of_it():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    launch.obey_signals()
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGHUP)
    os.kill(os.getpid(), signal.SIGHUP)
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.usefixtures("handlers")
def test_under_nohup_the_platform_outlives_its_terminal():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    launch.obey_signals()
    os.kill(os.getpid(), signal.SIGHUP)
