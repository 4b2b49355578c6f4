"""Whatever is typed after `nightjar`: a result, or a sentence and the exit code of its error; never a
traceback.
"""

import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightjar.cli import app
from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.settings import BadSettings
from nightjar.showing.console import plain

AWAY = {  # nobody listens there, so what gets through its arguments ends soon
    "NIGHTJAR_DATABASE_URL": "postgresql://owner:s3cret-canary@127.0.0.1:1/x",
    "NIGHTJAR_WRITER_PASSWORD": "s3cret-canary",
    "NIGHTJAR_ANALYST_PASSWORD": "s3cret-canary",
}
LEAVE = {("deploy",), ("resume",), ("watch",), ("db", "psql"), ("db", "url"), ("new-model",)}
"""They start Prefect's command line, run until they are stopped, become psql, print a password, or write a
folder into models/.
"""


def leaves(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, child in getattr(command, "commands", {}).items():
        yield from leaves(child, (*path, name))
    if not hasattr(command, "commands"):
        yield path, command


COMMANDS = {path: command for path, command in leaves(typer.main.get_command(app)) if path not in LEAVE}
CODES = {0, 2} | {error.exit_code for error in NightjarError.__subclasses__()} | {14, 24}
sensible = st.sampled_from(
    [
        "flight_delay",
        "schedules",
        "2013-10-01",
        "2013-10-02",
        "1",
        "0",
        "-1",
        "1.5",
        "/dev/null",
        "2013-10-01T16:00:00+00:00",
        "none",
    ]
)
odd = st.sampled_from(
    [
        "",
        " ",
        "--",
        "-",
        "🦉",
        "\u202e",
        "\x1b[2J",
        "\udcff",
        "[red]",
        "9" * 5000,
        "a" * 100_000,
        "nan",
        "inf",
        "1e400",
        "0000-00-00",
        "99999-01-01",
        "2013-02-30",
        "1899-12-31",
        "2200-01-01",
        "2013-W40-2",
        "2013-10-01T16:00:00+99:99",
        "0001-01-01T00:00:00+23:59",
        "../../etc/passwd",
        "/",
        "a\nb",
        "'; DROP TABLE run --",
        "%s",
        "{}",
        "\u0662\u0660\u0661\u0663-\u0661\u0660-\u0660\u0661",
    ]
)
word = (
    sensible | odd | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
)  # no NUL: a process cannot be given one


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    path = draw(st.sampled_from(sorted(COMMANDS)))
    words = list(path)
    for parameter in COMMANDS[path].params:
        if parameter.param_type_name == "argument":
            words += draw(st.lists(word, min_size=0 if draw(st.booleans()) else 1, max_size=1))
        elif draw(st.booleans()) or parameter.required:
            name = draw(st.sampled_from([*parameter.opts, *parameter.secondary_opts]))
            words += [name] if getattr(parameter, "is_flag", False) else [name, draw(word)]
    return words + draw(st.lists(word, max_size=1) if draw(st.integers(0, 5)) == 0 else st.just([]))


@pytest.fixture(scope="module")
def run(command_line):
    """Exit code, and all that was printed."""

    def run(*words: str) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as home:
            return command_line.run(*words, **AWAY, NIGHTJAR_HOME=home)

    return run


@given(words=lines())
@example(words=["prefect", "\x1b[2J"])
@settings(max_examples=60)
def test_any_line_ends_in_a_result_or_a_sentence(run, words):
    code, said = run(*words)
    assert code in CODES or (code == 1 and words[0] == "doctor")
    assert "Traceback" not in said
    assert "s3cret-canary" not in said
    assert "\x1b[2J" not in said
    assert said or code == 0


@pytest.fixture(scope="module")
def explained(command_line, tmp_path_factory):
    """Of each command the exit code of `--help`, and what it printed. One process prints them all."""
    given = {**AWAY, "NIGHTJAR_HOME": str(tmp_path_factory.mktemp("home"))}
    paths = sorted(COMMANDS, key=lambda path: path == ("prefect",))  # it becomes Prefect
    lines = [command_line.line([*path, "--help"], given) for path in paths]
    return dict(zip(paths, command_line.run_each(lines), strict=True))


@pytest.mark.parametrize("path", sorted(COMMANDS), ids=" ".join)
def test_every_command_explains_itself(explained, path):
    code, said = explained[path]
    assert code == 0
    assert "Usage" in said
    assert "s3cret-canary" not in said


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (["score", "--model", "🦉"], 3, "There is no model '🦉'"),
        (["score", "--model", "\udcff"], 2, "is not UTF-8"),
        (["score", "--accept", "  "], 2, "a reason must say something"),
        (["score", "--wait", "nan"], 2, "is no number of seconds"),
        (["score", "--wait", "inf"], 2, "is no number of seconds"),
        (["promote", "9" * 5000, "--reason", "x"], 2, "Invalid value"),
        (["promote", "1", "--reason", ""], 2, "a reason must say something"),
        (["land", "schedules", "2013-10-01", "/dev/null"], 5, "is a character device, not a regular file"),
        (["land", "schedules", "2013-10-01", "/dev/zero"], 5, "is a character device, not a regular file"),
        (["land", "schedules", "2013-10-01", "/dev"], 5, "is a folder, not a regular file"),
        (["land", "schedules", "2013-10-01", "/proc/self/status"], 5, "is empty"),
        (["land", "schedules", "2013-10-01", "/dev/null/x"], 5, "cannot be read: Not a directory"),
        (["land", "trains", "2013-10-01", "/dev/null"], 2, "no dataset 'trains'"),
        (
            ["land", "schedules", "2013-10-01", "/dev/null", "--recorded-at", "0001-01-01T00:00:00+23:59"],
            2,
            "is not between",
        ),
        (["status", "--limit", "0"], 2, "greater than or equal to 1"),
        (["status"], 14, "cannot be reached"),
    ],
    ids=lambda value: None if isinstance(value, int) else str(value)[:40],
)
def test_a_mistake_is_told_with_its_exit_code(run, words, code, problem):
    found, said = run(*words)
    assert (found, problem in " ".join(said.split())) == (code, True), said


def test_hostile_text_cannot_steer_the_terminal():
    assert plain("a[b]\x1b[2J\u202e\x07\nc") == "a[b]\\x1b[2J\\u202e\\x07\nc"


@pytest.mark.parametrize("program", [("prefect",), ("db", "psql")], ids=" ".join)
def test_words_for_another_program_hold_nothing_that_a_terminal_obeys(run, program):
    code, said = run(*program, "flow-run\n\tls", "\x1b[2J")
    assert code == BadSettings.exit_code
    assert r"'\x1b[2J' has characters that a terminal obeys" in said
