"""Retraining end to end on a small made-up world: real files, real artifacts, real models."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from catboost import CatBoostClassifier

from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.catboost import CatBoostPredictor
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.content import content_sha256
from nightjar.core.errors.inputs import ContractBroken, MissingFeatures
from nightjar.core.errors.model import (
    CodeFailed,
    NothingMatches,
    PredictsOtherwise,
    SeenAlready,
    TooLittleHistory,
    UnfitModel,
)
from nightjar.core.errors.night import Stopped
from nightjar.core.kinds.metrics import Of
from nightjar.core.model.categories import Categories
from nightjar.core.model.description import Description
from nightjar.core.model.entities import Candidate
from nightjar.core.model.record import Surroundings, UsedRows
from nightjar.core.model.slices import Slice
from nightjar.core.model.spec import RawDataset, TimeSplit
from nightjar.core.ports.progress import asking, silent
from nightjar.testing.memory import MemoryGoOn
from nightjar.testing.specs import toy_spec
from nightjar.usecases.lifecycle.documents import store_rows
from nightjar.usecases.lifecycle.origins import read_elsewhere
from nightjar.usecases.lifecycle.retrain import retrain
from nightjar.usecases.scoring.golden import Scorer

CHAMPION = "max_loss_over_champion"
FIRST, DAYS, ROWS = date(2013, 3, 1), 40, 30
PLANNED = RawDataset(
    name="planned", columns={"key": pl.String(), "city": pl.String(), "wind": pl.Float64()}, keys=("key",)
)
HAPPENED = RawDataset(name="happened", columns={"key": pl.String(), "late": pl.Int8()}, keys=("key",))


def population(raw, score_date):
    return raw["planned"].select("key", "city", "wind", entity_key=pl.col("key"))


def outcomes(raw, score_date):
    return raw["happened"].select("recorded_at", entity_key=pl.col("key"), outcome=pl.col("late"))


def catboost_with(depth, iterations):
    def fit(train, valid, *, spec):
        categories = Categories.of(train, spec.categorical)
        rows = inputs(train, spec.categorical, spec.numeric, categories)
        model = CatBoostClassifier(
            depth=depth,
            iterations=iterations,
            random_seed=spec.seed,
            thread_count=1,
            allow_writing_files=False,
            logging_level="Silent",
        )
        model.fit(rows, train["outcome"].to_numpy(), cat_features=list(spec.categorical))
        return CatBoostPredictor(model, spec.categorical, spec.numeric, categories)

    return fit


SPEC = toy_spec(
    time_zone="UTC",
    seed=5,
    datasets=(PLANNED, HAPPENED),
    population=population,
    outcomes=outcomes,
    categorical=("city",),
    numeric=("wind", "gust"),
    baseline=catboost_with(1, 5),
    fit=catboost_with(4, 40),
    split=TimeSplit(test_days=7, valid_days=5, min_train_rows=500),
)


def evening(day):
    return datetime.combine(day - timedelta(days=1), time(21), UTC)


class Gusts:
    """A feature source of one feature that is known for every row, and notes what it was asked."""

    def __init__(self):
        self.asked = []

    def require(self, spec):
        """It has whatever is asked for."""

    def retrieve(self, spec, entities):
        self.asked.append(entities)
        return entities.with_columns(gust=pl.col("wind") * 2)


def land(raw, dataset, day, rows, recorded_at, folder):
    file = folder / f"{dataset.name}-{day}.csv"
    lines = [",".join(dataset.columns), *(",".join(map(str, row)) for row in rows), f"# rows={len(rows)}"]
    file.write_text("\n".join(lines) + "\n")
    raw.land(dataset, day, file, recorded_at)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    raw, random = RawFiles(folder / "data"), np.random.default_rng(0)
    for day in (FIRST + timedelta(days=i) for i in range(DAYS)):
        wind, city = random.normal(size=ROWS).round(3), random.choice(["OSLO", "ROME"], ROWS)
        late = (random.random(ROWS) < 1 / (1 + np.exp(-2 * wind - (city == "ROME")))).astype(int)
        keys = [f"{day}-{i:02}" for i in range(ROWS)]
        land(
            raw,
            PLANNED,
            day,
            list(zip(keys, city, wind, strict=True)),
            evening(day) - timedelta(hours=1),
            folder,
        )
        land(
            raw,
            HAPPENED,
            day,
            list(zip(keys, late, strict=True)),
            evening(day) + timedelta(days=1, hours=12),
            folder,
        )
    return raw


@pytest.fixture
def ports(world, tmp_path):
    artifacts = FsspecArtifacts(str(tmp_path / "artifacts"))
    return {
        "raw": world,
        "features": Gusts(),
        "artifacts": artifacts,
        "predictors": PredictorStore(artifacts),
        "registry": MemoryRegistry(),
        "code_version": "abc",
    }


LAST = FIRST + timedelta(days=DAYS - 1)
KNOWN = evening(LAST + timedelta(days=4))


def test_a_good_version_is_registered_measured_and_promoted(ports):
    summary = retrain(SPEC, known_at=KNOWN, **ports)
    assert summary.promoted
    assert summary.decision == "promoted: all gates passed; the first champion"
    assert ports["registry"].holder("toy", "champion") == summary.version
    assert (summary.train_rows, summary.valid_rows, summary.test_rows) == (28 * ROWS, 5 * ROWS, 7 * ROWS)
    assert summary.dataset.rows == DAYS * ROWS
    assert (summary.dataset.first_date, summary.dataset.last_date) == (FIRST, LAST)
    assert summary.version.trained_through == LAST - timedelta(days=7)
    metric = summary.version.metric
    assert metric("auc") > 0.75
    assert metric("rows") == 7 * ROWS
    assert metric("auc", Of.CONSTANT) == 0.5
    measured = {(row.of, row.metric) for row in summary.version.metrics}
    names = {"rows", "base_rate", "mean_score", "auc", "pr_auc", "brier", "ece", "log_loss"}
    assert {name for of, name in measured if of is Of.VERSION} == names | {"brier_skill"}
    assert all(
        {name for of, name in measured if of is other} == names for other in (Of.BASELINE, Of.CONSTANT)
    )
    assert metric("auc", Of.CHAMPION) is None


def test_the_snapshot_holds_what_it_is_named_after_and_the_reference_holds_no_unseen_day(ports):
    summary = retrain(SPEC, known_at=KNOWN, **ports)
    snapshot = pl.read_parquet(ports["artifacts"].get(summary.dataset.uri))
    assert snapshot.columns == ["score_date", "entity_key", "city", "wind", "gust", "outcome"]
    assert content_sha256(snapshot) == summary.dataset.sha256
    assert snapshot.equals(snapshot.sort("score_date", "entity_key"))
    reference = pl.read_parquet(ports["artifacts"].get(summary.version.reference_uri))
    assert reference["score_date"].max() == summary.version.trained_through
    predictor = ports["predictors"].load(SPEC, summary.version)
    assert reference["score"].to_list() == predictor.predict(reference).to_list()


def test_features_are_asked_for_once_as_known_on_each_rows_own_evening(ports):
    retrain(SPEC, known_at=KNOWN, **ports)
    (asked,) = ports["features"].asked
    assert asked.height == DAYS * ROWS
    evening_of = pl.col("score_date").cast(pl.Datetime("us")).dt.replace_time_zone("UTC").dt.offset_by("-3h")
    assert asked.filter(pl.col("event_timestamp") != evening_of).is_empty()


def test_the_same_snapshot_and_seed_give_the_same_model_which_is_registered_once(ports, tmp_path):
    first = retrain(SPEC, known_at=KNOWN, **ports)
    second = retrain(SPEC, known_at=KNOWN, **ports)
    assert second.version == first.version
    assert second.decision == "not promoted: version 1 is champion already"
    elsewhere = FsspecArtifacts(str(tmp_path / "elsewhere"))
    third = retrain(
        SPEC,
        known_at=KNOWN,
        **{
            **ports,
            "artifacts": elsewhere,
            "predictors": PredictorStore(elsewhere),
            "registry": MemoryRegistry(),
        },
    )
    assert third.dataset.sha256 == first.dataset.sha256
    assert third.version.artifact_sha256 == first.version.artifact_sha256
    assert third.version.metrics == first.version.metrics


@pytest.mark.parametrize("refits", [False, True])
def test_a_version_keeps_unseen_rows_with_what_it_gave_for_them(ports, refits):
    spec = replace(REFITTED if refits else SPEC, slices=(Slice(name="city", by="city"),))
    summary = retrain(spec, known_at=KNOWN, **ports)
    scorer = Scorer(spec=spec, artifacts=ports["artifacts"], predictors=ports["predictors"])
    for version in {summary.version.number: summary.version, summary.judged.number: summary.judged}.values():
        kept = pl.read_parquet(ports["artifacts"].get(version.golden_uri, version.golden_sha256))
        assert kept.columns == ["score_date", "entity_key", "city", "wind", "gust", "score", "outputs"]
        assert kept["score_date"].min() > LAST - timedelta(days=7)
        assert kept["score_date"].n_unique() == 7
        assert scorer.otherwise(version) is None
        changed = store_rows(kept.with_columns(wind=-pl.col("wind")), "golden", ports["artifacts"])
        other = version.model_copy(update=dict(zip(("golden_uri", "golden_sha256"), changed, strict=True)))
        with pytest.raises(PredictsOtherwise, match="golden rows, the first"):
            scorer.require_as_registered(other)


def test_training_again_from_the_record_of_a_version_gives_the_same_artifact(ports):
    kept = Surroundings(libraries={"catboost": "1"}, threads={"cpus": 2})
    summary = retrain(SPEC, known_at=KNOWN, surroundings=lambda algorithm: kept, **ports)
    version, record = summary.version, summary.version.record
    assert (record.dataset_sha256, record.known_at) == (summary.dataset.sha256, KNOWN)
    assert (record.seed, record.embargo_days, record.surroundings) == (5, 0, kept)
    assert record.limits == dict(SPEC.gates)
    snapshot = pl.read_parquet(ports["artifacts"].get(summary.dataset.uri))
    assert content_sha256(snapshot) == record.dataset_sha256
    used = {
        use: snapshot.filter(pl.col("score_date").is_between(window.first, window.last))
        for use, window in record.windows.items()
    }
    assert {use: rows.height for use, rows in used.items()} == {
        "fitted": summary.train_rows,
        "chosen": summary.valid_rows,
        "judged": summary.test_rows,
    }
    again = SPEC.fit(used["fitted"], used["chosen"], spec=replace(SPEC, seed=record.seed))
    assert ports["predictors"].save(again)[1] == version.artifact_sha256


@pytest.mark.parametrize("steps", [0, DAYS, DAYS + 4])
def test_a_stopped_training_promotes_nothing(ports, steps):
    """steps: taken before. After the last of them the version is registered, and not yet promoted."""
    stop = MemoryGoOn(after=steps)
    with pytest.raises(Stopped):
        retrain(SPEC, known_at=KNOWN, progress=asking(silent, stop), **ports)
    assert ports["registry"].holder("toy", "champion") is None
    assert len(ports["registry"].versions("toy")) == (steps == DAYS + 4)


def test_outcomes_that_were_recorded_later_are_not_used(ports):
    summary = retrain(SPEC, known_at=evening(LAST - timedelta(days=2)), **ports)
    assert summary.dataset.last_date == LAST - timedelta(days=4)


def test_a_population_corrected_after_its_evening_is_used_as_it_was_known(ports, world, tmp_path):
    before = retrain(SPEC, known_at=KNOWN, **ports)
    corrected = RawFiles(tmp_path / "data")
    import shutil

    shutil.copytree(world.root, tmp_path / "data", dirs_exist_ok=True)
    rows = [(f"{FIRST}-{i:02}", "LIMA", 99.0) for i in range(ROWS)]
    land(corrected, PLANNED, FIRST, rows, evening(FIRST) + timedelta(hours=1), tmp_path)
    after = retrain(SPEC, known_at=KNOWN, **{**ports, "raw": corrected})
    assert after.dataset == before.dataset


def test_a_version_that_fails_a_gate_is_registered_but_not_promoted(ports):
    strict = replace(SPEC, gates=SPEC.gates | {"min_auc": 0.99})
    summary = retrain(strict, known_at=KNOWN, **ports)
    assert not summary.promoted
    assert "not promoted: min_auc: AUC is" in summary.decision
    assert ports["registry"].holder("toy", "champion") is None
    assert ports["registry"].version("toy", 1) == summary.version


def test_a_version_that_failed_a_gate_is_promoted_when_the_limits_of_today_let_it_pass(ports):
    strict = replace(SPEC, gates=SPEC.gates | {"min_auc": 0.99})
    failed = retrain(strict, known_at=KNOWN, **ports).version
    again = retrain(SPEC, known_at=KNOWN, **ports)
    assert again.version.number == failed.number
    assert again.decision == "promoted: all gates passed; the first champion"
    assert ports["registry"].version("toy", 1).gates == failed.gates  # the registry keeps the first verdict


def test_promotion_happens_only_when_asked_for(ports):
    summary = retrain(SPEC, known_at=KNOWN, promote=False, **ports)
    assert summary.decision == "not promoted: promotion was not asked for"
    assert ports["registry"].holder("toy", "champion") is None


def test_a_champion_is_compared_on_days_that_it_has_not_seen(ports):
    retrain(SPEC, known_at=evening(LAST - timedelta(days=1)), **ports)
    later = retrain(SPEC, known_at=KNOWN, **ports)
    assert later.promoted
    assert later.decision.endswith("replaces version 1")
    assert later.version.metric("rows", Of.CHAMPION) == 7 * ROWS
    earlier = retrain(SPEC, known_at=evening(LAST - timedelta(days=1)), **ports)
    assert earlier.version.number == 1
    assert 0 < later.version.metric("auc", Of.BESIDE_CHAMPION) <= 1


def test_a_version_does_not_replace_a_champion_that_a_person_chose_while_it_was_trained(ports):
    """It was judged beside the version that the person took away."""
    broken = retrain(SPEC, known_at=evening(LAST - timedelta(days=1)), **ports).version
    registry, chosen, calls = ports["registry"], [], []

    def fit(train, valid, *, spec):
        calls.append(train.height)
        if len(calls) == 2:  # the first one is a rehearsal
            other = {"artifact_sha256": "f" * 64}
            candidate = Candidate.model_validate(
                broken.model_dump(include=set(Candidate.model_fields)) | other
            )
            chosen.append(registry.add_version(candidate))
            registry.promote(chosen[0], "champion", "rolled back: it is broken")
        return SPEC.fit(train, valid, spec=spec)

    summary = retrain(replace(SPEC, fit=fit), known_at=KNOWN, **ports)
    assert not summary.promoted
    assert summary.decision == (
        "not promoted: it was judged beside version 1, and version 2 became champion meanwhile"
    )
    assert registry.holder("toy", "champion") == chosen[0]


def test_a_version_that_was_replaced_as_champion_is_not_promoted_again_by_a_training(ports):
    first = retrain(SPEC, known_at=evening(LAST - timedelta(days=1)), **ports)
    later = retrain(SPEC, known_at=KNOWN, **ports)
    ports["registry"].promote(first.version, "champion", "rolled back: the newer one is worse")
    again = retrain(SPEC, known_at=KNOWN, **ports)
    assert (again.version, again.promoted) == (later.version, False)
    assert again.decision == "not promoted: version 2 was champion before and was replaced"
    assert ports["registry"].holder("toy", "champion") == first.version


def test_a_version_is_held_if_the_champion_has_seen_every_unseen_day(ports):
    retrain(SPEC, known_at=KNOWN, **ports)
    summary = retrain(replace(SPEC, seed=6), known_at=evening(LAST - timedelta(days=7)), **ports)
    assert not summary.promoted
    told = "Brier over that of the champion, version 1, could not be measured"
    assert summary.decision.startswith(f"not promoted: held for a person: {CHAMPION}: cannot tell: {told}")


def test_rows_are_counted_before_features_are_built_or_asked_for(ports):
    built = []
    with pytest.raises(TooLittleHistory) as refused:
        retrain(
            SPEC,
            known_at=evening(FIRST + timedelta(days=20)),
            **ports,
            build=lambda: built.append("features"),
        )
    assert (built, ports["features"].asked) == ([], [])
    told = str(refused.value)
    assert "500 rows before 2013-03-08 are needed to train on, there are 210" in told
    assert "570 rows with an outcome, of 19 days, 2013-03-01 to 2013-03-19" in told
    assert "the last 7 are kept to test, the 5 before them to choose" in told
    enough = date.fromisoformat(told.partition("when the outcomes of ")[2][:10])
    retrain(
        SPEC,
        known_at=evening(enough + timedelta(days=SPEC.maturity_days + 1)),
        **ports,
        build=lambda: built.append("features"),
    )
    assert built == ["features"]


def test_what_has_landed_is_said_where_no_row_is_known(ports):
    with pytest.raises(TooLittleHistory) as refused:
        retrain(SPEC, known_at=evening(FIRST), **ports)
    told = (
        "no happened landed by then; those of 40 days, 2013-03-01 to 2013-04-09, came later; planned of one "
        "day, 2013-03-01, landed"
    )
    assert told in str(refused.value)


def test_bad_deliveries_are_said_where_no_row_is_known(ports, tmp_path):
    raw = RawFiles(tmp_path)
    raw.receive(SPEC.dataset("happened"), FIRST, tmp_path / "nowhere.csv", KNOWN)
    bad = r"no happened landed \(bad deliveries that are set aside: 1; correct them first\); no planned"
    with pytest.raises(TooLittleHistory, match=bad):
        retrain(SPEC, known_at=KNOWN, **{**ports, "raw": raw})


@pytest.mark.parametrize("label", [0.5, None, 2, -1, float("nan")])
def test_a_label_that_cannot_be_stops_training_before_anything_is_made(ports, label):
    def wrong(raw, score_date):
        at = pl.lit(score_date == FIRST) & (pl.int_range(pl.len()) == 7)
        value = pl.lit(label, pl.Float64)
        return outcomes(raw, score_date).with_columns(
            outcome=pl.when(at).then(value).otherwise(pl.col("outcome").cast(pl.Float64))
        )

    with pytest.raises(
        ContractBroken, match=r"outcomes of toy: 1 of 1200 .*, in the row of '2013-03-01-07' on 2013-03-01"
    ):
        retrain(replace(SPEC, outcomes=wrong), known_at=KNOWN, **ports)
    assert ports["features"].asked == []
    assert ports["registry"].versions("toy") == ()


def test_too_little_history_is_said(ports):
    with pytest.raises(TooLittleHistory, match="500 rows before"):
        retrain(SPEC, known_at=evening(FIRST + timedelta(days=20)), **ports)
    with pytest.raises(TooLittleHistory, match="there is none yet, because the newest date"):
        retrain(SPEC, known_at=evening(FIRST), **ports)
    with pytest.raises(TooLittleHistory, match="no happened landed; no planned landed"):
        retrain(SPEC, known_at=KNOWN, **{**ports, "raw": RawFiles(Path("/nonexistent"))})


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {
                "population": lambda raw, day: population(raw, day).with_columns(
                    entity_key=pl.lit("x") + "key"
                )
            },
            "`population` gives keys like 'xkey' on 2013-03-01, `outcomes` gives keys like '2013-03-01-00'",
        ),
        (
            {"population": lambda raw, day: population(raw, day).clear()},
            "`population` gives no row for their dates",
        ),
        (
            {"as_of_time": time(1), "horizon_days": 1},
            "no population of 40 days, 2013-03-01 to 2013-04-09, was known in time",
        ),
    ],
    ids=["keys", "no population", "known too late"],
)
def test_outcomes_that_meet_no_population_are_told_apart_from_too_few_of_them(ports, changed, why):
    with pytest.raises(NothingMatches, match=r"1,200 outcomes are mature at .*") as refused:
        retrain(replace(SPEC, **changed), known_at=KNOWN, **ports)
    assert why in str(refused.value)
    assert "Land more days" not in str(refused.value)


def test_outcomes_that_give_no_row_are_told_apart_from_days_to_come(ports):
    with pytest.raises(TooLittleHistory, match="`outcomes` gives no row for 40 days") as refused:
        retrain(replace(SPEC, outcomes=lambda raw, day: outcomes(raw, day).clear()), known_at=KNOWN, **ports)
    assert "happened of 40 days" in str(refused.value)


def test_an_input_that_no_one_provides_is_named(ports):
    with pytest.raises(MissingFeatures, match="snow"):
        retrain(replace(SPEC, numeric=("wind", "snow")), known_at=KNOWN, **ports)


def refit(rows, *, spec, judged):
    return catboost_with(4, judged.params()["trees"])(rows, rows.clear(), spec=spec)


REFITTED = replace(SPEC, refit=refit)


def test_a_version_that_passed_its_gates_is_fitted_anew_on_all_that_is_known(ports):
    summary = retrain(REFITTED, known_at=KNOWN, **ports)
    judged, version = summary.judged, summary.version
    assert (judged.number, judged.refit_of) == (1, None)
    assert (version.number, version.refit_of) == (2, 1)
    assert (judged.trained_through, version.trained_through) == (LAST - timedelta(days=7), LAST)
    assert ports["registry"].holder("toy", "champion") == version
    assert (version.metrics, version.gates) == (judged.metrics, judged.gates)
    assert version.params["iterations"] == judged.params["trees"]
    assert version.record.windows == {"fitted": UsedRows(first=FIRST, last=LAST, rows=DAYS * ROWS)}
    assert judged.record.windows["judged"].rows == 7 * ROWS
    reference = pl.read_parquet(ports["artifacts"].get(version.reference_uri))
    predictor = ports["predictors"].load(REFITTED, version)
    assert reference["score_date"].max() == LAST
    assert reference["score"].to_list() == predictor.predict(reference).to_list()


def test_the_same_snapshot_gives_the_same_refit_which_is_registered_once(ports):
    first, second = (retrain(REFITTED, known_at=KNOWN, **ports) for _ in range(2))
    assert second.version == first.version
    assert second.decision == "not promoted: version 2 is champion already"
    assert len(ports["registry"].versions("toy")) == 2


def test_a_version_that_fails_a_gate_is_not_fitted_anew(ports):
    strict = replace(REFITTED, refit=never, gates=SPEC.gates | {"min_auc": 0.99})
    summary = retrain(strict, known_at=KNOWN, **ports)
    assert summary.version == summary.judged
    assert len(ports["registry"].versions("toy")) == 1


def test_a_refit_is_compared_by_the_version_that_was_judged_for_it(ports):
    """The refit has seen all but the newest days. The version that was judged has seen none of the test."""
    first = retrain(REFITTED, known_at=evening(LAST - timedelta(days=1)), **ports)
    assert first.version.trained_through == LAST - timedelta(days=3)
    later = retrain(REFITTED, known_at=KNOWN, **ports)
    assert later.decision.endswith("replaces version 2")
    assert later.judged.metric("rows", Of.CHAMPION) == 7 * ROWS


def test_a_refit_that_the_rows_do_not_change_is_the_version_that_was_judged(ports):
    summary = retrain(replace(SPEC, refit=lambda rows, *, spec, judged: judged), known_at=KNOWN, **ports)
    assert summary.version == summary.judged
    assert summary.promoted


def test_training_that_is_stopped_before_the_refit_promotes_nothing_and_goes_on_next_time(ports):
    with pytest.raises(Stopped):
        retrain(REFITTED, known_at=KNOWN, progress=asking(silent, MemoryGoOn(after=DAYS + 4)), **ports)
    assert ports["registry"].holder("toy", "champion") is None
    assert retrain(REFITTED, known_at=KNOWN, **ports).version.number == 2


def test_an_error_in_the_refit_names_its_line(ports):
    def broken(rows, *, spec, judged):
        raise KeyError("rounds")

    with pytest.raises(
        CodeFailed, match=r"toy: `refit` with .* raised at .*test_retrain\.py:\d+: KeyError: 'rounds'"
    ):
        retrain(replace(SPEC, refit=broken), known_at=KNOWN, **ports)


FILE = "model.cbm"
TOLD = Description(trained_through=LAST - timedelta(days=8), trained_by="the risk team", notes={"run": 7})


@pytest.fixture
def elsewhere(tmp_path, ports):
    """A model that another team trained on this history, and how to register it."""
    history = retrain(SPEC, known_at=KNOWN, promote=False, **ports)
    rows = pl.read_parquet(ports["artifacts"].get(history.dataset.uri))
    seen = rows.filter(pl.col("score_date") <= TOLD.trained_through)
    model = CatBoostClassifier(iterations=30, depth=3, logging_level="Silent", allow_writing_files=False)
    model.fit(seen.select(SPEC.inputs).to_pandas(), seen["outcome"].to_numpy(), cat_features=["city"])
    model.save_model(str(tmp_path / FILE))
    ports["registry"] = MemoryRegistry()

    def registered(told=TOLD, spec=SPEC, **changes):
        origin = read_elsewhere(spec, tmp_path / FILE, told, ports["predictors"])
        return retrain(spec, **{"known_at": KNOWN, **ports, **changes}, origin=origin)

    return registered


def never(*_, **__):
    raise AssertionError("nothing is to be fitted")


def test_a_version_from_elsewhere_is_measured_gated_and_promoted_as_one_that_was_trained_here(
    elsewhere, ports, tmp_path
):
    summary = elsewhere(spec=replace(SPEC, fit=never, refit=never))
    assert summary.decision == "promoted: all gates passed; the first champion"
    version = summary.version
    assert (version.trained_through, version.algorithm) == (TOLD.trained_through, "catboost")
    assert version.params["trained_elsewhere"] == {
        "trained_through": str(TOLD.trained_through),
        "trained_by": "the risk team",
        "notes": {"run": 7},
        "file": FILE,
        "sha256": sha256((tmp_path / FILE).read_bytes()).hexdigest(),
        "algorithm": "catboost",
    }
    assert version.metric("rows") == 7 * ROWS
    assert version.metric("auc") > 0.75
    assert version.metric("auc", Of.BASELINE) > 0.5
    assert summary.test_rows == 7 * ROWS
    assert (summary.train_rows, summary.valid_rows) == (32 * ROWS, ROWS)
    reference = pl.read_parquet(ports["artifacts"].get(version.reference_uri))
    assert reference["score_date"].max() < LAST - timedelta(days=6)
    predictor = ports["predictors"].load(SPEC, version)
    assert reference["score"].to_list() == predictor.predict(reference).to_list()
    with pytest.raises(UnfitModel, match="toy version 1: the same model is registered with the same data"):
        elsewhere(TOLD.model_copy(update={"trained_through": LAST - timedelta(days=9)}))


def test_a_version_from_elsewhere_that_fails_a_gate_is_registered_and_not_promoted(elsewhere):
    summary = elsewhere(spec=replace(SPEC, gates=SPEC.gates | {"min_auc": 0.99}))
    assert "not promoted: min_auc: AUC is" in summary.decision


def test_a_version_from_elsewhere_that_has_seen_a_day_of_the_test_is_refused_before_features_are_built(
    elsewhere, ports
):
    told = TOLD.model_copy(update={"trained_through": LAST - timedelta(days=6)})
    needed = f"it can be measured when the outcomes up to {LAST + timedelta(days=1)} are known"
    with pytest.raises(SeenAlready, match=needed):
        elsewhere(told, build=lambda: pytest.fail("features were built"))
    assert not ports["registry"].versions("toy")


def test_an_input_of_another_type_is_told_before_anything_is_stored(elsewhere, ports):
    class Texts(Gusts):
        def retrieve(self, spec, entities):
            return super().retrieve(spec, entities).with_columns(wind=pl.col("wind").cast(pl.String))

    with pytest.raises(ContractBroken, match="column wind is String, not a number"):
        elsewhere(features=Texts())
    assert not ports["registry"].versions("toy")
