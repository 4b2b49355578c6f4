"""Models of any library as ONNX graphs, run by ONNX Runtime on one thread.

A graph gets its rows in blocks of one size. In other sizes some of its operators round differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from nightjar.adapters.learners.answers import answered, both, needed_outcomes, require_answers
from nightjar.adapters.learners.columns import RECORD, Columns
from nightjar.adapters.learners.libraries import library
from nightjar.adapters.learners.onnx_weights import lie_elsewhere
from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.errors.model import UnfitModel
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.model.categories import UNKNOWN, Categories
from nightjar.core.model.description import UNDESCRIBED, Description

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

BLOCK = 64
OUTPUT = "nightjar_output"
"""Where a stored graph keeps which of its outputs is the answer."""

TEXT = "tensor(string)"
WHOLE = "tensor(int64)"
ELEMENTS: Mapping[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    WHOLE: np.int64,
    TEXT: np.object_,
}
ANSWERS = ("tensor(float)", "tensor(double)", "seq(map(int64,tensor(float)))")
"""Types of an output that may be an answer. The last one is how skl2onnx gives probabilities by default."""

PROBABILITIES = ("probabilities", "output_probability")
"""How the converters call that output of a classifier."""


@dataclass(frozen=True, slots=True)
class OnnxPredictor:
    """Implements spec.Predictor.

    content: the graph's bytes. output: the name of its output that is the answer. kind: of the spec.
    """

    content: bytes
    session: "InferenceSession"
    columns: Columns
    output: str
    kind: Kind = BINARY
    algorithm: str = "onnx"

    @classmethod
    def of(
        cls,
        content: bytes,
        kind: Kind,
        told: Description = UNDESCRIBED,
        *,
        categories: Categories = UNKNOWN,
        file: Path = Path("the graph"),
    ) -> "OnnxPredictor":
        """The predictor of a graph, whose inputs are the model's columns or one matrix of them.

        categories: of the rows that it was fitted on. file: its name in errors.
        Raises UnfitModel, one of `libraries.UNUSABLE`, or an error of ONNX Runtime's.
        """
        if lie_elsewhere(content):
            problem = "it keeps weights in another file, which is not read"
            raise UnfitModel(file, problem, "Export it with all weights in one file.")
        session = _session(content)
        kept = session.get_modelmeta().custom_metadata_map
        columns = (
            Columns.read(kept[RECORD])
            if RECORD in kept
            else replace(_columns(file, session, told), categories=categories)
        )
        output = kept.get(OUTPUT) or _output(file, session, kind, told)
        predictor = cls(content, session, columns, output, kind)
        _require_shape(file, predictor)
        return predictor

    def predict(self, frame: pl.DataFrame) -> pl.Series:
        return answered(self.kind, self.columns.frame(frame), self._ask)

    def _ask(self, rows: pl.DataFrame) -> np.ndarray:
        raw = self.raw(rows)
        if not self.kind.probabilities:
            return raw.reshape(len(raw))
        return both(raw.reshape(len(raw))) if raw.size == len(raw) else raw

    def raw(self, rows: pl.DataFrame) -> np.ndarray:
        """The output for `columns.frame`, whole blocks at a time; the last row fills up the last block."""
        block = _block(self.session)
        padded = rows[[min(row, len(rows) - 1) for row in range(-(-len(rows) // block) * block)]]
        given = _feeds(self.session, padded)
        answers = [
            self._run({name: values[start : start + block] for name, values in given.items()})
            for start in range(0, len(padded), block)
        ]
        return np.concatenate(answers)[: len(rows)]

    def _run(self, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
        answer: Any = self.session.run([self.output], dict(feeds))[0]
        if isinstance(answer, np.ndarray):
            return answer
        return np.array([[row[outcome] for outcome in sorted(row)] for row in answer])

    def params(self) -> Mapping[str, Any]:
        told = self.session.get_modelmeta()
        return {"producer": told.producer_name, "graph": told.graph_name, "output": self.output}

    def save(self, path: Path) -> None:
        """The columns and the output's name stand among the graph's own metadata."""
        kept = self.session.get_modelmeta().custom_metadata_map
        added = {RECORD: self.columns.record(), OUTPUT: self.output}
        path.write_bytes(
            self.content + b"".join(_entry(key, added[key]) for key in sorted(added) if key not in kept)
        )

    @classmethod
    def load(cls, path: Path, kind: Kind, told: Description = UNDESCRIBED) -> "OnnxPredictor":
        """As `of`. No other file is read: a graph that keeps its weights elsewhere is refused."""
        return cls.of(path.read_bytes(), kind, told, file=path)


def _session(content: bytes) -> "InferenceSession":
    """One thread: on several, some operators add numbers in the order in which the threads come."""
    runtime = library("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.log_severity_level = 3  # errors only: they are raised as well
    return runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _columns(file: Path, session: "InferenceSession", told: Description) -> Columns:
    """The columns of a graph without our metadata."""
    given = session.get_inputs()
    if odd := [f"{each.name} is {each.type}" for each in given if each.type not in ELEMENTS]:
        raise UnfitModel(file, f"its inputs are of other types than {[*ELEMENTS]}: {odd}", "Export it anew.")
    if not _is_matrix(given):
        columns = Columns.described(file, [each.name for each in given], told)
        texts = frozenset(each.name for each in given if each.type == TEXT)
        return Columns(columns.names, columns.codes, texts)
    width = given[0].shape[1]
    if told.inputs is None or given[0].type == TEXT or width not in (len(told.inputs), None, str(width)):
        named = "none are named" if told.inputs is None else f"the description names {len(told.inputs)}"
        raise UnfitModel(
            file,
            f"its input {given[0].name!r} is {given[0].type} of {width} columns, and {named}",
            "Name the columns in their order as `inputs` in the description; texts need an input each.",
        )
    return Columns.described(file, told.inputs, told)


def _is_matrix(given: Sequence[Any]) -> bool:
    return len(given) == 1 and len(given[0].shape) == 2 and given[0].shape[1] != 1


def _output(file: Path, session: "InferenceSession", kind: Kind, told: Description) -> str:
    there = {each.name: each.type for each in session.get_outputs()}
    fit = [name for name, dtype in there.items() if dtype in ANSWERS]
    named = [name for name in fit if name in PROBABILITIES] if kind.probabilities else []
    chosen = [told.output] if told.output else named or fit
    if len(chosen) == 1 and chosen[0] in fit:
        return chosen[0]
    raise UnfitModel(
        file,
        f"its outputs are {there}, and {'none' if not fit else 'not one alone'} can be the answer of a model "
        f"of the kind {kind.name!r}",
        f"Name one as `output` in the description, of the types {', '.join(ANSWERS)}.",
    )


def _require_shape(file: Path, predictor: OnnxPredictor) -> None:
    """Ask it for the answer to one empty row, since a graph need not tell the shape of its output."""
    held = predictor.columns
    row = {name: "" if name in held.texts else 0.0 for name in held.names}
    shape = predictor.raw(pl.DataFrame([row], orient="row")).shape[1:]
    needed = needed_outcomes(predictor.kind)
    alone = needed in (2, None) and shape in ((), (1,))
    found = needed if alone else shape[0] if len(shape) == 1 else 1
    told = f"an output of the shape ({', '.join(map(str, ('rows', *shape)))})"
    require_answers(file, told, found, predictor.kind)


def _block(session: "InferenceSession") -> int:
    """A graph that was exported for one number of rows gets that number."""
    rows = session.get_inputs()[0].shape[0]
    return rows if isinstance(rows, int) else BLOCK


def _feeds(session: "InferenceSession", rows: pl.DataFrame) -> Mapping[str, np.ndarray]:
    given = session.get_inputs()
    if _is_matrix(given):
        return {given[0].name: rows.to_numpy(order="c").astype(ELEMENTS[given[0].type])}
    return {each.name: _column(each, rows[each.name]) for each in given}


def _column(given: Any, values: pl.Series) -> np.ndarray:
    if given.type == WHOLE and not (values.is_finite() & (values == values.round())).all():
        raise ContractBroken(
            "The rows to predict", [f"column {given.name} is not a whole number in each row"]
        )
    shape = (-1, *([1] * (len(given.shape) - 1)))
    return values.to_numpy().astype(ELEMENTS[given.type]).reshape(shape)


def _entry(key: str, value: str) -> bytes:
    """An entry of ModelProto.metadata_props, field 14, whose fields 1 and 2 are key and value.

    Protocol buffers may be put together from pieces: bytes that follow a message add to it.
    """
    return _field(14, _field(1, key.encode()) + _field(2, value.encode()))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    """Seven bits a byte, the lowest first; the eighth bit says that more follow."""
    more, seven = divmod(number, 128)
    return bytes([seven | 128]) + _varint(more) if more else bytes([seven])
