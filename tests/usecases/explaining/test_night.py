"""The reasons of a published night: those of the rows that were asked for, once, and by the run's version."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.explaining.contributions import BASE
from nightjar.core.model.explain import Explain
from nightjar.core.night.entities import Night
from nightjar.testing.expectations import MemoryExpectations
from nightjar.testing.memory import (
    MemoryDriftLedger,
    MemoryOutcomes,
)
from nightjar.testing.nights import changed, in_memory
from nightjar.testing.predictors import Formula
from nightjar.testing.raws import Steady
from nightjar.testing.reasons import MemoryReasons
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.explaining.night import ExplainNight
from nightjar.usecases.monitoring.challenge import JudgeChallenger
from nightjar.usecases.monitoring.estimate import EstimateNights
from nightjar.usecases.monitoring.follow_up import FollowUp
from nightjar.usecases.monitoring.measure import MeasureNights
from nightjar.usecases.monitoring.monitor import WatchNight

DAY = date(2013, 6, 15)
NIGHT = Night(model="toy", score_date=DAY, as_of=datetime(2013, 6, 15, 1, tzinfo=UTC))
KEYS = [f"k{n:02}" for n in range(40)]
SPEC = toy_spec(
    part_rows=40,
    explain=Explain(highest=3, words={"x": "{value} steps"}),
    outcomes=lambda raw, _: raw["happened"],
)


@dataclass
class World(Steady):
    """Forty rows, and how many were asked for their features."""

    retrieved: list = field(default_factory=list)

    def recorded(self, dataset, days=None):
        return {}

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": KEYS})

    def retrieve(self, spec, entities):
        self.retrieved.append(entities.height)
        return entities.with_columns(x=pl.col("entity_key").str.tail(2).cast(pl.Float64))


@dataclass(frozen=True)
class Additive(Formula):
    """Adds a tenth of the deviation from the sample's mean."""

    score: pl.Expr = pl.col("x") / 100

    def contributions(self, frame, sample):
        return frame.select((pl.col("x") - sample["x"].mean()).alias("x") / 100, pl.lit(0.195).alias(BASE))


@dataclass
class Predictors:
    predictor: object = Additive()

    def load(self, spec, version):
        return self.predictor


class Unwilling(MemoryReasons):
    error: Exception | None = None

    def record(self, run, reasons, note=None):
        if self.error is not None:
            raise self.error
        super().record(run, reasons, note)


@pytest.fixture
def scoring(tmp_path: Path):
    artifacts, registry = FsspecArtifacts(f"file://{tmp_path}/artifacts"), MemoryRegistry()
    world = World()
    file = tmp_path / "reference.parquet"
    pl.DataFrame({"x": [float(n) for n in range(40)], "score": [n / 100 for n in range(40)]}).write_parquet(
        file
    )
    champion_of(registry, reference_uri=artifacts.put("reference", file)[0])
    night = in_memory(
        spec=SPEC,
        raw=world,
        features=world,
        artifacts=artifacts,
        registry=registry,
        check=check,
        predictors=Predictors(),
    )
    return followed(night, Unwilling(), MemoryDriftLedger())


def followed(night, reasons, drift):
    watch = WatchNight(
        inputs=night.inputs,
        store=night.store,
        profiles=night.guard.profiles,
        ledger=drift,
        writer=None,
    )
    outcomes = MemoryOutcomes(night.store)
    measure = MeasureNights(inputs=night.inputs, store=night.store, outcomes=outcomes)
    explain = ExplainNight(inputs=night.inputs, store=night.store, ledger=reasons)
    judge = JudgeChallenger(spec=night.inputs.spec, registry=MemoryRegistry(), outcomes=outcomes)
    estimate = EstimateNights(
        inputs=night.inputs,
        store=night.store,
        outcomes=outcomes,
        readings=night.guard.readings,
        ledger=MemoryExpectations(night.store),
    )
    follow = FollowUp(
        watch=watch,
        measure=measure,
        explain=explain,
        estimate=estimate,
        judge=judge,
        step=lambda name, run, work: work(),
    )
    return replace(night, follow=follow)


def kept(scoring, summary):
    explain = scoring.follow.explain
    return explain.ledger.reasons(scoring.store.run(summary.run_id)).rows()


def test_a_published_night_has_the_reasons_of_the_rows_that_were_asked_for(scoring):
    night = scoring.run(NIGHT)
    assert night.lacks == ()
    assert kept(scoring, night) == [
        (f"k{n}", 1, "x", str(n), pytest.approx((n - 19.5) / 100), f"{n} steps") for n in (37, 38, 39)
    ]
    assert scoring.inputs.raw.retrieved == [40, 40], "once for the part, once for the audit"


def test_only_the_rows_that_are_explained_are_fetched(scoring):
    night = replace(scoring, follow=lambda run, audited=None: ()).run(NIGHT)
    scoring.inputs.raw.retrieved.clear()
    run = scoring.store.run(night.run_id)
    scoring.follow.explain(run)
    assert (scoring.inputs.raw.retrieved, len(kept(scoring, night))) == ([3], 3)


def test_no_other_scores_are_read(scoring):
    run, read = scoring.store.run(scoring.run(NIGHT).run_id), []

    class Reader:
        def highest(self, *asked):
            read.append(scoring.store.highest(*asked))
            return read[-1]

    replace(scoring.follow.explain, store=Reader(), ledger=MemoryReasons())(run)
    assert [rows.height for rows in read] == [3]


def test_reasons_are_stored_once_a_run(scoring):
    night = scoring.run(NIGHT)
    first, run = kept(scoring, night), scoring.store.run(night.run_id)
    scoring.inputs.predictors.predictor = Formula(pl.col("x"))
    assert scoring.follow(run) == ()
    scoring.follow.explain(run)
    assert kept(scoring, night) == first


def test_a_failure_takes_nothing_back_and_monitoring_does_it_later(scoring):
    reasons = scoring.follow.explain.ledger
    reasons.error = StoreUnavailable("the database", "it is gone")
    night = scoring.run(NIGHT)
    assert [lack.partition(":")[0] for lack in night.lacks] == ["reasons"]
    assert scoring.store.publication("toy", DAY).run_id == night.run_id
    assert [*scoring.follow.catch_up()] == [DAY]
    reasons.error = None
    assert scoring.follow.catch_up() == {}
    assert len(kept(scoring, night)) == 3


def test_a_version_whose_learner_cannot_tell_is_noted_and_is_no_failure(scoring):
    scoring.inputs.predictors.predictor = Formula(pl.col("x") / 100)
    night = scoring.run(NIGHT)
    assert (night.lacks, kept(scoring, night)) == ((), [])
    (note,) = scoring.follow.explain.ledger.notes.values()
    assert note.startswith("version 1: the learner 'formula' gives no contributions of inputs")
    assert scoring.follow.explain.lacking([night.run_id]) == frozenset()


def test_a_night_of_which_no_row_is_asked_for_is_done_as_well(scoring):
    asked = changed(scoring, spec=replace(SPEC, explain=Explain(above=0.9)))
    asked = followed(asked, scoring.follow.explain.ledger, scoring.follow.watch.ledger)
    night = asked.run(NIGHT)
    assert (kept(asked, night), asked.follow.explain.lacking([night.run_id])) == ([], frozenset())


def test_a_model_that_asks_for_none_has_none(scoring):
    silent = followed(
        changed(scoring, spec=replace(SPEC, explain=None)), scoring.follow.explain.ledger, MemoryDriftLedger()
    )
    night = silent.run(NIGHT)
    assert silent.follow.explain.lacking([night.run_id]) == frozenset()
    silent.follow.explain(silent.store.run(night.run_id))
    assert scoring.follow.explain.ledger.explained(range(99)) == frozenset()
