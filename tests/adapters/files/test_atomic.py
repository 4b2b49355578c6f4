"""A file is whole or not there; what a killed writer leaves is known as such."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from nightjar.adapters.files.atomic import drafts, replacing, write_text
from nightjar.core.parquet import sink_parquet

DIES_WRITING = """
import os, sys; from pathlib import Path; from nightjar.adapters.files.atomic import replacing
with replacing(Path(sys.argv[1])) as file: file.write(b"half"); file.flush(); os.kill(os.getpid(), 9)
"""


def now():
    """A little later, since a file may be dated by a coarser clock."""
    return datetime.now(UTC) + timedelta(minutes=1)


def test_a_block_that_fails_leaves_what_was_there_and_no_draft(tmp_path):
    file = tmp_path / "deep" / "file.txt"
    write_text("first", file)
    with pytest.raises(TypeError), replacing(file) as written:
        written.writelines([b"second", None])
    assert file.read_text() == "first"
    assert list(drafts(tmp_path, now())) == []


def test_the_draft_of_a_killed_writer_is_found_once_it_is_old(tmp_path):
    killed = subprocess.run(
        [sys.executable, "-c", DIES_WRITING, tmp_path / "deep" / "file.parquet"], check=False
    )
    assert killed.returncode == -9
    [draft] = drafts(tmp_path, now())
    assert draft.read_bytes() == b"half"
    assert not (tmp_path / "deep" / "file.parquet").exists()
    hour = timedelta(hours=1)
    assert list(drafts(tmp_path, now() - hour)) == []
    os.utime(draft, times=(time.time() - 7200,) * 2)
    assert list(drafts(tmp_path, now() - hour)) == [draft]


def test_nothing_else_is_taken_for_a_draft(tmp_path):
    for name in (
        ".hidden",
        "file.parquet",
        ".file.parquet",
        f"file.{'0' * 32}",
        f".file.{'g' * 32}",
        f".{'0' * 32}",
    ):
        (tmp_path / name).write_text("kept")
    (tmp_path / f".folder.{'0' * 32}").mkdir()
    assert list(drafts(tmp_path, now())) == []
    assert list(drafts(tmp_path / "nowhere", now())) == []


def test_rows_that_are_written_while_they_are_read_meet_the_disks_own_error(tmp_path):
    rows = pl.LazyFrame({"number": [1, 2]})
    with replacing(tmp_path / "rows.parquet") as file:
        sink_parquet(rows, file)
    assert pl.read_parquet(tmp_path / "rows.parquet").equals(rows.collect())
    with pytest.raises(OSError, match="No space left on device"), open("/dev/full", "wb", 0) as full:  # noqa: PTH123
        sink_parquet(rows, full)
