"""A calendar of nights and a map of columns by night, as HTML and SVG.

A state has a sign beside its colour, so that nobody has to tell colours apart.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from html import escape
from itertools import groupby

from nightjar.core.desk.calendar import MEANING, Day, State
from nightjar.core.desk.entities import ColumnSeen

SIGNS: Mapping[State, str] = {
    State.PUBLISHED: "●",
    State.LATE: "◑",
    State.ACCEPTED: "◆",
    State.REPAIRED: "↻",
    State.ROLLED_BACK: "↩",
    State.HELD_BACK: "■",
    State.FAILED: "✕",
    State.RUNNING: "…",
    State.MISSING: "○",
}
WAITING = {State.HELD_BACK, State.FAILED}
"""The calendar frames a night whose newer run is in one of these states."""
STYLE = """
.months { display: flex; flex-wrap: wrap; gap: 1rem 1.4rem; }
.month { border-spacing: 2px; border-collapse: separate; font-size: .8rem; }
.month caption { text-align: left; font-weight: 600; padding-bottom: .2rem; }
.month th { font-weight: 400; text-align: center; padding: 0; border: 0; min-width: 1.7rem; }
.month td { padding: 0; border: 0; }
.month a { display: block; width: 1.7rem; height: 1.7rem; line-height: 1.7rem; text-align: center;
  border-radius: .25rem; text-decoration: none; color: #111; border: 1px solid transparent; }
.state { display: inline-block; min-width: 1.7rem; text-align: center; border-radius: .25rem; color: #111; }
.published { background: #b7dcf2; } .late { background: #f6d998; } .accepted { background: #e6c3dd; }
.repaired { background: #a8ddca; } .rolled-back { background: #cfd6de; } .held-back { background: #f2a477; }
.failed { background: #e58b8b; } .running { background: #f4efb4; }
.missing { background: transparent; border-color: var(--soft) !important; color: var(--text) !important; }
.newer { border: 2px solid var(--c1) !important; font-weight: 700; }
.map rect { stroke: none; } svg.map text { font-size: 11px; }
ul.key { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; font-size: .85rem; }
"""
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
CELL, LETTER, HEAD = 14.0, 6.8, 52.0
"""Width of a cell and of a letter, and height of the names of the nights."""
NAMED_DAYS = (1, 8, 15, 22)
STRONG = 3.0
"""A distance of this many times its limit has the darkest shade."""


def months(days: Iterable[Day], link: Callable[[date], str]) -> str:
    """One small table a month, newest first: on a phone a year is many screens. link: of the page of a night.

    days: oldest first.
    """
    by_month = groupby(days, key=lambda day: (day.score_date.year, day.score_date.month))
    drawn = [_month(list(found), link) for _, found in by_month]
    return f'<div class="months">{"".join(reversed(drawn))}</div>'


def key(days: Iterable[Day]) -> str:
    """What the signs mean, and how many nights have each."""
    found, counts = list(days), dict.fromkeys(State, 0)
    for day in found:
        counts[day.state] += 1
    items = [
        f"<li>{sign(state)} {count} {escape(state)}: {escape(MEANING[state])}</li>"
        for state, count in counts.items()
        if count
    ]
    if framed := sum(day.newer in WAITING for day in found):
        frame = '<span class="state newer" aria-hidden="true">&nbsp;</span>'
        items.append(f"<li>{frame} {framed} framed: a newer run of it is held back or failed</li>")
    return f'<ul class="key">{"".join(items)}</ul>'


def sign(state: State) -> str:
    return f'<span class="state {_class(state)}" aria-hidden="true">{SIGNS[state]}</span>'


def of_newer(day: Day) -> str:
    """What became of a newer run of a published night. Empty if there is none."""
    return "" if day.newer is None else f"{day.state}, and a newer run is {day.newer}"


def drift_map(cells: Sequence[ColumnSeen]) -> str:
    """Columns by night. The shade is the distance over its limit; a dot marks what counts as drifted.

    Columns that drifted most often come first.
    """
    nights = sorted({cell.score_date for cell in cells})
    often = dict.fromkeys(sorted({cell.column_name for cell in cells}), 0)
    for cell in cells:
        often[cell.column_name] += cell.drifted
    places = {name: row for row, name in enumerate(sorted(often, key=lambda name: (-often[name], name)))}
    names = {name: f"{name} ({often[name]})" if often[name] else name for name in places}
    left = LETTER * max(map(len, names.values()), default=0) + 10
    width, height = left + CELL * len(nights) + HEAD / 2, HEAD + CELL * len(places) + 4
    drawn = [_name(names[name], left, row) for name, row in places.items()]
    at = {night: left + CELL * column for column, night in enumerate(nights)}
    drawn += [_night(night, place) for night, place in at.items()]
    drawn += [_cell(cell, at[cell.score_date], places[cell.column_name]) for cell in cells]
    style = f"width:{width:.0f}px;max-width:none"
    return (
        f'<div class="wide" tabindex="0"><svg class="map" style="{style}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
        f'aria-label="Drift of each column by night">{"".join(drawn)}</svg></div>'
    )


def _month(days: Sequence[Day], link: Callable[[date], str]) -> str:
    first = days[0].score_date.replace(day=1)
    by_date = {day.score_date: day for day in days}
    head = "".join(f'<th scope="col">{name}</th>' for name in WEEKDAYS)
    rows, monday = list[str](), first - timedelta(days=first.weekday())
    while monday <= days[-1].score_date:
        week = (monday + timedelta(days=n) for n in range(7))
        rows.append(f"<tr>{''.join(_day(by_date.get(day), day, first, link) for day in week)}</tr>")
        monday += timedelta(days=7)
    caption = f"<caption>{first:%B %Y}</caption>"
    return (
        f'<table class="month">{caption}<thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    )


def _day(day: Day | None, at: date, month: date, link: Callable[[date], str]) -> str:
    if day is None or (at.year, at.month) != (month.year, month.month):
        return "<td></td>"
    told = f"{at}: {of_newer(day) or day.state}"
    frame = " newer" if day.newer in WAITING else ""
    target = f' href="{escape(link(at))}"' if day.night is not None else ""
    return (
        f'<td><a class="{_class(day.state)}{frame}"{target} title="{told}" aria-label="{told}">'
        f"{SIGNS[day.state]}</a></td>"
    )


def _class(state: State) -> str:
    return state.value.replace(" ", "-")


def _name(told: str, left: float, row: int) -> str:
    return f'<text x="{left - 5:.0f}" y="{_top(row) + 11:.1f}" text-anchor="end">{escape(told)}</text>'


def _night(night: date, left: float) -> str:
    at = f"{left + 10:.1f}", f"{HEAD - 4:.0f}"
    shown = f"{night:%b %d}" if night.day in NAMED_DAYS else "·"
    return f'<text x="{at[0]}" y="{at[1]}" transform="rotate(-60 {" ".join(at)})">{shown}</text>'


def _cell(cell: ColumnSeen, left: float, row: int) -> str:
    top = _top(row)
    shade = 0.06 + 0.9 * min(share_of_limit(cell) / STRONG, 1.0)
    colour = "s1" if cell.drifted else "s0"
    value = "cannot be measured" if cell.value is None else f"{cell.value:.3g}"
    limit = "" if cell.threshold is None else f", limit {cell.threshold:.3g}"
    told = f"{cell.score_date} {cell.column_name}: {value}{limit}{', drifted' if cell.drifted else ''}"
    box = f'x="{left:.1f}" y="{top:.1f}" width="{CELL - 1:.1f}" height="{CELL - 1:.1f}"'
    middle = f'cx="{left + 6.5:.1f}" cy="{top + 6.5:.1f}"'
    dot = f'<circle {middle} r="2.5" fill="var(--page)"/>' if cell.drifted else ""
    return (
        f'<rect class="{colour}" {box} fill-opacity="{shade:.2f}"><title>{escape(told)}</title></rect>{dot}'
    )


def share_of_limit(cell: ColumnSeen) -> float:
    if cell.value is None or not cell.threshold:
        return STRONG if cell.drifted else 0.0
    return cell.value / cell.threshold


def _top(row: int) -> float:
    return HEAD + CELL * row
