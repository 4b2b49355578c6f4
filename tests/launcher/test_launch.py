"""What `nightjar up` says of the login."""

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
