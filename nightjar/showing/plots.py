"""Plots as SVG text that stands in an HTML page: no script, no file beside it.

Each is 360 units wide, so that its letters can be read on a phone. Colours are classes that the page defines.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

WIDTH, HEIGHT = 360.0, 230.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 10.0, 22.0, 34.0
TICKS, MOST_NAMES = 5, 4
ROW, NAMES = 20.0, 132.0
"""Height of a bar with the space below it, and the width that names of bars have."""
MOST_LETTERS = 20
LETTER = 6.4
"""About as wide as a digit is."""
COLOURS = 6
DASHES = ("", "6 3", "2 3", "9 3 2 3", "4 2 1 2", "1 5")
"""Lines of a plot differ in their dashes too, so that nobody has to tell colours apart."""

Point = tuple[float, float | None]


@dataclass(frozen=True, slots=True)
class Line:
    """points: from left to right; None leaves a gap. band: lower and upper bound at each point, if known."""

    name: str
    points: Sequence[Point]
    band: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class Bar:
    """low, high: its interval, if known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """A range of values, and where they lie on the page."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return self.start + share * (self.end - self.start)


def lines(
    title: str,
    shown: Sequence[Line],
    x: str,
    y: str,
    names: Sequence[tuple[float, str]] = (),
    most: float = math.inf,
) -> str:
    """Lines over one axis. x, y: what the axes show. names: of places on the x axis, in place of numbers.

    most: the greatest value that there can be, as 1 of a share.
    """
    places = [point[0] for line in shown for point in line.points]
    values = [value for line in shown for _, value in line.points if value is not None]
    values += [bound for line in shown for both in line.band for bound in both]
    if not values:
        return nothing(title)
    across = Axis(min(places), max(places), LEFT, WIDTH - RIGHT)
    low, high = _roomy(min(values), max(values))
    up = Axis(low, min(high, most), HEIGHT - BOTTOM, TOP)
    marks = _some(names) if names else [(tick, told(tick)) for tick in ticks(across.low, across.high)]
    drawn = [*_grid(up, y), *_named_places(across, marks, x)]
    drawn += [_line(line, across, up, n % COLOURS) for n, line in enumerate(shown)]
    return _figure(title, HEIGHT, drawn, _legend(shown))


def bars(title: str, shown: Sequence[Bar], reference: float | None = None) -> str:
    """Horizontal bars with their intervals. reference: a value that is marked across all of them."""
    if not shown:
        return nothing(title)
    values = [value for bar in shown for value in (bar.value, bar.low, bar.high) if value is not None]
    values += [0.0 if reference is None else reference]
    height = TOP + ROW * len(shown) + BOTTOM
    across = Axis(*_roomy(min(values), max(values)), NAMES, WIDTH - RIGHT)
    drawn = [
        *_named_places(across, [(tick, told(tick)) for tick in ticks(across.low, across.high, 3)], "", height)
    ]
    base = across.low if reference is None else reference
    drawn += [
        piece
        for n, bar in enumerate(shown)
        for piece in _bar(bar, TOP + ROW * n, across, max(base, across.low))
    ]
    if reference is not None:
        at = across.at(reference)
        drawn.append(
            f'<line class="mark" x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{height - BOTTOM:.1f}"/>'
        )
    return _figure(title, height, drawn)


def matrix(title: str, names: Sequence[str], counts: Sequence[Sequence[int]], x: str, y: str) -> str:
    """Counts of pairs, one row for each first name. Shades are shares of the row."""
    size = (WIDTH - NAMES - RIGHT) / max(len(names), 1)
    height = TOP + size * len(names) + BOTTOM
    drawn = [f'<text class="axis" x="{NAMES:.0f}" y="{height - 4:.1f}">{escape(x)}</text>']
    drawn += [f'<text class="axis" x="2" y="{height - 4:.1f}">{escape(y)}</text>']
    for row, (name, of_row) in enumerate(zip(names, counts, strict=True)):
        top, total = TOP + size * row, sum(of_row) or 1
        drawn.append(_text(name, NAMES - 6, top + size / 2 + 4, "end"))
        drawn.append(_text(name, NAMES + size * (row + 0.5), height - BOTTOM + 13, "middle", 9))
        for column, count in enumerate(of_row):
            left = NAMES + size * column
            drawn.append(_box(left, top, size - 1, size - 1, 0.08 + 0.7 * count / total) + "</rect>")
            drawn.append(_text(f"{count:,}", left + size / 2, top + size / 2 + 4, "middle"))
    return _figure(title, height, drawn)


def dates(nights: Sequence[date]) -> list[tuple[float, str]]:
    """The names of nights that are drawn one after the other."""
    return [(float(n), f"{night:%b %d}") for n, night in enumerate(nights)]


def nothing(title: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption><p>There is nothing to draw.</p></figure>"


def ticks(low: float, high: float, wanted: int = TICKS) -> tuple[float, ...]:
    """Round numbers within a range, about as many as wanted."""
    if not high > low:
        return (low,)
    rough = (high - low) / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return tuple(n * step for n in range(first, math.floor(high / step + 1e-9) + 1))


def told(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _roomy(low: float, high: float) -> tuple[float, float]:
    """A range with some room on both sides. It does not cross 0 for that."""
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return (max(low - room, 0.0) if low >= 0 else low - room), high + room


def _some(names: Sequence[tuple[float, str]]) -> Sequence[tuple[float, str]]:
    """At most as many names as have room."""
    every = math.ceil(len(names) / MOST_NAMES)
    return names[::every]


def _grid(up: Axis, title: str) -> Iterator[str]:
    for tick in ticks(up.low, up.high):
        at = up.at(tick)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>'
        yield _text(told(tick), LEFT - 5, at + 4, "end")
    yield f'<text class="axis" x="2" y="{TOP - 12}">{escape(title)}</text>'


def _named_places(
    across: Axis, marks: Iterable[tuple[float, str]], title: str, height: float = HEIGHT
) -> Iterator[str]:
    for place, name in marks:
        half = LETTER * len(name) / 2
        at = min(max(across.at(place), half), WIDTH - half)
        yield _text(name, at, height - BOTTOM + 14, "middle")
    middle, below = (across.start + across.end) / 2, height - 4
    yield f'<text class="axis" x="{middle:.1f}" y="{below:.1f}" text-anchor="middle">{escape(title)}</text>'


def _line(line: Line, across: Axis, up: Axis, colour: int) -> str:
    pieces = [_path(piece, across, up) for piece in _unbroken(line.points)]
    return _band(line, across, up, colour) + _stroke(" ".join(pieces), colour)


def _stroke(path: str, colour: int) -> str:
    dashes = f' stroke-dasharray="{DASHES[colour]}"' if DASHES[colour] else ""
    return f'<path class="l{colour}" d="{path}"{dashes}/>'


def _band(line: Line, across: Axis, up: Axis, colour: int) -> str:
    if not line.band:
        return ""
    places = [place for place, _ in line.points]
    edge = [*zip(places, (low for low, _ in line.band), strict=True)]
    edge += [*zip(places, (high for _, high in line.band), strict=True)][::-1]
    corners = " ".join(f"{across.at(place):.1f},{up.at(value):.1f}" for place, value in edge)
    return f'<polygon class="s{colour}" fill-opacity="0.15" points="{corners}"/>'


def _unbroken(points: Sequence[Point]) -> Iterator[Sequence[tuple[float, float]]]:
    """Runs of points that have a value."""
    run = list[tuple[float, float]]()
    for place, value in points:
        if value is None:
            yield run
            run = list[tuple[float, float]]()
        else:
            run.append((place, value))
    yield run


def _path(points: Sequence[tuple[float, float]], across: Axis, up: Axis) -> str:
    """A single point is a short stroke, or nobody would see it."""
    doubled = [*points, *((place, value) for place, value in points if len(points) == 1)]
    corners = [f"{across.at(place):.1f} {up.at(value):.1f}" for place, value in doubled]
    return f"M {' L '.join(corners)}" if corners else ""


def _bar(bar: Bar, top: float, across: Axis, base: float) -> Iterator[str]:
    start, end = sorted((across.at(base), across.at(bar.value)))
    yield _text(_short(bar.name), NAMES - 6, top + 13, "end")
    title = f"<title>{escape(bar.name)}: {told(bar.value)}</title>"
    yield f"{_box(start, top + 3, max(end - start, 1), ROW - 6, 0.75)}{title}</rect>"
    if bar.low is not None and bar.high is not None:
        low, high, middle = across.at(bar.low), across.at(bar.high), top + ROW / 2
        yield f'<line class="reach" x1="{low:.1f}" x2="{high:.1f}" y1="{middle:.1f}" y2="{middle:.1f}"/>'


def _box(left: float, top: float, width: float, height: float, opacity: float) -> str:
    """The opening tag of a rectangle."""
    place = f'x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="s0" {place} fill-opacity="{opacity:.2f}">'


def _short(name: str) -> str:
    return name if len(name) <= MOST_LETTERS else f"{name[: MOST_LETTERS - 1]}…"


def _text(text: str, x: float, y: float, anchor: str, size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'


def _legend(shown: Sequence[Line]) -> str:
    if len(shown) < 2:
        return ""
    names = (f"<span>{_sample(n % COLOURS)}{escape(line.name)}</span>" for n, line in enumerate(shown))
    return f'<p class="legend">{" ".join(names)}</p>'


def _sample(colour: int) -> str:
    """A piece of a line, before its name."""
    return f'<svg viewBox="0 0 26 8" aria-hidden="true">{_stroke("M 1 4 L 25 4", colour)}</svg>'


def _figure(title: str, height: float, drawn: Iterable[str], legend: str = "") -> str:
    return (
        f"<figure><figcaption>{escape(title)}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="{escape(title)}">'
        f"{''.join(drawn)}</svg>{legend}</figure>"
    )
