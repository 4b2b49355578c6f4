"""A kind of model that the project does not know goes all the way, from training to a measured night.

Counts of parcels a day in each shop: no classes, no upper bound, other metrics, other gates. The kind is one
value of this module; no other module and no table is touched for it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from math import inf

import numpy as np
import pandera.polars as pa
import polars as pl
import psycopg
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from db.session import make_engine
from db.stores.drift import PostgresDriftLedger
from db.stores.nights import PostgresNights
from db.stores.outcomes import PostgresOutcomes
from db.stores.profiles import PostgresInputProfiles
from db.stores.readings import PostgresReadings
from db.stores.registry import PostgresRegistry
from nightjar.adapters.contracts import check
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.store import PredictorStore
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import BadSpec
from nightjar.core.kinds import KINDS
from nightjar.core.kinds.absurdities import Absurdity, shifted
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.gates import Gate
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.losses import Loss
from nightjar.core.kinds.metrics import Metric, Of
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.gates import OVER
from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import AuditLimits, GateLimits, ModelSpec, RawDataset, TimeSplit
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night
from nightjar.showing import console
from nightjar.testing.memory import MemoryFeatureFiles
from nightjar.testing.nights import wired
from nightjar.testing.specs import TOY, toy_spec
from nightjar.usecases.lifecycle.retrain import retrain
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.monitoring.monitor import WatchNight
from nightjar.usecases.scoring.guard import NightGuard
from nightjar.usecases.scoring.inputs import NightInputs

COUNTS = Kind(
    name="counts",
    low=0,
    high=inf,
    metrics=(
        Metric(name="mae", title="MAE", better="lower", low=0),
        Metric(name="mae_skill", title="MAE skill", better="higher", high=1, skill_of="mae"),
    ),
    headline=("mae",),
    loss=Loss(metric="mae", of_row=(pl.col("score") - pl.col("outcome")).abs()),
    compare=lambda rows: {"mae": rows.select((pl.col("score") - pl.col("outcome")).abs().mean()).item()},
    constant=lambda outcomes: float(outcomes.to_numpy().mean()),
    gates=(Gate(name="max_mae", what="MAE", metric="mae", bound="at most"),),
    absurdities=(Absurdity(name="max_mean_shift", low=0, high=inf, finding=shifted),),
)
LOOSE = {"max_loss_over_baseline": 2.0, "min_loss_over_baseline": 0.1}
LEAKS = ["max_skill_alone", "min_loss_shuffled"]
STABLE_AND_CHEAP = ["max_change_by_seed", "max_change_by_noise", "max_us_a_row", "max_artifact_mb"]
FIRST_GATES = [*OVER.values(), "min_loss_over_baseline", *LEAKS, *STABLE_AND_CHEAP]
FIRST, DAYS, SHOPS = date(2013, 3, 1), 30, 40
LAST = FIRST + timedelta(days=DAYS - 1)
PLANNED = RawDataset(
    name="planned", columns={"key": pl.String(), "city": pl.String(), "staff": pl.Float64()}, keys=("key",)
)
HAPPENED = RawDataset(name="happened", columns={"key": pl.String(), "parcels": pl.Float64()}, keys=("key",))


def evening(day: date) -> datetime:
    return datetime.combine(day - timedelta(days=1), time(21), UTC)


def population(raw, score_date):
    return raw["planned"].select("key", "city", "staff", entity_key=pl.col("key"))


def outcomes(raw, score_date):
    return raw["happened"].select("recorded_at", entity_key=pl.col("key"), outcome=pl.col("parcels"))


def contract():
    texts = {name: pa.Column(pl.String) for name in ("entity_key", "city")}
    return pa.DataFrameSchema({**texts, "staff": pa.Column(pl.Float64, pa.Check.in_range(-10, 10))})


def fit_catboost(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    quiet = {"thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"}
    model = CatBoostRegressor(loss_function="Poisson", depth=4, iterations=60, random_seed=spec.seed, **quiet)
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    model.fit(rows, train["outcome"].to_numpy(), cat_features=list(spec.categorical))
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories, kind=spec.kind)


def fit_sklearn(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    encoded = make_column_transformer(
        (OneHotEncoder(sparse_output=False), [*spec.categorical]), remainder="passthrough"
    )
    pipeline = make_pipeline(encoded, PoissonRegressor())
    pipeline.fit(inputs(train, spec.categorical, spec.numeric, categories), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, kind=spec.kind)


def made_spec(**changes) -> ModelSpec:
    fields = {
        "name": "parcels",
        "time_zone": "UTC",
        "part_rows": 15,
        "seed": 5,
        "datasets": (PLANNED, HAPPENED),
        "population": population,
        "outcomes": outcomes,
        "categorical": ("city",),
        "numeric": ("staff",),
        "contract": contract,
        "baseline": fit_sklearn,
        "fit": fit_catboost,
        "split": TimeSplit(test_days=5, valid_days=3, min_train_rows=500),
        "gates": GateLimits(max_mae=20.0, max_loss_over_constant=0.9, **LOOSE),
        "audit": AuditLimits(max_quarantine_share=0.1, max_mean_shift=25.0),
        "kind": COUNTS,
    }
    return toy_spec(**fields | changes)


class NoFeatures:
    def require(self, spec):
        """Nothing is lacking."""

    def retrieve(self, spec, entities):
        return entities


def land(raw, folder, dataset, day, rows, recorded_at):
    file = folder / f"{dataset.name}-{day}.csv"
    lines = [",".join(dataset.columns), *(",".join(map(str, row)) for row in rows), f"# rows={len(rows)}"]
    file.write_text("\n".join(lines) + "\n")
    raw.land(dataset, day, file, recorded_at)


def land_all(raw, folder):
    random = np.random.default_rng(0)
    for day in (FIRST + timedelta(days=n) for n in range(DAYS)):
        keys = [f"{day}-{n:02}" for n in range(SHOPS)]
        staff, city = random.normal(size=SHOPS).round(3), random.choice(["OSLO", "ROME"], SHOPS)
        parcels = random.poisson(np.exp(2 + 0.5 * staff + (city == "ROME")))
        land(
            raw,
            folder,
            PLANNED,
            day,
            list(zip(keys, city, staff, strict=True)),
            evening(day) - timedelta(hours=1),
        )
        land(
            raw,
            folder,
            HAPPENED,
            day,
            list(zip(keys, parcels, strict=True)),
            evening(day) + timedelta(days=1, hours=12),
        )


@dataclass(frozen=True)
class World:
    inputs: NightInputs
    store: PostgresNights
    watch: WatchNight
    measure: MeasureNights
    guard: NightGuard
    url: str

    def retrain(self, known: date, **changes):
        ports = {
            name: getattr(self.inputs, name)
            for name in ("raw", "features", "artifacts", "predictors", "registry")
        }
        spec = replace(self.inputs.spec, **changes)
        return retrain(spec, known_at=evening(known), code_version="c", promote=not changes, **ports)

    def score(self, day: date):
        return wired(self.inputs, self.store, self.guard).run(
            Night(model="parcels", score_date=day, as_of=evening(day))
        )

    def ask(self, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.url) as analyst:
            return analyst.execute(query, values or None).fetchall()


@pytest.fixture
def spec(monkeypatch):
    monkeypatch.setitem(KINDS, COUNTS.name, COUNTS)
    return made_spec()


@pytest.fixture
def world(tmp_path, database, spec):
    engine, raw = make_engine(database.url("writer")), RawFiles(tmp_path / "data")
    land_all(raw, tmp_path)
    artifacts, store = FsspecArtifacts(str(tmp_path / "artifacts")), PostgresNights(engine)
    predictors, registry = PredictorStore(artifacts), PostgresRegistry(engine)
    night_inputs = NightInputs(
        spec=spec,
        raw=raw,
        features=NoFeatures(),
        artifacts=artifacts,
        predictors=predictors,
        registry=registry,
        check=check,
    )
    profiles = PostgresInputProfiles(engine)
    watch = WatchNight(
        inputs=night_inputs,
        store=store,
        profiles=profiles,
        ledger=PostgresDriftLedger(engine),
        writer=None,
    )
    measure = MeasureNights(inputs=night_inputs, store=store, outcomes=PostgresOutcomes(engine))
    guard = NightGuard(
        spec=spec, files=MemoryFeatureFiles(), profiles=profiles, readings=PostgresReadings(engine)
    )
    yield World(night_inputs, store, watch, measure, guard, database.url("analyst"))
    engine.dispose()


def test_a_model_of_another_kind_is_trained_gated_scored_published_and_measured(world):
    champion = world.retrain(LAST - timedelta(days=1))
    assert champion.promoted, champion.decision
    assert {(row.metric, row.of) for row in champion.version.metrics} == {
        *((metric, of) for metric in ("rows", "mae") for of in (Of.VERSION, Of.BASELINE, Of.CONSTANT)),
        ("mae_skill", Of.VERSION),
    }
    assert [gate.name for gate in champion.version.gates] == ["max_mae", *FIRST_GATES]
    assert console.training_columns(champion.version) == ("predictor", "MAE")
    challenger = world.retrain(LAST - timedelta(days=1), fit=fit_sklearn, baseline=fit_catboost).version
    world.inputs.registry.promote(challenger, "challenger", "beside it")

    summary = world.score(LAST)
    assert (summary.scored, summary.parts) == (SHOPS, 3)
    stored = world.store.published_scores(world.store.run(summary.run_id))
    rows = world.inputs.snapshot(world.store.run(summary.run_id))
    for version, column in ((champion.version, "score"), (challenger, "challenger_score")):
        fresh = PredictorStore(world.inputs.artifacts).load(world.inputs.spec, version).predict(rows)
        assert stored[column].to_list() == pytest.approx(fresh.to_list(), rel=1e-12)
        assert stored[column].max() > 1

    (measured,) = world.measure.outcomes_known(evening(LAST + timedelta(days=3)))
    known = world.measure.outcomes.scored("parcels", LAST)
    assert measured.metrics == {"mae": pytest.approx((known["score"] - known["outcome"]).abs().mean())}
    assert console.performance_row(world.inputs.spec, measured) == (
        str(LAST),
        SHOPS,
        SHOPS,
        measured.metrics["mae"],
    )
    assert world.measure.outcomes.measured("parcels", whole=True) == (measured,)
    beside = (known["challenger_score"] - known["outcome"]).abs().mean()
    (compared,) = world.measure.outcomes.comparisons("parcels")
    assert (compared.champion, compared.challenger) == (measured.metrics, {"mae": pytest.approx(beside)})
    assert (compared.version_id, compared.challenger_id) == (champion.version.id, challenger.id)
    assert (compared.rows, compared.with_outcome, compared.measured_at) == (
        SHOPS,
        SHOPS,
        measured.measured_at,
    )
    assert world.ask("SELECT metric, challenger, is_newest, in_sample FROM comparisons") == [
        ("mae", compared.challenger["mae"], True, False)
    ]
    seen = "SELECT avg(abs(challenger_score - outcome)), min(challenger_version) FROM scores_with_challenger"
    assert world.ask(seen) == [(pytest.approx(beside), challenger.number)]
    newest = (
        "SELECT kind, metric, value, rows, with_outcome, is_newest FROM measurements WHERE role = 'champion'"
    )
    assert world.ask(newest) == [("counts", "mae", measured.metrics["mae"], SHOPS, SHOPS, True)]
    assert world.ask("SELECT rows, with_outcome, auc FROM nightly_performance") == [(SHOPS, SHOPS, None)]


def test_a_correction_of_outcomes_restates_a_night_and_the_old_answer_stays(world, tmp_path):
    world.retrain(LAST - timedelta(days=1))
    world.score(LAST)
    known, corrected = (evening(LAST + timedelta(days=days)) for days in (3, 5))
    (before,) = world.measure.outcomes_known(known)
    rows = [(f"{LAST}-{number:02}", 50.0 + number) for number in range(SHOPS)]
    land(world.inputs.raw, tmp_path, HAPPENED, LAST, rows, evening(LAST) + timedelta(days=4))
    (after,) = world.measure.outcomes_known(corrected)
    assert after.metrics["mae"] > before.metrics["mae"] + 20
    asked = """SELECT value, measured_at, is_newest FROM measurements
        WHERE metric = 'mae' AND role = 'champion' AND measured_at <= %s
            AND coalesce(known_until > %s, true)"""
    for at, said in ((corrected - timedelta(seconds=1), before), (corrected, after)):
        assert world.ask(asked, at, at) == [(said.metrics["mae"], said.measured_at, said is after)]
    assert world.measure.outcomes_known(known) == (before,)
    assert world.measure.outcomes_known(corrected) == (after,)


def test_what_its_scores_and_outcomes_cannot_be_is_refused(world, database, tmp_path):
    version = world.retrain(LAST - timedelta(days=1)).version
    world.score(LAST)
    as_binary = replace(world.inputs.spec, kind=BINARY, gates=TOY.gates, audit=TOY.audit)
    with pytest.raises(BadSpec, match="kind is 'binary', but version 1 is 'counts'; retrain"):
        world.inputs.predictors.load(as_binary, version)
    with pytest.raises(
        BadSpec,
        match=r"gates.min_auc is no limit of the kind 'counts', which has max_mae, max_loss_over_constant",
    ):
        replace(world.inputs.spec, gates=GateLimits(min_auc=0.6))
    night = Night(model="parcels", score_date=LAST, as_of=evening(LAST))
    with (
        world.store.night(night, version, None, Request(force=True)) as claimed,
        psycopg.connect(database.url("writer")) as writer,
    ):
        columns = "score_date, run_id, part, entity_key, score"
        wanted = f"INSERT INTO nightjar.score ({columns}) VALUES (%s, %s, 0, 'a', %s)"
        for score in (-1e-9, inf, float("nan")):
            with pytest.raises(
                psycopg.errors.CheckViolation, match="version 1 gives finite scores from 0 to Infinity"
            ):
                writer.execute(wanted, [LAST, claimed.run.id, score])
            writer.rollback()
        writer.execute(wanted, [LAST, claimed.run.id, 1e9])
    land(
        world.inputs.raw, tmp_path, HAPPENED, LAST, [(f"{LAST}-00", -1.5)], evening(LAST) + timedelta(days=2)
    )
    with pytest.raises(
        ContractBroken,
        match=rf"the first is -1.5, in the row of '{LAST}-00' on {LAST}: .* is a number from 0 on",
    ):
        world.measure.outcomes_known(evening(LAST + timedelta(days=4)))


class TestRegression:
    """A model of dollars, minutes or, here, parcels: any finite number."""

    @pytest.fixture
    def spec(self):
        return made_spec(
            kind=REGRESSION,
            gates=GateLimits(min_coverage=0.7, max_loss_over_constant=0.9, **LOOSE),
            audit=AuditLimits(max_quarantine_share=0.1, min_distinct_share=0.1, max_mean_shift_sd=2.0),
        )

    def test_it_is_trained_gated_scored_published_and_measured(self, world):
        champion = world.retrain(LAST - timedelta(days=1))
        assert champion.promoted, champion.decision
        assert [gate.name for gate in champion.version.gates] == ["min_coverage", *FIRST_GATES]
        assert console.training_columns(champion.version) == ("predictor", "MAE", "RMSE", "R2")
        assert champion.version.outputs == ("low", "high")
        low, high = champion.version.calibration
        least, most = champion.version.interval("mae")
        assert least < champion.version.metric("mae") < most
        (shown,) = world.ask("SELECT metric_intervals FROM model_versions")
        assert shown[0]["mae"] == [least, most]
        assert [row[0] for row in console.training_rows(champion.version)][1:3] == [
            "this version, low of 95%",
            "this version, high of 95%",
        ]
        world.score(LAST)
        (seen,) = world.ask("SELECT score, outputs FROM scores WHERE entity_key LIKE '%-00'")
        assert seen[1] == pytest.approx({"low": seen[0] + low, "high": seen[0] + high})
        (measured,) = world.measure.outcomes_known(evening(LAST + timedelta(days=3)))
        known = world.measure.outcomes.scored("parcels", LAST)
        assert measured.metrics["mae"] == pytest.approx((known["score"] - known["outcome"]).abs().mean())
        assert world.ask("SELECT metric FROM measurements WHERE kind = 'regression' ORDER BY metric") == [
            (name,)
            for name in sorted(("mean_outcome", "mean_score", "mae", "rmse", "r2", "coverage", "width"))
        ]


BUSINESS = ("quiet", "normal", "busy")


def crowd(raw, score_date):
    """How many parcels came, in words."""
    parcels = pl.col("outcome")
    told = pl.when(parcels < 6).then(pl.lit("quiet")).when(parcels < 16).then(pl.lit("normal"))
    return outcomes(raw, score_date).with_columns(outcome=told.otherwise(pl.lit("busy")))


def fit_classifier(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    quiet = {"thread_count": 1, "allow_writing_files": False, "logging_level": "Silent"}
    model = CatBoostClassifier(
        loss_function="MultiClass", depth=3, iterations=30, random_seed=spec.seed, **quiet
    )
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    model.fit(rows, train["outcome"].to_numpy(), cat_features=list(spec.categorical))
    return CatBoostPredictor(model, spec.categorical, spec.numeric, categories, kind=spec.kind)


def fit_logistic(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    encoded = make_column_transformer(
        (OneHotEncoder(sparse_output=False), [*spec.categorical]), remainder="passthrough"
    )
    pipeline = make_pipeline(encoded, LogisticRegression())
    pipeline.fit(inputs(train, spec.categorical, spec.numeric, categories), train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, kind=spec.kind)


class TestMulticlass:
    """A model that says which of three classes a shop will be in."""

    @pytest.fixture
    def spec(self):
        return made_spec(
            kind=multiclass(*BUSINESS),
            outcomes=crowd,
            baseline=fit_logistic,
            fit=fit_classifier,
            gates=GateLimits(
                min_auc=0.6,
                max_ece=0.3,
                max_loss_over_constant=0.95,
                **LOOSE,
            ),
            audit=AuditLimits(max_quarantine_share=0.1, min_distinct_share=0.1, max_class_shift=0.5),
        )

    def test_it_is_trained_gated_scored_published_measured_and_compared(self, world, spec):
        champion = world.retrain(LAST - timedelta(days=1))
        assert champion.promoted, champion.decision
        assert (champion.version.classes, champion.version.outputs) == (BUSINESS, BUSINESS)
        assert console.training_columns(champion.version)[1:3] == ("accuracy", "mean recall")
        assert sum(row[0] for row in champion.figures.rows) == champion.test_rows
        run = world.store.run(world.score(LAST).run_id)

        fresh = PredictorStore(world.inputs.artifacts).load(spec, champion.version)
        wanted = fresh.predict(world.inputs.snapshot(run))
        outputs = world.store.published_scores(run)["outputs"].list.to_array(len(BUSINESS))
        assert outputs.to_numpy() == pytest.approx(wanted.to_numpy())
        (seen,) = world.ask("SELECT predicted_class, score, outputs FROM scores WHERE entity_key LIKE '%-00'")
        assert dict(zip(BUSINESS, wanted[0], strict=True)) == pytest.approx(seen[2])
        assert seen[2][seen[0]] == seen[1] == max(seen[2].values())
        mix = dict(world.ask("SELECT predicted_class, count(*) FROM scores GROUP BY 1"))
        assert world.store.distribution(run).classes == mix
        assert {column.column for column in world.watch.drift(run)} == {
            *spec.inputs,
            "score",
            "predicted_class",
        }

        (measured,) = world.measure.outcomes_known(evening(LAST + timedelta(days=3)))
        known = world.ask("SELECT avg((predicted_class = outcome_class)::integer) FROM scores_with_outcomes")
        assert measured.metrics["accuracy"] == pytest.approx(float(known[0][0]))
        other = replace(spec, kind=multiclass("quiet", "normal", "full"), outcomes=outcomes)
        with pytest.raises(BadSpec, match="'full', but version 1 is 'multiclass' of the classes 'quiet'"):
            world.inputs.predictors.load(other, champion.version)

    def test_a_repair_keeps_the_outputs_of_rows_that_did_not_change(self, world, tmp_path):
        champion = world.retrain(LAST - timedelta(days=1)).version
        challenger = world.retrain(LAST - timedelta(days=1), seed=7).version
        assert challenger.id != champion.id
        world.inputs.registry.promote(champion, "champion", "it was before")
        world.inputs.registry.promote(challenger, "challenger", "beside it")
        first = world.store.run(world.score(LAST).run_id)
        before = world.store.published_scores(first)
        rows = world.inputs.snapshot(first).select("key", "city", "staff").rows()
        changed = [(rows[0][0], rows[0][1], 3.0), *rows[1:]]
        land(world.inputs.raw, tmp_path, PLANNED, LAST, changed, evening(LAST) + timedelta(hours=1))
        night = Night(model="parcels", score_date=LAST, as_of=evening(LAST))
        repaired = wired(world.inputs, world.store, world.guard).run(
            night, repair=True, known_at=evening(LAST) + timedelta(hours=2)
        )
        assert repaired.carried == SHOPS - 1
        after = world.store.published_scores(world.store.run(repaired.run_id))
        kept = after.filter(pl.col("carried_from") == first.id)
        assert kept["outputs"].to_list() == before["outputs"][1:].to_list()
        assert before["challenger_outputs"].list.max().to_list() == before["challenger_score"].to_list()
        assert before["challenger_outputs"].to_list() != before["outputs"].to_list()
        assert kept["challenger_outputs"].to_list() == before["challenger_outputs"][1:].to_list()
        assert after["outputs"][0].to_list() != before["outputs"][0].to_list()
        world.measure.outcomes_known(evening(LAST + timedelta(days=3)))
        (compared,) = world.measure.outcomes.comparisons("parcels")
        assert compared.rows == compared.with_outcome == SHOPS
        assert compared.challenger["brier"] != compared.champion["brier"]
        beside = "challenger_score, challenger_class, challenger_outputs"
        (seen,) = world.ask(f"SELECT {beside} FROM scores_with_challenger WHERE entity_key LIKE '%-00'")
        assert seen[2][seen[1]] == seen[0] == max(seen[2].values())
