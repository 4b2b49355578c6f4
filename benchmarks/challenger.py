"""How often the test of a challenger is wrong on real nights, and how long it takes to find a gain.

    uv run python benchmarks/challenger.py                          # trains on the recorded year: minutes
    uv run python benchmarks/challenger.py --keep nights.parquet    # and keeps the nights' differences
    uv run python benchmarks/challenger.py --nights nights.parquet  # only the simulation, on kept differences

Pairs of versions are fitted on the flights up to June and score the nights from July to December. The
differences of their losses are the real nights. Two versions of which neither is better are simulated in two
ways: each night's sign is drawn by a coin, and blocks of seven nights are drawn from the differences minus
their mean.
"""

import argparse
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.core.lifecycle.sequential import Numbers, e_values
from nightjar.core.model.spec import ModelSpec, Predictor
from nightjar.core.night.clock import evening_by_now
from nightjar.showing import console
from nightjar.usecases.lifecycle.measuring import published_by
from nightjar.wiring.platform import Platform

DECEMBER = date(2013, 12, 31)
MARCH_ENDS, JUNE_ENDS = date(2013, 3, 31), date(2013, 6, 30)
SERIES, ALPHA, BLOCK = 1_000, 0.05, 7
GAINS = (0.0025, 0.005)
"""True gains in Brier score."""
FIRST_LOOK, NORMAL = 10, 1.645
"""A person with a t-test begins to look after ten nights, and takes the one-sided quantile of the normal."""


def by_e_value(nights: Numbers) -> np.ndarray:
    """Each night on which the challenger would be promoted."""
    return e_values(nights) >= 1 / ALPHA


def by_t_test(nights: Numbers) -> np.ndarray:
    """The same by a t-test that is looked at every night."""
    count = np.arange(1, nights.size + 1)
    mean = np.cumsum(nights) / count
    variance = np.maximum(np.cumsum(nights**2) - count * mean**2, 1e-18) / np.maximum(count - 1, 1)
    return (count >= FIRST_LOOK) & (mean > NORMAL * np.sqrt(variance / count))


TESTS: Mapping[str, Callable[[Numbers], np.ndarray]] = {"e-value": by_e_value, "t-test": by_t_test}


def by_coin(nights: Numbers, rng: np.random.Generator) -> Numbers:
    return rng.permutation(nights) * rng.choice([-1.0, 1.0], nights.size)


def in_blocks(nights: Numbers, rng: np.random.Generator, gain: float = 0.0) -> Numbers:
    # Around the end to the beginning, so that each night is drawn equally often and the mean is exactly 0.
    starts = rng.integers(0, nights.size, nights.size // BLOCK + 1)
    places = (starts[:, None] + np.arange(BLOCK)) % nights.size
    drawn = (nights - nights.mean())[places].ravel()
    return drawn[: nights.size] + gain


def rate(draw: Callable[[], Numbers], test: Callable[[Numbers], np.ndarray]) -> float:
    """The share of series in which any night promotes."""
    return float(np.mean([test(draw()).any() for _ in range(SERIES)]))


def nights_until(draw: Callable[[], Numbers], test: Callable[[Numbers], np.ndarray]) -> str:
    found = [test(draw()) for _ in range(SERIES)]
    first = [float(np.argmax(each)) + 1 if each.any() else np.inf for each in found]
    median = np.median(first)
    told = f"{median:.0f}" if np.isfinite(median) else f"more than {found[0].size}"
    return f"{told} ({np.mean(np.isfinite(first)):.0%} found)"


def simulate(nights: pl.DataFrame) -> None:
    """nights: `score_date`, and for each pair the differences, above 0 where the challenger was better."""
    rng = np.random.default_rng(20131231)
    errors, delays = list[tuple[object, ...]](), list[tuple[object, ...]]()
    for pair in nights.columns[1:]:
        real = nights[pair].to_numpy()
        lag = float(np.corrcoef(real[:-1], real[1:])[0, 1])
        console.out.print(
            f"{pair}: {real.size} nights, mean {real.mean():.5f}, sd {real.std():.5f}, lag 1 {lag:.2f}"
        )
        for name, test in TESTS.items():
            coin = rate(lambda real=real: by_coin(real, rng), test)
            blocks = rate(lambda real=real: in_blocks(real, rng), test)
            errors.append((pair, name, ALPHA, coin, blocks))
        for gain in GAINS:
            waited = nights_until(lambda real=real, gain=gain: in_blocks(real, rng, gain), by_e_value)
            delays.append((pair, gain, waited))
    columns = ("pair", "test every night", "alpha", "signs by coin", f"blocks of {BLOCK}")
    console.out.print(console.table(f"false promotions in {SERIES} series", columns, errors))
    console.out.print(
        console.table("nights until a true gain is found", ("pair", "gain", "median nights"), delays)
    )


def differences(platform: Platform, spec: ModelSpec) -> pl.DataFrame:
    """The real nights of July to December, a column a pair."""
    platform.prepare(spec).land(evening_by_now(spec, DECEMBER))
    known = pl.read_parquet(platform.artifacts.get(platform.retrain(spec, DECEMBER).dataset.uri))
    seen, unseen = (
        known.filter(pl.col("score_date") <= JUNE_ENDS),
        known.filter(pl.col("score_date") > JUNE_ENDS),
    )
    one, other = seen.filter(pl.int_range(pl.len()) % 2 == 0), seen.filter(pl.int_range(pl.len()) % 2 == 1)
    early = seen.filter(pl.col("score_date") <= MARCH_ENDS)
    champion = losses(spec, fitted(spec, one), unseen)
    rivals = {
        "other rows of the same months": fitted(spec, other),
        "data up to March": fitted(spec, early),
        "baseline": spec.baseline(*parts(other), spec=spec),
    }
    nights = unseen.select("score_date").with_columns(
        (champion - losses(spec, rival, unseen)).alias(name) for name, rival in rivals.items()
    )
    return nights.group_by("score_date").agg(pl.all().mean()).sort("score_date")


def parts(rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows that train, and the last eighth of them by date, which choose."""
    cut = rows.height * 7 // 8
    return rows[:cut], rows[cut:]


def fitted(spec: ModelSpec, rows: pl.DataFrame) -> Predictor:
    return spec.fit(*parts(rows), spec=spec)


def losses(spec: ModelSpec, predictor: Predictor, rows: pl.DataFrame) -> pl.Series:
    return spec.kind.losses(published_by(spec.kind, predictor, (), rows), rows["outcome"])


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--nights", type=Path, help="differences that were kept")
    parser.add_argument("--keep", type=Path, help="where to keep the differences")
    told = parser.parse_args()
    if told.nights is not None:
        simulate(pl.read_parquet(told.nights))
        return
    with platform_of_its_own() as platform:
        nights = differences(platform, models.model("flight_delay"))
    if told.keep is not None:
        nights.write_parquet(told.keep)
    simulate(nights)


if __name__ == "__main__":
    main()
