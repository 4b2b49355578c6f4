"""What the gates say of versions with planted faults, on the flights, and how often over draws of nights.

    python benchmarks/gates.py           # lands the year in a folder of its own; about half an hour
    python benchmarks/gates.py leaks     # how small a leak may be and still be found
    python benchmarks/gates.py noise     # how often a bound of the paired test fails, on made-up nights

Each version is fitted on every fourth row and compared with a champion on the 28 test nights of several
evenings. A draw takes 28 of these nights in blocks, as the bootstrap does, and judges all anew but the
version's own AUC and calibration. Limits were set on the evenings up to September.
"""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from own_home import platform_of_its_own

import models
from nightjar.adapters.learners.ready import LINEAR
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.comparing import evidence_of
from nightjar.core.lifecycle.gates import judged_by
from nightjar.core.lifecycle.leakage import skills_alone, surest_bin
from nightjar.core.lifecycle.resampling import draws, quotient
from nightjar.core.lifecycle.training_set import DAY, TimeCut, cut_by_time, last_mature_date
from nightjar.core.model.spec import Fit, ModelSpec
from nightjar.core.night.clock import evening_by_now
from nightjar.showing import console
from nightjar.usecases.lifecycle.measuring import Always, Shown, estimates, losses_on

CHOSEN = (date(2013, 9, 29), date(2013, 9, 1), date(2013, 8, 4), date(2013, 7, 7))
UNSEEN = (date(2013, 12, 29), date(2013, 11, 3))
EVERY = 4
"""Of the rows that fit a version. Fewer rows make versions differ more by chance, so gates look worse."""
WEEK, QUARTER = timedelta(weeks=1), timedelta(weeks=12)
SERIES = 2000
POORER = ("weekday", "distance")
"""The numbers that a worse model knows."""
Scores = np.ndarray
VERDICTS = (Verdict.PASSED, Verdict.CANNOT_TELL, Verdict.ASKS, Verdict.FAILED)


def right(share: float, chance: pl.Series) -> pl.Expr:
    """An input that tells the outcome, right in a share of the rows."""
    outcome = pl.col("outcome").cast(pl.Float64)
    return pl.when(chance < share).then(outcome).otherwise(1 - outcome)


def told_in(share: float, chance: pl.Series) -> pl.Expr:
    """An input that tells the outcome in a share of the rows, and is missing in the others."""
    return pl.when(chance < share).then(pl.col("outcome").cast(pl.Float64))


def with_leaks(known: pl.DataFrame) -> pl.DataFrame:
    chance = pl.Series(np.random.default_rng(1).random(known.height))
    return known.with_columns(
        strong=right(0.9, chance),
        r62=right(0.62, chance),
        r58=right(0.58, chance),
        s05=told_in(0.05, chance),
        s15=told_in(0.15, chance),
    )


LEAKS = {
    "strong": "a strong leak: tells the outcome in 90% of the rows",
    "r62": "a leak that is right in 62% of the rows",
    "r58": "a leak that is right in 58% of the rows",
    "s15": "a leak that tells 15% of the outcomes",
    "s05": "a leak that tells 5% of the outcomes",
}


@dataclass
class Evening:
    """The versions that are trained on an evening, and what they give for its test nights.

    cache: a folder that keeps it.
    """

    spec: ModelSpec
    known: pl.DataFrame
    day: date
    cache: Path | None = None
    given: dict[str, Scores] = field(default_factory=dict)

    def cut(self, ago: timedelta = timedelta()) -> TimeCut:
        moment = evening_by_now(self.spec, self.day - ago)
        known = self.known.filter(pl.col(DAY) <= last_mature_date(self.spec, moment))
        return cut_by_time(known, self.spec, moment)

    @property
    def rows(self) -> pl.DataFrame:
        return self.cut().test

    def by(self, name: str) -> Scores:
        """What a version gives for the test nights."""
        if name not in self.given:
            self.given[name] = self._read(name)
        return self.given[name]

    def _read(self, name: str) -> Scores:
        file = self.cache and self.cache / f"{self.day}-{name}.parquet"
        if file and file.exists():
            return pl.read_parquet(file)["score"].to_numpy()
        scores = self._fitted(name)
        if file:
            scores.to_frame().write_parquet(file)
        return scores.to_numpy()

    def _fitted(self, name: str) -> pl.Series:
        spec, cut = self.spec, self.cut()
        poorer = replace(spec, numeric=POORER, often_missing=frozenset(), slices=(), explain=None)
        made: Mapping[str, Callable[[], pl.Series]] = {
            "own": lambda: self._by(spec, cut),
            "week": lambda: self._by(spec, self.cut(WEEK)),
            "quarter": lambda: self._by(spec, self.cut(QUARTER)),
            "seed": lambda: self._by(replace(spec, seed=7), cut),
            "logistic": lambda: self._by(spec, cut, LINEAR.fit),
            "baseline": lambda: self._by(spec, cut, spec.baseline),
            "poorer": lambda: self._by(poorer, cut),
            "constant": lambda: Always(spec.kind, cut.seen["outcome"]).predict(cut.test),
        }
        leaking = replace(spec, numeric=(*spec.numeric, name))
        return (made.get(name) or (lambda: self._by(leaking, cut)))().rename("score")

    def _by(self, spec: ModelSpec, cut: TimeCut, fit: Fit | None = None) -> pl.Series:
        return (fit or spec.fit)(cut.train.gather_every(EVERY), cut.valid, spec=spec).predict(self.rows)


@dataclass(frozen=True, slots=True)
class Planted:
    """A version and the champion beside it. wanted: the verdicts that are right."""

    name: str
    version: Scores
    champion: Scores
    wanted: tuple[Verdict, ...] = (Verdict.FAILED,)


def log_odds(score: Scores) -> Scores:
    return np.log(score / (1 - score))


def probability(odds: Scores) -> Scores:
    return 1 / (1 + np.exp(-odds))


def only_on(rows: pl.DataFrame, carrier: str, change: Callable[[Scores], Scores], score: Scores) -> Scores:
    there, moved = (rows["carrier"] == carrier).arg_true().to_numpy(), score.copy()
    moved[there] = change(moved[there])
    return moved


def planted(at: Evening, leaks: bool) -> Iterator[Planted]:
    own, week, rows, good = at.by("own"), at.by("week"), at.rows, (Verdict.PASSED,)
    odds, mean = log_odds(own), log_odds(own).mean()
    shuffle = np.random.default_rng(2).permutation
    yield Planted("an honest retraining, a week later", own, week, good)
    yield Planted("another seed", at.by("seed"), own, good)
    yield Planted("a better one, beside a poorer champion", own, at.by("poorer"), good)
    yield Planted("a worse one, of poorer inputs", at.by("poorer"), own)
    yield Planted("half way to that worse one", (own + at.by("poorer")) / 2, own)
    yield Planted("scores 1.3 times too high", np.minimum(own * 1.3, 1), own)
    yield Planted("scores 1.15 times too high", np.minimum(own * 1.15, 1), own)
    yield Planted("log odds doubled about their mean", probability(mean + 2 * (odds - mean)), own)
    yield Planted("log odds halved about their mean", probability(mean + (odds - mean) / 2), own)
    yield Planted("square of the score", own**2, own)
    for carrier in ("UA", "9E", "WN", "VX"):
        yield Planted(f"{carrier} alone shuffled", only_on(rows, carrier, shuffle, own), week)
    yield Planted("UA alone: their mean", only_on(rows, "UA", lambda one: one * 0 + one.mean(), own), week)
    if leaks:
        yield Planted("a quarter of a year newer", own, at.by("quarter"), good)
        yield Planted("logistic regression", at.by("logistic"), own)
        for name, told in LEAKS.items():
            yield Planted(told, at.by(name), week, (Verdict.ASKS, Verdict.FAILED))


def shown(scores: Scores, number: int | None = None) -> Shown:
    published = pl.DataFrame({"score": scores}).with_columns(outputs=pl.lit(None, pl.List(pl.Float64())))
    return Shown(published=published, fresh=pl.repeat(value=True, n=scores.size, eager=True), number=number)


def gates_of(
    spec: ModelSpec, rows: pl.DataFrame, given: Mapping[Of, Scores], found: Mapping
) -> tuple[GateResult, ...]:
    """found: the version's own metrics; none: they are not judged."""
    numbers = {Of.CHAMPION: 1, Of.ANCHOR: 1}
    all_shown = {of: shown(scores, numbers.get(of)) for of, scores in given.items()}
    gates = judged_by(spec, evidence_of(losses_on(spec.kind, rows, all_shown), spec.slices, found))
    own = {gate.name for gate in spec.kind.gates}
    return gates if found else tuple(gate for gate in gates if gate.name not in own)


def own_metrics(spec: ModelSpec, rows: pl.DataFrame, scores: Scores) -> Mapping:
    published = shown(scores).published
    return estimates(spec.kind, published, rows, spec.kind.measure(published["score"], rows["outcome"]))


def worst(gates: Sequence[GateResult]) -> Verdict:
    """What becomes of a version."""
    found = {gate.verdict for gate in gates}
    return next(verdict for verdict in reversed(VERDICTS) if verdict in found)


def drawn_rows(rows: pl.DataFrame, number: int) -> tuple[np.ndarray, pl.Series]:
    """The rows of a draw of nights, and their dates: a night that is drawn twice counts as two."""
    nights = rows.with_row_index("row").group_by(DAY).agg("row").sort(DAY)
    counts = draws(nights.height)[number].astype(int)
    taken = [night for night, count in enumerate(counts) for _ in range(count)]
    places = [nights["row"][night].to_numpy() for night in taken]
    first = rows[DAY].min()
    assert isinstance(first, date)
    days = [first + timedelta(days=n) for n, found in enumerate(places) for _ in range(found.size)]
    return np.concatenate(places), pl.Series(DAY, days)


@dataclass
class Tally:
    """Of one planted version: how often each verdict, and how often each gate did not pass."""

    wanted: tuple[Verdict, ...]
    as_it_was: list[Verdict] = field(default_factory=list)
    drawn: Counter = field(default_factory=Counter)
    gates: Counter = field(default_factory=Counter)

    def row(self, name: str) -> tuple[object, ...]:
        times = max(self.drawn.total(), 1)
        rates = [f"{self.drawn[verdict] / times:.0%}" for verdict in VERDICTS]
        stopped = ", ".join(f"{gate} {n / times:.0%}" for gate, n in self.gates.most_common(3))
        once = sum(verdict in self.wanted for verdict in self.as_it_was)
        return name, f"{once} of {len(self.as_it_was)}", *rates, stopped


def tally(at: Evening, leaks: bool, times: int, found: dict[str, Tally]) -> None:
    spec, rows = at.spec, at.rows
    for one in planted(at, leaks):
        given = {
            Of.VERSION: one.version,
            Of.BASELINE: at.by("baseline"),
            Of.CONSTANT: at.by("constant"),
            Of.CHAMPION: one.champion,
            Of.ANCHOR: one.champion,
        }
        kept = found.setdefault(one.name, Tally(one.wanted))
        gates = gates_of(spec, rows, given, own_metrics(spec, rows, one.version))
        kept.as_it_was.append(worst(gates))
        console.out.print(f"{at.day} {one.name}: {worst(gates)}")
        for gate in gates:
            if not gate.passed:
                console.out.print(f"    {gate.name}: {gate.verdict}: {gate.reason}")
        for number in range(times):
            places, days = drawn_rows(rows, number)
            drawn = {of: scores[places] for of, scores in given.items()}
            again = gates_of(spec, rows[places].with_columns(days), drawn, {})
            kept.drawn[worst(again)] += 1
            kept.gates.update(gate.name for gate in again if not gate.passed)


def show_planted(evenings: Sequence[Evening], times: int) -> None:
    found: dict[str, Tally] = {}
    for at in evenings:
        tally(at, at.day in (CHOSEN[0], UNSEEN[0]), times, found)
    columns = ("planted", "right as it was", *map(str, VERDICTS), "gates that did not pass")
    days = ", ".join(str(at.day) for at in evenings)
    title = f"{times} draws of the nights of each evening: {days}"
    console.out.print(console.table(title, columns, [one.row(name) for name, one in found.items()]))


def show_leaks(at: Evening) -> None:
    """What one input alone shows, by the share of the rows in which it tells the outcome."""
    cut, spec = at.cut(), at.spec
    train, unseen = cut.train.sample(20_000, seed=1), cut.test.sample(10_000, seed=1)
    honest = skills_alone(spec.kind, train, unseen, spec.categorical, spec.numeric)
    surest = surest_bin(spec.kind, train, unseen, spec.categorical, spec.numeric)
    told = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    sure = (0.55, 0.6, 0.7, 0.8, 0.9, 0.98, 0.995)
    rows = [
        ("the best honest input", max(honest.values()), surest and surest.loss),
        *((f"told in {one:.1%} of the rows", *_alone(spec, train, unseen, told_in, one)) for one in told),
        *((f"right in {one:.1%} of the rows", *_alone(spec, train, unseen, right, one)) for one in sure),
    ]
    columns = ("input", "loss that it removes alone", "loss left in its surest bin")
    console.out.print(console.table(str(at.day), columns, rows))


def _alone(
    spec: ModelSpec, train: pl.DataFrame, unseen: pl.DataFrame, leak: Callable, share: float
) -> tuple[float, float | None]:
    random = np.random.default_rng(3)
    both = [
        rows.with_columns(leak=leak(share, pl.Series(random.random(rows.height)))) for rows in (train, unseen)
    ]
    asked = (spec.kind, *both, (), ("leak",))
    surest = surest_bin(*asked)
    return skills_alone(*asked)["leak"], surest and surest.loss


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
        platform.prepare(spec).land(evening_by_now(spec, UNSEEN[-1]))
        summary = platform.retrain(spec, UNSEEN[-1], promote=False)
        return pl.read_parquet(platform.artifacts.get(summary.dataset.uri))


def main() -> None:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("of", nargs="?", choices=("planted", "leaks", "noise"), default="planted")
    parser.add_argument(
        "--evening", type=date.fromisoformat, choices=(*CHOSEN, *UNSEEN), help="only this one"
    )
    parser.add_argument("--draws", type=int, default=50, help="of nights, for each version and evening")
    parser.add_argument("--cache", type=Path, help="a folder to keep what versions give")
    parser.add_argument("--dataset", type=Path, help="a dataset of the artifact store, not to land the year")
    asked = parser.parse_args()
    if asked.of == "noise":
        return show_noise()
    spec = models.model("flight_delay")
    known = with_leaks(pl.read_parquet(asked.dataset) if asked.dataset else known_rows(spec))
    if asked.of == "leaks":
        return show_leaks(Evening(spec, known, CHOSEN[0], asked.cache))
    for days in [(asked.evening,)] if asked.evening else (CHOSEN, UNSEEN):
        show_planted([Evening(spec, known, day, asked.cache) for day in days], asked.draws)
    return None


if __name__ == "__main__":
    main()
