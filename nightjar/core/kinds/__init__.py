"""The kinds of models: what an outcome is, what is predicted, and how the two are compared. One file a kind.

To add a kind, write its file and add its line here. Tables, stores, use cases and what people see
read all that they need from `Kind`.
"""

from collections.abc import Mapping

from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.kind import Kind
from nightjar.core.kinds.regression import REGRESSION

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (BINARY, REGRESSION)}
