"""A Monday whose columns were exchanged is not published."""

from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations

import polars as pl
import pytest

from models import MODELS
from models.route_delay.source import weeks
from nightjar.adapters.contracts import check
from nightjar.core.comparison.entities import Distribution
from nightjar.core.comparison.profile import profile_of
from nightjar.core.inputs.oddities import FULL, oddities
from nightjar.core.model.occasions import occasions_between

SPEC = MODELS["route_delay"]
DAILY = replace(SPEC, cron="0 5 * * *")
"""The same inputs with a schedule of every day: fourteen weeks are then older than 21 occasions."""
WEEKS = occasions_between(SPEC, date(2013, 2, 4), date(2013, 9, 30))
"""They begin with the first Monday after four whole weeks of the recording."""
JUDGED = WEEKS[FULL::5]
ALLOWED = SPEC.audit["max_quarantine_share"]
TOLD = [pair for pair in combinations(SPEC.numeric, 2) if pair != ("route_delay", "route_flights")]
"""In summer, delays in minutes and flights a week are alike. The contract sets such rows aside."""


@pytest.fixture(scope="module")
def routes():
    """The routes of each Monday with their inputs, in memory. test_no_leak.py recomputes such inputs."""
    known = pl.concat(
        rows.with_columns(date=pl.lit(sunday), recorded_at=pl.lit(sunday).cast(pl.Datetime("us", "UTC")))
        for sunday, rows in weeks().items()
    )
    route, airport = (
        table.compute({"route_weeks": known}, WEEKS[0] - timedelta(days=1), WEEKS[-1])
        for table in SPEC.feature_tables
    )
    rows = route.join(airport.select("date", "origin", "airport_delay"), on=["date", "origin"])
    return {monday: rows.filter(date=monday - timedelta(days=1)) for monday in WEEKS}


@pytest.fixture(scope="module")
def profiles(routes):
    return {monday: profile(monday, rows) for monday, rows in routes.items()}


def profile(monday, rows):
    scores = Distribution(score_date=monday, rows=rows.height, mean=10.0, stddev=5.0, distinct=rows.height)
    return profile_of(rows, scores, SPEC)


def told(monday, rows, profiles, spec=SPEC):
    """What the guard says of a Monday beside the fourteen before it."""
    before = [profiles[week] for week in WEEKS if week < monday][-FULL:]
    return oddities(profile(monday, rows), before[::-1], spec)


def swapped(rows, one, other):
    return rows.rename({one: other, other: one})


def set_aside(monday, rows):
    """The share of a Monday's rows that break the contract."""
    keyed = rows.with_columns(
        pl.format("{}-{}-{}", "origin", "dest", pl.lit(f"{monday}")).alias("entity_key")
    )
    return check(SPEC, keyed).quarantined.height / rows.height


@pytest.mark.parametrize(
    ("one", "other"),
    [("route_delay", "route_minute"), ("airport_delay", "route_minute"), ("route_delay", "route_flights")],
)
@pytest.mark.parametrize("monday", [WEEKS[0], *JUDGED], ids=str)
def test_exchanged_columns_of_other_units_break_the_contract_in_more_rows_than_the_audit_allows(
    monday, one, other, routes
):
    assert set_aside(monday, routes[monday]) == 0
    assert set_aside(monday, swapped(routes[monday], one, other)) > ALLOWED


@pytest.mark.parametrize("monday", WEEKS[3:], ids=str)
def test_no_recorded_monday_is_odd_to_the_guard(monday, routes, profiles):
    assert told(monday, routes[monday], profiles) == ()


@pytest.mark.parametrize("monday", JUDGED, ids=str)
def test_the_delays_of_routes_and_airports_exchanged_are_told_though_each_keeps_the_contract(
    monday, routes, profiles
):
    rows = swapped(routes[monday], "route_delay", "airport_delay")
    assert set_aside(monday, rows) <= ALLOWED
    assert told(monday, rows, profiles)[0].sentence.startswith("route_delay has many fewer different values")


@pytest.mark.parametrize(("one", "other"), TOLD)
@pytest.mark.parametrize("monday", JUDGED, ids=str)
def test_exchanged_columns_are_told(monday, one, other, routes, profiles):
    assert told(monday, swapped(routes[monday], one, other), profiles) != ()


def test_fourteen_weeks_show_what_is_ordinary_to_a_weekly_schedule_only(routes, profiles):
    monday = WEEKS[FULL]
    rows = swapped(routes[monday], "route_delay", "route_minute")
    (found,) = told(monday, rows, profiles)
    assert found.sentence.startswith("route_delay and route_minute look swapped")
    assert told(monday, rows, profiles, DAILY) == ()
