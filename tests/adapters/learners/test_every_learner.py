"""What every learner keeps, for models of every kind, and what it refuses."""

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from threadpoolctl import threadpool_limits

from nightjar.adapters.learners import libraries
from nightjar.adapters.learners.columns import Columns
from nightjar.adapters.learners.store import LEARNERS, PredictorStore
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import BadSpec, UnfitModel
from nightjar.core.errors.settings import ExtraMissing, SystemLibraryMissing
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.description import Description
from nightjar.testing.learners import FITS, ROUNDS
from nightjar.testing.specs import spec_of_kind, toy_spec
from nightjar.testing.versions import toy_version

COLUMNS = {"categorical": ("city", "plane"), "numeric": ("wind", "late")}
CLASSES = multiclass("cold", "mild", "hot")


SPECS = {kind.name: spec_of_kind(kind, **COLUMNS, seed=3) for kind in (BINARY, REGRESSION, CLASSES)}
OUTCOMES = {
    "binary": lambda heat, random: (random.random(len(heat)) < 1 / (1 + np.exp(-heat))).astype("int8"),
    "regression": lambda heat, random: 1000 * heat + random.normal(size=len(heat)),
    "multiclass": lambda heat, random: np.digitize(heat + random.normal(size=len(heat)), [0, 1]),
}
COUNTED = "lightgbm", "onnx", "xgboost"
"""Learners whose columns are `Columns`."""


def sample(kind, rows=400, seed=0):
    random = np.random.default_rng(seed)
    city, wind = random.choice(["OSLO", "ROME", "LIMA"], rows), random.normal(size=rows)
    outcome = OUTCOMES[kind](wind + (city == "ROME"), random)
    plane, late = list(random.choice(["A", "B", None], rows)), random.integers(0, 9, rows)
    return pl.DataFrame({"city": city, "plane": plane, "wind": wind, "late": late, "outcome": outcome})


@cache
def fitted(algorithm, kind):
    return FITS[algorithm](sample(kind), sample(kind, 100, 1), spec=SPECS[kind])


EVERY = [
    (algorithm, kind)
    for algorithm in sorted(LEARNERS)
    for kind in SPECS
    if algorithm != "logistic" or kind == "binary"
]


def pieces(frame, size):
    return [frame[start : start + size] for start in range(0, len(frame), size)]


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_a_stored_model_scores_as_it_did_and_what_it_learned_shows(algorithm, kind, tmp_path):
    predictor, frame = fitted(algorithm, kind), sample(kind, 300, 2)
    predictor.save(tmp_path / "model")
    loaded = LEARNERS[algorithm].load(tmp_path / "model", SPECS[kind].kind)
    scores = predictor.predict(frame)
    assert loaded.predict(frame).to_list() == scores.to_list()
    rows = SPECS[kind].kind.rows_of(scores, ())
    measured = SPECS[kind].kind.measure(rows["score"], frame["outcome"], rows["outputs"])
    assert {"binary": "auc", "regression": "r2", "multiclass": "accuracy"}[kind] in measured
    assert measured.get("auc", measured.get("r2", measured.get("accuracy"))) > 0.5


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_the_same_training_gives_the_same_bytes_for_every_kind(algorithm, kind, tmp_path):
    fitted(algorithm, kind).save(tmp_path / "first")
    again = FITS[algorithm](sample(kind), sample(kind, 100, 1), spec=SPECS[kind])
    again.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == (tmp_path / "first").read_bytes()


def listed(answers):
    """One number after the other, also where a row has several."""
    return np.asarray(answers.to_list()).ravel().tolist()


def alike(algorithm, scores):
    """Exactly, but for scikit-learn, also in a blend: its linear models sum in another order elsewhere."""
    return pytest.approx(scores, rel=1e-12) if algorithm in ("blend", "logistic", "sklearn") else scores


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_a_row_scores_the_same_in_every_batch_and_beside_any_other_row(algorithm, kind):
    predictor, frame = fitted(algorithm, kind), sample(kind, 150, 3)
    whole = predictor.predict(frame)
    for size, rows in ((1, 20), (7, 70), (64, 150), (149, 150)):
        in_pieces = pl.concat([predictor.predict(piece) for piece in pieces(frame[:rows], size)])
        assert listed(in_pieces) == alike(algorithm, listed(whole[:rows]))
    order = np.random.default_rng(9).permutation(150).tolist()
    assert listed(predictor.predict(frame[order])) == alike(algorithm, listed(whole.gather(order)))


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_a_row_scores_the_same_on_any_number_of_threads(algorithm, kind):
    predictor, frame = fitted(algorithm, kind), sample(kind, 1000, 4)
    answers = predictor.predict(frame)
    scores = listed(answers)
    for threads in (1, 2, 8):
        with threadpool_limits(threads):
            if algorithm == "xgboost":
                predictor.booster.set_param({"nthread": threads})
            assert listed(predictor.predict(frame)) == alike(algorithm, scores)
    few = 270
    with ThreadPoolExecutor(8) as pool:
        at_once = pl.concat(list(pool.map(predictor.predict, pieces(frame[:few], 9))))
        assert listed(at_once) == alike(algorithm, listed(answers[:few]))


@pytest.mark.parametrize("algorithm", COUNTED)
def test_a_category_that_was_never_seen_is_a_missing_value_and_a_missing_one_that_was_is_itself(algorithm):
    predictor, frame = fitted(algorithm, "binary"), sample("binary", 50, 5)
    assert predictor.columns.codes.get("plane", ("", "A", "B")) == ("", "A", "B")
    unseen, other = (frame.with_columns(city=pl.lit(name)) for name in ("PERU", "CHAD"))
    assert predictor.predict(unseen).to_list() == predictor.predict(other).to_list()
    assert predictor.predict(unseen).to_list() != predictor.predict(frame).to_list()


def test_columns_number_their_categories_in_the_order_of_the_texts():
    columns = Columns.of(sample("binary"), ("city", "plane"), ("wind", "late"))
    assert columns.codes == {"city": ("LIMA", "OSLO", "ROME"), "plane": ("", "A", "B")}
    rows = pl.DataFrame(
        {"city": ["ROME", "PERU", None], "plane": ["A", None, "B"], "wind": 0.5, "late": None}
    )
    assert np.array_equal(
        columns.matrix(rows.with_columns(late=None)),
        [[2, 1, 0.5, np.nan], [np.nan, 0, 0.5, np.nan], [np.nan, 2, 0.5, np.nan]],
        equal_nan=True,
    )
    assert Columns.read(columns.record()) == columns


@pytest.mark.parametrize(("algorithm", "kind"), EVERY)
def test_a_model_of_another_kind_is_refused_when_it_is_loaded(algorithm, kind, tmp_path):
    fitted(algorithm, kind).save(tmp_path / "model")
    other = REGRESSION if kind == "binary" else BINARY
    told = rf"A model of the kind '{other.name}' needs (one number|the probabilities of 2 outcomes)"
    if kind == "multiclass":
        with pytest.raises(UnfitModel, match="so it gives the probabilities of 3 outcomes"):
            LEARNERS[algorithm].load(tmp_path / "model", REGRESSION)
    if algorithm == "onnx" and kind == "regression":
        assert (
            not LEARNERS[algorithm]
            .load(tmp_path / "model", other)
            .predict(sample(kind, 50, 6))
            .is_between(0, 1)
            .all()
        )  # a graph does not say whether its one number is a probability
        return
    with pytest.raises(UnfitModel, match=told):
        LEARNERS[algorithm].load(tmp_path / "model", other)


@pytest.mark.parametrize("algorithm", sorted(LEARNERS))
def test_an_input_that_changed_its_role_is_refused_when_the_model_is_loaded(algorithm, tmp_path):
    from nightjar.adapters.files.artifacts import FsspecArtifacts

    store = PredictorStore(FsspecArtifacts(str(tmp_path / "store")))
    uri, sha256 = store.save(fitted(algorithm, "binary"))
    stored = toy_version(number=4, algorithm=algorithm, artifact_uri=uri, artifact_sha256=sha256)
    moved = toy_spec(categorical=("city", "late"), numeric=("wind",))
    with pytest.raises(BadSpec, match=r"lacks \['plane'\] as categorical and \['late'\] as numeric, which"):
        store.load(moved, stored)


@pytest.mark.parametrize("name", sorted(libraries.EXTRAS))
def test_a_library_that_is_not_installed_is_named_with_its_extra(name, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ExtraMissing, match=f"{name} cannot be imported .*extra '{libraries.EXTRAS[name]}'"):
        libraries.library(name)


def test_a_library_that_lacks_one_of_the_system_names_it(monkeypatch):
    def no_openmp(name):
        raise OSError("libgomp.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.setattr("importlib.import_module", no_openmp)
    with pytest.raises(
        SystemLibraryMissing, match=r"lightgbm is installed .*libgomp\.so\.1: .*in libgomp1\."
    ):
        libraries.library("lightgbm")


@pytest.mark.parametrize("objective", ["multiclassova", "lambdarank", "none"])
def test_a_lightgbm_objective_that_gives_no_probabilities_is_refused(objective, tmp_path):
    fitted("lightgbm", "binary").save(tmp_path / "model")
    text = (tmp_path / "model").read_text()
    (tmp_path / "model").write_text(text.replace("objective=binary sigmoid:1\n", f"objective={objective}\n"))
    with pytest.raises(UnfitModel, match=f"its objective is '{objective}', "):
        LEARNERS["lightgbm"].load(tmp_path / "model", BINARY)


@pytest.mark.parametrize("objective", ["binary:logitraw", "binary:hinge", "rank:pairwise"])
def test_an_xgboost_objective_that_gives_no_probabilities_is_refused(objective, tmp_path):
    import xgboost

    rows = xgboost.DMatrix(np.arange(8.0).reshape(8, 1), np.arange(8) % 2)
    xgboost.train({"objective": objective}, rows, 2).save_model(tmp_path / "model.json")
    with pytest.raises(UnfitModel, match=f"its objective is {objective}, which"):
        LEARNERS["xgboost"].load(tmp_path / "model.json", BINARY, Description(inputs=("wind",)))


def test_an_xgboost_model_that_was_stopped_early_scores_by_its_best_trees(tmp_path):
    import xgboost

    x, random = np.arange(64.0).reshape(64, 1), np.random.default_rng(0)
    rows = xgboost.DMatrix(x, random.random(64), feature_names=["wind"])
    other = xgboost.DMatrix(x, random.random(64), feature_names=["wind"])
    quiet = {"early_stopping_rounds": 3, "verbose_eval": False}
    booster = xgboost.train({}, rows, 30, evals=[(other, "valid")], **quiet)
    assert booster.best_iteration + 1 < booster.num_boosted_rounds()
    booster.save_model(tmp_path / "model.ubj")
    loaded = LEARNERS["xgboost"].load(tmp_path / "model.ubj", REGRESSION)
    scores = loaded.predict(pl.DataFrame({"wind": x[:, 0]}))
    assert loaded.params()["trees"] == booster.best_iteration + 1, "a refit takes so many"
    assert scores.to_list() == booster.predict(rows, iteration_range=(0, booster.best_iteration + 1)).tolist()


@pytest.mark.parametrize("algorithm", ["catboost", "lightgbm", "xgboost"])
def test_the_trees_that_a_refit_takes_are_rounds_also_where_each_class_has_a_tree(algorithm):
    assert fitted(algorithm, "multiclass").params()["trees"] == ROUNDS


def graph(inputs, outputs, nodes):
    """A graph of the ONNX operators as they come, without a library that exports."""
    from onnx import TensorProto, helper

    types = {"float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "int64": TensorProto.INT64}

    def values(named):
        return [helper.make_tensor_value_info(name, types[kind], shape) for name, kind, shape in named]

    made = helper.make_graph(
        [helper.make_node(*node[:3], **node[3]) for node in nodes], "made", values(inputs), values(outputs)
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    return model.SerializeToString()


def of_matrix(kind="float", rows=None, width=2):
    """The mean of a matrix's columns in each row."""
    mean = ("ReduceMean", ["x", "axes"], ["y"], {"keepdims": 1})
    axes = ("Constant", [], ["axes"], {"value_ints": [1]})
    return graph([("x", kind, [rows, width])], [("y", kind, [rows, 1])], [axes, mean])


NAMED = Description(inputs=("wind", "city"), categories={"city": ("LIMA", "OSLO", "ROME")})


@pytest.mark.parametrize("kind", ["float", "double"])
@pytest.mark.parametrize("rows", [None, 1, 5])
def test_a_graph_of_one_matrix_gets_the_described_columns_and_categories(kind, rows, tmp_path):
    (tmp_path / "model.onnx").write_bytes(of_matrix(kind, rows))
    predictor = LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION, NAMED)
    frame = pl.DataFrame({"city": ["ROME", "LIMA"] * 40, "wind": [1.0, 3.0] * 40})
    assert predictor.predict(frame).to_list() == [1.5, 1.5] * 40
    predictor.save(tmp_path / "stored.onnx")
    stored = LEARNERS["onnx"].load(tmp_path / "stored.onnx", REGRESSION)
    assert stored.columns == predictor.columns
    stored.save(tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == (tmp_path / "stored.onnx").read_bytes()


def test_a_graph_of_one_matrix_without_names_is_refused(tmp_path):
    (tmp_path / "model.onnx").write_bytes(of_matrix())
    with pytest.raises(UnfitModel, match=r"'x' is tensor.float. of 2 columns, and none are named"):
        LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION)
    with pytest.raises(UnfitModel, match="and the description names 1"):
        LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION, Description(inputs=("wind",)))


def test_a_graph_that_takes_whole_numbers_refuses_others(tmp_path):
    cast = ("Cast", ["late"], ["y"], {"to": 1})
    (tmp_path / "model.onnx").write_bytes(
        graph([("late", "int64", [None])], [("y", "float", [None])], [cast])
    )
    predictor = LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION)
    assert predictor.predict(pl.DataFrame({"late": [1, 2]})).to_list() == [1, 2]
    for wrong in (1.5, None):
        with pytest.raises(ContractBroken, match="column late is not a whole number in each row"):
            predictor.predict(pl.DataFrame({"late": [1.0, wrong]}))


def test_a_graph_with_several_fitting_outputs_needs_one_to_be_named(tmp_path):
    nodes = [("Neg", ["wind"], ["a"], {}), ("Abs", ["wind"], ["b"], {})]
    outputs = [("a", "float", [None]), ("b", "float", [None])]
    (tmp_path / "model.onnx").write_bytes(graph([("wind", "float", [None])], outputs, nodes))
    with pytest.raises(UnfitModel, match="Name one as `output`"):
        LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION)
    named = LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION, Description(output="b"))
    named.save(tmp_path / "stored.onnx")
    stored = LEARNERS["onnx"].load(tmp_path / "stored.onnx", REGRESSION)
    assert stored.predict(pl.DataFrame({"wind": [-2.0]})).to_list() == [2]


@pytest.mark.parametrize("where", ["in the graph", "in an attribute", "in a branch"])
def test_a_graph_whose_weights_lie_in_another_file_is_refused_where_that_file_is_there(
    where, tmp_path, monkeypatch
):
    import onnx

    monkeypatch.chdir(tmp_path)  # ONNX Runtime looks for the weights of a graph without a path here
    whole = onnx.load_from_string(weighted(where))
    Path("whole.onnx").write_bytes(whole.SerializeToString())
    outside = {"save_as_external_data": True, "size_threshold": 0, "location": "weights.bin"}
    onnx.save(whole, "model.onnx", **outside, convert_attribute=True)
    assert Path("weights.bin").stat().st_size >= 4096
    loaded = LEARNERS["onnx"].load(Path("whole.onnx"), REGRESSION, Description(inputs=("location",)))
    assert loaded.predict(pl.DataFrame({"location": [2.0, 3.0]})).to_list() == [2.0, 3.0]
    with pytest.raises(UnfitModel, match=r"^model.onnx: it keeps weights in another file, which is not read"):
        LEARNERS["onnx"].load(Path("model.onnx"), REGRESSION)


@pytest.mark.parametrize("cut", [-1, -700])
def test_a_graph_that_ends_too_early_is_not_loaded(cut, tmp_path):
    (tmp_path / "model.onnx").write_bytes(weighted("in the graph")[:cut])
    with pytest.raises(ValueError, match="it is no ONNX graph, or it ends too early"):
        LEARNERS["onnx"].load(tmp_path / "model.onnx", REGRESSION)


def weighted(where):
    """The mean of `location` times 1024 weights of 1, which lie somewhere in the graph."""
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.ones(1024, "float32"), "w")
    constant = helper.make_node("Constant", [], ["w"], value=weights)

    def info(name, shape):
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    first = {
        "in the graph": [],
        "in an attribute": [constant],
        "in a branch": [
            helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(np.array(True))),
            helper.make_node(
                "If",
                ["yes"],
                ["w"],
                **{
                    branch: helper.make_graph([constant], branch, [], [info("w", [1024])])
                    for branch in ("then_branch", "else_branch")
                },
            ),
        ],
    }[where]
    nodes = [
        *first,
        helper.make_node("Mul", ["location", "w"], ["each"]),
        helper.make_node("ReduceMean", ["each", "axes"], ["y"], keepdims=1),
    ]
    held = [numpy_helper.from_array(np.array([1]), "axes"), *([weights] if where == "in the graph" else [])]
    made = helper.make_graph(nodes, "made", [info("location", [None, 1])], [info("y", [None, 1])], held)
    return helper.make_model(
        made, opset_imports=[helper.make_opsetid("", 18)], ir_version=9
    ).SerializeToString()


def test_what_the_columns_of_a_file_are_must_fit_its_description(tmp_path):
    fitted("lightgbm", "binary").save(tmp_path / "model")
    text = (tmp_path / "model").read_text()
    (tmp_path / "foreign").write_text(
        "".join(line for line in text.splitlines(keepends=True) if not line.startswith("nightjar_inputs"))
    )
    with pytest.raises(UnfitModel, match="the description says"):
        LEARNERS["lightgbm"].load(tmp_path / "foreign", BINARY, Description(inputs=("a", "b", "c", "d")))
    codes = {"city": ("LIMA", "OSLO", "ROME"), "plane": ("", "A", "B")}
    told = Description(categories={**codes, "plain": ("A",)})
    with pytest.raises(UnfitModel, match=r"the description has categories of \['plain'\]"):
        LEARNERS["lightgbm"].load(tmp_path / "foreign", BINARY, told)
    loaded = LEARNERS["lightgbm"].load(tmp_path / "foreign", BINARY, Description(categories=codes))
    frame = sample("binary", 50, 7)
    assert loaded.predict(frame).to_list() == fitted("lightgbm", "binary").predict(frame).to_list()
    assert json.loads(json.dumps(dict(loaded.params())))


def test_pandas_categories_are_read_from_the_files_of_lightgbm_and_xgboost(tmp_path):
    import lightgbm
    import xgboost

    frame = sample("binary", 300, 8).drop_nulls()
    pandas = frame.drop("outcome").to_pandas().astype({"city": "category", "plane": "category"})
    label = frame["outcome"].to_numpy()
    data = lightgbm.Dataset(pandas, label, params={"verbose": -1})
    first = lightgbm.train({"objective": "binary", "verbose": -1}, data, 5)
    first.save_model(tmp_path / "lightgbm")
    second = xgboost.XGBClassifier(n_estimators=5, enable_categorical=True).fit(pandas, label)
    second.save_model(tmp_path / "xgboost.ubj")
    expected = {"lightgbm": first.predict(pandas), "xgboost.ubj": second.predict_proba(pandas)[:, 1]}
    for file, scores in expected.items():
        loaded = LEARNERS[file.partition(".")[0]].load(tmp_path / file, BINARY)
        assert loaded.columns.codes == {"city": ("LIMA", "OSLO", "ROME"), "plane": ("A", "B")}
        assert loaded.predict(frame).to_list() == scores.tolist()
