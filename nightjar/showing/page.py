"""An HTML page in one file: it needs no network, no script and no file beside it."""

import re
from collections.abc import Iterable, Sequence
from html import escape

from nightjar.showing.console import cell

STYLE = """
:root { --text: #1c2430; --soft: #5b6675; --rule: #d8dee6; --page: #ffffff;
  --c0: #1b6ca8; --c1: #c2571a; --c2: #4f8a3d; --c3: #7f5aa2; --c4: #a33d54; --c5: #67707c; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e8ee; --soft: #9aa6b5; --rule: #39424e;
  --page: #14181d;
  --c0: #6cb4ea; --c1: #eb9a62; --c2: #93cc80; --c3: #bf9fe0; --c4: #e58ba0; --c5: #a4adb8; } }
* { box-sizing: border-box; } a { color: var(--c0); }
body { margin: 0 auto; padding: 1.2rem 1rem 3rem; max-width: 70rem; color: var(--text);
  background: var(--page); font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .4rem; }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--rule); }
p { margin: .4rem 0; max-width: 46rem; }
.plots { display: grid; gap: 1.2rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; max-width: 34rem; } figcaption { font-weight: 600; margin-bottom: .2rem; }
svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--text); font-family: system-ui, sans-serif; font-size: 11px; }
svg text.axis { fill: var(--soft); font-size: 10px; }
svg .grid { stroke: var(--rule); } svg .mark { stroke: var(--text); stroke-dasharray: 3 3; }
svg .reach { stroke: var(--text); stroke-width: 1.5; }
svg path { fill: none; stroke-width: 1.8; stroke-linecap: round; }
.l0 { stroke: var(--c0); } .l1 { stroke: var(--c1); } .l2 { stroke: var(--c2); }
.l3 { stroke: var(--c3); } .l4 { stroke: var(--c4); } .l5 { stroke: var(--c5); }
.s0 { fill: var(--c0); } .s1 { fill: var(--c1); } .s2 { fill: var(--c2); }
.s3 { fill: var(--c3); } .s4 { fill: var(--c4); } .s5 { fill: var(--c5); }
.legend { font-size: .85rem; color: var(--soft); } .legend span { margin-right: .9rem; white-space: nowrap; }
.legend svg { display: inline-block; width: 1.6rem; margin-right: .35rem; vertical-align: middle; }
:focus-visible { outline: 3px solid var(--c1); outline-offset: 1px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; margin: .5rem 0; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0;
  border-bottom: 1px solid var(--rule); vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td { white-space: nowrap; } td.long { white-space: pre-line; min-width: 14rem; overflow-wrap: anywhere; }
code { font-size: .85rem; overflow-wrap: anywhere; }
@media (max-width: 40rem) {
  td:first-child:nth-last-child(2) { white-space: normal; }
  table.stacks, table.stacks :is(thead, tbody) { display: block; }
  table.stacks tr { display: flex; flex-wrap: wrap; padding-bottom: .4rem;
    border-bottom: 1px solid var(--rule); }
  table.stacks :is(th, td) { border: 0; padding-bottom: 0; }
  table.stacks th.number { display: none; }
  table.stacks td.number::before { content: attr(data-of) " "; color: var(--soft); }
  td.long { flex-basis: 100%; } }
dl.answers { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .3rem 1rem; }
dl.answers dt { color: var(--soft); } dl.answers dd { margin: 0; max-width: 46rem; }
@media (max-width: 40rem) { dl.answers { display: block; } dl.answers dd { margin-bottom: .5rem; } }
@media print { body { max-width: none; } }
"""
LONG, LONG_CELL = 40, ' class="long"'
NUMBER = ' class="number"'
NUMERIC = re.compile(r"-|[-+]?[\d,]*\.?\d+(e[-+]\d+)?%?")


def page(title: str, parts: Iterable[str], style: str = "") -> str:
    """style: rules of CSS that this page has beside those of every page."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{chr(10).join(parts)}\n</body>\n</html>\n"
    )


def section(title: str, *parts: str, place: str = "") -> str:
    """place: by which a link finds it."""
    at = f' id="{place}"' if place else ""
    return f"<h2{at}>{escape(title)}</h2>\n{chr(10).join(parts)}"


def said(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def plots(drawn: Iterable[str]) -> str:
    return f'<div class="plots">{"".join(drawn)}</div>'


class Html(str):
    """Text that is HTML already."""

    __slots__ = ()


def link(target: str, text: str) -> Html:
    return Html(f'<a href="{escape(target)}">{escape(text)}</a>')


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns of numbers are aligned right. A wide table scrolls within the page.

    On a phone the cells of a row stand below one another if each row has a long text. Then each number
    has the name of its column before it.
    """
    numbers = [bool(rows) and all(_is_number(row[n]) for row in rows) for n in range(len(columns))]
    heads = [*zip(columns, numbers, strict=True)]
    cells = [[_cell(value, *of) for value, of in zip(row, heads, strict=True)] for row in rows]
    stacks = (
        ' class="stacks"' if cells and all(any(LONG_CELL in cell for cell in row) for row in cells) else ""
    )
    head = "".join(f"<th{NUMBER if of else ''}>{escape(column)}</th>" for column, of in heads)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return (
        f'<div class="wide"><table{stacks}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _is_number(value: object) -> bool:
    """Also a text that is one, and the dash for a number that there is not."""
    if isinstance(value, str):
        return not isinstance(value, Html) and NUMERIC.fullmatch(value) is not None
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object, column: str, number: bool) -> str:
    if isinstance(value, Html):
        return f"<td>{value}</td>"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else cell(value)
    style = f'{NUMBER} data-of="{escape(column)}"' if number else LONG_CELL if len(text) > LONG else ""
    return f"<td{style}>{escape(text)}</td>"
