"""Nobody can say whether a worker takes runs while the server does not answer as it should."""

import pytest
from pydantic import SecretStr

from nightjar.server.workers import lacking_worker
from nightjar.wiring.settings import Settings


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path, prefect_auth=SecretStr("user:password"), _env_file=None)


chaos = pytest.mark.chaos


@pytest.mark.parametrize("status", [401, pytest.param(403, marks=chaos), pytest.param(500, marks=chaos), 503])
def test_a_server_that_answers_with_an_error_says_nothing_of_workers(settings, receiver, status):
    receiver.statuses = [status] * 9
    assert lacking_worker(settings, receiver.url) is None
    assert receiver.heard


def test_a_server_that_is_gone_says_nothing_of_workers(settings, unused_port):
    assert lacking_worker(settings, f"http://127.0.0.1:{unused_port()}/api") is None
