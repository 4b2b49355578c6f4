"""docs/spec.md: what a spec is made of, as its docstrings, its types and the kinds' limits say.

Written by `uv run python -m nightjar.showing.spec_page`.
"""

import ast
import inspect
import re
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from textwrap import fill
from typing import get_args, get_type_hints

from nightjar.core.kinds import gates
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.limits import Limit, span
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model import delivery, explain, row_metrics, search, slices, spec
from nightjar.core.model.judging import DEFAULTS

PAGE = Path(__file__).parents[2] / "docs" / "spec.md"
HEAD = """# The spec, field by field

<!-- set by: nightjar/core/kinds/gates.py -->
This page is written from the docstrings of `nightjar/core/model/spec.py` by
`uv run python -m nightjar.showing.spec_page`. [Add a model](add-a-model.md) says in which order to fill a
spec in. A spec that contradicts itself fails when it is imported ([runbook](../runbooks/bad-spec.md)).
"""
MODULES = (spec, delivery, search, slices, row_metrics, explain, gates)
FIRST = (
    "ModelSpec",
    "Replay",
    "PublishedBy",
    "RawDataset",
    "Window",
    "Delivery",
    "Deliver",
    "FeatureTable",
    "FeastService",
)
LEARNING = ("Fit", "Refit", "Learner", "Predictor", "TimeSplit", "Search", "Whole", "Real", "OneOf")
JUDGING = ("GateLimits", "Certainty", "Slice", "RowMetric", "Challenge", "AuditLimits", "Explain")
LIMITS = """## The limits of each kind

`gates` sets the limits of a version, `audit` those of a night. All of a kind must be set.
Each kind has the limits on losses besides, which need not be set. The loss of a row is its squared error
(binary), the sum of squared errors over classes (multiclass), or its absolute error (regression).
"""
KINDS = (BINARY, REGRESSION, multiclass("one", "another"))
CHECKED = re.compile(r"Annotated\[(.+?), (?:PlainValidator|Field)\(.*?\)\]")
ALIASES = {"AnyDays": "int", "Count": "int"}
ENTRY = re.compile(r"(?:^|(?<=[.] ))(\w+(?:\([\w, ]*\))?(?:, \w+)*): ")
SEPARATED = re.compile(r"\W+")
OF_LIMITS = ("max_quarantine_share", "max_null_rise", "max_input_shift", "max_unseen_share", *DEFAULTS)
WIDTH = 108


def page() -> str:
    nodes = (node for module in MODULES for node in ast.parse(inspect.getsource(module)).body)
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    told = (part_of(classes[name]) for name in (*FIRST, *LEARNING, *JUDGING))
    parts = [HEAD, *told, LIMITS, defaults(), *map(limits_of, KINDS)]
    return "\n".join(parts)


def part_of(node: ast.ClassDef) -> str:
    """A class: its heading, its docstring, its fields, and its methods that a model has to have."""
    fields = [child for child in node.body if isinstance(child, ast.AnnAssign)]
    names = {field_name(field) for field in fields}
    methods = [text for child in node.body for text in method(node, child)] if is_protocol(node) else []
    told = [text for part in paragraphs(node) for text in entries(part, names)]
    return "\n\n".join([f"## {node.name}", *told, *table(node.name, fields), *methods]) + "\n"


def paragraphs(node: ast.ClassDef | ast.FunctionDef) -> list[str]:
    """Those of the docstring, each on one line."""
    return [" ".join(part.split()) for part in (ast.get_docstring(node) or "").split("\n\n") if part]


def entries(paragraph: str, names: Collection[str]) -> Iterator[str]:
    """The paragraph, divided where the docstring begins to tell of fields: `name, name: what it is`."""
    begins = [
        found.start(1)
        for found in ENTRY.finditer(paragraph)
        if set(SEPARATED.split(found[1])) & {*names, *OF_LIMITS}
    ]
    for start, end in pairwise([0, *(at for at in begins if at), len(paragraph)]):
        text = paragraph[start:end].strip()
        yield fill(ENTRY.sub(r"`\1`: ", text, count=1) if start in begins else text, width=WIDTH)


def is_protocol(node: ast.ClassDef) -> bool:
    return any(ast.unparse(base) == "Protocol" for base in node.bases)


def method(of: ast.ClassDef, node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        name = node.name.replace("__call__", of.name.lower())
        yield f"`{name}({ast.unparse(node.args).removeprefix('self').removeprefix(', ')})`"
        yield from (fill(text, width=WIDTH) for text in paragraphs(node))


def table(owner: str, fields: Iterable[ast.AnnAssign]) -> Iterator[str]:
    rows = [f"| `{field_name(field)}` | {typed(owner, field)} | {default(field)} |" for field in fields]
    if rows:
        yield "\n".join(["| field | type | default |", "|---|---|---|", *rows])


def declared(name: str) -> type:
    return next(getattr(module, name) for module in MODULES if hasattr(module, name))


def typed(owner: str, field: ast.AnnAssign) -> str:
    """The type, and the range where there is one. What only checks the value is left out."""
    text = ast.unparse(field.annotation)
    plain = CHECKED.sub(r"\1", ALIASES.get(text, text)).replace("|", "\\|")
    return f"`{plain}`{within(get_type_hints(declared(owner), include_extras=True)[field_name(field)])}"


def within(hint: object) -> str:
    """The range that a type is bound to, as text after it."""
    declared = [info for part in (hint, *get_args(hint)) for info in getattr(part, "__metadata__", ())]
    limits = [limit for info in declared for limit in getattr(info, "metadata", ())]
    found = {
        word: getattr(limit, name)
        for name, word in (("gt", "above"), ("ge", "from"), ("le", "to"), ("lt", "to below"))
        for limit in limits
        if hasattr(limit, name)
    }
    told = " ".join(f"{word} {number}" for word, number in found.items())
    return f", {told}" if told else ""


def field_name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def default(field: ast.AnnAssign) -> str:
    return "" if field.value is None else f"`{ast.unparse(field.value)}`"


def defaults() -> str:
    rows = (f"| `{name}` | `{value:g}` |" for name, value in DEFAULTS.items())
    return "\n".join(["| limit on losses | default |", "|---|---|", *rows]) + "\n"


def limits_of(kind: Kind) -> str:
    judged = [
        limit_row("gates", limit, f"{gate.what} must be {gate.bound} this")
        for limit, gate in zip(kind.gate_limits(), kind.gates, strict=True)
    ]
    audit = [limit_row("audit", limit, first_sentence(limit.finding)) for limit in kind.absurdities]
    head = ["| in | limit | a number | meaning |", "|---|---|---|---|"]
    return "\n".join([f"### {kind.name}\n", *head, *judged, *audit]) + "\n"


def limit_row(of: str, limit: Limit, meaning: str) -> str:
    return f"| `{of}` | `{limit.name}` | {span(limit.low, limit.high)} | {meaning} |"


def first_sentence(finding: object) -> str:
    told = " ".join((inspect.getdoc(finding) or "").split("\n\n")[0].split())
    return f"refused: {told[:1].lower()}{told[1:]}".rstrip(".")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
