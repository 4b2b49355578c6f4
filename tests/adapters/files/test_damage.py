"""A damaged file is named, and so is what to do."""

import polars as pl
import pytest

from nightjar.adapters.files.damage import OF_FEATURES, naming_damage
from nightjar.core.errors.inputs import DamagedFile


@pytest.fixture
def files(tmp_path):
    made = [tmp_path / f"{name}.parquet" for name in "abc"]
    for file in made:
        pl.DataFrame({"x": range(1000)}).write_parquet(file)
    return made


@pytest.mark.parametrize("kept", [0, 3, 100, -1])
def test_the_file_that_was_cut_off_is_named(files, kept):
    files[1].write_bytes(files[1].read_bytes()[:kept])
    with (
        pytest.raises(DamagedFile, match=r"b\.parquet is damaged: .*Remove it: the next night builds"),
        naming_damage(files, OF_FEATURES),
    ):
        pl.read_parquet(files)


def test_what_fails_for_another_reason_goes_on_as_it_is(files):
    with pytest.raises(pl.exceptions.ComputeError, match="mine"), naming_damage(files, OF_FEATURES):
        raise pl.exceptions.ComputeError("mine")


def test_a_file_whose_column_has_another_type_is_named_with_the_column(files):
    pl.DataFrame({"x": ["1", "2"]}).write_parquet(files[1])
    told = r"b\.parquet is damaged: its column x is String, and Int64 was written"
    with (
        pytest.raises(DamagedFile, match=told),
        naming_damage(files, OF_FEATURES, lambda _: {"x": pl.Int64()}),
    ):
        pl.read_parquet(files)
