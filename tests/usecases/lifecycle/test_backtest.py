"""A walk forward over a small made-up world, with the trainings, gates and artifacts of a real retraining."""

from dataclasses import replace
from datetime import date, timedelta
from functools import partial

import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import Stopped
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.backtest import Who
from nightjar.core.lifecycle.walk import Plan
from nightjar.core.model.spec import TimeSplit
from nightjar.core.ports.progress import asking, silent
from nightjar.testing.backtests import MemoryBacktests
from nightjar.testing.memory import MemoryGoOn
from nightjar.testing.specs import HAPPENED, TOY, toy_spec
from nightjar.testing.worlds import FIRST, NoFeatures, evening, land, made
from nightjar.usecases.lifecycle.aging import aged
from nightjar.usecases.lifecycle.backtest import Backtest, scored_by
from nightjar.usecases.lifecycle.foretelling import foretold
from nightjar.usecases.lifecycle.retrain import retrain

DAYS, ROWS = 58, 25
LAST = FIRST + timedelta(days=DAYS - 1)
NIGHTS = 28
FROM = LAST - timedelta(days=NIGHTS - 1)


def fit_logistic(train, valid, *, spec):
    fitted = make_pipeline(StandardScaler(), LogisticRegression())
    fitted.fit(inputs(train, (), spec.numeric), train["outcome"].to_numpy())
    return SklearnPredictor(fitted, (), spec.numeric)


def refit_logistic(rows, *, spec, judged):
    return fit_logistic(rows, rows, spec=spec)


SPEC = toy_spec(
    time_zone="UTC",
    fit=fit_logistic,
    refit=refit_logistic,
    gates=TOY.gates
    | {"min_auc": 0.5, "max_ece": 0.5, "max_loss_over_champion": 1.2, "max_loss_over_anchor": 1.2}
    | {"min_loss_shuffled": 0.8, "min_loss_over_baseline": 0.2, "min_loss_over_rivals": 0.2},
    split=TimeSplit(test_days=14, valid_days=3, min_train_rows=200),
)
WEEKLY = Plan(model="toy", first=FROM, last=LAST, retrain="weekly")


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return made(tmp_path_factory.mktemp("world"), DAYS, ROWS)


@pytest.fixture(scope="module")
def ports(raw, tmp_path_factory):
    artifacts = FsspecArtifacts(str(tmp_path_factory.mktemp("artifacts")))
    predictors = PredictorStore(artifacts)
    return {
        "raw": raw,
        "features": NoFeatures(),
        "artifacts": artifacts,
        "predictors": predictors,
        "code_version": "c",
    }


def backtest(ports, **changes):
    given = {"spec": SPEC, "registry": MemoryRegistry(), "store": MemoryBacktests(), "check": check}
    given["code"] = {"toy/spec.py": "1"}
    return Backtest(**given | ports | changes)


@pytest.fixture(scope="module")
def store():
    """What keeps the steps of `walked`."""
    return MemoryBacktests()


@pytest.fixture(scope="module")
def walked(ports, store):
    features = NoFeatures()
    yield backtest(ports, features=features, store=store).walk(WEEKLY)
    assert features.asked == 1, "all steps share one retrieval"


def test_each_step_is_the_retraining_of_its_evening(ports, walked):
    """The same rows, the same model, the same gates on quality and the same decision."""
    registry = MemoryRegistry()
    for step in walked.steps:
        real = retrain(SPEC, known_at=step.known_at, registry=registry, **ports)
        assert step.dataset.sha256 == real.dataset.sha256
        assert step.versions[-1].artifact_sha256 == real.version.artifact_sha256
        verdicts = {gate.name: gate.verdict for gate in step.versions[0].gates}
        assert verdicts.items() <= {gate.name: gate.verdict for gate in real.judged.gates}.items()
        assert (step.decision, step.champion) == (real.decision, registry.holder("toy", "champion").number)
    assert sum(step.promoted for step in walked.steps) > 1


def test_a_night_is_scored_by_a_version_that_was_trained_before_it(walked, ports):
    assert all(version.trained_through < step.first for step in walked.steps for version in step.versions)
    scored = scored_by(walked.steps, ports["artifacts"])
    counts = dict(scored.group_by("predictor").len().iter_rows())
    assert counts == dict.fromkeys(Who, ROWS * (NIGHTS))


def test_the_metrics_of_each_champion_stand_beside_those_of_its_nights(walked, ports):
    found = {one.metric: one for one in foretold(BINARY, walked, ports["artifacts"])}
    champions = {step.champion for step in walked.steps}
    assert set(found) == {metric.name for metric in BINARY.judging}
    auc = found["auc"]
    assert auc.versions == len(champions) > 1
    of_versions = {version.number: version for step in walked.steps for version in step.versions}
    judged = [
        row.value
        for number in champions
        for row in of_versions[number].metrics
        if (row.of, row.metric) == (Of.VERSION, "auc")
    ]
    assert auc.offline == pytest.approx(sum(judged) / len(judged))
    assert auc.gap == pytest.approx(auc.online - auc.offline)
    assert abs(auc.gap) < 0.1


def test_the_walk_beats_a_champion_that_is_never_retrained_where_the_level_changes(walked):
    results = walked.results
    assert (results.nights, results.rows) == (NIGHTS, ROWS * (NIGHTS))
    assert results.beside[Who.NEVER_RETRAINED].value < 1
    assert results.beside[Who.CONSTANT].within(0.05)[1] < 1
    auc = results.whole[Who.CHAMPION]["auc"]
    assert auc.nights == NIGHTS
    assert 0.75 < auc.within(0.025)[0] < auc.value < auc.within(0.025)[1] < 1
    assert [period.first for period in results.periods][:2] == [FROM, date(2013, 4, 1)]


def test_an_interrupted_walk_goes_on_and_ends_as_one_that_was_not(ports, walked):
    store = MemoryBacktests()
    stop = MemoryGoOn(after=DAYS + 1 + 3)
    with pytest.raises(Stopped):
        backtest(ports, store=store, progress=asking(silent, stop)).walk(WEEKLY)
    name, plan = store.newest("toy")
    assert plan == WEEKLY
    before = store.steps(name)
    assert 0 < len(before) < len(walked.steps)
    again = backtest(ports, store=store).walk(WEEKLY)
    assert again.resumed == len(before) - 1
    assert again.results == walked.results

    def told(step):
        return step.model_copy(update={"versions": [version.artifact_sha256 for version in step.versions]})

    assert [*map(told, again.steps)] == [*map(told, walked.steps)]


def test_a_walk_that_is_whole_trains_nothing_again(ports, walked, store):
    def never(train, valid, *, spec):
        raise AssertionError

    again = backtest(ports, store=store, spec=replace(SPEC, fit=never, baseline=never)).walk(WEEKLY)
    assert (again.resumed, again.results) == (len(again.steps), walked.results)


def test_a_file_that_is_changed_and_not_committed_makes_another_backtest(ports, walked, store):
    """It has the same commit, so the versions have the same `code_version`."""
    again = backtest(ports, store=store, code={"toy/spec.py": "2"}).walk(
        WEEKLY.model_copy(update={"retrain": "never"})
    )
    before = backtest(ports, store=store).walk(again.plan)
    assert (again.resumed, before.resumed) == (0, 0)
    assert again.name != before.name


def test_an_outcome_that_is_corrected_counts_from_the_evening_on_that_knows_it(tmp_path, ports):
    raw, day = made(tmp_path, 50, ROWS), FIRST + timedelta(days=10)
    rows = [(f"{day}-{i:02}", 1) for i in range(ROWS)]
    land(raw, HAPPENED, day, rows, evening(FIRST + timedelta(days=35)) - timedelta(hours=2), tmp_path)
    plan = WEEKLY.model_copy(update={"last": FIRST + timedelta(days=46)})
    walked = backtest(ports, raw=raw).walk(plan)
    corrected = walked.steps[1]
    real = retrain(SPEC, known_at=corrected.known_at, registry=MemoryRegistry(), **ports | {"raw": raw})
    assert corrected.dataset.sha256 == real.dataset.sha256
    rates = [
        walked.stretch.known(step.known_at)[0].filter(pl.col("score_date") == day)["outcome"].mean()
        for step in walked.steps
    ]
    assert rates[0] < 1
    assert rates[1] == 1


def test_nights_before_the_first_champion_are_not_measured(ports):
    early = WEEKLY.model_copy(update={"first": FIRST + timedelta(days=12)})
    walked = backtest(ports).walk(early)
    untrained = [step for step in walked.steps if step.dataset is None]
    assert untrained
    assert all(step.champion is None and "not trained" in step.decision for step in untrained)
    assert walked.results.nights < DAYS - 12


def test_a_version_that_fails_its_gates_scores_only_if_that_is_asked_for(ports):
    strict = replace(SPEC, gates=SPEC.gates | {"min_auc": 0.99})
    fortnightly = WEEKLY.model_copy(update={"retrain": "14 occasions"})
    held = backtest(ports, spec=strict).walk(fortnightly)
    assert held.results.nights == 0
    assert held.results.periods == ()
    forced = backtest(ports, spec=strict).walk(fortnightly.model_copy(update={"despite_gates": True}))
    assert forced.results.nights == NIGHTS
    assert all(step.promoted for step in forced.steps)


def test_a_row_that_breaks_the_contract_is_not_scored(ports):
    import pandera.polars as pa

    contract = partial(pa.DataFrameSchema, {"x": pa.Column(float, pa.Check.lt(1.0))})
    walked = backtest(ports, spec=replace(SPEC, contract=contract)).walk(
        WEEKLY.model_copy(update={"retrain": "never"})
    )
    nights = walked.stretch.nights([FROM])
    assert 0 < nights.height < ROWS
    assert nights["x"].max() < 1.0
    assert walked.stretch.known(walked.measured_at)[0]["x"].max() > 1.5


def test_a_stretch_that_has_not_come_is_refused(ports):
    future = Plan(model="toy", first=FROM, last=date(2100, 1, 1), retrain="monthly")
    with pytest.raises(BadSettings, match="has not come yet"):
        backtest(ports).walk(future)


def test_each_version_scores_all_later_nights_for_the_study_of_ages(walked, ports):
    ages = aged(SPEC, walked, ports["predictors"])
    assert [(age.first, age.last) for age in ages] == [(0, 6), (7, 13), (14, 27)]
    assert [age.nights for age in ages] == [NIGHTS, NIGHTS - 7, NIGHTS - 14]
    assert ages[0].over_fresh.value == 1
