"""A streamed population gives the same night, and is never held as a whole."""

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.inputs import ContractBroken, NoPopulation
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.data import windows
from nightjar.usecases.scoring import inputs, sorting
from tests.usecases.scoring.test_work import NIGHT, PARTS, ROWS, Features, Raw

BY_KEY = Formulas(lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 20_000)


class LazyRaw(Raw):
    def scan(self, dataset, first, last, known_at=None):
        return self.read(dataset, first, last, known_at).reverse().lazy()


def night_of(folder, **changes):
    registry = MemoryRegistry()
    champion_of(registry)
    return in_memory(
        spec=toy_spec(**changes),
        raw=LazyRaw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{folder}"),
        predictors=BY_KEY,
        registry=registry,
        check=check,
    )


def streamed(population):
    return {"population": population, "streamed": True}


def every_row(raw, score_date):
    return raw["planned"]


def no_row(raw, score_date):
    return raw["planned"].clear()


def collected(raw, score_date):
    return raw["planned"].collect()


@pytest.mark.parametrize("at_hand", [0, ROWS], ids=["written as it is made", "taken as it is made"])
def test_the_scores_are_those_of_the_same_night_as_a_frame(at_hand, tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "AT_HAND", at_hand)
    monkeypatch.setattr(sorting, "AT_HAND", 0)
    monkeypatch.setattr(sorting, "ROWS_AT_ONCE", 3)
    nights = night_of(tmp_path), night_of(tmp_path, **streamed(every_row))
    one, other = (each.store.published_scores(each.store.run(each.run(NIGHT).run_id)) for each in nights)
    assert one.equals(other)
    assert one.height == ROWS


def test_many_rows_wait_on_the_disk_and_no_more_than_a_batch_is_read_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(windows, "AT_HAND", 0)
    monkeypatch.setattr(inputs, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(sorting, "ROWS_AT_ONCE", 3)
    monkeypatch.setattr(windows, "batches_by", lambda *_: pytest.fail("batches may wait in memory"))
    read, real = [], sorting.spread

    def spread(rows, bounds):
        read.append(rows.height)
        return real(rows, bounds)

    monkeypatch.setattr(sorting, "spread", spread)
    assert night_of(tmp_path, **streamed(every_row)).run(NIGHT).parts == PARTS
    assert sum(read) == ROWS
    assert max(read) == 3


def test_the_population_is_never_sorted_or_read_as_a_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(sorting, "AT_HAND", 0)
    monkeypatch.setattr(sorting, "ROWS_AT_ONCE", 3)
    heights, real = [], sorting.ordered_population

    def ordered(rows):
        heights.append(rows.height)
        return real(rows)

    night = night_of(tmp_path, **streamed(every_row))
    monkeypatch.setattr(sorting, "ordered_population", ordered)
    for whole in ("snapshot", "population"):
        monkeypatch.setattr(type(night.inputs), whole, lambda *_: pytest.fail("all rows were held at once"))
    assert night.run(NIGHT).parts == PARTS
    assert sum(heights) == ROWS
    assert max(heights) < ROWS


def test_a_streamed_population_without_rows_is_none(tmp_path):
    with pytest.raises(NoPopulation):
        night_of(tmp_path, **streamed(no_row)).run(NIGHT)


def test_a_frame_in_place_of_a_lazy_one_is_refused(tmp_path):
    with pytest.raises(ContractBroken, match=r"not a polars\.LazyFrame"):
        night_of(tmp_path, **streamed(collected)).run(NIGHT)
