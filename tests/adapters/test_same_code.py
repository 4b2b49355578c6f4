"""What a worker must share with the process that gives it parts."""

import subprocess

from nightjar.adapters.same_code import terms_of
from nightjar.core.night.same_code import differences


def made(folder, text="x = 1\n"):
    (folder / "models" / "toy").mkdir(parents=True)
    (folder / "models" / "toy" / "spec.py").write_text(text)
    (folder / "repo").mkdir()
    return folder


def test_two_checkouts_with_the_same_code_have_the_same_terms(tmp_path):
    one, other = (made(tmp_path / name) for name in ("one", "other"))
    (other / "models" / "notes.txt").write_text("no code")
    assert not differences(terms_of(one, one / "repo"), terms_of(other, other / "repo"))


def test_a_commit_that_changes_no_code_changes_no_term(tmp_path):
    one, other = (made(tmp_path / name) for name in ("one", "other"))
    git = ["git", "-C", str(other), "-c", "user.name=a", "-c", "user.email=a@b"]
    for step in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "documents"]):
        subprocess.run([*git, *step], check=True)
    assert not differences(terms_of(one, one / "repo"), terms_of(other, other / "repo"))


def test_a_changed_line_of_a_model_or_of_the_feature_repository_is_told(tmp_path):
    one, other = made(tmp_path / "one"), made(tmp_path / "other", "x = 2\n")
    (told,) = differences(terms_of(one, one / "repo"), terms_of(other, other / "repo"))
    assert told.startswith("the code is ")
    same = made(tmp_path / "same")
    (same / "repo" / "feature_store.yaml").write_text("project: toy\n")
    assert differences(terms_of(one, one / "repo"), terms_of(same, same / "repo"))


def test_a_library_of_another_version_or_none_is_told():
    assert differences({"polars": "2.1.0", "xgboost": "3.2"}, {"polars": "2.0.0"}) == (
        "polars is 2.0.0 there and 2.1.0 here",
        "xgboost is none there and 3.2 here",
    )
