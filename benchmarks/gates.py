"""What the gates say of versions with planted faults, on the flights, and how often over draws of nights.

    python benchmarks/gates.py          # lands the year in a folder of its own; about 20 minutes
    python benchmarks/gates.py noise    # how often a bound of the paired test fails, on made-up nights

Each version is compared with the champion of the week before, on the 28 test nights of two evenings. A draw
takes 28 of these nights in blocks, as the bootstrap does, and judges all anew.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.adapters.learners.ready import CONSTANT, LINEAR
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.comparing import evidence_of
from nightjar.core.lifecycle.gates import judged_by
from nightjar.core.lifecycle.resampling import draws, quotient
from nightjar.core.lifecycle.training_set import DAY, TimeCut, cut_by_time, last_mature_date
from nightjar.core.model.spec import Fit, ModelSpec, Predictor
from nightjar.core.night.clock import evening_by_now
from nightjar.showing import console
from nightjar.testing.predictors import Formula
from nightjar.usecases.lifecycle.choosing import chosen
from nightjar.usecases.lifecycle.measuring import (
    Shown,
    estimates,
    losses_on,
    measured_on,
    shown,
    shown_beside,
)

EVENINGS = (date(2013, 9, 30), date(2013, 12, 31))
BEFORE, LONG_BEFORE = timedelta(weeks=1), timedelta(weeks=13)
RIGHT = {"strong_leak": 0.9, "weak_leak": 0.58}
"""Share of the rows in which an input tells the outcome."""
ODD_CARRIER = "UA"
SERIES = 2000


@dataclass(frozen=True, slots=True)
class Planted:
    """A version, and the champion that it is compared with."""

    name: str
    version: Shown
    champion: Shown


def cut_on(spec: ModelSpec, known: pl.DataFrame, evening: date) -> TimeCut:
    moment = evening_by_now(spec, evening)
    return cut_by_time(known.filter(pl.col(DAY) <= last_mature_date(spec, moment)), spec, moment)


def with_leaks(known: pl.DataFrame) -> pl.DataFrame:
    chance = pl.Series(np.random.default_rng(1).random(known.height))
    outcome = pl.col("outcome")
    leaks = {
        name: pl.when(chance < right).then(outcome).otherwise(1 - outcome).cast(pl.Float64)
        for name, right in RIGHT.items()
    }
    return known.with_columns(**leaks)


def planted(spec: ModelSpec, known: pl.DataFrame, evening: date) -> Iterator[Planted]:
    cut = cut_on(spec, known, evening)
    rows = cut.test
    week, quarter = (
        shown(spec.kind, fitted(spec, cut_on(spec, known, evening - ago)), (), rows)
        for ago in (BEFORE, LONG_BEFORE)
    )
    own = fitted(spec, cut)
    score = own.predict(rows)

    def given(scores: pl.Series) -> Shown:
        return shown(spec.kind, Formula(pl.lit(scores)), (), rows)

    def other(changed: ModelSpec, fit: Fit | None = None) -> Shown:
        return shown(spec.kind, fitted(changed, cut, fit), (), rows)

    poorer = replace(spec, numeric=("weekday", "distance"), often_missing=frozenset(), slices=())
    yield Planted("honest retraining", given(score), week)
    for name in RIGHT:
        yield Planted(name, other(replace(spec, numeric=(*spec.numeric, name))), week)
    yield Planted("a broken calibration", given(1 / (1 + (1 / score - 1) ** 2)), week)
    yield Planted("a worse model", other(poorer), week)
    yield Planted(f"worse on {ODD_CARRIER} alone", given(shuffled_on(rows, score)), week)
    yield Planted("another seed", other(replace(spec, seed=7)), given(score))
    yield Planted("logistic regression", other(spec, LINEAR.fit), week)
    yield Planted("a truly better one", given(score), quarter)


def fitted(spec: ModelSpec, cut: TimeCut, fit: Fit | None = None) -> Predictor:
    return (fit or spec.fit)(cut.train, cut.valid, spec=spec)


def shuffled_on(rows: pl.DataFrame, score: pl.Series) -> pl.Series:
    there = (rows["carrier"] == ODD_CARRIER).arg_true().to_numpy()
    moved = score.to_numpy().copy()
    moved[there] = np.random.default_rng(2).permutation(moved[there])
    return pl.Series(moved)


def verdicts(
    spec: ModelSpec, rows: pl.DataFrame, one: Planted, beside: Mapping[Of, Shown]
) -> tuple[GateResult, ...]:
    champion = replace(one.champion, number=1)
    all_shown = {Of.VERSION: one.version, **beside, Of.CHAMPION: champion, Of.ANCHOR: champion}
    measured = measured_on(spec.kind, rows, all_shown)
    found = estimates(spec.kind, one.version.published, rows, measured[Of.VERSION])
    return judged_by(spec, evidence_of(losses_on(spec.kind, rows, all_shown), spec.slices, found))


def outcome_of(gates: tuple[GateResult, ...]) -> str:
    """What becomes of a version, by the worst verdict of its gates."""
    found = {gate.verdict for gate in gates}
    order = (Verdict.FAILED, Verdict.ASKS, Verdict.CANNOT_TELL, Verdict.PASSED)
    return next(verdict.value for verdict in order if verdict in found)


def drawn_rows(rows: pl.DataFrame, number: int) -> tuple[list[int], pl.Series]:
    """The rows of a draw of nights, and their dates: a night that is drawn twice counts as two."""
    nights = rows.with_row_index("row").group_by(DAY).agg("row").sort(DAY)
    counts = draws(nights.height)[number].astype(int)
    taken = [night for night, count in enumerate(counts) for _ in range(count)]
    places = [nights["row"][night].to_list() for night in taken]
    first = rows[DAY].min()
    assert isinstance(first, date)
    days = [first + timedelta(days=n) for n, found in enumerate(places) for _ in found]
    return [place for found in places for place in found], pl.Series(DAY, days)


def taken(one: Shown, places: list[int]) -> Shown:
    return replace(one, published=one.published[places], fresh=one.fresh[places])


def judged_on_draw(
    spec: ModelSpec, rows: pl.DataFrame, one: Planted, beside: Mapping[Of, Shown], number: int
) -> str:
    places, days = drawn_rows(rows, number)
    same = Planted(one.name, taken(one.version, places), taken(one.champion, places))
    others = {of: taken(other, places) for of, other in beside.items()}
    return outcome_of(verdicts(spec, rows[places].with_columns(days), same, others))


def show_planted(spec: ModelSpec, known: pl.DataFrame, evening: date, times: int) -> None:
    cut = cut_on(spec, known, evening)
    beside = shown_beside(spec.kind, cut, spec.baseline(cut.train, cut.valid, spec=spec))
    for one in planted(spec, known, evening):
        gates = verdicts(spec, cut.test, one, beside)
        console.out.print(f"{evening} {one.name}: {outcome_of(gates)}")
        for gate in gates:
            if not gate.passed:
                console.out.print(f"    {gate.name}: {gate.verdict}: {gate.reason}")
        counted = Counter(judged_on_draw(spec, cut.test, one, beside, number) for number in range(times))
        told = ", ".join(f"{name} {count / times:.0%}" for name, count in counted.most_common())
        console.out.print(f"    of {times} draws of nights: {told}")


def show_learners(spec: ModelSpec, known: pl.DataFrame, evening: date) -> None:
    taken = chosen(replace(spec, simpler=(CONSTANT, LINEAR)), cut_on(spec, known, evening))
    rows, title = map(console.learner_row, taken.among), f"{evening}: {taken.learner.name} is taken"
    console.out.print(console.table(title, console.LEARNER_COLUMNS, [*rows]))


def series(nights: int, correlation: float, tails: Callable[..., np.ndarray]) -> np.ndarray:
    """Differences of nights, one series a row: with heavy tails, each like the one before to a degree."""
    new = tails(size=(SERIES, nights + 50))
    made = new.copy()
    for night in range(1, made.shape[1]):
        made[:, night] = correlation * made[:, night - 1] + np.sqrt(1 - correlation**2) * new[:, night]
    return made[:, 50:]


def show_noise() -> None:
    """How often the lower bound of a predictor that is as good lies above 1, at alpha 0.05."""
    random = np.random.default_rng(3)
    rows = []
    for nights in (12, 20, 28):
        for correlation in (0.0, 0.2):
            made = 1 + 0.1 * series(nights, correlation, lambda size: random.standard_t(5, size))
            missed = [quotient(one, np.ones(nights)).within(0.05)[0] > 1 for one in made]
            rows.append((nights, correlation, float(np.mean(missed))))
    columns = ("nights", "correlation of neighbours", "called worse")
    console.out.print(console.table(f"of {SERIES} series that are as good", columns, rows))


def known_rows(spec: ModelSpec) -> pl.DataFrame:
    with platform_of_its_own() as platform:
        platform.prepare(spec).land(evening_by_now(spec, EVENINGS[-1]))
        summary = platform.retrain(spec, EVENINGS[-1], promote=False)
        return pl.read_parquet(platform.artifacts.get(summary.dataset.uri))


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", nargs="?", choices=("planted", "noise"), default="planted")
    parser.add_argument("--evening", type=date.fromisoformat, choices=EVENINGS, help="one of the two")
    parser.add_argument("--draws", type=int, default=20, help="of nights, for each version")
    parser.add_argument("--dataset", type=Path, help="a dataset of the artifact store, not to land the year")
    asked = parser.parse_args()
    if asked.of == "noise":
        return show_noise()
    spec = models.model("flight_delay")
    known = with_leaks(pl.read_parquet(asked.dataset) if asked.dataset else known_rows(spec))
    for evening in [asked.evening] if asked.evening else EVENINGS:
        show_planted(spec, known, evening, asked.draws)
        show_learners(spec, known, evening)
    return None


if __name__ == "__main__":
    main()
