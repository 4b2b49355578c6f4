"""The login of the Prefect server: made once, kept for its owner alone, and told to nobody else's server."""

import stat

import pytest
from pydantic import SecretStr

from nightjar.core.errors.settings import BadSettings
from nightjar.server.deploy import local_api
from nightjar.server.login import ensured_login, login, login_file
from nightjar.wiring.settings import Settings

GIVEN = SecretStr("user:given")


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.delenv("PREFECT_API_AUTH_STRING", raising=False)
    return Settings(home=tmp_path / "home", _env_file=None)


def test_the_first_start_makes_a_login_that_its_owner_alone_can_read(settings):
    made = ensured_login(settings)
    user, _, password = made.get_secret_value().partition(":")
    assert (user, len(password) > 30) == ("nightjar", True)
    assert stat.S_IMODE(login_file(settings).stat().st_mode) == 0o600
    assert login_file(settings).read_text().strip() == made.get_secret_value()
    assert [file.name for file in settings.home.iterdir()] == ["prefect-login"]


def test_later_starts_and_other_commands_use_the_same(settings):
    made = ensured_login(settings)
    assert ensured_login(settings) == login(settings, local_api(settings)) == made
    assert login(settings, f"http://localhost:{settings.prefect_port}/api") == made


def test_each_home_has_its_own(settings, tmp_path):
    other = Settings(home=tmp_path / "other", _env_file=None)
    assert ensured_login(settings) != ensured_login(other)


def test_what_the_user_sets_wins_and_no_file_is_made(settings):
    given = settings.model_copy(update={"prefect_auth": GIVEN})
    assert (
        ensured_login(given)
        == login(given, local_api(given))
        == login(given, "https://elsewhere.example/api")
        == GIVEN
    )
    assert not login_file(settings).exists()


@pytest.mark.parametrize(
    "api",
    ["https://elsewhere.example/api", "http://127.0.0.1:1/api", "http://127.0.0.1.evil.example:4200/api"],
)
def test_another_server_is_told_what_prefects_own_setting_says_and_never_the_login_of_the_home(
    settings, api, monkeypatch
):
    ensured_login(settings)
    assert login(settings, api) is None
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "its:own")
    assert login(settings, api) == SecretStr("its:own")


def test_before_the_first_start_there_is_none(settings):
    assert login(settings, local_api(settings)) is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_file_that_others_may_read_or_write_is_refused(settings, mode):
    secret = ensured_login(settings).get_secret_value()
    login_file(settings).chmod(mode)
    for use in (lambda: ensured_login(settings), lambda: login(settings, local_api(settings))):
        with pytest.raises(BadSettings, match="Delete it") as refused:
            use()
        assert secret not in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"s3cret-c4nary",
        b"user:\n",
        b":s3cret-c4nary",
        b"s3cret-c4nary:\xff\xfe",
        "user:s3cret-c4nary-\u00fc".encode(),
    ],
)
def test_a_file_without_a_login_is_named_and_not_quoted(settings, content):
    ensured_login(settings)
    login_file(settings).write_bytes(content)
    with pytest.raises(BadSettings, match="prefect-login holds no login") as refused:
        login(settings, local_api(settings))
    assert "s3cret" not in str(refused.value)
    assert refused.value.__suppress_context__
