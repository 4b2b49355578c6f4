"""docs/ml-test-score.md has all 28 tests of the rubric, and each proof that it names exists."""

import re
from pathlib import Path

import pytest
import typer

from nightjar.cli import app
from nightjar.wiring.settings import PROJECT

PAGE = (PROJECT / "docs" / "ml-test-score.md").read_text()
ROW = re.compile(r"^\| (\d) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
ROWS = [
    (section.splitlines()[0], *found) for section in PAGE.split("\n## ")[1:] for found in ROW.findall(section)
]
PROOFS = sorted({proof for *_, told in ROWS for proof in re.findall(r"`([^`]+)`", told)})


def test_each_of_the_four_sections_has_its_seven_tests():
    numbered = [(section, int(number)) for section, number, *_ in ROWS]
    sections = ("Data", "Model", "Infrastructure", "Monitoring")
    assert numbered == [(section, number) for section in sections for number in range(1, 8)]


def test_a_row_without_a_proof_says_so():
    bare = [told for *_, told in ROWS if "`" not in told]
    assert set(bare) <= {"not yet"}


@pytest.mark.parametrize("proof", PROOFS)
def test_each_proof_exists(proof):
    if proof.startswith("nightjar "):
        names = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
        assert proof.split()[1] in names
        return
    path, _, test = proof.partition("::")
    assert (PROJECT / Path(path)).is_file(), path
    assert not test or re.search(rf"^ *def {test}\(", (PROJECT / path).read_text(), re.MULTILINE), test
