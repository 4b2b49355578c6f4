"""Models are found: a folder is enough, and a broken one stops no other."""

import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import models
from nightjar.core.errors.model import ModelBroken, ModelNotNamed, UnknownModel
from nightjar.core.model.clashes import clashes
from nightjar.testing.specs import HAPPENED, PLANNED, WEATHER, toy_spec

TOY = "from nightjar.testing.specs import toy_spec\nSPEC = toy_spec(name={name!r})\n"


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """folders(name=code of its spec.py) makes these the only models, and finds them."""
    monkeypatch.setattr(models, "__path__", [str(tmp_path / "models")])

    def make(**code: str):
        for name, text in code.items():
            file = tmp_path / "models" / name / "spec.py"
            file.parent.mkdir(parents=True)
            file.write_text(text)
            (file.parent / "training.py").write_text("\nimport no_such_library\n")
            for module in (f"models.{name}", f"models.{name}.spec", f"models.{name}.training"):
                monkeypatch.delitem(sys.modules, module, raising=False)
        found, broken = models.find()
        monkeypatch.setattr(models, "MODELS", found)
        monkeypatch.setattr(models, "BROKEN", broken)
        monkeypatch.setattr(models, "NAMES", tuple(sorted((*found, *broken))))

    return make


def test_every_folder_with_a_spec_is_a_model_and_any_other_folder_is_none(folders, tmp_path):
    (tmp_path / "models" / "shared").mkdir(parents=True)
    folders(one=TOY.format(name="one"), two=TOY.format(name="two"))
    assert [spec.name for spec in models.MODELS.values()] == ["one", "two"] == list(models.NAMES)
    assert models.model("two").name == "two"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        pytest.param("SPEC = (", "cannot be imported: SyntaxError", id="no Python"),
        pytest.param(
            "import models.bad.training",
            r"No module named 'no_such_library' \(training.py, line 2\)",
            id="a library is missing, in another file of the folder",
        ),
        pytest.param("1 / 0", r"ZeroDivisionError: division by zero \(spec.py, line 1\)", id="it raises"),
        pytest.param("SPECS = 1", "without a SPEC", id="no spec"),
        pytest.param("SPEC = 1", "without a SPEC that is a ModelSpec", id="something else"),
        pytest.param(TOY.format(name="other"), "is 'other', and must be the name of its folder", id="name"),
        pytest.param(TOY.format(name="bad").replace(")", ", seed='x')"), "seed", id="a field is wrong"),
    ],
)
def test_a_broken_folder_is_told_by_name_where_it_is_used_and_stops_no_other(folders, code, why):
    folders(bad=code, good=TOY.format(name="good"))
    assert list(models.MODELS) == ["good"]
    assert models.model("good").name == "good"
    with pytest.raises(ModelBroken, match=f"models/bad.*{why}"):
        models.model("bad")


def test_the_only_model_needs_no_name_and_of_several_one_is_asked_for(folders):
    folders(one=TOY.format(name="one"))
    assert models.model().name == "one"
    folders(broken="1 / 0")
    with pytest.raises(ModelNotNamed, match="Known: broken, one"):
        models.model()
    with pytest.raises(UnknownModel, match=r"no model 'trains'. Known: broken, one"):
        models.model("trains")


def test_without_any_model_it_is_said_what_one_is(folders):
    folders()
    with pytest.raises(ModelNotNamed, match=r"There is none yet\. A model is a folder in models/"):
        models.model()


def test_a_clash_is_told_of_both_folders_whichever_is_used(folders):
    other = "import polars as pl\nfrom dataclasses import replace\nfrom nightjar.testing.specs import *\n"
    other += "SPEC = toy_spec(name='two', datasets=(replace(PLANNED, keys=('x',)), HAPPENED))"
    folders(one=TOY.format(name="one"), two=other)
    for name in ("one", "two"):
        with pytest.raises(
            ModelBroken, match="models/one and models/two declare the dataset planned differently"
        ):
            models.model(name)


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"datasets": (replace(PLANNED, keys=("x",)), HAPPENED)}, "dataset planned"),
        (
            {"datasets": (replace(PLANNED, columns=dict(reversed(PLANNED.columns.items()))), HAPPENED)},
            "dataset planned",
        ),
        ({"feature_tables": (replace(WEATHER, lookback_days=1),)}, "feature table weather"),
        (
            {"feature_tables": (replace(WEATHER, name="wind", keys={"city": pl.Int64()}),)},
            "join key city",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_one_name_for_two_things_is_a_clash(changed, what):
    one = toy_spec(name="one", feature_tables=(WEATHER,))
    two = replace(one, name="two", **changed)
    assert [clash.models for clash in clashes((one, two))] == [("one", "two")]
    assert f"declare the {what} differently" in str(next(clashes((one, two))))


def test_equal_declarations_are_shared():
    one = toy_spec(name="one", feature_tables=(WEATHER,))
    assert list(clashes((one, replace(one, name="two"), replace(one, name="three")))) == []


def test_every_folder_of_this_checkout_is_found():
    assert {file.parent.name for file in Path(models.__file__).parent.glob("*/spec.py")} == set(models.NAMES)
