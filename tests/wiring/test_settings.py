"""Whatever stands in the environment: a setting that can be used, or an error that names its variable and
repeats no value.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.errors.settings import BadSettings
from nightjar.wiring.settings import PROJECT, Settings

VARIABLES = sorted(f"NIGHTJAR_{name.upper()}" for name in Settings.model_fields)
garbage = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40) | st.sampled_from(
    [
        "",
        " ",
        "\n",
        "\udcff",
        "-1",
        "0",
        "nan",
        "inf",
        "1e400",
        "9" * 5000,
        "null",
        "[]",
        "{}",
        "..",
        "~",
        "/",
        "://",
        "s3:",
        "file://",
        "a" * 5000,
        "🦉",
    ]
)


def read(**environment: str) -> Settings:
    with (
        pytest.MonkeyPatch.context() as patch
    ):  # one variable at a time: other threads may read the environment
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        return Settings(_env_file=None)


ADVICE = "file:///folder, s3://bucket/folder or /folder"


def assert_refused(said: str, variable: str, value: str) -> None:
    assert f"{variable}: " in said
    assert len(value) < 6 or value not in said.replace(ADVICE, "")


@given(variable=st.sampled_from(VARIABLES), value=garbage)
def test_any_value_can_be_used_or_is_refused_by_its_variable(variable, value):
    try:
        settings = read(**{variable: value})
    except BadSettings as error:
        assert_refused(str(error), variable, value)
    else:
        assert settings.data.is_absolute()
        assert "://" in settings.artifacts or settings.artifacts.startswith("/")
        str(settings.home.resolve()).encode()
        assert "password" not in variable.lower() or repr(settings) == repr(
            read(**{variable: "another secret"})
        )


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("NIGHTJAR_THREADS", "many", "a valid integer"),
        ("NIGHTJAR_THREADS", "0", "greater than or equal to 1"),
        ("NIGHTJAR_NIGHT_WAIT_S", "inf", "a finite number"),
        ("NIGHTJAR_NIGHT_WAIT_S", "86401", "less than or equal to 86400"),
        ("NIGHTJAR_CLUSTER_WAIT_S", "1e9", "less than or equal to 86400"),
        ("NIGHTJAR_DASK_SCHEDULER", "tcp://10.0.0.1:0", "between 1 and 65535"),
        ("NIGHTJAR_DASK_SCHEDULER", "tls://10.0.0.1:70000", "between 1 and 65535"),
        ("NIGHTJAR_HOME", "", "it is empty"),
        ("NIGHTJAR_HOME", "a\nb", "cannot be printed"),
        ("NIGHTJAR_DATA_DIR", "~s3cret-canary/data", "the name of no user here"),
        ("NIGHTJAR_DATABASE_URL", "", "it is empty"),
        ("NIGHTJAR_WRITER_PASSWORD", "s3cret-canary\n", "a line end"),
        ("NIGHTJAR_LOG_FORMAT", "xml", "should match"),
        ("NIGHTJAR_ARTIFACT_URL", "artifacts", "it reads like"),
        ("NIGHTJAR_ARTIFACT_URL", "file://artifacts", "must be absolute"),
        ("NIGHTJAR_ARTIFACT_URL", "memory://s3cret-canary", "a place in a store by one of s3, s3a, gs"),
        ("NIGHTJAR_ARTIFACT_URL", "http://host/s3cret-canary", "a place in a store by one of"),
        ("NIGHTJAR_ARTIFACT_URL", "s3:///s3cret-canary", "a place in a store by one of"),
        ("NIGHTJAR_ARTIFACT_URL", "s3://key:s3cret-canary@bucket", "no credentials"),
        ("NIGHTJAR_ARTIFACT_URL", "sftp://user:pass/s3cret-canary@host/x", "no credentials"),
        ("NIGHTJAR_WEBHOOKS", "a=https://s3cret-canary a=https://other", "a name of its own"),
        ("NIGHTJAR_PREFECT_AUTH", "s3cret-canary", "user:password"),
        ("NIGHTJAR_PREFECT_AUTH", "user:ü-s3cret-canary", "ASCII"),
        ("NIGHTJAR_ARTIFACT_URL", "https://store/x?token=s3cret-canary", "no credentials"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(variable, value, problem):
    with pytest.raises(BadSettings) as refused:
        read(**{variable: value})
    assert variable in str(refused.value)
    assert problem in str(refused.value)
    assert "s3cret-canary" not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None, "what pydantic says quotes the value"


def test_every_faulty_variable_is_named_at_once():
    with pytest.raises(BadSettings, match=r"NIGHTJAR_THREADS.*NIGHTJAR_PREFECT_PORT"):
        read(NIGHTJAR_THREADS="many", NIGHTJAR_PREFECT_PORT="none")


def test_an_account_at_a_store_is_no_credential():
    assert read(NIGHTJAR_ARTIFACT_URL="abfs://container@account.dfs.core.windows.net/x").artifacts.startswith(
        "abfs://"
    )


def test_a_home_may_be_written_as_the_shell_does():
    assert "~" not in str(read(NIGHTJAR_HOME="~/nightjar").home)


def test_a_password_in_single_quotes_is_read_from_an_env_file_as_it_is(tmp_path, monkeypatch):
    password = (
        "".join(character for character in map(chr, range(0x20, 0x7F)) if character not in "'\\") + "ü密"
    )
    file = tmp_path / ".env"
    file.write_text(f"NIGHTJAR_WRITER_PASSWORD='{password}'\n", encoding="utf-8")
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    monkeypatch.delenv("NIGHTJAR_WRITER_PASSWORD", raising=False)
    assert Settings().writer_password.get_secret_value() == password


def test_an_env_file_in_another_encoding_is_named(tmp_path, monkeypatch):
    file = tmp_path / ".env"
    file.write_bytes(b"NIGHTJAR_HOME=/caf\xe9\n")
    monkeypatch.setitem(Settings.model_config, "env_file", file)
    with pytest.raises(BadSettings, match=r"\.env is not UTF-8"):
        Settings()


def test_the_servers_names_are_read_as_a_browser_shows_them():
    read_names = read(NIGHTJAR_PREFECT_HOSTS=" UI.example.org, 10.0.0.5:8080,,[::1]:4200 ,").prefect_hosts
    assert [str(name) for name in read_names] == ["ui.example.org", "10.0.0.5:8080", "[::1]:4200"]


@pytest.mark.parametrize(
    "names",
    ["*", "https://ui.example.org", "ui.example.org/path", "ui example", "münchen.example", "a:99999", "a;b"],
)
def test_what_is_no_name_of_a_server_is_refused(names):
    with pytest.raises(BadSettings, match="NIGHTJAR_PREFECT_HOSTS: it lists names"):
        read(NIGHTJAR_PREFECT_HOSTS=names)


@pytest.mark.parametrize("login", ["user", "user:", ":password", "user:pässword", "üser:password"])
def test_a_login_that_prefect_could_not_compare_is_refused(login):
    with pytest.raises(BadSettings, match=r"NIGHTJAR_PREFECT_AUTH: it (reads user:password|may hold ASCII)"):
        read(NIGHTJAR_PREFECT_AUTH=login)


def test_a_relative_folder_is_the_same_one_wherever_a_process_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # `nightjar up` starts its processes in the checkout
    settings = read(NIGHTJAR_HOME="home", NIGHTJAR_FEATURE_REPO="feature_repo", NIGHTJAR_DATA_DIR="../data")
    assert (settings.home, settings.feature_repo) == (PROJECT / "home", PROJECT / "feature_repo")
    assert settings.data == PROJECT.parent / "data"
