"""Text and tables as Prefect's UI shows them whole.

Its table artifacts do not serve: the columns are those of the first row, a column without a name is not
shown, a long value is cut off, and values are read as Markdown in one of its two views and as text in the
other. Both views show a table in Markdown alike, where a long value is broken into lines by hand. A line end
within a paragraph becomes a paragraph's end in one of them, so paragraphs are put on one line.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from textwrap import wrap

from markdown_it import MarkdownIt

WIDTH = 56
"""Characters of a line within a table: a table of five columns fits beside the details of an artifact."""

CODE = re.compile(r"(`[^`\n]*`)")
SIGNS = re.compile(r"([\\`*_\[\]<>|~#])")
REMARK = re.compile(r"(?P<indent>\s*)(?P<command>\S.*?)\s{2,}(?P<remark># .*)")
CODE_WIDTH = 84
"""Characters of a line of code that are seen without scrolling."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s]+)\)")


def literal(text: str) -> str:
    """Text that is shown as it is.

    What stands between backticks is shown as code; nothing else is Markdown, HTML or a link.
    """
    pieces = CODE.split(" ".join(text.split()))
    return "".join(
        piece.replace("|", "\\|") if n % 2 else SIGNS.sub(r"\\\1", piece) for n, piece in enumerate(pieces)
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown.

    Columns of numbers are set to the right; None is a dash; a long value takes several lines.
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

    Paragraphs are on one line, remarks stand above long commands, and links lead to other pages. A link to
    anything else becomes the path that it names.

    places: name of a page, as links name it -> where the UI shows it.
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
    """The same page, in which a remark at the end of a long line of code has a line of its own before it."""
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
    """First line of each paragraph and the line after its last, counted from 0."""
    for token in MarkdownIt().enable("table").parse(text):
        if token.type == "inline" and token.map is not None:
            yield token.map[0], token.map[1]
