"""A population fixed for its parts: each reads its own rows, and no others."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.core.night.entities import Population, Run, RunState
from nightjar.usecases.scoring.snapshot import Snapshots, parts_of

NOW = datetime(2013, 6, 15, 1, tzinfo=UTC)


def rows_of(count):
    return pl.DataFrame(
        {
            "entity_key": [f"k{n:04}" for n in range(count)],
            "gate": range(count),
            "fault": pl.Series([None] * count, dtype=pl.String),
        }
    )


def run_with(population):
    return Run(
        id=1,
        model="toy",
        score_date=date(2013, 6, 15),
        revision=1,
        attempt=1,
        state=RunState.CLAIMED,
        as_of=NOW,
        known_at=NOW,
        version_id=1,
        population=population,
    )


@dataclass
class Watched:
    """An artifact store that notes what is read."""

    store: FsspecArtifacts
    read: list = field(default_factory=list)

    def __getattr__(self, name):
        return getattr(self.store, name)

    def get(self, uri, sha256=None):
        self.read.append(uri)
        return self.store.get(uri, sha256)

    def get_member(self, uri, sha256, number, suffix):
        self.read.append(number)
        return self.store.get_member(uri, sha256, number, suffix)


@given(rows=st.integers(1, 60), part_rows=st.integers(1, 70))
def test_the_parts_joined_are_the_population(rows, part_rows, tmp_path_factory):
    population = rows_of(rows)
    snapshots = Snapshots(FsspecArtifacts(str(tmp_path_factory.mktemp("store"))))
    fixed = snapshots.fix(population, part_rows)
    run = run_with(fixed)
    assert (fixed.rows, fixed.parts) == (rows, -(-rows // part_rows))
    assert snapshots.whole(run).equals(population)
    assert all(
        snapshots.part(run, part).equals(population.slice(part.start, part.rows)) for part in parts_of(run)
    )
    assert snapshots.fix(population, part_rows) == fixed
    asked = pl.Series([f"k{rows - 1:04}", "unknown", "k0000"])
    assert snapshots.of_keys(run, asked).equals(population[sorted({0, rows - 1})])


long = st.text(max_size=3).map(lambda text: "a" * 70 + text)


@given(keys=st.sets(long, min_size=1), part_rows=st.integers(1, 5))
def test_long_keys_that_differ_at_their_ends_alone_are_found(keys, part_rows, tmp_path_factory):
    rows = pl.DataFrame({"entity_key": sorted(keys), "gate": 1})
    snapshots = Snapshots(FsspecArtifacts(str(tmp_path_factory.mktemp("store"))))
    run = run_with(snapshots.fix(rows, part_rows))
    for asked in (rows["entity_key"][:1], rows["entity_key"][-1:], rows["entity_key"][::3]):
        assert snapshots.of_keys(run, asked).equals(rows.filter(pl.col("entity_key").is_in(asked.implode())))


def test_a_part_reads_its_own_file_alone(tmp_path):
    artifacts = Watched(FsspecArtifacts(str(tmp_path)))
    snapshots = Snapshots(artifacts)
    run = run_with(snapshots.fix(rows_of(1000), 10))
    artifacts.read.clear()
    part = parts_of(run)[42]
    assert snapshots.part(run, part)["gate"].to_list() == list(range(420, 430))
    assert artifacts.read == [42]


def test_a_population_of_one_file_is_still_read(tmp_path):
    artifacts, file = FsspecArtifacts(str(tmp_path / "store")), tmp_path / "population.parquet"
    rows_of(25).write_parquet(file)
    uri, sha256 = artifacts.put("population", file)
    run = run_with(Population(uri=uri, sha256=sha256, rows=25, parts=3))
    snapshots = Snapshots(artifacts)
    assert snapshots.whole(run).equals(rows_of(25))
    assert snapshots.part(run, parts_of(run)[1])["gate"].to_list() == list(range(8, 16))
    assert snapshots.of_keys(run, pl.Series(["k0024"])).equals(rows_of(25)[24:])


def test_a_run_without_a_population_has_none_to_read(tmp_path):
    assert parts_of(run_with(None)) == ()
    with pytest.raises(ValueError, match="no population yet"):
        Snapshots(FsspecArtifacts(str(tmp_path))).part(
            run_with(None), parts_of(run_with(Population(uri="u", sha256="0" * 64, rows=1, parts=1)))[0]
        )


def test_a_run_keeps_the_generations_of_feature_tables_that_it_was_fixed_with(tmp_path):
    snapshots, rows = Snapshots(FsspecArtifacts(f"file://{tmp_path}")), rows_of(10)
    plain = run_with(snapshots.fix(rows, 4))
    first = run_with(snapshots.fix(rows, 4, {"carrier": ""}))
    second = run_with(snapshots.fix(rows, 4, {"carrier": "_two", "weather": ""}))
    assert [snapshots.generations(run) for run in (plain, first, second)] == [{}, {}, {"carrier": "_two"}]
    assert plain.population == first.population != second.population
    assert second.population.parts == 3
    assert snapshots.whole(second).equals(rows)
