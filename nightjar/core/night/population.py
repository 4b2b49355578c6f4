"""The population of a night: its rows are sorted, checked for faults, and cut into parts."""

import math
from collections.abc import Iterable

import polars as pl

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.night.entities import Part, Receipt

KEY_BYTES = 512
"""The longest entity_key, in bytes of UTF-8. It is well below the limit of a Postgres index entry."""


def ordered_population(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the population sorted by `entity_key`, with a column `fault`.

    `fault` is a String: the reason why a row cannot be scored, or null if there is none.
    If rows share a key, the first has no fault and the others do. A key always has a fault if it is null or
    empty, or if a store cannot hold it. No row is dropped. Raises ContractBroken if there is no text column
    `entity_key`.
    """
    require_keys(rows)
    key = pl.col("entity_key")
    return _sorted(rows).with_columns(
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


def _sorted(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows in the order of their keys. Rows that are in it already are not copied."""
    if rows["entity_key"].is_sorted(nulls_last=True):
        return rows
    return rows.sort("entity_key", nulls_last=True, maintain_order=True)


def require_keys(rows: pl.DataFrame) -> None:
    """Raises ContractBroken if there is no text column `entity_key`."""
    if (found := rows.schema.get("entity_key")) != pl.String:
        raise ContractBroken(
            "the population",
            [
                "column entity_key is missing"
                if found is None
                else f"column entity_key has type {found}, not String"
            ],
        )


def by_content(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows that have no order in the one of their keys. Of a key, the other values say the order.

    So always the same of them is scored.
    """
    in_order = _sorted(rows)
    key = in_order["entity_key"]
    if not key.eq_missing(key.shift()).any():
        return in_order
    return rows.sort("entity_key", pl.all().exclude("entity_key"), nulls_last=True)


def key_is_storable() -> pl.Expr:
    """Return True for an `entity_key` that every store can hold, null for a null."""
    key = pl.col("entity_key").cast(pl.String)
    return key.str.len_bytes().is_between(1, KEY_BYTES) & ~key.str.contains("\0", literal=True)


def cut(rows: int, part_rows: int) -> tuple[Part, ...]:
    """Return parts of at most part_rows rows that cover [0, rows) without gap or overlap.

    Their sizes are as equal as possible, so no part is very small.
    """
    count = math.ceil(rows / part_rows)
    return tuple(nth_part(rows, count, number) for number in range(count))


def nth_part(rows: int, count: int, number: int) -> Part:
    """Return one of the parts of `cut`. The others are not made, so it costs the same however many there are.

    number: from 0 to count - 1.
    """
    return Part(number=number, start=rows * number // count, stop=rows * (number + 1) // count)


def missing_parts(parts: Iterable[Part], receipts: Iterable[Receipt]) -> tuple[Part, ...]:
    """Return the parts without a receipt. A retry has to do only these."""
    stored = {receipt.part for receipt in receipts}
    return tuple(part for part in parts if part.number not in stored)
