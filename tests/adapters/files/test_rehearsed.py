"""Rehearsed nights outlive the process that read them."""

from datetime import date, timedelta

import polars as pl
import pytest

from nightjar.adapters.files import rehearsed
from nightjar.adapters.files.rehearsed import RehearsedFiles
from nightjar.core.inputs.readings import READING
from nightjar.core.ports.rehearsal import Rehearsed

NEWEST = date(2013, 6, 14)
SAMPLE = pl.DataFrame({"entity": ["a", "b"], "size": [1.0, None]})
NIGHTS = {
    NEWEST - timedelta(days=n): Rehearsed(
        readings=pl.DataFrame([("rows", "", "", 100.0 + n)], schema=READING, orient="row"),
        sample=SAMPLE if n < 2 else SAMPLE.clear(),
    )
    for n in range(3)
}


def alike(one, other):
    assert [*one] == [*other]
    assert all(one[night].readings.equals(other[night].readings) for night in one)
    assert all(one[night].sample.equals(other[night].sample) for night in one)


def test_another_process_gets_what_was_put(tmp_path):
    RehearsedFiles(tmp_path).put("toy", "first", NIGHTS)
    alike(RehearsedFiles(tmp_path).get("toy", "first"), NIGHTS)
    assert RehearsedFiles(tmp_path).get("toy", "second") is None
    assert RehearsedFiles(tmp_path).get("other", "first") is None


def test_no_nights_and_nights_without_rows_are_kept_too(tmp_path):
    none = {NEWEST: Rehearsed(readings=NIGHTS[NEWEST].readings, sample=pl.DataFrame())}
    for group, nights in (("nothing", {}), ("no rows", none)):
        RehearsedFiles(tmp_path).put("toy", group, nights)
        alike(RehearsedFiles(tmp_path).get("toy", group), nights)


@pytest.mark.parametrize("lost", ["readings.parquet", "samples.parquet"])
def test_half_a_group_or_a_damaged_one_is_none(tmp_path, lost):
    RehearsedFiles(tmp_path).put("toy", "first", NIGHTS)
    (tmp_path / "toy" / "first" / lost).write_bytes(b"half a fi")
    assert RehearsedFiles(tmp_path).get("toy", "first") is None
    (tmp_path / "toy" / "first" / lost).unlink()
    assert RehearsedFiles(tmp_path).get("toy", "first") is None


def test_only_the_last_groups_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(rehearsed, "KEPT", 2)
    files = RehearsedFiles(tmp_path)
    for group in "abc":
        files.put("toy", group, NIGHTS)
    assert len([*(tmp_path / "toy").iterdir()]) == 2
    alike(RehearsedFiles(tmp_path).get("toy", "c"), NIGHTS)


def test_a_disk_that_takes_nothing_stops_nobody(tmp_path):
    (tmp_path / "toy").write_text("a file where a folder should be")
    files = RehearsedFiles(tmp_path)
    files.put("toy", "first", NIGHTS)
    alike(files.get("toy", "first"), NIGHTS)
    assert RehearsedFiles(tmp_path).get("toy", "first") is None
