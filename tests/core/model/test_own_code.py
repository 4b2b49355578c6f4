"""An error of a model's own function is told with the model, the function, its line and what was asked."""

import errno
from datetime import date
from functools import partial, wraps
from pathlib import Path

import polars as pl
import pytest

from nightjar.core.errors.base import Retryable
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.machine import may_pass
from nightjar.core.errors.model import CodeFailed, DeliverFailed, NoChampion
from nightjar.core.model.own_code import own_code, rows_by
from nightjar.testing.specs import toy_spec

HERE = Path(__file__).name
DAY = date(2026, 1, 5)


def line_of(function):
    """The line of the only statement of a function."""
    return function.__code__.co_firstlineno + 1


def missing_column(raw, score_date):
    return pl.DataFrame({"x": [1]}).select("amount")


def logged(function):
    @wraps(function)
    def call(*given):
        return function(*given)

    return call


def told(function, *given):
    with pytest.raises(CodeFailed) as raised:
        rows_by("toy", "population", function, f"for {DAY}", *given)
    return str(raised.value)


def test_the_text_names_model_function_date_line_error_and_what_to_do():
    text = told(missing_column, {}, DAY)
    assert text.startswith(f"toy: `population` for {DAY} raised at ")
    assert f"{HERE}:{line_of(missing_column)}: ColumnNotFoundError: unable to find column" in text
    assert "Correct that line" in text
    assert "\n" not in text


@pytest.mark.parametrize("wrapped", [partial, logged])
def test_the_line_is_that_of_the_function_inside(wrapped):
    assert f"{HERE}:{line_of(missing_column)}:" in told(wrapped(missing_column), {}, DAY)


def test_an_object_that_is_called_has_a_line_too():
    class Population:
        def __call__(self, raw, score_date):
            return raw["orders"]

    assert f"{HERE}:{line_of(Population.__call__)}: KeyError: 'orders'" in told(Population(), {}, DAY)


def test_a_function_of_a_library_has_the_last_line_there_is():
    assert "raised at " in told(len)


@pytest.mark.parametrize("answer", [None, pl.LazyFrame(), [{"entity_key": "a"}]])
def test_what_is_no_frame_is_told_as_such(answer):
    with pytest.raises(ContractBroken, match=rf"toy: population: gives a {type(answer).__name__}, not a pol"):
        rows_by("toy", "population", lambda: answer, f"for {DAY}")


def raised_in(error):
    with own_code("toy", "outcomes", raised_in, "for a day"):
        raise error


def test_errors_of_the_platform_pass_as_they_are():
    with pytest.raises(NoChampion):
        raised_in(NoChampion("toy"))


@pytest.mark.parametrize("error", [MemoryError(), OSError(errno.ENOSPC, "full"), PermissionError(13, "no")])
def test_what_the_machine_refuses_stays_its_own(error):
    with pytest.raises(type(error)) as raised:
        raised_in(error)
    assert raised.value is error


def test_a_wrong_path_is_a_fault_of_the_code():
    with pytest.raises(CodeFailed, match="No such file") as raised:
        raised_in(FileNotFoundError(errno.ENOENT, "No such file or directory"))
    assert not may_pass(raised.value)


def test_a_delivery_that_fails_may_succeed_later():
    def deliver(inbox, first, last):
        yield from ()
        raise ConnectionError("the file server does not answer")

    spec = toy_spec(deliver=deliver)
    with pytest.raises(
        DeliverFailed, match=rf"toy: `deliver` for days {DAY} to {DAY} raised at .*{HERE}:\d+: Connection"
    ) as raised:
        list(spec.deliveries(Path(), DAY, DAY))
    assert isinstance(raised.value, Retryable)
