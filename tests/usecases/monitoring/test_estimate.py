"""What is expected of a night before its outcomes are known: kept when it is made, held to what came true."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.inputs.readings import READING
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.spec import ModelSpec
from nightjar.core.monitoring.entities import Measurement
from nightjar.core.monitoring.foreseen import Method
from nightjar.core.night.claim import Request
from nightjar.core.night.entities import Night, Part, Population, Run
from nightjar.core.night.part_rows import SCORES
from nightjar.testing.expectations import MemoryExpectations
from nightjar.testing.memory import MemoryNights, MemoryOutcomes
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.specs import spec_of_kind, toy_spec
from nightjar.testing.versions import registered, toy_version
from nightjar.usecases.monitoring.estimate import LATELY, EstimateNights
from nightjar.usecases.scoring.inputs import NightInputs

FIRST, ROWS = date(2013, 3, 1), 60
KEYS = [f"k{n}" for n in range(ROWS)]
SPEC = toy_spec(maturity_days=1)


def noon(day):
    return datetime(day.year, day.month, day.day, 12, tzinfo=UTC)


@dataclass
class World:
    """Nights whose scores state the chance of the event, but for cold ones, where it is one half."""

    store: MemoryNights = field(default_factory=MemoryNights)
    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(5))
    runs: list[Run] = field(default_factory=list)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    spec: ModelSpec = SPEC

    def __post_init__(self):
        self.outcomes, self.readings = MemoryOutcomes(self.store), MemoryReadings(self.store)
        self.ledger = MemoryExpectations(self.store)

    @property
    def estimate(self):
        nothing = dict.fromkeys(("raw", "features", "artifacts", "predictors", "check"))
        return EstimateNights(
            inputs=NightInputs(spec=self.spec, registry=self.registry, **nothing),
            store=self.store,
            outcomes=self.outcomes,
            readings=self.readings,
            ledger=self.ledger,
        )

    def publish(self, day, *, cold=False, easy=False, sampled=True, unscored=0, zone=None):
        """Publish a night, with the rows that its audit sampled; return the run and what will happen."""
        scores = self.random.beta(2, 5, ROWS) * (0.3 if easy else 1.0)
        night = Night(model="toy", score_date=day, as_of=noon(day - timedelta(days=1)))
        with self.store.night(night, toy_version(), None, Request()) as claimed:
            population = Population(uri="file:///p", sha256="2" * 64, rows=ROWS, parts=1)
            run = self.store.record_population(claimed.run, population)
            rows = dict.fromkeys(SCORES) | {"entity_key": KEYS, "score": scores}
            quarantined = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))
            self.store.write_part(
                run, Part(number=0, start=0, stop=ROWS), pl.DataFrame(rows, schema=SCORES), quarantined
            )
            if sampled:
                degrees = self.random.normal(-5 if cold else 15, 8, ROWS)
                sample = pl.DataFrame({"entity_key": KEYS, "entity": KEYS, "x": degrees, "score": scores})
                if zone is not None:
                    sample = sample.with_columns(zone=pl.lit("a", pl.Enum(zone)))
                others = sample.head(unscored).with_columns(
                    pl.format("no {}", "entity_key").alias("entity_key"), score=pl.lit(None, pl.Float64)
                )
                self.readings.record(run, pl.DataFrame(schema=READING), pl.concat([others, sample]))
            self.store.publish(run)
        chance = np.full(ROWS, 0.5) if cold else scores
        return run, (self.random.random(ROWS) < chance).astype(float)

    def happen(self, run, happened):
        """The outcomes of a night are delivered on its next morning, and it is measured."""
        known, day = noon(run.score_date + timedelta(days=1)) - timedelta(hours=2), run.score_date
        self.outcomes.record(
            "toy",
            pl.DataFrame({"entity_key": KEYS, "score_date": day, "outcome": happened, "recorded_at": known}),
        )
        rows = self.outcomes.scored("toy", day)
        found = SPEC.kind.measure(rows["score"], rows["outcome"], pl.Series([None] * ROWS))
        metrics = {metric.name: found[metric.name] for metric in SPEC.kind.nightly}
        told = {"run_id": run.id, "model": "toy", "score_date": day, "version_id": run.version_id}
        counts = {"rows": ROWS, "with_outcome": ROWS, "metrics": metrics, "measured_at": known}
        self.outcomes.add([Measurement(**told, **counts)])

    def pass_by(self, nights, *, estimated=True, **of_night):
        """Nights in their order: each is published and estimated, and its outcomes come the day after."""
        for number in range(len(self.runs), len(self.runs) + nights):
            kinds = {name: kind(number) for name, kind in of_night.items()}
            run, happened = self.publish(FIRST + timedelta(days=len(self.runs)), **kinds)
            if estimated:
                self.estimate(run)
            self.happen(run, happened)
            self.runs.append(run)
        return self

    def tomorrow(self, **kind):
        run, _ = self.publish(FIRST + timedelta(days=len(self.runs)), **kind)
        self.estimate(run)
        return run

    def of(self, run):
        found = self.ledger.of_nights("toy", run.score_date)
        return {(one.method, one.metric): one for one in found if one.run_id == run.id}


def every_other_week(number):
    return bool((number // 7) % 2)


NOW = datetime(2014, 1, 1, tzinfo=UTC)


def test_a_loss_that_follows_the_scores_is_estimated_better_than_by_the_nights_before():
    world = World().pass_by(28, easy=every_other_week, estimated=False).pass_by(35, easy=every_other_week)
    last = world.tomorrow().score_date
    brier, base_rate, auc = world.estimate.told(NOW)
    assert brier.startswith(f"{last}: Brier: 0.")
    assert "estimated by" in brier
    assert "estimated by" in base_rate
    assert "AUC" in auc


def test_where_only_the_weather_says_what_a_score_means_pape_is_the_one_that_is_shown():
    world = World().pass_by(28, cold=every_other_week, estimated=False).pass_by(35, cold=every_other_week)
    run = world.tomorrow(cold=True)
    said = world.of(run)
    assert said[Method.PAPE, "base_rate"].value == pytest.approx(0.5, abs=0.08)
    assert said[Method.CBPE, "base_rate"].value < 0.45
    assert said[Method.PAPE, "base_rate"].effective_rows < said[Method.CBPE, "base_rate"].effective_rows
    assert "estimated by PAPE" in world.estimate.told(NOW)[1]


def test_before_four_weeks_of_estimates_have_come_true_nothing_is_estimated():
    world = World().pass_by(30)
    world.tomorrow()
    assert all("fewer than 4 weeks" in sentence for sentence in world.estimate.told(NOW))


def test_nothing_is_said_where_no_night_waits_for_its_outcomes():
    assert World().pass_by(2).estimate.told(NOW) == ()
    assert World().estimate.told(NOW) == ()


def test_what_is_expected_counts_only_what_was_known_on_the_evening_however_late_it_is_made():
    in_time, late = (World().pass_by(35, estimated=False) for _ in range(2))
    in_time.pass_by(3)
    late.pass_by(3, estimated=False)
    for run in late.runs[-3:]:
        late.estimate(run)
    assert [late.of(run) for run in late.runs] == [in_time.of(run) for run in in_time.runs]
    newest = in_time.of(in_time.runs[-1])[Method.CBPE, "brier"]
    assert (newest.nights, newest.rows, newest.known_at) == (28, 28 * ROWS, in_time.runs[-1].as_of)


def test_what_was_expected_first_stays():
    world = World().pass_by(20, estimated=False)
    run = world.tomorrow()
    first = world.of(run)
    world.happen(world.runs[-1], np.zeros(ROWS))
    world.estimate(run)
    assert world.of(run) == first


def test_of_few_past_rows_and_without_sampled_rows_only_the_trailing_mean_is_kept_and_the_others_say_why():
    few, unsampled = (World().pass_by(count, estimated=False) for count in (6, 20))
    for said in (few.of(few.tomorrow()), unsampled.of(unsampled.tomorrow(sampled=False))):
        assert said[Method.TRAILING, "brier"].value is not None
        assert said[Method.PAPE, "brier"].value is None
        assert "past rows have an outcome" in said[Method.CBPE, "brier"].note


def test_sampled_rows_without_a_score_say_nothing():
    with_others, without = (World().pass_by(20, estimated=False) for _ in range(2))
    assert [*with_others.of(with_others.tomorrow(unscored=3)).values()] == [
        *without.of(without.tomorrow()).values()
    ]


def test_of_the_first_night_nothing_is_expected_and_it_is_not_tried_again():
    world = World()
    run = world.tomorrow()
    assert {one.value for one in world.of(run).values()} == {None}
    assert world.of(run)[Method.TRAILING, "auc"].note == "no night before has outcomes"
    assert world.estimate.lacking(world.store.published("toy")) == frozenset()


def test_only_late_nights_are_caught_up_with():
    world = World().pass_by(LATELY + 5, estimated=False)
    lacking = world.estimate.lacking(world.store.published("toy"))
    assert lacking == {run.id for run in world.runs[5:]}


@pytest.mark.parametrize("kind", [REGRESSION, multiclass("on time", "late")], ids=lambda kind: kind.name)
def test_nights_of_another_kind_say_nothing_of_a_night(kind):
    world = World().pass_by(30)
    registered(world.registry)
    world.spec = spec_of_kind(kind, maturity_days=1)
    told = world.of(world.tomorrow()).values()
    assert {(one.value, one.rows) for one in told} == {(None, 0)}


def test_a_night_is_estimated_though_the_list_of_a_category_changed():
    changed = World().pass_by(12, zone=lambda number: ["a", "b"] if number < 6 else ["c", "a"])
    plain = World().pass_by(12)
    run, same = changed.tomorrow(zone=["c", "a"]), plain.tomorrow()
    assert changed.of(run).keys() == plain.of(same).keys()
    assert all(changed.of(run)[each].value == one.value for each, one in plain.of(same).items())
