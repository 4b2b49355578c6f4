"""The commands with which docs/add-a-model.md begins take a new model to a published night."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

import models
from nightjar.cli import app
from nightjar.scaffold.choices import NEXT, Every, NewKind
from nightjar.wiring.platform import Platform
from nightjar.wiring.settings import PROJECT, Settings

PAGE = PROJECT / "docs" / "add-a-model.md"
BEGIN, *STEPS = (
    tuple(shlex.split(line, comments=True))
    for line in re.findall(r"^uv run (.+)$", PAGE.read_text().split("```")[1], flags=re.MULTILINE)
)
NAME = BEGIN[2]
COPIED = ("nightjar", "db", "flows", "feature_repo", "models", "tests", "pyproject.toml", "prefect.yaml")
"""What of the checkout the commands need."""


def test_the_page_and_the_command_name_the_same_steps():
    assert BEGIN == ("nightjar", "new-model", NAME)
    assert [" ".join(step) for step in STEPS] == [step.format(name=NAME) for step in NEXT]


@pytest.fixture
def platform(database, postgres, tmp_path):
    settings = Settings(
        home=tmp_path / "home",
        database_url=database.url("owner"),
        writer_password=postgres.passwords["writer"],
        analyst_password=postgres.passwords["analyst"],
        _env_file=None,
    )
    platform = Platform(settings)
    yield platform
    platform.close()


@pytest.fixture
def run(platform, tmp_path, monkeypatch):
    """run(words) runs a command in this process, where the models are those of a folder of its own."""
    monkeypatch.setattr("nightjar.wiring.settings.PROJECT", tmp_path)
    for module in ("data", "nights", "operations", "versions", "status"):
        monkeypatch.setattr(f"nightjar.cli.{module}.opened", lambda: platform)
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "models")])
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(words: Sequence[str]) -> str:
        monkeypatch.setattr(models, "MODELS", models.find()[0])
        monkeypatch.setattr(models, "NAMES", tuple(models.MODELS))
        result = CliRunner().invoke(app, words, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    yield invoke
    for module in [name for name in sys.modules if name.startswith(f"models.{NAME}")]:
        del sys.modules[module]


def test_a_new_model_gets_to_a_published_night(run):
    printed = run(BEGIN[1:])
    assert printed.split("next, one after the other:")[1].split() == [
        word for step in STEPS for word in ("uv", "run", *step)
    ]
    *_, shown = [run(step[1:]) for step in STEPS if step[0] == "nightjar"]
    assert re.search(r"2 +catboost .* 1 +champion", shown)
    assert re.search(r"published +1 +1 +40 ", shown)


@pytest.mark.chaos
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("kind", "every"),
    [
        (NewKind.binary, Every.day),
        (NewKind.multiclass, Every.weekday),
        (NewKind.regression, Every.week),
        (NewKind.binary, Every.month),
    ],
)
def test_the_same_in_a_checkout_of_its_own_with_the_contract_tests(kind, every, tmp_path):
    checkout, home = tmp_path / "checkout", tmp_path / "home"
    checkout.mkdir()
    for name in COPIED:
        copy = shutil.copytree if (PROJECT / name).is_dir() else shutil.copy
        copy(PROJECT / name, checkout / name)
    home.mkdir()
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)  # root runs Postgres as another account
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    env = clean | {"NIGHTJAR_HOME": str(home), "PYTHONPATH": str(checkout), "COLUMNS": "200"}

    def ran(*words: str) -> str:
        program = Path(sys.executable).with_name(words[0])
        done = subprocess.run(
            [program, *words[1:]], cwd=checkout, env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    try:
        ran(*BEGIN, "--kind", kind, "--every", every)
        *_, shown = [ran(*step) for step in STEPS]
    finally:
        ran("nightjar", "db", "stop")
    assert re.search(r"published +1 +1 +(40|80|120|300) ", shown)
