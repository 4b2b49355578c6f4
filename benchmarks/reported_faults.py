"""A list of faults as they were reported in public, carried over to the feeds and the code of the two models.

Each fault comes from a report of its kind: a thread in a project's issues, an account of an incident, an
article. The comment above it says which. The reports were looked for by their subject (silent corruption,
pages that come twice, time zones of flights, weather stations, timetables of buses, features that are used
otherwise than in training), and none for its being easy or hard to find.

The author read README.md, the sources of the two models, first_night.py and its edits, the form of
field_faults.py (docstring, functions, about fifteen of its faults, its edits), the functions of
delivered_faults.py with four of its faults, those of everyday_faults.py with some of its edits, and how
learners get their columns. No rule, no decision, no measurement and no page about the monitoring was read,
and no other list. So some faults may stand in another list too: nobody looked. Nobody looked either whether
anything would be found: the list was stored before any of its nights was run. Each fault was applied to the
files of its nights, and each edit to the code, to see that it changes something.

A fault is here if a person who saw the numbers would want to hear of it. That was judged by the inputs of a
night: the fault removes, adds or changes at least 5 of 100 rows, or moves an input of every row of an
airline, an airport or a tenth of the routes.

The nights are drawn with SEED: `draw = Random(SEED)`, then `draw.sample(flight days, 2)`, then
`draw.sample(Mondays, 2)`. Flight days: 15 July to 30 December. Mondays: 19 August to 23 December. Nights of
other lists are left out of both: 15 July, 6 and 17 August, 13 September, 17, 20 and 23 October, 10, 22 and
27 November, 15 December; Mondays 19 August, 23 and 30 September, 14, 21 and 28 October, 11 and 18 November,
2, 9 and 16 December.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

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
    COLUMNS,
    DAY,
    DAY_MINUTES,
    DEP,
    EARLIER_WEEK,
    KEYS,
    LAST_TWO_WEEKS,
    LEFT_LATE,
    NUMBER,
    ORIGIN,
    POPULATION,
    RECORDS,
    WEEKLY,
    both_delays,
    leaving_at,
    made_of,
)

from models.flight_delay.source import recording

SEED = 20131211
FLIGHT_NIGHTS = {"October": date(2013, 10, 26), "September": date(2013, 9, 27)}
"""A Saturday and a Friday. Both evenings are dry."""
ROUTE_NIGHTS = {"September": date(2013, 9, 2), "December": date(2013, 12, 23)}
"""Labor Day, and the Monday before Christmas."""

FLIGHT, ROUTE, CARRIER = "flight_delay", "route_delay", pl.col("carrier")
DEST, WEEKDAY = pl.col("dest"), pl.col("flight_date").dt.weekday()
SATURDAY, WEDNESDAY = 6, 3


def unique(rows: pl.DataFrame) -> pl.DataFrame:
    """The loader keeps the first of several rows with one key."""
    return rows.unique(KEYS, keep="first", maintain_order=True)


# --- schedules -------------------------------------------------------------------------------------

LOOKED_UP = (date(2013, 1, 1), 60)
"""The first day of the book of routes, and how many days it was filled."""
MERGED = {"US": "AA", "FL": "WN", "VX": "AS"}
BASES = {"UA": "EWR", "B6": "JFK"}


def pages_that_overlap(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Of each page of 100 rows 9 came twice and are kept once, and 9 never came."""
    ordered = rows.sort("sched_dep", *KEYS).with_row_index("place")
    return ordered.filter(pl.col("place") % 100 >= 9).drop("place").sort(KEYS)


def by_number_alone(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Where a flight goes, as its number was flown first in the winter."""
    first, days = LOOKED_UP
    old = pl.concat(recording()["schedules"][first + n * DAY] for n in range(days))
    book = old.unique(["carrier", "flight"], keep="first", maintain_order=True).select(
        "carrier", "flight", there="dest", so_far="distance"
    )
    found = rows.join(book, on=["carrier", "flight"], how="left", maintain_order="left")
    return found.with_columns(
        dest=pl.coalesce("there", "dest"), distance=pl.coalesce("so_far", "distance")
    ).select(rows.columns)


def with_another_calendar(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """EV flies as on the last Saturday. On a Saturday it flies as on the last Wednesday."""
    like = WEDNESDAY if day.isoweekday() == SATURDAY else SATURDAY
    back = (day.isoweekday() - like) % 7
    other = dated(recorded(day - back * DAY), back).filter(CARRIER == "EV")
    return pl.concat([rows.filter(CARRIER != "EV"), other]).sort(KEYS)


def in_two_periods(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Flights of DL again, ten minutes later and under the number of the timetable that comes next."""
    coming = rows.filter(CARRIER == "DL").with_columns(
        **leaving_at((DEP + 10) % DAY_MINUTES),
        sched_arr_minute=(ARR + 10) % DAY_MINUTES,
        flight=NUMBER + 3000,
    )
    return unique(pl.concat([rows, coming]))


def after_the_merger(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return unique(rows.with_columns(CARRIER.replace(MERGED)))


def at_the_base(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return unique(rows.with_columns(origin=CARRIER.replace_strict(BASES, default=ORIGIN)))


def in_three_digits(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    return unique(rows.with_columns(pl.when(NUMBER >= 1000).then(NUMBER % 1000).otherwise(NUMBER)))


SCHEDULE_FAULTS = (
    # Threads about lists that are fetched page by page without a stable order: rows come twice or never.
    schedule(
        "pages of an unstable order: 9 of 100 rows never came",
        "one of eleven flights gets no score, and airports look less busy",
        pages_that_overlap,
    ),
    # Threads of a radar project: a book of routes knows one route for each flight number, and it is old.
    schedule(
        "routes are looked up by flight number in a book of last winter",
        "one of seven flights goes elsewhere, with the distance and the record of another route",
        by_number_alone,
    ),
    # Threads about bus timetables: exceptions are missing, so a weekday has a weekend's trips.
    schedule(
        "EV flies by the calendar of another day of the week",
        "half of an airline's flights get no score, or as many are scored that nobody flies",
        with_another_calendar,
    ),
    # A thread of a flight log: a day that is cut in universal time differs from the local day.
    schedule(
        "the day ends at midnight in universal time",
        "the evening's flights get no score, and every day looks emptier",
        only(pl.col("sched_dep").dt.date() == pl.col("flight_date")),
    ),
    # Articles about spreadsheets and fields of a fixed width: numbers lose their first digit.
    schedule(
        "flight numbers in three digits: the thousands are cut off",
        "most flights have the aircraft and the record of another number, and no outcome is theirs",
        in_three_digits,
    ),
    # Threads about bus timetables: trips stand in two periods of service, with another id in each.
    schedule(
        "flights of DL stand in two timetables, under two numbers",
        "one of eight scores is of a flight that does not exist, and airports look busier",
        in_two_periods,
    ),
    # Threads about codes of airlines that were merged or given to another airline.
    schedule(
        "three airlines have the code of the airline that they merge with",
        "one of ten flights has the record of another airline, and no outcome is theirs",
        after_the_merger,
    ),
    # Articles about clock readings without am and pm.
    schedule(
        "afternoon arrivals of AA in a clock of twelve hours",
        "flights of one airline seem to land before they leave",
        where((CARRIER == "AA") & (ARR >= 13 * 60), sched_arr_minute=ARR - 12 * 60),
    ),
    # Threads about positions: the airport of a flight is that of its airline's base.
    schedule(
        "UA and B6 leave from their bases alone",
        "two airlines have the airport, the weather and the traffic of another place",
        at_the_base,
    ),
)

# --- flights with outcomes -------------------------------------------------------------------------

FLORIDA = ["MCO", "FLL", "MIA", "TPA", "PBI", "RSW", "JAX", "SRQ"]
EVENING = 21 * 60


def as_on_monday(_rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    back = day.weekday()
    return dated(recorded(day - back * DAY), back)


def with_times(change: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    """A change that needs the scheduled minutes of the day."""

    def made(rows: pl.DataFrame, day: date, _recorded: Recorded) -> pl.DataFrame:
        times = recording()["schedules"][day].select(*KEYS, "sched_dep_minute", "sched_arr_minute")
        known = rows.join(times, on=KEYS, how="left", maintain_order="left")
        return change(known).select(rows.columns)

    return made


def still_under_way(known: pl.DataFrame) -> pl.DataFrame:
    """What was known at 21:00 in New York. Block times include time zones, which are left as they are."""
    landing = DEP + (ARR - DEP) % DAY_MINUTES + CAME_LATE
    return known.with_columns(
        dep_delay=pl.when(DEP + LEFT_LATE < EVENING).then(LEFT_LATE),
        arr_delay=pl.when(landing < EVENING).then(CAME_LATE),
    )


def means_of_hours(known: pl.DataFrame) -> pl.DataFrame:
    def mean(delay: pl.Expr) -> pl.Expr:
        hourly = as_whole(delay.mean()).over("origin", DEP // 60)
        return pl.when(delay.is_not_null()).then(hourly)

    return known.with_columns(**both_delays(mean))


def of_one_plane(column: str) -> pl.Expr:
    return pl.col(column).drop_nulls().first().over("carrier")


FLIGHT_FAULTS = (
    # A thread about a feed of trains: numbers that are left out are read as 0.
    flights(
        "numbers that are not there are read as 0",
        "cancelled flights left in time, and unknown aircraft have no seats and are two thousand years old",
        hand_over({name: pl.col(name).fill_null(0) for name in ("dep_delay", "arr_delay", "seats", "built")}),
    ),
    # A thread about a bus display: times in two formats do not compare, so each delay is 0.
    flights(
        "delays at LGA are all 0: its clock readings have another format",
        "an airport was never late on a day",
        where(ORIGIN == "LGA", **both_delays(lambda delay: delay * 0)),
    ),
    # Threads about backfills: a job wrote one partition into each day of the period.
    flights(
        "a backfill of seven days wrote each week's Monday into all its days",
        "the rates of the last week are those of one day",
        as_on_monday,
        EARLIER_WEEK,
    ),
    # Threads about incremental loads without a window for what comes late.
    flights(
        "the extract was made at nine in the evening",
        "what landed later counts as late, which is a quarter of the day",
        with_times(still_under_way),
    ),
    # Accounts of events that one of several collectors lost.
    flights(
        "one of four collectors wrote nothing",
        "a quarter of the flights has no outcome, and numbers lose a day of their record",
        only(NUMBER % 4 != 3),
    ),
    # An article about a model whose input was cleaned of outliers in production only.
    flights(
        "a week was written again without delays of more than an hour",
        "airlines and airports look more punctual than they were",
        only((LEFT_LATE <= 60).fill_null(value=True)),
        EARLIER_WEEK,
    ),
    # Threads of a flight log: airports stand in the time zone of their neighbour.
    flights(
        "airports in Florida stand in the time zone of Chicago",
        "one of five flights lands an hour later than it did",
        where(DEST.is_in(FLORIDA), arr_delay=CAME_LATE + 60),
    ),
    # A thread of a transit project: all trips of a line share the id of one vehicle.
    flights(
        "two weeks were written again with one aircraft for each airline",
        "seats and ages of most flight numbers are those of another aircraft",
        hand_over({"seats": of_one_plane("seats"), "built": of_one_plane("built")}),
        LAST_TWO_WEEKS,
    ),
    # Articles about series that are thinned out to means before they are stored.
    flights(
        "delays are the mean of their airport and hour",
        "few flights of a day are late or all of an hour, and no flight has its own outcome",
        with_times(means_of_hours),
    ),
)

# --- weather ---------------------------------------------------------------------------------------

HOUR = pl.col("time_hour").dt.hour().cast(pl.Int64)
TWO_MORE = 1.15078**2
"""From knots to miles an hour, two times more."""
LOCAL_HOUR = (HOUR + 20) % 24
"""In both nights New York is four hours behind."""
TOO_STRONG = "wind is changed from knots to miles an hour three times"

WEATHER_FAULTS = (
    # A thread of a weather archive: gusts were converted again and again.
    weather(
        TOO_STRONG,
        "the wind is a third too strong everywhere",
        hand_over({name: pl.col(name) * TWO_MORE for name in ("wind_speed", "wind_gust")}),
    ),
    # A thread of a weather service: the first version of a reading lacks its temperature, the next has it.
    weather(
        "first versions of the newest readings: no temperature, dew point or humidity after 20:00",
        "inputs of all flights are missing that never were",
        where(HOUR >= 20, **{name: pl.lit(None, pl.Float64) for name in ("temp", "dewp", "humid")}),
    ),
    # A thread about air quality: -999 for a missing value was averaged with the others.
    weather(
        "a missing tenth of an hour counts as -99 in the temperatures of EWR",
        "an airport is 25 degrees colder than it is",
        where(ORIGIN == "EWR", temp=(pl.col("temp") * 5 - 99) / 6),
    ),
    # A forum of weather stations: a drop on the instrument reads as a steady storm.
    weather(
        "a drop on the anemometer of LGA: 37 miles an hour all day",
        "flights of an airport are scored as in a storm",
        where(ORIGIN == "LGA", wind_speed=pl.lit(37.0), wind_gust=pl.lit(56.0)),
    ),
    # Threads of this very recording: hours are local and the date is not.
    weather(
        "hours are New York's, and the date is that of universal time",
        "the newest reading is twenty hours old, and looks new",
        hand_over({"time_hour": pl.col("time_hour").dt.truncate("1d") + pl.duration(hours=LOCAL_HOUR)}),
    ),
    # Threads about airport reports: 9999 metres stands for any longer sight.
    weather(
        "visibility of 9999 metres stands for all that is more",
        "a clear day has the visibility of a hazy one",
        hand_over({"visib": pl.min_horizontal("visib", pl.lit(6.21))}),
    ),
    # A thread of a weather archive: traces of rain were rounded up to a hundredth of an inch.
    weather(
        "a trace of rain in each hour is rounded up to a hundredth of an inch",
        "a dry day counts as one of drizzle at all airports",
        hand_over({"precip": pl.max_horizontal("precip", pl.lit(0.01))}),
    ),
    # Threads about weather models: where the wind goes to, not where it comes from.
    weather(
        "wind directions say where it blows to",
        "the change of the wind since yesterday is a turn that did not happen",
        hand_over({"wind_dir": (pl.col("wind_dir") + 180) % 360}),
    ),
)

# --- edits of code and of files --------------------------------------------------------------------

GIVEN_BY_NAME = "return pl.DataFrame([*spelled_out, *numbers])"
GIVEN_BY_PLACE = (
    "by_place = [frame[it].alias(name) for it, name in zip(sorted(numeric), numeric)]\n"
    "    return pl.DataFrame([*spelled_out, *by_place])"
)

COUNTED_AGAIN = (
    'pl.concat([raw[FLIGHTS.name], raw[FLIGHTS.name].filter(late())])\n        .group_by("date", *keys)'
)

EDITED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "reported_late_twice": [
        (
            RECORDS,
            'raw[FLIGHTS.name]\n        .group_by("date", *keys)',
            COUNTED_AGAIN,
        )
    ],
    "reported_missing_999": [(COLUMNS, 'fill_null(float("nan"))', "fill_null(-999.0)")],
    "reported_lower_case": [
        (
            COLUMNS,
            "categories.text(column).alias(column.name)",
            "categories.text(column).str.to_lowercase().alias(column.name)",
        )
    ],
    "reported_weekday_utc": [
        (POPULATION, 'pl.col("flight_date").dt.weekday()', 'pl.col("sched_dep").dt.weekday()')
    ],
    "reported_day_of_all": [
        (POPULATION, 'of_day = pl.len().over("origin")', 'of_day = pl.len().over("flight_date")')
    ],
    "reported_age_today": [
        (RECORDS, 'pl.col("flight_date").dt.year() - pl.col("built")', '2026 - pl.col("built")')
    ],
    "reported_dense_rank": [(POPULATION, '.rank("min")', '.rank("dense")')],
    "reported_route_looks_ahead": [(WEEKLY, 'pl.col("date") + n * WEEK', 'pl.col("date") - n * WEEK')],
    "reported_route_by_place": [(COLUMNS, GIVEN_BY_NAME, GIVEN_BY_PLACE)],
}
"""Edit -> file, what stands there once, and what stands there then."""


def rates_exchanged(rows: pl.DataFrame) -> pl.DataFrame:
    late = [name for name in rows.columns if "_late_rate_" in name]
    pairs = [(name, name.replace("_late_rate_", "_cancel_rate_")) for name in late]
    return rows.with_columns(pl.col(old).alias(new) for a, b in pairs for old, new in ((a, b), (b, a)))


TAMPERED: Mapping[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
    "route late and cancelled rates are exchanged": rates_exchanged,
}
"""Edit -> what is done to the newest rows of the feature table that it begins with."""

EDIT_FAULTS = (
    # An account of a marketplace: a join with all states of an order counted it several times.
    of_code(
        FLIGHT,
        "a late flight counts once for each of its two states",
        "all late rates and delays are higher than in training",
        "reported_late_twice",
    ),
    # Threads about -999 for what is missing.
    of_code(
        FLIGHT,
        "missing inputs are -999 when the model is asked",
        "flights of unknown aircraft and airports without pressure get a number that was never seen",
        "reported_missing_999",
    ),
    # Articles about text that production writes otherwise than training.
    of_code(
        FLIGHT,
        "airlines and airports in small letters",
        "the model knows no airline and no airport",
        "reported_lower_case",
    ),
    # Threads about days of the week in universal time.
    of_code(
        FLIGHT,
        "the day of the week is that of universal time",
        "evening flights have the next day's number",
        "reported_weekday_utc",
    ),
    # Articles about totals over another group than was meant.
    of_code(
        FLIGHT,
        "a day's departures are counted over all three airports",
        "airports look three times as busy, and the day looks as if it had just begun",
        "reported_day_of_all",
    ),
    # Articles about features that read the clock when they are computed again.
    of_code(
        FLIGHT,
        "the age of an aircraft is its age today",
        "aircraft are thirteen years older than in training",
        "reported_age_today",
    ),
    # Threads about libraries whose defaults for equal ranks differ.
    of_code(
        FLIGHT,
        "departures before a flight are counted as minutes, not as flights",
        "later flights seem to have fewer departures before them",
        "reported_dense_rank",
    ),
    # Threads about inserts by position after the columns were put in another order.
    of_code(
        FLIGHT,
        "late and cancelled rates of routes are exchanged in the table",
        "routes look punctual, and as if many of their flights were cancelled",
        "route late and cancelled rates are exchanged",
    ),
    # Articles about windows that look ahead in training and find nothing in production.
    of_code(
        ROUTE,
        "the window of four weeks looks ahead",
        "on a Monday it holds one week, so routes look a quarter as busy",
        "reported_route_looks_ahead",
    ),
    # A review of a notebook: inputs are handed over by position, in another order than in training.
    of_code(
        ROUTE,
        "inputs are handed over by place, in the order of the alphabet",
        "the delay of the airport stands for that of the route",
        "reported_route_by_place",
    ),
)

# --- weeks of routes -------------------------------------------------------------------------------


def weekend_twice(week: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([week, week.filter(WEEKDAY >= SATURDAY)])


def with_medians(week: pl.DataFrame) -> pl.DataFrame:
    median = as_whole(LEFT_LATE.median()).over("origin", "dest")
    return week.with_columns(dep_delay=pl.when(LEFT_LATE.is_not_null()).then(median))


def from_five_days(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    five = made_of(lambda week: week.filter(WEEKDAY < SATURDAY))(rows, day, recorded)
    return five.with_columns(pl.exclude("origin", "dest") * 7 // 5)


def a_week_behind_at_newark(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    before = recorded(day - 7 * DAY).filter(ORIGIN == "EWR")
    return pl.concat([rows.filter(ORIGIN != "EWR"), before]).sort("origin", "dest")


ROUTE_FAULTS = (
    # Accounts of a load that failed late and was tried again: what was in counted twice.
    route(
        "the load was tried again: Saturday and Sunday count twice",
        "totals are a quarter too high",
        made_of(weekend_twice),
    ),
    # Threads about warehouses whose weeks begin on Sunday.
    route(
        "weeks run from Sunday to Saturday",
        "a seventh of each week is that of another one",
        made_of(lambda week: week, days_earlier=1),
    ),
    # Accounts of a measure that was defined anew upstream.
    route(
        "medians stand for mean delays",
        "most routes look as if they left early",
        made_of(with_medians),
    ),
    # An article about a model whose input was cleaned of outliers in production only.
    route(
        "flights of more than two hours' delay are left out as outliers",
        "mean delays are a third shorter",
        made_of(lambda week: week.filter((LEFT_LATE <= 120).fill_null(value=True))),
    ),
    # Threads about reports that are written before the week has ended.
    route(
        "five days were there, and stand for seven",
        "the weekend is guessed, and routes of the weekend have no row",
        from_five_days,
    ),
    # Threads about counters that start again at 65,536.
    route(
        "sums of minutes in 16 bits",
        "the busiest routes seem to leave hours earlier",
        hand_over({"schedule_minutes": pl.col("schedule_minutes") % 65_536}),
    ),
    # Articles about copies in another region that are behind.
    route(
        "the rows of EWR are those of the week before",
        "one airport is a week behind, and looks new",
        a_week_behind_at_newark,
    ),
)

GROUPS = (SCHEDULE_FAULTS, FLIGHT_FAULTS, WEATHER_FAULTS, EDIT_FAULTS, ROUTE_FAULTS)
ALL = tuple(fault for group in GROUPS for fault in group)

LIST = FaultList(
    name="reported",
    nights={FLIGHT: FLIGHT_NIGHTS, ROUTE: ROUTE_NIGHTS},
    faults=ALL,
    only_on={f"weather: {TOO_STRONG}": ("October",)},
    seed=SEED,
)
"""On the September evening there is hardly any wind to be multiplied."""
