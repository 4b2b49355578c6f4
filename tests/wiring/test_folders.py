"""A folder that breaks, is mended or is new is seen without a restart of the watcher."""

import shutil
import sys
from pathlib import Path

import pytest

import models
from nightjar.wiring import folders
from nightjar.wiring.folders import ModelFolders

SPEC = """
from nightjar.testing.specs import toy_spec

SPEC = toy_spec(name="toy", title=TITLE)
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A package of models in place of ours, in this process and in the one that is asked."""
    made = tmp_path / "models"
    made.mkdir()
    shutil.copy(Path(models.__path__[0]) / "__init__.py", made)
    monkeypatch.setattr(models, "__path__", [str(made)])
    monkeypatch.setattr(models, "MODELS", {})
    monkeypatch.setattr(models, "NAMES", ())
    monkeypatch.setattr(folders, "ASK", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {folders.ASK}")
    ours = {name: module for name, module in sys.modules.items() if name.startswith("models.")}
    yield made
    for name in [name for name in sys.modules if name.startswith("models.")]:
        del sys.modules[name]
    sys.modules.update(ours)


def write(place: Path, text: str) -> None:
    (place / "toy").mkdir(exist_ok=True)
    (place / "toy" / "spec.py").write_text(text)


def test_a_folder_that_breaks_and_is_mended_is_seen_without_a_restart(place):
    look = ModelFolders()
    assert look.now().broken == {}
    write(place, "import nothing_like_it\n")
    broken = look.now().broken["toy"]
    assert "nothing_like_it" in broken.told
    assert broken.because == "ModelBroken ModuleNotFoundError"
    assert look.now().names == {"toy"}
    shutil.rmtree(place / "toy")
    assert look.now().broken == {}
    assert look.now().names == set()


def test_the_spec_of_a_new_a_changed_and_a_mended_folder_is_the_one_of_now(place):
    look = ModelFolders()
    assert look.now().specs == {}
    write(place, f"from models.toy.words import TITLE\n{SPEC}")
    (place / "toy" / "words.py").write_text('TITLE = "New"\n')
    assert look.now().specs["toy"].title == "New"
    (place / "toy" / "words.py").write_text('TITLE = "Changed"\n')
    assert look.now().specs["toy"].title == "Changed"
    write(place, "1 / 0\n")
    assert look.now().specs == {}
    write(place, f"TITLE = 'It is mended'\n{SPEC}")
    assert look.now().specs["toy"].title == "It is mended"
    assert look.now().broken == {}


def test_code_that_ends_the_process_ends_another_one_and_changes_nothing(place):
    write(place, f"TITLE = 'x'\n{SPEC}")
    look = ModelFolders(_state=(), _found=folders.imported())
    assert set(look.now().specs) == {"toy"}
    write(place, "import os\nos._exit(3)\n")
    assert set(look.now().specs) == {"toy"}


def test_a_model_that_only_the_watcher_cannot_import_anew_is_named_and_has_no_spec(place):
    write(place, f"import sys\nassert 'pytest' not in sys.modules\nTITLE = 'x'\n{SPEC}")
    found = ModelFolders(_state=(), _found=folders.imported()).now()
    assert (dict(found.specs), dict(found.broken), found.names) == ({}, {}, {"toy"})
    assert "has to be started again" in found.outdated["toy"].told
    assert found.outdated["toy"].runbook == "", "that of the alert: no folder has to be mended"


def test_nothing_is_imported_anew_while_no_file_changes(place, monkeypatch):
    look = ModelFolders()
    look.now()
    (place / "note.txt").write_text("x")
    look.now()
    monkeypatch.setattr(folders, "asked", lambda: pytest.fail("nothing changed"))
    assert look.now().broken == {}


def test_what_cannot_be_asked_is_asked_again_and_ends_nothing(place, monkeypatch):
    look = ModelFolders()
    look.now()
    write(place, "1 / 0\n")
    assert set(look.now().broken) == {"toy"}
    shutil.rmtree(place / "toy")
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/no/python")
        assert set(look.now().broken) == {"toy"}
    assert look.now().broken == {}


def test_models_of_the_folder_in_which_the_watcher_runs_are_not_taken_for_ours(tmp_path, monkeypatch):
    (tmp_path / "models.py").write_text("BROKEN = None\n")
    monkeypatch.chdir(tmp_path)
    assert folders.asked() == {}
