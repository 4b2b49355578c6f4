"""What a manager asks first: was the newest night fine, is the model still good, what does a night take?"""

from collections.abc import Iterator, Sequence
from html import escape
from statistics import median

from nightjar.core.desk.calendar import Day, State
from nightjar.core.desk.entities import Desk, NightSeen
from nightjar.core.desk.places import night_file
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.due import last_due
from nightjar.core.monitoring.losses import FEWEST_NIGHTS, TrailingLoss, trailing_loss
from nightjar.core.night.clock import evening
from nightjar.core.plurals import counted
from nightjar.core.telling.incidents import UNWATCHED
from nightjar.showing import calendar, page

BAD = {State.HELD_BACK, State.FAILED, State.MISSING}
RECENT_NIGHTS = 14
WRONG = "wrong"
"""The place on the page of what is wrong now."""


def of(desk: Desk, days: Sequence[Day], spec: ModelSpec | None) -> str:
    """A question and its answer in each row."""
    if not days:
        return page.said("No night was begun yet. The schedule begins one, or `nightjar score --date`.")
    answers = (
        ("Was the newest night fine?", _newest(days[-1])),
        (f"And the last {counted(len(days[-RECENT_NIGHTS:]), 'night')}?", _recent(days[-RECENT_NIGHTS:])),
        ("Is anything wrong now?", _wrong(desk)),
        ("Is the model still good?", _quality(desk, spec)),
        ("What does a night take?", " ".join(_effort(desk))),
    )
    rows = "".join(f"<dt>{escape(asked)}</dt><dd>{answer}</dd>" for asked, answer in answers)
    return f'<dl class="answers">{rows}</dl>'


def _newest(day: Day) -> str:
    night = day.night
    told = calendar.of_newer(day) or str(day.state)
    name = str(day.score_date)
    where = escape(name) if night is None else page.link(night_file(day.score_date), name)
    counted = f" {_counted(night)}" if night is not None and night.published_at is not None else ""
    return f"{calendar.sign(day.state)} {where} is {escape(told)}.{counted}"


def _counted(night: NightSeen) -> str:
    population = night.scored + night.quarantined if night.population is None else night.population
    return f"{night.scored:,} of {population:,} rows are scored, {night.quarantined:,} are set aside."


def _recent(days: Sequence[Day]) -> str:
    bad = [(day, state) for day in days for state in (day.state, day.newer) if state in BAD]
    if not bad:
        running = ", ".join(str(day.score_date) for day in days if day.state is State.RUNNING)
        return f"All others are published. Still running: {running}." if running else "All are published."
    named = ", ".join(f"{day.score_date} ({_told(day, state)})" for day, state in bad)
    return escape(f"A person has to look at {named}.")


def _told(day: Day, state: State | None) -> str:
    return str(state) if state is day.state else calendar.of_newer(day)


def _wrong(desk: Desk) -> str:
    found = [one.severity for one in desk.troubles if one.ended_at is None]
    if not found:
        return "No. No incident is open." if desk.watched else f"Nobody can say. {UNWATCHED}"
    counts = ", ".join(f"{found.count(one)} {one}" for one in sorted({*found}))
    yes = "Yes." if desk.watched else "Yes, when a watcher looked last."
    told = page.link(f"#{WRONG}", f"{yes} Open incidents: {counts}.")
    return told if desk.watched else f"{told} {UNWATCHED}"


def _quality(desk: Desk, spec: ModelSpec | None) -> str:
    """By the numbers of the alert `degraded`."""
    if spec is None:
        return "Nobody can say: the folder of the model is gone, or cannot be used."
    metric = spec.kind.metric(spec.kind.loss.metric)
    measured = [night for night in desk.losses if night.metric == metric.name]
    loss = trailing_loss(measured)
    if loss is None:
        return (
            f"Nobody can say yet: {counted(len(measured), 'night')} of versions whose tests gave an interval "
            f"{'is' if len(measured) == 1 else 'are'} measured, and {FEWEST_NIGHTS} are needed."
        )
    nights = counted(loss.nights, "night")
    told = f"{metric.title} (less is better) of {nights} to {loss.last}: {loss.value:.4g}."
    expected = f"The tests of the versions that scored them expect at most {loss.expected:.4g}."
    return escape(" ".join(filter(None, (_judged(desk, spec, loss), told, expected, _later(desk, loss)))))


def _judged(desk: Desk, spec: ModelSpec, loss: TrailingLoss) -> str:
    """Nobody can say while as many newer nights lack the outcomes that are due as a judgement needs."""
    newest = max(night.score_date for night in desk.nights)
    due = last_due(spec, evening(spec, newest))
    lacking = sum(night.score_date <= due for night in _unmeasured(desk, loss))
    if lacking >= FEWEST_NIGHTS:
        return f"Nobody can say now: outcomes of {counted(lacking, 'newer night')} are due and missing."
    return "No: it is worse than its tests let expect." if loss.worse else "Yes."


def _later(desk: Desk, loss: TrailingLoss) -> str:
    """How many nights the answer knows nothing of."""
    later = len(_unmeasured(desk, loss))
    return f"Not measured yet: {counted(later, 'newer night')}." if later else ""


def _unmeasured(desk: Desk, loss: TrailingLoss) -> Sequence[NightSeen]:
    shown = (night for night in desk.nights if night.published_at is not None)
    return [night for night in shown if night.score_date > loss.last]


def _effort(desk: Desk) -> Iterator[str]:
    took = [
        (night, (night.ended_at - night.claimed_at).total_seconds())
        for night in desk.nights
        if night.ended_at is not None
    ]
    if not took:
        yield "No night has ended yet."
        return
    newest, seconds = took[-1]
    yield f"{newest.score_date} took {seconds:,.1f} s for {counted(newest.scored, 'row')}."
    if len(took) > 1:
        yield f"Half of the last {len(took[-RECENT_NIGHTS:])} took at most {_middle(took):,.1f} s."
    if peak := max(
        (one.peak_memory for one in desk.stages if one.score_date == newest.score_date), default=0
    ):
        yield f"It had at most {peak / 1e6:,.0f} MB in memory."


def _middle(took: Sequence[tuple[NightSeen, float]]) -> float:
    return median(seconds for _, seconds in took[-RECENT_NIGHTS:])
