"""The pages of the runbooks as HTML, for the desk. Links between them lead to pages beside them."""

from collections.abc import Iterator
from functools import cache

from markdown_it import MarkdownIt

from nightjar.core.desk.places import RUNBOOKS, TOP
from nightjar.showing import markdown, page
from nightjar.wiring.settings import PROJECT

PAGES = {
    TOP if file.stem == "README" else f"{file.stem}.html": file
    for file in sorted((PROJECT / "runbooks").glob("*.md"))
}
"""The Markdown of each page, by the name of the page's file."""
PLACES = {source.name: file for file, source in PAGES.items()}
STYLE = """
pre { overflow-x: auto; padding: .6rem .8rem; border: 1px solid var(--rule); border-radius: .3rem; }
pre code { overflow-wrap: normal; } td { white-space: normal; }
"""


def every_page() -> Iterator[tuple[str, str]]:
    """Each page with its place."""
    return ((f"{RUNBOOKS}/{file}", runbook_page(file)) for file in PAGES)


@cache
def runbook_page(file: str) -> str:
    """The page of a file of PAGES."""
    title, _, text = PAGES[file].read_text(encoding="utf-8").partition("\n")
    # Text between angle brackets is shown as it is, not read as HTML.
    reading = MarkdownIt("commonmark", {"html": False}).enable("table")
    ways = f'<p><a href="../{TOP}">All models</a> · <a href="{TOP}">All runbooks</a></p>'
    return page.page(title.lstrip("# "), [ways, reading.render(markdown.page(text, PLACES))], STYLE)
