"""The house stays as drawn: arrows between packages, and names that the loaders of Prefect, Feast and
pytest cannot confuse.
"""

import ast
import importlib.machinery
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from nightjar.cli import app
from nightjar.wiring.settings import PROJECT

SLOW = {"catboost", "evidently", "feast", "pandas", "polars", "prefect", "sklearn", "sqlalchemy"}


def stems(folder: str) -> set[str]:
    return {file.stem for file in (PROJECT / folder).glob("*.py")} - {"__init__"}


def test_imports_point_the_way_the_architecture_says() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["flows", "feature_repo"])
def test_a_file_that_is_loaded_by_its_bare_name_shadows_no_module(folder: str) -> None:
    paths = [path for path in sys.path if path not in ("", str(PROJECT / folder))]
    known = {
        name
        for name in stems(folder)
        if name in sys.builtin_module_names or importlib.machinery.PathFinder.find_spec(name, paths)
    }
    assert not known


@pytest.mark.parametrize("folder", ["docker", "feature_repo", "tests"])
def test_a_folder_that_would_shadow_a_package_is_none(folder: str) -> None:
    assert not (PROJECT / folder / "__init__.py").exists()


GLOBBED = {"read_parquet", "scan_parquet", "read_csv", "scan_csv", "scan_ipc"}


@pytest.mark.parametrize("folder", ["nightjar", "db", "models", "flows", "feature_repo"])
def test_no_reader_takes_the_path_of_a_file_for_a_pattern(folder: str) -> None:
    """A home may have `[` or `*` in its path."""
    found: list[str] = []
    for file in sorted((PROJECT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("pl"), attr=name), keywords=given):
                    globs = name in GLOBBED and "glob" not in {each.arg for each in given}
                    if globs or name == "read_parquet_schema":  # it always takes it for one
                        found.append(f"{file}:{node.lineno}")
                case _:
                    pass
    assert not found, "give glob=False"


def test_what_publishes_is_also_what_follows_it_up() -> None:
    """A third place that moved the ledger would publish nights that nobody compares or measures:
    docs/adr/0035.
    """
    calls = [
        (file.stem, call.func.attr)
        for file in sorted((PROJECT / "nightjar").rglob("*.py"))
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr in {"publish", "roll_back"}
    ]
    ends = [(file, name) for file, name in calls if file in {"night", "rollback"}]
    assert ends == [("night", "publish"), ("rollback", "roll_back")]
    assert set(calls) - set(ends) == {("nights", "roll_back")}, (
        "the command line calls the use case, through the wiring"
    )


def options(command: Any) -> Iterator[str]:
    """Those of a command and of all below it."""
    for parameter in command.params:
        yield from (name for name in (*parameter.opts, *parameter.secondary_opts) if name.startswith("--"))
    for child in getattr(command, "commands", {}).values():
        yield from options(child)


def strings(folder: str) -> Iterator[tuple[str, str]]:
    for file in sorted((PROJECT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{file.relative_to(PROJECT)}:{node.lineno}", node.value


@pytest.mark.parametrize(
    "folder",
    ["nightjar/core", "nightjar/usecases", "nightjar/adapters", "nightjar/executors", "db", "models"],
)
def test_only_the_edge_knows_commands_and_their_options(folder: str) -> None:
    """What is below it has callers without a command line.

    The exception tells who writes migrations how to run Alembic.
    """
    ours = "|".join(sorted(set(options(typer.main.get_command(app)))))
    command = re.compile(rf"`nightjar [a-z]|(?<![\w-])({ours})(?![\w-])")
    assert command.search("say --accept and the reason")
    found = [where for where, text in strings(folder) if command.search(text)]
    assert [where for where in found if not where.startswith("db/migrations/env.py")] == []


def test_help_needs_nothing_that_is_slow_to_import() -> None:
    script = f"import sys, nightjar.cli; print(*sorted({SLOW!r} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []


def test_continuous_integration_runs_the_commands_of_the_readme() -> None:
    steps = (PROJECT / ".ci" / "run").read_text()
    readme = (PROJECT / "README.md").read_text()
    assert all(
        command in steps and command in readme for command in ("uv run nightjar demo", "uv run pytest")
    )
