"""What follows every publication, whichever way it comes about: drift rows, and a measurement once its
outcomes are known.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.night.entities import Night
from nightjar.core.night.plan import Planned
from nightjar.showing.remedies import advised
from nightjar.testing.expectations import MemoryExpectations
from nightjar.testing.memory import (
    MemoryDriftLedger,
    MemoryOutcomes,
)
from nightjar.testing.nights import in_memory
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.reasons import MemoryReasons
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.explaining.night import ExplainNight
from nightjar.usecases.monitoring.challenge import JudgeChallenger
from nightjar.usecases.monitoring.estimate import EstimateNights
from nightjar.usecases.monitoring.follow_up import FollowUp, patiently
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.monitoring.monitor import WatchNight
from nightjar.usecases.scoring.backfill import Backfill
from nightjar.usecases.scoring.rollback import roll_back

DAY = date(2013, 6, 15)
AS_OF = datetime(2013, 6, 15, 1, tzinfo=UTC)
KNOWN = datetime(2013, 6, 16, 10, tzinfo=UTC)
"""When the outcomes of DAY were delivered."""
NIGHT = Night(model="toy", score_date=DAY, as_of=AS_OF)
KEYS = [f"k{n:02}" for n in range(40)]


@dataclass
class World(Steady):
    """A population of forty, and what happened to them; `happened` says when that was delivered."""

    happened: dict = field(default_factory=lambda: {DAY: (KNOWN,)})
    retrieved: int = 0

    def recorded(self, dataset, days=None):
        return (
            {day: instants for day, instants in self.happened.items() if days is None or day in days}
            if dataset == "happened"
            else {}
        )

    def read(self, dataset, first, last, known_at=None):
        if dataset.name == "planned":
            return pl.DataFrame({"entity_key": KEYS})
        known = [
            day
            for day, instants in self.happened.items()
            if first <= day <= last and min(instants) <= known_at
        ]
        rows = [(key, day, n % 2, KNOWN) for day in known for n, key in enumerate(KEYS)]
        schema = {
            "entity_key": pl.String,
            "date": pl.Date,
            "outcome": pl.Int8,
            "recorded_at": pl.Datetime("us", "UTC"),
        }
        return pl.DataFrame(rows, schema=schema, orient="row")

    def retrieve(self, spec, entities):
        self.retrieved += entities.height
        return entities.with_columns(x=pl.col("entity_key").str.tail(2).cast(pl.Float64))


class Unwilling(MemoryDriftLedger):
    """Keeps nothing until it is told to."""

    error: Exception | None = None

    def record_drift(self, run, columns):
        if self.error is not None:
            raise self.error
        super().record_drift(run, columns)


def at_once(name, run, work):
    work()


def nobody_challenges(measure):
    return JudgeChallenger(spec=measure.inputs.spec, registry=MemoryRegistry(), outcomes=measure.outcomes)


@pytest.fixture
def scoring(tmp_path: Path):
    artifacts, registry = FsspecArtifacts(f"file://{tmp_path}/artifacts"), MemoryRegistry()
    world = World()
    file = tmp_path / "reference.parquet"
    pl.DataFrame({"x": [float(n) for n in range(40)], "score": [n / 100 for n in range(40)]}).write_parquet(
        file
    )
    champion_of(registry, reference_uri=artifacts.put("reference", file)[0])
    spec = toy_spec(part_rows=40, outcomes=lambda raw, _: raw["happened"])
    night = in_memory(
        spec=spec,
        raw=world,
        features=world,
        artifacts=artifacts,
        registry=registry,
        check=check,
        predictors=Formulas(lambda version: pl.col("x") / 100),
    )
    store = night.store
    watch = WatchNight(
        inputs=night.inputs, store=store, profiles=night.guard.profiles, ledger=Unwilling(), writer=None
    )
    measure = MeasureNights(inputs=night.inputs, store=store, outcomes=MemoryOutcomes(store))
    explain = ExplainNight(inputs=night.inputs, store=store, ledger=MemoryReasons())
    estimate = EstimateNights(
        inputs=night.inputs,
        store=store,
        outcomes=measure.outcomes,
        readings=night.guard.readings,
        ledger=MemoryExpectations(store),
    )
    follow = FollowUp(
        watch=watch,
        measure=measure,
        explain=explain,
        estimate=estimate,
        judge=nobody_challenges(measure),
        step=at_once,
    )
    return replace(night, follow=follow)


@pytest.fixture
def follow_up(scoring):
    return scoring.follow


def test_the_training_sample_of_a_version_is_read_once(scoring):
    version = scoring.inputs.registry.version_by_id(1)
    sample = scoring.inputs.training_sample(version)
    scoring.inputs.artifacts.get(version.reference_uri).unlink()
    assert scoring.inputs.training_sample(version) is sample


def what_is_known(follow_up, run_id):
    run = follow_up.watch.store.run(run_id)
    measured = {
        each.run_id: each.with_outcome for each in follow_up.measure.outcomes.measured("toy", whole=True)
    }
    return [column.column for column in follow_up.watch.ledger.drift(run)], measured.get(run_id)


def by_score(scoring):
    return scoring.run(NIGHT)


def by_force(scoring):
    scoring.run(NIGHT)
    return scoring.run(NIGHT, force=True)


def by_backfill(scoring):
    return Backfill(night=scoring).run([Planned(score_date=DAY)]).nights[0]


def by_rollback(scoring):
    first = replace(scoring, follow=lambda run, audited=None: ()).run(
        NIGHT
    )  # published when nothing followed yet
    scoring.run(NIGHT, force=True)
    roll_back(scoring.store, "toy", DAY, first.run_id, "the second was wrong", follow=scoring.follow)
    return first


def by_a_retry_of_what_was_killed_after_publishing(scoring):
    replace(scoring, follow=lambda run, audited=None: ()).run(NIGHT)
    return scoring.run(NIGHT)


@pytest.mark.parametrize(
    "publish", [by_score, by_force, by_backfill, by_rollback, by_a_retry_of_what_was_killed_after_publishing]
)
def test_every_way_of_publishing_is_followed_by_drift_and_measurement(follow_up, scoring, publish):
    night = publish(scoring)
    assert night.lacks == ()
    assert what_is_known(follow_up, night.run_id) == (["score", "x"], 40)


def test_monitoring_finds_nothing_left_to_do_afterwards(follow_up, scoring):
    night = scoring.run(NIGHT)
    before = follow_up.measure.outcomes.measured("toy", whole=True)
    assert before[0].measured_at == KNOWN
    assert follow_up.measure.outcomes_known(KNOWN + timedelta(days=5)) == before
    assert follow_up.catch_up() == {}
    assert what_is_known(follow_up, night.run_id) == (["score", "x"], 40)


def test_a_night_whose_outcomes_are_not_known_waits_for_them(follow_up, scoring):
    scoring.inputs.raw.happened.clear()
    night = scoring.run(NIGHT)
    assert (night.lacks, what_is_known(follow_up, night.run_id)) == ((), (["score", "x"], None))
    scoring.inputs.raw.happened[DAY] = (KNOWN,)
    scoring.run(NIGHT)
    assert what_is_known(follow_up, night.run_id)[1] == 40


def test_outcomes_delivered_before_the_night_is_mature_are_not_counted(follow_up, scoring):
    scoring.inputs.raw.happened[DAY] = (
        datetime(2013, 6, 16, 3, tzinfo=UTC),
    )  # 23:00 of DAY itself in New York
    night = scoring.run(NIGHT)
    assert what_is_known(follow_up, night.run_id)[1] is None


def test_what_was_audited_is_not_fetched_again(follow_up, scoring):
    scoring.run(NIGHT)
    assert scoring.inputs.raw.retrieved == 2 * len(KEYS), "once for the part, once for the audit"


def test_a_step_that_fails_is_named_and_takes_nothing_back(follow_up, scoring):
    follow_up.watch.ledger.error = StoreUnavailable("the database", "it is gone")
    night = scoring.run(NIGHT)
    assert [lack.partition(". ")[0] for lack in night.lacks] == [
        "drift: the database cannot be reached: it is gone"
    ]
    assert scoring.store.publication("toy", DAY).run_id == night.run_id
    assert what_is_known(follow_up, night.run_id) == ([], 40), "the other step is done"
    assert list(follow_up.catch_up()) == [DAY]
    (lack,) = replace(follow_up, advised=advised).catch_up()[DAY]
    assert "Check it with `nightjar doctor`" in lack
    follow_up.watch.ledger.error = None
    assert follow_up.catch_up() == {}
    assert what_is_known(follow_up, night.run_id) == (["score", "x"], 40)


def test_an_error_that_may_pass_is_given_time_to(follow_up, scoring, monkeypatch):
    ledger = follow_up.watch.ledger
    ledger.error = StoreUnavailable("the database", "it is gone")

    def wait(_):
        ledger.error = None

    monkeypatch.setattr("tenacity.nap.time.sleep", wait)
    night = replace(scoring, follow=replace(follow_up, step=patiently)).run(NIGHT)
    assert (night.lacks, what_is_known(follow_up, night.run_id)[0]) == ((), ["score", "x"])


def test_a_superseded_run_is_not_measured(follow_up, scoring):
    first, second = scoring.run(NIGHT), scoring.run(NIGHT, force=True)
    follow_up.measure.outcomes.added.clear()
    assert follow_up(scoring.store.run(first.run_id)) == ()
    assert what_is_known(follow_up, first.run_id)[1] is None
    assert follow_up(scoring.store.run(second.run_id)) == ()
    assert what_is_known(follow_up, second.run_id)[1] == 40


def test_a_delivery_without_news_adds_only_that_it_was_read(follow_up, scoring):
    scoring.run(NIGHT)
    outcomes = follow_up.measure.outcomes
    (kept,), count = outcomes.measured("toy", whole=True), len(outcomes.added)
    scoring.inputs.raw.happened[DAY] = (KNOWN, KNOWN + timedelta(days=2))  # delivered once more, and the same
    (again,) = follow_up.measure.outcomes_known(KNOWN + timedelta(days=5))
    assert again.deliveries != kept.deliveries
    assert again.same_as(kept.model_copy(update={"deliveries": again.deliveries}))
    assert follow_up.measure.outcomes_known(KNOWN + timedelta(days=6)) == (again,)
    assert len(outcomes.added) == count + 1
