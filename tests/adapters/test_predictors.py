import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from models.flight_delay.training import fit_baseline, fit_catboost
from nightjar.adapters.artifacts import FsspecArtifacts
from nightjar.adapters.predictors import KINDS, PredictorStore, inputs
from nightjar.core.entities import Version
from nightjar.core.errors import ArtifactBroken, BadSpec, ContractBroken

SPEC = SimpleNamespace(name="toy", categorical=("city", "plane"), numeric=("wind", "late"), inputs=("city", "plane", "wind", "late"), seed=3)
FITS = {"catboost": fit_catboost, "sklearn": fit_baseline}


def sample(rows=600, seed=0):
    random = np.random.default_rng(seed)
    city, wind = random.choice(["OSLO", "ROME", "LIMA"], rows), random.normal(size=rows)
    hot = random.random(rows) < 1 / (1 + np.exp(-wind - (city == "ROME")))
    return pl.DataFrame(
        {"city": city, "plane": random.choice(["A", "B"], rows), "wind": wind, "late": random.integers(0, 9, rows), "outcome": hot.astype("int8")}
    )


@pytest.fixture(scope="module", params=["catboost", "sklearn"])
def predictor(request):
    return FITS[request.param](sample(), sample(200, 1), spec=SPEC)


@pytest.fixture
def saved(predictor, tmp_path):
    path = tmp_path / "model"
    predictor.save(path)
    return path


def version(algorithm, uri, sha256):
    return Version(
        id=1,
        number=4,
        created_at=datetime(2013, 9, 1, tzinfo=UTC),
        model="toy",
        algorithm=algorithm,
        dataset_id=1,
        artifact_uri=uri,
        artifact_sha256=sha256,
        reference_uri="memory://y",
        params={},
        metrics={},
        gates=(),
        code_version="1",
        trained_through=date(2013, 8, 1),
    )


def test_scores_are_probabilities_one_a_row_in_order(predictor):
    frame = sample(100, 2)
    scores = predictor.predict(frame)
    assert scores.dtype == pl.Float64
    assert scores.len() == 100
    assert scores.is_between(0, 1).all()
    assert predictor.predict(frame.reverse()).reverse().to_list() == scores.to_list()


def test_what_it_learned_shows(predictor):
    from nightjar.core.performance import measure

    frame = sample(1000, 5)
    assert measure(predictor.predict(frame), frame["outcome"]).auc > 0.65


def test_a_loaded_model_gives_the_same_scores_and_columns(predictor, saved):
    loaded = KINDS[predictor.algorithm].load(saved)
    frame = sample(100, 2)
    assert loaded.predict(frame).to_list() == predictor.predict(frame).to_list()
    assert (loaded.categorical, loaded.numeric) == (SPEC.categorical, SPEC.numeric)


def test_nulls_nan_unseen_categories_and_any_text_type_are_scored(predictor):
    frame = pl.DataFrame({"city": [None, "PERU", "OSLO"], "plane": ["A", None, "Z"], "wind": [None, float("nan"), 1.0], "late": [None, 3, 4]})
    plain = predictor.predict(frame)
    assert plain.is_between(0, 1).all()
    for kind in (pl.Categorical, pl.Enum(["PERU", "OSLO"])):
        assert predictor.predict(frame.with_columns(pl.col("city").cast(kind))).to_list() == plain.to_list()
    assert predictor.predict(frame.with_columns(wind=pl.lit(None))).len() == 3


def test_no_rows_give_no_scores(predictor):
    scores = predictor.predict(sample(3).clear())
    assert scores.len() == 0
    assert scores.dtype == pl.Float64


def test_a_missing_input_is_named(predictor):
    with pytest.raises(ContractBroken, match="column wind is missing"):
        predictor.predict(sample(3).drop("wind"))


def test_params_are_json_values(predictor):
    import json

    assert json.loads(json.dumps(dict(predictor.params())))


def test_the_same_training_gives_the_same_bytes(predictor, saved, tmp_path):
    again = FITS[predictor.algorithm](sample(), sample(200, 1), spec=SPEC)
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()
    KINDS[predictor.algorithm].load(saved).save(tmp_path / "resaved")
    assert KINDS[predictor.algorithm].load(tmp_path / "resaved").predict(sample(9)).to_list() == predictor.predict(sample(9)).to_list()


def test_another_process_gives_the_same_bytes(predictor, saved, tmp_path):
    script = (
        f"import sys, pathlib, runpy; space = runpy.run_path({str(Path(__file__))!r}); "
        f"fitted = space['FITS'][{predictor.algorithm!r}](space['sample'](), space['sample'](200, 1), spec=space['SPEC']); "
        f"fitted.save(pathlib.Path({str(tmp_path / 'other')!r}))"
    )
    subprocess.run(
        [sys.executable, "-c", script], check=True, timeout=120, cwd=Path(__file__).parents[2], env={"PYTHONHASHSEED": "12", "PYTHONPATH": "."}
    )
    assert hashlib.sha256((tmp_path / "other").read_bytes()).hexdigest() == hashlib.sha256(saved.read_bytes()).hexdigest()


def test_the_store_loads_what_it_saved_once_for_all_threads(predictor, tmp_path):
    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    stored = version(predictor.algorithm, *store.save(predictor))
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda _: store.load(SPEC, stored), range(16)))
        frame = sample(2000, 4)
        scores = list(threads.map(lambda model: model.predict(frame).to_list(), loaded))
    assert len({id(model) for model in loaded}) == 1
    assert all(found == scores[0] for found in scores)


def test_bytes_that_are_no_model_are_a_broken_artifact(predictor, tmp_path):
    artifacts = FsspecArtifacts(str(tmp_path / "store"))
    bad = tmp_path / "bad.cbm"
    bad.write_bytes(b"no model")
    with pytest.raises(ArtifactBroken):
        PredictorStore(artifacts).load(SPEC, version(predictor.algorithm, *artifacts.put("model", bad)))


def test_an_algorithm_nobody_loads_is_refused(tmp_path):
    artifacts = FsspecArtifacts(str(tmp_path / "store"))
    bad = tmp_path / "model.pkl"
    bad.write_bytes(b"no model")
    with pytest.raises(ArtifactBroken, match="nothing here loads algorithm 'pickle'"):
        PredictorStore(artifacts).load(SPEC, version("pickle", *artifacts.put("model", bad)))


def test_a_spec_that_lost_an_input_of_the_version_is_refused(predictor, tmp_path):
    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    stored = version(predictor.algorithm, *store.save(predictor))
    with pytest.raises(BadSpec, match="lacks \\['wind'\\], which version 4 was trained on"):
        store.load(SimpleNamespace(name="toy", inputs=("city", "plane", "late")), stored)


class Harmful:
    def __reduce__(self):
        return (print, ("executed",))


def test_a_skops_file_with_a_type_that_is_not_listed_is_not_loaded(tmp_path, capsys):
    import skops.io

    path = tmp_path / "evil.skops"
    skops.io.dump({"pipeline": Harmful(), "categorical": [], "numeric": []}, path)
    artifacts = FsspecArtifacts(str(tmp_path / "store"))
    with pytest.raises(ArtifactBroken, match="Untrusted"):
        PredictorStore(artifacts).load(SPEC, version("sklearn", *artifacts.put("model", path)))
    assert "executed" not in capsys.readouterr().out


def test_inputs_come_in_the_models_order():
    assert inputs(sample(3), SPEC.categorical, SPEC.numeric).columns == ["city", "plane", "wind", "late"]


def test_importing_the_module_imports_no_learning_library():
    script = "import sys, nightjar.adapters.predictors; print(sorted({'catboost', 'sklearn', 'skops', 'pandas'} & set(sys.modules)))"
    shown = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60)
    assert shown.stdout.strip() == "[]"
