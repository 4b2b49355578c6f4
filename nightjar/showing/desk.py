"""The desk: the nights of a model on one page, each night on a page of its own, as HTML without a script.

The same pages are served and written to files, so every link is relative and names a file.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from html import escape
from itertools import pairwise
from urllib.parse import quote

from nightjar.core.desk.calendar import Day, State
from nightjar.core.desk.entities import (
    ColumnSeen,
    Desk,
    EntityNight,
    Explained,
    Found,
    Measured,
    ModelSeen,
    Nights,
    NightSeen,
    OfNight,
    OpenNow,
    Report,
    SetAside,
    StageSeen,
    Trouble,
)
from nightjar.core.desk.places import AT, RUNBOOKS, TOP, night_file, run_url, runbook_place
from nightjar.core.model.spec import ModelSpec
from nightjar.core.plurals import counted
from nightjar.core.telling.incidents import UNWATCHED
from nightjar.showing import calendar, expected, page, plots, summary
from nightjar.showing.console import measured as with_interval

TITLES = {"drift": "Drift, with the distribution of each column", "card": "Card of the version"}
"""Of the reports, by kind."""


def index(models: Iterable[ModelSeen], now: OpenNow, *, served: bool) -> str:
    """The page that lists the models, and what is wrong now. served: False for files."""
    rows = [
        (
            page.link(f"{quote(one.model)}/{TOP}", one.model),
            one.open_troubles or "none",
            "-" if one.newest is None else str(one.newest),
            _instant(one.published_at),
            one.nights,
        )
        for one in models
    ]
    columns = ("model", "open incidents", "newest published night", "published (UTC)", "published nights")
    ways = [page.link(f"{RUNBOOKS}/{TOP}", "All runbooks")]
    ways += [page.link("../", "Runs and schedules (Prefect)")] if served else []
    listed = page.table(columns, rows) if rows else page.said("No model has a version yet.")
    wrong = page.section("What is wrong now", _unwatched(watched=now.watched), _open(now.troubles))
    parts = [listed, f"<p>{' · '.join(ways)}</p>", wrong, _read_at(now.sent_at)]
    return _page("Nightjar", parts)


def _read_at(read_at: datetime) -> str:
    return page.said(f"Read at {_instant(read_at)} UTC, with the rights of an analyst.")


def _unwatched(*, watched: bool) -> str:
    return "" if watched else page.said(UNWATCHED)


def _open(troubles: Sequence[Trouble]) -> str:
    if not troubles:
        return page.said("No incident is open.")
    rows = [
        (
            one.model or "the platform",
            one.severity,
            one.sentence,
            _instant(one.began_at),
            page.link(quote(runbook_place(one.runbook)), one.runbook.removesuffix(".md")),
        )
        for one in troubles
    ]
    return page.table(("model", "severity", "what", "since (UTC)", "runbook"), rows)


def _nights(days: Sequence[Day]) -> Iterator[str]:
    if days:
        yield page.section("Nights", calendar.key(days), calendar.months(days, night_file))


def model_page(desk: Desk, days: Sequence[Day], spec: ModelSpec | None, *, served: bool) -> str:
    """The page of a model. spec: None where its folder is gone. served: False for files."""
    parts = [
        f'<p><a href="../{TOP}">All models</a></p>',
        page.said("" if spec is None else spec.description),
        summary.of(desk, days, spec),
        _entity_form() if served else "",
        *_nights(days),
        page.section(
            "What is wrong now, and was lately",
            _unwatched(watched=desk.watched),
            _troubles(desk.troubles),
            place=summary.WRONG,
        ),
        page.section("Quality", *_quality(desk, spec)),
        page.section(
            "Expected before outcomes were known", *expected.of_nights(desk.expected, _titles(spec))
        ),
        page.section("Scores", *_scores(desk)),
        page.section("Drift of each column", _drift(desk)),
        page.section("Champion and challenger", *_challenger(desk, spec)),
        page.section("Rows set aside", *_set_aside(desk)),
        page.section("Rows and seconds of each night", *_effort(desk)),
        page.section("Seconds and rows of each stage", *_stages(desk.stages)),
        page.section("Versions", *_versions(desk)),
        _read_at(desk.sent_at),
    ]
    return _page(desk.model if spec is None else spec.title, parts)


def night_page(nights: Nights, day: Day, of: OfNight, spec: ModelSpec | None, *, served: bool) -> str:
    """The page of a night. spec: None where the model's folder is gone. served: False for files."""
    night = day.night
    told = calendar.of_newer(day) or str(day.state)
    parts = [_around(nights, day.score_date), f"<p>{calendar.sign(day.state)} {escape(told)}</p>"]
    if night is not None:
        parts += [
            page.section("Run", page.table(("what", "value"), [*_run(night, day.state, served=served)])),
            *_newer(night, day.newer, of),
            page.section("Reports", _reports(of.reports)),
            page.section(
                "What the audit found",
                _found(of.found, night.run_id, published=night.published_at is not None),
            ),
            page.section("Quality", _of_night(of.measured, _titles(spec))),
            page.section(
                "Expected before outcomes were known",
                *expected.of_night(of.expected, day.score_date, _titles(spec)),
            ),
            page.section("Drift", _drift_of(of.drift)),
            page.section("Rows set aside", _set_aside_of(night, of.set_aside)),
            page.section("Rows with reasons", _explained(of.explained, served=served)),
            page.section("Seconds and rows of each stage", _stage_table(of.stages)),
        ]
    return _page(f"{nights.model}: {day.score_date}", parts)


def entity_page(model: str, entity_key: str, nights: Sequence[EntityNight]) -> str:
    """The scores of an entity over time."""
    back = f'<p><a href="{TOP}">{escape(model)}</a></p>'
    if not nights:
        return _page(f"{model}: {entity_key}", [back, page.said("No published night scored it.")])
    rows = [
        (
            page.link(night_file(one.score_date), str(one.score_date)),
            f"{one.score:.4g}",
            "-" if one.outcome is None else f"{one.outcome:g}",
            one.model_version,
            "; ".join(one.reasons) or "-",
        )
        for one in reversed(nights)
    ]
    names = plots.dates([one.score_date for one in nights])
    drawn = [
        plots.Line("score", [(n, one.score) for n, one in enumerate(nights)]),
        plots.Line("outcome", [(n, one.outcome) for n, one in enumerate(nights)]),
    ]
    return _page(
        f"{model}: {entity_key}",
        [
            back,
            page.plots([plots.lines("Score and outcome", drawn, "night", "", names)]),
            page.table(("night", "score", "outcome", "version", "reasons"), rows),
        ],
    )


def refused(title: str, what: str) -> str:
    """The page that says why there is no other."""
    return _page(title, [page.said(what), f'<p><a href="{AT}/{TOP}">All models</a></p>'])


def _troubles(troubles: Sequence[Trouble]) -> str:
    if not troubles:
        return page.said("No incident is on record.")
    rows = [
        (
            "open" if one.ended_at is None else f"ended {_instant(one.ended_at)}",
            one.severity,
            one.sentence,
            _instant(one.began_at),
            _runbook(one.runbook),
        )
        for one in troubles
    ]
    return page.table(("state", "severity", "what", "since (UTC)", "runbook"), rows)


def _quality(desk: Desk, spec: ModelSpec | None) -> Iterator[str]:
    found = [one for one in desk.measured if one.role == "champion"]
    if not found:
        yield page.said("No night is measured yet: outcomes are known later.")
        return
    yield page.plots(
        [
            *(_metric(found, name, title) for name, title in _headline_metrics(found, spec)),
            _coverage(found),
        ]
    )
    yield page.said(
        "Each night alone, and windows of nights that end with it. A band is the interval of a window at "
        "95%, computed over its nights."
    )


def _metric(found: Sequence[Measured], name: str, title: str) -> str:
    of = [one for one in found if one.metric == name]
    nights = sorted({one.score_date for one in of})
    at = {night: n for n, night in enumerate(nights)}
    drawn = [
        _series(f"{occasions} nights" if occasions > 1 else "each night", rows, at, banded=occasions > 1)
        for occasions in sorted({one.occasions for one in of}, reverse=True)
        if (rows := [one for one in of if one.occasions == occasions])
    ]
    return plots.lines(title, drawn, "night", "", plots.dates(nights))


def _series(name: str, rows: Sequence[Measured], at: Mapping[date, int], *, banded: bool) -> plots.Line:
    points = [(float(at[one.score_date]), one.value) for one in rows]
    bands = [(one.low, one.high) for one in rows]
    known = [(low, high) for low, high in bands if low is not None and high is not None]
    band = known if banded and len(known) == len(points) else ()
    return plots.Line(name, points, band)


def _coverage(found: Sequence[Measured]) -> str:
    covered = {one.score_date: one.coverage for one in found if one.occasions == 1}
    points = [(float(n), covered[night]) for n, night in enumerate(sorted(covered))]
    line = plots.Line("coverage", points)
    names = plots.dates(sorted(covered))
    return plots.lines("Share of rows whose outcome is known", [line], "night", "", names, most=1)


def _scores(desk: Desk) -> Iterator[str]:
    rows = [one for one in desk.scored if one.quantiles]
    if not rows:
        yield page.said("No scores are on record.")
        return
    points = [(float(n), one.mean) for n, one in enumerate(rows)]
    band = [_quarters(one.quantiles) for one in rows]
    names = plots.dates([one.score_date for one in rows])
    yield page.plots(
        [
            plots.lines(
                "Mean score, and the middle half", [plots.Line("mean", points, band)], "night", "", names
            )
        ]
    )


def _quarters(quantiles: Sequence[float]) -> tuple[float, float]:
    last = len(quantiles) - 1
    return quantiles[last // 4], quantiles[last - last // 4]


def _drift(desk: Desk) -> str:
    if not desk.drift:
        return page.said("No night was compared yet.")
    nights = len({cell.score_date for cell in desk.drift})
    told = (
        f"The last {counted(nights, 'night')} against the training sample. A darker shade is further away; "
        "an orange cell with a dot counts as drifted. The number behind a name says how often it did."
    )
    return page.said(told) + calendar.drift_map(desk.drift)


def _challenger(desk: Desk, spec: ModelSpec | None) -> Iterator[str]:
    both = [one for one in desk.measured if one.role != "champion" and one.occasions == 1]
    if not both:
        yield page.said("No challenger scored these nights.")
        return
    loss = both[0].metric if spec is None else spec.kind.loss.metric
    nights = sorted({one.score_date for one in both})
    at = {night: n for n, night in enumerate(nights)}
    drawn = [
        _series(
            name,
            [one for one in both if one.role == role and one.metric == loss],
            at,
            banded=False,
        )
        for role, name in (("champion beside challenger", "champion"), ("challenger", "challenger"))
    ]
    yield page.plots(
        [plots.lines(f"{loss} on rows that both scored", drawn, "night", "", plots.dates(nights))]
    )


def _set_aside(desk: Desk) -> Iterator[str]:
    if not desk.set_aside:
        published = any(night.published_at is not None for night in desk.nights)
        none = "No row of the nights published lately broke the contract."
        yield page.said(none if published else "No night is published yet.")
        return
    counts = dict[str, int]()
    for one in desk.set_aside:
        name = _reason(one.column_name, one.broken)
        counts[name] = counts.get(name, 0) + one.rows
    most = sorted(counts.items(), key=lambda each: (-each[1], each[0]))[:12]
    yield page.plots([plots.bars("Rows by reason, of the last nights", [plots.Bar(*each) for each in most])])
    rows = [(name, count) for name, count in most]
    yield page.table(("reason", "rows"), rows)


def _effort(desk: Desk) -> Iterator[str]:
    nights = [night for night in desk.nights if night.ended_at is not None]
    if not nights:
        yield page.said("No night has ended yet.")
        return
    names = plots.dates([night.score_date for night in nights])
    rows = plots.Line("rows", [(n, float(night.scored)) for n, night in enumerate(nights)])
    seconds = plots.Line("seconds", [(n, _seconds(night)) for n, night in enumerate(nights)])
    yield page.plots(
        [
            plots.lines("Rows scored", [rows], "night", "", names),
            plots.lines("Seconds of the last attempt", [seconds], "night", "", names),
        ]
    )


def _stages(stages: Sequence[StageSeen]) -> Iterator[str]:
    """Lines of the stages that take most, over the last nights, and a table of the newest night."""
    if not stages:
        yield _stage_table(stages)
        return
    nights = sorted({one.score_date for one in stages})
    at = {night: float(n) for n, night in enumerate(nights)}
    took = dict[str, dict[date, float]]()
    for one in stages:
        took.setdefault(one.name, {})[one.score_date] = one.seconds
    most = sorted(took, key=lambda name: -sum(took[name].values()))[: plots.COLOURS]
    drawn = [plots.Line(name, [(at[night], took[name].get(night)) for night in nights]) for name in most]
    yield page.plots([plots.lines("Seconds of the longest stages", drawn, "night", "", plots.dates(nights))])
    yield page.said(f"The newest of these nights, {nights[-1]}:")
    yield _stage_table([one for one in stages if one.score_date == nights[-1]])


def _stage_table(stages: Sequence[StageSeen]) -> str:
    rows = [
        (
            one.name,
            "-" if one.rows is None else f"{one.rows:,}",
            f"{one.seconds:.2f}",
            f"{one.cpu_seconds:.2f}",
            "-" if one.size is None else f"{one.size / 1e6:,.1f}",
            f"{one.peak_memory / 1e6:,.0f}",
            one.retries,
        )
        for one in stages
    ]
    columns = ("stage", "rows", "seconds", "CPU seconds", "megabytes", "peak megabytes", "retries")
    return page.table(columns, rows) if rows else page.said("No stage is on record.")


def _versions(desk: Desk) -> Iterator[str]:
    cards = _cards(desk)
    champions = [held for held in desk.roles if held.role == "champion"]
    if len(champions) > 1:
        first = champions[0].held_from
        steps = [
            (_days_since(first, moment), float(one.model_version))
            for one, after in pairwise([*champions, None])
            if one is not None
            for moment in (one.held_from, desk.sent_at if after is None else after.held_from)
        ]
        line = plots.Line("champion", steps)
        yield page.plots([plots.lines("Version that was champion", [line], "days since the first", "")])
    rows = [
        (
            cards.get(held.model_version, str(held.model_version)),
            held.role,
            _instant(held.held_from),
            "now" if held.held_until is None else _instant(held.held_until),
            held.actor,
            held.reason,
        )
        for held in reversed(desk.roles)
    ]
    columns = ("version", "role", "from (UTC)", "until", "decided by", "why")
    yield page.table(columns, rows) if rows else page.said("No version ever had a role.")


def _cards(desk: Desk) -> Mapping[int, page.Html]:
    """A link to the newest card of each version that has one."""
    versions = {night.run_id: night.model_version for night in desk.nights}
    return {
        (number := versions[one.run_id]): page.link(report_file(one), f"{number}: its card")
        for one in desk.reports
        if one.kind == "card" and one.run_id in versions
    }


def _run(night: NightSeen, state: State, *, served: bool) -> Iterator[tuple[str, str]]:
    yield "run, revision", f"{night.run_id}, {night.revision}"
    yield "version", str(night.model_version)
    yield "state", night.state if night.published_at is not None else str(state)
    yield "published (UTC)", _instant(night.published_at)
    if night.first_published_at != night.published_at:
        yield "first published (UTC)", _instant(night.first_published_at)
    yield "population", "-" if night.population is None else f"{night.population:,}"
    yield "scored", f"{night.scored:,}"
    yield "set aside", f"{night.quarantined:,}"
    yield "seconds of the last attempt", "-" if night.ended_at is None else f"{_seconds(night):,.1f}"
    for name, text in (("reason", night.reason), ("error", night.error)):
        if text:
            yield name, text
    if night.flow_run:
        yield "flow run", _flow_run(night.flow_run) if served else night.flow_run
    for finding in night.findings or ():
        yield "accepted", finding


def _flow_run(flow_run: str) -> page.Html:
    """Its page of Prefect, on the server that serves the desk."""
    return page.link(run_url("../..", quote(flow_run)), flow_run)


def _newer(night: NightSeen, state: State | None, of: OfNight) -> Iterator[str]:
    """What is known of a run that was to replace the published one, and is not published."""
    if night.newer is not None:
        rows = (("run", str(night.newer)), ("state", str(state)), ("error", night.newer_error or "-"))
        found = _found(of.found, night.newer, published=False)
        yield page.section("A newer run, not published", page.table(("what", "value"), rows), found)


def _of_night(measured: Iterable[Measured], title_of: Callable[[str], str]) -> str:
    rows = [
        (
            title_of(one.metric),
            with_interval(one.value, one.low, one.high),
            one.rows,
            f"{one.coverage or 0:.1%}",
        )
        for one in measured
        if one.role == "champion" and one.occasions == 1 and one.value is not None
    ]
    if not rows:
        return page.said("It is not measured yet: outcomes are known later.")
    return page.table(("metric", "value", "rows", "outcomes known"), rows)


def _drift_of(cells: Sequence[ColumnSeen]) -> str:
    if not cells:
        return page.said("It was not compared.")
    worst = sorted(cells, key=lambda cell: (not cell.drifted, -calendar.share_of_limit(cell)))[:20]
    rows = [
        (
            cell.column_name,
            "drifted" if cell.drifted else cell.finding or "as usual",
            "-" if cell.value is None else f"{cell.value:.3g}",
            "-" if cell.threshold is None else f"{cell.threshold:.3g}",
            f"{cell.null_share:.1%}",
            cell.note or "",
        )
        for cell in worst
    ]
    return page.table(("column", "verdict", "distance", "limit", "missing", "note"), rows)


def _found(found: Iterable[Found], run_id: int, *, published: bool) -> str:
    """published: False for a run that may have ended before its audit."""
    rows = [
        (
            one.name,
            one.sentence,
            *map(_number, (one.number, one.expected, one.allowed)),
            "-" if one.rate is None else f"at most {one.rate:.0%} of ordinary nights",
            "yes" if one.holds else "no: told",
            _runbook(one.runbook),
        )
        for one in found
        if one.run_id == run_id
    ]
    columns = ("check", "what", "number", "expected", "limit", "reached by", "holds", "runbook")
    none = "Nothing." if published else "Nothing is stored. The audit may not have looked at it yet."
    return page.table(columns, rows) if rows else page.said(none)


def _runbook(name: str) -> page.Html:
    """A link from the page of a model or of a night."""
    return page.link(f"../{quote(runbook_place(name))}", name.removesuffix(".md"))


def _reports(reports: Sequence[Report]) -> str:
    if not reports:
        return page.said("No report of it was drawn.")
    links = (page.link(report_file(one), TITLES.get(one.kind, one.kind)) for one in reports)
    return f"<p>{' · '.join(links)}</p>"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _set_aside_of(night: NightSeen, set_aside: Iterable[SetAside]) -> str:
    """Analysts see the reasons of what is published alone."""
    rows = [(_reason(one.column_name, one.broken), one.rows) for one in set_aside]
    none = "None." if night.published_at is not None else "Reasons are shown once it is published."
    return page.table(("reason", "rows"), rows) if rows else page.said(none)


def _explained(explained: Sequence[Explained], *, served: bool) -> str:
    if not explained:
        return page.said("No row of it has stored reasons.")
    rows = [
        (
            _entity(one.entity_key) if served else one.entity_key,
            f"{one.score:.4g}",
            "; ".join(one.reasons),
        )
        for one in explained
    ]
    return page.table(("entity", "score", "reasons"), rows)


def _entity(key: str) -> page.Html:
    return page.link(f"entity?key={quote(key)}", key)


def _around(seen: Nights, day: date) -> str:
    earlier = [night.score_date for night in seen.nights if night.score_date < day]
    later = [night.score_date for night in seen.nights if night.score_date > day]
    links = [f'<a href="{TOP}">{escape(seen.model)}</a>']
    links += [page.link(night_file(earlier[-1]), f"← {earlier[-1]}")] if earlier else []
    links += [page.link(night_file(later[0]), f"{later[0]} →")] if later else []
    return f"<p>{' · '.join(links)}</p>"


def _entity_form() -> str:
    return (
        '<form action="entity" method="get"><label>Scores of an entity over time: '
        '<input name="key" required size="24"></label> <button>Show</button></form>'
    )


def _headline_metrics(found: Sequence[Measured], spec: ModelSpec | None) -> list[tuple[str, str]]:
    if spec is None:
        return [(name, name) for name in sorted({one.metric for one in found})[:3]]
    metrics = map(spec.kind.metric, spec.kind.headline)
    return [
        (one.name, f"{one.title} ({one.better} is better)" if one.better else one.title) for one in metrics
    ]


def _titles(spec: ModelSpec | None) -> Callable[[str], str]:
    """What people call a metric; its name where the model's folder is gone."""
    known = {} if spec is None else {metric.name: metric.title for metric in spec.kind.metrics}
    return lambda name: known.get(name, name)


def _page(title: str, parts: Iterable[str]) -> str:
    return page.page(title, parts, calendar.STYLE)


def report_file(report: Report) -> str:
    """Name of a report about a night, beside the page of the night."""
    return f"{report.score_date}-{report.kind}.html"


def _reason(column: str | None, broken: str) -> str:
    return f"{column}: {broken}" if column else broken


def _seconds(night: NightSeen) -> float:
    assert night.ended_at is not None
    return (night.ended_at - night.claimed_at).total_seconds()


def _days_since(first: datetime, moment: datetime) -> float:
    return (moment - first).total_seconds() / 86_400


def _instant(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d %H:%M}"
