from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.comparison.entities import SCORE, NightProfile
from nightjar.core.comparison.profile import categories_of, numbers_of
from nightjar.core.monitoring.drift import (
    DECIDES,
    OUTSIDE,
    RATE,
    SEASON,
    held_to_training,
    night_drift,
    verdict,
)
from nightjar.core.monitoring.training import TRAINING, TrainingSample

FIRST = date(2013, 1, 7)
CODES = [f"c{n:03}" for n in range(200)]
TEXTS, NUMBERS = ["code"], ["wind", "flag", SCORE]


def rows(number, count=500, trend=0.0, spoil=None):
    """A night of some rows. The level of its numbers is its own, the weekday and a trend are in it too."""
    random = np.random.default_rng(number)
    level = random.normal(0, 0.3) + 4.0 * (number % 7 == 5) + trend * number
    frame = pl.DataFrame(
        {
            "code": random.choice(CODES, count),
            "wind": random.normal(level, 1, count),
            "flag": (random.random(count) < 0.01).astype(float),
            SCORE: random.beta(2, 5, count),
        }
    )
    return frame if spoil is None else frame.with_columns(**spoil)


def profile(number, frame):
    return NightProfile(
        score_date=FIRST + timedelta(days=number),
        columns=(
            *(categories_of(frame[name], frame.height) for name in TEXTS),
            *(numbers_of(frame[name], frame.height) for name in NUMBERS),
        ),
    )


def training(frame):
    return TrainingSample(frame, TEXTS, NUMBERS)


@pytest.fixture(scope="module")
def sample():
    return training(pl.concat(rows(number) for number in range(1_000, 1_040)))


@pytest.fixture(scope="module")
def past():
    return [profile(number, rows(number)) for number in range(70)]


def verdicts(sample, past, number, frame):
    night = profile(number, frame)
    return {row.column: row for row in night_drift(night, past, sample.compared(frame))}


def drifted(found):
    return {(row.column, row.finding) for row in found.values() if row.drifted}


def test_an_ordinary_night_raises_no_alarm_and_every_column_says_what_is_usual(sample, past):
    found = verdicts(sample, past, 70, rows(70))
    assert drifted(found) == set()
    assert {row.method for row in found.values()} == {DECIDES}
    for row in found.values():
        assert row.value <= row.threshold
        assert 0 <= row.expected <= row.threshold
        assert row.rate > RATE / len(found)
        assert verdict(row) == (row.finding or "as before")
    assert held_to_training([*found.values()]) is None


def test_the_weekday_is_no_drift(sample, past):
    assert drifted(verdicts(sample, past, 75, rows(75))) == set()
    assert drifted(verdicts(sample, past, 76, rows(75))) == {("wind", "level")}


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        ({"code": pl.lit("z") + pl.col("code")}, {("code", "unseen")}),
        ({"code": pl.lit("c00") + pl.col("code").str.tail(1)}, {("code", "mix")}),
        (
            {"code": pl.when(pl.int_range(pl.len()) % 25 == 0).then(pl.lit("z")).otherwise("code")},
            {("code", "unseen")},
        ),
        ({SCORE: 2 * pl.col(SCORE)}, {(SCORE, "jump")}),
        ({SCORE: pl.col(SCORE).mean() + 0.5 * (pl.col(SCORE) - pl.col(SCORE).mean())}, {(SCORE, "spread")}),
        ({"wind": pl.col("wind") * 4}, {("wind", "spread")}),
        ({"wind": pl.lit(None, pl.Float64)}, {("wind", "missing")}),
        ({"wind": pl.when(pl.int_range(pl.len()) % 10 > 0).then("wind")}, {("wind", "missing")}),
        ({"flag": pl.lit(1.0)}, {("flag", "level")}),
    ],
)
def test_what_breaks_is_told_on_its_first_night_by_name(sample, past, spoil, expected):
    assert drifted(verdicts(sample, past, 70, rows(70, spoil=spoil))) == expected


def test_a_sentence_has_the_number_the_usual_one_the_limit_and_the_rate(sample, past):
    row = verdicts(sample, past, 70, rows(70, spoil={"wind": pl.lit(None, pl.Float64)}))["wind"]
    assert row.note.startswith(
        "the share of missing values is not that of comparable nights. Difference: 100.0%. Usual: 0.0%. "
        "Limit: 2.0%. Of ordinary nights fewer than 1 in a million reaches this"
    )
    assert (row.value, row.expected, row.psi) == (1.0, 0.0, None)


@pytest.mark.parametrize("count", [500, 5_000])
def test_the_rate_of_alarms_is_at_most_the_stated_one_whatever_the_number_of_rows(sample, count):
    nights = [rows(number, count) for number in range(110)]
    profiles = [profile(number, frame) for number, frame in enumerate(nights)]
    untold = sample.compared(nights[0])
    alarms = [
        any(row.drifted for row in night_drift(profiles[number], profiles[:number], untold))
        for number in range(80, 110)
    ]
    assert sum(alarms) <= 2


def holidays(*numbers):
    return {FIRST + timedelta(days=number) for number in numbers}.__contains__


def test_a_night_in_a_holiday_period_has_limits_further_above_what_is_usual(sample, past):
    moved = rows(70, spoil={"wind": pl.col("wind") + 4})
    ordinary, holiday = (
        {
            row.column: row
            for row in night_drift(profile(70, moved), past, sample.compared(moved), is_holiday=of)
        }
        for of in (holidays(), holidays(71))
    )
    assert drifted(ordinary) == {("wind", "level")}
    assert drifted(holiday) == set()
    assert holiday["wind"].expected == ordinary["wind"].expected
    gone = rows(70, spoil={"wind": pl.lit(None, pl.Float64)})
    found = night_drift(profile(70, gone), past, sample.compared(gone), is_holiday=holidays(70))
    told = {row.column: row.note for row in found if row.drifted}
    assert told.keys() == {"wind"}
    assert "The night is in a holiday period, so its limit is wider" in told["wind"]


def test_nights_in_holiday_periods_say_nothing_of_an_ordinary_night(sample, past):
    far = {number: rows(number, spoil={"wind": pl.col("wind") + 9}) for number in (60, 61, 62, 67, 68, 69)}
    feast = [profile(number, far[number]) if number in far else night for number, night in enumerate(past)]
    frame = rows(71)
    of, untold = holidays(61, 68), sample.compared(frame)
    found, expected = (
        {row.column: row for row in night_drift(profile(71, frame), nights, untold, is_holiday=of)}["wind"]
        for nights in (feast, past)
    )
    assert not found.drifted
    assert found.rate == pytest.approx(expected.rate)
    assert night_drift(profile(71, frame), feast, untold) != night_drift(profile(71, frame), past, untold)


def test_a_slow_trend_is_the_season_and_no_alarm():
    nights = {number: rows(number, trend=0.03) for number in range(100)}
    past = [profile(number, frame) for number, frame in nights.items() if number < 99]
    sample = training(pl.concat(nights[number] for number in range(20)))
    found = verdicts(sample, past, 99, nights[99])
    assert drifted(found) == set()
    assert found["wind"].finding == SEASON
    assert "as the nights before do; it moved by" in found["wind"].note


def test_what_lies_outside_of_training_for_long_is_told_as_that(past):
    sample = training(rows(1_000, 5_000).with_columns(pl.col("wind") + 9))
    found = verdicts(sample, past, 70, rows(70))
    assert (found["wind"].drifted, found["wind"].finding) == (False, OUTSIDE)
    assert found["wind"].psi > 1


@pytest.mark.parametrize("nights", [0, 5])
def test_with_too_few_nights_the_training_sample_decides(sample, past, nights):
    found = verdicts(sample, past[70 - nights :], 70, rows(70))
    assert drifted(found) == set()
    assert {row.note for row in found.values()} == {None}
    assert {verdict(row) for row in found.values()} == {"as in training", OUTSIDE}
    assert held_to_training([*found.values()]) == (
        "4 of 4 columns are held to the training sample, because too few past nights have values to compare "
        "with."
    )
    unknown = verdicts(
        sample, past[70 - nights :], 70, rows(70, spoil={"code": pl.lit("z") + pl.col("code")})
    )
    assert drifted(unknown) == {("code", TRAINING)}
    gone = verdicts(
        sample, past[70 - nights :], 70, rows(70, spoil={"code": pl.lit("c00") + pl.col("code").str.tail(1)})
    )
    assert drifted(gone) == {("code", TRAINING)}


def test_what_the_nights_before_have_too_is_no_alarm_of_a_young_model():
    far, empty = {"wind": pl.col("wind") + 30}, {"wind": pl.lit(None, pl.Float64)}
    sample = training(rows(1_000, 5_000))
    for spoil in (far, empty):
        past = [profile(number, rows(number, spoil=spoil)) for number in range(20)]
        found = verdicts(sample, past, 20, rows(20, spoil=spoil))
        assert (found["wind"].drifted, found["wind"].finding) == (False, OUTSIDE)
        before = [profile(number, rows(number)) for number in range(20)]
        assert drifted(verdicts(sample, before, 20, rows(20, spoil=spoil))) == {("wind", TRAINING)}


@pytest.mark.parametrize("nights", [80, 20])
def test_one_value_a_night_that_often_changes_is_no_drift(nights):
    def night(number, **values):
        told = {"price": number % 11, "rate": 2.0, **values}
        frame = pl.DataFrame({name: [float(value)] * 100 for name, value in told.items()})
        columns = tuple(numbers_of(frame[name], 100) for name in told)
        return frame, NightProfile(score_date=FIRST + timedelta(number), columns=columns)

    frames, past = zip(*map(night, range(nights)), strict=True)
    sample = TrainingSample(pl.concat(frames), (), ("price", "rate"))
    frame, profile = night(nights, price=40, rate=7.5)
    found = {row.column: row for row in night_drift(profile, past, sample.compared(frame))}
    assert {row.column for row in found.values() if row.drifted} == {"rate"}
    assert found["price"].finding == OUTSIDE


def test_nights_without_profiles_and_later_nights_are_left_out(sample, past):
    empty = [NightProfile(score_date=FIRST + timedelta(days=n), columns=()) for n in (68, 69)]
    later = [profile(71, rows(71)), profile(70, rows(3))]
    assert verdicts(sample, [*past[:68], *empty, *later], 70, rows(70)) == verdicts(
        sample, past[:68], 70, rows(70)
    )


def test_a_night_without_profile_is_held_to_the_training_sample(sample, past):
    night = NightProfile(score_date=FIRST + timedelta(days=70), columns=())
    found = night_drift(night, past, sample.compared(rows(70)))
    assert {row.measure for row in found} == {"psi"}


def test_a_new_month_and_a_holiday_are_no_drift():
    def night(day, **values):
        told = {"month": day.month, "holiday": 0, **values}
        frame = pl.DataFrame({name: [value] * 100 for name, value in told.items()})
        columns = tuple(numbers_of(frame[name], 100) for name in told)
        return frame, NightProfile(score_date=day, columns=columns)

    first = date(2013, 6, 1)
    frames, before = zip(*(night(first - timedelta(n)) for n in range(1, 80)), strict=True)
    sample = TrainingSample(pl.concat(frames), (), ("month", "holiday"))
    for nights in (before, before[:20]):
        frame, profile = night(first, holiday=1)
        assert (
            drifted({row.column: row for row in night_drift(profile, nights, sample.compared(frame))})
            == set()
        )
