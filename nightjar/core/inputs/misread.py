"""A second reading of features: what rows were given, beside what the feature tables hold for their keys."""

from collections.abc import Iterator

import polars as pl

from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.ordinary_readings import RATE
from nightjar.core.model.spec import FeatureTable

TABLE = " of the table"


def misread(rows: pl.DataFrame, table: FeatureTable, held: pl.DataFrame) -> Iterator[Finding]:
    """Say which features of a table rows were given otherwise than the table holds them.

    rows: with the keys of the table, and its features as they were retrieved. held: keys and features of the
    rows that should have been read, a row a key. Keys that are not in it say nothing.
    """
    names = [name for name in table.features if name in rows.columns]
    kinds = {**table.keys, **table.features}
    given = rows.lazy().select(
        pl.col(name).cast(kind) for name, kind in kinds.items() if name in rows.columns
    )
    otherwise = (
        given.join(held.lazy(), on=[*table.keys], suffix=TABLE)
        .select(pl.col(name).ne_missing(pl.col(f"{name}{TABLE}")) for name in names)
        .collect()
    )
    wrong = [name for name in names if otherwise[name].any()]
    if wrong:
        count = int(otherwise.select(pl.any_horizontal(wrong).sum()).item())
        yield Finding(
            name="misread",
            column=", ".join(wrong),
            number=count / otherwise.height,
            expected=0.0,
            limit=0.0,
            rate=RATE,
            sentence=(
                f"{', '.join(wrong)}: {count} of {otherwise.height} sampled rows were given other values "
                f"than the table {table.name} holds for their keys as known for the night"
            ),
        )
