"""What each command imports: time before anything is done. It is counted in modules, not in seconds."""

import os
import subprocess
import sys

import pytest

HEAVY = (
    "alembic",
    "catboost",
    "evidently",
    "feast",
    "opentelemetry.sdk",
    "pandas",
    "pandera",
    "prefect",
    "scipy",
    "sklearn",
)
PROGRAM = f"""
import io, sys
from contextlib import redirect_stderr, redirect_stdout
from nightjar.cli import app

def shown(name, act):
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            act()
        except (Exception, SystemExit) as error:
            said = f"{{type(error).__name__}} {{error}}"
    print(name, said, *(name for name in {HEAVY} if name in sys.modules), sep="|")

def night():
    import models
    from nightjar.wiring.platform import Platform
    platform, spec = Platform(), models.model("flight_delay")
    platform.prepare(spec), platform.score_night(spec), platform.features, platform.predictors
    sys.exit(0)

for words in (["--help"], ["status"], ["models"], ["desk", "--out", "pages"]):
    shown(words[0], lambda: app(words))
shown("night", night)
"""


@pytest.fixture(scope="module")
def imported(shared_database, tmp_path_factory, unused_port) -> dict[str, tuple[str, set[str]]]:
    """Of each command, in turn and in one process: how it ended, and what of HEAVY is loaded by then."""
    passwords = shared_database.server.passwords
    environment = os.environ | {
        "NIGHTJAR_HOME": str(tmp_path_factory.mktemp("home")),
        "NIGHTJAR_PREFECT_PORT": str(unused_port()),  # `status` asks a server that is there
        "NIGHTJAR_DATABASE_URL": shared_database.url("owner"),
        "NIGHTJAR_WRITER_PASSWORD": passwords["writer"],
        "NIGHTJAR_ANALYST_PASSWORD": passwords["analyst"],
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines()]
    return {name: (said, {*loaded}) for name, said, *loaded in lines}


@pytest.mark.parametrize(
    ("command", "ends"),
    [("--help", "SystemExit 0"), ("status", "SystemExit"), ("models", "SystemExit"), ("desk", "BadSettings")],
)
def test_a_command_that_looks_imports_none_of_the_libraries_that_take_long(imported, command, ends):
    said, loaded = imported[command]
    assert said.startswith(ends)
    assert loaded == set()


def test_what_scores_a_night_imports_neither_feast_nor_prefect_nor_what_draws(imported):
    said, loaded = imported["night"]
    assert said.startswith("SystemExit 0")
    assert loaded <= {"pandas", "pandera", "scipy"}
