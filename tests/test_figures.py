"""A figure in a document is printed by a command that the document names, or set by a file that it names.

    <!-- prints: COMMAND -->            above a block of output: the test runs COMMAND, which must print
                                        these lines in this order
    <!-- prints, slowly: COMMAND -->    the same, for what takes minutes: the test is among those of
                                        `pytest -m chaos`
    <!-- printed on DATE: COMMAND -->   what no other run prints: the chaos suite kills at random, and a list
                                        of faults that nobody foresaw is run once
    <!-- set by: FILES -->              figures of the page are constants in these files

In a block, `...` stands for lines that are left out. Numbers are equal to the digit, or differ by at most N%
where the comment ends in `(within N%)`. Seconds depend on the machine and are not compared.

A figure is a number with a decimal point, with thousands, with a unit or in per cent. Numbers in code are
none. A decision in docs/adr is history: it says on which day its figures were taken.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from nightjar.wiring.settings import PROJECT

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "docker/*.md", "runbooks/*.md", "models/*/*.md")
    for page in PROJECT.glob(pattern)
)
DECISIONS = sorted(PROJECT.glob("docs/adr/*.md"))

BLOCK = re.compile(
    r"^<!-- (?P<how>prints|prints, slowly|printed on \d{4}-\d\d-\d\d): (?P<command>.+?)"
    r"(?: \(within (?P<percent>\d+)%\))? -->\n"
    r"```text\n(?P<shown>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)
SET_BY = re.compile(r"<!-- set by: (.+?) -->")
NUMBER = re.compile(r"\d+(?:\.\d+)?")
SECONDS = re.compile(r"\b\d+(?:\.\d+)? s\b")
WORDS = {
    word: n
    for n, word in enumerate(
        ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"), start=2
    )
}
COUNTED = r"s|ms|kB|MB|GB|seconds?|minutes?|hours?|times"
FIGURE = re.compile(
    rf"\d+\.\d+|\d{{1,3}}(?:,\d{{3}})+|\d+(?= ?%)|\d+(?= (?:{COUNTED})\b)|\d+(?= of (?:the )?\d)"
    rf"|\b(?:{'|'.join(WORDS)})(?= (?:{COUNTED})\b)"
)
PRODUCT = "Python|Postgres|Prefect|SQLAlchemy|Feast|Polars|FastAPI|ADR"
NO_FIGURE = re.compile(
    rf"```.*?```|`[^`]*`|\]\([^)]*\)|https?://\S+|<!--.*?-->|\d{{4}}-\d\d-\d\d|\d+(?:\.\d+){{2,}}"
    rf"|\b(?:{PRODUCT}) [\d.]+(?:(?:, | or | to )[\d.]+)*|[\d.]+(?= \| `sha256:)",
    flags=re.DOTALL,
)
MINUTES = 60


@dataclass(frozen=True)
class Block:
    """Output that a page shows. percent: how far its numbers may lie from what is printed now."""

    page: Path
    how: str
    command: str
    shown: str
    percent: float = 0

    @property
    def lines(self) -> list[str]:
        return [line for line in self.shown.splitlines() if line.strip() not in ("", "...")]

    def __str__(self) -> str:
        return f"{named(self.page)}: {self.command}"


def named(page: Path) -> str:
    return str(page.relative_to(PROJECT))


def blocks(page: Path) -> list[Block]:
    found = BLOCK.finditer(page.read_text())
    return [
        Block(page, one["how"], one["command"], one["shown"], float(one["percent"] or 0)) for one in found
    ]


BLOCKS = [block for page in PAGES for block in blocks(page)]


def how(pattern: str) -> list[Block]:
    return [block for block in BLOCKS if re.fullmatch(pattern, block.how)]


def setters(page: Path) -> list[Path]:
    return [PROJECT / file for files in SET_BY.findall(page.read_text()) for file in files.split(", ")]


def prose(page: Path) -> str:
    """A runbook's last exercise is left out: it is a record with a date."""
    return BLOCK.sub("", page.read_text()).partition("## Last exercised")[0]


def figures(text: str) -> set[float]:
    found = FIGURE.findall(NO_FIGURE.sub(" ", text))
    return {float(WORDS.get(one) or one.replace(",", "")) for one in found}


def numbers(text: str) -> list[float]:
    return [float(one) for one in NUMBER.findall(plain(text))]


def plain(text: str) -> str:
    """Without what separates thousands."""
    return re.sub(r"(?<=\d)[,_](?=\d{3})", "", text)


def timeless(line: str) -> str:
    """A line without its seconds, and without the spaces that align its columns."""
    return SECONDS.sub("* s", " ".join(plain(line).split()))


def alike(shown: str, printed: str, percent: float) -> bool:
    """True if two lines have the same words, and numbers that differ by no more than they may."""
    shown, printed = timeless(shown), timeless(printed)
    pairs = zip(numbers(shown), numbers(printed), strict=False)
    return NUMBER.sub("#", shown) == NUMBER.sub("#", printed) and all(
        abs(a - b) <= a * percent / 100 for a, b in pairs
    )


def missing(block: Block, output: str) -> list[str]:
    """The lines that are shown and not printed, or not in this order."""
    rest, lost = output.splitlines(), list[str]()
    for shown in block.lines:
        at = next((n for n, line in enumerate(rest) if alike(shown, line, block.percent)), None)
        rest = rest if at is None else rest[at + 1 :]
        lost += [shown] if at is None else []
    return lost


@cache
def output(command: str) -> str:
    """What a command prints, run once in the checkout, with a home of its own."""
    home = Path(tempfile.mkdtemp(prefix="nightjar-figures-"))
    home.chmod(0o755)  # root runs Postgres as another account
    try:
        return ran(command, home)
    finally:
        if any(home.iterdir()):
            ran("nightjar db stop", home)
        shutil.rmtree(home)


def ran(command: str, home: Path) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("NIGHTJAR_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = clean | {"NIGHTJAR_HOME": str(home), "PATH": path}
    words = shlex.split(command.removeprefix("uv run "))
    done = subprocess.run(
        words, cwd=PROJECT, env=env, capture_output=True, text=True, timeout=30 * MINUTES, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_figure_of_a_page_is_in_output_that_it_shows_or_in_a_file_that_it_names(page: Path) -> None:
    accounted = [*(block.shown for block in blocks(page)), *(file.read_text() for file in setters(page))]
    assert figures(prose(page)) <= {number for text in accounted for number in numbers(text)}


@pytest.mark.parametrize("page", [page for page in PAGES if setters(page)], ids=named)
def test_every_file_that_a_page_names_sets_a_figure_of_it(page: Path) -> None:
    assert not [file for file in setters(page) if figures(prose(page)).isdisjoint(numbers(file.read_text()))]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_output_that_a_page_shows_names_its_command(page: Path) -> None:
    assert page.read_text().count("```text") == len(blocks(page))


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_says_when_its_figures_were_taken(page: Path) -> None:
    assert re.search(r"^Date: \d{4}-\d\d-\d\d$", page.read_text(), flags=re.MULTILINE)


@pytest.mark.parametrize("block", how("prints"), ids=str)
def test_a_command_prints_what_a_page_shows_of_it(block: Block) -> None:
    assert not missing(block, output(block.command))


@pytest.mark.chaos
@pytest.mark.timeout(60 * MINUTES)
@pytest.mark.parametrize("block", how("prints, slowly"), ids=str)
def test_a_long_command_prints_what_a_page_shows_of_it(block: Block) -> None:
    printed = output(block.command)
    assert not missing(block, printed), printed


@pytest.mark.parametrize("block", how("printed on .*"), ids=str)
def test_only_what_is_run_once_is_kept_without_being_repeated(block: Block) -> None:
    """A list of faults that nobody foresaw says what the rules of its day find."""
    assert block.command.startswith(
        ("uv run pytest -m chaos", "uv run python benchmarks/first_night.py --home FOLDER --list")
    )


@pytest.mark.parametrize(
    ("shown", "printed", "percent", "same"),
    [
        ("a  0.722  1.0 s", "a 0.722 27 s", 0, True),
        ("rows 1,014", "rows 1014", 0, True),
        ("a 0.722", "a 0.723", 0, False),
        ("a 0.722", "b 0.722", 0, False),
        ("ratio: 1.00", "ratio: 1.19", 20, True),
        ("ratio: 1.00", "ratio: 1.21", 20, False),
        ("1 of 2", "1 of 2 and 3", 50, False),
    ],
)
def test_lines_are_compared_by_their_words_and_numbers(
    shown: str, printed: str, percent: float, same: bool
) -> None:
    assert alike(shown, printed, percent) is same


@pytest.mark.parametrize(
    ("printed", "lost"),
    [("x\na 1\ny\nb 2\n", []), ("b 2\na 1\n", ["b 2"]), ("a 1\n", ["b 2"]), ("", ["a 1", "b 2"])],
)
def test_lines_must_be_printed_in_their_order(printed: str, lost: list[str]) -> None:
    assert missing(Block(PROJECT, "prints", "true", "a 1\n...\nb 2\n"), printed) == lost


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("takes 3 minutes or 1,014 rows, 25.9% of them, 0.722", {3, 1014, 25.9, 0.722}),
        ("two minutes, 13 of the 801 rows", {2, 13}),
        ("`--wait 600 s`, Python 3.11, 3.12 or 3.13, on 2013-10-01, part 4, [a page](b#30-minutes)", set()),
    ],
)
def test_figures_are_told_from_other_numbers(text: str, found: set[float]) -> None:
    assert figures(text) == found
