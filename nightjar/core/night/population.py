"""The rows of a night: in order, their faults named, cut into parts."""

import math
from collections.abc import Iterable
from itertools import pairwise

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.night.entities import Part, Receipt

KEY_BYTES = 512
"""The longest entity_key, in UTF-8: what a Postgres index entry holds with room to spare."""


def ordered_population(rows: pl.DataFrame) -> pl.DataFrame:
    """The population sorted by `entity_key`, with `fault`: what bars a row from being scored.

    `fault` is a String, null where all is well.
    Of rows that share a key the first is kept and the rest are faulty; a key that is null or empty, or that
    no store could hold, is always faulty. Nothing is dropped. Raises ContractBroken where there is no such
    column of texts.
    """
    if (found := rows.schema.get("entity_key")) != pl.String:
        raise ContractBroken(
            "the population",
            [
                "column entity_key is missing"
                if found is None
                else f"column entity_key has type {found}, not String"
            ],
        )
    key = pl.col("entity_key")
    return rows.sort("entity_key", nulls_last=True, maintain_order=True).with_columns(
        pl.when(key.is_null() | (key == ""))
        .then(pl.lit("entity_key is missing"))
        .when(key == key.shift(1))
        .then(pl.lit("entity_key is repeated"))
        .when(key.str.len_bytes() > KEY_BYTES)
        .then(pl.lit(f"entity_key is longer than {KEY_BYTES} bytes"))
        .when(key.str.contains("\0", literal=True))
        .then(pl.lit("entity_key holds a NUL character"))
        .alias("fault")
    )


def key_is_storable() -> pl.Expr:
    """Whether `entity_key` is one that every store can hold; null for a null."""
    key = pl.col("entity_key").cast(pl.String)
    return key.str.len_bytes().is_between(1, KEY_BYTES) & ~key.str.contains("\0", literal=True)


def cut(rows: int, part_rows: int) -> tuple[Part, ...]:
    """Parts of at most part_rows that cover [0, rows) without gap or overlap.

    They are as equal as can be: no part is a sliver.
    """
    count = math.ceil(rows / part_rows)
    edges = [rows * n // count for n in range(count + 1)] if count else []
    return tuple(Part(number=n, start=start, stop=stop) for n, (start, stop) in enumerate(pairwise(edges)))


def missing_parts(parts: Iterable[Part], receipts: Iterable[Receipt]) -> tuple[Part, ...]:
    """The parts without a receipt: all that a retry has to do."""
    stored = {receipt.part for receipt in receipts}
    return tuple(part for part in parts if part.number not in stored)
