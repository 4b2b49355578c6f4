"""A third list of faults that was written down before the rules were read, each run end to end.

It was made from README.md, docs/architecture.md, docs/sources.md, the two models and the faults of
delivered_faults.py and blind_faults.py alone. More than half of its faults are of a kind that those lists do
not have. The nights were chosen then too, by weekday and weather. No rule was mended for it before it was
run. Its cases run in a random order, so a run that is stopped is a sample of the list.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import polars as pl
from blind_faults import (
    BEHIND,
    DAY_MINUTES,
    FOUR_WEEKS,
    LAST_WEEK,
    edited,
    flights,
    one_each,
    schedules,
    weather,
    weeks,
)
from delivered_faults import Change, FaultList, Recorded, hand_over, old, only, where

from models.flight_delay.source import recording
from models.recording import read_departures, recorded_files
from models.route_delay.source import totals

FLIGHT_NIGHTS = {"Wednesday": date(2013, 10, 23), "snow": date(2013, 12, 15)}
"""A Wednesday like others, and a Sunday after an evening of snow, wind and fog."""
ROUTE_NIGHTS = {"autumn": date(2013, 10, 28), "Thanksgiving": date(2013, 12, 2)}
"""A Monday like others, and the one after the week of Thanksgiving and its storm."""

ONLY_ON: Mapping[str, tuple[str, ...]] = {
    "standard pressure where none was read": ("snow",),
    "gusts in the place of wind, where there are any": ("snow",),
    "the temperature as it is felt in the wind": ("snow",),
    "no view beyond six miles": ("Wednesday",),
}
"""On the Wednesday's evening each airport read a pressure, none had gusts, and it was not cold. In the snow
nobody saw so far.
"""

DEP, ARR = pl.col("sched_dep_minute"), pl.col("sched_arr_minute")
LEFT_LATE, CAME_LATE = pl.col("dep_delay"), pl.col("arr_delay")
NOON = 12 * 60

ICAO = {
    "UA": "UAL", "DL": "DAL", "AA": "AAL", "B6": "JBU", "WN": "SWA", "EV": "ASQ", "MQ": "ENY", "9E": "FLG",
    "US": "AWE", "VX": "VRD", "FL": "TRS", "AS": "ASA", "F9": "FFT", "HA": "HAL", "YV": "ASH", "OO": "SKW",
}  # fmt: skip
"""Carrier -> its code of three letters."""


def at_minute(minute: pl.Expr) -> Mapping[str, pl.Expr]:
    """Departure at another minute of the day."""
    return {"sched_dep": pl.col("sched_dep") + pl.duration(minutes=minute - DEP), "sched_dep_minute": minute}


def as_expected(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """Departures at the times at which the same flights left two days before."""
    keys = ["carrier", "flight", "origin"]
    before = recording()["flights"][day - timedelta(days=2)].select(*keys, by="dep_delay")
    moved = rows.join(before, on=keys, how="left", maintain_order="left").with_columns(
        pl.col("by").fill_null(0)
    )
    minute = (DEP + pl.col("by")).clip(0, DAY_MINUTES - 1)
    return moved.with_columns(**at_minute(minute)).select(rows.columns)


def numbered(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return rows.with_columns(flight=pl.int_range(1, rows.height + 1, dtype=pl.Int64))


def flown_the_day_before(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """An inner join with the file of the day before."""
    before = recorded(day - timedelta(days=1))
    return rows.join(before, on=["carrier", "flight", "origin", "dest"], how="semi", maintain_order="left")


def with_freight(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Sixty flights at night, by two carriers of parcels to their two hubs."""
    like = rows.filter(DEP < NOON).gather_every(5).head(60)
    first = pl.int_range(like.height) % 2 == 0
    freight = like.with_columns(
        carrier=pl.when(first).then(pl.lit("FX")).otherwise(pl.lit("5X")),
        dest=pl.when(first).then(pl.lit("MEM")).otherwise(pl.lit("SDF")),
        flight=1000 + pl.int_range(like.height, dtype=pl.Int64),
        distance=pl.when(first).then(950).otherwise(650).cast(pl.Int64),
        sched_arr_minute=(DEP // 3 + 120).cast(pl.Int64),
        **at_minute(DEP // 3),
    )
    return pl.concat([rows, freight.select(rows.columns)])


def by_day_of_utc(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """Without the evening, whose day in UTC is the next one."""
    return rows.filter(pl.col("sched_dep").dt.date() == day)


def back_a_day_after_midnight(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """An arrival after midnight is taken for one of the same day, so its delay is a day too small."""
    keys = ["carrier", "flight", "origin"]
    times = recording()["schedules"][day].select(*keys, "sched_dep_minute", "sched_arr_minute")
    both = rows.join(times, on=keys, how="left", maintain_order="left")
    crossed = (ARR >= DEP) & (ARR + CAME_LATE >= DAY_MINUTES)
    return both.with_columns(
        arr_delay=pl.when(crossed).then(CAME_LATE - DAY_MINUTES).otherwise("arr_delay")
    ).select(rows.columns)


def eight_bits(delay: pl.Expr) -> pl.Expr:
    return (delay + 128) % 256 - 128


def at_newest_hour(origin: str, **exprs: pl.Expr) -> Change:
    return where((pl.col("origin") == origin) & (pl.col("time_hour") == pl.col("time_hour").max()), **exprs)


def stands_for_all(origin: str) -> Change:
    def change(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
        one = rows.filter(pl.col("origin") == origin)
        places = rows.select(pl.col("origin").unique().sort())
        return places.join(one.drop("origin"), how="cross").select(rows.columns)

    return change


def nine_minutes_before_the_hour(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    moved = rows.with_columns(pl.col("time_hour") - timedelta(minutes=9))
    return moved.filter(pl.col("time_hour").dt.date() == day)


@cache
def departures() -> pl.DataFrame:
    return read_departures(recorded_files())


def summed(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    """The week's totals of changed departures."""

    def of_week(_rows: pl.DataFrame, sunday: date, _recorded: Recorded) -> pl.DataFrame:
        days = pl.col("flight_date").is_between(sunday - timedelta(days=6), sunday)
        return totals(change(departures().filter(days)), sunday)

    return of_week


def by_codes_of_icao(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """`KIA` for IAH and IAD: the code of four letters, cut to three."""
    cut = rows.with_columns(dest=pl.lit("K") + pl.col("dest").str.head(2))
    return cut.group_by("origin", "dest").sum().select(rows.columns).sort("origin", "dest")


SCHEDULE_FAULTS = (
    schedules(
        "afternoons on a clock of twelve hours",
        "a departure at 17:00 is scored as one at 05:00: hour and place in the day are wrong for two thirds",
        hand_over(at_minute(DEP % NOON)),
    ),
    schedules(
        "minutes under way in the place of the arrival",
        "arrival and time from departure to arrival are nonsense for all departures",
        hand_over({"sched_arr_minute": (ARR - DEP + BEHIND) % DAY_MINUTES}),
    ),
    schedules(
        "arrivals after midnight cut to 23:59",
        "flights of the evening seem to be shorter than they are, or to arrive before midnight",
        where(ARR < DEP, sched_arr_minute=pl.lit(DAY_MINUTES - 1, pl.Int64)),
    ),
    schedules(
        "readings of the clock as minutes: 07:30 is 730",
        "arrivals are hours too late, and most are at no minute of a day",
        hand_over({"sched_arr_minute": ARR // 60 * 100 + ARR % 60}),
    ),
    schedules(
        "expected times in the place of planned ones",
        "flights that were late two days ago seem to be planned for a later hour",
        as_expected,
    ),
    schedules(
        "carriers by the first two letters of their long code",
        "most departures lose their carrier's record, and some have another's",
        one_each(hand_over({"carrier": pl.col("carrier").replace(ICAO).str.head(2)})),
    ),
    schedules(
        "rows' numbers in the place of flight numbers",
        "no flight has its own aircraft and record, and no outcome has its key",
        numbered,
    ),
    schedules(
        "only flights of the day before",
        "flights that are not flown each day have no score, and hours seem emptier",
        flown_the_day_before,
    ),
    schedules(
        "freight is listed too",
        "flights without passengers are scored, and the early hours seem fuller",
        with_freight,
    ),
    schedules(
        "distances rounded to hundreds of miles",
        "short flights seem up to a half longer or shorter than they are",
        hand_over({"distance": ((pl.col("distance") + 50) // 100 * 100).clip(100)}),
    ),
    schedules(
        "arrivals in New York time",
        "time in the air and arrival are wrong by 1 to 5 hours for each flight to another time zone",
        hand_over({"sched_arr_minute": (ARR + BEHIND) % DAY_MINUTES}),
    ),
    schedules(
        "departures by their day in UTC",
        "the evening's flights have no score",
        by_day_of_utc,
    ),
    schedules(
        "all departures under JFK",
        "two thirds have another airport's weather and record, and hours seem three times as full",
        one_each(hand_over({"origin": pl.lit("JFK")})),
    ),
)

FLIGHT_FAULTS = (
    flights(
        "no arrival delay for flights that were not late",
        "flights that came in time count as not arrived: nearly all outcomes are 1",
        hand_over({"arr_delay": pl.when(CAME_LATE > 0).then(CAME_LATE)}),
    ),
    flights(
        "delays of more than an hour sent again as an hour",
        "the mean delays of carriers, airports and routes fall by minutes",
        hand_over({"dep_delay": LEFT_LATE.clip(upper_bound=60), "arr_delay": CAME_LATE.clip(upper_bound=60)}),
        LAST_WEEK,
    ),
    flights(
        "arrivals count from 15 minutes after the schedule",
        "only flights that came more than half an hour late count as late",
        hand_over({"arr_delay": CAME_LATE - 15}),
    ),
    flights(
        "departures measured at take-off",
        "the mean delays of all records rise by a quarter of an hour for one day",
        hand_over({"dep_delay": LEFT_LATE + 16}),
    ),
    flights(
        "cancelled says the opposite",
        "nearly all flights of a day count as cancelled",
        hand_over({"cancelled": ~pl.col("cancelled")}),
    ),
    flights(
        "only what was irregular",
        "the file holds late, cancelled and diverted flights alone, so all outcomes are 1",
        only((LEFT_LATE > 15) | (CAME_LATE > 15) | CAME_LATE.is_null()),
    ),
    flights(
        "delays in eight bits",
        "flights more than two hours late count as early",
        hand_over({"dep_delay": eight_bits(LEFT_LATE), "arr_delay": eight_bits(CAME_LATE)}),
    ),
    flights(
        "arrivals after midnight a day too early",
        "the latest flights of the evening count as in time",
        back_a_day_after_midnight,
    ),
    flights(
        "the departure's delay added to the arrival's",
        "late flights seem twice as late, and early ones too early",
        hand_over({"arr_delay": CAME_LATE + LEFT_LATE}),
    ),
    flights(
        "seats sold in the place of seats",
        "aircraft seem a fifth smaller, and differ from day to day",
        hand_over({"seats": (pl.col("seats") * (65 + pl.col("flight") * 7 % 31) // 100).clip(1)}),
        FOUR_WEEKS,
    ),
    flights(
        "year of registration in the place of the building's",
        "no aircraft seems older than seven years",
        hand_over({"built": pl.col("built").clip(2006)}),
        FOUR_WEEKS,
    ),
    flights(
        "the registry of aircraft did not answer for a week",
        "usual aircraft are described by fewer days, and some flights have none",
        hand_over({"seats": pl.lit(None, pl.Int64), "built": pl.lit(None, pl.Int64)}),
        LAST_WEEK,
    ),
    flights(
        "sent again without cancelled and diverted flights",
        "no flight of four weeks was cancelled, and the late rates fall",
        only(~pl.col("cancelled") & ~pl.col("diverted")),
        FOUR_WEEKS,
    ),
)

WEATHER_FAULTS = (
    weather(
        "LGA's station stands for all three",
        "two airports have another's weather, and all three the same numbers",
        stands_for_all("LGA"),
    ),
    weather(
        "observed nine minutes before the hour",
        "no observation has one 24 hours before, so all changes are missing",
        nine_minutes_before_the_hour,
    ),
    weather(
        "each third hour only",
        "the newest weather is two hours older, and the rain of four of six hours is missing",
        only(pl.col("time_hour").dt.hour() % 3 == 0),
    ),
    weather(
        "LGA's thermometer shows eight degrees too much",
        "a third of the flights has a wrong temperature, unlike that of the other airports",
        where(pl.col("origin") == "LGA", temp=pl.col("temp") + 8),
    ),
    weather(
        "the temperature as it is felt in the wind",
        "it seems ten degrees colder than it is",
        where(
            (pl.col("temp") <= 50) & (pl.col("wind_speed") > 3),
            temp=(
                35.74
                + 0.6215 * pl.col("temp")
                + (0.4275 * pl.col("temp") - 35.75) * pl.col("wind_speed") ** 0.16
            ).round(2),
        ),
    ),
    weather(
        "no view beyond six miles",
        "clear air is scored as hazy",
        hand_over({"visib": pl.col("visib").clip(upper_bound=6)}),
    ),
    weather(
        "the wind's direction in tens of degrees",
        "each wind seems to blow from the north",
        hand_over({"wind_dir": pl.col("wind_dir") / 10}),
    ),
    weather(
        "99.99 for rain that EWR did not measure",
        "a third of the flights has eight feet of rain",
        at_newest_hour("EWR", precip=pl.lit(99.99)),
    ),
    weather(
        "gusts in the place of wind, where there are any",
        "wind seems half as strong again at some airports",
        hand_over({"wind_speed": pl.coalesce("wind_gust", "wind_speed")}),
    ),
    weather(
        "standard pressure where none was read",
        "in a deep low the pressure seems ordinary",
        hand_over({"pressure": pl.col("pressure").fill_null(1013.25)}),
    ),
    weather("weather of the day after", "the weather is one that nobody could know", old(-1)),
)

EDIT_FAULTS = (
    edited("late by the departure", "outcomes and records count other flights as late"),
    edited(
        "time under way without midnight",
        "flights over midnight seem to take up to a day",
    ),
    edited("departures in half an hour", "the hour seems half as full"),
    edited("records are stamped a day later", "the newest day of carriers, airports and routes is not used"),
    edited("changes with the wrong sign", "a falling pressure is scored as a rising one"),
    edited("inputs become whole numbers", "all rates are 0 or 1"),
    edited("rows are sorted before the model reads them", "each flight has the score of another"),
    edited("the chance of being in time", "a high score means that all is well"),
    edited("one learner of the two", "scores are those of the trees alone"),
    edited("a filter of an experiment: no flights before 07:00", "early flights have no score"),
    edited(
        "the carriers' last week and last four weeks exchanged",
        "a column of one week holds four weeks, and the reverse",
        "carrier windows exchanged",
    ),
    edited(
        "missing aircraft filled with the mean",
        "flights with small aircraft seem to have ordinary ones",
        "aircraft filled with the mean",
    ),
    edited("the newest week is left out", "records are a week old", model="route_delay"),
    edited(
        "the largest of four weeks in the place of their sum",
        "routes seem to be flown a quarter as often, and delays are those of the worst week",
        model="route_delay",
    ),
)

ROUTE_FAULTS = (
    weeks(
        "the median for each flight",
        "most routes seem to leave early",
        summed(
            lambda rows: rows.with_columns(
                dep_delay=pl.when(LEFT_LATE.is_not_null()).then(
                    LEFT_LATE.median().over("origin", "dest").round().cast(pl.Int64)
                )
            )
        ),
    ),
    weeks(
        "delays of arrival",
        "routes seem minutes less late than the model learned",
        summed(lambda rows: rows.with_columns(dep_delay=CAME_LATE)),
    ),
    weeks(
        "an hour at most for each flight",
        "weeks of storms look like others",
        summed(lambda rows: rows.with_columns(dep_delay=LEFT_LATE.clip(upper_bound=60))),
    ),
    weeks(
        "five hours for each cancelled flight",
        "routes with cancelled flights seem very late",
        hand_over(
            {"delay_minutes": pl.col("delay_minutes") + 300 * (pl.col("flights") - pl.col("departed"))}
        ),
    ),
    weeks(
        "scheduled minutes in sixteen bits",
        "the routes with most flights seem to leave in the early morning",
        hand_over({"schedule_minutes": pl.col("schedule_minutes") % 65_536}),
    ),
    weeks(
        "without the regional carriers",
        "small routes are missing, and large ones have fewer flights and other delays",
        summed(lambda rows: rows.filter(~pl.col("carrier").is_in(["EV", "MQ", "9E", "YV", "OO"]))),
    ),
    weeks(
        "few flights are kept secret",
        "routes with less than five flights in the week are missing",
        only(pl.col("flights") >= 5),
    ),
    weeks(
        "long codes of airports, cut to three letters",
        "no route has its newest week, and most are new",
        by_codes_of_icao,
    ),
)

EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "late by the departure": [
        (
            "models/flight_delay/population.py",
            'pl.col("arr_delay") <= LATE_MINUTES',
            'pl.col("dep_delay") <= LATE_MINUTES',
        )
    ],
    "time under way without midnight": [
        (
            "models/flight_delay/population.py",
            '((pl.col("sched_arr_minute") - minute) % (24 * 60))',
            '(pl.col("sched_arr_minute") - minute).abs()',
        )
    ],
    "departures in half an hour": [
        (
            "models/flight_delay/population.py",
            'pl.len().over("origin", minute // 60)',
            'pl.len().over("origin", minute // 30)',
        )
    ],
    "records are stamped a day later": [
        (
            "models/flight_delay/features.py",
            '(pl.col("date") + timedelta(days=1))\n        .cast',
            '(pl.col("date") + timedelta(days=2))\n        .cast',
        )
    ],
    "changes with the wrong sign": [
        (
            "models/flight_delay/features.py",
            '(pl.col(name) - pl.col(f"{name}_before"))',
            '(pl.col(f"{name}_before") - pl.col(name))',
        )
    ],
    "inputs become whole numbers": [
        (
            "nightjar/adapters/learners/columns.py",
            "pl.col([*numeric]).cast(pl.Float64, strict=False)",
            "pl.col([*numeric]).cast(pl.Int64, strict=False).cast(pl.Float64)",
        )
    ],
    "rows are sorted before the model reads them": [
        (
            "nightjar/adapters/learners/columns.py",
            "return pl.DataFrame([*spelled_out, *numbers])",
            'return pl.DataFrame([*spelled_out, *numbers]).sort("carrier", "dest", maintain_order=True)',
        )
    ],
    "the chance of being in time": [
        ("nightjar/adapters/learners/blend.py", "return mean_of(self.kind,", "return 1 - mean_of(self.kind,")
    ],
    "one learner of the two": [
        (
            "nightjar/adapters/learners/blend.py",
            "given = [member.predict(frame) for member in self.members]",
            "given = [member.predict(frame) for member in self.members[:1]]",
        )
    ],
    "a filter of an experiment: no flights before 07:00": [
        (
            "models/flight_delay/population.py",
            'raw[SCHEDULES.name]\n        .filter(pl.col("flight_date") == score_date)',
            'raw[SCHEDULES.name]\n        .filter(pl.col("flight_date") == score_date, minute >= 7 * 60)',
        )
    ],
    "the newest week is left out": [
        ("models/route_delay/features.py", "for n in range(WEEKS))", "for n in range(1, WEEKS + 1))"),
        ("models/route_delay/features.py", "((WEEKS - 1) * WEEK).days", "(WEEKS * WEEK).days"),
    ],
    "the largest of four weeks in the place of their sum": [
        ("models/route_delay/features.py", "agg(pl.col(COUNTED).sum())", "agg(pl.col(COUNTED).max())"),
    ],
}
"""Edit -> file, what stands there once, and what stands there then."""

WEEK_AND_FOUR = {
    f"carrier_{name}_{days}d": f"carrier_{name}_{35 - days}d"
    for name in ("late_rate", "cancel_rate", "dep_delay")
    for days in (7, 28)
}
TAMPERED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "carrier windows exchanged": lambda rows: rows.rename(WEEK_AND_FOUR),
    "aircraft filled with the mean": lambda rows: rows.with_columns(
        pl.col("aircraft_seats", "aircraft_age").fill_null(strategy="mean")
    ),
}
"""Edit -> what is done to the newest rows of the feature table that it begins with."""

LIKE_EARLIER_ONES = frozenset(
    {
        "readings of the clock as minutes: 07:30 is 730",
        "carriers by the first two letters of their long code",
        "arrivals in New York time",
        "all departures under JFK",
        "departures by their day in UTC",
        "departures measured at take-off",
        "sent again without cancelled and diverted flights",
        "the wind's direction in tens of degrees",
        "99.99 for rain that EWR did not measure",
        "gusts in the place of wind, where there are any",
        "weather of the day after",
        "departures in half an hour",
        "delays of arrival",
        "without the regional carriers",
        "few flights are kept secret",
        "long codes of airports, cut to three letters",
    }
)
"""Variations of what delivered_faults.py or blind_faults.py has. All others are new in kind."""

ALL = SCHEDULE_FAULTS + FLIGHT_FAULTS + WEATHER_FAULTS + EDIT_FAULTS + ROUTE_FAULTS

LIST = FaultList(
    name="unseen",
    nights={"flight_delay": FLIGHT_NIGHTS, "route_delay": ROUTE_NIGHTS},
    faults=ALL,
    only_on=ONLY_ON,
    new=frozenset(fault.name for fault in ALL) - LIKE_EARLIER_ONES,
    seed=20131123,
)
