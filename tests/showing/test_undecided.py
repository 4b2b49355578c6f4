"""A list of days of outcomes has a line for each. All numbers are shown of the day that somebody looks at."""

from datetime import UTC, date, datetime

from nightjar.core.monitoring.outcome_findings import HoldFinding
from nightjar.core.monitoring.outcome_guard import OutcomeCheck, Verdict
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.showing import console

NUMBERS = (
    "43.3. 20 comparable days: 7.731 to 16.51. Limit: 37.92",
    "0.8279. 20 comparable days: 0.3726 to 0.6346. Limit: 0.7854",
)
FOUND = (
    HoldFinding(name="units", where="delay", value=43.3, low=7.731, high=16.51, told=f"delay: {NUMBERS[0]}"),
    HoldFinding(name="coupling", where="x", value=0.8279, low=0.3726, high=0.6346, told=f"x: {NUMBERS[1]}"),
)
DOUBTED = OutcomeCheck(
    dataset="flights",
    day=date(2026, 1, 2),
    recorded_at=datetime(2026, 1, 3, tzinfo=UTC),
    verdict=Verdict.DOUBTED,
    model="toy",
    looks=OutcomeDay(rows=9, sizes={}, values={}),
    findings=FOUND,
)


def test_a_day_is_listed_in_few_words_and_says_where_its_numbers_are(capsys, monkeypatch):
    monkeypatch.setattr(console.out, "width", 160)
    console.show_undecided([DOUBTED])
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "2026-01-02" in each)
    assert line.endswith(
        "delay is larger than usual (units): 43.3 where 7.73 to 16.5 are usual. 2 findings in all, "
        "also of coupling"
    )


def test_nothing_is_left_out_of_what_is_shown_of_a_day(capsys, monkeypatch):
    monkeypatch.setattr(console.out, "width", 120)
    console.show_findings(DOUBTED)
    printed = capsys.readouterr().out
    for each in (*NUMBERS, "units", "coupling", "recorded 2026-01-03 00:00 (UTC)", "At most 5% of ordinary"):
        assert each in printed
