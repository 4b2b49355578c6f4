"""Golden rows: some unseen rows with what a version gave for them at its registration.

It must give the same before each night. Another library, another machine or a changed file shows there.
"""

from collections.abc import Sequence

import polars as pl

from nightjar.core.model.slices import Slice

GOLDEN_ROWS = 64
GIVEN = ("score", "outputs")
Given = float | list[float] | None

BOUNDS = {"blend": 1e-9, "logistic": 1e-9, "sklearn": 1e-9, "onnx": 1e-6}
"""Algorithm -> how far a number may differ, as a share of it, or of 1 for a smaller one.

Their sums of products are made in the order that the processor is best at. ONNX Runtime computes most of them
in 32 bits. Any other learner adds the values of its trees in one order, so its numbers are the same bits.
"""


def golden_rows(unseen: pl.DataFrame, slices: Sequence[Slice], wanted: int = GOLDEN_ROWS) -> pl.DataFrame:
    """Some of the unseen rows, in their order, always the same ones.

    For up to half of them one row of each value of each slice, the most frequent values first. The others are
    spread evenly over all rows, and so over the dates. unseen: sorted by date.
    """
    numbered = unseen.with_row_index("row")
    of_slices = [row for cut in slices for row in _first_of_each(numbered, cut)][: wanted // 2]
    step = max(1, -(-unseen.height // (wanted - len(of_slices))))
    chosen = {*of_slices, *range(0, unseen.height, step)}
    return numbered.filter(pl.col("row").is_in(sorted(chosen))).drop("row")


def _first_of_each(numbered: pl.DataFrame, cut: Slice) -> list[int]:
    by_value = numbered.group_by(value=cut.value()).agg(pl.col("row").first(), rows=pl.len())
    return by_value.sort("rows", "row", descending=[True, False])["row"].to_list()


def given_otherwise(kept: pl.DataFrame, now: pl.DataFrame, algorithm: str) -> str | None:
    """How what a version gives now differs from what was kept, in words. None if it is the same.

    Both: `score` and `outputs` of the same rows in the same order. kept: also `entity_key`.
    """
    bound = BOUNDS.get(algorithm, 0.0)
    others = [
        (row["entity_key"], name, row[name], given)
        for name in GIVEN
        for row, given in zip(kept.iter_rows(named=True), now[name].to_list(), strict=True)
        if not _alike(row[name], given, bound)
    ]
    if not others:
        return None
    (key, what, before, after), count = others[0], len({key for key, *_ in others})
    return (
        f"{count} of {kept.height} golden rows, the first {key!r}: its {what} was {before!r} and is {after!r}"
    )


def _alike(before: Given, after: Given, bound: float) -> bool:
    if isinstance(before, list) and isinstance(after, list):
        pairs = zip(before, after, strict=False)
        return len(before) == len(after) and all(_alike(old, new, bound) for old, new in pairs)
    if isinstance(before, float) and isinstance(after, float):
        return abs(before - after) <= bound * max(1.0, abs(before))
    return before == after
