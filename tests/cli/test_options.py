import pytest
import typer
from typer import BadParameter
from typer.testing import CliRunner

from nightjar.cli import app
from nightjar.cli.options import duration, spec_of
from nightjar.core.errors.model import ModelNotNamed, UnknownModel
from nightjar.core.errors.settings import BadSettings


def test_a_command_takes_the_model_that_a_setting_names_unless_it_names_one(monkeypatch):
    monkeypatch.setenv("NIGHTJAR_MODEL", "route_delay")
    assert spec_of(None).name == "route_delay"
    assert spec_of("flight_delay").name == "flight_delay"


def test_a_model_of_the_setting_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("NIGHTJAR_MODEL", "trains")
    with pytest.raises(UnknownModel, match="no model 'trains'"):
        spec_of(None)


BY_WORD = (
    ("cards", ("card",)),
    ("tuning", ("tune", "--budget", "90s")),
    ("backtests", ("backtest", "--from", "2013-10-08", "--to", "2013-10-09")),
    ("evidently", ("evidently", "--out", "x")),
)


@pytest.mark.parametrize(("module", "words"), BY_WORD, ids=str)
@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ((), None),
        (("toy",), "toy"),
        (("--model", "toy"), "toy"),
        (("-m", "toy"), "toy"),
        (("toy", "--model", "toy"), "toy"),
        (("toy", "--model", "other"), BadSettings),
    ],
)
def test_a_command_that_takes_the_model_as_a_word_takes_it_with_the_option_too(
    module, words, given, asked, monkeypatch
):
    names = []

    def refusing(name):
        names.append(name)
        raise ModelNotNamed([])

    monkeypatch.setattr(f"nightjar.cli.{module}.opened", object)
    monkeypatch.setattr(f"nightjar.cli.{module}.spec_of", refusing)
    result = CliRunner().invoke(app, [*words, *given])
    if asked is BadSettings:
        assert str(result.exception).startswith("Two models are named, toy and other. Name one.")
    else:
        assert isinstance(result.exception, ModelNotNamed), result.output
        assert names == [asked]


def commands(group, *before):
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield pytest.param(command, id=" ".join((*before, name)))


@pytest.mark.parametrize("command", [*commands(typer.main.get_command(app))])
def test_each_command_of_a_model_takes_the_option_that_an_unnamed_model_is_told_to_name(command):
    options = {option for param in command.params for option in param.opts}
    if {param.name for param in command.params} & {"model", "named"}:
        assert "--model" in options


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
