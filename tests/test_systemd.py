"""The units of docs/systemd are what systemd takes, and what the page says of them holds."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from nightjar.core.errors.base import Retryable
from nightjar.core.errors.database import RoleHasNoPassword, RolesMissing, SchemaNewer
from nightjar.core.errors.model import BadSpec
from nightjar.core.errors.settings import BadSettings
from nightjar.launcher.launch import DRAINS_WITHIN_S
from nightjar.wiring.settings import PROJECT

UNITS = sorted((PROJECT / "docs" / "systemd").glob("*.service"))
MOST_EXPOSED = 3.5
"""Of 10, as `systemd-analyze security` counts what a service might do."""

ANALYZE = shutil.which("systemd-analyze")
with_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not installed: apt-get install systemd"
)


def analyzed(*words: str | Path) -> str:
    """What systemd-analyze finds, which is nothing where all is well."""
    assert ANALYZE is not None
    env = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
    done = subprocess.run([ANALYZE, *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    return f"{done.stdout}{done.stderr}" if done.returncode else done.stderr


@pytest.fixture(params=UNITS, ids=lambda unit: unit.name)
def unit(request, tmp_path) -> Path:
    """A unit that names the programs of this checkout."""
    here = (
        request.param.read_text()
        .replace("/opt/nightjar/.venv", sys.prefix)
        .replace("/opt/nightjar", str(PROJECT))
    )
    (tmp_path / request.param.name).write_text(here)
    return tmp_path / request.param.name


@with_systemd
def test_systemd_takes_the_unit_and_finds_its_programs(unit):
    assert analyzed("verify", "--man=no", unit) == ""


@with_systemd
def test_systemd_would_refuse_a_unit_that_is_wrong(unit):
    unit.write_text(
        unit.read_text().replace("KillMode=mixed\n", "").replace("Type=exec", "Type=never\nNoSuchLine=1")
    )
    assert "never" in (told := analyzed("verify", "--man=no", unit))
    assert "NoSuchLine" in told


@with_systemd
def test_the_service_can_do_little_else(unit):
    told = analyzed("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", unit)
    assert told == "", told[-200:]


def setting(name: str, unit: str = "nightjar.service") -> str:
    (value,) = re.findall(rf"^{name}=(.*)$", (PROJECT / "docs" / "systemd" / unit).read_text(), re.MULTILINE)
    return value


def test_what_only_a_person_can_mend_is_not_tried_again():
    final = (BadSettings, BadSpec, RoleHasNoPassword, RolesMissing, SchemaNewer)
    assert [int(code) for code in setting("RestartPreventExitStatus").split()] == sorted(
        e.exit_code for e in final
    )
    assert not [error for error in final if issubclass(error, Retryable)]


def test_systemd_waits_longer_than_the_platform_takes_to_stop():
    assert setting("TimeoutStopSec") == "5min"
    assert DRAINS_WITHIN_S + 4 * 15 < 5 * 60
