"""Format text and tables so that Prefect's UI shows them in full.

Prefect's table artifacts are not used. They take the columns of the first row, hide columns without a name,
and cut off long values. One of the UI's two views reads values as Markdown, the other as text.
Both views show a Markdown table alike if long values are already broken into lines. In one view, a line end
within a paragraph ends the paragraph, so each paragraph is put on one line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from textwrap import wrap

from markdown_it import MarkdownIt

WIDTH = 56
"""Characters per line in a table. A table of five columns then fits beside the details of an artifact."""

CODE = re.compile(r"(`[^`\n]*`)")
SIGNS = re.compile(r"([\\`*_\[\]<>|~#])")
REMARK = re.compile(r"(?P<indent>\s*)(?P<command>\S.*?)\s{2,}(?P<remark># .*)")
CODE_WIDTH = 84
"""Characters of a line of code that are visible without scrolling."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def literal(text: str) -> str:
    """Escape text so that it is shown as it is.

    Text between backticks is shown as code. Nothing else is read as Markdown, HTML or a link.
    """
    pieces = CODE.split(" ".join(text.split()))
    return "".join(
        piece.replace("|", "\\|") if n % 2 else SIGNS.sub(r"\\\1", piece) for n, piece in enumerate(pieces)
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown.

    Columns of numbers are aligned right. None is a dash. A long value takes several lines.
    """
    numeric = [
        bool(rows) and all(isinstance(row[n], int | float) or row[n] is None for row in rows)
        for n in range(len(columns))
    ]
    rule = ["---:" if right else "---" for right in numeric]
    return "\n".join(
        f"| {' | '.join(line)} |"
        for line in (list(map(literal, columns)), rule, *([cell(value) for value in row] for row in rows))
    )


def cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.3f}"
    return "<br>".join(literal(line) for line in wrap(str(value), WIDTH, break_on_hyphens=False)) or " "


def bullets(texts: Sequence[str]) -> str:
    return "\n".join(f"- {literal(text)}" for text in texts)


def page(text: str, places: Mapping[str, str]) -> str:
    """A page of the runbooks for the UI.

    Each paragraph is on one line, remarks are above long commands, and links lead to other pages. Any other
    link becomes the path that it names.

    places: name of a page, as links write it -> its address in the UI.
    """
    return LINK.sub(lambda found: linked(found[1], found[2], places), remarks_above(one_line_each(text)))


def linked(text: str, target: str, places: Mapping[str, str]) -> str:
    if "://" in target:
        return f"[{text}]({target})"
    name, _, _ = target.partition("#")
    if name in places:
        return f"[{text}]({places[name]})"
    return f"{text}: `{PurePosixPath(name).as_posix().removeprefix('../')}`"


def links(text: str) -> tuple[str, ...]:
    """The files that a page links to, in order."""
    return tuple(
        dict.fromkeys(target.partition("#")[0] for _, target in LINK.findall(text) if "://" not in target)
    )


def one_line_each(text: str) -> str:
    """The same Markdown with each paragraph on one line."""
    lines = text.splitlines()
    for first, last in reversed(list(paragraphs(text))):
        lines[first:last] = [
            " ".join([lines[first].rstrip(), *(line.strip(" >") for line in lines[first + 1 : last])])
        ]
    return "\n".join(lines) + "\n"


def remarks_above(text: str) -> str:
    """The same page, with each remark at the end of a long line of code moved to its own line above."""
    lines = text.splitlines()
    code = [
        number
        for token in MarkdownIt().parse(text)
        if token.type == "fence" and token.map
        for number in range(*token.map)
    ]
    for number in reversed(code):
        found = REMARK.fullmatch(lines[number])
        if found is not None and len(lines[number]) > CODE_WIDTH:
            lines[number : number + 1] = [
                f"{found['indent']}{found['remark']}",
                f"{found['indent']}{found['command']}",
            ]
    return "\n".join(lines) + "\n"


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The first line of each paragraph and the line after its last one, counted from 0."""
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "inline" and token.map is not None:
            yield token.map[0], token.map[1]
