"""Every command of the GitHub workflow is run here, or by `.ci/run`, or is listed with the reason why not."""

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from nightjar.wiring.settings import PROJECT

WORKFLOW = PROJECT / ".github" / "workflows" / "ci.yml"
SCRIPT = (PROJECT / ".ci" / "run").read_text()
PINS = (PROJECT / "docs" / "pins.md").read_text()
JOBS = yaml.safe_load(WORKFLOW.read_text())["jobs"]
STEPS = [step for job in JOBS.values() for step in job["steps"]]
COMMANDS = sorted({line for step in STEPS if "run" in step for line in step["run"].strip().splitlines()})

BY_THE_SCRIPT = set(re.findall(r'^ *step "[^"]+" (.+)$', SCRIPT, flags=re.MULTILINE))
"""What `.ci/run` does on any machine."""

LOCKED = '"$RUNNER_TEMP/locked.txt"'
SELECTED = "--locked --no-dev --no-emit-project"
EXPORT = f"uv export {SELECTED} --format requirements-txt --output-file {LOCKED} --quiet"
AUDIT = f"uv run pip-audit --requirement {LOCKED} --disable-pip"
APT = "sudo apt-get update -qq && sudo apt-get install -y -qq --no-install-recommends"
NOT_RUN = {
    'pip install "uv>=0.8,<1"': "it would change the environment that runs the tests",
    f"{APT} libatomic1 libgomp1 pgbouncer": "it is for GitHub's runner",
    AUDIT: "vulnerabilities are looked up on the internet; everything before that is run",
    ".ci/run": "it runs these tests",
    "docker/try": "it needs a Docker engine and some minutes",
}
PIN = re.compile(r"(?P<action>[\w-]+/[\w-]+)@(?P<commit>[0-9a-f]{40})  # (?P<version>v\d+\.\d+\.\d+)")
BASE = re.compile(r"(?P<image>\w+:[\w.-]+)@(?P<digest>sha256:[0-9a-f]{64})")


UV = os.environ.get("UV") or shutil.which("uv")
"""`uv run` tells its child where it is: the README's is in a folder of the checkout, and not on PATH."""


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=PROJECT,
        env={
            "RUNNER_TEMP": str(folder),
            "PATH": f"{Path(UV or '').parent}:/usr/bin:/bin",
            "HOME": str(Path.home()),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """The folder in which the first command of the audit has written what is locked."""
    if UV is None:
        pytest.skip("uv is not on PATH, and did not start this process")
    folder = tmp_path_factory.mktemp("runner")
    done = shell(EXPORT, folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_every_command_is_run_somewhere_or_listed_with_its_reason():
    known = BY_THE_SCRIPT | NOT_RUN.keys() | {EXPORT}
    assert [command for command in COMMANDS if command not in known] == []
    assert [command for command in NOT_RUN if command not in COMMANDS] == [], "it is no longer there"


def test_what_is_exported_for_the_audit_is_all_that_runs_with_its_hashes(locked):
    text = (locked / "locked.txt").read_text()
    lines = [line for line in text.splitlines() if re.match(r"[\w.-]+==", line)]
    assert {"prefect", "feast", "sqlalchemy", "catboost"} <= {line.partition("==")[0] for line in lines}
    assert not [line for line in lines if line.startswith("pytest==")]
    assert all(line.endswith("\\") for line in lines), "hashes follow on the next line"


def test_the_audit_reads_it_and_would_ask_about_each_package(locked):
    done = shell(f"{AUDIT} --dry-run", locked)
    assert done.returncode == 0, done.stderr
    asked = int(re.search(r"would have audited (\d+) packages", done.stderr)[1])
    assert 0 < asked <= len(re.findall(r"==", (locked / "locked.txt").read_text()))


def test_the_uv_that_is_here_is_one_that_the_workflow_would_install(locked):
    wanted = shlex.split(next(command for command in NOT_RUN if command.startswith("pip install")))[-1]
    assert shell("uv --version", locked).stdout.split()[1] in Requirement(wanted).specifier
    for file in (SCRIPT, (PROJECT / "docker" / "Dockerfile").read_text(), PINS):
        assert wanted.removeprefix("uv") in file


def test_the_script_installs_on_debian_what_the_workflow_installs_on_ubuntu():
    of_ubuntu = next(command for command in NOT_RUN if command.startswith(APT)).removeprefix(APT).split()
    of_debian = re.search(r"--no-install-recommends (.+?) &&", SCRIPT)[1].split()
    assert sorted([*of_ubuntu, "chromium"]) == sorted(of_debian), "Chromium is on GitHub's runner"


@pytest.mark.parametrize("script", [".ci/run", "docker/try", "docker/worker", "docker/create-databases.sh"])
def test_a_script_that_is_not_run_here_is_one_that_bash_reads(script):
    file = PROJECT / script
    assert subprocess.run(["bash", "-n", file], capture_output=True, check=False).returncode == 0
    assert script.endswith(".sh") or file.stat().st_mode & 0o111, "it is run by its name"


def test_every_job_ends_some_day_and_may_only_read():
    workflow = yaml.safe_load(WORKFLOW.read_text())
    assert all(job["timeout-minutes"] <= 30 for job in JOBS.values())
    assert workflow["permissions"] == {"contents": "read"}
    assert not [job["runs-on"] for job in JOBS.values() if job["runs-on"].endswith("latest")]


def test_every_action_is_pinned_by_a_commit_that_the_page_of_pins_names():
    lines = [line.strip() for line in WORKFLOW.read_text().splitlines() if "uses:" in line]
    assert len(lines) == len([step for step in STEPS if "uses" in step])
    for line in lines:
        pin = PIN.search(line)
        assert pin, line
        assert f"| `{pin['action']}` | {pin['version']} | `{pin['commit']}` |" in PINS


@pytest.mark.parametrize(("file", "images"), [("Dockerfile", 1), ("compose.yaml", 1)])
def test_every_base_image_is_pinned_by_a_digest_that_the_page_of_pins_names(file, images):
    text = (PROJECT / "docker" / file).read_text()
    found = list(BASE.finditer(text))
    assert len(found) == images
    for pin in found:
        assert re.search(rf"\| `{re.escape(pin['image'])}` \| [\d.]+ \| `{pin['digest']}` \|", PINS)


def test_nothing_is_built_on_or_started_from_an_image_without_a_digest():
    build = re.findall(r"^FROM (\S+)", (PROJECT / "docker" / "Dockerfile").read_text(), flags=re.MULTILINE)
    services = yaml.safe_load((PROJECT / "docker" / "compose.yaml").read_text())["services"].values()
    assert set(build) == {"$PYTHON_IMAGE"}
    assert all(BASE.search(service["image"]) or service["image"] == "nightjar:latest" for service in services)


def test_hooks_before_a_commit_are_local_so_they_need_no_pin():
    config = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())
    assert [repo["repo"] for repo in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        command = hook["entry"].removesuffix(" --force-exclude")
        assert command in BY_THE_SCRIPT or f"{command} --check" in BY_THE_SCRIPT


def test_each_python_gets_the_versions_that_the_tests_ran_with():
    """A newer Python would get a newer numpy, with which nothing was tried."""
    packages = tomllib.loads((PROJECT / "uv.lock").read_text())["package"]
    assert [name for name, times in Counter(each["name"] for each in packages).items() if times > 1] == []
