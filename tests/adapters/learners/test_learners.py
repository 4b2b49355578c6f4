import errno
import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.flight_delay.spec import SPEC as FLIGHTS
from models.flight_delay.training import fit_baseline, fit_catboost
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.store import LEARNERS, PredictorStore
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import ArtifactBroken, BadSpec
from nightjar.core.kinds.binary import BINARY
from nightjar.core.model.categories import UNKNOWN, CastCategories
from nightjar.testing import learners
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import toy_version

SPEC = toy_spec(categorical=("city", "plane"), numeric=("wind", "late"), seed=3, params=FLIGHTS.params)
THREADS = {name: value for name, value in os.environ.items() if name.startswith(("OPENBLAS_", "OMP_"))}
FITS = learners.FITS | {"catboost": fit_catboost, "sklearn": fit_baseline}


def sample(rows=600, seed=0):
    random = np.random.default_rng(seed)
    city, wind = random.choice(["OSLO", "ROME", "LIMA"], rows), random.normal(size=rows)
    hot = random.random(rows) < 1 / (1 + np.exp(-wind - (city == "ROME")))
    return pl.DataFrame(
        {
            "city": city,
            "plane": random.choice(["A", "B"], rows),
            "wind": wind,
            "late": random.integers(0, 9, rows),
            "score_date": date(2013, 6, 15),
            "outcome": hot.astype("int8"),
        }
    )


@pytest.fixture(scope="module", params=sorted(FITS))
def predictor(request):
    return FITS[request.param](sample(), sample(200, 1), spec=SPEC)


@pytest.fixture
def saved(predictor, tmp_path):
    path = tmp_path / "model"
    predictor.save(path)
    return path


def version(algorithm, uri, sha256):
    return toy_version(number=4, algorithm=algorithm, artifact_uri=uri, artifact_sha256=sha256)


def test_scores_are_probabilities_one_a_row_in_order(predictor):
    frame = sample(100, 2)
    scores = predictor.predict(frame)
    assert scores.dtype == pl.Float64
    assert scores.len() == 100
    assert scores.is_between(0, 1).all()
    assert predictor.predict(frame.reverse()).reverse().to_list() == scores.to_list()


def test_what_it_learned_shows(predictor):
    frame = sample(1000, 5)
    assert BINARY.measure(predictor.predict(frame), frame["outcome"])["auc"] > 0.65


def test_a_loaded_model_gives_the_same_scores_and_columns(predictor, saved):
    loaded = LEARNERS[predictor.algorithm].load(saved, BINARY)
    frame = sample(100, 2)
    assert loaded.predict(frame).to_list() == predictor.predict(frame).to_list()
    columns = getattr(loaded, "columns", loaded)
    assert (columns.categorical, columns.numeric) == (SPEC.categorical, SPEC.numeric)


def test_nulls_nan_unseen_categories_and_any_text_type_are_scored(predictor):
    frame = pl.DataFrame(
        {
            "city": [None, "PERU", "OSLO"],
            "plane": ["A", None, "Z"],
            "wind": [None, float("nan"), 1.0],
            "late": [None, 3, 4],
        }
    )
    plain = predictor.predict(frame)
    assert plain.is_between(0, 1).all()
    for kind in (pl.Categorical, pl.Enum(["PERU", "OSLO"])):
        assert predictor.predict(frame.with_columns(pl.col("city").cast(kind))).to_list() == plain.to_list()
    assert predictor.predict(frame.with_columns(wind=pl.lit(None))).len() == 3


def test_a_model_may_have_inputs_of_one_sort_alone():
    frame = sample(5)
    assert inputs(frame, (), ("wind",)).equals(frame.select("wind"))
    assert inputs(frame, ("city",), ()).equals(frame.select("city"))


TYPED = toy_spec(
    categorical=("store", "rate", "day", "seen", "flag", "city"),
    numeric=("wind",),
    seed=3,
    params=FLIGHTS.params,
)
FLOATS = pl.datatypes.group.FLOAT_DTYPES
NUMBER_TYPES = (*pl.datatypes.group.INTEGER_DTYPES, *FLOATS, pl.Decimal(20, 6), pl.Decimal(38, 10))
DAYS = [date(2013, 6, 1), date(2013, 6, 2), None]
WRITTEN = {
    "store": NUMBER_TYPES,
    "rate": NUMBER_TYPES,
    "day": (pl.Date, pl.Datetime("us"), pl.String),
    "seen": tuple(pl.Datetime(unit, zone) for unit in ("ms", "us", "ns") for zone in ("UTC", "Asia/Tokyo")),
    "flag": (pl.Boolean, pl.Int8, pl.String),
    "city": (pl.String, pl.Categorical, pl.Enum(["OSLO", "ROME"])),
    "wind": (*FLOATS, pl.Decimal(38, 10), pl.Int64),
}


def typed(rows, seed):
    """Every category says something of the outcome: one that is taken for another changes the score."""
    random = np.random.default_rng(seed)
    domains = [1, 2, 300, None], [0.5, 1.0, 2.0], DAYS, [True, False]
    store, rate, day, flag = (random.choice(values, rows) for values in domains)
    city, wind = random.choice(["OSLO", "ROME"], rows), random.integers(-8, 8, rows) / 4
    heat = wind + (store == 2) + 2 * (rate == 1.0) + (day == DAYS[1]) - flag.astype(int) + (city == "ROME")
    hot = (random.random(rows) < 1 / (1 + np.exp(1 - heat))).astype("int8")
    categories = {"store": list(store), "rate": rate, "day": list(day), "flag": flag, "city": city}
    frame = pl.DataFrame({**categories, "wind": wind, "score_date": DAYS[0], "outcome": hot})
    return frame.with_columns(seen=pl.col("day").cast(pl.Datetime("us")).dt.replace_time_zone("UTC"))


@pytest.fixture(scope="module", params=sorted(FITS))
def of_types(request):
    return FITS[request.param](typed(600, 0), typed(200, 1), spec=TYPED)


def exactly(column, dtype):
    """The same values in another type, or as they are if it does not hold them."""
    cast = column.cast(dtype, strict=False)
    return cast if dtype == pl.String or cast.cast(column.dtype, strict=False).equals(column) else column


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_the_same_values_in_any_type_score_the_same_or_break_the_contract(of_types, data):
    frame = typed(40, data.draw(st.integers(2, 99)))
    types = {name: data.draw(st.sampled_from(kinds), label=name) for name, kinds in WRITTEN.items()}
    given_as = frame.with_columns(exactly(frame[name], dtype) for name, dtype in types.items())
    try:
        scores = of_types.predict(given_as.select(data.draw(st.permutations(given_as.columns))))
    except ContractBroken:
        assert any(types[name] != frame[name].dtype for name in ("day", "flag"))
    else:
        assert scores.to_list() == of_types.predict(frame).to_list()


def test_a_part_of_nulls_or_whole_numbers_scores_as_its_rows_do_among_others(of_types):
    frame = typed(200, 5)
    scores = of_types.predict(frame)
    for part, name, dtype in (
        (pl.col("store").is_null(), "store", pl.Null),
        (pl.col("rate") == 2.0, "rate", pl.Int8),
        (pl.col("day").is_null(), "day", pl.Null),
    ):
        kept = frame.select(part).to_series()
        rows = frame.filter(kept).with_columns(pl.col(name).cast(dtype))
        assert of_types.predict(rows).to_list() == scores.filter(kept).to_list()
    signless, nan = frame.with_columns(store=-0.0), frame.with_columns(rate=pl.lit(float("nan")))
    assert of_types.predict(signless).to_list() == of_types.predict(frame.with_columns(store=0)).to_list()
    assert of_types.predict(nan).to_list() == of_types.predict(frame.with_columns(rate=None)).to_list()


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("store", "1", "column store is String, and the model was fitted on a number there"),
        ("store", True, "column store is Boolean, and the model was fitted on a number there"),
        ("store", float(2**53), "store is Float64 and holds .* may stand for their neighbours"),
        ("flag", 1, "column flag is Int32, and the model was fitted on a flag there"),
        ("seen", datetime(2013, 6, 1), "and the model was fitted on a instant there"),
        ("city", b"OSLO", "column city is Binary, which cannot be a category"),
        ("wind", "1.5", "column wind is String, not a number"),
        ("wind", datetime(2013, 6, 1), "not a number"),
    ],
)
def test_a_column_of_another_kind_of_value_breaks_the_contract(of_types, column, values, told):
    with pytest.raises(ContractBroken, match=told):
        of_types.predict(typed(5, 6).with_columns(pl.lit(values).alias(column)))


def test_a_valid_part_of_another_kind_of_value_is_not_fitted_on():
    with pytest.raises(ContractBroken, match="fitted on a number"):
        fit_catboost(typed(60, 0), typed(60, 1).with_columns(pl.col("store").cast(pl.String)), spec=TYPED)


def test_a_stored_model_knows_what_its_categories_were(of_types, tmp_path):
    of_types.save(tmp_path / "model")
    loaded = LEARNERS[of_types.algorithm].load(tmp_path / "model", BINARY)
    first = (getattr(model, "members", (model,))[0] for model in (loaded, of_types))
    kept, fitted = (getattr(model, "columns", model) for model in first)
    assert kept.categories == fitted.categories != UNKNOWN
    with pytest.raises(ContractBroken, match="fitted on a number"):
        loaded.predict(typed(5, 6).with_columns(pl.col("store").cast(pl.String)))


def of_before(algorithm, reference):
    """A predictor as it was before: fitted on categories as Polars casts them, stored without their types."""
    known = CastCategories(reference.schema)
    rows = inputs(reference, TYPED.categorical, TYPED.numeric, known)
    labelled = rows.with_columns(reference["outcome"], reference["score_date"])
    fresh = FITS[algorithm](labelled, labelled, spec=TYPED)
    return replace(fresh, categories=known)


@pytest.mark.parametrize("algorithm", ["catboost", "sklearn"])
def test_a_version_stored_before_types_were_kept_scores_as_it_did(algorithm, tmp_path):
    reference, artifacts = typed(300, 0), FsspecArtifacts(str(tmp_path / "store"))
    store, old = PredictorStore(artifacts), of_before(algorithm, reference)
    reference.write_parquet(tmp_path / "reference.parquet")
    sample_uri, _ = artifacts.put("reference", tmp_path / "reference.parquet")
    stored = version(algorithm, *store.save(old)).model_copy(update={"reference_uri": sample_uri})
    frame = typed(50, 7)
    as_it_did = old.predict(frame).to_list()
    texts = frame.select(pl.col(TYPED.categorical).cast(pl.String), "wind")
    assert replace(old, categories=CastCategories()).predict(texts).to_list() == as_it_did
    loaded = store.load(TYPED, stored)
    assert loaded.predict(frame).to_list() == as_it_did
    assert loaded.predict(frame.with_columns(pl.col("store").cast(pl.Float64))).to_list() == as_it_did
    with pytest.raises(ContractBroken, match="fitted on Int64 there; retrain it"):
        loaded.predict(frame.with_columns(store=1.5))
    without_sample = PredictorStore(artifacts).load(
        TYPED, stored.model_copy(update={"reference_uri": f"{artifacts.url}/reference/00/{'0' * 64}.parquet"})
    )
    with pytest.raises(ContractBroken, match="store is Int64"):
        without_sample.predict(frame)


def test_a_sample_that_the_machine_does_not_read_now_is_not_taken_for_missing(tmp_path, monkeypatch):
    def refusing(self, uri, sha256=None):
        if "/reference/" in uri:
            raise OSError(errno.EMFILE, "Too many open files")
        return get(self, uri, sha256)

    artifacts, get = FsspecArtifacts(str(tmp_path / "store")), FsspecArtifacts.get
    stored = version("catboost", *PredictorStore(artifacts).save(of_before("catboost", typed(300, 0))))
    monkeypatch.setattr(FsspecArtifacts, "get", refusing)
    sample_uri = f"{artifacts.url}/reference/00/{'0' * 64}.parquet"
    with pytest.raises(OSError, match="Too many open files"):
        PredictorStore(artifacts).load(TYPED, stored.model_copy(update={"reference_uri": sample_uri}))


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
    LEARNERS[predictor.algorithm].load(saved, BINARY).save(tmp_path / "resaved")
    assert (
        LEARNERS[predictor.algorithm].load(tmp_path / "resaved", BINARY).predict(sample(9)).to_list()
        == predictor.predict(sample(9)).to_list()
    )


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder with a file of each learner, fitted in another process."""
    folder = tmp_path_factory.mktemp("elsewhere")
    script = (
        f"import pathlib, runpy; space = runpy.run_path({str(Path(__file__))!r})\n"
        "for name, fit in space['FITS'].items():\n"
        "    fitted = fit(space['sample'](), space['sample'](200, 1), spec=space['SPEC'])\n"
        f"    fitted.save(pathlib.Path({str(folder)!r}, name))"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        timeout=120,
        cwd=Path(__file__).parents[3],
        # BLAS adds in the order of the processor that it takes the machine for.
        env={"PYTHONHASHSEED": "12", "PYTHONPATH": ".", **THREADS},
    )
    return folder


@pytest.mark.chaos
def test_another_process_gives_the_same_bytes(predictor, saved, elsewhere):
    """The other process imports and fits every learner, so the long run has it. On every day the same
    training gives the same bytes in one process.
    """
    if predictor.algorithm == "onnx":
        pytest.skip("skl2onnx puts the nodes of a graph in the order of Python's hashes")
    assert (
        hashlib.sha256((elsewhere / predictor.algorithm).read_bytes()).hexdigest()
        == hashlib.sha256(saved.read_bytes()).hexdigest()
    )


def test_the_store_loads_what_it_saved_once_for_all_threads(predictor, tmp_path):
    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    stored = version(predictor.algorithm, *store.save(predictor))
    with ThreadPoolExecutor(8) as threads:
        loaded = list(threads.map(lambda _: store.load(SPEC, stored), range(16)))
        frame = sample(2000, 4)
        scores = list(threads.map(lambda model: model.predict(frame).to_list(), loaded))
    assert len({id(model) for model in loaded}) == 1
    assert all(found == scores[0] for found in scores)


def test_the_store_keeps_the_versions_that_were_used_last(tmp_path, monkeypatch):
    read = []

    def reading(self, version, kind):
        read.append(version.artifact_sha256)
        return SimpleNamespace()

    monkeypatch.setattr("nightjar.adapters.learners.store.MOST_LOADED", 2)
    monkeypatch.setattr(PredictorStore, "_read", reading)
    kept = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    for letter in "abacabc":
        kept.load(SPEC, version("logistic", "", 64 * letter))
    assert read == [64 * letter for letter in "abcbc"]


def test_bytes_that_are_no_model_are_a_broken_artifact(predictor, tmp_path):
    artifacts = FsspecArtifacts(str(tmp_path / "store"))
    bad = tmp_path / "bad.cbm"
    bad.write_bytes(b"no model")
    with pytest.raises(ArtifactBroken):
        PredictorStore(artifacts).load(SPEC, version(predictor.algorithm, *artifacts.put("model", bad)))


def test_a_full_disk_while_a_file_is_unpacked_is_no_fault_of_the_file(predictor, tmp_path, monkeypatch):
    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    stored = version(predictor.algorithm, *store.save(predictor))
    monkeypatch.setitem(LEARNERS, predictor.algorithm, SimpleNamespace(load=full))
    with pytest.raises(OSError, match="No space left"):
        store.load(SPEC, stored)


def test_an_algorithm_nobody_loads_is_refused(tmp_path):
    artifacts = FsspecArtifacts(str(tmp_path / "store"))
    bad = tmp_path / "model.pkl"
    bad.write_bytes(b"no model")
    with pytest.raises(ArtifactBroken, match="nothing here loads algorithm 'pickle'"):
        PredictorStore(artifacts).load(SPEC, version("pickle", *artifacts.put("model", bad)))


def test_a_spec_that_lost_an_input_of_the_version_is_refused(predictor, tmp_path):
    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    stored = version(predictor.algorithm, *store.save(predictor))
    with pytest.raises(BadSpec, match="lacks \\['wind'\\] as numeric, which version 4 was trained on"):
        store.load(replace(SPEC, numeric=("late",)), stored)


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
    script = (
        "import sys, nightjar.adapters.learners.store; print(sorted({'catboost', 'sklearn', 'skops', "
        "'lightgbm', 'onnxruntime', 'pandas', 'xgboost'} & set(sys.modules)))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    assert shown.stdout.strip() == "[]"
