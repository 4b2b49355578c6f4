"""Names that several models use: they must mean the same thing."""

from collections.abc import Iterator, Sequence
from itertools import combinations

from nightjar.core.errors.model import NameClash
from nightjar.core.model.spec import ModelSpec


def clashes(specs: Sequence[ModelSpec]) -> Iterator[NameClash]:
    """Datasets, feature tables and join keys that two models declare differently under one name.

    Equal declarations are shared: two models may read one dataset and use one feature table. The order of
    columns counts: a CSV file has it, and so does the recipe of a feature table.
    """
    named = [(spec.name, declared(spec)) for spec in specs]
    for (one, ours), (other, theirs) in combinations(named, 2):
        yield from (
            NameClash(name, one, other) for name, thing in theirs.items() if ours.get(name, thing) != thing
        )


def declared(spec: ModelSpec) -> dict[str, object]:
    """What a model declares under names that all models share."""
    tables = spec.feature_tables
    return {
        **{f"dataset {dataset.name}": (dataset, [*dataset.columns]) for dataset in spec.datasets},
        **{f"feature table {table.name}": (table, [*table.keys], [*table.features]) for table in tables},
        **{f"join key {key}": dtype for table in tables for key, dtype in table.keys.items()},
    }
