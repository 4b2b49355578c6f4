"""Measuring published nights: each when more is known of it than was, and with the newest that is known."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import polars as pl
import pytest

from nightjar.adapters.memory import MemoryOutcomes, MemoryRegistry, MemoryScoreStore
from nightjar.core.entities import Candidate, Night, Part, Population
from nightjar.core.part_rows import SCORES
from nightjar.usecases.monitor import WatchNight

DAYS = [date(2013, 6, 15) + timedelta(days=n) for n in range(3)]
KEYS = ["a", "b"]


def evening(n):
    return datetime(2013, 6, 16, 1, tzinfo=UTC) + timedelta(days=n)


@dataclass
class Raw:
    """What happened on each day, as delivered: (recorded at, outcomes of a and b)."""

    delivered: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)

    def recorded(self, dataset):
        return {day: tuple(at for at, _ in deliveries) for day, deliveries in self.delivered.items()}

    def read(self, dataset, first, last, known_at):
        self.asked.append((first, last))
        known = {day: [kept for kept in deliveries if kept[0] <= known_at] for day, deliveries in self.delivered.items() if first <= day <= last}
        rows = [(day, key, *kept[-1]) for day, kept in known.items() if kept for key in KEYS]
        frame = pl.DataFrame(rows, schema=["score_date", "entity_key", "recorded_at", "both"], orient="row")
        return frame.with_columns(outcome=pl.col("both").list.get(pl.int_range(pl.len()) % 2)).drop("both")


def publish(store, day):
    registry = MemoryRegistry()
    dataset = registry.add_dataset("toy", "0" * 64, "u", 1, day, day, evening(0))
    version = registry.add_version(
        Candidate(
            model="toy", algorithm="catboost", dataset_id=dataset.id, artifact_uri="a", artifact_sha256="1" * 64, reference_uri="r", params={},
            metrics={}, gates=(), code_version="c", trained_through=day,
        )
    )  # fmt: skip
    scores = pl.DataFrame({"entity_key": KEYS, "score": [0.2, 0.8], "challenger_score": None, "carried_from": None}, schema=SCORES)
    quarantined = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))
    with store.night(Night(model="toy", score_date=day, as_of=evening(-1)), version, None) as claimed:
        run = store.record_population(claimed.run, Population(uri="p", sha256="2" * 64, rows=2, parts=1))
        store.write_part(run, Part(number=0, start=0, stop=2), scores, quarantined)
        store.publish(run)


@pytest.fixture
def watch():
    store = MemoryScoreStore()
    for day in DAYS:
        publish(store, day)
    spec = SimpleNamespace(
        name="toy", maturity_days=0, outcome_dataset="happened", dataset=lambda name: SimpleNamespace(name=name), outcomes=lambda raw: raw["happened"]
    )
    raw = Raw({day: [(evening(n), [0, 1])] for n, day in enumerate(DAYS)})
    unused = dict.fromkeys(("artifacts", "registry", "ledger", "writer", "night"))
    return WatchNight(spec=spec, raw=raw, store=store, outcomes=MemoryOutcomes(store), **unused)


def test_a_night_whose_outcomes_are_all_known_is_measured_once(watch):
    first, again = watch.outcomes_known(evening(2)), watch.outcomes_known(evening(3))
    assert [(night.score_date, night.with_outcome, night.auc) for night in first] == [(day, 2, 1.0) for day in DAYS]
    assert again == first
    assert watch.raw.asked == [(DAYS[0], DAYS[-1])]


def test_a_later_correction_measures_its_night_again_and_no_other(watch):
    watch.outcomes_known(evening(2))
    watch.raw.delivered[DAYS[1]].append((evening(4), [1, 0]))
    assert watch.outcomes_known(evening(3))[1].auc == 1.0
    corrected = watch.outcomes_known(evening(5))
    assert [(night.auc, night.measured_at) for night in corrected] == [(1.0, evening(2)), (0.0, evening(5)), (1.0, evening(2))]
    assert watch.raw.asked[1:] == [(DAYS[1], DAYS[1])]


def test_a_night_waits_for_its_delivery(watch):
    late = watch.raw.delivered.pop(DAYS[0])
    assert [night.with_outcome for night in watch.outcomes_known(evening(2))] == [0, 2, 2]
    watch.raw.delivered[DAYS[0]] = late  # recorded in time, landed late
    assert [night.with_outcome for night in watch.outcomes_known(evening(2))] == [2, 2, 2]


def test_without_published_nights_nothing_is_measured(watch):
    empty = MemoryScoreStore()
    none = WatchNight(
        spec=watch.spec,
        raw=watch.raw,
        store=empty,
        outcomes=MemoryOutcomes(empty),
        **dict.fromkeys(("artifacts", "registry", "ledger", "writer", "night")),
    )
    assert none.outcomes_known(evening(2)) == ()
    assert watch.raw.asked == []
