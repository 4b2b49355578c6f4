"""A night does no work twice. Calls are counted, not seconds."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.night.entities import Night
from nightjar.testing.counting import below, counted
from nightjar.testing.memory import MemoryNights
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of

NIGHT = Night(model="toy", score_date=date(2013, 6, 15), as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
ROWS, PARTS = 10, 3
KEYS = tuple(f"k{n}" for n in range(ROWS))


@dataclass
class Raw(Steady):
    keys: Sequence[str | None] = KEYS

    def refused(self, dataset):
        return ()

    def recorded(self, dataset):
        return {}

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": self.keys})


class Features:
    def __init__(self):
        self.asked = []

    def generations(self, spec):
        return {}

    def reading(self, generations):
        return self

    def retrieve(self, spec, entities):
        self.asked.append(entities.height)
        return entities.with_columns(x=pl.col("entity_key").str.len_chars().cast(pl.Float64))


@pytest.fixture
def calls_of(monkeypatch):
    """Counts the calls of methods by name."""
    calls = Counter()

    def watch(owner, *names):
        for name in names:
            real = getattr(owner, name)

            def call(*args, real=real, name=name, **kwargs):
                calls[name] += 1
                return real(*args, **kwargs)

            monkeypatch.setattr(owner, name, call)
        return calls

    return watch


@pytest.fixture
def night(tmp_path):
    registry, spec = MemoryRegistry(), toy_spec()
    champion_of(registry)
    by_key = Formulas(lambda version: (pl.col("entity_key").hash(seed=1) % 10_000) / 20_000)
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=by_key,
        registry=registry,
        check=check,
    )


def test_the_scores_of_a_night_are_described_once(night, calls_of):
    calls = calls_of(MemoryNights, "distribution")
    assert night.run(NIGHT).parts == PARTS
    assert calls["distribution"] == 1


def parts_read(work, folder):
    """How often each part of a population was read."""
    read = Counter(below(work.read, folder))
    verified = Counter(path for path in below(work.opened, folder) if path in read)
    assert verified == read, "a file is opened once more, to compare its hash"
    return sorted(read.values())


def test_a_part_of_the_population_is_read_by_its_part_alone(night, tmp_path):
    with counted() as work:
        assert night.run(NIGHT).parts == PARTS
    assert parts_read(work, tmp_path) == [1] * PARTS, "the audit took its rows when they were stored"


def test_a_run_that_another_process_stored_is_read_once_more_by_the_audit(night, tmp_path, monkeypatch):
    with monkeypatch.context() as lost:
        lost.setattr(Features, "retrieve", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            night.run(NIGHT)
    with counted() as work:
        assert night.run(NIGHT).parts == PARTS
    assert parts_read(work, tmp_path) == [2] * PARTS


def test_a_population_with_a_row_that_cannot_be_scored_is_read_once_more(night, tmp_path):
    lacking = Raw(keys=[*KEYS[1:], None])
    with counted() as work:
        found = replace(night, inputs=replace(night.inputs, raw=lacking)).run(NIGHT, accept="a test")
    assert (found.scored, found.quarantined) == (ROWS - 1, 1)
    assert parts_read(work, tmp_path) == [2] * PARTS, "the sample has other places"


def test_features_are_retrieved_for_each_part_and_for_the_audit(night):
    assert night.run(NIGHT).parts == PARTS
    asked = night.inputs.features.asked
    assert len(asked) == PARTS + 1
    assert sum(asked) == 2 * ROWS


def test_what_is_published_already_is_not_read_again(night, tmp_path):
    night.run(NIGHT)
    before = [*night.inputs.features.asked]
    with counted() as work:
        assert night.run(NIGHT).already_published
    assert (below(work.read, tmp_path), night.inputs.features.asked) == ([], before)
