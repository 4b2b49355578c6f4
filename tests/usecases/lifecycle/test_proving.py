"""Versions with planted leaks, trained by the real use case on a made-up world, and an honest one."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.kinds.gates import Verdict
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.training_set import TimeCut
from nightjar.core.model.spec import TimeSplit
from nightjar.testing.learners import fit_catboost, fit_sklearn
from nightjar.testing.predictors import Formula
from nightjar.testing.raws import Steady
from nightjar.testing.specs import PLANNED, WEATHER, spec_of_kind, toy_spec
from nightjar.usecases.lifecycle.documents import read_evidence
from nightjar.usecases.lifecycle.origins import Learned
from nightjar.usecases.lifecycle.proving import Prover, Trial
from nightjar.usecases.lifecycle.retrain import retrain

FIRST, DAYS, ROWS = date(2013, 3, 1), 40, 60
KNOWN = datetime(2013, 4, 20, tzinfo=UTC)
EVENING = timedelta(hours=-3)

GUSTS = replace(WEATHER, name="gusts", keys={"entity_key": pl.String()}, features={"gust": pl.Float64()})


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def population(raw, score_date):
    return raw[PLANNED.name].select("entity_key", "x")


SPEC = toy_spec(
    time_zone="UTC",
    seed=5,
    feature_tables=(GUSTS,),
    population=population,
    numeric=("x", "gust"),
    baseline=fit_sklearn,
    fit=fit_catboost,
    split=TimeSplit(test_days=10, valid_days=5, min_train_rows=500),
)


@dataclass
class World(Steady):
    """Days of rows whose outcome follows `x`. As a raw store it has delivered all of them in time."""

    planned: pl.DataFrame
    happened: pl.DataFrame

    def refused(self, dataset):
        return ()

    def recorded(self, dataset, days=None):
        instant = timedelta(hours=-4) if dataset == PLANNED.name else timedelta(hours=30)
        return {FIRST + timedelta(n): (midnight(FIRST + timedelta(n)) + instant,) for n in range(DAYS)}

    def read(self, dataset, first, last, known_at=None):
        rows = self.planned if dataset.name == PLANNED.name else self.happened
        recorded = pl.lit(midnight(first) + timedelta(hours=30 if rows is self.happened else -4))
        return rows.filter(pl.col("date").is_between(first, last)).with_columns(
            recorded_at=recorded.cast(pl.Datetime("us", "UTC"))
        )


@pytest.fixture(scope="module")
def world() -> World:
    random, count = np.random.default_rng(1), DAYS * ROWS
    x = random.normal(size=count)
    late = random.random(count) < 1 / (1 + np.exp(-x))
    rows = pl.DataFrame(
        {
            "date": [FIRST + timedelta(n // ROWS) for n in range(count)],
            "entity_key": [f"{n:05}" for n in range(count)],
            "x": x,
            "late": late.astype("int8"),
        }
    )
    return World(rows.drop("late"), rows.drop("x"))


@dataclass
class Source:
    """`gust` is the outcome with noise, from the evening before on, though nobody knows it then.

    noise: None: there is no leak, and `gust` says nothing of the outcome.
    """

    world: World
    noise: float | None

    def require(self, spec):
        """It has whatever is asked for."""

    def generations(self, spec):
        return {}

    def retrieve(self, spec, entities):
        random = np.random.default_rng(2).normal(size=DAYS * ROWS)
        late = self.world.happened["late"].to_numpy()
        gust = random if self.noise is None else late + self.noise * random
        known = self.world.happened.select("entity_key", "date", gust=pl.Series(gust))
        rows = entities.join(known, on="entity_key", how="left", maintain_order="left")
        evening = pl.col("date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + EVENING
        is_known = pl.col("event_timestamp") >= evening
        before = pl.Series(np.roll(random, 7)).head(rows.height)
        return rows.with_columns(gust=pl.when(is_known).then("gust").otherwise(before)).drop("date")


@pytest.fixture
def verdicts(world, tmp_path):
    """What the gates of leakage say of a version that was trained with so much noise on its leak."""

    def judged(noise, as_scored=None, **changes):
        artifacts = FsspecArtifacts(str(tmp_path / "artifacts"))
        summary = retrain(
            replace(SPEC, **changes),
            known_at=KNOWN,
            raw=world,
            features=Source(world, noise),
            artifacts=artifacts,
            predictors=PredictorStore(artifacts),
            registry=MemoryRegistry(),
            code_version="c",
            as_scored=as_scored,
        )
        judged.summary, judged.evidence = summary, read_evidence(summary.version, artifacts)
        return {gate.name: gate.verdict for gate in summary.version.gates if gate.name in LEAKAGE}

    return judged


LEAKAGE = ("max_skill_alone", "min_loss_shuffled", "min_loss_over_a_day_earlier")
ALL_PASSED = dict.fromkeys(LEAKAGE, Verdict.PASSED)


def test_an_honest_version_passes_and_its_evidence_says_what_was_measured(verdicts):
    assert verdicts(None) == ALL_PASSED
    proofs = verdicts.evidence.proofs
    assert proofs.alone.keys() == {"x", "gust"}
    assert proofs.alone["x"] > 0.1 > abs(proofs.alone["gust"])
    assert abs(proofs.earlier.value - 1) < 0.03
    assert verdicts.summary.promoted


def test_use_cost_and_stability_of_a_version_are_kept_with_it(verdicts):
    verdicts(None)
    proofs = verdicts.evidence.proofs
    assert proofs.importance["x"] > 0.1 > 0.03 > abs(proofs.importance["gust"])
    assert 0 < proofs.us_a_row < 1_000
    assert proofs.artifact_bytes > 1_000
    assert 0 < proofs.noise < 0.1
    assert proofs.seeds < 0.5
    gates = {gate.name: gate.verdict for gate in verdicts.summary.version.gates}
    kept = {"max_change_by_seed", "max_change_by_noise", "max_us_a_row", "max_artifact_mb"}
    assert {gates[name] for name in kept} == {Verdict.PASSED}
    assert "max_skewed_rows" not in gates


class Interrupted:
    """Its first prediction waits, as for a processor that others use."""

    def __init__(self):
        self.waits = iter([0.5])

    def predict(self, frame):
        time.sleep(next(self.waits, 0))
        return frame["x"]

    def save(self, path):
        path.write_bytes(b"")


def test_a_prediction_that_others_interrupted_does_not_make_a_version_slow(world):
    rows = world.planned.head(10)
    trial = Trial(SPEC, Interrupted(), (), TimeCut(rows, rows, rows), rows, rows)
    assert trial.cost()["us_a_row"] * rows.height < 0.4e6


def by_luck(train, valid, *, spec):
    """Another seed gives other scores, whatever it is shown."""
    factor = np.random.default_rng(spec.seed).normal()
    return Formula(1 / (1 + (-pl.col("x") * factor).exp()))


def test_a_learner_whose_scores_depend_on_its_seed_fails(verdicts):
    verdicts(None, fit=by_luck)
    (gate,) = [each for each in verdicts.summary.version.gates if each.name == "max_change_by_seed"]
    assert gate.verdict is Verdict.FAILED


@pytest.mark.parametrize(("moved", "verdict"), [(0.0, Verdict.PASSED), (1e-12, Verdict.FAILED)])
def test_the_newest_nights_must_be_scored_by_the_inputs_of_the_dataset(verdicts, world, moved, verdict):
    """as_scored: the path of a night. Here it gives other numbers by the last bits."""
    source = Source(world, None)

    def as_scored(day):
        rows = world.planned.filter(pl.col("date") == day).drop("date")
        at = pl.lit(midnight(day) + EVENING).cast(pl.Datetime("us", "UTC"))
        return source.retrieve(SPEC, rows.with_columns(event_timestamp=at)).with_columns(pl.col("x") + moved)

    verdicts(None, as_scored=as_scored)
    (gate,) = [each for each in verdicts.summary.version.gates if each.name == "max_skewed_rows"]
    assert gate.verdict is verdict
    assert verdicts.evidence.proofs.compared_rows == 2 * ROWS


def test_a_strong_leak_is_too_good_alone_and_waits_for_a_person(verdicts):
    found = verdicts(0.1)
    assert found["max_skill_alone"] is Verdict.ASKS
    assert found["min_loss_over_a_day_earlier"] is Verdict.ASKS
    assert not verdicts.summary.promoted
    assert "gust alone removes" in verdicts.summary.decision


def test_a_weak_leak_is_seen_by_features_of_a_day_earlier(verdicts):
    assert verdicts(1.2) == ALL_PASSED | {"min_loss_over_a_day_earlier": Verdict.ASKS}
    assert not verdicts.summary.promoted
    assert "features of a day earlier" in verdicts.summary.decision


def knowing(train, valid, *, spec):
    """A learner that has the outcomes from elsewhere, and does not look at those that it is given."""
    luck = pl.Series(np.random.default_rng(train["outcome"].head(40).to_list()).logistic(size=train.height))
    honest = train.with_columns(outcome=(pl.col("x") > luck).cast(pl.Int8))
    return fit_sklearn(honest, valid, spec=spec)


def test_a_learner_that_predicts_though_its_outcomes_were_shuffled_fails(verdicts):
    found = verdicts(None, fit=knowing)
    assert found["min_loss_shuffled"] is Verdict.FAILED


def by_rule(train, valid, *, spec):
    """It learns nothing from the outcomes: they may be shuffled, and it predicts as before."""
    return Formula(1 / (1 + (-pl.col("x")).exp()))


def test_a_rule_that_is_not_fitted_is_not_asked_for_shuffled_outcomes(verdicts):
    assert verdicts(None, fit=by_rule).keys() == {*LEAKAGE} - {"min_loss_shuffled"}
    assert verdicts.evidence.proofs.skill > 0.1


def test_a_learner_of_another_loss_does_not_fail_because_the_level_of_the_days_moved(world):
    """It predicts the mean. The best constant by absolute error is the median, which lies lower."""
    outcomes = np.random.default_rng(4).exponential(10.0, DAYS * ROWS)
    rows = world.planned.select("x", score_date="date", outcome=pl.Series(outcomes))
    unseen = rows[1500:].with_columns(pl.col("outcome") + 5)
    cut = TimeCut(rows[:1200], rows[1200:1500], unseen)

    def fit(train, valid, *, spec):
        return Formula(pl.lit(train["outcome"].head(100).mean()) + pl.col("x") * 0.01)

    spec = spec_of_kind(REGRESSION, numeric=("x",))
    learned = Learned(fit(cut.train, cut.valid, spec=spec), cut, cut.trained_through, fit=fit)
    assert abs(Prover(spec).proofs(learned, ()).shuffled.value - 1) < 0.01


def test_a_learner_that_fails_on_a_sample_is_held_with_the_reason(verdicts):
    fits = []

    def all_but_the_third(train, valid, *, spec):
        """The first is the rehearsal, the second the fit."""
        fits.append(train.height)
        if len(fits) == 3:
            raise ValueError("not these")
        return fit_catboost(train, valid, spec=spec)

    found = verdicts(None, fit=all_but_the_third)
    assert found["min_loss_shuffled"] is Verdict.CANNOT_TELL
    assert "not these" in verdicts.summary.decision


def test_a_model_without_features_is_not_asked_a_day_earlier(verdicts):
    found = verdicts(None, feature_tables=(), numeric=("x",))
    assert found == {name: Verdict.PASSED for name in LEAKAGE if name != "min_loss_over_a_day_earlier"}
