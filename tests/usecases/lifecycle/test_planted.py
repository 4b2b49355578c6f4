"""Versions with planted faults go through a real retraining: each is stopped, held or promoted.

The data are made up and the probability of the outcome is known, so each fault is an exact change of it. A
champion reigns already.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.kinds.gates import Verdict
from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import GateLimits, TimeSplit
from nightjar.testing.predictors import Formula
from nightjar.testing.raws import Steady
from nightjar.testing.specs import HAPPENED, PLANNED, toy_spec
from nightjar.usecases.lifecycle.retrain import retrain

FIRST, DAYS, ROWS = date(2013, 3, 1), 90, 400
KNOWN = datetime.combine(FIRST + timedelta(days=DAYS + 2), time(), UTC)
CARRIERS = ("AA", "UA", "DL", "B6")
"""Each has fewer rows than the one before; B6 has 8%."""
LOG_ODDS = pl.col("x") + pl.col("y") / 2 - 1.4


def probability(log_odds):
    return 1 / (1 + (-log_odds).exp())


def odds(share):
    """The log odds of a probability."""
    return (share / (1 - share).clip(lower_bound=1e-3)).log()


def world():
    """Rows whose outcome follows LOG_ODDS and the weather of the day, which nobody knows before."""
    random, rows = np.random.default_rng(8), DAYS * ROWS
    made = pl.DataFrame(
        {
            "date": np.repeat([FIRST + timedelta(days=n) for n in range(DAYS)], ROWS).tolist(),
            "entity_key": [f"row-{n:06}" for n in range(rows)],
            "x": random.normal(size=rows),
            "y": random.normal(size=rows),
            "carrier": random.choice(CARRIERS, rows, p=(0.45, 0.3, 0.17, 0.08)),
            "weather": np.repeat(random.normal(0, 0.3, DAYS), ROWS),
            "chance": random.random(rows),
            "other": random.random(rows),
        }
    )
    late = (pl.col("chance") < probability(LOG_ODDS + pl.col("weather"))).cast(pl.Int8)
    return made.with_columns(late=late).with_columns(told=leak(0.9), hinted=leak(0.56))


def leak(right):
    """An input that tells the outcome, right in this share of the rows."""
    return (
        pl.when(pl.col("other") < right).then(pl.col("late")).otherwise(1 - pl.col("late")).cast(pl.Float64)
    )


INPUTS = ("x", "y", "told", "hinted")
WORLD = world()


class Days(Steady):
    """The raw data of the world: each day was known on the evening before, and what happened a day later."""

    def recorded(self, dataset):
        """When the file of each day was recorded."""
        late = timedelta(days=1 if dataset == HAPPENED.name else -1)
        days = WORLD["date"].unique().sort()
        return {day: (datetime.combine(day, time(20), UTC) + late,) for day in days}

    def read(self, dataset, first, last, known_at):
        """The rows of some days."""
        rows = WORLD.filter(pl.col("date").is_between(first, last))
        late = pl.duration(days=1 if dataset.name == HAPPENED.name else -1)
        at = (pl.col("date").cast(pl.Datetime("us", "UTC")) + pl.duration(hours=20) + late).alias(
            "recorded_at"
        )
        return rows.with_columns(at)

    def refused(self, dataset):
        """Nothing is set aside."""
        return ()


class Known:
    """The inputs come with the population."""

    def require(self, spec):
        """Nothing is lacking."""

    def retrieve(self, spec, rows):
        return rows


class Kept:
    """Artifacts and predictors, by number."""

    def __init__(self, folder):
        self.folder, self.predictors = folder, {}

    def put(self, kind, file):
        kept = self.folder / f"{len([*self.folder.iterdir()])}-{file.name}"
        kept.write_bytes(file.read_bytes())
        return str(kept), "a" * 64

    def get(self, uri, sha256=None):
        return uri if sha256 is None else self.folder / uri

    def save(self, predictor):
        name = f"{len(self.predictors):064}"
        self.predictors[name] = predictor
        return name, name

    def load(self, spec, version):
        return self.predictors[version.artifact_uri]


def always(score):
    """A fit that gives a formula, whatever it is shown."""
    return lambda train, valid, *, spec: Formula(probability(score))


KNOWN_IN_PART = pl.col("x") - 1.35
"""All but `y`: what the first champion knows."""
SPEC = toy_spec(
    time_zone="UTC",
    horizon_days=0,
    as_of_time=time(),
    population=lambda raw, day: raw[PLANNED.name],
    categorical=("carrier",),
    numeric=INPUTS,
    baseline=always(pl.col("x") * 0.8 - 1.35),
    fit=always(KNOWN_IN_PART),
    split=TimeSplit(test_days=28, valid_days=14, min_train_rows=100),
    gates=GateLimits(min_auc=0.6, max_ece=0.12),
    slices=(Slice(name="carrier", by="carrier"),),
)


def ports_of(kept, registry):
    return {
        "raw": Days(),
        "features": Known(),
        "artifacts": kept,
        "predictors": kept,
        "registry": registry,
        "code_version": "c",
        "known_at": KNOWN,
    }


def trained(ports, score, **changes):
    return retrain(replace(SPEC, fit=always(score), **changes), **ports)


@pytest.fixture
def retrained(tmp_path):
    return partial(trained, ports_of(Kept(tmp_path), MemoryRegistry()))


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Artifacts and registry after the first champion, which knows the truth. Most tests begin with them."""
    kept, registry = Kept(tmp_path_factory.mktemp("first")), MemoryRegistry()
    summary = trained(ports_of(kept, registry), LOG_ODDS)
    assert summary.promoted, summary.decision
    return kept, registry


@pytest.fixture
def next_one(first, tmp_path):
    """Retrains beside that champion, and leaves `first` as it was."""
    (then, reigning), kept, registry = first, Kept(tmp_path), MemoryRegistry()
    kept.predictors |= then.predictors
    vars(registry).update({name: [*rows] for name, rows in vars(reigning).items() if isinstance(rows, list)})
    return partial(trained, ports_of(kept, registry))


@pytest.fixture
def beside(next_one):
    """Registers a version beside the first champion, and gives the gates that it did not pass."""
    return partial(judged, next_one)


def judged(retrained, score):
    summary = retrained(score)
    stopped = {gate.name: gate.verdict for gate in summary.version.gates if not gate.passed}
    assert summary.promoted == (not stopped)
    return stopped


def only_on(carrier, score, otherwise=LOG_ODDS):
    return pl.when(pl.col("carrier") == carrier).then(score).otherwise(otherwise)


def test_a_strong_leak_asks_a_person(beside):
    assert beside((pl.col("told") - 0.5) * 5)["min_loss_over_rivals"] is Verdict.ASKS


def test_a_strong_leak_of_a_first_version_asks_a_person(retrained):
    summary = retrained((pl.col("told") - 0.5) * 5)
    assert not summary.promoted
    assert "too good to be true" in summary.decision


def test_a_broken_calibration_fails(beside):
    assert beside(LOG_ODDS * 2.5)["max_loss_over_champion"] is Verdict.FAILED


def test_a_moved_level_fails(beside):
    stopped = beside(LOG_ODDS + 1)
    assert stopped["max_loss_by_level"] is Verdict.FAILED
    assert stopped["max_ece"] in (Verdict.FAILED, Verdict.CANNOT_TELL)


@pytest.mark.parametrize("factor", [2.0, 0.5])
def test_scores_that_are_too_extreme_or_too_timid_fail_though_their_order_is_right(beside, factor):
    assert Verdict.FAILED in beside(LOG_ODDS * factor + (factor - 1) * 1.2).values()


def test_scores_that_are_too_high_by_a_factor_fail_by_their_level(beside):
    stopped = beside(odds(probability(LOG_ODDS) * 1.4).clip(upper_bound=6.0))
    assert stopped["max_loss_by_level"] is Verdict.FAILED


def test_a_square_of_the_score_fails_though_its_order_is_right(beside):
    assert Verdict.FAILED in beside(odds(probability(LOG_ODDS) ** 2)).values()


def test_a_worse_version_fails(beside):
    assert beside(KNOWN_IN_PART * 0.3 - 0.9)["max_loss_over_champion"] is Verdict.FAILED


def test_a_version_that_is_worse_on_one_carrier_alone_fails_by_its_slice(beside):
    stopped = beside(only_on("B6", LOG_ODDS * 0.2 - 0.9))
    assert stopped == {"max_loss_in_slices": Verdict.FAILED}


@pytest.mark.parametrize("carrier", CARRIERS)
def test_a_version_that_mixes_up_the_rows_of_one_carrier_fails_and_the_carrier_is_named(carrier, next_one):
    """Its scores there have the right mean and spread, and say nothing."""
    summary = next_one(only_on(carrier, (pl.col("x") * 40).sin() - 1.4))
    (gate,) = [each for each in summary.version.gates if each.name == "max_loss_in_slices"]
    assert gate.verdict is Verdict.FAILED
    assert f"slices: carrier {carrier} " in gate.reason


def test_an_equal_version_is_promoted(beside):
    assert beside(LOG_ODDS + (pl.col("y") * 50).sin() * 0.05) == {}


def test_a_better_version_is_promoted(retrained):
    assert retrained(KNOWN_IN_PART).promoted
    assert judged(retrained, LOG_ODDS) == {}


def test_quality_cannot_slide_in_small_steps(retrained):
    """Each step loses too little for the comparison with the champion, and the first one stays the anchor."""
    steps = (retrained(LOG_ODDS * (1 - loss)) for loss in (0, 0.15, 0.23, 0.29, 0.34, 0.39, 0.44))
    stopped = next(step for step in steps if not step.promoted)
    failed = {gate.name: gate.beside for gate in stopped.version.gates if not gate.passed}
    assert failed == {"max_loss_by_level": 1}


def test_a_weak_hint_of_the_outcome_that_is_no_jump_passes_these_gates(beside):
    """Only tests of single inputs find it: a loss that is a little smaller is what a better model has."""
    assert "min_loss_over_rivals" not in beside(LOG_ODDS + (pl.col("hinted") - 0.5) * 0.4)
