"""A list of faults from everyday work with data, written down before the rules were read.

It was made from README.md, docs/architecture.md, the two models, the learners and delivered_faults.py: what
goes wrong in feeds, joins, windows, encoders and files by accident, and what a careless or dishonest person
does. The rules, their pages and the decisions were not read, nor the faults of any other list, but for the
names of some 25. The nights were chosen then too, by their date alone. No rule was mended for it before it
was run. Its cases run in a random order, so a run that is stopped is a sample of the list.

The edit "records live for 14 hours" does nothing before Feast is told of it: its cases do not count.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import numpy as np
import polars as pl
from delivered_faults import (
    Change,
    Fault,
    FaultList,
    Recorded,
    as_whole,
    dated,
    flights,
    hand_over,
    of_code,
    only,
    route,
    schedule,
    weather,
    where,
)

from models.flight_delay.source import recording
from models.recording import read_departures, recorded_files
from models.route_delay.source import totals

FLIGHT_NIGHTS = {"August": date(2013, 8, 6), "November": date(2013, 11, 22)}
"""A Tuesday of the summer and a Friday of the week before Thanksgiving's."""
ROUTE_NIGHTS = {"September": date(2013, 9, 30), "December": date(2013, 12, 9)}

ONLY_ON: Mapping[str, tuple[str, ...]] = {
    "weather: the barometer of JFK shows 8 millibars too much": ("August",),
}
"""In the newest reading of November's evening JFK has no pressure."""

DAY = timedelta(days=1)
KEYS = ["carrier", "flight", "origin"]
DEP, ARR = pl.col("sched_dep_minute"), pl.col("sched_arr_minute")
LEFT_LATE, CAME_LATE = pl.col("dep_delay"), pl.col("arr_delay")
NUMBER, ORIGIN = pl.col("flight"), pl.col("origin")
DAY_MINUTES, NOON = 24 * 60, 12 * 60


def leaving_at(minute: pl.Expr) -> Mapping[str, pl.Expr]:
    """Departure at another minute of the same day."""
    return {"sched_dep": pl.col("sched_dep") + pl.duration(minutes=minute - DEP), "sched_dep_minute": minute}


def one_each(*columns: str) -> Change:
    """The first row alone of those that are alike in some columns."""
    return lambda rows, _day, _recorded: rows.unique([*columns], keep="first", maintain_order=True)


# --- schedules -------------------------------------------------------------------------------------


def half_written(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The first half of today's file, and the second of yesterday's, which lay there before."""
    yesterday = dated(recorded(day - DAY), 1)
    both = pl.concat([rows.head(rows.height // 2), yesterday.tail(yesterday.height - rows.height // 2)])
    return both.unique(KEYS, keep="first", maintain_order=True)


def of_ten_weeks_ago(_rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The clocks of the day hold, whether or not they were changed in between."""
    rows = dated(recorded(day - timedelta(weeks=10)), 70)
    local = pl.col("flight_date").cast(pl.Datetime("us")) + pl.duration(minutes=DEP)
    return rows.with_columns(
        sched_dep=local.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    )


def with_freighters(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """One departure more for each six, of an airline without passengers, before five in the morning."""
    added = rows.gather_every(6).with_row_index("n")
    minute = 30 + pl.col("n").cast(pl.Int64) * 7 % 270
    freight = added.with_columns(
        **leaving_at(minute), carrier=pl.lit("5X"), flight=pl.col("n").cast(pl.Int64) + 101
    ).with_columns(sched_arr_minute=(DEP + pl.col("distance") // 8 + 40) % DAY_MINUTES)
    return pl.concat([rows, freight.select(rows.columns)])


def as_they_left(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """The minute at which each flight left in the end, as far as that was on its day."""
    left = recording()["flights"][day].select(*KEYS, "dep_delay")
    known = rows.join(left, on=KEYS, how="left", maintain_order="left")
    minute = (DEP + LEFT_LATE.fill_null(0)).clip(0, DAY_MINUTES - 1)
    return known.with_columns(**leaving_at(minute)).select(rows.columns)


UNCONFIRMED = NUMBER % 4 == 0
AT_NOON = leaving_at(pl.lit(NOON, pl.Int64))

SCHEDULE_FAULTS = (
    schedule(
        "one page of the answer: 500 rows",
        "half of the airlines get no score",
        lambda rows, _day, _recorded: rows.head(500),
    ),
    schedule(
        "every second row",
        "half of the flights get no score, and hours look half empty",
        lambda rows, _day, _recorded: rows.gather_every(2),
    ),
    schedule(
        "the second half is yesterday's: a write was broken off",
        "flights of the wrong weekday are scored",
        half_written,
    ),
    schedule(
        "the timetable of ten weeks ago",
        "rotations of another season are scored",
        of_ten_weeks_ago,
    ),
    schedule(
        "block minutes in the column of the arrival",
        "two inputs are wrong for all rows",
        hand_over({"sched_arr_minute": (ARR - DEP) % DAY_MINUTES}),
    ),
    schedule(
        "a clock of twelve hours without its half of the day",
        "flights of the afternoon stand in the night and the morning",
        hand_over({**leaving_at(DEP % NOON), "sched_arr_minute": ARR % NOON}),
    ),
    schedule(
        "one departure for each airline and destination: a wrong key for duplicates",
        "more than half of the flights get no score",
        one_each("carrier", "origin", "dest"),
    ),
    schedule(
        "freighters are among the flights",
        "rows are scored that are none of ours, and all departures have more before them",
        with_freighters,
    ),
    schedule(
        "flight numbers cut to three digits",
        "flights lose their record or get that of another, and some are lost",
        lambda rows, _day, _recorded: rows.with_columns(flight=(NUMBER % 1000).clip(1)).unique(
            KEYS, keep="first", maintain_order=True
        ),
    ),
    schedule(
        "a file made later: the times at which flights left",
        "scores know what happened, and will not know it on any other night",
        as_they_left,
    ),
    schedule(
        "times that are not confirmed stand at noon",
        "the strongest input is wrong for a quarter of the rows",
        where(UNCONFIRMED, **AT_NOON),
    ),
    schedule(
        "1,000 miles by default at EWR",
        "an input is wrong for a third of the rows",
        where(ORIGIN == "EWR", distance=pl.lit(1000, pl.Int64)),
    ),
)


# --- flights ---------------------------------------------------------------------------------------

STORM = date(2013, 3, 8)
EARLIER_WEEK, LAST_TWO_WEEKS = tuple(range(2, 9)), tuple(range(2, 16))


def both_delays(change: Callable[[pl.Expr], pl.Expr]) -> Mapping[str, pl.Expr]:
    return {"dep_delay": change(LEFT_LATE), "arr_delay": change(CAME_LATE)}


def without_hours(delay: pl.Expr) -> pl.Expr:
    return delay.sign() * (delay.abs() % 60)


def in_one_byte(delay: pl.Expr) -> pl.Expr:
    """What is left of a number in 8 bits with a sign."""
    return (delay + 128) % 256 - 128


def by_clock_readings(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """One reading HHMM less the other: from 09:55 to 10:05 it is 50."""

    def reading(minute: pl.Expr) -> pl.Expr:
        return minute % DAY_MINUTES // 60 * 100 + minute % 60

    def difference(planned: pl.Expr, delay: pl.Expr) -> pl.Expr:
        return reading(planned + delay) - reading(planned)

    times = recording()["schedules"][day].select(*KEYS, "sched_dep_minute", "sched_arr_minute")
    known = rows.join(times, on=KEYS, how="left", maintain_order="left")
    return known.with_columns(
        dep_delay=difference(DEP, LEFT_LATE), arr_delay=difference(ARR, CAME_LATE)
    ).select(rows.columns)


def before_eight_in_the_evening(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    early = recording()["schedules"][day].filter(DEP < 20 * 60)
    return rows.join(early, on=KEYS, how="semi", maintain_order="left")


def with_noise(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    noise = np.random.default_rng(day.toordinal()).integers(-30, 31, rows.height)
    return rows.with_columns(pl.col("dep_delay", "arr_delay") + pl.Series(noise, dtype=pl.Int64))


def of_the_storm(_rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    return dated(recorded(STORM), (day - STORM).days)


FLIGHT_FAULTS = (
    flights(
        "delays as groups of 15 minutes, from -2 to 12",
        "nothing counts as late",
        hand_over(both_delays(lambda delay: (delay // 15).clip(-2, 12))),
    ),
    flights(
        "the minutes of delays without their hours",
        "flights that are hours late count as in time",
        hand_over(both_delays(without_hours)),
    ),
    flights(
        "delays as the difference of clock readings HHMM",
        "delays across a full hour are 40 minutes too long",
        by_clock_readings,
    ),
    flights(
        "the list of late flights alone",
        "everything counts as late",
        only((CAME_LATE > 15).fill_null(value=True)),
    ),
    flights(
        "written at eight: nothing of the evening",
        "the worst hours have no outcomes and no record",
        before_eight_in_the_evening,
    ),
    flights(
        "one flight for each aircraft: a wrong key for duplicates",
        "later rotations and most cancelled flights have no outcomes",
        one_each("tailnum"),
    ),
    flights(
        "noise of half an hour for secrecy",
        "one outcome in five is wrong",
        with_noise,
    ),
    flights(
        "a spreadsheet sorted the arrivals' column",
        "the first airlines of the alphabet are never late, the last ones always",
        lambda rows, _day, _recorded: rows.with_columns(rows["arr_delay"].sort(nulls_last=True)),
    ),
    flights(
        "UA reports no arrival later than 14 minutes",
        "all flights of a large airline count as in time",
        where(pl.col("carrier") == "UA", arr_delay=CAME_LATE.clip(upper_bound=14)),
    ),
    flights(
        "arrivals 16 to 30 minutes late are written as 15",
        "half of the late flights count as in time",
        where(CAME_LATE.is_between(16, 30), arr_delay=pl.lit(15, pl.Int64)),
    ),
    flights(
        "delays in one byte",
        "flights more than two hours late count as early",
        hand_over(both_delays(in_one_byte)),
    ),
    flights(
        "a test file: the storm of 8 March under this day's dates",
        "outcomes of another day are measured, and records are those of a storm",
        of_the_storm,
    ),
    flights(
        "outliers are removed: a week without delays of over an hour",
        "the worst outcomes and records of a week are missing",
        only((CAME_LATE <= 60).fill_null(value=True)),
        EARLIER_WEEK,
    ),
    flights(
        "two weeks come again with cancelled flights as flown in time",
        "no cancellation is on record",
        where(
            pl.col("cancelled"),
            cancelled=pl.lit(value=False),
            dep_delay=pl.lit(0, pl.Int64),
            arr_delay=pl.lit(0, pl.Int64),
        ),
        LAST_TWO_WEEKS,
    ),
    flights(
        "delays less the mean of their airport",
        "outcomes and records say who was worse than others, not who was late",
        hand_over(both_delays(lambda delay: as_whole(delay - delay.mean().over("origin")))),
    ),
    flights(
        "seats and year of building exchanged",
        "aircraft have more seats than there are and come from the Middle Ages",
        hand_over({"seats": pl.col("built"), "built": pl.col("seats")}),
    ),
)


# --- weather ---------------------------------------------------------------------------------------

READ = ["temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]


def all_of_jfk(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    one = rows.filter(ORIGIN == "JFK")
    return pl.concat(one.with_columns(origin=pl.lit(name)) for name in ("EWR", "JFK", "LGA"))


def in_reverse(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return rows.with_columns(pl.col(READ).reverse().over("origin"))


def as_usual(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The mean of each hour at each airport in the four weeks before."""
    hour = pl.col("time_hour").dt.hour().alias("hour")
    past = pl.concat(recorded(day - n * DAY) for n in range(1, 29))
    usual = past.group_by("origin", hour).agg(pl.col(READ).mean().round(2))
    known = rows.select("origin", "time_hour", hour)
    return known.join(usual, on=["origin", "hour"], how="left", maintain_order="left").select(rows.columns)


def half_of_yesterday(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """Each number is the mean of the reading and of that of the day before."""
    before = dated(recorded(day - DAY), 1).select(
        "origin", "time_hour", pl.col(READ).name.suffix("_yesterday")
    )
    both = rows.join(before, on=["origin", "time_hour"], how="left", maintain_order="left")
    smooth = (pl.mean_horizontal(name, f"{name}_yesterday").alias(name) for name in READ)
    return both.with_columns(smooth).select(rows.columns)


WEATHER_FAULTS = (
    weather(
        "all airports have the readings of JFK",
        "two thirds of the flights have another airport's weather",
        all_of_jfk,
    ),
    weather(
        "readings at nine minutes before the hour, as they are made",
        "no reading has one 24 hours before it: all changes are missing",
        hand_over({"time_hour": pl.col("time_hour") + timedelta(minutes=51)}),
    ),
    weather(
        "the hours of the day from the last to the first",
        "the evening has the weather of the evening before",
        in_reverse,
    ),
    weather(
        "the day's highest values in each hour",
        "the evening has the warmth of noon and the wind of the worst hour",
        hand_over({name: pl.col(name).max().over("origin") for name in READ}),
    ),
    weather(
        "the barometer of JFK shows 8 millibars too much",
        "two inputs are wrong for a third of the flights",
        where(ORIGIN == "JFK", pressure=pl.col("pressure") + 8),
    ),
    weather(
        "wind in knots",
        "the wind is an eighth too weak for all flights",
        hand_over({"wind_speed": pl.col("wind_speed") * 0.86898, "wind_gust": pl.col("wind_gust") * 0.86898}),
    ),
    weather(
        "the wind's direction as one of sixteen points",
        "all wind comes from the north",
        hand_over({"wind_dir": (pl.col("wind_dir") / 22.5).round()}),
    ),
    weather(
        "degrees Fahrenheit are taken for Celsius and changed again",
        "it is too hot to live, or hotter than it ever was in the season",
        hand_over({name: pl.col(name) * 1.8 + 32 for name in ("temp", "dewp")}),
    ),
    weather(
        "what is usual in four weeks in place of readings",
        "no weather is known, and it looks as if it were",
        as_usual,
    ),
    weather(
        "EWR's eye for visibility is dirty: it sees nothing",
        "a third of the flights seems to leave in fog",
        where(ORIGIN == "EWR", visib=pl.lit(0.0)),
    ),
    weather(
        "a hundredth of an inch of rain where none was measured",
        "it rains a little everywhere",
        hand_over({"precip": pl.col("precip").clip(0.01)}),
    ),
    weather(
        "the mean of the three airports at each",
        "what is special about an airport's weather is lost",
        hand_over({name: pl.col(name).mean().over("time_hour") for name in READ}),
    ),
    weather(
        "no dew points",
        "an input is missing for all flights",
        hand_over({"dewp": pl.lit(None, pl.Float64)}),
    ),
    weather(
        "half of each number is yesterday's: smoothed",
        "fronts are half as strong as they are",
        half_of_yesterday,
    ),
    weather(
        "ice stops the gauges of JFK and LGA: no wind",
        "two thirds of the flights seem to leave in a calm",
        where(ORIGIN != "EWR", wind_speed=pl.lit(0.0), wind_gust=pl.lit(None, pl.Float64)),
    ),
)


# --- code ------------------------------------------------------------------------------------------

RECORDS, POPULATION = "models/flight_delay/features.py", "models/flight_delay/population.py"
WEEKLY, ROUTES = "models/route_delay/features.py", "models/route_delay/population.py"
COLUMNS, BLEND = "nightjar/adapters/learners/columns.py", "nightjar/adapters/learners/blend.py"
SKLEARN = "nightjar/adapters/learners/sklearn.py"

READ_AS = 'pl.col([*numeric]).cast(pl.Float64, strict=False).fill_null(float("nan"))'
CUT_OFF = 'pl.col([*numeric]).cast(pl.Int64, strict=False).cast(pl.Float64).fill_null(float("nan"))'
STANDARD = (
    "((pl.col([*numeric]).cast(pl.Float64) - pl.col([*numeric]).mean())"
    ' / pl.col([*numeric]).std().fill_null(1.0).clip(1e-9)).fill_null(float("nan"))'
)
OLDEST_LAST = '"day_share_before"),\n        )\n        .sort("entity_key")'
LIMITED = OLDEST_LAST + ".head(400)"
MEAN_DELAY = '(pl.col("delay_minutes") / pl.col("departed"))'
TO_TENS = "np.round(self._given(ask, rows), -1)"

EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "window_before_its_day": [(RECORDS, "group_by=keys)", 'group_by=keys, closed="left")')],
    "rates_pulled_to_0": [(RECORDS, '_{days}d") / below)', '_{days}d") / (below + 20))')],
    "late_at_departure": [(POPULATION, 'pl.col("arr_delay") <=', 'pl.col("dep_delay") <=')],
    "change_turned_round": [
        (
            RECORDS,
            '(pl.col(name) - pl.col(f"{name}_before"))',
            '(pl.col(f"{name}_before") - pl.col(name))',
        )
    ],
    "degrees_as_radians": [(RECORDS, '.otherwise("wind_dir").radians()', '.otherwise("wind_dir")')],
    "records_of_flown": [
        (RECORDS, '.group_by("date", *keys)', '.filter(~pl.col("cancelled")).group_by("date", *keys)')
    ],
    "delay_up_to_an_hour": [
        (RECORDS, '"delay": pl.col("dep_delay"),', '"delay": pl.col("dep_delay").clip(upper_bound=60),')
    ],
    "change_of_12_hours": [(RECORDS, "timedelta(hours=24)", "timedelta(hours=12)")],
    "ttl_in_hours": [(RECORDS, "ttl=timedelta(days=14)", "ttl=timedelta(hours=14)")],
    "lookback_of_a_week": [(RECORDS, "max(WEEKS) - 1", "min(WEEKS) - 1")],
    "hour_of_all_airports": [
        (POPULATION, 'pl.len().over("origin", minute // 60)', "pl.len().over(minute // 60)")
    ],
    "dense_rank": [(POPULATION, '.rank("min")', '.rank("dense")')],
    "weekday_of_the_evening": [(POPULATION, ".dt.weekday()", '.dt.offset_by("-1d").dt.weekday()')],
    "limit_left_in": [(POPULATION, OLDEST_LAST, LIMITED)],
    "numbers_cut_off": [(COLUMNS, READ_AS, CUT_OFF)],
    "scaled_by_the_night": [(COLUMNS, READ_AS, STANDARD)],
    "small_letters": [
        (
            COLUMNS,
            "pl.col([*categorical]).fill_null(MISSING)",
            "pl.col([*categorical]).str.to_lowercase().fill_null(MISSING)",
        )
    ],
    "first_member_alone": [
        (
            BLEND,
            "given = [member.predict(frame) for member in self.members]",
            "given = [member.predict(frame) for member in self.members[:1]]",
        )
    ],
    "sum_of_log_odds": [(BLEND, "reduce(np.add, given) / len(given)", "reduce(np.add, given)")],
    "route_newest_week_out": [(WEEKLY, "for n in range(WEEKS))", "for n in range(1, WEEKS + 1))")],
    "route_highest_week": [(WEEKLY, ".agg(pl.col(COUNTED).sum())", ".agg(pl.col(COUNTED).max())")],
    "route_outcome_is_sum": [(ROUTES, MEAN_DELAY, 'pl.col("delay_minutes").cast(pl.Float64)')],
    "route_outcome_not_early": [(ROUTES, MEAN_DELAY, MEAN_DELAY + ".clip(0)")],
    "route_sign": [(WEEKLY, '"delay": pl.col("delay_minutes")', '"delay": -pl.col("delay_minutes")')],
    "route_tens": [(SKLEARN, "return self._given(ask, rows)", f"return {TO_TENS}")],
}
"""Edit -> file, what stands there once, and what stands there then."""


def of_neighbours(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row's numbers are those of the row before it, by the table's keys."""
    numbers = [name for name, kind in rows.schema.items() if kind == pl.Float64]
    ordered = rows.sort("origin", "dest")
    return ordered.with_columns(
        pl.concat([ordered[name].tail(1), ordered[name].head(ordered.height - 1)]).alias(name)
        for name in numbers
    )


def fair(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        weather_temp=pl.lit(70.0),
        weather_humid=pl.lit(50.0),
        weather_wind=pl.lit(5.0),
        weather_visib=pl.lit(10.0),
        weather_precip_6h=pl.lit(0.0),
    )


TAMPERED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "carrier UA is half as late": lambda rows: rows.with_columns(
        pl.when(pl.col("carrier") == "UA").then(pl.col(name) / 2).otherwise(name).alias(name)
        for name in ("carrier_late_rate_7d", "carrier_late_rate_28d")
    ),
    "route numbers of the row before": of_neighbours,
    "weather is fair": fair,
    "aircraft of half the numbers": lambda rows: rows.filter(NUMBER % 2 == 0),
    "airport_weeks of another airport": lambda rows: rows.with_columns(
        origin=pl.col("origin").replace({"EWR": "JFK", "JFK": "LGA", "LGA": "EWR"})
    ),
}
"""Edit -> what is done to the newest rows of the feature table that it begins with."""

FLIGHT, ROUTE = "flight_delay", "route_delay"
EDIT_FAULTS = (
    of_code(
        FLIGHT,
        "windows end before their day",
        "all records lack the newest day",
        "window_before_its_day",
    ),
    of_code(
        FLIGHT,
        "rates are pulled to 0 by 20 flights",
        "records of small routes and of flight numbers are a fraction of those in training",
        "rates_pulled_to_0",
    ),
    of_code(
        FLIGHT,
        "late is who left late",
        "outcomes and records mean something else than in training",
        "late_at_departure",
    ),
    of_code(
        FLIGHT,
        "changes of the weather have the other sign",
        "four inputs are turned round",
        "change_turned_round",
    ),
    of_code(
        FLIGHT,
        "the wind's degrees are taken for radians",
        "the wind comes from anywhere",
        "degrees_as_radians",
    ),
    of_code(
        FLIGHT,
        "records leave out cancelled flights",
        "rates of cancellation are 0 and rates of lateness too low",
        "records_of_flown",
    ),
    of_code(
        FLIGHT,
        "delays count up to an hour in records",
        "mean delays are lower than in training",
        "delay_up_to_an_hour",
    ),
    of_code(
        FLIGHT,
        "changes of the weather are over twelve hours",
        "day is compared with night",
        "change_of_12_hours",
    ),
    of_code(
        FLIGHT,
        "records live for 14 hours, not days",
        "all records are missing",
        "ttl_in_hours",
    ),
    of_code(
        FLIGHT,
        "records look back six days, whatever their window",
        "rates of four weeks are those of one",
        "lookback_of_a_week",
    ),
    of_code(
        FLIGHT,
        "an hour's departures are counted over all airports",
        "an input is three times too high",
        "hour_of_all_airports",
    ),
    of_code(
        FLIGHT,
        "departures at the same minute count once among those before",
        "two inputs are too low, most in the evening",
        "dense_rank",
    ),
    of_code(
        FLIGHT,
        "the weekday is that of the evening before",
        "an input is off by one for all rows",
        "weekday_of_the_evening",
    ),
    of_code(
        FLIGHT,
        "a limit of 400 rows is left in the population",
        "more than half of the flights get no score",
        "limit_left_in",
    ),
    of_code(
        FLIGHT,
        "numbers become integers before the model reads them",
        "all rates are 0",
        "numbers_cut_off",
    ),
    of_code(
        FLIGHT,
        "numbers are scaled by the night's mean and spread",
        "the model reads what it never read in training",
        "scaled_by_the_night",
    ),
    of_code(
        FLIGHT,
        "codes come to the model in small letters",
        "no airline, airport or destination is known",
        "small_letters",
    ),
    of_code(
        FLIGHT,
        "the blend takes its first member alone",
        "scores are those of half a model",
        "first_member_alone",
    ),
    of_code(
        FLIGHT,
        "the blend adds log odds and does not divide",
        "scores are twice as sure as they should be",
        "sum_of_log_odds",
    ),
    of_code(
        FLIGHT,
        "somebody halves the late rates of UA in a table",
        "a large airline looks better than it is",
        "carrier UA is half as late",
    ),
    of_code(
        FLIGHT,
        "numbers of the route table lie one row lower than their keys",
        "each route has the record of another",
        "route numbers of the row before",
    ),
    of_code(
        FLIGHT,
        "somebody writes fair weather into a table",
        "the evening's weather is made up",
        "weather is fair",
    ),
    of_code(
        FLIGHT,
        "a day's rows of the aircraft table are written by half",
        "half of the flight numbers have an older record or none",
        "aircraft of half the numbers",
    ),
    of_code(
        ROUTE,
        "the newest week does not count",
        "records are a week old",
        "route_newest_week_out",
    ),
    of_code(
        ROUTE,
        "the highest of four weeks in place of their sum",
        "routes seem to be flown a quarter as often",
        "route_highest_week",
    ),
    of_code(
        ROUTE,
        "outcomes are sums of minutes",
        "measures and the next version are about something else",
        "route_outcome_is_sum",
    ),
    of_code(
        ROUTE,
        "outcomes are not below 0",
        "punctual routes look late",
        "route_outcome_not_early",
    ),
    of_code(
        ROUTE,
        "delays have the other sign",
        "the strongest input is turned round",
        "route_sign",
    ),
    of_code(
        ROUTE,
        "scores are rounded to ten minutes",
        "half of the routes have a score of 10",
        "route_tens",
    ),
    of_code(
        ROUTE,
        "numbers of routes become integers before the model reads them",
        "inputs lose their fraction",
        "numbers_cut_off",
    ),
    of_code(
        ROUTE,
        "the rows of the airport table stand under another airport",
        "each airport has the record of another",
        "airport_weeks of another airport",
    ),
)


# --- weeks of routes -------------------------------------------------------------------------------

COUNTED = ["flights", "departed", "delay_minutes", "schedule_minutes"]
MINUTES, LEFT = pl.col("delay_minutes"), pl.col("departed")
STORM_WEEK = date(2013, 3, 10)


@cache
def departures() -> pl.DataFrame:
    return read_departures(recorded_files())


def made_of(prepare: Callable[[pl.DataFrame], pl.DataFrame], days_earlier: int = 0) -> Change:
    """The week's file, made of other departures than those of its week."""

    def change(_rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
        last = day - timedelta(days=days_earlier)
        week = departures().filter(pl.col("flight_date").is_between(last - 6 * DAY, last))
        return totals(prepare(week), day)

    return change


def late_ones_counted(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """`departed` is how many flights left late."""
    week = departures().filter(pl.col("flight_date").is_between(day - 6 * DAY, day))
    late = week.filter(LEFT_LATE > 0).group_by("origin", "dest").agg(late=pl.len().cast(pl.Int64))
    known = rows.join(late, on=["origin", "dest"], how="left", maintain_order="left")
    return known.with_columns(departed=pl.col("late").fill_null(0)).select(rows.columns)


ROUTE_FAULTS = (
    route(
        "weeks from Sunday to Saturday",
        "a seventh of each total is of another week",
        made_of(lambda week: week, days_earlier=1),
    ),
    route(
        "working days alone",
        "two days of seven are missing from each total",
        made_of(lambda week: week.filter(pl.col("flight_date").dt.weekday() <= 5)),
    ),
    route(
        "without the flights of B6: a join lost them",
        "half of the routes of JFK have another record or none",
        made_of(lambda week: week.filter(pl.col("carrier") != "B6")),
    ),
    route(
        "delays of each flight up to an hour",
        "mean delays are too low, most on bad routes",
        made_of(lambda week: week.with_columns(LEFT_LATE.clip(upper_bound=60))),
    ),
    route(
        "late departures alone count as departed",
        "mean delays are twice as long",
        late_ones_counted,
    ),
    route(
        "delays without their sign",
        "punctual routes look late",
        hand_over({"delay_minutes": MINUTES.abs()}),
    ),
    route(
        "each route has the totals of its airport",
        "no route can be told from another",
        hand_over({name: pl.col(name).sum().over("origin") for name in COUNTED}),
    ),
    route(
        "a join counts each delay twice",
        "mean delays are twice as long",
        hand_over({"delay_minutes": MINUTES * 2}),
    ),
    route(
        "scheduled minutes in UTC",
        "an input is an hour too late for all routes",
        hand_over({"schedule_minutes": pl.col("schedule_minutes") + 300 * pl.col("flights")}),
    ),
    route(
        "EWR reports ten minutes less for each flight",
        "an airport looks better than it is",
        where(ORIGIN == "EWR", delay_minutes=MINUTES - 10 * LEFT),
    ),
    route(
        "written too early: nothing has departed",
        "no route has an outcome, and the week does not count",
        hand_over({"departed": pl.lit(0, pl.Int64), "delay_minutes": pl.lit(0, pl.Int64)}),
    ),
    route(
        "a test file: the week of 10 March under this date",
        "outcomes and records are those of another season",
        lambda _rows, _day, recorded: recorded(STORM_WEEK),
    ),
    Fault(
        name="route_weeks: three older weeks come again without delays",
        model=ROUTE,
        harm="records are a quarter of what they were",
        dataset="route_weeks",
        lags=(8, 15, 22),
        change=hand_over({"delay_minutes": pl.lit(0, pl.Int64)}),
    ),
)

NEW_IN_KIND = frozenset(
    {
        "schedules: one departure for each airline and destination: a wrong key for duplicates",
        "flights: the minutes of delays without their hours",
        "flights: delays as the difference of clock readings HHMM",
        "flights: one flight for each aircraft: a wrong key for duplicates",
        "flights: outliers are removed: a week without delays of over an hour",
        "flights: delays less the mean of their airport",
        "weather: degrees Fahrenheit are taken for Celsius and changed again",
        "weather: half of each number is yesterday's: smoothed",
        "edit: rates are pulled to 0 by 20 flights",
        "edit: records leave out cancelled flights",
        "edit: records live for 14 hours, not days",
        "edit: records look back six days, whatever their window",
        "edit: departures at the same minute count once among those before",
        "edit: the weekday is that of the evening before",
        "edit: numbers are scaled by the night's mean and spread",
        "edit: codes come to the model in small letters",
        "edit: somebody halves the late rates of UA in a table",
        "edit: somebody writes fair weather into a table",
        "route_weeks: weeks from Sunday to Saturday",
        "route_weeks: late departures alone count as departed",
        "route_weeks: each route has the totals of its airport",
    }
)
"""What no other list has, by the names of its faults, which were compared once this list was written."""

ALL = SCHEDULE_FAULTS + FLIGHT_FAULTS + WEATHER_FAULTS + EDIT_FAULTS + ROUTE_FAULTS

LIST = FaultList(
    name="everyday",
    nights={"flight_delay": FLIGHT_NIGHTS, "route_delay": ROUTE_NIGHTS},
    faults=ALL,
    only_on=ONLY_ON,
    new=NEW_IN_KIND,
    seed=20130806,
)
