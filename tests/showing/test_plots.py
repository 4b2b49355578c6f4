"""Plots are well-formed and stay within their frame, whatever the values are."""

import re
from itertools import pairwise
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from nightjar.showing.plots import Bar, Line, bars, lines, matrix, nothing, ticks

VALUES = st.floats(-1e6, 1e6, allow_subnormal=False)
NAMES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=30)


def places(drawn):
    """Every coordinate that is drawn, as (x, y). Also proves that the SVG can be parsed."""
    svg = ET.fromstring(re.search(r"<svg.*</svg>", drawn, re.DOTALL)[0])
    for path in svg.iter("path"):
        numbers = [float(n) for n in re.findall(r"-?\d+\.\d", path.get("d"))]
        yield from zip(numbers[::2], numbers[1::2], strict=True)
    for box in svg.iter("rect"):
        left, width = float(box.get("x")), float(box.get("width"))
        yield from ((at, float(box.get("y"))) for at in (left, left + width))


@given(st.lists(st.one_of(VALUES, st.none()), min_size=1, max_size=9), NAMES)
def test_a_line_stays_within_its_frame(values, name):
    drawn = lines(name, [Line(name, [*enumerate(values)])], "x", "y")
    if all(value is None for value in values):
        assert drawn == nothing(name)
        return
    assert all(0 <= x <= 360 and 0 <= y <= 230 for x, y in places(drawn))


@given(st.lists(VALUES, min_size=1, max_size=5), st.one_of(st.none(), VALUES), NAMES)
def test_a_bar_stays_within_its_frame(values, reference, name):
    drawn = bars(name, [Bar(name, value, value, value) for value in values], reference)
    assert all(0 <= x <= 361 for x, _ in places(drawn))


def test_a_gap_breaks_a_line_and_a_single_point_can_be_seen():
    drawn = lines("", [Line("a", [(0, 1.0), (1, None), (2, 2.0), (3, 3.0)])], "", "")
    (path,) = re.findall(r'd="([^"]*)"', drawn)
    assert path.count("M") == 2
    assert re.match(r"M (\S+ \S+) L \1 M", path)


def test_a_matrix_has_each_count_once():
    drawn = matrix("", ["a", "b"], [[1, 2], [3, 4000]], "told", "was")
    assert re.findall(r">([\d,]+)</text>", drawn) == ["1", "2", "3", "4,000"]


@given(VALUES, VALUES)
def test_ticks_are_round_rising_and_within(low, high):
    low, high = sorted((low, high))
    found = ticks(low, high)
    room = (high - low) * 1e-6
    assert all(low - room <= tick <= high + room for tick in found)
    assert all(one < other for one, other in pairwise(found))
    assert len(found) <= 12
