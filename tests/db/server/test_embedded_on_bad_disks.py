"""Making and starting the embedded Postgres where the disk or the folder refuses it: the error names that
and what to do, and nothing is half made.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from harness.disk import Disk

from db.server.embedded import EmbeddedPostgres
from nightjar.core.errors.database import EmbeddedPostgresFailed
from nightjar.core.errors.machine import StorageRefused

SMALL = {"fsync": "off", "shared_buffers": "16MB", "max_wal_size": "32MB", "logging_collector": "off"}


@pytest.fixture
def disk():
    folder = Path(tempfile.mkdtemp(prefix="nightjar-test-"))
    folder.chmod(0o755)  # root runs the server as another account
    disk = Disk(folder / "disk", "4k")
    if disk.refused:
        folder.joinpath("disk").rmdir()
        folder.rmdir()
        pytest.skip(disk.refused)
    yield disk
    disk.unmount()
    (folder / "disk").rmdir()
    folder.rmdir()


@pytest.fixture
def server(disk):
    server = EmbeddedPostgres(disk.folder / "home", SMALL)
    yield server
    server.stop()


def refusal(server: EmbeddedPostgres) -> str:
    with pytest.raises(EmbeddedPostgresFailed) as refused:
        server.start()
    return str(refused.value)


def logs_named_in(text: str) -> list[str]:
    return re.findall(r"/[^\s']*\.log\b", text)


def test_a_full_disk_is_named_wherever_making_a_server_meets_it_and_a_larger_one_is_enough(server, disk):
    for size in ("4k", "12k", "1m", "20m"):
        disk.remount(f"size={size}")
        told = refusal(server)
        assert "No space left on device" in told, size
        assert str(disk.folder) in told, size
        assert re.search(r"Its disk has [\d.]+ \w+ of [\d.]+ \w+ free; 200 MB are enough", told), size
        assert logs_named_in(told) == [], size
        assert not [*server.folder.glob("**/*fresh*")], size
    disk.remount("size=200m")
    server.start()
    assert server.running


def test_a_server_that_was_made_says_what_keeps_it_from_starting_and_starts_once_that_is_gone(server, disk):
    disk.remount("size=200m")
    server.start()
    disk.fill()
    with pytest.raises(
        StorageRefused, match=f"The disk of the embedded Postgres in {server.folder}: could not"
    ):
        server.ensure_database("mine")
    server.stop()
    disk.fill()
    assert "No space left on device. Its disk has 0 bytes of 209.7 MB free" in refusal(server)
    disk.free()
    disk.remount("ro")
    assert "Read-only file system. Mount its disk so that it can be written" in refusal(server)
    disk.remount("rw")
    disk.remount(f"nr_inodes={os.statvfs(disk.folder).f_files - os.statvfs(disk.folder).f_ffree}")
    assert "no room for another file" in refusal(server)
    disk.remount("nr_inodes=0")
    server._data.rename(disk.folder / "elsewhere")
    assert f"{server._data} is missing, and a server was started there before. Mount its disk" in refusal(
        server
    )
    (disk.folder / "elsewhere").rename(server._data)
    server.start()
    server.ensure_database("mine")


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("file/home", "Not a directory. Remove the file that is in its place"),
        ("x" * 300, "File name too long. Let NIGHTJAR_HOME name a shorter path"),
        ("loop/home", "Too many levels of symbolic links|Not a directory|loop"),
    ],
)
def test_a_home_that_cannot_be_made_is_named(tmp_path, below, told):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert re.search(rf"{re.escape(str(tmp_path))}.*(?:{told})", refusal(EmbeddedPostgres(tmp_path / below)))


TRIED = """
import os, sys
from pathlib import Path
from db.server.embedded import EmbeddedPostgres
from nightjar.core.errors.base import NightjarError
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    EmbeddedPostgres(Path(sys.argv[1])).start()
except NightjarError as error:
    print(error)
"""


def test_a_folder_that_is_closed_to_this_account_is_named(tmp_path):
    """In a process of its own, which gives up root's right to everything."""
    home = Path(tempfile.mkdtemp(prefix="nightjar-test-"))
    home.chmod(0o555)
    done = subprocess.run(
        [sys.executable, "-c", TRIED, home / "below"], capture_output=True, text=True, timeout=60, check=True
    )
    home.rmdir()
    assert f"{home}/below: Permission denied" in done.stdout
    assert "Let this account read and write it, or let NIGHTJAR_HOME name a folder elsewhere" in done.stdout
