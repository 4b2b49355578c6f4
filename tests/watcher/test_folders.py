"""A broken folder of a model is told when it breaks, and as over when it is mended. Nobody restarts."""

import shutil
import sys
from pathlib import Path

import pytest

import models
from nightjar.watcher import folders
from nightjar.watcher.folders import ModelFolders


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A package of models that the process which is asked imports instead of ours."""
    made = tmp_path / "models"
    made.mkdir()
    shutil.copy(Path(models.__path__[0]) / "__init__.py", made)
    monkeypatch.setattr(models, "__path__", [str(made)])
    monkeypatch.setattr(folders, "ASK", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {folders.ASK}")
    return made


def test_a_folder_that_breaks_and_is_mended_is_seen_without_a_restart(place):
    look = ModelFolders()
    assert look.broken() == {}
    (place / "toy").mkdir()
    (place / "toy" / "spec.py").write_text("import nothing_like_it\n")
    assert "nothing_like_it" in look.broken()["toy"]
    shutil.rmtree(place / "toy")
    assert look.broken() == {}


def test_nothing_is_imported_anew_while_no_file_changes(place, monkeypatch):
    look = ModelFolders()
    look.broken()
    (place / "note.txt").write_text("x")
    look.broken()
    monkeypatch.setattr(folders, "asked", lambda: pytest.fail("nothing changed"))
    assert look.broken() == {}


def test_what_cannot_be_asked_is_asked_again_and_ends_nothing(place, monkeypatch):
    look = ModelFolders()
    look.broken()
    (place / "toy").mkdir()
    (place / "toy" / "spec.py").write_text("1 / 0\n")
    assert set(look.broken()) == {"toy"}
    shutil.rmtree(place / "toy")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/no/python")
        assert set(look.broken()) == {"toy"}
    assert look.broken() == {}
