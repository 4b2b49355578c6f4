"""An estimate is shown only where it was nearer to what came true than the mean of the nights before."""

from datetime import date, timedelta

import pytest

from nightjar.core.monitoring.foreseen import (
    Expected,
    Foreseen,
    Method,
    by_record,
    record_of,
    records_of,
    shown,
    told,
)

DAY = date(2013, 9, 1)
FEW = "few past rows are like this night's"


def foreseen(count, estimate, trailing):
    return [
        Foreseen(score_date=DAY + timedelta(days=n), estimate=estimate, trailing=trailing, truth=0.2)
        for n in range(count)
    ]


def expected(method, value, night=0, came_true=0.2):
    day = DAY + timedelta(days=night)
    note = FEW if value is None else None
    return Expected(
        score_date=day, method=method, metric="brier", value=value, note=note, came_true=came_true
    )


def nights(pape, cbpe, trailing=0.23, count=30):
    said = {Method.PAPE: pape, Method.CBPE: cbpe, Method.TRAILING: trailing}
    return [expected(method, value, night) for night in range(count) for method, value in said.items()]


def tonight(pape, cbpe):
    return [expected(Method.PAPE, pape, 30, None), expected(Method.CBPE, cbpe, 30, None)]


def test_an_estimate_is_compared_by_the_means_of_whole_weeks():
    record = record_of(foreseen(30, 0.21, 0.23))
    assert (record.weeks, record.error, record.trailing_error) == pytest.approx((4, 0.01, 0.03))
    assert record.earned
    up_and_down = [*foreseen(28, 0.3, 0.21)[::2], *foreseen(28, 0.1, 0.21)[1::2]]
    assert record_of(up_and_down).error == pytest.approx(0.1 / 7), "errors within a week cancel"
    assert not record_of(foreseen(30, 0.24, 0.23)).earned


def test_a_record_is_of_the_newest_nights():
    assert record_of(foreseen(400, 0.21, 0.23)).weeks == 26


@pytest.mark.parametrize(
    ("pape", "cbpe", "said"),
    [
        (0.21, 0.22, "Brier: 0.1900 estimated by PAPE"),
        (0.22, 0.21, "Brier: 0.1800 estimated by CBPE"),
        (0.22, 0.24, "Brier: 0.1900 estimated by PAPE"),
        (0.24, 0.22, "Brier: 0.1800 estimated by CBPE"),
        (0.24, 0.25, "Brier: not estimated; an estimate would be no better"),
    ],
)
def test_the_method_that_has_earned_it_best_is_shown_by_name(pape, cbpe, said):
    records = records_of(nights(pape, cbpe), "brier")
    sentence = told("Brier", records, shown(tonight(0.19, 0.18), "brier", records))
    assert sentence.startswith(said)
    assert "where the trailing mean has 0.0300" in sentence


def test_where_the_best_method_says_nothing_of_a_night_the_next_one_that_has_earned_it_is_shown():
    both, one = records_of(nights(0.21, 0.22), "brier"), records_of(nights(0.21, 0.24), "brier")
    assert "0.1800 estimated by CBPE" in told("Brier", both, shown(tonight(None, 0.18), "brier", both))
    sentence = told("Brier", one, shown(tonight(None, 0.18), "brier", one))
    assert sentence.startswith(f"Brier: no estimate of this night: {FEW} (mean error by week: PAPE 0.0100")
    assert "it was not made" in told("Brier", one, shown([], "brier", one))


def test_before_four_weeks_have_come_true_nothing_is_told():
    assert record_of(foreseen(6, 0.2, 0.3)) is None
    for count in (0, 6, 27):
        records = records_of(nights(0.2, 0.2, 0.3, count), "brier")
        assert shown(tonight(0.19, 0.18), "brier", records) is None
        assert told("Brier", records, None) == (
            "Brier: not estimated; fewer than 4 weeks of estimates have come true"
        )


def test_nights_of_which_something_is_not_known_and_other_metrics_are_left_out():
    whole = nights(0.21, 0.22)
    unknown = [
        *(expected(Method.PAPE, 0.9, 40 + n, None) for n in range(9)),
        *(expected(Method.PAPE, None, 50 + n) for n in range(9)),
        *(expected(Method.CBPE, 0.9, 60 + n) for n in range(9)),
    ]
    assert records_of([*whole, *unknown], "brier") == records_of(whole, "brier")
    assert records_of(whole, "auc") == {}


def test_methods_are_ordered_by_their_error_beside_that_of_the_trailing_mean_of_the_same_nights():
    records = records_of(nights(0.22, 0.21), "brier")
    assert by_record(records) == [Method.CBPE, Method.PAPE]
