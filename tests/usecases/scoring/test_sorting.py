"""A population that comes in batches is sorted on the disk as it would be in memory."""

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.core.errors.inputs import ContractBroken
from nightjar.core.night.population import by_content, cut, ordered_population
from nightjar.usecases.scoring import sorting
from nightjar.usecases.scoring.sorting import Sorting, in_parts

KEYS = st.lists(st.none() | st.text("abc", max_size=3), min_size=1, max_size=60)


def rows_of(keys: list[str | None]) -> pl.DataFrame:
    rows = pl.DataFrame({"entity_key": keys}, schema={"entity_key": pl.String})
    return rows.with_columns(x=pl.int_range(pl.len()) * 7919 % 101)


@settings(max_examples=40)
@given(KEYS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 20), st.integers(0, 1_000))
def test_batches_give_the_parts_of_the_whole(
    keys: list[str | None], batch: int, at_once: int, part_rows: int, at_hand: int
) -> None:
    rows = rows_of(keys)
    with (
        TemporaryDirectory() as folder,
        patch.object(sorting, "ROWS_AT_ONCE", at_once),
        patch.object(sorting, "EVERY", 2),
        patch.object(sorting, "AT_HAND", at_hand),
    ):
        taken = Sorting(Path(folder)).take(rows.iter_slices(batch))
        parts = cut(taken.rows, part_rows)
        found = list(in_parts(taken.sorted(), parts))
        assert not [*Path(folder).iterdir()]
    assert [part.height for part in found] == [part.rows for part in parts]
    assert pl.concat(found).equals(ordered_population(by_content(rows)))


def test_few_rows_never_lie_on_the_disk(tmp_path: Path) -> None:
    taken = Sorting(tmp_path).take(rows_of(["b", "a"] * 9).iter_slices(2))
    assert not [*tmp_path.iterdir()]
    with patch.object(sorting, "kept", side_effect=AssertionError):
        assert pl.concat(taken.sorted()).height == 18


@pytest.mark.parametrize("at_hand", [0, sorting.AT_HAND])
def test_the_order_in_which_rows_come_changes_nothing(tmp_path: Path, at_hand: int) -> None:
    rows = rows_of(["b", "a", "b", None, "a", None])
    with patch.object(sorting, "ROWS_AT_ONCE", 2), patch.object(sorting, "AT_HAND", at_hand):
        one, other = (
            pl.concat(Sorting(tmp_path).take(each.iter_slices(2)).sorted()) for each in (rows, rows.reverse())
        )
    assert one.equals(other)


def test_rows_without_a_key_column_are_refused_and_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ContractBroken, match="entity_key is missing"):
        Sorting(tmp_path).take([pl.DataFrame({"x": [1]})])
    assert not [*tmp_path.iterdir()]
