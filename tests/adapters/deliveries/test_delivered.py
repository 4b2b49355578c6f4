"""Whatever lies where a file was to be delivered, it is read whole at once or refused by what it is, and
nothing waits for it.
"""

import os
import socket
from contextlib import contextmanager
from pathlib import Path

import pytest

from nightjar.adapters.deliveries import delivered
from nightjar.adapters.deliveries.delivered import MOST_BYTES, read_delivered
from nightjar.core.errors.inputs import BadDelivery

NOBODY = 65534


def read(file, most_bytes=MOST_BYTES):
    return b"".join(read_delivered(file, most_bytes))


def a_fifo(file):
    os.mkfifo(file)


def a_socket(file):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(file))


def a_folder(file):
    file.mkdir()


def nothing(file):
    """A name that no file has."""


def a_loop(file):
    file.symlink_to(file)


def an_empty_file(file):
    file.touch()


def ten_terabytes_of_nothing(file):
    file.touch()
    os.truncate(file, 10**13)


def within_a_file(file):
    file.parent.rmdir()
    file.parent.touch()


def link_to(target):
    return lambda file: file.symlink_to(target)


HOSTILE = {
    "a FIFO": (a_fifo, "is a FIFO, not a regular file"),
    "a socket": (a_socket, "is a socket, not a regular file"),
    "a folder": (a_folder, "is a folder, not a regular file"),
    "a device": (link_to("/dev/zero"), "is a character device, not a regular file"),
    "a device without content": (link_to("/dev/null"), "is a character device, not a regular file"),
    "a link to a folder": (link_to("/dev"), "is a folder, not a regular file"),
    "a link to nothing": (link_to("nowhere"), "cannot be read: No such file or directory"),
    "a link to itself": (a_loop, "cannot be read: Too many levels of symbolic links"),
    "nothing": (nothing, "cannot be read: No such file or directory"),
    "a name within a file": (within_a_file, "cannot be read: Not a directory"),
    "an empty file": (an_empty_file, "is empty: its size is 0 bytes"),
    "a file of the kernel": (link_to("/proc/self/status"), "is empty: its size is 0 bytes"),
    "a sparse file": (
        ten_terabytes_of_nothing,
        "has 10,000,000,000,000 bytes, the limit is 256,000,000. Look whether it is the right file.",
    ),
}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox" / "in.csv"


@pytest.mark.timeout(10)
@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_regular_file_of_a_bounded_size_is_refused_by_what_it_is(file, what):
    put, problem = HOSTILE[what]
    put(file)
    with pytest.raises(BadDelivery) as refused:
        read(file)
    assert f"{file}: {problem}" in str(refused.value)


def test_a_link_to_a_regular_file_is_read(file, tmp_path):
    (tmp_path / "whole").write_bytes(b"whole")
    file.symlink_to(tmp_path / "whole")
    assert read(file) == b"whole"


@pytest.mark.parametrize("size", [1, 5, 4096, 2**20 + 1])
def test_the_limit_is_the_last_size_that_is_read(file, size):
    file.write_bytes(b"x" * size)
    assert len(read(file, size)) == size
    with pytest.raises(
        BadDelivery, match=rf"has {size:,} bytes, the limit is {size - 1:,}\. .*NIGHTJAR_MAX_DELIVERY_MB"
    ):
        read(file, size - 1)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("put", [a_fifo, link_to("/dev/zero")], ids=["a FIFO", "a device"])
def test_a_file_that_is_exchanged_after_it_was_looked_at_is_refused(file, put, monkeypatch):
    file.write_bytes(b"whole")

    def exchanged(path, flags, opening=os.open):
        file.unlink()
        put(file)
        return opening(path, flags)

    monkeypatch.setattr(delivered.os, "open", exchanged)
    with pytest.raises(BadDelivery, match="not a regular file"):
        read(file)


@pytest.mark.parametrize(
    "change", [b"whole and more", b"who", b"other"], ids=["it grows", "it shrinks", "it is written over"]
)
def test_a_file_that_is_written_to_while_it_is_read_is_refused(file, change, monkeypatch):
    file.write_bytes(b"whole")
    os.utime(file, (0, 0))
    monkeypatch.setattr(delivered, "require_size", lambda *_: file.write_bytes(change))
    with pytest.raises(
        BadDelivery, match=r"changed while it was read\. Have it written under another name, and renamed"
    ):
        read(file)


@contextmanager
def as_another_user():
    """Root reads everything, so it becomes nobody for a moment."""
    own = os.geteuid()
    if own == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_file_that_this_user_may_not_read_is_refused(file):
    file.write_bytes(b"whole")
    file.chmod(0)
    with (
        as_another_user(),
        pytest.raises(
            BadDelivery, match=r"cannot be read: Permission denied\. Let the user read it who runs Nightjar"
        ),
    ):
        read(file)


def test_an_error_of_the_disk_is_no_fault_of_the_file(file, monkeypatch):
    def failing(*_):
        raise OSError(5, "Input/output error")

    file.write_bytes(b"whole")
    monkeypatch.setattr(delivered.os, "open", failing)
    with pytest.raises(OSError, match="Input/output error"):
        read(Path(file))


def test_the_limit_stated_to_people_is_the_one_in_force():
    from nightjar.wiring.settings import Settings

    assert Settings.model_fields["max_delivery_mb"].default * delivered.MEGABYTE == MOST_BYTES
