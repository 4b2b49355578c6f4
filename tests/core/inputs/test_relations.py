"""Faults that keep every column's distribution break how its values belong together."""

import random

import polars as pl
import pytest

from nightjar.core.inputs.by_key import keyed
from nightjar.core.inputs.former import beside_former, codes, leaps
from nightjar.core.inputs.relations import (
    lost,
    of_categories,
    of_pairs,
    of_ranges,
    of_table,
    on_grid,
    twins,
)
from nightjar.core.inputs.shapes import of_codes, of_values

SHOPS = 60
ROUTES = [f"r{shop % 12:02}" for shop in range(SHOPS)]


def night(seed=0):
    """Shops of three cities and twelve routes. A route has one rate; the weather is that of the city."""
    shops, chance = random.Random(1), random.Random(seed + 2)
    rates = {route: shops.uniform(0, 1) + chance.uniform(0, 0.01) for route in sorted(set(ROUTES))}
    return pl.DataFrame(
        {
            "entity": [f"s{shop:03}" for shop in range(SHOPS)],
            "city": [("OSLO", "ROME", "CAIRO")[shop % 3] for shop in range(SHOPS)],
            "route": ROUTES,
            "rate": [rates[route] for route in ROUTES],
            "size": [shops.uniform(50, 500) for _ in range(SHOPS)],
            "sales": [shops.uniform(50, 500) + chance.uniform(0, 9) for _ in range(SHOPS)],
            "warmth": [(61.02, 50.0, 87.98)[shop % 3] + seed for shop in range(SHOPS)],
        }
    )


LAST, NOW = night(0), night(1)
CITY = {"city": pl.col("city")}
first_of_three = pl.int_range(pl.len()) % 3 == 0


def moved(rows, last, key, names, slices=None):
    return [*beside_former(keyed(rows, key, last).pairs(names), slices or {})]


def numbers(told):
    return {(name, column, part): value for name, column, part, value in told}


def test_a_column_is_nearest_to_its_own_former_values_until_it_is_exchanged():
    swapped = NOW.rename({"size": "sales", "sales": "size"})
    ordinary, exchanged = (
        numbers(of_pairs(keyed(rows, ["entity"], LAST), ["size", "sales"])) for rows in (NOW, swapped)
    )
    assert min(ordinary.values()) > 0.5
    assert max(exchanged.values()) < -0.5


def test_the_pace_of_a_column_tells_of_noise_and_of_other_units():
    both = [
        numbers(moved(rows, LAST, ["entity"], ["sales"]))["pace", "sales", ""]
        for rows in (NOW, NOW.with_columns(pl.col("sales").shuffle(seed=1)))
    ]
    assert both[1] > 10 * both[0]


def test_a_column_of_few_values_is_read_by_its_keys():
    rows, last = (each.unique("city", maintain_order=True) for each in (NOW, LAST))
    assert numbers(moved(rows, last, ["city"], ["warmth"])) == {
        ("few_changed", "warmth", ""): 1.0,
        ("few_pace", "warmth", ""): pytest.approx(1.0),
        ("crossed", "warmth", ""): 1.0,
    }
    told = numbers(of_values(rows, ["warmth"]))
    assert told["few_central", "warmth", ""] == pytest.approx(62.02)
    assert told["few_short_share", "warmth", ""] == 1.0
    celsius = rows.with_columns((pl.col("warmth") - 32) / 1.8)
    assert numbers(of_values(celsius, ["warmth"]))["few_short_share", "warmth", ""] == 0.0


def test_the_greatest_change_of_a_key_is_told_where_keys_are_few():
    rows, last = (each.unique("city", maintain_order=True) for each in (NOW, LAST))
    doubled = rows.with_columns(warmth=pl.when(pl.col("city") == "ROME").then(102).otherwise("warmth"))
    assert [*leaps(keyed(doubled, ["city"], last).pairs(["warmth"]))] == [("leap", "warmth", "", 52)]
    assert not [*leaps(keyed(NOW, ["entity"], LAST).pairs(["size"]))]


def test_a_column_of_one_value_a_night_is_told():
    assert ("only", "weekday", "", 3.0) in of_values(NOW.with_columns(weekday=pl.lit(3)), ["weekday"])


def test_a_column_that_is_cut_off_has_many_values_at_its_end():
    cut = NOW.with_columns(pl.col("size").clip(upper_bound=300))
    shares = [numbers(of_values(rows, ["size"]))["top_share", "size", ""] for rows in (NOW, cut)]
    assert shares[0] < 0.05 < 0.2 < shares[1]


def test_an_hour_that_is_missing_leaves_a_part_of_the_values_empty():
    rows = pl.DataFrame({"minute": range(0, 1440, 2)})
    shares = [
        numbers(of_ranges(each, rows, ["minute"]))["emptiest", "minute", ""]
        for each in (
            rows,
            rows.sample(fraction=0.8, seed=1),
            rows.filter(~pl.col("minute").is_between(420, 560)),
        )
    ]
    assert shares[:2] == [1, 1]
    assert shares[2] < 0.2


@pytest.mark.parametrize("begins", range(360, 440, 10))
def test_an_hour_is_missed_wherever_it_begins_if_it_is_somewhat_more_than_a_part(begins):
    rows = pl.DataFrame({"minute": range(0, 1440, 2)})
    gone = rows.filter(~pl.col("minute").is_between(begins, begins + 95))
    assert numbers(of_ranges(gone, rows, ["minute"]))["emptiest", "minute", ""] < 0.2


@pytest.mark.parametrize("kept", [pl.col("minute") < 1350, pl.col("minute") >= 90], ids=["end", "start"])
def test_a_file_that_is_cut_off_leaves_an_end_of_the_values_empty(kept):
    rows = pl.DataFrame({"minute": range(0, 1440, 2)})
    whole, fewer, cut = (
        numbers(of_ranges(each, rows, ["minute"]))["emptiest_end", "minute", ""]
        for each in (rows, rows.sample(fraction=0.8, seed=1), rows.filter(kept))
    )
    assert whole == fewer == 1
    assert cut < 0.2


def test_the_share_of_entities_of_another_category_is_told():
    other = NOW.with_columns(city=pl.when(first_of_three).then(pl.lit("oslo")).otherwise("city"))
    told = [
        numbers(of_categories(keyed(rows, ["entity"], LAST), ["city"]))["category_changed", "city", ""]
        for rows in (NOW, other)
    ]
    assert told == [0.0, pytest.approx(1 / 3)]


def test_a_month_says_nothing_of_the_entities():
    may, june = (LAST.with_columns(city=pl.lit(month)) for month in ("may", "june"))
    assert of_categories(keyed(june, ["entity"], may), ["city"]) == []


def test_a_join_that_is_off_by_a_row_gives_a_key_several_values():
    off = NOW.with_columns(pl.col("rate").shift(1))
    told = [
        numbers(of_table(keyed(rows, ["route"], LAST), "routes", ["rate"], {}))["single_valued", "routes", ""]
        for rows in (NOW, off)
    ]
    assert told[0] == 1.0
    assert told[1] < 1.0


def test_a_column_of_few_values_that_many_keys_have_is_a_code():
    now, last = (
        each.with_columns(open=pl.int_range(pl.len()) % 4 != n, few=pl.col("warmth"))
        for n, each in enumerate((NOW, LAST))
    )
    now, last = (each.with_columns(pl.col("open").cast(pl.Int64)) for each in (now, last))
    told = numbers(codes(keyed(now, ["entity"], last).pairs(["open", "size"])))
    assert told == {("code_changed", "open", ""): 0.5}
    assert numbers(of_codes(now, ["open", "size"])) == {("code_share", "open", ""): 0.75}
    assert numbers(of_codes(now.unique("city"), ["open"])) == {}, "three keys are few"


def rates_of(days):
    """Forty shops with two features of few values: two shops may have the same ones. days: one seed each."""
    chance = random.Random(days)
    rows = [(f"s{shop}", chance.randrange(12) / 14, chance.randrange(160) / 4) for shop in range(40)]
    return pl.DataFrame(rows, schema=["shop", "rate", "visitors"], orient="row")


def test_keys_that_are_alike_by_chance_count_as_different_and_more_of_them_do_not():
    def distinct(rows):
        told = numbers(of_table(keyed(rows, ["shop"], rates_of(0)), "shops", ["rate", "visitors"], {}))
        return told["distinct", "shops", ""]

    nights = [rates_of(n) for n in range(1, 200)]
    alike = [night.height - night.select("rate", "visitors").n_unique() for night in nights]
    assert max(alike) > 1
    assert [distinct(night) for night in nights] == [1.0] * len(nights)
    repeated = nights[0].with_columns(pl.col("rate", "visitors").first().over(pl.int_range(pl.len()) // 4))
    assert distinct(repeated) < 0.4


def test_keys_that_share_the_features_of_one_are_told():
    same = NOW.with_columns(pl.col("warmth").first())
    told = [
        numbers(of_table(keyed(rows, ["city"], None), "weather", ["warmth"], {}))["distinct", "weather", ""]
        for rows in (NOW, same)
    ]
    assert told == [1.0, pytest.approx(1 / 3)]


def test_a_sensor_that_is_stuck_is_a_share_of_the_rows():
    stuck = NOW.with_columns(warmth=pl.when(first_of_three).then(LAST["warmth"]).otherwise("warmth"))
    told = [
        numbers(of_table(keyed(rows, ["city"], LAST), "weather", ["warmth"], {}))["still", "weather", ""]
        for rows in (NOW, stuck)
    ]
    assert told == [0.0, pytest.approx(1 / 3)]


def test_a_stuck_key_counts_by_its_rows():
    often = pl.concat([NOW, *[NOW.filter(pl.col("city") != NOW["city"][0])] * 9])
    stuck = often.with_columns(
        warmth=pl.when(pl.col("city") == NOW["city"][0]).then(LAST["warmth"][0]).otherwise("warmth")
    )
    told = numbers(of_table(keyed(stuck, ["city"], LAST), "weather", ["warmth"], {}))
    assert told["still", "weather", ""] == pytest.approx(1 / 21)


def test_the_record_of_one_key_that_many_rows_have_is_told_to_be_stuck():
    many, before = (pl.concat([rows] * 2) for rows in (NOW, LAST))
    stuck = many.with_columns(warmth=pl.when(first_of_three).then(before["warmth"]).otherwise("warmth"))
    told = numbers(of_table(keyed(stuck, ["city"], before), "weather", ["warmth"], CITY))
    shares = {part: share for (name, _, part), share in told.items() if name == "few_still"}
    assert shares == {"city=OSLO": 1.0, "city=ROME": 0.0, "city=CAIRO": 0.0}


def test_values_of_another_gauge_are_not_on_its_steps():
    knots = [pl.DataFrame({"wind": [1.15078 * (night + step) for step in (0, 3, 8)]}) for night in range(7)]
    miles, kilometres = (
        numbers(on_grid(pl.DataFrame({"wind": [4.60312 * factor, 11.5078 * factor]}), knots, ["wind"]))
        for factor in (1, 1.609344)
    )
    assert (miles["on_grid", "wind", ""], kilometres["on_grid", "wind", ""]) == (1.0, 0.0)


def test_a_column_without_steps_has_no_gauge():
    chance = random.Random(1)
    past = [pl.DataFrame({"wind": [chance.uniform(0, 20) for _ in range(3)]}) for _ in range(7)]
    assert not [*on_grid(pl.DataFrame({"wind": [1.0, 2.0]}), past, ["wind"])]


def test_a_column_that_became_an_input_yesterday_has_one_night_of_steps():
    knots = pl.DataFrame({"wind": [1.15 * step for step in range(12)]})
    tonight = pl.DataFrame({"wind": [2.3, 3.0]})
    assert numbers(on_grid(tonight, [knots, knots.drop("wind")], ["wind"])) == {("on_grid", "wind", ""): 0.5}
    assert not [*on_grid(tonight, [knots.drop("wind")], ["wind"])]


def test_a_few_keys_say_that_two_columns_are_exchanged():
    last = NOW.unique("city", maintain_order=True).with_columns(
        week=pl.Series([0.3, 0.35, 0.4]), month=pl.Series([0.2, 0.22, 0.21])
    )
    now = last.with_columns(pl.col("week") + 0.01, pl.col("month") + 0.001)
    exchanged = now.rename({"week": "month", "month": "week"})
    ordinary, odd = (
        numbers(moved(rows, last, ["city"], ["week", "month"]))["crossed", "week", ""]
        for rows in (now, exchanged)
    )
    assert ordinary == 1.0
    assert odd > 10


def test_values_are_nearer_to_the_former_ones_of_the_column_that_they_were_exchanged_with():
    rows, last = (each.with_columns(usual=pl.col("rate") + 0.3) for each in (NOW, LAST))
    swapped = rows.rename({"rate": "usual", "usual": "rate"})
    told = [
        numbers(moved(each, last, ["entity"], ["rate", "usual"]))["nearer", "rate", ""]
        for each in (rows, swapped)
    ]
    assert told == [0.0, 1.0]


GROUPS = {"shops": ["size", "sales"]}


def lacks(rows, last):
    return {part: value for *_, part, value in lost(rows, last, "entity", CITY, GROUPS)}


def test_values_that_an_entity_had_last_night_are_lost_by_slice():
    rome = pl.concat([NOW] * 2).with_columns(entity=pl.int_range(pl.len()).cast(pl.String)).sort("city")
    gone = rome.with_columns(size=pl.when(pl.col("city") != "ROME").then("size"))
    assert lacks(gone, rome) == {"city=CAIRO": 0.0, "city=OSLO": 0.0, "city=ROME": 1.0}
    assert lacks(gone, gone) == {"city=CAIRO": 0.0, "city=OSLO": 0.0, "city=ROME": 0.0}


def test_all_missing_values_count_where_entities_are_new_every_night():
    rows = pl.concat([NOW] * 2).with_columns(
        entity=pl.int_range(pl.len()).cast(pl.String), size=pl.lit(None, pl.Float64)
    )
    other = rows.with_columns(entity=pl.lit("n") + pl.col("entity"))
    assert set(lacks(rows, other).values()) == {1.0}


def test_rows_that_are_the_same_as_another_are_told():
    again = pl.concat([NOW, NOW.head(6).with_columns(entity=pl.lit("n") + pl.col("entity"))])
    shares = [numbers(twins(rows, ["city", "size", "sales"]))["twins", "", ""] for rows in (NOW, again)]
    assert shares == [0.0, pytest.approx(12 / 66)]
