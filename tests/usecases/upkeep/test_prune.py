"""Retention over shipped in-memory stores and real files: whatever happened before, nothing that can be
reached goes.
"""

import tempfile
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.files.generation_shelf import GenerationShelf
from nightjar.adapters.files.generations import read_from
from nightjar.adapters.files.shelves import FolderShelf
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import WorkBusy
from nightjar.core.model.generations import Generation
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population, RunState
from nightjar.core.night.part_rows import SCORES
from nightjar.core.upkeep.retention import Policy
from nightjar.testing.holdings import MemoryHoldings
from nightjar.testing.memory import MemoryDriftLedger, MemoryInputProfiles, MemoryNights
from nightjar.testing.versions import toy_candidate
from nightjar.usecases.scoring.snapshot import Snapshots, generations_named
from nightjar.usecases.upkeep.prune import Prune

DAYS = [date(2013, 6, 15), date(2013, 6, 16)]
AS_OF = datetime(2013, 6, 14, 1, tzinfo=UTC)
NONE_ASIDE = pl.DataFrame(schema={"entity_key": pl.String, "reasons": pl.String, "row": pl.String})


@dataclass
class House:
    """The stores, and what history did to them."""

    folder: Path
    store: MemoryNights = field(default_factory=MemoryNights)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    ledger: MemoryDriftLedger = field(default_factory=MemoryDriftLedger)
    shown: dict[int, pl.DataFrame] = field(default_factory=dict)
    puts: int = 0

    def __post_init__(self) -> None:
        self.artifacts = FsspecArtifacts(str(self.folder / "store"))
        self.train()

    def put(self, kind: str, content: str | None = None) -> tuple[str, str]:
        self.puts += 1
        file = self.folder / f"{kind}.parquet"
        file.write_text(content or f"{kind} {self.puts}")
        return self.artifacts.put(kind, file)

    def train(self) -> None:
        (uri, sha256), (model, model_sha256), (reference, _) = (
            self.put("dataset"),
            self.put("model"),
            self.put("reference"),
        )
        dataset = self.registry.add_dataset("toy", sha256, uri, 1, DAYS[0], DAYS[0], AS_OF)
        self.champion = self.registry.add_version(
            toy_candidate(
                dataset_id=dataset.id,
                artifact_uri=model,
                artifact_sha256=model_sha256,
                reference_uri=reference,
            )
        )

    @contextmanager
    def stored(self, day: date, **wanted):
        """A claimed run with its rows in place, unless the night is published and nothing else is wanted."""
        with self.store.night(
            Night(model="toy", score_date=day, as_of=AS_OF), self.champion, None, Request(**wanted)
        ) as claimed:
            run = claimed.run
            if claimed.publication is None:
                if run.population is None:
                    uri, sha256 = self.put("population", "the same" if self.puts % 3 == 0 else None)
                    run = self.store.record_population(
                        run, Population(uri=uri, sha256=sha256, rows=1, parts=1)
                    )
                scores = {
                    "entity_key": ["a"],
                    "score": [run.id / 1000],
                    "outputs": [None],
                    "challenger_score": [None],
                    "challenger_outputs": [None],
                    "arm": [None],
                    "carried_from": [run.base_id],
                }
                self.store.write_part(
                    run, Part(number=0, start=0, stop=1), pl.DataFrame(scores, schema=SCORES), NONE_ASIDE
                )
            yield run

    def publish(self, day: date, **wanted) -> None:
        with self.stored(day, **wanted) as run:
            self.store.publish(run)
            self.shown[run.id] = self.store.published_scores(run)
        self.ledger.record_report(run, "drift", self.put("report")[0])

    def fail(self, day: date, **wanted) -> None:
        with self.stored(day, **wanted) as run:
            self.store.fail(run, "it broke")

    def roll_back(self, day: date) -> None:
        published = [
            run
            for run in self.store.runs("toy", 100)
            if run.score_date == day and run.state is RunState.PUBLISHED
        ]
        if published:
            self.store.roll_back(published[-1], "it was better")

    def repair(self, day: date, *, fails: bool) -> None:
        if shown := self.store.publication("toy", day):
            (self.fail if fails else self.publish)(day, repairs=shown.run_id)

    def prune(self) -> Prune:
        return Prune(
            policy=Policy(),
            holdings=MemoryHoldings(self.store, self.registry, self.ledger, MemoryInputProfiles(self.store)),
            artifacts=self.artifacts,
            drafts=FolderShelf("drafts", (self.folder,), drafts=True),
            inbox=FolderShelf("inbox", (self.folder / "inbox",), drafts=False),
            features=GenerationShelf(self.folder / "features", nullcontext),
            generations_named=partial(generations_named, self.artifacts),
        )

    def require_everything_reachable(self) -> None:
        for row in {night.run_id for day in DAYS for night in self.ledger_rows(day)}:
            run = self.store.run(row)
            assert run.state is RunState.PUBLISHED
            assert self.store.published_scores(run).equals(self.shown[run.id])
            assert self.store.receipts(run)
            for needed in (run, *([self.store.run(run.base_id)] if run.base_id else [])):
                self.artifacts.get(needed.population.uri, needed.population.sha256)
            for uri in self.ledger.reports(run, "drift"):
                self.artifacts.get(uri)
        for version in self.registry.versions("toy"):
            for uri in (version.artifact_uri, version.reference_uri):
                self.artifacts.get(uri)
        for dataset in self.registry.named():
            self.artifacts.get(dataset.uri)

    def ledger_rows(self, day: date):
        return [row for row in self.store._ledger if row.score_date == day]


STEPS = {
    "publish": lambda house, day: house.publish(day),
    "publish again": lambda house, day: house.publish(day, force=True),
    "fail": lambda house, day: house.fail(day),
    "fail again": lambda house, day: house.fail(day, force=True),
    "repair": lambda house, day: house.repair(day, fails=False),
    "fail to repair": lambda house, day: house.repair(day, fails=True),
    "roll back": lambda house, day: house.roll_back(day),
    "train": lambda house, _: house.train(),
    "put and die": lambda house, _: house.put("population"),
    "prune": lambda house, _: house.prune().apply(datetime.now(UTC) + timedelta(days=20)),
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(STEPS)), st.sampled_from(DAYS)), max_size=10),
    st.sampled_from([0, 3, 13, 15]),
)
@settings(max_examples=60)
def test_whatever_happened_nothing_that_can_be_reached_goes(history, days_later):
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        for step, day in history:
            STEPS[step](house, day)
        now = datetime.now(UTC) + timedelta(days=days_later)
        foreseen = house.prune().preview(now)
        house.require_everything_reachable()
        done = house.prune().apply(now)
        assert (done.runs, done.holdings) == (foreseen.runs, foreseen.holdings), "what was shown is what went"
        house.require_everything_reachable()
        assert house.prune().apply(now).holdings == (), "it all went at once"


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


LATER = timedelta(days=15)


def kinds(pruned):
    return {holding.kind: holding.count for holding in pruned.holdings}


def test_an_old_failed_night_goes_with_its_rows_and_its_population(house):
    house.publish(DAYS[0])
    house.fail(DAYS[1])
    assert house.prune().preview(datetime.now(UTC)).holdings == ()
    pruned = house.prune().apply(datetime.now(UTC) + LATER)
    assert kinds(pruned) == {"runs": 1, "score": 1, "receipt": 1, "population": 1}
    assert [run.score_date for run in pruned.runs] == [DAYS[1]]


def test_a_preview_changes_nothing(house):
    house.fail(DAYS[0])
    now = datetime.now(UTC) + LATER
    assert house.prune().preview(now) == house.prune().preview(now)
    assert kinds(house.prune().preview(now))["score"] == 1


def test_a_night_under_way_is_left_and_named(house):
    house.fail(DAYS[0])
    with house.stored(DAYS[1]):
        pruned = house.prune().apply(datetime.now(UTC) + LATER)
        assert pruned.busy == (f"toy {DAYS[1]}",)
        assert [run.score_date for run in pruned.runs] == [DAYS[0]]
        assert kinds(pruned)["population"] == 1


def test_a_file_that_is_put_again_while_it_is_being_pruned_stays(house, monkeypatch):
    uri, sha256 = house.put("population", "the same")
    discard = house.artifacts.discard

    def put_first(file):
        house.put("population", "the same")
        return discard(file)

    monkeypatch.setattr(house.artifacts, "discard", put_first)
    assert house.prune().apply(datetime.now(UTC) + LATER).holdings == ()
    house.artifacts.get(uri, sha256)


def test_old_drafts_and_copies_of_deliveries_go(house, tmp_path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "2013-06-01.csv").write_text("copy")
    (tmp_path / f".part.parquet.{'0' * 32}").write_text("half")
    assert kinds(house.prune().apply(datetime.now(UTC) + timedelta(days=3))) == {"drafts": 1}
    assert kinds(house.prune().apply(datetime.now(UTC) + LATER)) == {"inbox": 1}


@pytest.fixture
def generations(house):
    """Five generations of a table: the first, one of a published night, one of a failed night, one of none,
    and the one that is read.
    """
    table = house.folder / "features" / "carrier"
    for name in ("", "_seen", "_failed", "_nobody", "_now"):
        (table / name / "date=2013-06-01").mkdir(parents=True)
        (table / name / "date=2013-06-01" / "part.parquet").write_text(name)
        read_from(table, Generation(name, name))
    snapshots, rows = Snapshots(house.artifacts), pl.DataFrame({"entity_key": ["a"]})
    fixed = {name: snapshots.fix(rows, 9, {"carrier": name}) for name in ("_seen", "_failed")}
    for day, (name, end) in zip(DAYS, {"_seen": house.publish, "_failed": house.fail}.items(), strict=True):
        with house.store.night(
            Night(model="toy", score_date=day, as_of=AS_OF), house.champion, None, Request()
        ) as claimed:
            house.store.record_population(claimed.run, fixed[name])
        end(day)
    return table


def kept(table):
    return sorted(path.name for path in table.iterdir())


ALL = ["_failed", "_generations.json", "_nobody", "_now", "_seen", "date=2013-06-01"]


def test_only_generations_that_a_kept_run_reads_are_kept(house, generations):
    assert kinds(house.prune().apply(datetime.now(UTC))) == {}
    assert kept(generations) == ALL
    pruned = house.prune().apply(datetime.now(UTC) + timedelta(days=3))
    assert kinds(pruned)["old generations of features"] == 1
    assert kept(generations) == [name for name in ALL if name != "_nobody"]
    assert kinds(house.prune().preview(datetime.now(UTC) + LATER))["old generations of features"] == 1
    house.prune().apply(datetime.now(UTC) + LATER)
    assert kept(generations) == ["_generations.json", "_now", "_seen", "date=2013-06-01"]


def test_no_generation_goes_while_features_are_built_or_after_it_was_taken_up_again(house, generations):
    def busy():
        raise WorkBusy("features of toy", "another process", 0)

    shelf = GenerationShelf(house.folder / "features", busy)
    [nobody] = [file for file in shelf.files() if file.uri.endswith("_nobody")]
    assert not shelf.discard(nobody)
    (generations / "_nobody" / "date=2013-06-02").mkdir()
    assert not GenerationShelf(house.folder / "features", nullcontext).discard(nobody)
    read_from(generations, Generation("_nobody", "_nobody"))
    assert not GenerationShelf(house.folder / "features", nullcontext).discard(nobody)
    assert kept(generations) == ALL
