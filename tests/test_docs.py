"""The documents keep what they promise: a page for every error, a line for every setting, links that lead
somewhere.
"""

import re
import shlex
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from nightjar.cli import app
from nightjar.core.errors.base import NightjarError, Retryable
from nightjar.wiring.settings import PROJECT, Settings

RUNBOOKS = PROJECT / "runbooks"
SECTIONS = ["Is it real?", "Impact", "Stop it", "Fix", "Verify", "Last exercised"]
ADR_SECTIONS = ["Context", "Options", "Decision", "Consequences", "Confirmation"]
PAGES = sorted(page for page in RUNBOOKS.glob("*.md") if page.name != "README.md")
ADRS = sorted((PROJECT / "docs" / "adr").glob("*.md"))
DOCUMENTS = sorted(
    {
        PROJECT / "README.md",
        *PROJECT.glob("docs/**/*.md"),
        *RUNBOOKS.glob("*.md"),
        *PROJECT.glob("docker/*.md"),
        *PROJECT.glob("models/**/*.md"),
    }
)
LONGEST_LINE = 110
OF_THE_CHECKOUT = "nightjar|db|flows|models|tests|benchmarks|docs|docker|feature_repo|\\.ci|\\.github"
ABSOLUTE = re.compile(r"(?<![\w.$}:/-])/(?:home|root|Users|work|mnt)/\w+")


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def classes(root: type[NightjarError] = NightjarError) -> Iterator[type[NightjarError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


ERRORS = [
    error
    for error in dict.fromkeys(classes())  # one may derive from two others
    if error.__module__.startswith("nightjar.") and error is not Retryable and "exit_code" in vars(error)
]
"""One without an exit code of its own is a case of the error that it derives from."""


def headings(page: Path, level: str) -> list[str]:
    return [line.removeprefix(level).strip() for line in prose(page).splitlines() if line.startswith(level)]


def prose(page: Path) -> str:
    """The page without its code blocks, where # begins a comment and brackets are no links."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> Iterator[list[str]]:
    """The words of each `nightjar ...` in the code blocks of a page, up to what a shell would take for
    itself.
    """
    for block in re.findall(r"^ *```.*?^ *```", page.read_text(), flags=re.DOTALL | re.MULTILINE):
        joined = re.sub(r'"(?:\\.|[^"\\])*"', lambda quoted: quoted[0].replace("\n", " "), block)
        for rest in re.findall(r"\b(?:run|migrate|worker) nightjar (.*)", joined):
            yield list(words(rest))


def words(line: str) -> Iterator[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|()")
    lexer.whitespace_split = True
    for word in lexer:
        if set(word) <= set(lexer.punctuation_chars):
            return
        yield word


COMMAND_LINE: Any = typer.main.get_command(app)


def found(given: list[str]) -> tuple[Any, list[str]]:
    """The command that the first words name, and the words that are left for it."""
    command = COMMAND_LINE
    rest = list(given)
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, f"there is no `nightjar {' '.join(given)}`"
        command = command.commands[rest.pop(0)]
    return command, rest


def test_every_error_has_an_exit_code_of_its_own() -> None:
    repeated = {
        code: count for code, count in Counter(error.exit_code for error in ERRORS).items() if count > 1
    }
    assert not repeated
    assert all(0 < error.exit_code < 128 for error in ERRORS), (
        "0 means success, and from 128 on shells mean signals"
    )


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_every_error_has_a_runbook_that_its_index_lists(error: type[NightjarError]) -> None:
    assert re.search(rf"\bexit code {error.exit_code}\b", (RUNBOOKS / f"{error.runbook}.md").read_text())
    assert (
        f"| {error.exit_code} | {error.__name__} | [{error.runbook}]({error.runbook}.md) |"
        in (RUNBOOKS / "README.md").read_text()
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_runbook_answers_the_same_questions_in_the_same_order(page: Path) -> None:
    assert len(headings(page, "# ")) == 1
    assert headings(page, "## ") == SECTIONS


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_runbook_says_what_happened_before_its_first_command(page: Path) -> None:
    section = re.sub(r"<!--.*?-->", "", page.read_text()).partition("## Is it real?")[2].strip()
    assert section
    assert not section.startswith("```")


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_no_runbook_is_left_that_nothing_leads_to(page: Path) -> None:
    alerts = (RUNBOOKS / "README.md").read_text().partition("## Alerts")[2]
    assert page.stem in {error.runbook for error in ERRORS} or f"]({page.name})" in alerts


def test_every_setting_is_explained_in_the_example_environment() -> None:
    listed = re.findall(r"^#?(NIGHTJAR_\w+)=", (PROJECT / ".env.example").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(f"NIGHTJAR_{name.upper()}" for name in Settings.model_fields)


def test_every_setting_reaches_the_containers_that_read_it() -> None:
    services = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"]
    server, migrate, worker, watcher = (
        set(services[name]["environment"]) for name in ("prefect-server", "migrate", "worker", "watcher")
    )
    of_the_image = {"NIGHTJAR_HOME", "NIGHTJAR_FEATURE_REPO"}
    of_the_server = {"NIGHTJAR_PREFECT_PORT", "NIGHTJAR_PREFECT_HOSTS"}
    of_the_watcher = {
        f"NIGHTJAR_{name}"
        for name in (
            "ALERT_URLS",
            "HEARTBEAT_URL",
            "UI_URL",
            "DATABASE_MAX_GB",
            "WEBHOOKS",
            "WEBHOOK_SECRET",
        )
    }
    assert {
        f"NIGHTJAR_{name.upper()}" for name in Settings.model_fields
    } - migrate == of_the_image | of_the_server | of_the_watcher
    assert watcher - worker == of_the_watcher | {"NIGHTJAR_ALERT_URL"}
    assert server >= of_the_server | {"NIGHTJAR_PREFECT_AUTH", "NIGHTJAR_KEEP_FLOW_RUNS_DAYS"}
    assert migrate - worker == {"NIGHTJAR_ANALYST_PASSWORD", "NIGHTJAR_ALERT_URL", "NIGHTJAR_PREFECT_AUTH"}, (
        "a flow needs none of these"
    )


@pytest.mark.parametrize("page", ADRS, ids=named)
def test_every_decision_names_what_was_rejected_and_what_confirms_it(page: Path) -> None:
    assert headings(page, "## ") == ADR_SECTIONS
    assert re.search(r"^Status: (accepted|superseded by \[)", page.read_text(), flags=re.MULTILINE)
    assert f"]({page.parent.name}/{page.name})" in (PROJECT / "docs" / "README.md").read_text()


@pytest.mark.parametrize("page", ADRS, ids=named)
def test_what_confirms_a_decision_exists(page: Path) -> None:
    confirmation = page.read_text().partition("## Confirmation")[2]
    named_files = re.findall(r"`((?:tests|benchmarks|\.ci)/[\w./-]+)`", confirmation)
    assert named_files
    assert not [file for file in named_files if not (PROJECT / file).exists()]


@pytest.mark.parametrize("page", DOCUMENTS, ids=named)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = [
        target.partition("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page))
        if "://" not in target
    ]
    assert not [target for target in targets if target and not (page.parent / target).exists()]


@pytest.mark.parametrize("page", DOCUMENTS, ids=named)
def test_every_line_that_can_be_broken_is_short(page: Path) -> None:
    """Rows of a table, output of a command, drawings and comments that hold a command cannot be broken."""
    text = re.sub(
        r"^ *```(?:text|mermaid)\n.*?^ *```|<!--.*?-->", "", page.read_text(), flags=re.DOTALL | re.MULTILINE
    )
    long = [
        line for line in text.splitlines() if len(line) > LONGEST_LINE and not line.lstrip().startswith("|")
    ]
    assert not long


@pytest.mark.parametrize("page", [page for page in DOCUMENTS if page not in ADRS], ids=named)
def test_every_file_of_the_checkout_that_a_document_names_exists(page: Path) -> None:
    files = re.findall(rf"`((?:{OF_THE_CHECKOUT})/[\w./-]*)`", page.read_text())
    assert not [file for file in files if not (PROJECT / file).exists()]


@pytest.mark.parametrize("page", DOCUMENTS, ids=named)
def test_no_document_names_a_path_of_one_machine(page: Path) -> None:
    assert not ABSOLUTE.findall(page.read_text())


@pytest.mark.parametrize("page", DOCUMENTS, ids=named)
def test_the_command_line_takes_every_command_in_a_code_block(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "path" / "to").mkdir(parents=True)
    (tmp_path / "path" / "to" / "file.csv").touch()
    for given in commands(page):
        command, rest = found(given)
        with suppress(typer.Exit):  # by which --help ends
            command.make_context(
                command.name, rest
            )  # refuses what it does not know, what is missing and what is no date


@pytest.mark.parametrize("page", DOCUMENTS, ids=named)
def test_the_command_line_has_every_command_and_option_that_prose_names(page: Path) -> None:
    for quoted in re.findall(r"`nightjar (\w[^`]*)`", prose(page)):
        command, rest = found(shlex.split(quoted))
        known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
        assert not [word for word in rest if word.startswith("--") and word not in known], quoted


def test_pytest_knows_every_option_that_a_document_gives_it(pytestconfig: pytest.Config) -> None:
    given = {
        option
        for page in DOCUMENTS
        for line in page.read_text().splitlines()
        if "pytest" in line
        for option in re.findall(r"(--chaos-\w+)", line)
    }
    assert given
    for option in given:
        pytestconfig.getoption(option)  # ValueError: no option named ...
