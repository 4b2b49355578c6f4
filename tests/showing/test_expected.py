"""What was expected of nights, as people see it: by the method that has earned it, beside what came true."""

import re
from datetime import date, timedelta

from nightjar.core.monitoring.foreseen import Method
from nightjar.showing.expected import NOTHING, of_night, of_nights
from nightjar.testing.desks import expected

DAY = date(2024, 1, 1)


def text_of(parts):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", " ".join(parts)))


def nights(pape, count=30, cbpe=0.26):
    said = {Method.PAPE: pape, Method.CBPE: cbpe, Method.TRAILING: 0.23}
    return [
        expected(DAY + timedelta(days=n), method, value)
        for n in range(count)
        for method, value in said.items()
    ]


def tonight(value, came_true=None):
    return [
        expected(DAY + timedelta(days=30), method, said, came_true)
        for method, said in ((Method.PAPE, value), (Method.CBPE, 0.3), (Method.TRAILING, 0.23))
    ]


def test_an_estimate_that_has_earned_it_is_shown_by_name_with_a_line_beside_what_came_true():
    html = " ".join(of_nights([*nights(0.21), *tonight(0.19)], str.upper))
    assert "2024-01-31: BRIER: 0.1900 estimated by PAPE (mean error by week: PAPE 0.0100" in text_of([html])
    assert "BRIER: expected, and what came true" in html
    assert "expected by PAPE" in html


def test_where_no_method_has_earned_it_a_sentence_says_so_and_nothing_is_drawn():
    html = " ".join(of_nights([*nights(0.24), *tonight(0.19)], str))
    assert "brier: not estimated; an estimate would be no better" in html
    assert "<svg" not in html
    assert "0.19" not in html


def test_a_night_has_what_was_expected_of_it_what_came_true_and_the_record_of_before():
    told = text_of(of_night([*nights(0.21), *tonight(0.19, 0.22)], DAY + timedelta(days=30)))
    assert "brier 0.1900 PAPE 0.2200 -0.0300 0.0100 0.0300" in told
    waiting = text_of(of_night([*nights(0.21), *tonight(0.19)], DAY + timedelta(days=30)))
    assert "brier 0.1900 PAPE - - 0.0100 0.0300" in waiting


def test_what_comes_after_a_night_says_nothing_of_what_was_shown_of_it():
    early = text_of(of_night(nights(0.21), DAY + timedelta(days=20)))
    assert "brier: not estimated; fewer than 4 weeks of estimates have come true" in early


def test_a_night_without_an_estimate_by_the_method_that_has_earned_it_says_why():
    told = text_of(of_night([*nights(0.21), *tonight(None)], DAY + timedelta(days=30)))
    assert "brier: no estimate of this night: few past rows are like this night" in told


def test_where_nothing_was_expected_the_page_says_so():
    assert NOTHING in text_of(of_nights([], str))
    assert NOTHING in text_of(of_night(nights(0.21), DAY - timedelta(days=1)))
