"""A list of faults as people meet them who operate the data feeds of airlines, airports and weather services.

It was made from README.md, the sources of the two models, first_night.py, and the form of everyday_faults.py:
its docstring, its functions, about ten of its faults, and its table of edits. Of delivered_faults.py the
names of its functions were seen, and what some of them do in a line. No rule, no decision, no measurement and
no page about the monitoring was read, and no other list. When the list was written, the names of all faults
of everyday_faults.py were read, to say what is new in kind; one fault that was in both was replaced. Nobody
looked whether anything would be found: the list was stored before any of its nights was run. Each fault was
applied to the files of its nights, and each edit of code to the code, to see that it changes something; two
edits that change at most 4 of 100 rows were dropped.

The nights are drawn with SEED: `draw = Random(SEED)`, then `draw.sample(flight days, 2)`, then
`draw.sample(Mondays, 2)`. Flight days: 15 July, when two weeks have passed since the training, to
30 December. Mondays: 19 August to 23 December. Nights that were chosen for other lists are left out of both
(23 October, 15 December, 13 September, 10 November, 6 August, 22 November; Mondays: 28 October, 2 December,
23 and 30 September, 11 November, 9 December).
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache

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
from everyday_faults import (
    ARR,
    CAME_LATE,
    DAY,
    DAY_MINUTES,
    DEP,
    KEYS,
    LEFT_LATE,
    ORIGIN,
    POPULATION,
    RECORDS,
    ROUTES,
    WEEKLY,
    both_delays,
    departures,
    leaving_at,
    made_of,
    one_each,
)

from models.flight_delay.source import recording
from models.recording import recorded_files
from models.route_delay.source import totals

SEED = 20131137
FLIGHT_NIGHTS = {"July": date(2013, 7, 15), "October": date(2013, 10, 20)}
"""A Monday and a Sunday."""
ROUTE_NIGHTS = {"October": date(2013, 10, 21), "November": date(2013, 11, 18)}

FLIGHT, ROUTE, CARRIER = "flight_delay", "route_delay", pl.col("carrier")
REGIONAL = {"EV": "UA", "9E": "DL", "MQ": "AA"}
"""Airlines that fly for another one."""


@cache
def minutes_behind() -> Mapping[str, int]:
    """By how many minutes the clock of each destination is behind New York's, in its standard time."""
    airports = pl.read_csv(recorded_files() / "airports.csv", glob=False, columns=["faa", "tz"])
    return {code: (-5 - zone) * 60 for code, zone in airports.iter_rows()}


def behind() -> pl.Expr:
    return pl.col("dest").replace_strict(minutes_behind(), default=0, return_dtype=pl.Int64)


def times_of(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """The rows with the two scheduled minutes of each departure."""
    times = recording()["schedules"][day].select(*KEYS, "sched_dep_minute", "sched_arr_minute")
    return rows.join(times, on=KEYS, how="left", maintain_order="left")


# --- schedules -------------------------------------------------------------------------------------


def in_the_clock_of_new_york(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return rows.with_columns(sched_arr_minute=(ARR + behind()) % DAY_MINUTES)


def with_withdrawn_flights(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """Flights of eight weeks ago whose end was never told."""
    old = dated(recorded(day - 56 * DAY), 56)
    return pl.concat([rows, old]).unique(KEYS, keep="first", maintain_order=True)


def in_two_letters(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return rows.with_columns(CARRIER.replace(LETTERS)).unique(KEYS, keep="first", maintain_order=True)


HEAD_OFFICE = {**leaving_at((DEP - 60) % DAY_MINUTES), "sched_arr_minute": (ARR - 60) % DAY_MINUTES}
PAIRS = "9E=FL B6=JB DL=DA EV=AS F9=FF FL=TR MQ=EN OO=SK US=AW VX=VR WN=SW YV=AS"
LETTERS = dict(pair.split("=") for pair in PAIRS.split())
"""The code of each airline, and the first two of its three letters where they differ: FLG, JBU, DAL..."""
CITIES = {
    **dict.fromkeys(("ORD", "MDW"), "CHI"),
    **dict.fromkeys(("IAD", "DCA", "BWI"), "WAS"),
    **dict.fromkeys(("IAH", "HOU"), "HOU"),
    **dict.fromkeys(("SFO", "OAK"), "QSF"),
    "DTW": "DTT",
    "MCO": "ORL",
}

SCHEDULE_FAULTS = (
    schedule(
        "arrivals in the clock of New York: the supplier now gives one time zone",
        "flights to the west look hours longer than they did in training",
        in_the_clock_of_new_york,
    ),
    schedule(
        "withdrawn flights of eight weeks ago are still in it",
        "flights are scored that nobody flies, and airports look too busy",
        with_withdrawn_flights,
    ),
    schedule(
        "airlines by their three letters in a field of two",
        "most flights have the name of another airline or of none, and no outcome is theirs",
        in_two_letters,
    ),
    schedule(
        "destinations by the code of their city",
        "routes to the largest cities have no record, and the model does not know them",
        hand_over({"dest": pl.col("dest").replace(CITIES)}),
    ),
    schedule(
        "no arrivals of B6: the departure stands for them",
        "flights of the largest airline of JFK last no time",
        where(CARRIER == "B6", sched_arr_minute=DEP),
    ),
    schedule(
        "all times in the clock of the head office in Dallas",
        "each flight stands an hour too early",
        hand_over(HEAD_OFFICE),
    ),
    schedule(
        "one departure an airport and minute: a wrong key for codeshares",
        "four of ten flights get no score, and airports look less busy",
        one_each("origin", "sched_dep_minute"),
    ),
    schedule(
        "distances in nautical miles",
        "each distance is an eighth too short",
        hand_over({"distance": as_whole(pl.col("distance") * 0.868976)}),
    ),
    schedule(
        "the extract of LGA ended at noon",
        "afternoons of one airport get no score, and it looks quiet",
        only((ORIGIN != "LGA") | (DEP < 12 * 60)),
    ),
)

# --- flights with outcomes -------------------------------------------------------------------------


def landed_by_another_clock(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Landings in New York's time, less schedules in that of the destination."""
    return rows.with_columns(CAME_LATE + behind())


def without_the_change_of_date(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """A flight that lands after midnight seems to have landed on the morning of its departure."""
    block = (ARR - DEP) % DAY_MINUTES
    after_midnight = DEP + block + CAME_LATE >= DAY_MINUTES
    moved = pl.when(after_midnight).then(CAME_LATE - DAY_MINUTES).otherwise(CAME_LATE)
    return times_of(rows, day).with_columns(arr_delay=moved).select(rows.columns)


def without_three_hours(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    kept = times_of(rows, day).filter(~DEP.is_between(14 * 60, 17 * 60 - 1))
    return kept.select(rows.columns)


def standing_at(minutes: int | None) -> Mapping[str, pl.Expr]:
    return both_delays(lambda _: pl.lit(minutes, pl.Int64))


FLIGHT_FAULTS = (
    flights(
        "times of the wheels, not of the gate",
        "each flight leaves 16 minutes later and comes 7 minutes earlier than in training",
        hand_over({"dep_delay": pl.col("dep_delay") + 16, "arr_delay": CAME_LATE - 7}),
    ),
    flights(
        "landings in New York's time against schedules in local time",
        "flights to the west come hours late",
        landed_by_another_clock,
    ),
    flights(
        "landings after midnight are a day too early",
        "the latest flights of the night count as in time",
        without_the_change_of_date,
    ),
    flights(
        "flights of EV are not closed yet and stand as cancelled",
        "a seventh of the flights counts as cancelled, and so as late",
        where(CARRIER == "EV", cancelled=pl.lit(value=True), **standing_at(None)),
    ),
    flights(
        "joined by the flight number without its airline",
        "flights have the delays of another airline",
        hand_over(both_delays(lambda delay: delay.first().over("flight"))),
    ),
    flights(
        "a week is written again from a source that has 0 for less than 15 minutes",
        "early flights look in time, and mean delays are too long",
        hand_over(both_delays(lambda delay: pl.when(delay < 15).then(0).otherwise(delay))),
        lags=tuple(range(2, 9)),
    ),
    flights(
        "aircraft built in two digits",
        "aircraft are 1,900 years old",
        hand_over({"built": pl.col("built") % 100}),
    ),
    flights(
        "delays in tenths of an hour, as crews are paid",
        "hardly anything counts as late",
        hand_over(both_delays(lambda delay: as_whole(delay / 6))),
    ),
    flights(
        "DL reports nothing: its flights stand at 0 minutes",
        "an airline looks perfectly in time",
        where(CARRIER == "DL", cancelled=pl.lit(value=False), **standing_at(0)),
    ),
    flights(
        "three hours of the afternoon are lost: the queue was started again",
        "a fifth of the flights has no outcome and is in no record",
        without_three_hours,
    ),
)

# --- weather ---------------------------------------------------------------------------------------

HOUR = pl.col("time_hour").dt.hour()

WEATHER_FAULTS = (
    weather(
        "temperature and dew point are exchanged",
        "it is too cold, and air that is usual looks like a change of weather",
        hand_over({"temp": pl.col("dewp"), "dewp": pl.col("temp")}),
    ),
    weather(
        "every third hour alone, as in reports for the whole world",
        "the newest reading is older, and rain is summed over two readings",
        only(HOUR % 3 == 0),
    ),
    weather(
        "the direction to which the wind blows",
        "each wind looks like a turn of the wind by 180 degrees",
        hand_over({"wind_dir": (pl.col("wind_dir") + 180) % 360}),
    ),
    weather(
        "pressure decoded with a 9 in front, not a 10",
        "high pressure reads as the deepest storm",
        where(pl.col("pressure") >= 1000, pressure=pl.col("pressure") - 100),
    ),
    weather(
        "metres a second and kilometres from a new supplier",
        "storms look like a breeze, and fog looks thinner",
        hand_over(
            {
                **{name: pl.col(name) * 0.44704 for name in ("wind_speed", "wind_gust")},
                "visib": pl.col("visib") * 1.609344,
            }
        ),
    ),
    weather(
        "0.05 inches of rain by default in each hour",
        "it rains at all airports all day",
        hand_over({"precip": pl.col("precip").clip(lower_bound=0.05)}),
    ),
    weather(
        "the thermometer of JFK stands in the sun: 15 degrees too much by day",
        "an airport is too hot, with the humidity of cooler air",
        where((ORIGIN == "JFK") & (HOUR >= 13), temp=pl.col("temp") + 15),
    ),
    weather(
        "one airport an hour: a wrong key for duplicates",
        "two of three airports have no weather",
        one_each("time_hour"),
    ),
)

# --- edits of code and of files --------------------------------------------------------------------

AIRLINE = 'entity_key(),\n            "carrier",'
PARTNER = f'entity_key(),\n            pl.col("carrier").replace({REGIONAL}),'.replace("'", '"')

EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "field_whole_rows_alone": [
        (RECORDS, '.group_by("date", *keys)\n', '.drop_nulls().group_by("date", *keys)\n')
    ],
    "field_dew_point": [
        (RECORDS, 'pl.col("humid").alias("weather_humid")', 'pl.col("dewp").alias("weather_humid")')
    ],
    "field_east_is_north": [
        (
            RECORDS,
            "wind_from_east=wind * direction.sin(), wind_from_north=wind * direction.cos()",
            "wind_from_east=wind * direction.cos(), wind_from_north=wind * direction.sin()",
        )
    ],
    "field_quarter_hours": [(POPULATION, '.over("origin", minute // 60)', '.over("origin", minute // 15)')],
    "field_before_of_airline": [
        (POPULATION, '.rank("min").over("origin")', '.rank("min").over("origin", "carrier")')
    ],
    "field_partner": [(POPULATION, AIRLINE, PARTNER)],
    "field_early_is_late": [
        (POPULATION, '(pl.col("arr_delay") <= LATE', '(pl.col("arr_delay").abs() <= LATE')
    ],
    "field_route_total": [(WEEKLY, 'pl.col("flights") / WEEKS', 'pl.col("flights") / 1')],
    "field_route_week_before": [(ROUTES, "days_after=6", "days_before=6")],
}
"""Edit -> file, what stands there once, and what stands there then."""


def windows_exchanged(rows: pl.DataFrame) -> pl.DataFrame:
    week = [name for name in rows.columns if name.endswith("_7d")]
    pairs = [(name, name.replace("_7d", "_28d")) for name in week]
    both = (pl.col(old).alias(new) for a, b in pairs for old, new in ((a, b), (b, a)))
    return rows.with_columns(both)


TAMPERED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "carrier numbers of one and of four weeks are exchanged": windows_exchanged,
    "route_weeks flights twice": lambda rows: rows.with_columns(pl.col("route_flights") * 2),
}
"""Edit -> what is done to the newest rows of the feature table that it begins with."""

EDIT_FAULTS = (
    of_code(
        FLIGHT,
        "records leave out rows with any empty field",
        "airlines whose aircraft are unknown, and cancelled flights, are in no record",
        "field_whole_rows_alone",
    ),
    of_code(
        FLIGHT,
        "the dew point is taken for the humidity",
        "an input is another quantity than in training, in the same range",
        "field_dew_point",
    ),
    of_code(
        FLIGHT,
        "regional airlines have the code of their partner",
        "a third of the flights has the record of another airline",
        "field_partner",
    ),
    of_code(
        FLIGHT,
        "15 minutes too early counts as late",
        "a fifth of the flights counts as late that was not",
        "field_early_is_late",
    ),
    of_code(
        FLIGHT,
        "the columns of one and of four weeks are exchanged in a table",
        "the present situation is taken for the usual one",
        "carrier numbers of one and of four weeks are exchanged",
    ),
    of_code(
        ROUTE,
        "the outcome is that of the week before",
        "scores are measured by what was known before them",
        "field_route_week_before",
    ),
    of_code(
        FLIGHT,
        "the angle of the wind counts from the east",
        "east and north are exchanged",
        "field_east_is_north",
    ),
    of_code(
        FLIGHT,
        "departures of an hour are counted by the quarter",
        "each hour looks a third as busy as in training",
        "field_quarter_hours",
    ),
    of_code(
        FLIGHT,
        "departures before are counted within the airline",
        "all flights look like those of the morning",
        "field_before_of_airline",
    ),
    of_code(
        ROUTE,
        "flights of four weeks, not of one",
        "each route looks four times as busy",
        "field_route_total",
    ),
    of_code(
        ROUTE,
        "a job that ran twice counts flights twice in a table",
        "each route looks twice as busy",
        "route_weeks flights twice",
    ),
)

# --- weeks of routes -------------------------------------------------------------------------------


def of_eight_days(_rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """Both Sundays count."""
    return totals(departures().filter(pl.col("flight_date").is_between(day - 7 * DAY, day)), day)


def with_delays(delay: pl.Expr) -> Change:
    return made_of(lambda week: week.with_columns(dep_delay=delay))


def of_one_in_ten(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    sample = made_of(lambda week: week.gather_every(10))(rows, day, recorded)
    return sample.with_columns(pl.exclude("origin", "dest") * 10)


ROUTE_FAULTS = (
    route(
        "delays at the arrival, not at the departure",
        "mean delays are shorter, and mean something else",
        with_delays(CAME_LATE),
    ),
    route(
        "delays of less than 15 minutes are 0",
        "early flights make up for nothing: mean delays are too long",
        with_delays(pl.when(LEFT_LATE < 15).then(0).otherwise(LEFT_LATE)),
    ),
    route(
        "a cancelled flight counts as 180 minutes late",
        "routes with cancelled flights look later than they were",
        with_delays(LEFT_LATE.fill_null(180)),
    ),
    route(
        "scheduled minutes are the sum of clock readings HHMM",
        "flights of that week seem to leave nine hours later",
        made_of(lambda week: week.with_columns(sched_dep_minute=pl.col("sched_dep_time"))),
    ),
    route(
        "one flight in ten, times ten",
        "delays of small routes are those of one flight, and some routes have none",
        of_one_in_ten,
    ),
    route(
        "eight days: both Sundays count",
        "totals are a seventh too high, and one day counts in two weeks",
        of_eight_days,
    ),
    route(
        "one flight a number and week: a wrong key for duplicates",
        "routes look a fifth as busy, and most delays are lost",
        made_of(lambda week: week.unique(KEYS, keep="first", maintain_order=True)),
    ),
    Fault(
        name="route_weeks: older weeks are written again without the regional airlines",
        model=ROUTE,
        harm="three of the four weeks of a route lack a third of the flights",
        dataset="route_weeks",
        lags=(8, 15, 22),
        change=made_of(lambda week: week.filter(~CARRIER.is_in([*REGIONAL]))),
    ),
)

GROUPS = (SCHEDULE_FAULTS, FLIGHT_FAULTS, WEATHER_FAULTS, EDIT_FAULTS, ROUTE_FAULTS)
NEW_FIRST = zip(GROUPS, (5, 7, 4, 6, 5), strict=True)
NEW_IN_KIND = frozenset(fault.name for group, count in NEW_FIRST for fault in group[:count])
"""The first of each group: nothing like them is in everyday_faults.py or in the edits of first_night.py."""

ALL = tuple(fault for group in GROUPS for fault in group)

LIST = FaultList(
    name="field",
    nights={FLIGHT: FLIGHT_NIGHTS, ROUTE: ROUTE_NIGHTS},
    faults=ALL,
    only_on={},
    new=NEW_IN_KIND,
    seed=SEED,
)
