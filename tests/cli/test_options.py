import pytest
from typer import BadParameter
from typer.testing import CliRunner

from nightjar.cli import app
from nightjar.cli.options import duration, spec_of
from nightjar.core.errors.model import UnknownModel


def test_a_command_takes_the_model_that_a_setting_names_unless_it_names_one(monkeypatch):
    monkeypatch.setenv("NIGHTJAR_MODEL", "route_delay")
    assert spec_of(None).name == "route_delay"
    assert spec_of("flight_delay").name == "flight_delay"


def test_a_model_of_the_setting_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("NIGHTJAR_MODEL", "trains")
    with pytest.raises(UnknownModel, match="no model 'trains'"):
        spec_of(None)


@pytest.mark.parametrize(("command", "named"), [("retrain", True), ("status", False), ("demo", False)])
def test_help_names_the_setting_only_where_a_command_takes_it(command, named):
    assert ("NIGHTJAR_MODEL" in CliRunner().invoke(app, [command, "--help"]).output) is named


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("2h", 7200), ("0s", 0)])
def test_a_span_of_time_is_read_in_seconds(text, seconds):
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["10", "m", "-5m", "1.5h", "5x", "", "1234567s"])
def test_what_is_no_span_of_time_is_told(text):
    with pytest.raises(BadParameter, match="is no span of time; write it like 90s"):
        duration(text)
