"""The command line as a person meets it: quick help, errors without a traceback, an exit code each."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.server.embedded import EmbeddedPostgres
from nightjar import cli
from nightjar.cli.options import instant
from nightjar.core.errors.settings import BadSettings

NIGHTJAR = Path(sys.executable).with_name("nightjar")


def nightjar(*arguments, home):
    return subprocess.run(
        [NIGHTJAR, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "NIGHTJAR_HOME": str(home)},
    )


def test_help_names_every_command(tmp_path):
    shown = nightjar("--help", home=tmp_path)
    assert shown.returncode == 0
    for command in ("demo", "up", "score", "backfill", "retrain", "status", "doctor", "db"):
        assert command in shown.stdout


def test_the_version_is_told_as_other_programs_tell_it(tmp_path):
    shown = nightjar("--version", home=tmp_path)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert re.fullmatch(r"nightjar \d+\.\d+\.\d+, Python 3\.\d+\.\d+\n", shown.stdout)


def test_a_mistake_is_told_on_the_stream_of_errors(tmp_path):
    shown = nightjar("score", "--model", "nosuch", home=tmp_path)
    assert (shown.returncode, shown.stdout) == (3, ""), shown.stderr
    assert "There is no model 'nosuch'" in " ".join(shown.stderr.split())
    assert "Traceback" not in shown.stderr


ELSEWHERE = {"NIGHTJAR_DATABASE_URL": "postgresql://owner:s3cret@127.0.0.1:1/x"}


@pytest.mark.parametrize(
    ("arguments", "env", "code", "told"),
    [
        (("score", "--date", "yesterday"), {}, 2, "is no date"),
        (("backfill", "--from", "2013-10-02", "--to", "2013-10-01"), {}, 2, "lies before"),
        (("late", "--from", "2013-10-02", "--to", "2013-10-01"), {}, 2, "lies before"),
        (("status",), {"NIGHTJAR_THREADS": "none"}, 2, "NIGHTJAR_THREADS"),
        (("db", "url"), ELSEWHERE, 20, "NIGHTJAR_ANALYST_PASSWORD"),
        (("db", "stop"), ELSEWHERE, 2, "Stop it where it runs"),
    ],
)
def test_a_mistake_is_told_in_a_sentence_and_an_exit_code(command_line, tmp_path, arguments, env, code, told):
    found, said = command_line.run(*arguments, NIGHTJAR_HOME=str(tmp_path), **env)
    assert found == code, said
    assert told in " ".join(said.split())
    assert "Traceback" not in said
    assert "s3cret" not in said


def test_ctrl_c_says_that_nothing_is_lost(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.status, "opened", interrupted)
    monkeypatch.setattr(sys, "argv", ["nightjar", "status"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 130
    assert "run the same command again" in capsys.readouterr().err


def test_an_instant_keeps_its_offset_and_is_utc_without_one():
    assert instant("2013-10-17T23:00:00-04:00") == datetime(2013, 10, 18, 3, tzinfo=UTC)
    assert instant("2013-10-17T23:00:00") == datetime(2013, 10, 17, 23, tzinfo=UTC)


def test_a_home_that_was_never_migrated_says_what_to_run(command_line):
    home = Path(tempfile.mkdtemp(prefix="nightjar-new-"))
    home.chmod(0o755)  # root runs the server as another account
    try:
        code, said = command_line.run("status", NIGHTJAR_HOME=str(home))
        assert code == 15, said
        assert "nightjar db migrate" in said
    finally:
        server = EmbeddedPostgres(home)
        server.stop()
        server.remove()
        shutil.rmtree(home)


def test_up_refuses_an_alert_url_before_it_starts_anything(command_line, tmp_path):
    url = "webhook+https://example.org/t0ken"
    code, said = command_line.run("up", NIGHTJAR_HOME=str(tmp_path), NIGHTJAR_ALERT_URL=url)
    assert code == BadSettings.exit_code
    assert "NIGHTJAR_ALERT_URLS" in " ".join(said.split())
    assert "t0ken" not in said
    assert not (tmp_path / "postgres").exists()
