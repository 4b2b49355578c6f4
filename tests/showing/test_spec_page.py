"""docs/spec.md is what the code of a spec says."""

from dataclasses import fields

import pytest

from nightjar.core.model.spec import ModelSpec
from nightjar.showing.spec_page import PAGE, page


def test_the_page_is_written_anew_when_the_spec_changes() -> None:
    assert PAGE.read_text() == page(), "run: uv run python -m nightjar.showing.spec_page"


@pytest.mark.parametrize("field", [field.name for field in fields(ModelSpec)])
def test_every_field_of_a_model_is_told(field: str) -> None:
    told = page().split("## ModelSpec")[1].split("| field |")[0]
    begins = [line.split(": ")[0] for line in told.splitlines() if line.startswith("`")]
    assert any(field in begin.strip("`").replace("(", ", ").split(", ") for begin in begins)
