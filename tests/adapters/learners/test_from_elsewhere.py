"""Model files that were made without Nightjar are read by their format and held to the spec."""

import re

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.descriptions import read_description
from nightjar.adapters.learners.store import ALGORITHMS, LEARNERS, PredictorStore
from nightjar.core.errors.model import UnfitModel
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.description import UNDESCRIBED, Description
from nightjar.testing.specs import spec_of_kind, toy_spec
from nightjar.testing.versions import toy_version
from nightjar.wiring.settings import PROJECT

SPEC = toy_spec(categorical=("city",), numeric=("wind", "gust"))


def of_kind(kind):
    return spec_of_kind(kind, categorical=("city",), numeric=("wind", "gust"))


def frame(rows=200, seed=0):
    random = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "wind": random.normal(size=rows),
            "city": random.choice(["LIMA", "OSLO", "ROME"], rows),
            "gust": random.normal(size=rows),
        }
    )


ROWS = frame()
LATE = (ROWS["wind"] + (ROWS["city"] == "ROME") > 0.3).cast(pl.Int8).to_numpy()
CODED = ROWS.with_columns(pl.col("city").rank("dense").cast(pl.Float64) - 1)
CITIES = {"city": ("LIMA", "OSLO", "ROME")}


@pytest.fixture
def store(tmp_path):
    return PredictorStore(FsspecArtifacts(str(tmp_path / "store")))


def catboost_of(rows, outcomes, **options):
    from catboost import CatBoostClassifier

    quiet = {"allow_writing_files": False, "logging_level": "Silent", "thread_count": 2}
    return CatBoostClassifier(iterations=5, depth=2, **quiet, **options).fit(rows, outcomes, cat_features=[1])


def catboost(folder):
    model = catboost_of(ROWS.to_pandas(), LATE)
    model.save_model(str(folder / "model.cbm"))
    return "model.cbm", UNDESCRIBED, lambda rows: model.predict_proba(rows.to_pandas())[:, 1]


def catboost_without_names(folder):
    model = catboost_of(ROWS.rows(), LATE)
    model.save_model(str(folder / "model.cbm"))
    told = Description(inputs=("wind", "city", "gust"))
    return "model.cbm", told, lambda rows: model.predict_proba(rows.rows())[:, 1]


def sklearn(folder):
    import skops.io
    from sklearn.compose import make_column_transformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    encoded = make_column_transformer((OneHotEncoder(), ["city"]), remainder="passthrough")
    pipeline = make_pipeline(encoded, LogisticRegression()).fit(ROWS.to_pandas(), LATE)
    skops.io.dump(pipeline, folder / "model.skops")
    return "model.skops", UNDESCRIBED, lambda rows: pipeline.predict_proba(rows.to_pandas())[:, 1]


def sklearn_of_an_array(folder):
    import skops.io
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(ROWS.select("gust", "wind").to_numpy(), LATE)
    skops.io.dump(model, folder / "model.skops")
    told = Description(inputs=("gust", "wind"))
    return "model.skops", told, lambda rows: model.predict_proba(rows.select("gust", "wind").to_numpy())[:, 1]


def lightgbm(folder):
    import lightgbm

    data = lightgbm.Dataset(CODED.to_numpy(), LATE, categorical_feature=[1], params={"verbose": -1})
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_threads": 2}, data, 5)
    booster.save_model(folder / "model.txt")
    told = Description(inputs=("wind", "city", "gust"), categories=CITIES)
    return "model.txt", told, lambda rows: booster.predict(coded(rows).to_numpy())


def xgboost(folder):
    import xgboost

    data = xgboost.DMatrix(CODED.to_numpy(), LATE, feature_names=CODED.columns)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 2}, data, 5)
    booster.save_model(folder / "model.json")
    told = Description(categories=CITIES)

    def own(rows):
        return booster.predict(xgboost.DMatrix(coded(rows).to_numpy(), feature_names=CODED.columns))

    return "model.json", told, own


def coded(rows):
    return rows.with_columns(pl.col("city").replace_strict({"LIMA": 0.0, "OSLO": 1.0, "ROME": 2.0}))


FILES = [catboost, catboost_without_names, sklearn, sklearn_of_an_array, lightgbm, xgboost]


@pytest.mark.parametrize("made", FILES)
def test_it_scores_as_its_own_library_does_and_so_does_the_version_that_is_kept_of_it(made, store, tmp_path):
    name, told, own = made(tmp_path)
    predictor, rows = store.read(SPEC, tmp_path / name, told), frame(50, 1)
    assert predictor.predict(rows).to_list() == pytest.approx(own(rows).tolist(), rel=1e-6)
    uri, sha256 = store.save(predictor)
    version = toy_version(algorithm=predictor.algorithm, artifact_uri=uri, artifact_sha256=sha256)
    kept = store.load(SPEC, version)
    assert kept.predict(rows).to_list() == predictor.predict(rows).to_list()


@pytest.mark.parametrize("suffix", sorted(ALGORITHMS))
@pytest.mark.parametrize("content", [b"", b"{}", b"\x00\xff location", b"tree\nnothing"])
def test_a_file_that_is_no_model_is_named(suffix, content, store, tmp_path):
    file = tmp_path / f"model{suffix}"
    file.write_bytes(content)
    with pytest.raises(UnfitModel) as raised:
        store.read(SPEC, file, UNDESCRIBED)
    assert str(raised.value).startswith(f"{file}: it")


def test_a_file_of_an_unknown_format_asks_for_its_algorithm(store, tmp_path):
    name, told, _ = catboost(tmp_path)
    file = (tmp_path / name).rename(tmp_path / "model.bin")
    with pytest.raises(UnfitModel, match=r"suffix is none of .blend, .cbm, .* Name its algorithm. Known: "):
        store.read(SPEC, file, told)
    with pytest.raises(UnfitModel, match="nothing here loads the algorithm 'prophet'"):
        store.read(SPEC, file, Description(algorithm="prophet"))
    assert store.read(SPEC, file, Description(algorithm="catboost")).algorithm == "catboost"


@pytest.mark.parametrize("made", FILES)
def test_inputs_that_the_spec_lacks_are_named(made, store, tmp_path):
    name, told, _ = made(tmp_path)
    other = toy_spec(categorical=("city",), numeric=("gust", "rain"))
    with pytest.raises(UnfitModel, match=r"toy lacks \['wind'\] as numeric, which the model was trained on"):
        store.read(other, tmp_path / name, told)


def test_a_category_that_a_model_takes_as_a_number_must_be_described(store, tmp_path):
    name, _, _ = xgboost(tmp_path)
    with pytest.raises(UnfitModel, match=r"toy lacks \['city'\] as numeric.* describe the inputs and"):
        store.read(SPEC, tmp_path / name, UNDESCRIBED)


@pytest.mark.parametrize("made", FILES)
def test_a_model_of_another_kind_is_named(made, store, tmp_path):
    name, told, _ = made(tmp_path)
    with pytest.raises(UnfitModel, match="A model of the kind 'regression' needs one number in each row"):
        store.read(of_kind(REGRESSION), tmp_path / name, told)


def test_classes_in_another_order_than_those_of_the_spec_are_refused(store, tmp_path):
    names = np.array(["late", "on time", "cancelled"])
    model = catboost_of(ROWS.to_pandas(), names[np.arange(200) % 3])
    model.save_model(str(tmp_path / "model.cbm"))
    with pytest.raises(UnfitModel, match=r"tells apart \['cancelled', 'late', 'on time'\], and the kind"):
        store.read(of_kind(multiclass("on time", "late", "cancelled")), tmp_path / "model.cbm", UNDESCRIBED)
    fit = of_kind(multiclass("cancelled", "late", "on time"))
    answer = store.read(fit, tmp_path / "model.cbm", UNDESCRIBED).predict(ROWS)
    assert np.allclose(answer.to_numpy(), model.predict_proba(ROWS.to_pandas()))
    with pytest.raises(UnfitModel, match="order the classes of the spec as it does"):
        store.read(fit, tmp_path / "model.cbm", Description(classes=("late", "cancelled", "on time")))


def test_texts_of_an_array_have_no_place(store, tmp_path):
    name, _, _ = sklearn_of_an_array(tmp_path)
    with pytest.raises(UnfitModel, match=r"does not say where the texts \['city'\] are"):
        store.read(SPEC, tmp_path / name, Description(inputs=("city", "wind")))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "Invalid JSON"),
        (
            '{"trained_trough": "2013-09-01"}',
            "trained_trough: Extra inputs are not permitted",
        ),
        ('{"trained_through": "9999-12-31"}', "trained_through: Input should be less than 2200-01-01"),
        ('{"sha256": "abc"}', "sha256: String should match"),
        ('{"trained_by": "a\\u0000b"}', "it holds the character"),
    ],
)
def test_a_wrong_description_is_told_by_field(content, said, tmp_path):
    (tmp_path / "model.json").write_text(content)
    with pytest.raises(BadSettings, match=said):
        read_description(tmp_path / "model.json")


def test_the_description_in_the_documents_is_one(tmp_path):
    (written,) = re.findall(r"```json\n(.*?)```", (PROJECT / "docs" / "learners.md").read_text(), re.DOTALL)
    (tmp_path / "told.json").write_text(written)
    told = read_description(tmp_path / "told.json")
    assert (str(told.trained_through), told.classes) == ("2013-08-31", (0, 1))
    assert told.categories == {"carrier": ("AA", "B6", "DL")}


def test_every_learner_has_a_suffix():
    assert set(LEARNERS) == set(ALGORITHMS.values())
