"""Copies of remote files: no other account makes or sees them, and those that nobody uses are removed."""

import os
from datetime import timedelta

import pytest

from nightjar.adapters.files.atomic import last_change
from nightjar.adapters.files.copies import UNUSED, own_folder, remove_unused, used
from nightjar.core.errors.settings import BadSettings


@pytest.fixture
def folder(tmp_path):
    return own_folder(tmp_path / "copies")


def aged(path, age):
    then = (last_change(path) - age).timestamp()
    os.utime(path, (then, then))
    return path


def made(folder, name, age):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(name)
    return aged(path, age)


def test_no_other_account_enters_the_folder(tmp_path):
    (tmp_path / "before").mkdir(mode=0o755)
    for name in ("before", "inside/anew"):
        assert own_folder(tmp_path / name).stat().st_mode & 0o777 == 0o700


def test_a_folder_of_another_account_or_a_link_to_one_is_refused(folder, tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(folder)
    with pytest.raises(BadSettings, match="link, the folder for copies of artifacts, is a link or"):
        own_folder(tmp_path / "link")
    us = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: us + 1)
    with pytest.raises(BadSettings, match=r"belongs to another account\. Remove it, or let TMPDIR name"):
        own_folder(folder)


def test_a_copy_that_nobody_uses_is_removed(folder):
    old, young = (made(folder, name, age) for name, age in (("aa/old", UNUSED), ("aa/young", UNUSED / 2)))
    used_again = made(folder, "bb/used again", UNUSED)
    inside = made(folder / "features", "run/part.parquet", timedelta())
    aged(inside.parent, UNUSED)
    assert used(used_again)
    assert not used(folder / "bb" / "another")
    remove_unused(folder)
    assert not old.exists()
    assert not inside.parent.exists()
    assert young.exists()
    assert used_again.exists()
    assert sorted(path.name for path in folder.rglob("*")) == ["aa", "bb", "features", "used again", "young"]


def test_what_a_killed_process_left_of_a_folder_is_not_taken_for_the_whole(folder, monkeypatch):
    part = made(folder / "features", "run/part.parquet", timedelta())
    aged(part.parent, UNUSED)
    monkeypatch.setattr("nightjar.adapters.files.copies.rmtree", lambda path, **_: None)
    remove_unused(folder)
    assert not used(part.parent)
