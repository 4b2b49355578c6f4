"""The unit of the documents is one that systemd takes."""

import re
import shutil
import subprocess

import pytest

from nightjar.settings import PROJECT

UNIT = PROJECT / "docs" / "systemd" / "nightjar.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze (apt-get install systemd)")
def test_systemd_finds_no_fault_in_the_unit(tmp_path):
    program = tmp_path / "nightjar"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"(?<=ExecStart=)\S+", str(program), UNIT.read_text()).replace("/opt/nightjar", str(tmp_path)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_stop_drains_before_it_kills():
    told = dict(line.split("=", 1) for line in UNIT.read_text().splitlines() if "=" in line and not line.startswith("#"))
    assert (told["KillSignal"], told["KillMode"]) == ("SIGINT", "mixed")
    assert told["TimeoutStopSec"] == "5min"
