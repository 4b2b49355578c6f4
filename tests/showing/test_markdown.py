"""What people see in Prefect's UI: whole sentences, links that lead somewhere, and no value that is taken
for markup.
"""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

import models
from nightjar.showing import markdown

RUNBOOKS = sorted((Path(models.__file__).parent.parent / "runbooks").glob("*.md"))
HOSTILE = "<script>alert(1)</script> [here](javascript:alert(1)) **x** _y_ ~z~ # a | b `c|d` `open"


def rendered(text: str) -> str:
    return MarkdownIt().enable("table").render(text)


def test_a_value_is_shown_as_it_is_whatever_it_holds():
    html = rendered(markdown.literal(HOSTILE))
    assert "<a" not in html
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [here](javascript:alert(1)) **x** _y_ ~z~ # a | b" in html
    assert html.endswith("`open</p>\n")


def test_a_table_has_a_cell_for_each_value_and_breaks_long_ones_into_lines():
    long = (
        "missing values went from 1.1% to 45.2%; 33.3% of values never seen in training; constant: every "
        "value is 12"
    )
    html = rendered(
        markdown.table(("column", "PSI", "note"), [("a_b", None, HOSTILE), ("c", 0.25, long), ("", 1.0, "-")])
    )
    assert len(re.findall(r"<td", html)) == 9
    assert re.findall(r'<td style="text-align:right">(.*?)</td>', html) == ["-", "0.250", "1.000"]
    lines = (
        next(line for line in markdown.table(("note",), [(long,)]).splitlines() if "missing" in line)
        .strip("| ")
        .split("<br>")
    )
    assert " ".join(lines) == long
    assert max(map(len, lines)) <= markdown.WIDTH


def test_a_paragraph_is_put_on_one_line_and_code_is_left_alone():
    text = (
        "# Title\n\nOne sentence that\ngoes on.\n\n- an item that\n  goes on\n- another\n\n```sh\none\n  "
        "two\n```\n\n| a |\n|---|\n| b |\n"
    )
    assert markdown.one_line_each(text) == text.replace("that\ngoes", "that goes").replace(
        "that\n  goes", "that goes"
    )


def test_a_remark_behind_a_long_command_is_put_above_it():
    short, long = "run it      # now", f"run {'x' * 60} --it      # and here is why"
    text = f"1. Do\n\n   ```sh\n   {short}\n   {long}\n   ```\n\n{long}\n"
    above = f"# and here is why\n   run {'x' * 60} --it"
    assert markdown.remarks_above(text) == f"1. Do\n\n   ```sh\n   {short}\n   {above}\n   ```\n\n{long}\n"


def test_links_lead_to_artifacts_or_name_a_path():
    text = (
        "See [it](bad-delivery.md#fix), [docs](../docs/backfill.md) and [the site](https://example.org/a.md)."
    )
    assert markdown.links(text) == ("bad-delivery.md", "../docs/backfill.md")
    assert markdown.page(text, {"bad-delivery.md": "/artifacts/artifact/1"}) == (
        "See [it](/artifacts/artifact/1), docs: `docs/backfill.md` and [the "
        "site](https://example.org/a.md).\n"
    )


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_every_runbook_says_the_same_without_line_ends_within_sentences(file):
    text = file.read_text()
    shown = markdown.one_line_each(text)
    assert rendered(text).split() == rendered(shown).split()
    broken = [
        token.content
        for token in MarkdownIt().enable("table").parse(shown)
        if token.type == "inline" and "\n" in token.content
    ]
    assert not broken


@pytest.mark.parametrize("file", RUNBOOKS, ids=lambda file: file.stem)
def test_every_runbook_can_be_left_by_each_of_its_links(file):
    from flows.showing import key_of, page, reachable

    places = {f"{name}.md": f"/artifacts/artifact/{key_of(name)}" for name in reachable(file.stem)}
    assert all(re.fullmatch("[a-z0-9-]+", key_of(name)) for name in reachable(file.stem)), (
        "Prefect takes no other keys"
    )
    targets = [target for _, target in markdown.LINK.findall(page(file.stem, places)) if "://" not in target]
    assert set(targets) <= set(places.values())
