"""A second reading of features: what rows were given, beside what their keys should have.

A join may give other rows than the feature tables hold, and a table other values than its code computes.
"""

from collections.abc import Iterator

import polars as pl

from nightjar.core.inputs.findings import Finding
from nightjar.core.inputs.ordinary_readings import RATE
from nightjar.core.model.spec import FeatureTable
from nightjar.core.wording import two_lines

SHOULD = " should be"
SAME = 1e-9
"""Two computed numbers may differ by this share. Numbers that are read twice are the same."""


def misread(rows: pl.DataFrame, table: FeatureTable, held: pl.DataFrame) -> Iterator[Finding]:
    """Say which features of a table rows were given otherwise than the table holds them.

    rows: with the keys of the table, and its features as they were retrieved. held: keys and features of the
    rows that should have been read, a row a key. Keys that are not in it say nothing.
    """
    told = f"Rows have other values of {{}} than the table {table.name} has for their keys as of the night"
    yield from _otherwise("misread", rows, table, held, told)


def misbuilt(rows: pl.DataFrame, table: FeatureTable, anew: pl.DataFrame) -> Iterator[Finding]:
    """Say which features of a table rows were given otherwise than they are if they are computed now.

    anew: what the table's code gives of what was delivered, as `held` of `misread`.
    """
    told = (
        f"Rows have other values of {{}} than {table.name} gives if it is computed again from the deliveries"
    )
    yield from _otherwise("misbuilt", rows, table, anew, told, SAME)


def _otherwise(
    check: str, rows: pl.DataFrame, table: FeatureTable, right: pl.DataFrame, told: str, same: float = 0.0
) -> Iterator[Finding]:
    names = [name for name in table.features if name in rows.columns]
    kinds = {**table.keys, **table.features}
    given = rows.lazy().select(
        pl.col(name).cast(kind) for name, kind in kinds.items() if name in rows.columns
    )
    otherwise = (
        given.join(right.lazy(), on=[*table.keys], suffix=SHOULD)
        .select(_differs(name, table.features[name], same) for name in names)
        .collect()
    )
    wrong = [name for name in names if otherwise[name].any()]
    if wrong:
        count = int(otherwise.select(pl.any_horizontal(wrong).sum()).item())
        yield Finding(
            name=check,
            column=", ".join(wrong),
            number=count / otherwise.height,
            expected=0.0,
            limit=0.0,
            rate=RATE,
            sentence=two_lines(
                told.format(", ".join(wrong)),
                f"Sampled rows with other values: {count} of {otherwise.height}. Limit: 0",
            ),
        )


def _differs(name: str, kind: pl.DataType, same: float) -> pl.Expr:
    given, right = pl.col(name), pl.col(f"{name}{SHOULD}")
    otherwise = given.ne_missing(right)
    if same and kind.is_float():
        otherwise &= ~((given - right).abs() <= same * right.abs()).fill_null(value=False)
    return otherwise.alias(name)
