"""Records of every library become the same kind of line, with the fields that Prefect and the context
know.
"""

import json
import logging
import os
import re
import subprocess
import sys

import pytest
import yaml
from prefect.logging.configuration import DEFAULT_LOGGING_SETTINGS_PATH

from nightjar.wiring import logs
from nightjar.wiring.settings import PROJECT

SPEAKS = """
import logging, warnings
import prefect.main  # as every process of Prefect's does, which sets its logging up
import structlog
from nightjar.wiring import logs
from prefect.logging import get_logger
from prefect.logging.loggers import flow_run_logger
from structlog.contextvars import bound_contextvars

logs.configure({log_format!r}, "info")
log = structlog.get_logger("nightjar.usecases.scoring.night")
with bound_contextvars(model="flight_delay", score_date="2013-10-01", part=2):
    log.info("part_scored", rows=3, mean=float("nan"))
    logging.getLogger("sqlalchemy.pool").warning("slow %s", "pool")
    try:
        1 / 0
    except ZeroDivisionError:
        log.exception("part_failed")
        get_logger("engine").exception("Crash detected")
warnings.warn("old", FutureWarning)
extra = {{"flow_run_name": "flight_delay 2013-10-01", "flow_run_id": "r-1",
    "flow_name": "score", "deployment_name": None}}
logging.getLogger("prefect.flow_runs").info("Beginning", extra={{**extra, "send_to_api": False}})
logging.getLogger("uvicorn.error").error("Exception in ASGI application")
log.debug("not told")
"""


def spoken(log_format: str, **environment: str) -> str:
    """What a process of Prefect's writes to stderr."""
    env = {
        **os.environ,
        **logs.prefect_settings(log_format),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
    }
    command = [sys.executable, "-W", "always::FutureWarning", "-c", SPEAKS.format(log_format=log_format)]
    return subprocess.run(
        command, env=env | environment, capture_output=True, text=True, timeout=60, check=True
    ).stderr


@pytest.fixture(scope="module")
def lines() -> dict[str, dict]:
    """By event."""
    written = [json.loads(line) for line in spoken("json", PREFECT__FLOW_RUN_ID="r-0").splitlines()]
    return {each["event"]: each for each in written}


def test_every_line_is_an_object_with_a_time_a_level_a_logger_and_an_event(lines):
    assert len(lines) == 7
    for each in lines.values():
        assert list(each)[:4] == ["timestamp", "level", "logger", "event"]
    assert "not told" not in lines


def test_fields_of_an_event_and_of_its_context_stand_beside_it(lines):
    told = {name: value for name, value in lines["part_scored"].items() if name != "timestamp"}
    assert told == {
        "level": "info",
        "logger": "nightjar.usecases.scoring.night",
        "event": "part_scored",
        "flow_run": "r-0",
        "rows": 3,
        "mean": "nan",
        "model": "flight_delay",
        "score_date": "2013-10-01",
        "part": 2,
    }


def test_other_libraries_lines_name_the_night_and_part_too(lines):
    assert {"model": "flight_delay", "score_date": "2013-10-01", "part": 2}.items() <= lines[
        "slow pool"
    ].items()


@pytest.mark.parametrize("event", ["part_failed", "Crash detected"])
def test_a_traceback_is_a_field(lines, event):
    assert lines[event]["level"] == "error"
    assert lines[event]["exception"].startswith("Traceback (most recent call last):\n")
    assert lines[event]["exception"].endswith("ZeroDivisionError: division by zero")


def test_prefects_fields_have_our_names_and_what_it_does_not_know_is_left_out(lines):
    told = lines["Beginning"]
    assert (told["flow_run"], told["flow_run_name"], told["flow"]) == (
        "r-1",
        "flight_delay 2013-10-01",
        "score",
    )
    assert "deployment" not in told


def test_warnings_and_the_web_server_speak_alike(lines):
    warned = next(each for event, each in lines.items() if event.endswith("FutureWarning: old"))
    assert (warned["level"], warned["logger"]) == ("warning", "py.warnings")
    assert lines["Exception in ASGI application"]["logger"] == "uvicorn.error"


def test_for_people_the_same_is_text():
    said = spoken("console")
    assert "| INFO    | nightjar.usecases.scoring.night - part_scored rows=3" in said
    assert re.search(r" - part_failed [^\n]*part=2[^\n]*\nTraceback", said), (
        "a traceback has lines of its own"
    )
    assert "| INFO    | Flow run 'flight_delay 2013-10-01' - Beginning" in said


def test_what_prefect_shows_in_its_ui_is_for_people_in_both_formats():
    readable = logs.Readable()
    event = {"event": "part_failed", "part": 2, "exc_info": ValueError("x")}
    record = logging.LogRecord("nightjar", logging.ERROR, "", 0, event, (), None)
    assert readable.format(record) == "part_failed part=2\nValueError: x"
    assert (
        readable.format(logging.LogRecord("prefect", logging.INFO, "", 0, "Beginning %s", ("x",), None))
        == "Beginning x"
    )


def test_our_logging_is_prefects_own_but_for_how_lines_are_written():
    """When Prefect's file changes, so must ours."""
    ours, theirs = (
        yaml.safe_load(file.read_text()) for file in (logs.FORMATTERS, DEFAULT_LOGGING_SETTINGS_PATH)
    )
    assert (ours["loggers"], ours["root"]) == (theirs["loggers"], theirs["root"])
    assert set(ours["handlers"]) == set(theirs["handlers"])
    assert ours["formatters"]["console"] == theirs["formatters"]["standard"]


def test_a_logger_that_spoke_before_speaks_as_it_is_told_later():
    """Else it keeps what it was first used with, and nobody who listens later hears it."""
    later = """
import structlog
from structlog.testing import capture_logs
from nightjar.wiring import logs

logs.configure("text", "info")
early = structlog.get_logger("early")
early.info("before")
logs.configure("json", "info")
with capture_logs() as heard:
    early.info("after")
print(heard)
"""
    done = subprocess.run([sys.executable, "-c", later], capture_output=True, text=True, check=True)
    assert "'event': 'after'" in done.stdout


def test_a_command_speaks_json_from_its_first_error_on(command_line, tmp_path):
    env = {"NIGHTJAR_LOG_FORMAT": "json", "NIGHTJAR_HOME": str(tmp_path)}
    code, said = command_line.run("score", "--date", "never", **env)
    assert code == 2
    assert "'never' is no date" in " ".join(json.loads(line)["event"] for line in said.splitlines())
    code, said = command_line.run("status", **env, NIGHTJAR_THREADS="many")
    error = json.loads(said)
    assert (code, error["level"], error["error"], error["runbook"]) == (
        2,
        "error",
        "BadSettings",
        "bad-settings",
    )
    assert (PROJECT / "runbooks" / f"{error['runbook']}.md").exists()
