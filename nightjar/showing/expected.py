"""What was expected of nights beside what came true, on the pages of the desk.

A metric is shown by the method that has earned it best, and by none where the mean of the nights before is as
good: then a sentence says so.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from nightjar.core.monitoring.foreseen import Expected, Method, by_record, records_of, shown, told
from nightjar.showing import page, plots

NOTHING = "Nothing was expected: no audit has kept rows of enough nights whose outcomes are known."
COLUMNS = (
    "metric",
    "expected",
    "method",
    "came true",
    "error",
    "its mean error by week",
    "that of the trailing mean",
)


def of_nights(expected: Sequence[Expected], title_of: Callable[[str], str]) -> Iterator[str]:
    """For each metric what is expected of the newest night, and a line of nights where that has earned it.

    title_of: what people call a metric.
    """
    if not expected:
        yield page.said(NOTHING)
        return
    newest = max(one.score_date for one in expected)
    tonight = [one for one in expected if one.score_date == newest]
    drawn = list[str]()
    for metric in _metrics(expected):
        records, title = records_of(expected, metric), title_of(metric)
        yield page.said(f"{newest}: {told(title, records, shown(tonight, metric, records))}")
        earned = [method for method in by_record(records) if records[method].earned]
        if earned:
            drawn.append(_line([one for one in expected if one.metric == metric], earned[0], title))
    if drawn:
        yield page.plots(drawn)


def of_night(
    expected: Sequence[Expected], night: date, title_of: Callable[[str], str] = str
) -> Iterator[str]:
    """What was expected of a night, beside what came true. The record is that of the nights before it.

    title_of: what people call a metric.
    """
    tonight = [one for one in expected if one.score_date == night]
    if not tonight:
        yield page.said(NOTHING)
        return
    before = [one for one in expected if one.score_date < night]
    rows = list[tuple[object, ...]]()
    for metric in _metrics(tonight):
        records = records_of(before, metric)
        one = shown(tonight, metric, records)
        if one is None or one.value is None:
            yield page.said(told(title_of(metric), records, one))
            continue
        error = None if one.came_true is None else one.value - one.came_true
        record = records[Method(one.method)]
        numbers = (one.came_true, error, record.error, record.trailing_error)
        rows.append((title_of(metric), f"{one.value:.4f}", one.method, *map(_number, numbers)))
    if rows:
        yield page.table(COLUMNS, rows)


def _metrics(expected: Sequence[Expected]) -> Sequence[str]:
    return sorted({one.metric for one in expected})


def _line(of_metric: Sequence[Expected], method: Method, title: str) -> str:
    said = {one.score_date: one for one in of_metric if one.method == method}
    nights = sorted(said)
    lines = [
        plots.Line(f"expected by {method}", [(n, said[night].value) for n, night in enumerate(nights)]),
        plots.Line("came true", [(n, said[night].came_true) for n, night in enumerate(nights)]),
    ]
    return plots.lines(f"{title}: expected, and what came true", lines, "night", "", plots.dates(nights))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
