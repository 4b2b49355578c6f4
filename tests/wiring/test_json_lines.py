"""What a program prints beside its log is JSON too, and the program runs as it would alone."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.disk import Disk

from nightjar.wiring import json_lines
from nightjar.wiring.json_lines import JsonStream, Lines

FILTER = [sys.executable, "-m", "nightjar.wiring.json_lines", "--logger", "part"]


def taken(*texts: str) -> list[dict]:
    """The objects that come of these texts."""
    written: list[str] = []
    lines = Lines("part", written.append)
    for text in texts:
        lines.feed(text)
    lines.close()
    return [json.loads(line) for line in written]


def events(*texts: str) -> list[str]:
    return [each["event"] for each in taken(*texts)]


def test_lines_come_whole_however_they_were_cut():
    text = 'one\n{"event": "two"}\nthree'
    assert events(text) == events(*text) == ["one", "two", "three"]


def test_decoration_and_empty_lines_are_left_out():
    assert events("\n  \n+----+\n| ab |\n___\n") == ["| ab |"]


def test_an_object_after_a_text_without_a_line_end_keeps_its_fields():
    ours = '{"timestamp": "2013-10-01T21:30:00.000Z", "event": "two", "part": 1}'
    assert [(each["event"], each.get("part")) for each in taken(f"no line end{ours}\n")] == [
        ("no line end", None),
        ("two", 1),
    ]


def test_an_object_of_another_thread_does_not_tear_a_traceback():
    trace = 'Traceback (most recent call last):\n  File "a"\n{"event": "other"}\nValueError: x\nafter\n'
    assert events(trace) == ["other", "ValueError: x", "after"]


def test_a_line_without_end_does_not_fill_the_memory():
    assert [len(event) for event in events("a" * 1_500_000, "b" * 10)] == [1_500_000, 10]


def test_a_stream_in_the_place_of_stderr_turns_what_is_printed_to_it(capsys):
    stream = JsonStream(sys.stderr, "nightjar")
    print("said", 1, file=stream)
    print("begun", end="", file=stream, flush=True)
    print({"not": "json"}, file=stream)
    assert not stream.isatty()
    written = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["event"] for each in written] == ["said 1", "begun", "{'not': 'json'}"]


PRINTS = """
import sys, os, warnings
print("to stdout", flush=True)
os.write(2, b"past Python\\n")
warnings.warn("old", DeprecationWarning)
sys.stderr.flush()
raise KeyError("é") from ValueError(1)
"""


def ran(command: list[str], **environment: str) -> tuple[int, str]:
    env = {**os.environ, **environment}
    done = subprocess.run(
        [*FILTER, *command], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_all_that_a_command_prints_is_json_and_its_exit_code_is_its_own():
    code, said = ran([sys.executable, "-W", "always", "-c", PRINTS], NIGHTJAR_LOG_FORMAT="json")
    written = [json.loads(line) for line in said.splitlines()]
    assert code == 1
    assert {"to stdout", "past Python", "KeyError: 'é'"} <= {each["event"] for each in written}
    assert "direct cause" in written[-1]["exception"]
    assert {each["logger"] for each in written} == {"part"}


def test_where_logs_are_for_people_a_command_runs_as_if_alone():
    assert ran(["sh", "-c", "echo said; exit 7"], NIGHTJAR_LOG_FORMAT="console") == (7, "said\n")


@pytest.mark.parametrize(("command", "code"), [("kill -9 $$", 137), ("exit 3", 3)])
def test_the_end_of_a_command_is_told_as_a_shell_would(command, code):
    assert ran(["sh", "-c", command], NIGHTJAR_LOG_FORMAT="json")[0] == code


def test_a_command_gets_the_signals_and_may_take_its_time():
    script = "trap 'sleep 0.3; echo drained; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    env = {**os.environ, "NIGHTJAR_LOG_FORMAT": "json"}
    with subprocess.Popen(
        [*FILTER, "sh", "-c", script], stdout=subprocess.PIPE, text=True, env=env
    ) as running:
        assert running.stdout is not None
        assert json.loads(running.stdout.readline())["event"] == "ready"
        running.send_signal(signal.SIGTERM)
        assert json.loads(running.stdout.readline())["event"] == "drained"
        assert running.wait(10) == 0


def test_what_a_command_leaves_running_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(json_lines, "LINGERS_S", 0.5)
    written: list[str] = []
    source, held = os.pipe()  # the end for writing stays open, as in a process that goes on
    os.write(held, b"said\n")
    json_lines.pump(source, Lines("part", written.append), lambda: False)
    assert [json.loads(line)["event"] for line in written] == ["said"]
    os.close(held)
    os.close(source)


def test_a_full_disk_loses_lines_whole_and_says_how_many(tmp_path: Path):
    disk = Disk(tmp_path / "disk", "64k")
    if disk.refused:
        pytest.skip(disk.refused)
    try:
        log = disk.folder / "part.log"
        with (
            log.open("ab") as file,
            subprocess.Popen(FILTER, stdin=subprocess.PIPE, stdout=file) as filtering,
        ):
            assert filtering.stdin is not None
            for _ in range(40):
                filtering.stdin.write(b"x" * 4000 + b"\n")
                filtering.stdin.flush()
            deadline = time.monotonic() + 20
            while not (full := os.statvfs(disk.folder).f_bavail <= 1) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert full
            time.sleep(0.5)
            disk.remount("size=1m")
            filtering.stdin.write(b"there is room again\n")
            filtering.stdin.close()
            assert filtering.wait(20) == 0
        written = [json.loads(line) for line in log.read_text().splitlines()]
    finally:
        disk.unmount()
    lost, again = written[-2:]
    assert again["event"] == "there is room again"
    assert lost["event"] == f"{lost['lost']} lines could not be written: No space left on device"
    assert len(written) - 2 + lost["lost"] == 40
