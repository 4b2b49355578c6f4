"""The pages of the desk, as text."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest

from nightjar.core.desk.calendar import State, days
from nightjar.core.desk.entities import (
    Desk,
    EntityNight,
    Explained,
    Found,
    ModelSeen,
    OfNight,
    OpenNow,
    Report,
    RoleHeld,
    Scored,
    SetAside,
    Trouble,
)
from nightjar.showing import calendar, desk, page
from nightjar.testing.desks import column_seen, measured, night_loss, night_seen, stage_seen, trouble
from nightjar.testing.specs import toy_spec

FIRST = date(2024, 1, 30)
NOON = datetime(2024, 1, 30, 12, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"
NIGHTS = [FIRST + timedelta(days=n) for n in range(5)]


SEEN = Desk(
    model="toy",
    nights=[
        *(night_seen(day, reason=EVIL) for day in NIGHTS[:3]),
        night_seen(NIGHTS[4], action=None, published_at=None, state="failed", error=f"AuditFailed: {EVIL}"),
    ],
    measured=[
        measured(day, role, occasions, 0.1 + 0.01 * day.day)
        for day in NIGHTS[:3]
        for role, occasions in (
            ("champion", 1),
            ("champion", 7),
            ("challenger", 1),
            ("champion beside challenger", 1),
        )
    ],
    expected=[],
    drift=[
        column_seen(day, name, value, EVIL)
        for day in NIGHTS[:3]
        for name, value in (("wind", 0.1), (EVIL, 0.5))
    ],
    set_aside=[SetAside(score_date=NIGHTS[0], column_name="wind", broken=EVIL, rows=4)],
    stages=[
        stage_seen(day, name, seconds, rows=None if name == EVIL else 990)
        for day in NIGHTS[:3]
        for name, seconds in (("predict", 4.5), (EVIL, 0.1))
    ],
    scored=[Scored(score_date=day, mean=0.3, quantiles=[0.1, 0.2, 0.3, 0.4, 0.5]) for day in NIGHTS[:3]],
    roles=[
        RoleHeld(
            role="champion",
            model_version=number,
            held_from=NOON + timedelta(days=number),
            held_until=NOON + timedelta(days=2) if number == 1 else None,
            reason=EVIL,
            actor="owner",
        )
        for number in (1, 2)
    ],
    troubles=[
        Trouble(
            model="toy",
            kind="held_back",
            subject=str(NIGHTS[4]),
            severity="critical",
            sentence=EVIL,
            link=None,
            runbook="audit-failed",
            began_at=NOON,
            ended_at=None,
        )
    ],
    reports=[],
    sent_at=NOON,
    watched=True,
)
DAYS = tuple(days(SEEN.nights, NIGHTS))
NOTHING = Desk(
    model="toy",
    nights=[],
    measured=[],
    expected=[],
    drift=[],
    set_aside=[],
    stages=[],
    scored=[],
    roles=[],
    troubles=[],
    reports=[],
    sent_at=NOON,
    watched=True,
)
FOUND = [
    Found(
        score_date=NIGHTS[0],
        run_id=FIRST.toordinal(),
        name="volume",
        column_name="",
        slice="",
        number=500.0,
        expected=990.0,
        allowed=800.0,
        rate=0.001,
        sentence=EVIL,
        runbook="audit-failed.md",
        holds=False,
    )
]
EXPLAINED = [Explained(entity_key=EVIL, score=0.9, reasons=[EVIL])]
OF_NIGHT = OfNight(
    measured=SEEN.measured[:4],
    drift=SEEN.drift[:2],
    found=FOUND,
    set_aside=SEEN.set_aside,
    stages=SEEN.stages[:2],
    explained=EXPLAINED,
    reports=[
        Report(score_date=FIRST, run_id=FIRST.toordinal(), kind=kind, uri="file:///x")
        for kind in ("card", "drift")
    ],
)


def open_now(troubles=(), *, watched=True):
    return OpenNow(troubles=troubles, watched=watched, sent_at=NOON)


PAGES = {
    "index": desk.index(
        [ModelSeen(model=EVIL, nights=3, newest=FIRST, published_at=NOON, open_troubles=1)],
        open_now(),
        served=True,
    ),
    "model": desk.model_page(SEEN, DAYS, toy_spec(), served=True),
    "file": desk.model_page(SEEN, DAYS, None, served=False),
    "empty": desk.model_page(NOTHING, (), toy_spec(), served=True),
    "night": desk.night_page(SEEN, DAYS[0], OF_NIGHT, toy_spec(), served=True),
    "missing": desk.night_page(SEEN, DAYS[3], OfNight(), None, served=True),
    "entity": desk.entity_page(
        "toy",
        EVIL,
        [EntityNight(score_date=FIRST, score=0.4, model_version=1, outcome=None, reasons=[EVIL])],
    ),
    "nobody": desk.entity_page("toy", EVIL, []),
}


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in {"href", "src", "action"}]


def text_of(html):
    return re.sub(r"\s+", " ", re.sub(r"<(style|title).*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL))


@pytest.mark.parametrize("name", PAGES)
def test_what_people_or_data_wrote_is_text_and_no_page_has_a_script(name):
    assert "<script" not in PAGES[name]


@pytest.mark.parametrize("name", [name for name in PAGES if name != "nobody"])
def test_a_page_needs_nothing_from_elsewhere_and_links_to_pages_beside_it(name):
    links = Links()
    links.feed(PAGES[name])
    assert all(not link.startswith(("/", "http")) for link in links.found)


def test_the_calendar_has_a_sign_and_words_for_each_night():
    html = PAGES["model"]
    for day in DAYS:
        assert f'aria-label="{day.score_date}: {day.state}"' in html
        assert calendar.SIGNS[day.state] in html
    assert "January 2024" in html
    assert "February 2024" in html
    assert f'href="{NIGHTS[0]}.html"' in html
    assert f'href="{NIGHTS[3]}.html"' not in html, "a night that nobody has begun has no page"


def test_every_state_has_a_sign_of_its_own():
    assert {*calendar.SIGNS} == {*State}
    assert len({*calendar.SIGNS.values()}) == len(State)


def test_the_first_screen_says_if_the_newest_nights_are_fine():
    told = text_of(PAGES["model"])
    assert f"Was the newest night fine? ■ {NIGHTS[4]} is held back. And the last 5 nights?" in told
    assert f"look at {NIGHTS[3]} (missing), {NIGHTS[4]} (held back)" in told
    published = text_of(desk.model_page(SEEN, DAYS[:1], toy_spec(), served=True))
    assert f"● {NIGHTS[0]} is published. 990 of 1,000 rows are scored, 10 are set aside." in published


def answer(question, seen):
    html = desk.model_page(seen, DAYS, toy_spec(), served=True)
    return re.search(
        rf"{re.escape(question)} (.*?) (?:What does a night take|Is the model still|Scores of)", text_of(html)
    )[1]


@pytest.mark.parametrize(
    ("value", "nights", "told"),
    [
        (0.1, 28, "Yes. Brier (less is better) of 28 nights to 2024-01-27: 0.1. "),
        (0.3, 28, "No: it is worse than its tests let expect. Brier (less is better) of 28 nights"),
        (0.3, 40, "No: it is worse than its tests let expect. Brier (less is better) of 28 nights"),
        (
            0.3,
            5,
            "Nobody can say yet: 5 nights of versions whose tests gave an interval are measured, and 14",
        ),
        (0.3, 1, "Nobody can say yet: 1 night of versions whose tests gave an interval is measured, and"),
    ],
)
def test_the_first_screen_says_if_the_model_is_as_good_as_its_tests_let_expect(value, nights, told):
    found = answer("Is the model still good?", seen_with(value, nights))
    assert found.startswith(told)
    assert ("expect at most 0.14. Not measured yet: 3 newer nights." in found) is (nights >= 14)


def seen_with(value: float, nights: int, last: date = FIRST - timedelta(days=3)) -> Desk:
    """Measured nights of which the first 14 are as good as can be, then published ones that are not."""
    measured_nights = [last - timedelta(days=n) for n in range(nights)][::-1]
    losses = [night_loss(day, 0 if n < nights - 28 else value) for n, day in enumerate(measured_nights)]
    return replace(SEEN, losses=[*losses, *(night_loss(day, 0.9, metric="auc") for day in NIGHTS)])


def test_a_verdict_is_none_while_the_outcomes_of_as_many_newer_nights_are_due_and_missing():
    newer = [night_seen(FIRST + timedelta(days=n)) for n in range(17)]
    seen = replace(seen_with(0.1, 28), nights=newer)
    told = answer("Is the model still good?", seen)
    assert told.startswith("Nobody can say now: outcomes of 14 newer nights are due and missing. Brier")
    assert answer("Is the model still good?", replace(seen, nights=newer[:-1])).startswith("Yes.")


def test_the_first_screen_says_so_if_nothing_is_measured():
    assert answer("Is the model still good?", SEEN).startswith("Nobody can say yet: 0 nights")


def test_the_first_screen_counts_the_open_incidents_and_leads_to_them():
    told = PAGES["model"]
    assert "Yes. Open incidents: 1 critical." in text_of(told)
    assert 'href="#wrong"' in told
    assert 'id="wrong"' in told
    calm = desk.model_page(replace(SEEN, troubles=[]), DAYS, toy_spec(), served=True)
    assert "No. No incident is open." in text_of(calm)


def test_no_open_incident_means_nothing_while_no_watcher_looks():
    unwatched = replace(SEEN, troubles=[], watched=False)
    assert answer("Is anything wrong now?", unwatched).startswith("Nobody can say. No watcher runs")
    told = answer("Is anything wrong now?", replace(SEEN, watched=False))
    assert told.startswith("Yes, when a watcher looked last. Open incidents: 1 critical. No watcher runs")
    never_scored = text_of(desk.model_page(replace(NOTHING, watched=False), (), toy_spec(), served=True))
    assert "No watcher runs, so nobody looks for incidents. No incident is on record." in never_scored
    assert "No watcher runs" in text_of(desk.index([], open_now(watched=False), served=True))
    assert "No watcher runs" not in text_of(desk.index([], open_now(watched=True), served=True))


def test_the_list_of_models_says_when_it_was_read():
    """A file that says that no incident is open says so for ever."""
    assert f"Read at {NOON:%Y-%m-%d %H:%M}" in text_of(PAGES["index"])


def test_a_night_that_runs_is_not_called_published():
    running = night_seen(NIGHTS[1], state="claimed", published_at=None, action=None)
    seen = replace(SEEN, nights=[SEEN.nights[0], running])
    told = text_of(desk.model_page(seen, tuple(days(seen.nights)), toy_spec(), served=True))
    assert f"All others are published. Still running: {NIGHTS[1]}." in told
    assert "All are published. " in text_of(desk.model_page(SEEN, DAYS[:1], toy_spec(), served=True))


def test_a_verdict_on_the_model_says_how_many_nights_it_knows_nothing_of():
    seen = seen_with(0.1, 28, FIRST)
    assert "Not measured yet" not in answer("Is the model still good?", replace(seen, nights=SEEN.nights[:1]))
    assert "Not measured yet: 2 newer nights." in answer("Is the model still good?", seen)


def test_nothing_stored_of_a_night_that_is_not_published_is_not_called_nothing_wrong():
    told = text_of(desk.night_page(SEEN, DAYS[4], OfNight(), toy_spec(), served=True))
    assert "What the audit found Nothing is stored. The audit may not have looked at it yet." in told
    assert "Rows set aside Reasons are shown once it is published." in told
    published = text_of(desk.night_page(SEEN, DAYS[0], OfNight(), toy_spec(), served=True))
    assert "What the audit found Nothing. " in published
    assert "Rows set aside None. " in published
    assert "No night is published yet." in text_of(PAGES["empty"])


def test_the_first_screen_says_what_a_night_takes():
    assert f"{NIGHTS[4]} took 180.0 s for 990 rows. Half of the last 4 took at most 180.0 s." in text_of(
        PAGES["model"]
    )


def test_the_list_of_models_names_what_is_wrong_with_them_and_with_the_platform():
    found = [trouble("2024-01-30"), replace(trouble(""), model="", runbook="no-worker")]
    html = desk.index([], open_now(found), served=False)
    assert "toy critical The night of 2024-01-30 is held back" in text_of(html)
    assert "the platform critical" in text_of(html)
    assert 'href="runbook-pages/no-worker.html"' in html


def test_a_column_of_numbers_is_aligned_right_also_where_they_are_texts():
    html = page.table(("stage", "rows"), [("draw", "1,988"), ("audit", "-"), ("write", 3)])
    assert '<th>stage</th><th class="number">rows</th>' in html
    assert html.count('<td class="number" data-of=') == 3


def test_a_newer_run_that_was_held_back_is_told_on_the_page_of_its_model_and_of_its_night():
    error = "AuditFailed: half of the rows"
    shown = night_seen(FIRST, newer=7, newer_state="failed", newer_error=error)
    seen = replace(SEEN, nights=[shown])
    (day,) = days(seen.nights)
    html = desk.model_page(seen, (day,), toy_spec(), served=True)
    told = f"{FIRST} (published, and a newer run is held back)"
    assert f"look at {told}" in text_of(html)
    assert 'class="published newer"' in html
    of = replace(OF_NIGHT, found=[replace(FOUND[0], run_id=7, sentence="half of them")])
    night = text_of(desk.night_page(seen, day, of, toy_spec(), served=True))
    assert "A newer run, not published" in night
    assert f"state held back error {error}" in night
    assert "half of them" in night


@pytest.mark.parametrize(
    ("error", "word"),
    [("AuditFailed: half of the rows", "held back"), ("ContractBroken: toy lacks a column", "failed")],
)
def test_the_pages_of_a_night_say_in_one_word_how_its_newest_run_ended(error, word):
    newer = night_seen(FIRST, newer=7, newer_state="failed", newer_error=error)
    alone = night_seen(FIRST, action=None, published_at=None, state="failed", error=error)
    for night, told, row in (
        (newer, f"published, and a newer run is {word}", f"state {word} error {error}"),
        (alone, word, f"state {word} published"),
    ):
        seen = replace(SEEN, nights=[night])
        (day,) = days(seen.nights)
        html = text_of(desk.night_page(seen, day, OF_NIGHT, toy_spec(), served=True))
        assert told in html
        assert row in html
    framed = text_of(calendar.key(days([newer])))
    assert "1 framed: a newer run of it is held back or failed" in framed


def test_a_column_that_drifted_has_a_dot_and_comes_first():
    drawn = calendar.drift_map(SEEN.drift)
    assert drawn.count("<circle") == 3
    assert drawn.index("script") < drawn.index("wind")


@pytest.mark.parametrize("served", [True, False])
def test_the_key_of_a_row_with_reasons_is_shown_as_it_is(served):
    html = desk.night_page(SEEN, DAYS[0], OF_NIGHT, toy_spec(), served=served)
    assert ("entity?key=" in html) == served
    assert "&amp;lt;" not in html


def test_the_page_of_a_night_leads_to_its_neighbours():
    assert f'href="{NIGHTS[1]}.html"' in PAGES["night"]
    assert f'href="{NIGHTS[2]}.html"' in PAGES["missing"]
    assert f'href="{NIGHTS[4]}.html"' in PAGES["missing"]


def test_the_page_of_a_night_leads_to_its_reports_and_runbooks():
    assert f'href="{FIRST}-drift.html"' in PAGES["night"]
    assert f'href="{FIRST}-card.html"' in PAGES["night"]
    assert 'href="../runbook-pages/audit-failed.html"' in PAGES["night"]
    assert 'href="../runbook-pages/audit-failed.html"' in PAGES["model"]


def test_a_version_leads_to_the_newest_card_of_a_night_that_it_scored():
    drawn = [
        Report(score_date=day, run_id=day.toordinal(), kind="card", uri="file:///x") for day in NIGHTS[:2]
    ]
    seen = replace(SEEN, reports=drawn, roles=[replace(SEEN.roles[0], model_version=3), SEEN.roles[1]])
    html = desk.model_page(seen, DAYS, toy_spec(), served=True)
    assert f'<td><a href="{NIGHTS[1]}-card.html">3: its card</a></td>' in html
    assert f'href="{NIGHTS[0]}-card.html"' not in html


def test_a_page_without_anything_to_show_says_so():
    told = text_of(PAGES["empty"])
    assert "No night was begun yet." in told
    assert "No night is measured yet" in told


def test_the_stages_of_the_newest_night_are_listed_and_the_longest_are_drawn():
    told = text_of(PAGES["model"])
    assert f"The newest of these nights, {NIGHTS[2]}: " in told
    assert "predict 990 4.50 2.25 2.0 300 0" in told
    assert "Seconds of the longest stages" in told
    assert "predict 990 4.50" in text_of(PAGES["night"])
    assert "No stage is on record." in text_of(PAGES["empty"])


def test_the_page_of_a_night_calls_a_metric_as_people_do():
    assert "Brier 0.4" in text_of(PAGES["night"])
    assert "brier 0.4" in text_of(desk.night_page(SEEN, DAYS[0], OF_NIGHT, None, served=True))


def test_the_list_of_models_leads_to_runbooks_and_where_it_is_served_to_prefect():
    assert 'href="runbook-pages/index.html"' in PAGES["index"]
    assert 'href="../"' in PAGES["index"]
    assert 'href="../"' not in desk.index([], open_now(watched=True), served=False)


def test_a_column_outside_of_training_is_not_called_usual():
    cell = replace(column_seen(FIRST, "wind", 0.9), drifted=False, finding="outside")
    of = replace(OF_NIGHT, drift=[cell])
    assert "wind outside 0.9 0.2" in text_of(desk.night_page(SEEN, DAYS[0], of, toy_spec(), served=True))


def test_files_offer_no_search_because_nobody_answers_it():
    assert "<form" in PAGES["model"]
    assert "<form" not in PAGES["file"]


def test_no_share_on_an_axis_is_above_one():
    (drawn,) = re.findall(r"<figure><figcaption>Share of rows whose.*?</figure>", PAGES["model"], re.DOTALL)
    assert max(map(float, re.findall(r'text-anchor="end"[^>]*>([\d.]+)<', drawn))) <= 1


def test_the_newest_month_of_the_calendar_comes_first():
    captions = re.findall(r"<caption>(.*?)</caption>", PAGES["model"])
    assert captions == ["February 2024", "January 2024"]


def test_the_newest_champion_is_drawn_until_now():
    """Version 1 for a day, and version 2 for three days since."""
    seen = replace(SEEN, sent_at=NOON + timedelta(days=5))
    html = desk.model_page(seen, [], None, served=True).partition("Version that was champion")[2]
    path = re.findall(r'<path class="l0" d="([^"]*)"', html)[0]
    assert [point.split()[0] for point in path.removeprefix("M ").split(" L ")] == [
        "46.0",
        "122.0",
        "122.0",
        "350.0",
    ]
