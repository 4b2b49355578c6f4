"""A list of faults as a reviewer writes them who knows only what is asked for, and no rule.

The demand: planted faults on real nights, most of them not listed in it, end to end, each held back or told
on its first night, by name, and told apart from the season; at least 95 of 100. Each fault is a bug of a
supplier (joins, sorting, caches, limits, clocks, units, templates, retries, instruments) or a regression of a
data scientist or a platform engineer. None was chosen for its being easy or hard to find.

The author read README.md, the first part of docs/architecture.md, the sources of the two models,
first_night.py and its edits, the form of reported_faults.py (docstring, functions, about ten of its faults,
its edits), the functions of delivered_faults.py and everyday_faults.py with a few of their faults, and how
learners get their columns and answer. No rule, no decision, no measurement and no page about the monitoring
was read, and no other list. So some faults may stand in another list too: nobody looked. Nobody looked either
whether anything would be found: the list was stored before any of its nights was run. Each fault was applied
to the files of its nights, and each edit to the code, to see that it changes something.

A fault is here if a person who saw the numbers would want to hear of it. That was judged by the inputs of a
night: the fault removes, adds or changes at least 5 of 100 rows, or moves an input of every row of an
airline, an airport or a tenth of the routes.

The nights are drawn with SEED: `draw = Random(SEED)`, then `draw.sample(flight days, 2)`, then
`draw.sample(Mondays, 2)`. Flight days: 15 July to 30 December. Mondays: 19 August to 23 December. Nights of
other lists are left out of both: 15 July, 6 and 17 August, 13 and 27 September, 17, 20, 23 and 26 October,
10, 22 and 27 November, 15 December; Mondays 19 August, 2, 23 and 30 September, 14, 21 and 28 October, 11 and
18 November, 2, 9, 16 and 23 December.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, time

import polars as pl
from delivered_faults import (
    Change,
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
    COUNTED,
    DAY,
    DAY_MINUTES,
    DEP,
    KEYS,
    LAST_TWO_WEEKS,
    LEFT_LATE,
    NUMBER,
    ORIGIN,
    POPULATION,
    READ,
    RECORDS,
    WEEKLY,
    both_delays,
    departures,
    made_of,
)
from reported_faults import CARRIER, DEST, FLIGHT, ROUTE, unique

from models.flight_delay.datasets import local_instant
from models.flight_delay.source import recording
from models.route_delay.source import totals

SEED = 20131313
FLIGHT_NIGHTS = {"December": date(2013, 12, 23), "July": date(2013, 7, 19)}
"""The Monday before Christmas, and a Friday of a hot week. Both evenings are dry."""
ROUTE_NIGHTS = {"October": date(2013, 10, 7), "September": date(2013, 9, 16)}

# --- schedules -------------------------------------------------------------------------------------

SOLD_BY = {"EV": "UA", "MQ": "AA", "9E": "DL", "OO": "DL", "YV": "US"}
HOLIDAYS = (date(2013, 11, 28), date(2013, 7, 4))
"""The newest first: Thanksgiving and Independence Day."""
A_WEEK_LATER = "the timetable of the same weekday a week later"


def under_the_seller(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return unique(rows.with_columns(CARRIER.replace(SOLD_BY)))


def of_next_week(_rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    return dated(recorded(day + 7 * DAY), -7)


def with_test_flights(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Each twelfth flight once more, under a number from 9001 on."""
    tests = rows.gather_every(12).with_row_index("n").with_columns(flight=pl.col("n").cast(pl.Int64) + 9001)
    return pl.concat([rows, tests.select(rows.columns)]).sort(KEYS)


def newark_of_yesterday(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    stale = dated(recorded(day - DAY), 1).filter(ORIGIN == "EWR")
    return pl.concat([rows.filter(ORIGIN != "EWR"), stale]).sort(KEYS)


def numbered_as_they_leave(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Each airline's numbers at an airport, sorted, beside its flights in the order of their departure."""
    ordered = rows.sort("carrier", "origin", "sched_dep", "flight")
    return ordered.with_columns(NUMBER.sort().over("carrier", "origin")).sort(KEYS)


def of_the_last_holiday(_rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The clocks of the day hold."""
    holiday = next(each for each in HOLIDAYS if each < day)
    rows = dated(recorded(holiday), (day - holiday).days)
    local = pl.col("flight_date").cast(pl.Datetime("us")) + pl.duration(minutes=DEP)
    return rows.with_columns(
        sched_dep=local.dt.replace_time_zone("America/New_York").dt.convert_time_zone("UTC")
    )


SCHEDULE_FAULTS = (
    schedule(
        "regional flights stand under the airline that sells them",
        "one of three flights has the record of another airline, and no outcome is theirs",
        under_the_seller,
    ),
    schedule(
        "the planned duration in the column of the arrival",
        "flights seem to land hours before they leave",
        hand_over({"sched_arr_minute": (ARR - DEP) % DAY_MINUTES}),
    ),
    schedule(
        A_WEEK_LATER,
        "flights are scored that nobody flies, and others get no score",
        of_next_week,
    ),
    schedule(
        "flights of the test system come along, under numbers from 9001 on",
        "one of 13 scores is of a flight that does not exist, and airports look busier",
        with_test_flights,
    ),
    schedule(
        "shuttles to BOS and DCA are in a file of their own that nobody reads",
        "two of the busiest routes get no score",
        only(~DEST.is_in(["BOS", "DCA"])),
    ),
    schedule(
        "the part of EWR comes from yesterday's cache",
        "one airport's flights are those of another day",
        newark_of_yesterday,
    ),
    schedule(
        "distances are the middle of a band of 250 miles",
        "an input is coarse for all flights",
        hand_over({"distance": pl.col("distance") // 250 * 250 + 125}),
    ),
    schedule(
        "flight numbers are sorted for themselves, and then put beside the flights",
        "most flights have the aircraft and the record of another number, and another one's outcome",
        numbered_as_they_leave,
    ),
    schedule(
        "the template of the last holiday is used",
        "an ordinary day has the flights of a quiet one",
        of_the_last_holiday,
    ),
    schedule(
        "at most 100 rows of each airline",
        "one of five flights gets no score, all of the four largest airlines",
        only(pl.int_range(pl.len()).over("carrier") < 100),
    ),
)

# --- flights ---------------------------------------------------------------------------------------

PACIFIC = ["LAX", "SFO", "SEA", "SAN", "LAS", "PDX", "OAK", "SJC", "BUR", "LGB", "SMF", "SNA", "PSP"]
TAXI_OUT, WRITTEN_AT = 16, time(22)


def beside_its_plan(rows: pl.DataFrame, day: date) -> pl.DataFrame:
    """The results with `sched_dep` and `minutes`, about how long the flight takes."""
    plan = recording()["schedules"][day].select(*KEYS, "sched_dep", minutes=40 + pl.col("distance") // 8)
    return rows.join(plan, on=KEYS, how="left", maintain_order="left")


def before_the_day_is_over(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    """The file is written at ten in the evening: what left or arrived later is not known."""
    written = pl.lit(local_instant(day, WRITTEN_AT))
    left = pl.col("sched_dep") + pl.duration(minutes=LEFT_LATE)
    arrived = left + pl.duration(minutes="minutes")
    known = beside_its_plan(rows, day).with_columns(
        dep_delay=pl.when(left <= written).then("dep_delay"),
        arr_delay=pl.when(arrived <= written).then("arr_delay"),
    )
    return known.with_columns(diverted=~pl.col("cancelled") & CAME_LATE.is_null()).select(rows.columns)


def in_per_cent_of_the_plan(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    known = beside_its_plan(rows, day)
    shares = both_delays(lambda delay: as_whole(100 * delay / pl.col("minutes")))
    return known.with_columns(**shares).select(rows.columns)


def newark_of_last_week(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    old = dated(recorded(day - 7 * DAY), 7).filter(ORIGIN == "EWR")
    return pl.concat([rows.filter(ORIGIN != "EWR"), old]).sort(KEYS)


FLIGHT_FAULTS = (
    flights(
        "early flights count as punctual: no delay is below 0",
        "mean delays of all records are minutes higher than in training",
        hand_over(both_delays(lambda delay: delay.clip(0))),
    ),
    flights(
        "two weeks come again, and nothing in them is cancelled",
        "cancelled flights stand as diverted, and the record of cancellations is empty",
        hand_over({"cancelled": pl.lit(value=False), "diverted": pl.col("cancelled") | pl.col("diverted")}),
        LAST_TWO_WEEKS,
    ),
    flights(
        "the file is written at ten in the evening",
        "all flights of the late evening count as not arrived",
        before_the_day_is_over,
    ),
    flights(
        "arrivals on the Pacific coast are three hours too early",
        "no flight to the west is ever late",
        where(DEST.is_in(PACIFIC), arr_delay=CAME_LATE - 180),
    ),
    flights(
        "the rows of EWR are those of a week ago",
        "one airport has the outcomes of another day",
        newark_of_last_week,
    ),
    flights(
        "one of five partitions by flight number is lost",
        "one of five flights has no outcome and is in no record",
        only(NUMBER % 5 != 3),
    ),
    flights(
        "delays in per cent of the planned duration",
        "short flights are late more often, long ones hardly ever",
        in_per_cent_of_the_plan,
    ),
    flights(
        "arrival delays are sorted within each airline",
        "each airline has as many late flights as ever, and they are the wrong ones",
        hand_over({"arr_delay": CAME_LATE.sort(nulls_last=True).over("carrier")}),
    ),
    flights(
        "departure is when the wheels leave the ground: 16 minutes more",
        "all flights seem to leave late, and arrive as ever",
        hand_over({"dep_delay": LEFT_LATE + TAXI_OUT}),
    ),
)

# --- weather ---------------------------------------------------------------------------------------

HOUR = pl.col("time_hour").dt.hour()
NOON_UTC, LAST_OF_EWR = 16, 17
LGA, JFK = ORIGIN == "LGA", ORIGIN == "JFK"


def each_third_hour(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Readings of 00, 03, 06 ... stand again in the two hours after them."""
    kept = rows.filter(HOUR % 3 == 0).select("origin", pl.col("time_hour").alias("since"), *READ)
    hours = rows.select("origin", "time_hour", since=pl.col("time_hour").dt.truncate("3h"))
    filled = hours.join(kept, on=["origin", "since"], how="left", maintain_order="left")
    return filled.with_columns(pl.col("precip").fill_null(0), pl.col("visib").fill_null(10)).select(
        rows.columns
    )


def pressure_of_yesterday(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    before = dated(recorded(day - DAY), 1).select("origin", "time_hour", "pressure")
    known = rows.drop("pressure").join(before, on=["origin", "time_hour"], how="left", maintain_order="left")
    return known.select(rows.columns)


WEATHER_FAULTS = (
    weather(
        "the anemometer of LGA stands still from noon on",
        "one airport has no wind",
        where(LGA & (HOUR >= NOON_UTC), wind_speed=pl.lit(0.0), wind_dir=pl.lit(0.0)),
    ),
    weather(
        "the hygrometer of JFK is wet: 100 per cent",
        "one airport seems to lie in fog",
        where(JFK, humid=pl.lit(100.0), dewp=pl.col("temp")),
    ),
    weather(
        "the thermometer of LGA stands in the sun: 10 degrees more",
        "an input is wrong for all flights of an airport",
        where(LGA, temp=pl.col("temp") + 10),
    ),
    weather(
        "one reading in three hours, and two copies of it",
        "the evening's weather is two hours older than it says",
        each_third_hour,
    ),
    weather(
        "all barometers repeat the day before",
        "the pressure is a day old and never changes",
        pressure_of_yesterday,
    ),
    weather(
        "the distance from the dew point in place of the dew point",
        "the air seems to have dried within a day",
        hand_over({"dewp": (pl.col("temp") - pl.col("dewp")).round(2)}),
    ),
    weather(
        "the direction of the wind in tens of degrees",
        "all wind comes from the north",
        hand_over({"wind_dir": pl.col("wind_dir") / 10}),
    ),
    weather(
        "the rows of EWR end at 17:00",
        "one airport's weather is six hours older than that of the others",
        only((ORIGIN != "EWR") | (HOUR <= LAST_OF_EWR)),
    ),
)

# --- edits of code and of files --------------------------------------------------------------------

DATASETS, BLEND = "models/flight_delay/datasets.py", "nightjar/adapters/learners/blend.py"
SKLEARN = "nightjar/adapters/learners/sklearn.py"

EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "independent_half_hours": [
        (POPULATION, 'pl.len().over("origin", minute // 60)', 'pl.len().over("origin", minute // 30)')
    ],
    "independent_block_reversed": [
        (
            POPULATION,
            '((pl.col("sched_arr_minute") - minute) % (24 * 60))',
            '((minute - pl.col("sched_arr_minute")) % (24 * 60))',
        )
    ],
    "independent_without_newest_day": [(RECORDS, "group_by=keys)", 'group_by=keys, closed="left")')],
    "independent_degrees": [(RECORDS, '.otherwise("wind_dir").radians()', '.otherwise("wind_dir")')],
    "independent_seats_of_all": [
        (RECORDS, 'ratio("seats", "seated", days)', 'ratio("seats", "flights", days)')
    ],
    "independent_known_at_22": [
        (
            DATASETS,
            "local_instant(day + timedelta(days=1), time(6))",
            "local_instant(day + timedelta(days=1), time(22))",
        )
    ],
    "independent_trees_alone": [
        (
            BLEND,
            "member.predict(frame) for member in self.members]",
            "member.predict(frame) for member in self.members[:1]]",
        )
    ],
    "independent_route_without_newest_week": [
        (WEEKLY, "for n in range(WEEKS))", "for n in range(1, WEEKS))")
    ],
    "independent_route_backwards": [
        (SKLEARN, "return self._given(ask, rows)", "return self._given(ask, rows)[::-1]")
    ],
}
"""Edit -> file, what stands there once, and what stands there then."""


def zeros_missing(rows: pl.DataFrame) -> pl.DataFrame:
    """As after `value or None`."""
    numbers = [name for name, kind in rows.schema.items() if kind == pl.Float64]
    return rows.with_columns(pl.when(pl.col(name) != 0).then(name).alias(name) for name in numbers)


TAMPERED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "route zeros are written as missing": zeros_missing,
}
"""Edit -> what is done to the newest rows of the feature table that it begins with."""

EDIT_FAULTS = (
    of_code(
        FLIGHT,
        "departures of an hour are counted in half hours",
        "airports look half as busy",
        "independent_half_hours",
    ),
    of_code(
        FLIGHT,
        "the planned duration is departure less arrival",
        "all flights seem to take most of a day, short ones longest",
        "independent_block_reversed",
    ),
    of_code(
        FLIGHT,
        "the windows of the records end a day earlier",
        "the newest day is in no record",
        "independent_without_newest_day",
    ),
    of_code(
        FLIGHT,
        "degrees of the wind are taken for radians",
        "two inputs are noise",
        "independent_degrees",
    ),
    of_code(
        FLIGHT,
        "seats over all flights, those of unknown planes too",
        "aircraft of some airlines look half as large",
        "independent_seats_of_all",
    ),
    of_code(
        FLIGHT,
        "results are taken as known at ten in the evening",
        "the newest day is in no record, and outcomes come a day later",
        "independent_known_at_22",
    ),
    of_code(
        FLIGHT,
        "the blend asks the first of its members alone",
        "scores are those of another model than was judged",
        "independent_trees_alone",
    ),
    of_code(
        FLIGHT,
        "zeros in the records of routes are written as missing",
        "most routes have no record of cancellations",
        "route zeros are written as missing",
    ),
    of_code(
        ROUTE,
        "the newest week is left out of the four",
        "all inputs are a week old, and routes look a quarter emptier",
        "independent_route_without_newest_week",
    ),
    of_code(
        ROUTE,
        "the answers come back in the opposite order",
        "each route has the score of another",
        "independent_route_backwards",
    ),
)

# --- weeks of routes -------------------------------------------------------------------------------

CAPPED_AT, CANCELLED_AS, BUSIEST = 60, 180, 30
REGIONAL = [*SOLD_BY]


def of_eight_days(_rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
    return totals(departures().filter(pl.col("flight_date").is_between(day - 7 * DAY, day)), day)


def busiest_of_last_week(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The rows with most flights come from the cache of the week before."""
    old = recorded(day - 7 * DAY).top_k(BUSIEST, by="flights")
    return pl.concat([rows.join(old, on=["origin", "dest"], how="anti"), old]).sort("origin", "dest")


def by_destination_alone(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Delays of a destination are those of the first airport that flies there."""
    first = rows.unique("dest", keep="first", maintain_order=True).select("dest", "departed", "delay_minutes")
    joined = rows.drop("departed", "delay_minutes").join(first, on="dest", how="left", maintain_order="left")
    return joined.select(rows.columns)


def with_delays(delay: pl.Expr) -> Change:
    return made_of(lambda week: week.with_columns(dep_delay=delay))


ROUTE_FAULTS = (
    route(
        "early departures count as punctual",
        "mean delays are minutes higher than in training",
        with_delays(LEFT_LATE.clip(0)),
    ),
    route(
        "the week has eight days: the Sunday before is in it too",
        "routes look busier, and a day counts in two weeks",
        of_eight_days,
    ),
    route(
        "flights of the regional airlines are left out",
        "a third of the flights is in no total, and some routes vanish",
        made_of(lambda week: week.filter(~CARRIER.is_in(REGIONAL))),
    ),
    route(
        "delays are capped at an hour",
        "mean delays are a third lower than in training",
        with_delays(LEFT_LATE.clip(upper_bound=CAPPED_AT)),
    ),
    route(
        "JFK is counted twice, once by each of two systems",
        "one airport's routes look busier",
        where(JFK, **{name: pl.col(name) * 2 for name in COUNTED}),
    ),
    route(
        "the thirty busiest routes come from last week's cache",
        "the routes with most passengers are a week behind",
        busiest_of_last_week,
    ),
    route(
        "delays are joined by destination alone",
        "a route has the delays of another airport's route",
        by_destination_alone,
    ),
    route(
        "a cancelled flight counts as three hours late",
        "routes with cancelled flights look later than in training",
        with_delays(pl.when(pl.col("dep_time").is_null()).then(CANCELLED_AS).otherwise(LEFT_LATE)),
    ),
)

GROUPS = (SCHEDULE_FAULTS, FLIGHT_FAULTS, WEATHER_FAULTS, EDIT_FAULTS, ROUTE_FAULTS)
ALL = tuple(fault for group in GROUPS for fault in group)

LIST = FaultList(
    name="independent",
    nights={FLIGHT: FLIGHT_NIGHTS, ROUTE: ROUTE_NIGHTS},
    faults=ALL,
    only_on={f"schedules: {A_WEEK_LATER}": ("December",)},
    seed=SEED,
)
"""In July the timetable of a week later differs in 16 of 999 flights."""
