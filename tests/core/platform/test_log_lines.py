"""Whatever a line is, it becomes one JSON object, and a traceback becomes one as a whole."""

import json
import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.core.platform.log_lines import (
    OURS,
    as_object,
    goes_on,
    headline,
    is_object,
    rendered,
    told,
    visible,
)

AT = datetime(2013, 10, 1, 21, 30, 0, 123_456, UTC)
ROW = "Traceback (most recent call last):"
CHAINED = [
    ROW,
    '  File "a.py", line 1, in <module>',
    "    1 / 0",
    "ZeroDivisionError: division by zero",
    "",
    "During handling of the above exception, another exception occurred:",
    "",
    ROW,
    '  File "a.py", line 3, in <module>',
    "KeyError: 'x'",
    "  of two lines",
    "",
]
GROUP = [
    "  + Exception Group Traceback (most recent call last):",
    '  |   File "a.py", line 1, in <module>',
    "  | ExceptionGroup: two (2 sub-exceptions)",
    "  +-+---------------- 1 ----------------",
    "    | ValueError: 1",
    "    +---------------- 2 ----------------",
    "    | KeyError: 2",
    "    +------------------------------------",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(
    event=st.text(st.characters(codec=None)), fields=st.dictionaries(st.text(max_size=5), values, max_size=4)
)
def test_whatever_is_logged_is_one_line_of_ascii_that_every_reader_of_json_takes(event, fields):
    line = rendered(event, at=AT, level="info", logger="x", fields=fields)
    assert line.isascii()
    assert "\n" not in line
    assert is_object(line)
    assert line.startswith(OURS)


def test_an_object_begins_with_its_time_in_utc_its_level_its_logger_and_its_event():
    at = AT.astimezone(timezone(timedelta(hours=-4)))
    line = rendered(
        "part_scored", at=at, level="info", logger="nightjar", fields={"part": 1, "event": "part_scored"}
    )
    assert list(json.loads(line).items()) == [
        ("timestamp", "2013-10-01T21:30:00.123Z"),
        ("level", "info"),
        ("logger", "nightjar"),
        ("event", "part_scored"),
        ("part", 1),
    ]


def test_what_json_does_not_know_is_written_as_text():
    holds_itself: list[object] = []
    holds_itself.append(holds_itself)
    fields = {"nan": math.nan, "itself": holds_itself, "class": AT, "keys": {(1, 2): 3}, "fine": [1]}
    read = json.loads(rendered("x", at=AT, level="info", logger="x", fields=fields))
    assert read["nan"] == "nan"
    assert read["itself"] == "[[...]]"
    assert (read["class"], read["keys"], read["fine"]) == (repr(AT), "{(1, 2): 3}", [1])


@pytest.mark.parametrize(
    "line", ["", "text", "1", '"text"', "[1]", "{", '{"a": NaN}', '{"a": 1} {"b": 2}', "{'a': 1}"]
)
def test_only_one_whole_object_of_strict_json_is_taken_for_one(line):
    assert not is_object(line)
    assert is_object('{"a": [1, {"b": null}]}')


@pytest.mark.parametrize("block", [CHAINED, GROUP, [ROW, "ValueError"]])
def test_every_line_of_a_traceback_goes_on_with_it_and_the_next_one_does_not(block):
    for n in range(1, len(block)):
        assert goes_on(block[:n], block[n]), block[n]
    assert told(block)
    assert not goes_on(block, "Worker started")
    assert not goes_on(block, ROW)


@pytest.mark.parametrize(
    ("block", "named"),
    [
        (CHAINED, "KeyError: 'x'"),
        (GROUP, "ExceptionGroup: two (2 sub-exceptions)"),
        ([ROW, "  cut off"], ROW),
    ],
)
def test_a_traceback_is_an_error_whose_event_names_the_exception(block, named):
    assert headline(block) == named
    read = json.loads(as_object(block, AT, "worker"))
    assert (read["level"], read["logger"], read["event"]) == ("error", "worker", named)
    assert read["exception"] == "\n".join(block).rstrip()


def test_a_line_is_told_as_a_person_would_see_it():
    assert visible("\x1b[1;31mred\x1b[0m text  \n") == "red text"
    assert visible(" 10%\r 50%\r100%\r\n") == "100%"
    assert json.loads(as_object(["  indented"], AT, "x"))["event"] == "indented"
