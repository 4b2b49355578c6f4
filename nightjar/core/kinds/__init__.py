"""The kinds of models: what an outcome is, what is predicted, and how the two are compared. One file a kind.

To add a kind, write its file and add its line here. Tables, stores, use cases and what people see
read all that they need from `Kind`.
"""

from collections.abc import Mapping, Sequence

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.multiclass import NAME as MULTICLASS
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BINARY, REGRESSION)}
"""The kinds that are the same for every model. A kind with classes is made of their names."""


def kind_of(name: str, classes: Sequence[str]) -> Kind:
    """The kind that a version names, with the classes that the version tells apart.

    Raises KeyError for a kind that is not known.
    """
    return multiclass(*classes) if name == MULTICLASS else KINDS[name]


def known() -> tuple[str, ...]:
    """How a spec may write each kind."""
    return (*KINDS, f"{MULTICLASS}(names of the classes)")


def is_known(value: object) -> bool:
    if not isinstance(value, Kind):
        return False
    return value == multiclass(*value.classes) if value.name == MULTICLASS else value in KINDS.values()
