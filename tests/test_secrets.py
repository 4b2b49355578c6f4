"""No secret leaves the process: a canary is planted in every setting that is one, and looked for in all that is printed, logged, raised and written."""

from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from harness.refusal import ASKED
from pydantic import SecretStr
from sqlalchemy import make_url

from nightjar.settings import Settings

CANARY = "s3cret-c4nary"
SECRETS = sorted(name for name, field in Settings.model_fields.items() if SecretStr.__name__ in str(field.annotation))
PLANTED = {
    "database_url": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores",
    "writer_password": CANARY,
    "analyst_password": CANARY,
    "prefect_auth": f"user:{CANARY}",
    "alert_url": f"json://127.0.0.1:1/{CANARY}",
}
DATABASES = {
    "nobody listens": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores",
    "no such host": f"postgresql://owner:{CANARY}@nowhere.invalid/scores",
    "an @ in the password": f"postgresql://owner:pass@{CANARY}@nowhere.invalid/scores",
    "an @ and a / in it": f"postgresql://owner:pass@word/{CANARY}@nowhere.invalid/scores",
    "no user": f"postgresql://:{CANARY}@127.0.0.1:1/scores",
    "a port that is none": f"postgresql://owner:{CANARY}@127.0.0.1:port/scores",
    "a port too high": f"postgresql://owner:{CANARY}@127.0.0.1:99999/scores",
    "another scheme": f"mysql://owner:{CANARY}@127.0.0.1/scores",
    "no URL": f"{CANARY} scores",
    "a bracket": f"postgresql://owner:{CANARY}@[::1/scores",
    "a password in the query": f"postgresql://owner@127.0.0.1:1/scores?password={CANARY}",
    "an option that is none": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores?nosuch=1",
    "a mode that is none": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores?sslmode=bogus",
}
COMMANDS = [("status",), ("doctor",), ("db", "migrate"), ("score", "--date", "2013-10-01"), ("prune",), ("--help",)]


def test_every_secret_setting_has_its_canary():
    assert sorted(PLANTED) == SECRETS


@pytest.fixture(scope="module")
def said_by(command_line):
    """All that a command prints, and all that any library logs meanwhile, however little it matters."""

    def said_by(words: tuple[str, ...], folder: Path, **settings: str) -> str:
        given = PLANTED | {"home": str(folder), "log_level": "debug"} | settings
        _, said = command_line.run(*words, everything_logged=True, **{f"NIGHTJAR_{name.upper()}": value for name, value in given.items()})
        return said

    return said_by


def written_in(folder: Path) -> str:
    return "".join(file.read_bytes().decode(errors="replace") for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("database", DATABASES)
def test_a_command_that_cannot_connect_tells_no_secret(said_by, tmp_path, words, database):
    said = said_by(words, tmp_path, database_url=DATABASES[database])
    assert said
    assert CANARY not in said + written_in(tmp_path)


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("asked", ASKED)
def test_no_error_holds_a_secret_in_its_text_its_repr_or_what_caused_it(command_line, tmp_path, database, asked):
    planted = PLANTED | {"home": str(tmp_path), "database_url": DATABASES[database]}
    code, seen = command_line.order("harness.refusal", settings=planted, asked=asked)
    assert (code, "NightjarError" in seen or "Runbook" in seen) == (0, True), seen
    assert CANARY not in seen


@pytest.mark.parametrize("variable", ["artifact_url", "threads", "home", "log_format", "prefect_auth", "writer_password"])
def test_a_secret_in_the_wrong_place_is_not_repeated(said_by, tmp_path, variable):
    value = {"artifact_url": f"s3://key:{CANARY}@bucket/x", "home": f"{CANARY}\n", "writer_password": f"{CANARY}\n"}.get(variable, CANARY)
    assert CANARY not in said_by(("status",), tmp_path, **{variable: value})


def test_a_wrong_password_is_told_without_it(said_by, database, tmp_path):
    wrong = make_url(database.url("owner")).set(password=CANARY).render_as_string(hide_password=False)
    for words in (("status",), ("db", "migrate"), ("doctor",)):
        said = said_by(words, tmp_path, database_url=wrong)
        assert "nightjar_" in said
        assert CANARY not in said + written_in(tmp_path)


def test_a_migration_that_fails_or_succeeds_leaves_no_secret_in_a_log(said_by, database, tmp_path):
    from db.roles import ensure_roles

    admin = database.url("admin")  # may give the roles their passwords, as a managed Postgres' owner may
    odd = f"{CANARY} '\"\\ {quote('🦉')}"
    try:
        said = said_by(("db", "migrate"), tmp_path, database_url=admin, writer_password=odd, analyst_password=odd)
        said += said_by(("db", "migrate"), tmp_path, database_url=admin, writer_password=f"{odd}2", analyst_password=odd)
    finally:
        ensure_roles(admin, database.server.passwords)
    server_log = "".join(file.read_text(errors="replace") for file in database.server.folder.rglob("*.log"))
    assert "the database is at migration" in said
    assert CANARY not in said + written_in(tmp_path) + server_log


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_that_is_logged_as_a_setting_is_masked(tmp_path, log_format, capfd):
    from nightjar import logs

    logs.configure(log_format, "debug")
    settings = Settings(home=tmp_path, _env_file=None, **PLANTED)
    structlog.get_logger("nightjar.test").warning("started", settings=settings, url=settings.database_url)
    captured = capfd.readouterr()
    assert CANARY not in captured.out + captured.err
