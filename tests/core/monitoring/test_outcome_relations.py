"""How the columns of a day of outcomes belong together, and to the day before."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.model.spec import RawDataset
from nightjar.core.monitoring.outcome_days import days_of, step_of
from nightjar.core.monitoring.outcome_guard import checked
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.monitoring.outcome_relations import (
    MOST_ROWS,
    alike,
    answered,
    apart,
    belonging,
    beside_before,
    edges,
    ends,
    factors,
    grains,
    levels,
    line,
    numbers_of,
    ordered,
    parts,
    piles,
    ranks,
    sampled,
    steps,
    whole,
)
from nightjar.core.monitoring.outcome_rules import HOLDS, TELLS, findings

DAY, ROWS = timedelta(days=1), 300
DAYS = [date(2013, 4, 1) + n * DAY for n in range(42)]
TRIPS = RawDataset(
    name="trips",
    columns={
        "trip": pl.Int64(),
        "depot": pl.String(),
        "driver": pl.String(),
        "left": pl.Float64(),
        "came": pl.Float64(),
        "seats": pl.Int64(),
        "ended": pl.Boolean(),
    },
    keys=("trip",),
    nullable=frozenset({"driver"}),
)
THIRD = pl.int_range(pl.len()) % 3 == 0
NOISE = pl.Series(np.random.default_rng(1).normal(0, 20, ROWS))


def trips(day):
    """Trips come as late as they left; each has the bus of the day before, mostly."""
    random = np.random.default_rng(day.toordinal())
    left = random.gamma(1, 12, ROWS).round()
    return pl.DataFrame(
        {
            "trip": range(ROWS),
            "depot": ["north", "south", "west"] * (ROWS // 3),
            "driver": [f"d{n % 40}" for n in random.integers(0, 40, ROWS)],
            "left": left,
            "came": left + random.normal(0, 5, ROWS).round(),
            "seats": np.where(random.random(ROWS) < 0.9, np.arange(ROWS) % 9 * 10 + 20, 50),
            "ended": random.random(ROWS) < 0.97,
            "date": [day] * ROWS,
        }
    )


@pytest.fixture(scope="module")
def known():
    return days_of(TRIPS, pl.concat(map(trips, DAYS)))


def in_order(rows):
    """The numbers of all columns, each in order."""
    return whole(ordered(numbers_of(rows, rows.columns), parts(rows, ())))


def against(known, rows):
    """What is found against other rows of the last day."""
    day = DAYS[-1]
    return checked(day, days_of(TRIPS, pl.concat([trips(day - DAY), rows]), [day])[day], known)


TODAY = trips(DAYS[-1])
FAULTS = {
    "noise": (TODAY.with_columns(came=pl.col("came") + NOISE), "relation", "came with left"),
    "both delays in one": (
        TODAY.with_columns(came=pl.col("came") + pl.col("left")),
        "relation",
        "rise of came with left: 2",
    ),
    "those of another trip": (TODAY.with_columns(came=pl.col("came").shift(1)), "relation", "came with left"),
    "exactly as it left": (
        TODAY.with_columns(came=pl.col("left")),
        "relation",
        "middle distance from the line of came with left: 0",
    ),
    "noise at one depot": (
        TODAY.with_columns(came=pl.col("came") + pl.when(depot="west").then(NOISE).otherwise(0)),
        "relation",
        "came with left where depot is west",
    ),
    "buses of other trips": (
        TODAY.with_columns(pl.col("seats").shuffle(seed=1)),
        "values",
        "seats of the day before",
    ),
    "delays of the day before": (
        TODAY.with_columns(
            came=pl.when(THIRD).then(trips(DAYS[-2])["came"]).otherwise("came"),
            left=pl.when(THIRD).then(trips(DAYS[-2])["left"]).otherwise("left"),
        ),
        "values",
        "came of the day before",
    ),
    "no drivers": (TODAY.with_columns(driver=pl.lit(None, pl.String)), "values", "driver missing"),
    "a flag turned": (TODAY.with_columns(~pl.col("ended")), "values", "ended true"),
    "other numbers of trips": (TODAY.with_columns(pl.col("trip") + 200), "values", "keys of the day before"),
    "half of a depot": (
        TODAY.filter((pl.col("depot") != "west") | (pl.int_range(pl.len()) % 2 == 0)),
        "slice_volume",
        "depot west: 50",
    ),
    "in steps of 20": (TODAY.with_columns((pl.col("left") / 20).round() * 20), "grain", "left: 10"),
    "another clock for a quarter of the drivers": (
        TODAY.with_columns(came=pl.col("came") + pl.col("driver").str.starts_with("d1") * 15),
        "apart",
        "driver in came with left",
    ),
    "9999 for a few": (
        TODAY.with_columns(came=pl.when(pl.col("trip") < 4).then(9999.0).otherwise("came")),
        "units",
        "greatest came",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_keeps_every_column_is_found_by_name(known, fault):
    rows, name, told = FAULTS[fault]
    found = against(known, rows)
    assert any(each.name == name and told in each.told for each in found), found
    assert all("comparable days" in each.told for each in found)


def test_a_pile_of_rows_at_the_greatest_value_is_found_and_a_new_one_is_not(known):
    """Each new greatest value leaves fewer rows there than there ever were."""
    first = TODAY.with_columns(seats=pl.when(pl.col("trip") == 0).then(110).otherwise("seats"))
    clipped = TODAY.with_columns(pl.col("seats").clip(upper_bound=70))
    piled = [
        [each for each in against(known, rows) if "seats piled up at one value" in each.told]
        for rows in (first, clipped)
    ]
    assert [len(found) for found in piled] == [0, 1]


REFUNDS = RawDataset(
    name="refunds", columns={"sale": pl.Int64(), "shop": pl.String(), "refund": pl.Float64()}, keys=("sale",)
)


def refunds(day, share=0.05):
    """Few sales are refunded, and some of these are large."""
    random = np.random.default_rng(day.toordinal())
    amounts = random.lognormal(3, 1.8, ROWS) * (random.random(ROWS) < share)
    shops = ["north", "south", "west"] * (ROWS // 3)
    return pl.DataFrame({"sale": range(ROWS), "shop": shops, "refund": amounts, "date": [day] * ROWS})


def test_a_few_refunds_have_no_usual_size_and_many_have_one():
    few, many = (days_of(REFUNDS, pl.concat(refunds(day, share) for day in DAYS)) for share in (0.05, 0.8))
    assert [day for day in DAYS for each in checked(day, few[day], few) if each.name == "units"] == []
    day = DAYS[-1]
    dear = days_of(REFUNDS, refunds(day, 0.8).with_columns(pl.col("refund") * 100))[day]
    assert "units" in {each.name for each in checked(day, dear, many)}


def test_a_day_without_any_refund_is_not_cut_off_at_the_greatest_one():
    none = days_of(REFUNDS, refunds(DAYS[-1], 0))[DAYS[-1]]
    known = days_of(REFUNDS, pl.concat(map(refunds, DAYS)))
    assert not any("greatest" in each.told for each in checked(DAYS[-1], none, known))


def test_ordinary_days_have_no_finding(known):
    assert [day for day in DAYS if checked(day, known[day], known)] == []


def test_columns_that_do_not_belong_together_say_nothing(known):
    """The rise of their line differs from day to day."""
    rows = TODAY.with_columns(came=pl.col("came") - 500, left=pl.col("left") - 500)
    told = [each.told for each in against(known, rows) if each.name == "relation"]
    assert not any("seats" in each for each in told)


def test_a_holiday_is_held_to_wider_limits(known):
    day = DAYS[-1]
    past = [known[each] for each in DAYS[-21:-1]]
    few = TODAY.filter((pl.col("depot") != "west") | (pl.int_range(pl.len()) % 2 == 0))
    found = days_of(TRIPS, few, [day])[day]
    assert {each.name for each in findings(found, past, past)} >= {"slice_volume"}
    assert findings(found, past, past, wider=2.0) == ()


def test_weeks_of_numbers_alone_have_nothing_to_count():
    weekly = RawDataset(name="weeks", columns={"route": pl.String(), "late": pl.Float64()}, keys=("route",))
    week = pl.DataFrame({"route": ["a", "b"], "late": [1.0, 2.0], "date": [DAYS[0]] * 2})
    assert belonging(weekly, week, ["route"]) == {}
    assert [*days_of(weekly, week)] == [DAYS[0]]


def test_a_line_goes_through_most_points():
    one = np.arange(100.0)
    other = 2 * one + np.where(one % 5 == 0, 1000.0, 1.0)
    assert line(one, other, 1.0) == (
        pytest.approx(2.0, abs=1e-6),
        1.0,
        pytest.approx(999.0),
    ), "a distance below half a step says nothing"


@pytest.mark.parametrize(("usual", "now"), [(0.01, 0.0), (0.002, 0.015)])
def test_counts_differ_by_few_in_an_ordinary_week(usual, now):
    """Few departures are cancelled, or none. Then whole numbers do not show how far is far."""
    weeks = RawDataset(
        name="weeks",
        columns={"route": pl.Int64(), "flights": pl.Int64(), "left": pl.Int64()},
        keys=("route",),
    )

    def week(n, cancelled):
        random = np.random.default_rng(n)
        flights = random.integers(20, 200, ROWS)
        left = flights - random.binomial(flights, cancelled)
        return pl.DataFrame(
            {"route": range(ROWS), "flights": flights, "left": left, "date": [DAYS[0] + 7 * n * DAY] * ROWS}
        )

    known = days_of(weeks, pl.concat([week(n, usual if n < 14 else now) for n in range(15)]))
    found = checked(max(known), known[max(known)], known)
    assert "relation" not in {each.name for each in found}


def test_a_weekly_file_is_compared_with_the_week_before():
    weeks = [DAYS[0] + 7 * n * DAY for n in range(15)]
    files = [trips(day) for day in weeks[:-1]]
    again = files[-1].with_columns(date=pl.lit(weeks[-1]))
    step = step_of(weeks)
    known = days_of(TRIPS, pl.concat([*files, trips(weeks[-1])]), step=step)
    assert checked(weeks[-1], known[weeks[-1]], known) == ()
    looks = days_of(TRIPS, pl.concat([files[-1], again]), step=step)[weeks[-1]]
    found = checked(weeks[-1], looks, known, step=step)
    assert [each.told[:24] for each in found if each.name == "repeated"] == ["rows of the week before:"]


@pytest.mark.parametrize(("times", "found"), [(1.0, False), (8 / 7, True), (5 / 7, True)])
def test_a_day_too_many_or_too_few_in_the_sums_of_a_week_is_found(times, found):
    """Depots have as many seats a week as ever, give or take a few."""

    def week(number, times=1.0):
        seats = np.arange(ROWS) * 7 + 200 + np.random.default_rng(number).integers(-4, 5, ROWS)
        return pl.DataFrame(
            {"depot": [f"d{n}" for n in range(ROWS)], "seats": (seats * times).round()}
        ).with_columns(date=DAYS[0] + 7 * number * DAY)

    weeks = RawDataset(name="weeks", columns={"depot": pl.String(), "seats": pl.Float64()}, keys=("depot",))
    rows = pl.concat([week(number, times if number == 14 else 1.0) for number in range(15)])
    known = days_of(weeks, rows, step=7 * DAY)
    told = checked(max(known), known[max(known)], known, step=7 * DAY)
    assert [each.name for each in told][:1] == (["factor"] if found else [])


def test_how_much_larger_numbers_are_than_the_day_before_is_of_the_same_keys_and_of_numbers_above_0():
    then = trips(DAYS[0]).with_columns(left=pl.lit(10.0))
    now = then.with_columns(left=pl.when(pl.col("depot") == "west").then(0.0).otherwise(20.0))
    found = factors(beside_before(TRIPS, now, then), ["left", "seats"], ["depot"])
    assert found["left"] == found["left where depot is north"] == 2.0
    assert found["seats where depot is west"] == found["seats"] == 1.0
    assert "left where depot is west" not in found
    assert factors(now, ["left"], []) == {}


@pytest.mark.parametrize(("share", "held"), [(0.01, False), (0.16, True)])
def test_a_part_of_the_file_before_is_found(share, held):
    """As a cache gives them: thirty rows of 190 that are those of the week before."""
    past = [looks_of(repeated) for repeated in 6 * [0.0, 0.0, 0.01]]
    assert bool(findings(looks_of(share), past)) is held


def looks_of(repeated):
    return OutcomeDay(rows=190, sizes={}, values={}, repeated=repeated)


@pytest.mark.parametrize("empty", [None, 0.0])
def test_rows_without_a_number_are_not_those_of_the_day_before(empty):
    """A flight that is cancelled in a storm of two days."""
    numbers = {name: pl.lit(empty).cast(TRIPS.columns[name]) for name in ("left", "came", "seats")}
    first = trips(DAYS[0]).with_columns(**numbers)
    assert days_of(TRIPS, pl.concat([first, first.with_columns(date=DAYS[1])]))[DAYS[1]].repeated == 0
    known = first.with_columns(came=pl.when(pl.col("trip") < 9).then(3.0))
    looks = days_of(TRIPS, pl.concat([known, known.with_columns(date=DAYS[1])]))[DAYS[1]]
    assert looks.repeated == 9 / ROWS


@pytest.mark.parametrize(
    ("days", "told"),
    [(1, "rows of the day before"), (7, "rows of the week before"), (14, "rows of 14 days before")],
)
def test_the_file_before_is_named_by_how_far_files_lie_apart(known, days, told):
    repeated = known[DAYS[-1]].model_copy(update={"repeated": 1.0})
    found = checked(DAYS[-1], repeated, known, step=days * DAY)
    assert [each.told.split(":")[0] for each in found] == [told]


def test_a_step_is_that_of_days_of_which_none_is_missing():
    assert step_of([DAYS[9], DAYS[0], DAYS[2]]) == 2 * DAY
    assert step_of(DAYS[:1]) == step_of([]) == DAY


SALES = RawDataset(name="sales", columns={"shop": pl.Int64(), "amount": pl.Float64()}, keys=("shop",))


@pytest.mark.parametrize(("step", "found"), [(0.01, False), (1_000, True)])
def test_steps_that_chance_makes_between_few_amounts_are_no_grain(step, found):
    """Forty amounts in cents: on many a day the least step is more than four times as great as on others."""

    def sales(day, step=0.01):
        amounts = np.random.default_rng(day.toordinal()).uniform(0, 20_000, 40)
        amount = (amounts / step).round() * step
        return pl.DataFrame({"shop": range(40), "amount": amount, "date": [day] * 40})

    days = [date(2013, 1, 1) + n * DAY for n in range(120)]
    looks = days_of(SALES, pl.concat(map(sales, days)))
    told = {
        each.name for day in days[60:] for each in checked(day, days_of(SALES, sales(day, step))[day], looks)
    }
    assert ("grain" in told) is found


def test_grain_is_half_of_the_least_step():
    rows = pl.DataFrame({"a": [3, 1, 1, 9], "b": [0.25, 0.75, None, None], "c": [4.0, 4.0, 4.0, 4.0]})
    assert grains(numbers_of(rows, rows.columns)) == {"a": 1, "b": 0.25, "c": 0}


@pytest.mark.parametrize(
    ("drivers", "rows", "told"),
    [(10, 50, {"driver in came with left": 30.0}), (10, 49, {}), (9, 50, {})],
    ids=["enough", "too few rows of one", "too few drivers"],
)
def test_values_lie_apart_by_the_middles_of_those_with_enough_rows(drivers, rows, told):
    number = pl.int_range(rows, eager=True)
    day = pl.DataFrame({"driver": (number % drivers).cast(pl.String), "left": number.cast(pl.Float64)})
    other_clock = pl.col("driver").cast(pl.Int64) % 2 * 30
    late = day.with_columns(came=2 * pl.col("left") + other_clock)
    assert apart(late, ["driver"], {"came with left": (2.0, 0.0, 0.0)}) == told


def test_what_chance_does_to_a_flag_holds_no_day():
    """It is set in few of 120 rows, in none of them, or in the same one as the day before."""
    shops = RawDataset(
        name="shops",
        columns={"shop": pl.Int64(), "visitors": pl.Int64(), "sold_out": pl.Int64()},
        keys=("shop",),
    )
    random = np.random.default_rng(3)
    days = [
        pl.DataFrame(
            {
                "shop": range(120),
                "visitors": random.poisson(80, 120),
                "sold_out": (random.random(120) < 0.03).astype(int),
                "date": [DAYS[0] + n * DAY] * 120,
            }
        )
        for n in range(150)
    ]
    assert min(day["sold_out"].sum() for day in days) == 0
    known = [*days_of(shops, pl.concat(days)).values()]
    assert {each.flags for each in known} == {("sold_out",)}
    assert not any(findings(known[n], known[n - 21 : n]) for n in range(21, 150))
    hundredfold = days[-1].with_columns(pl.col("visitors") * 100)
    (other,) = days_of(shops, hundredfold).values()
    assert "units" in {each.name for each in findings(other, known[-22:-1])}


def test_a_column_of_one_value_has_a_flat_line():
    assert line(np.ones(40), np.arange(40.0), 0.5)[0] == 0


def test_of_many_rows_the_same_keys_are_looked_at_every_day():
    many = pl.concat(
        trips(day).with_columns(pl.col("trip") + ROWS * n) for day in DAYS[:2] for n in range(20)
    )
    one, other = sampled(TRIPS, many).values()
    assert MOST_ROWS / 2 < one.height < MOST_ROWS * 1.2
    assert set(one["trip"]) == set(other["trip"])


def test_all_rows_of_a_day_are_looked_at_that_has_none_of_those_keys():
    """A day of few rows beside a large one, as half a file is, would not be looked at at all."""
    large = pl.concat(trips(DAYS[0]).with_columns(pl.col("trip") + ROWS * n) for n in range(20))
    chosen = sampled(TRIPS, large)[DAYS[0]]
    few = trips(DAYS[1]).filter(~pl.col("trip").is_in(chosen["trip"].implode()))
    looked_at = sampled(TRIPS, pl.concat([large, few]))
    assert (looked_at[DAYS[0]].height, looked_at[DAYS[1]].height) == (chosen.height, few.height)


def lost(rows, known_of_lost):
    """Each twentieth trip is lost. It has no arrival, but in the first rows of those."""
    place = pl.int_range(pl.len())
    gone = place % 20 == 0
    return rows.with_columns(
        gone.alias("ended"), came=pl.when(~gone | (place < 20 * known_of_lost)).then("came")
    )


@pytest.mark.parametrize(("rows", "held"), [(0, False), (2, False), (3, True)])
def test_a_flag_and_a_number_that_exclude_each_other_are_held_if_a_few_rows_have_both(rows, held):
    days = days_of(TRIPS, pl.concat(lost(trips(day), 0) for day in DAYS[:-1]))
    told = [each.told for each in against(days, lost(TODAY, rows))]
    assert any("ended true and came known:" in each for each in told) == held


def cut(rows, share):
    """A file that was written too early: a share of the trips that are not lost has no arrival yet."""
    early = pl.int_range(pl.len()) % 100 < 100 * share
    return lost(rows, 0).with_columns(came=pl.when(~early | pl.col("ended")).then("came"))


@pytest.mark.parametrize(("share", "held"), [(0.0, False), (0.01, False), (0.3, True)])
def test_numbers_that_are_missing_without_the_flag_that_explains_it_are_held(share, held):
    """Of all rows as many are missing as on other days on which many trips are lost."""
    days = days_of(TRIPS, pl.concat(cut(trips(day), 0.01) for day in DAYS[:-1]))
    told = [each.told for each in against(days, cut(TODAY, share))]
    assert any("came missing if not ended:" in each for each in told) == held


WEEK = 7 * DAY
ROUTES = RawDataset(
    name="routes",
    columns={"route": pl.Int64(), "flights": pl.Int64(), "delay": pl.Int64()},
    keys=("route",),
)


def routes(sunday):
    """A route with more flights has more delay; both are nearly those of the week before."""
    random = np.random.default_rng(sunday.toordinal())
    flights = np.arange(200) % 50 + random.integers(1, 4, 200)
    delay = (flights * random.gamma(2, 6, 200)).astype(int)
    return pl.DataFrame({"route": range(200), "flights": flights, "delay": delay, "date": [sunday] * 200})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (pl.col("delay"), ""),
        (pl.col("delay").shuffle(seed=1), "rank correlation of delay with delay of the week before"),
        (pl.col("delay").shift(25).fill_null(0), "rank correlation of flights with delay"),
        (pl.col("flights").reverse(), "rank correlation of flights with flights of the week before"),
    ],
)
def test_values_of_other_routes_lose_their_order(change, told):
    sundays = [DAYS[0] + n * WEEK for n in range(20)]
    files = {day: routes(day) for day in sundays}
    known = days_of(ROUTES, pl.concat(files.values()), step=WEEK)
    now = files[sundays[-1]].with_columns(change)
    looks = days_of(ROUTES, pl.concat([files[sundays[-2]], now]), [sundays[-1]], WEEK)[sundays[-1]]
    found = [each for each in checked(sundays[-1], looks, known, step=WEEK) if each.name == "coupling"]
    assert any(each.told.startswith(told) for each in found) if told else not found


SMALL = pl.col("flights") < 12


@pytest.mark.parametrize(
    ("kept", "odd", "told"),
    [
        (pl.col("flights") >= 0, 0, []),
        (~SMALL, 0, ["The lowest values of flights are missing"]),
        (~SMALL, 2, ["The lowest values of flights are missing"]),
        (~SMALL, 3, []),
        (pl.col("flights") <= 40, 0, ["The highest values of flights are missing"]),
    ],
)
def test_small_numbers_that_are_kept_secret_are_missing(kept, odd, told):
    """odd: so many of the last weeks had no small numbers either."""
    sundays = [DAYS[0] + n * WEEK for n in range(20)]
    *past, last = (routes(day) for day in sundays)
    weeks = [week.filter(~SMALL) if n >= len(past) - odd else week for n, week in enumerate(past)]
    known = days_of(ROUTES, pl.concat([*weeks, last.filter(kept)]), step=WEEK)
    found = checked(sundays[-1], known[sundays[-1]], known, step=WEEK)
    assert [each.what for each in found if each.name == "cut" and "flights" in each.where] == told


CAME = pl.col("came")
MOVED = {
    "10 to 20 written as 10": (
        pl.when(CAME.is_between(10, 20)).then(10.0).otherwise(CAME),
        "The share of came piled up at one value is higher than usual (values)",
    ),
    "each twice": (CAME * 2, "came has coarser steps than usual (grain)"),
    "all even": (CAME // 2 * 2, "came has coarser steps than usual (grain)"),
    "less their mean": (
        (CAME - CAME.mean()).round(),
        "The low numbers of came are lower than usual (level)",
    ),
    "at one depot less 10": (
        pl.when(depot="west").then(CAME - 10).otherwise(CAME),
        "The low numbers of came where depot is west are lower than usual (level)",
    ),
}


@pytest.mark.parametrize("fault", MOVED)
def test_numbers_that_are_piled_up_or_moved_or_multiplied_are_held(known, fault):
    change, named = MOVED[fault]
    assert named in {each.named for each in against(known, TODAY.with_columns(came=change))}


def test_a_pile_is_of_rows_beyond_those_of_the_values_beside_it():
    numbers = {"a": np.array([3.0, 1, 2, 2, 2, 3, np.nan]), "b": np.array([np.nan] * 7), "c": np.ones(7)}
    found = ordered(numbers, {"": np.full(7, fill_value=True), " where d is e": np.arange(7) < 2})
    assert piles(found) == {
        "a piled up at one value": (1, 6),
        "a piled up at one value where d is e": (0, 2),
        "c piled up at one value": (7, 7),
        "c piled up at one value where d is e": (2, 2),
    }


LEGS = replace(TRIPS, keys=("trip", "depot"))


def legs(day):
    """Two trips have each number, from other depots."""
    return trips(day).with_columns(pl.col("trip") // 2)


def test_a_join_by_a_part_of_the_key_is_held():
    known = days_of(LEGS, pl.concat(map(legs, DAYS)))
    joined = legs(DAYS[-1]).with_columns(CAME.first().over("trip"))
    found = checked(DAYS[-1], days_of(LEGS, joined)[DAYS[-1]], known)
    named = {each.named for each in found if " same " in each.named}
    assert named == {"The share of came alike in rows of the same trip is higher than usual (values)"}


def test_two_known_numbers_of_the_same_part_of_the_key_are_compared():
    dataset = replace(TRIPS, keys=("driver", "trip", "depot"))
    rows = pl.DataFrame(
        {"driver": [*"ABAB"], "trip": [1, 1, 2, 2], "depot": [*"xxxy"], "came": [3.0, 3, 4, None]}
    )
    assert alike(dataset, rows, numbers_of(rows, ["came"])) == {
        "came alike in rows of the same driver": (0, 1),
        "came alike in rows of the same trip": (1, 1),
        "came alike in rows of the same depot": (1, 2),
        "came alike in rows of the same driver and trip": (0, 0),
        "came alike in rows of the same driver and depot": (0, 1),
        "came alike in rows of the same trip and depot": (1, 1),
    }


def test_steps_are_of_enough_different_numbers_of_two_decimals():
    whole = np.arange(20.0)
    numbers = {
        "odd": whole * 6 + 1,
        "cents": whole * 0.06 + 0.01,
        "quotients": whole / 7,
        "few": np.minimum(whole, 18),
        "huge": whole * 1e11,
    }
    found = steps(ordered(numbers, {"": np.full(20, fill_value=True)}))
    assert found == {"odd": 6, "cents": pytest.approx(0.06)}


def with_levels(numbers):
    return OutcomeDay(rows=300, sizes={}, values={}, levels=levels({("seats", ""): np.sort(numbers)}))


def test_low_numbers_may_move_from_one_frequent_number_to_the_next():
    """One quantile of seats jumps when a few planes more are small, and those beside it do not."""
    usual, like, more, many = (
        with_levels(np.append(np.repeat([20.0, 55], [small, 200 - small]), np.arange(100) + 150))
        for small in (28, 29, 32, 70)
    )
    assert [len(findings(day, [usual] * 20)) for day in (like, more, many)] == [0, 0, 1]


def test_only_the_steady_end_of_a_column_may_not_move():
    """A storm makes the late ones later, and the early ones stay."""
    early, late = np.arange(150.0) / 10, 20 + np.arange(150.0)
    usual, storm, shifted = (
        with_levels(np.append(early - less, times * late)) for less, times in ((0, 1), (0, 9), (9, 1))
    )
    assert findings(storm, [usual] * 20) == ()
    assert [each.what for each in findings(shifted, [usual] * 20)] == [
        "The low numbers of seats are lower than usual"
    ]


def test_few_numbers_have_no_ends():
    rows = pl.DataFrame({"late": range(100)})
    assert ends(in_order(rows)) == {"late": (0, 4, 95, 99)}
    assert ends(in_order(rows.head(99))) == {}


@pytest.mark.parametrize(("without", "others", "held"), [(0, 0, 0), (2, 2, 0), (3, 0, 1), (0, 3, 1)])
def test_entities_without_an_outcome_are_held_if_no_day_has_any(known, without, others, held):
    scored = pl.Series([f"k{n}" for n in range(ROWS)])
    outcomes = pl.concat([scored[without:], pl.Series([f"x{n}" for n in range(others)], dtype=pl.String)])
    assert answered(scored, outcomes) == {
        "entities without an outcome": (without, ROWS),
        "outcomes of no entity": (others, ROWS - without + others),
    }

    def asked(day, told):
        return day.model_copy(update={"rates": {**day.rates, **answered(scored, told)}})

    past = [asked(known[day], scored) for day in DAYS[:-1]]
    assert len(findings(asked(known[DAYS[-1]], outcomes), past)) == held
    assert answered(scored.clear(), outcomes) == {}


def test_a_rank_correlation_is_of_rows_that_have_both():
    day = pl.DataFrame({"a": [*range(40), None, 7], "b": [*range(40), 3, None], "c": [1.0] * 42})
    assert ranks(day, ["a", "b", "c"]) == {"a with b": pytest.approx(1.0)}
    assert ranks(day.head(29), ["a", "b"]) == {}


def test_what_is_seen_of_a_day_does_not_depend_on_how_many_others_land_with_it():
    named = [
        trips(day).with_columns(driver=pl.format("{}-{}", pl.lit(str(day)), pl.int_range(pl.len()) % 3))
        for day in DAYS[:40]
    ]
    alone, together = (days_of(TRIPS, pl.concat(some))[DAYS[1]] for some in (named[:2], named))
    assert alone.values == together.values
    assert len(alone.values["driver"]) == 3
    assert days_of(TRIPS, pl.concat(named[:2]), [DAYS[1]]) == {DAYS[1]: alone}


LATE = np.random.default_rng(2).gamma(1, 40, 5_250).round() - 20
EDGES = {
    "range": lambda late: (late + 128) % 256 - 128,
    "gap": lambda late: np.where(late >= 60, late // 60 * 100 + late % 60, late),
}


def looks(late):
    return edges(in_order(pl.DataFrame({"late": late})))


@pytest.mark.parametrize("name", EDGES)
def test_numbers_of_one_byte_and_of_hours_and_minutes_leave_their_range(name):
    past = [day_with(looks(LATE[n::21])) for n in range(1, 21)]
    assert findings(day_with(looks(LATE[::21])), past) == ()
    assert [each.name for each in findings(day_with(looks(EDGES[name](LATE[::21]))), past)] == [name]


def test_a_gap_is_told_by_a_wider_limit_while_few_days_are_known():
    """A week of the recorded routes has a gap of 159 minutes, and those before have 60 at most."""
    wide, usual = (day_with({"gap of late": gap}) for gap in (159.0, 60.0))
    assert findings(wide, [usual] * 9) == ()
    assert [each.name for each in findings(wide, [usual] * 20)] == ["gap"]


def day_with(found):
    return OutcomeDay(rows=250, sizes={}, values={}, edges=found)


def test_few_rows_have_no_edges():
    assert looks(LATE[:40]) == {}


def several_drivers(day):
    """One driver has most trips, and ten have a few: a column of more than few values."""
    number = pl.int_range(pl.len())
    return trips(day).with_columns(
        driver=pl.when(number < 120).then(pl.lit("d0")).otherwise(pl.concat_str(pl.lit("e"), number % 11))
    )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (pl.col("came").shift(7), "relation"),
        (pl.col("came") // 60, "relation"),
        (pl.col("came") * 0 + 3, "relation"),
        (-pl.col("came"), "values"),
    ],
)
def test_a_fault_of_one_driver_of_several_is_told_and_holds_nothing(change, name):
    days = [*DAYS[-30:-1]]
    known = days_of(TRIPS, pl.concat(map(several_drivers, days)))
    today = several_drivers(DAYS[-1])
    wrong = today.with_columns(came=pl.when(driver="d0").then(change).otherwise("came"))

    def against(rows, limits):
        look = days_of(TRIPS, pl.concat([several_drivers(DAYS[-2]), rows]), [DAYS[-1]])[DAYS[-1]]
        return checked(DAYS[-1], look, known, limits=limits)

    of_driver = "where driver is d0"
    assert against(today, TELLS) == ()
    assert any(each.name == name and of_driver in each.told for each in against(wrong, TELLS))
    assert not any(of_driver in each.told for each in against(wrong, HOLDS))


def test_what_is_seen_of_a_day_has_the_same_order_each_time():
    rows = pl.concat(map(several_drivers, DAYS[:2]))
    orders = {
        (*look.sizes, *look.rates, *look.lines) for look in (days_of(TRIPS, rows)[DAYS[1]] for _ in range(9))
    }
    assert len(orders) == 1


def test_values_with_few_rows_of_a_column_of_several_are_left_out():
    look = days_of(TRIPS, several_drivers(DAYS[0]))[DAYS[0]]
    of_drivers = {
        what.split("driver is ")[1]
        for what in {**look.sizes, **look.rates, **look.lines}
        if "driver is" in what
    }
    assert of_drivers == {"d0"}


def test_new_keys_of_one_of_several_values_are_not_counted():
    rows = pl.concat(map(several_drivers, DAYS[:2]))
    look = days_of(TRIPS, rows)[DAYS[1]]
    assert "keys of the day before" in look.rates
    assert "keys of the day before where driver is d0" not in look.rates
    assert "driver of the day before where driver is d0" in look.rates
