"""No secret leaves the process: a canary is planted in every setting that is one, and looked for in all
that is printed, logged, raised and written.
"""

from base64 import b64encode
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from harness.refusal import ASKED
from pydantic import SecretStr

from db.urls import read
from nightjar.adapters.notify.webhook import Webhook
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import Settings

CANARY = "s3cret-c4nary"
IN_BASE64 = b64encode(CANARY.encode() * 2).decode()
SECRETS = sorted(
    name for name, field in Settings.model_fields.items() if SecretStr.__name__ in str(field.annotation)
)
PLANTED = {
    "database_url": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores",
    "database_password": CANARY,
    "writer_password": CANARY,
    "analyst_password": CANARY,
    "prefect_auth": f"user:{CANARY}",
    "alert_url": f"json://127.0.0.1:1/{CANARY}",
    "alert_urls": f"critical=json://127.0.0.1:1/{CANARY}",
    "heartbeat_url": f"http://127.0.0.1:1/{CANARY}",
    "webhooks": f"dwh=http://127.0.0.1:1/{CANARY}",
    "webhook_secret": f"whsec_{IN_BASE64}",
}
DATABASES = {
    "nobody listens": f"postgresql://owner:{CANARY}@127.0.0.1:1/scores",
    "no such host": f"postgresql://owner:{CANARY}@nowhere.invalid/scores",
    "an @ in the password": f"postgresql://owner:pass@{CANARY}@nowhere.invalid/scores",
    "an @ and a / in it": f"postgresql://owner:pass@word/{CANARY}@nowhere.invalid/scores",
    "a space in it": f"postgresql://owner:pass%20{CANARY}@127.0.0.1:1/scores",
    "a bare space in it": f"postgresql://owner:pass {CANARY}@127.0.0.1:1/scores",
    "a bare % in it": f"postgresql://owner:100%{CANARY}@127.0.0.1:1/scores",
    "a bare / in it": f"postgresql://owner:pass/{CANARY}@127.0.0.1:1/scores",
    "a bare ? in it": f"postgresql://owner:pass?{CANARY}@127.0.0.1:1/scores",
    "a byte that is no text": f"postgresql://owner:%FF{CANARY}@127.0.0.1:1/scores",
    "no host": f"postgresql://owner:{CANARY}/scores",
    "no database": f"postgresql://owner:{CANARY}@127.0.0.1:1",
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
ON_EACH = [("status",), ("db", "migrate")]
ON_SOME = [
    ("doctor",),
    ("score", "--date", "2013-10-01"),
    ("prune",),
    ("features", "apply"),
    ("db", "psql", "-c", "SELECT 1"),
    ("--help",),
]
BECOMES_PSQL = ("db", "psql")
SOME = ["nobody listens", "an @ and a / in it", "a space in it", "a mode that is none"]
TRIED = [
    *((words, name) for words in ON_EACH for name in DATABASES),
    *((words, name) for words in ON_SOME for name in SOME),
]


def test_every_secret_setting_has_its_canary():
    assert sorted(PLANTED) == SECRETS


def planted(folder: Path, **settings: str | None) -> dict[str, str]:
    """The environment of a command: in every secret setting a canary, but for those that are given."""
    given = PLANTED | {"home": str(folder), "log_level": "debug"} | settings
    return {f"NIGHTJAR_{name.upper()}": value for name, value in given.items() if value is not None}


@pytest.fixture(scope="module")
def said_by(command_line):
    """All that a command prints, and all that any library logs meanwhile, however little it matters."""

    def said_by(words: tuple[str, ...], folder: Path, **settings: str | None) -> str:
        _, said = command_line.run(*words, everything_logged=True, **planted(folder, **settings))
        return said

    return said_by


@pytest.fixture(scope="module")
def tried(command_line, tmp_path_factory):
    """Of each of TRIED all that was said, and the home. For each command one process tries all databases."""
    found = {}
    for words in dict.fromkeys(words for words, _ in TRIED):
        homes = {name: tmp_path_factory.mktemp("home") for tried, name in TRIED if tried == words}
        lines = [
            command_line.line(words, planted(home, database_url=DATABASES[name]), everything_logged=True)
            for name, home in homes.items()
        ]
        each = [[line] for line in lines] if words[:2] == BECOMES_PSQL else [lines]
        said = [said for some in each for _, said in command_line.run_each(some)]
        for (name, home), told in zip(homes.items(), said, strict=True):
            found[words, name] = told, home
    return found


def written_in(folder: Path) -> str:
    return "".join(file.read_bytes().decode(errors="replace") for file in folder.rglob("*") if file.is_file())


@pytest.mark.parametrize(
    ("words", "database"), TRIED, ids=lambda value: value if isinstance(value, str) else " ".join(value)
)
def test_a_command_that_cannot_connect_tells_no_secret(tried, words, database):
    said, home = tried[words, database]
    assert said
    assert CANARY not in said + written_in(home)


@pytest.mark.parametrize("database", DATABASES)
def test_no_error_holds_a_secret_in_its_text_its_repr_or_what_caused_it(command_line, tmp_path, database):
    """Whatever the platform is asked for: its engine, its migrations or its registry."""
    planted = PLANTED | {"home": str(tmp_path), "database_url": DATABASES[database]}
    code, seen = command_line.order("harness.refusal", settings=planted)
    assert code == 0, seen
    _, *each = seen.split("--- ")
    assert [one.partition("\n")[0] for one in each] == list(ASKED)
    assert all("NightjarError" in one or "Runbook" in one for one in each), seen
    assert CANARY not in seen


@pytest.mark.parametrize(
    "variable",
    [
        "artifact_url",
        "threads",
        "home",
        "log_format",
        "prefect_auth",
        "writer_password",
        "webhooks",
        "webhook_secret",
    ],
)
def test_a_secret_in_the_wrong_place_is_not_repeated(said_by, tmp_path, variable):
    wrong = {"artifact_url": f"s3://key:pass/{CANARY}@bucket/x", "prefect_auth": f"user:ü{CANARY}"}
    value = {**wrong, "home": f"{CANARY}\n", "writer_password": f"{CANARY}\n"}.get(variable, CANARY)
    assert CANARY not in said_by(("status",), tmp_path, **{variable: value})


def test_a_wrong_password_is_told_without_it(said_by, database, tmp_path):
    wrong = read(database.url("owner")).changed(password=CANARY).text
    for words in (("status",), ("db", "migrate"), ("doctor",)):
        said = said_by(words, tmp_path, database_url=wrong)
        assert "nightjar_" in said
        assert CANARY not in said + written_in(tmp_path)


def test_a_migration_that_fails_or_succeeds_leaves_no_secret_in_a_log(said_by, database, tmp_path):
    from db.server.roles import ensure_roles

    admin = database.url("admin")  # may give the roles their passwords, as a managed Postgres' owner may
    odd = f"{CANARY} '\"\\ {quote('🦉')}"
    try:
        said = said_by(
            ("db", "migrate"),
            tmp_path,
            database_url=admin,
            database_password=None,
            writer_password=odd,
            analyst_password=odd,
        )
        said += said_by(
            ("db", "migrate"),
            tmp_path,
            database_url=admin,
            database_password=None,
            writer_password=f"{odd}2",
            analyst_password=odd,
        )
    finally:
        ensure_roles(admin, database.server.passwords)
    server_log = "".join(file.read_text(errors="replace") for file in database.server.folder.rglob("*.log"))
    assert "the database is at migration" in said
    assert CANARY not in said + written_in(tmp_path) + server_log


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_secret_that_is_logged_as_a_setting_is_masked(tmp_path, log_format, capfd):
    from nightjar.wiring import logs

    logs.configure(log_format, "debug")
    settings = Settings(home=tmp_path, _env_file=None, **PLANTED)
    structlog.get_logger("nightjar.test").warning("started", settings=settings, url=settings.database_url)
    captured = capfd.readouterr()
    assert CANARY not in captured.out + captured.err


def test_psql_gets_its_password_where_no_list_of_processes_shows_it(said_by, tmp_path, monkeypatch):
    psql = tmp_path / "psql"
    psql.write_text('#!/bin/sh\necho "given: $*"; echo "known: $PGPASSWORD"\n')
    psql.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    said = said_by(
        ("db", "psql", "--role", "owner", "-c", "SELECT 1"),
        tmp_path,
        database_url="postgresql://owner@127.0.0.1:1/scores?sslmode=require",
    )
    given, known = (
        next(line for line in said.splitlines() if line.startswith(word)) for word in ("given: ", "known: ")
    )
    assert (given, known) == (
        "given: postgresql://owner@127.0.0.1:1/scores?sslmode=require -c SELECT 1",
        f"known: {CANARY}",
    )


def test_what_is_wired_shows_no_secret(tmp_path):
    platform = Platform(Settings(home=tmp_path, _env_file=None, **PLANTED))
    assert CANARY in platform.url("writer"), "else nothing is hidden"
    settings = platform.settings
    shown = f"{platform!r} {platform.features!r} {settings.model_dump()} {settings.model_dump_json()}"
    (webhook,) = settings.consumers.values()
    shown += f"{settings.consumers} {Webhook(webhook, settings.webhook_keys)!r}"
    assert CANARY not in shown
    assert IN_BASE64 not in shown
