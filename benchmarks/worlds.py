"""Made-up models of other shapes than flights, with nights on which nothing is wrong.

Each night is drawn with seeds of its own, so it is always the same one. Where an input is a mean of days or
belongs to a month, it is drawn with the seeds of these days or of that month.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl

from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import FeatureTable, ModelSpec
from nightjar.testing.specs import WEATHER, toy_spec

DAY = timedelta(days=1)
FIRST, LAST = date(2015, 1, 1), date(2015, 9, 30)
WEEKDAYS, MONDAYS, FIRST_OF_MONTH = "0 4 * * 1-5", "0 4 * * 1", "0 4 1 * *"


@dataclass(frozen=True, slots=True)
class World:
    """night: the rows of a score date, with `entity_key`, the inputs and `score`. last: its last night."""

    title: str
    spec: ModelSpec
    night: Callable[[date], pl.DataFrame]
    last: date = LAST


def drawn(*seeds: int) -> np.random.Generator:
    return np.random.default_rng(seeds)


def drawn_on(day: date, salt: int = 0) -> np.random.Generator:
    return drawn(day.toordinal(), salt)


def keyed(ids: Iterable[object], day: date) -> list[str]:
    """Entities that come again each night."""
    return [f"{each}-{day}" for each in ids]


def table(name: str, key: str, features: Mapping[str, pl.DataType], lookback_days: int = 28) -> FeatureTable:
    keys = {key: pl.String()}
    return replace(WEATHER, name=name, keys=keys, features=dict(features), lookback_days=lookback_days)


def spec(name: str, numeric: str, categorical: str = "", **more: Any) -> ModelSpec:
    """numeric, categorical: the names of the inputs, with spaces between them."""
    return toy_spec(name=name, numeric=tuple(numeric.split()), categorical=tuple(categorical.split()), **more)


def by(column: str) -> tuple[Slice, ...]:
    return (Slice(name=column, by=column),)


def day_of_year(day: date) -> int:
    return day.timetuple().tm_yday


def last_of_month(day: date) -> date:
    return (day.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def shops(day: date, rows: int = 40) -> pl.DataFrame:
    """Few rows. The price of the day is one value for all of them, and moves a little each night."""
    of_shops, night = drawn(1), drawn_on(day)
    size = of_shops.lognormal(5, 0.5, rows).round(1)
    usual = of_shops.uniform(1, 30, rows)
    city = np.array(["OSLO", "ROME", "CAIRO", "LIMA"])[of_shops.integers(0, 4, rows)]
    weekend = 1 + 0.3 * (day.weekday() >= 5)
    steps = drawn(5).normal(0, 0.01, (day - date(2014, 1, 1)).days + 1)
    sales = np.mean([drawn_on(day - days * DAY, 7).poisson(usual) for days in range(1, 8)], axis=0)
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            "city": city,
            "size": size,
            "price": [round(1.5 * np.exp(steps.sum()), 3)] * rows,
            "sales7": sales,
            "stock": night.poisson(usual * 2 * weekend),
            "weekday": [float(day.weekday())] * rows,
            "month": [day.month] * rows,
            "promo": night.random(rows) < 0.1,
            "score": sales * 0.02 + size / 1000 + night.normal(0, 0.02, rows),
        }
    )


def orders(day: date) -> pl.DataFrame:
    """About 3,000 rows with keys that never come again. `big` is a number with no meaning, like an id."""
    night = drawn_on(day)
    rows = int(3_000 * (1 + 0.4 * (day.weekday() >= 5)) * night.lognormal(0, 0.03))
    amount = night.lognormal(3.5, 1.2, rows).round(2)
    items = 1 + night.poisson(0.6, rows)
    discount = np.where(night.random(rows) < 0.08, (amount * 0.1).round(2), 0.0)
    hour = np.clip(night.normal(15, 4, rows), 0, 23).astype(int)
    country = night.choice(["NO", "SE", "DK", "FI", "IS"], rows, p=[0.4, 0.3, 0.2, 0.08, 0.02])
    code = night.choice([10, 20, 30, 45, 99], rows, p=[0.5, 0.2, 0.2, 0.09, 0.01])
    customer = night.integers(0, 20_000, rows)
    before = np.where(night.random(rows) < 0.3, None, night.poisson(2, rows))
    return pl.DataFrame(
        {
            "entity_key": [f"o{day.toordinal() * 100_000 + n}" for n in range(rows)],
            "country": country,
            "amount": amount,
            "items": items,
            "discount": discount,
            "hour": hour,
            "code": code,
            "ltv": drawn(3).lognormal(4, 1, 20_000).round(2)[customer],
            "minute": hour * 60 + night.integers(0, 60, rows),
            "tax": (amount * 0.25).round(2),
            "prev": pl.Series(before.tolist(), dtype=pl.Int64),
            "big": night.integers(0, 2**62, rows),
            "score": 1 / (1 + np.exp(-(np.log(amount) - 3.5 + items * 0.1 + night.normal(0, 0.3, rows)))),
        }
    )


def customers(day: date, rows: int = 3_000) -> pl.DataFrame:
    """Statistics of the month, which change on its first day, beside those of the week and of the person.

    One customer in fifty is away each month. dpd: days past due.
    """
    month, of_people, night = day.year * 12 + day.month, drawn(11), drawn_on(day)
    income = of_people.lognormal(10, 0.5, rows).round(0)
    age, seg, region = (of_people.integers(low, high, rows) for low, high in ((18, 90), (0, 5), (0, 12)))
    bal = (income * drawn(month, 4).lognormal(0, 0.2, rows) / 12).round(2)
    late = drawn(month, 6).random(rows) < 0.05
    dpd = np.where(late, drawn(month, 7).integers(1, 90, rows), 0)
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            "customer": [str(n) for n in range(rows)],
            "region": [f"r{each}" for each in region],
            "bal": bal,
            "trans": drawn(month, 5).poisson(8, rows),
            "dpd": dpd,
            "income": income,
            "age": age,
            "seg": seg,
            "logins": sum(drawn_on(day - days * DAY, 9).poisson(0.3, rows) for days in range(1, 8)),
            "util": (bal / income).round(4),
            "score": bal / income + dpd / 100 + night.normal(0, 0.01, rows),
        }
    ).filter(pl.Series(drawn(month, 1).random(rows) < 0.98))


def customers_monthly(day: date) -> pl.DataFrame:
    """The same with the calendar and a rate, each one value a night."""
    return customers(day).with_columns(
        month=pl.lit(day.month),
        weekday=pl.lit(day.weekday()),
        days=pl.lit(float((day.replace(day=28) + 4 * DAY - day).days)),
        rate=pl.lit(round(float(drawn_on(day, 50).normal(3, 0.2)), 2)),
    )


def stocks(day: date, rows: int = 500) -> pl.DataFrame:
    """Features of the last working day: after a weekend or on one they are those of Friday."""
    of = day - DAY
    while of.weekday() >= 5:
        of -= DAY
    usual = drawn(8).lognormal(3, 1, rows)
    week = [each for n in range(7) if (each := of - n * DAY).weekday() < 5]
    traded = [(drawn_on(each, 4).lognormal(0, 0.4, rows) * usual).round(2) for each in week]
    px = (drawn_on(of, 5).lognormal(0, 0.02, rows) * usual).round(2)
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            "stock": [f"s{n}" for n in range(rows)],
            "vol": np.mean(traded, axis=0),
            "px": px,
            "ret": drawn_on(of, 6).normal(0, 0.02, rows).round(4),
            "sector": [f"x{n % 8}" for n in range(rows)],
            "fx": [round(float(drawn_on(of, 7).normal(1.1, 0.01)), 4)] * rows,
            "score": px / usual + drawn_on(day).normal(0, 0.01, rows),
        }
    )


def routes(day: date, rows: int = 190) -> pl.DataFrame:
    """w1, w4: what was counted in the last week, and the mean of the last four."""
    of_routes, night = drawn(21), drawn_on(day)
    usual = of_routes.lognormal(2, 1, rows)
    weeks = [drawn_on(day - 7 * n * DAY, 22).poisson(usual) for n in range(1, 5)]
    w1, w4 = weeks[0], np.mean(weeks, axis=0)
    kept = night.random(rows) < 0.99
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            "route": [f"q{n}" for n in range(rows)],
            "carrier": [f"c{n % 9}" for n in range(rows)],
            "w4": w4,
            "w1": w1,
            "dist": of_routes.uniform(100, 3000, rows).round(),
            "week": [day.isocalendar().week] * rows,
            "temp": (20 * np.sin(day_of_year(day) / 58) + night.normal(0, 3, rows)).round(1),
            "score": w4 * 0.1 + w1 * 0.05 + night.normal(0, 0.1, rows),
        }
    ).filter(pl.Series(kept))


def one_row(day: date) -> pl.DataFrame:
    night = drawn_on(day)
    return pl.DataFrame(
        {
            "entity_key": keyed(["grid"], day),
            "temp": [round(float(night.normal(10, 5)), 1)],
            "load": [float(night.normal(0, 100))],
            "weekday": [day.weekday()],
            "hol": [False],
            "n": [int(night.poisson(3))],
            "zone": ["A"],
            "score": [float(night.normal(0, 100))],
        }
    )


def hours(day: date, rows: int = 24) -> pl.DataFrame:
    """The weather and the price of power of each hour of a day. lag: the price of the day before."""
    night, hour = drawn_on(day), np.arange(rows)
    season = np.sin(day_of_year(day) / 58)
    warmth = 10 + 10 * season + night.normal(0, 3) + 4 * np.sin(hour / 4)
    temp = (warmth + night.normal(0, 0.5, rows)).round(1)
    wind = np.abs(night.normal(6, 3) + night.normal(0, 1, rows)).round(1)
    sun = np.clip(np.sin((hour - 6) / 12 * np.pi), 0, None)
    solar = (sun * 800 * (1 + season) * night.uniform(0.3, 1)).round(0)
    steps = drawn(5).normal(0, 0.02, day.toordinal() - 735_000)
    return pl.DataFrame(
        {
            "entity_key": [f"h{n:02}-{day}" for n in hour],
            "temp": temp,
            "wind": wind,
            "solar": solar,
            "lag": drawn_on(day - DAY, 9).normal(40, 20, rows).round(2),
            "hour": hour,
            "weekday": [day.weekday()] * rows,
            "weekend": [day.weekday() >= 5] * rows,
            "gas": [round(float(20 * np.exp(steps.sum())), 2)] * rows,
            "score": (40 - solar * 0.05 + night.normal(0, 10, rows) - wind * 2).round(2),
        }
    )


def nulls(day: date, rows: int = 800) -> pl.DataFrame:
    """A column without values, one that has some on Fridays only, a constant, counts that are mostly 0."""
    night, kept = drawn_on(day), drawn(31)
    c = kept.uniform(0, 1, rows).round(3)
    fri = night.normal(0, 1, rows).round(2).tolist() if day.weekday() == 4 else [None] * rows
    flag = kept.random(rows) < 0.3
    cnt = np.where(night.random(rows) < 0.93, 0, night.poisson(3, rows))
    rare = night.random(rows) < 0.003
    code = kept.choice([1, 2, 3, 5, 8, 13, 21, 34], rows)
    kept.integers(0, 400, rows)  # these numbers are not used
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            "fri": pl.Series(fri, dtype=pl.Float64),
            "const": [7.0] * rows,
            "allnull": pl.Series([None] * rows, dtype=pl.Float64),
            "flag": flag,
            "cnt": cnt,
            "rare": rare,
            "code": code,
            "since": [(day - date(2010, 1, 1)).days - int(n) for n in kept.integers(0, 400, rows)],
            "dom": [day.day] * rows,
            "week": [day.isocalendar().week] * rows,
            "c": c,
            "sum7": sum(drawn_on(day - days * DAY, 33).poisson(0.05, rows) for days in range(1, 8)),
            "neg": night.normal(-5, 20, rows).round(2),
            "score": c + night.normal(0, 0.1, rows),
        }
    )


HOLIDAYS = {
    date(2015, *each)
    for each in ((1, 1), (2, 16), (4, 3), (4, 6), (5, 1), (5, 14), (6, 24), (7, 4), (8, 15), (9, 7), (12, 24))
}


def calendar(day: date, rows: int = 300) -> pl.DataFrame:
    """Many inputs that the date alone gives, each one value a night, and a rate that changes in June."""
    a, number, night = drawn(41).lognormal(2, 1, rows), day_of_year(day), drawn_on(day)
    of_night = {
        "monthc": day.strftime("%m"),
        "wdc": day.weekday(),
        "hol": day in HOLIDAYS,
        "month": day.month,
        "doy": number,
        "q": (day.month + 2) // 3,
        "week0": (day - DAY).isocalendar().week - 1,
        "dim": float(last_of_month(day).day),
        "tomonthend": float((last_of_month(day) + DAY - day).days),
        "sinw": float(np.sin(number / 365 * 2 * np.pi)),
        "rate": 2.25 if day < date(2015, 6, 11) else 2.5,
        "since": (day - date(2014, 5, 5)).days,
        "tohol": min((each - day).days for each in HOLIDAYS if each >= day),
    }
    return pl.DataFrame(
        {
            "entity_key": keyed(range(rows), day),
            **{name: [value] * rows for name, value in of_night.items()},
            "a": a,
            "b": (a * night.lognormal(0, 0.1, rows)).round(2),
            "score": a / 10 + night.normal(0, 0.1, rows),
        }
    )


OF_CUSTOMERS = spec(
    "customers",
    "bal trans dpd income age seg logins util",
    "region",
    slices=by("region"),
    feature_tables=(
        table(
            "monthly",
            "customer",
            {"bal": pl.Float64(), "trans": pl.Int64(), "dpd": pl.Int64(), "util": pl.Float64()},
            62,
        ),
        table("static", "customer", {"income": pl.Float64(), "age": pl.Int64(), "seg": pl.Int64()}),
        table("activity", "customer", {"logins": pl.Int64()}, 7),
    ),
)
OF_CUSTOMERS_MONTHLY = replace(
    OF_CUSTOMERS,
    name="customers_monthly",
    cron=FIRST_OF_MONTH,
    horizon_days=0,
    numeric=(*OF_CUSTOMERS.numeric, "month", "weekday", "days", "rate"),
)
OF_STOCKS = spec(
    "stocks",
    "vol px ret fx",
    "sector",
    slices=by("sector"),
    feature_tables=(table("prices", "stock", dict.fromkeys(("vol", "px", "ret"), pl.Float64()), 7),),
)
OF_STOCKS_WEEKDAYS = replace(OF_STOCKS, name="stocks_weekdays", cron=WEEKDAYS, horizon_days=0)
OF_ROUTES = spec(
    "routes",
    "w4 w1 dist week temp",
    "carrier",
    cron=MONDAYS,
    horizon_days=0,
    slices=by("carrier"),
    feature_tables=(table("weekly", "route", {"w4": pl.Float64(), "w1": pl.Int64()}),),
)
OF_CALENDAR = spec(
    "calendar",
    "hol month doy q week0 dim tomonthend sinw a b rate since tohol",
    "monthc wdc",
    is_holiday=HOLIDAYS.__contains__,
)
OF_NULLS = spec(
    "nulls",
    "fri const allnull flag cnt rare code since dom week c sum7 neg",
    often_missing=frozenset({"fri", "allnull"}),
)
OF_SHOPS = spec("shops", "size price sales7 stock weekday month promo", "city", slices=by("city"))
OF_ORDERS = spec(
    "orders", "amount items discount hour code ltv minute tax prev big", "country", slices=by("country")
)
OF_ONE_ROW = spec("one_row", "temp load weekday hol n", "zone")
OF_HOURS = spec("hours", "temp wind solar lag hour weekday weekend gas")

WORLDS: Mapping[str, World] = {
    each.spec.name: each
    for each in (
        World("inputs of the calendar, 300 rows", OF_CALENDAR, calendar),
        World("columns full of nulls, counts, codes and the calendar, 800 rows", OF_NULLS, nulls),
        World("40 shops with a price of the day", OF_SHOPS, shops),
        World("orders that are all new each night, 3,000 rows", OF_ORDERS, orders),
        World("customers with statistics of the month, 3,000 rows", OF_CUSTOMERS, customers),
        World("the same, once a month", OF_CUSTOMERS_MONTHLY, customers_monthly, date(2020, 12, 31)),
        World("features that change on working days only, 500 rows", OF_STOCKS, stocks),
        World("the same, Monday to Friday", OF_STOCKS_WEEKDAYS, stocks),
        World("routes once a week, 190 rows", OF_ROUTES, routes, date(2017, 6, 1)),
        World("one row a night", OF_ONE_ROW, one_row),
        World("the 24 hours of a day", OF_HOURS, hours),
    )
}
