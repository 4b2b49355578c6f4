"""Faults that were written down before the monitoring's rules were read, each run end to end.

The list was made from README.md, docs/architecture.md and the two models alone: from what their suppliers
deliver and what people may change. The rules, the audit's page, the decisions and the other lists of faults
were read only after the list was committed. The nights were chosen then too.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

FLIGHT_NIGHTS = {
    "Thursday": date(2013, 10, 17),
    "Saturday": date(2013, 8, 17),
    "storm": date(2013, 11, 27),
}
"""An ordinary weekday, a Saturday of the holidays, and the storm on the day before Thanksgiving."""
ROUTE_NIGHTS = {
    "summer": date(2013, 8, 19),
    "autumn": date(2013, 10, 14),
    "snow": date(2013, 12, 16),
}
"""Mondays. The last one follows a week of snow."""

Recorded = Callable[[date], pl.DataFrame]
Change = Callable[[pl.DataFrame, date, Recorded], pl.DataFrame]
"""The rows of a file, its day, and the rows of any day's file as they were recorded -> what is delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault. It is told to no rule: it acts where it would act in life.

    lags: dataset -> days before the score date whose files are changed. Files that a night has seen before
    come again as corrections.
    edit: what of the model's code or of the home is changed instead.
    """

    name: str
    model: str
    harm: str
    dataset: str = ""
    lags: tuple[int, ...] = ()
    change: Change | None = None
    edit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultList:
    """Faults, and the nights on which each is tried. Its module has its name and `_faults`.

    nights: model -> what the night is -> its date. only_on: fault -> the nights on which it does anything.
    new: faults of a kind that no list before it has; empty if nobody said. seed: of the order in which the
    cases run, where that is random.
    """

    name: str
    nights: Mapping[str, Mapping[str, date]]
    faults: tuple[Fault, ...]
    only_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    new: frozenset[str] = frozenset()
    seed: int | None = None

    def nights_of(self, fault: Fault) -> Sequence[date]:
        nights = self.nights[fault.model]
        return [nights[what] for what in self.only_on.get(fault.name, tuple(nights))]


def hand_over(exprs: Mapping[str, pl.Expr]) -> Change:
    """The same rows with other values."""
    return lambda rows, _day, _recorded: rows.with_columns(**exprs)


def only(keep: pl.Expr) -> Change:
    return lambda rows, _day, _recorded: rows.filter(keep)


def dated(rows: pl.DataFrame, days: int) -> pl.DataFrame:
    """A file with its dates moved, as if it were another day's."""
    by = timedelta(days=days)
    moved = [name for name in ("flight_date", "sched_dep", "time_hour") if name in rows.columns]
    return rows.with_columns(pl.col(moved) + by)


def old(days: int) -> Change:
    """The file of an earlier day under this day's dates."""
    return lambda _rows, day, recorded: dated(recorded(day - timedelta(days=days)), days)


def where(condition: pl.Expr, **exprs: pl.Expr) -> Change:
    """Other values in some rows."""
    return hand_over({name: pl.when(condition).then(e).otherwise(name) for name, e in exprs.items()})


def exchanged(column: str, one: str, other: str) -> Change:
    return hand_over({column: pl.col(column).replace({one: other, other: one})})


def shifted(*columns: str) -> Change:
    """The columns lie one row lower than the others; the last value comes first."""
    return lambda rows, _day, _recorded: rows.with_columns(
        pl.concat([rows[name].tail(1), rows[name].head(rows.height - 1)]).alias(name) for name in columns
    )


def share_of_rows(first: float, last: float) -> Change:
    return lambda rows, _day, _recorded: rows.slice(
        int(first * rows.height), int((last - first) * rows.height)
    )


def codeshares(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Each third departure of UA, DL and AA again under the partner's name."""
    sold = rows.filter(pl.col("carrier").is_in(["UA", "DL", "AA"])).gather_every(3)
    partner = pl.col("carrier").replace({"UA": "US", "DL": "AS", "AA": "HA"})
    return pl.concat([rows, sold.with_columns(carrier=partner, flight=pl.col("flight") + 5000)])


def times_of_others(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """The departure and arrival times of all rows, joined to the flights by position after a sort."""
    times = ["sched_dep", "sched_dep_minute", "sched_arr_minute"]
    ordered = rows.sort("sched_dep", "carrier", "flight", "origin").select(times)
    return rows.drop(times).hstack(ordered).select(rows.columns)


def rounded_down(minutes: int) -> Change:
    off = pl.col("sched_dep_minute") % minutes
    return hand_over(
        {
            "sched_dep": pl.col("sched_dep") - pl.duration(minutes=off),
            "sched_dep_minute": pl.col("sched_dep_minute") - off,
        }
    )


def stuck(airport: str, from_hour: int) -> Change:
    """An instrument repeats its last reading."""

    def change(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
        late = (pl.col("origin") == airport) & (pl.col("time_hour").dt.hour() > from_hour)
        values = [name for name in rows.columns if name not in ("origin", "time_hour")]
        return rows.sort("origin", "time_hour").with_columns(
            pl.when(late)
            .then(pl.col(name).filter((pl.col("origin") == airport) & ~late).last())
            .otherwise(name)
            .alias(name)
            for name in values
        )

    return change


def hours_off(hours: int) -> Change:
    """Each reading stands at a later hour than its own; the first hours come from the day before."""

    def change(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
        both = pl.concat([recorded(day - timedelta(days=1)), rows])
        moved = both.with_columns(pl.col("time_hour") + timedelta(hours=hours))
        return moved.filter(pl.col("time_hour").dt.date() == day)

    return change


def daily_means(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    values = [name for name in rows.columns if name not in ("origin", "time_hour")]
    return rows.with_columns(pl.col(values).mean().over("origin"))


def added_up(rows: pl.DataFrame, day: date, recorded: Recorded) -> pl.DataFrame:
    """The totals of this week and of the week before, as if they were one."""
    both = pl.concat([rows, recorded(day - timedelta(days=7))])
    keys = ["origin", "dest"]
    return both.group_by(keys).sum().select(rows.columns).sort(keys)


def rare_together(rows: pl.DataFrame, _day: date, _recorded: Recorded) -> pl.DataFrame:
    """Routes with less than ten flights a week as one route of their airport."""
    dest = pl.when(pl.col("flights") < 10).then(pl.lit("OTH")).otherwise("dest")
    summed = rows.with_columns(dest=dest).group_by("origin", "dest").sum()
    return summed.select(rows.columns).sort("origin", "dest")


def of_flight(dataset: str, lag: int) -> Callable[..., Fault]:
    def make(name: str, harm: str, change: Change, lags: tuple[int, ...] = (lag,)) -> Fault:
        return Fault(
            name=f"{dataset}: {name}",
            model="flight_delay",
            harm=harm,
            dataset=dataset,
            lags=lags,
            change=change,
        )

    return make


schedule, flights, weather = of_flight("schedules", 0), of_flight("flights", 2), of_flight("weather", 1)

METRO = {
    "ORD": "CHI", "MDW": "CHI", "IAD": "WAS", "DCA": "WAS", "IAH": "HOU", "HOU": "HOU", "DFW": "QDF",
    "LAX": "QLA", "SFO": "QSF", "OAK": "QSF", "SJC": "QSF", "BUR": "QLA", "LGB": "QLA",
}  # fmt: skip
WEST = ["LAX", "SFO", "SEA", "SAN", "LAS", "PDX", "OAK", "SJC", "BUR", "LGB", "SMF", "PHX", "SNA", "PSP"]
MOUNTAIN = ["DEN", "SLC", "ABQ", "EGE", "JAC", "MTJ", "HDN", "BZN"]
CENTRAL = ["ORD", "MDW", "DFW", "IAH", "HOU", "AUS", "SAT", "MSY", "MSP", "STL", "MCI", "BNA", "MEM", "MKE"]
ARRIVES = pl.col("sched_arr_minute")
LATER_BY = pl.when(pl.col("sched_dep_minute") < 23 * 60).then(60).otherwise(0)

SCHEDULES = (
    schedule(
        "only the departures before noon",
        "more than half of the flights get no score",
        only(pl.col("sched_dep_minute") < 720),
    ),
    schedule(
        "a page of the export is lost: 17:00 to 18:00",
        "the worst hour of the day gets no score, and its neighbours count too few flights",
        only(~pl.col("sched_dep_minute").is_between(1020, 1079)),
    ),
    schedule(
        "cut off after nine tenths of its rows",
        "the last airlines of the alphabet get no score",
        share_of_rows(0, 0.9),
    ),
    schedule("no flights from LGA", "an airport gets no score", only(pl.col("origin") != "LGA")),
    schedule("no flights of DL", "an airline gets no score", only(pl.col("carrier") != "DL")),
    schedule(
        "flights sold by partners stand there twice",
        "flights that do not exist are scored, and hours look fuller than they are",
        codeshares,
    ),
    schedule(
        "last week's file under today's dates",
        "cancelled rotations are scored, new ones are not",
        old(7),
    ),
    schedule("yesterday's file under today's dates", "the wrong flights of the week are scored", old(1)),
    schedule(
        "clocks an hour late: departure and arrival",
        "the strongest input is wrong for all rows",
        hand_over(
            {
                "sched_dep": pl.col("sched_dep") + pl.duration(minutes=LATER_BY),
                "sched_dep_minute": pl.col("sched_dep_minute") + LATER_BY,
                "sched_arr_minute": (ARRIVES + 60) % 1440,
            }
        ),
    ),
    schedule(
        "UTC written as local time",
        "all rows are about other hours",
        hand_over({"sched_dep": pl.col("sched_dep") - timedelta(hours=4)}),
    ),
    schedule(
        "arrivals in New York time",
        "block times to the west are hours too long",
        hand_over(
            {
                "sched_arr_minute": (
                    ARRIVES
                    + pl.when(pl.col("dest").is_in(WEST))
                    .then(180)
                    .when(pl.col("dest").is_in(MOUNTAIN))
                    .then(120)
                    .when(pl.col("dest").is_in(CENTRAL))
                    .then(60)
                    .otherwise(0)
                )
                % 1440
            }
        ),
    ),
    schedule(
        "arrivals of B6 at 23:59 by default",
        "block times of the largest airline at JFK are wrong",
        where(pl.col("carrier") == "B6", sched_arr_minute=pl.lit(1439)),
    ),
    schedule(
        "EV comes under its old code XE",
        "a sixth of the flights loses its airline's record",
        hand_over({"carrier": pl.col("carrier").replace({"EV": "XE"})}),
    ),
    schedule(
        "city codes in place of airports for some destinations",
        "routes of a fifth of the flights lose their record",
        hand_over({"dest": pl.col("dest").replace(METRO)}),
    ),
    schedule(
        "flight numbers of UA with 4000 added",
        "the record of each of its flight numbers is lost or that of another flight",
        hand_over(
            {
                "flight": pl.when((pl.col("carrier") == "UA") & (pl.col("flight") < 4000))
                .then(pl.col("flight") + 4000)
                .otherwise("flight")
            }
        ),
    ),
    schedule(
        "distances in kilometres",
        "an input is wrong for all rows",
        hand_over({"distance": (pl.col("distance") * 1.609).round().cast(pl.Int64)}),
    ),
    schedule(
        "destinations one row lower",
        "routes, distances and airlines do not belong together",
        shifted("dest"),
    ),
    schedule(
        "times joined by position",
        "each flight has the time of another",
        times_of_others,
    ),
    schedule(
        "departures rounded down to the full hour",
        "the order of flights within an hour is lost",
        rounded_down(60),
    ),
    schedule(
        "JFK and LGA exchanged",
        "two thirds of the rows have another airport's weather and record",
        exchanged("origin", "JFK", "LGA"),
    ),
)

ARRIVAL, DEPARTURE = pl.col("arr_delay"), pl.col("dep_delay")
UNKNOWN = pl.lit(None, pl.Int64)


def as_whole(expr: pl.Expr) -> pl.Expr:
    return expr.round().cast(pl.Int64)


FLIGHTS = (
    flights(
        "delays in hours",
        "almost nothing counts as late: outcomes and records are wrong",
        hand_over({"dep_delay": as_whole(DEPARTURE / 60), "arr_delay": as_whole(ARRIVAL / 60)}),
    ),
    flights(
        "delays in seconds",
        "almost everything that is late by a minute counts as late",
        hand_over({"dep_delay": DEPARTURE * 60, "arr_delay": ARRIVAL * 60}),
    ),
    flights(
        "delays in seconds at EWR alone",
        "a third of the outcomes is wrong",
        where(pl.col("origin") == "EWR", dep_delay=DEPARTURE * 60, arr_delay=ARRIVAL * 60),
    ),
    flights(
        "written on the evening, while flights were in the air",
        "a third of the day counts as late",
        where(pl.col("flight") % 3 == 0, arr_delay=UNKNOWN),
    ),
    flights(
        "no arrivals of EV",
        "all flights of an airline count as late",
        where(pl.col("carrier") == "EV", arr_delay=UNKNOWN),
    ),
    flights(
        "cancelled flights are left out",
        "the worst outcomes are missing, and no cancellation is on record",
        only(~pl.col("cancelled")),
    ),
    flights(
        "cancelled is false by default",
        "no cancellation is on record",
        hand_over({"cancelled": pl.lit(value=False)}),
    ),
    flights(
        "early flights are late by as much",
        "flights that came early count as late",
        hand_over({"dep_delay": DEPARTURE.abs(), "arr_delay": ARRIVAL.abs()}),
    ),
    flights(
        "early flights have a delay of 0",
        "the mean delay of all records rises by minutes",
        hand_over({"dep_delay": DEPARTURE.clip(0), "arr_delay": ARRIVAL.clip(0)}),
    ),
    flights(
        "the departure's delay as the arrival's",
        "one outcome in ten is wrong",
        hand_over({"arr_delay": DEPARTURE}),
    ),
    flights(
        "the two delays exchanged",
        "one outcome in ten is wrong",
        hand_over({"arr_delay": DEPARTURE, "dep_delay": ARRIVAL}),
    ),
    flights(
        "delays one row lower",
        "outcomes belong to other flights: no version can be told from another",
        shifted("dep_delay", "arr_delay", "cancelled", "diverted"),
    ),
    flights(
        "the day before under this day's dates",
        "outcomes of another day are measured",
        old(1),
    ),
    flights(
        "the week before under this day's dates",
        "outcomes of another day are measured",
        old(7),
    ),
    flights(
        "arrivals rounded down to quarters of an hour",
        "a third of the late flights counts as in time",
        hand_over({"arr_delay": ARRIVAL // 15 * 15}),
    ),
    flights(
        "the mean of the route for each flight",
        "most late flights count as in time",
        hand_over(
            {
                "arr_delay": as_whole(ARRIVAL.mean().over("origin", "dest")),
                "dep_delay": as_whole(DEPARTURE.mean().over("origin", "dest")),
            }
        ),
    ),
    flights(
        "arrivals an hour late in the central zone",
        "each flight to these airports counts as late",
        where(pl.col("dest").is_in(CENTRAL), arr_delay=ARRIVAL + 60),
    ),
    flights(
        "cut off after half of its rows",
        "half of the airlines have no record and no outcomes",
        share_of_rows(0, 0.5),
    ),
    flights(
        "JFK and EWR exchanged",
        "outcomes and records of two airports are each other's",
        exchanged("origin", "JFK", "EWR"),
    ),
    flights(
        "all aircraft have 100 seats",
        "an input moves to a default within weeks",
        where(pl.col("seats").is_not_null(), seats=pl.lit(100)),
    ),
    flights(
        "years of building in two digits",
        "aircraft are 1900 years old",
        hand_over({"built": pl.col("built") % 100}),
    ),
    flights(
        "the aircraft's columns one row lower",
        "each flight has the seats and age of another's aircraft",
        shifted("tailnum", "seats", "built"),
    ),
    flights(
        "a correction turns the signs of delays four days ago",
        "a measured day's outcomes and the week's records are wrong",
        hand_over({"dep_delay": -DEPARTURE, "arr_delay": -ARRIVAL}),
        (5,),
    ),
    flights(
        "the past week comes again without arrivals at JFK",
        "all flights of an airport count as late for a week",
        where(pl.col("origin") == "JFK", arr_delay=UNKNOWN),
        (8, 7, 6, 5, 4, 3),
    ),
    flights(
        "one day's delays are not there, on time by default",
        "nothing is late",
        hand_over({"dep_delay": pl.lit(0, pl.Int64), "arr_delay": pl.lit(0, pl.Int64)}),
    ),
)


def celsius(column: str) -> pl.Expr:
    return ((pl.col(column) - 32) / 1.8).round(2)


JFK = pl.col("origin") == "JFK"
WEATHER = (
    weather(
        "JFK in degrees Celsius",
        "a third of the flights has a wrong temperature and dew point",
        where(JFK, temp=celsius("temp"), dewp=celsius("dewp")),
    ),
    weather(
        "all in degrees Celsius",
        "two inputs are wrong for all flights",
        hand_over({"temp": celsius("temp"), "dewp": celsius("dewp")}),
    ),
    weather(
        "wind in metres a second",
        "a storm looks like a breeze",
        hand_over({"wind_speed": pl.col("wind_speed") * 0.447, "wind_gust": pl.col("wind_gust") * 0.447}),
    ),
    weather(
        "wind in kilometres an hour",
        "a breeze looks like a storm",
        hand_over({"wind_speed": pl.col("wind_speed") * 1.609, "wind_gust": pl.col("wind_gust") * 1.609}),
    ),
    weather(
        "pressure in inches of mercury at LGA",
        "an input is absurd for a third of the flights",
        where(pl.col("origin") == "LGA", pressure=pl.col("pressure") / 33.864),
    ),
    weather(
        "local time written as UTC",
        "the newest reading is five hours old and looks new",
        hours_off(5),
    ),
    weather(
        "LGA repeats the reading of 10:00",
        "the evening's weather is that of the morning",
        stuck("LGA", 10),
    ),
    weather(
        "no rain by default",
        "rain is missing when it matters",
        hand_over({"precip": pl.lit(0.0)}),
    ),
    weather(
        "rain as a sum since midnight",
        "a shower in the morning is rain all day",
        hand_over({"precip": pl.col("precip").cum_sum().over("origin")}),
    ),
    weather(
        "rain in millimetres",
        "a drizzle is a flood",
        hand_over({"precip": pl.col("precip") * 25.4}),
    ),
    weather(
        "nothing of EWR",
        "a third of the flights has no weather",
        only(pl.col("origin") != "EWR"),
    ),
    weather(
        "the last eight hours are missing",
        "the evening's weather is not known",
        only(pl.col("time_hour").dt.hour() < 16),
    ),
    weather(
        "the day before under this day's dates",
        "the weather is a day old",
        old(1),
    ),
    weather(
        "the year's first month under this day's dates",
        "the weather is that of winter",
        lambda _rows, day, recorded: dated(recorded(date(2013, 1, 20)), (day - date(2013, 1, 20)).days),
    ),
    weather(
        "visibility in kilometres",
        "an input is wrong for all flights",
        hand_over({"visib": pl.col("visib") * 1.609}),
    ),
    weather(
        "humidity as a share",
        "an input is wrong for all flights",
        hand_over({"humid": pl.col("humid") / 100}),
    ),
    weather(
        "where the wind goes, not where it comes from",
        "two inputs have the wrong sign",
        hand_over({"wind_dir": (pl.col("wind_dir") + 180) % 360}),
    ),
    weather(
        "the day's mean in each hour",
        "the evening's weather is the mean of the day",
        daily_means,
    ),
    weather(
        "EWR and JFK exchanged",
        "two airports have each other's weather",
        exchanged("origin", "EWR", "JFK"),
    ),
    weather(
        "temperature and dew point exchanged",
        "two inputs are wrong for all flights",
        hand_over({"temp": pl.col("dewp"), "dewp": pl.col("temp")}),
    ),
)


def of_code(model: str, name: str, harm: str, edit: str) -> Fault:
    return Fault(name=f"edit: {name}", model=model, harm=harm, edit=edit)


EDITS = (
    of_code(
        "flight_delay",
        "the week of the records has eight days",
        "inputs of the champion mean something else than when it was trained",
        "week_of_eight",
    ),
    of_code(
        "flight_delay",
        "late begins at 30 minutes in the records",
        "the strongest records are half as large as in training",
        "late_at_30",
    ),
    of_code(
        "flight_delay",
        "mean delay over all flights, cancelled ones too",
        "records are lower than in training, most after a storm",
        "delay_over_all",
    ),
    of_code(
        "flight_delay",
        "temperature is turned into Celsius",
        "an input is wrong for all flights",
        "celsius",
    ),
    of_code(
        "flight_delay",
        "weekdays count from 0",
        "an input is wrong for all flights",
        "weekday_from_0",
    ),
    of_code(
        "flight_delay",
        "the share of departures before counts those after",
        "one of the strongest inputs is turned round",
        "share_after",
    ),
    of_code(
        "flight_delay",
        "missing numbers become 0 before the model reads them",
        "the model reads what it never read in training",
        "nulls_as_0",
    ),
    of_code(
        "flight_delay",
        "carriers get the number of their neighbour",
        "each airline is scored as another one",
        "categories_moved",
    ),
    of_code(
        "flight_delay",
        "a day's file of the carrier table is replaced by last week's, with new dates",
        "records are a week old and look new",
        "carrier_day_replaced",
    ),
    of_code(
        "flight_delay",
        "a day's file of the weather table is replaced by the day before, with new dates",
        "the weather is a day old and looks new",
        "weather_day_replaced",
    ),
    of_code(
        "flight_delay",
        "a day's file of the origin table is lost",
        "records are missing",
        "origin_day_lost",
    ),
    of_code(
        "flight_delay",
        "the champion's file is that of another version",
        "scores are not those of the version that they name",
        "artifact_of_another",
    ),
    of_code(
        "flight_delay",
        "the evening is read at 15:00",
        "the day's weather is not known yet",
        "as_of_15",
    ),
    of_code(
        "flight_delay",
        "outcomes count cancelled flights as in time",
        "measures are too good",
        "cancelled_in_time",
    ),
    of_code(
        "route_delay",
        "mean delay over all flights, cancelled ones too",
        "records are lower than in training, most after snow",
        "route_delay_over_all",
    ),
    of_code(
        "route_delay",
        "four weeks became five, still divided by four",
        "a quarter more flights a week than in training",
        "route_five_weeks",
    ),
    of_code(
        "route_delay",
        "delays in hours in the code",
        "the strongest input is nearly 0",
        "route_hours",
    ),
)


def route(name: str, harm: str, change: Change) -> Fault:
    return Fault(
        name=f"route_weeks: {name}",
        model="route_delay",
        harm=harm,
        dataset="route_weeks",
        lags=(1,),
        change=change,
    )


MINUTES = pl.col("delay_minutes")
ROUTES = (
    route("delays in hours", "the week counts as punctual", hand_over({"delay_minutes": MINUTES // 60})),
    route("delays in seconds", "delays are 60 times too long", hand_over({"delay_minutes": MINUTES * 60})),
    route(
        "the mean delay in place of the sum",
        "the week counts as punctual",
        hand_over({"delay_minutes": as_whole(MINUTES / pl.max_horizontal("departed", 1))}),
    ),
    route(
        "one day in place of the week",
        "the week has a seventh of its weight",
        hand_over(
            {name: (pl.col(name) + 6) // 7 for name in ("flights", "departed")}
            | {name: pl.col(name) // 7 for name in ("delay_minutes", "schedule_minutes")}
        ),
    ),
    route("the week before again", "the newest week is missing and an old one counts twice", old(7)),
    route("the totals of two weeks", "the weeks have too much weight", added_up),
    route("nothing of LGA", "an airport has no record and no outcomes", only(pl.col("origin") != "LGA")),
    route("cut off after half of its rows", "half of the routes have no outcome", share_of_rows(0, 0.5)),
    route(
        "early departures do not count",
        "all delays are minutes too long",
        hand_over({"delay_minutes": MINUTES + pl.col("departed") * 4}),
    ),
    route(
        "EWR and JFK exchanged", "two airports have each other's record", exchanged("origin", "EWR", "JFK")
    ),
    route(
        "destinations one row lower",
        "each route has the record of its neighbour",
        lambda rows, _day, _recorded: rows.with_columns(
            dest=pl.col("dest").sort_by("dest").shift(1).fill_null(pl.col("dest").last()).over("origin")
        ),
    ),
    route(
        "delays one row lower",
        "each route has the delay of its neighbour",
        shifted("departed", "delay_minutes"),
    ),
    route(
        "the sum of clock readings HHMM in place of minutes",
        "an input is wrong for all routes",
        hand_over({"schedule_minutes": as_whole(pl.col("schedule_minutes") / 60 * 100)}),
    ),
    route("rare routes come together as OTH", "a third of the routes has no record", rare_together),
)

ALL = (*SCHEDULES, *FLIGHTS, *WEATHER, *EDITS, *ROUTES)
LIST = FaultList(
    name="delivered", nights={"flight_delay": FLIGHT_NIGHTS, "route_delay": ROUTE_NIGHTS}, faults=ALL
)
