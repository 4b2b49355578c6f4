"""Late data and mended rows: a published night is scored again where its inputs changed, and only there."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import pandera.polars as pa
import polars as pl
import pytest

from nightjar.adapters.contracts import check
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.database import StoreUnavailable
from nightjar.core.errors.night import AuditFailed, Stopped
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import Night
from nightjar.core.night.repair import Touched
from nightjar.testing.memory import MemoryGoOn, MemoryNights
from nightjar.testing.nights import changed, in_memory, with_parts
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.runs import claimed
from nightjar.testing.specs import HAPPENED, PLANNED, WEATHER, toy_spec
from nightjar.testing.versions import champion_of
from nightjar.usecases.scoring.repair import late_deliveries, late_nights, nights_aside, repair_of

DAY = date(2013, 6, 15)
AS_OF = datetime(2013, 6, 15, 1, tzinfo=UTC)
LATER = AS_OF + timedelta(days=3)
NIGHT = Night(model="toy", score_date=DAY, as_of=AS_OF)
GATES = replace(PLANNED, columns={"entity_key": pl.String(), "gate": pl.Int64()})


@dataclass
class World(Steady):
    """What was delivered, and when: populations and features by the instant from which they were known."""

    populations: dict = field(default_factory=dict)
    features: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    newest: str = ""

    def deliver(self, at=AS_OF, gates=None, features=None):
        if gates is not None:
            self.populations[at] = gates
        if features is not None:
            self.features[at] = features

    def known(self, deliveries, at):
        return deliveries[max(instant for instant in deliveries if instant <= at)]

    def recorded(self, dataset):
        return {DAY: tuple(sorted({*self.populations, *self.features}))}

    def read(self, dataset, first, last, known_at=None):
        gates = self.known(self.populations, known_at)
        return pl.DataFrame(
            {"entity_key": list(gates), "gate": list(gates.values())},
            schema={"entity_key": pl.String, "gate": pl.Int64},
        )

    def generations(self, spec):
        return {"weather": self.newest} if self.newest else {}

    def reading(self, generations):
        return Reading(self, generations)

    def retrieve(self, spec, entities):
        self.asked.append(entities["entity_key"].to_list())
        at = entities["known_at" if "known_at" in entities.columns else "event_timestamp"].max()
        values = self.known(self.features, at) if entities.height else {}
        return entities.with_columns(
            x=pl.col("entity_key").replace_strict(values, return_dtype=pl.Float64, default=None)
        )


@dataclass
class Reading:
    """The features of a generation: those of `_two` are twice as large."""

    world: World
    generations: dict

    def retrieve(self, spec, entities):
        factor = 2 if self.generations.get("weather") == "_two" else 1
        return self.world.retrieve(spec, entities).with_columns(x=factor * pl.col("x"))


BY_SUM = Formulas(lambda version: (pl.col("x") + pl.col("gate")) / 1000)


def contract():
    return pa.DataFrameSchema({"x": pa.Column(pl.Float64)})


@pytest.fixture
def world():
    made = World()
    made.deliver(
        gates={key: n for n, key in enumerate("abcdef")},
        features={key: 100.0 + n for n, key in enumerate("abcdef")},
    )
    return made


@pytest.fixture
def scoring(world, tmp_path):
    registry = MemoryRegistry()
    champion_of(registry)
    spec = toy_spec(datasets=(GATES, HAPPENED), numeric=("gate", "x"), contract=contract)
    return in_memory(
        spec=spec,
        raw=world,
        features=world,
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=BY_SUM,
        registry=registry,
        check=check,
    )


def scores(scoring, summary):
    frame = scoring.store.published_scores(scoring.store.run(summary.run_id))
    return {
        key: (score, carried)
        for key, score, carried in frame.select("entity_key", "score", "carried_from").iter_rows()
    }


def late(scoring, known_at=LATER, **options):
    return list(late_nights(scoring.inputs, scoring.store, DAY, DAY, known_at, **options))


def test_a_night_that_no_correction_reaches_is_not_late(scoring):
    scoring.run(NIGHT)
    assert late(scoring) == []


def test_late_data_names_the_entities_it_touches(scoring, world):
    published = scoring.run(NIGHT)
    world.deliver(
        LATER,
        gates={"a": 0, "b": 1, "c": 2, "d": 99, "e": 4, "g": 6},
        features={key: 100.0 + n for n, key in enumerate("abcdefg")} | {"b": 7.0},
    )
    assert late(scoring, LATER - timedelta(seconds=1)) == []
    [night] = late(scoring)
    assert (night.run.id, night.touched) == (
        published.run_id,
        Touched(("b", "d"), ("g",), ("f",), ("gate", "x")),
    )
    assert night.late == {"planned": LATER}


@pytest.mark.parametrize(("days_before", "late"), [(22, True), (23, False), (-8, False)])
def test_a_correction_of_the_oldest_day_that_features_read_can_touch_a_night(days_before, late):
    """A night that is scored a month ahead reads features of a month before it."""
    gauges = replace(PLANNED, name="gauges")
    table = replace(WEATHER, ttl=timedelta(days=14), lookback_days=7, sources=("gauges",))
    spec = toy_spec(
        horizon_days=30,
        time_zone="UTC",
        datasets=(PLANNED, HAPPENED, gauges),
        feature_tables=(table,),
        numeric=("x", "rain"),
    )
    run = claimed(night_of(spec, DAY))
    newest = run.as_of.date() + timedelta(days=9)
    corrected = run.as_of.date() - timedelta(days=days_before)
    before = run.as_of - timedelta(hours=1)
    gauged = {newest: (before,), corrected: (before, LATER)}
    recorded = {"planned": {}, "happened": {DAY: (LATER,)}, "gauges": gauged}
    assert dict(late_deliveries(spec, recorded, run, LATER)) == ({"gauges": LATER} if late else {})


def test_a_search_for_late_nights_that_is_stopped_looks_at_no_other(scoring):
    scoring.run(NIGHT)
    with pytest.raises(Stopped):
        late(scoring, go_on=MemoryGoOn())


def test_a_stopped_repair_leaves_analysts_what_they_saw_and_the_next_one_mends_it(scoring, world):
    first = scoring.run(NIGHT)
    world.deliver(LATER, gates=dict.fromkeys("abcdef", 7), features=dict.fromkeys("abcdef", 1.0))
    with pytest.raises(Stopped):
        changed(scoring, go_on=MemoryGoOn(after=3)).run(NIGHT, repair=True, known_at=LATER, flow_run="one")
    assert scoring.store.publication(NIGHT.model, NIGHT.score_date).run_id == first.run_id
    mended = scoring.run(NIGHT, repair=True, known_at=LATER, flow_run="one")
    assert (mended.already_published, mended.carried, mended.parts_done_now) == (False, 0, 0)


def test_a_repair_scores_what_changed_and_keeps_the_rest_in_one_whole_night(scoring, world):
    first = scoring.run(NIGHT)
    before = scores(scoring, first)
    world.deliver(
        LATER,
        gates={"a": 0, "b": 1, "c": 2, "d": 99, "e": 4, "g": 6},
        features={key: 100.0 + n for n, key in enumerate("abcdefg")} | {"b": 7.0},
    )
    second = scoring.run(NIGHT, repair=True, known_at=LATER)
    after = scores(scoring, second)
    assert (second.revision, second.population, second.scored, second.carried) == (2, 6, 6, 3)
    assert {key: after[key] for key in "ace"} == {key: (before[key][0], first.run_id) for key in "ace"}
    assert {key: after[key] for key in "bdg"} == {"b": (0.008, None), "d": (0.202, None), "g": (0.112, None)}
    assert scoring.store.publication("toy", DAY).run_id == second.run_id
    assert scores(scoring, first) == before
    assert late(scoring) == []


def with_tables(scoring, world):
    """The same with a feature table, of which `world` has two generations."""
    spec = replace(scoring.inputs.spec, feature_tables=(replace(WEATHER, features={"x": pl.Float64()}),))
    return changed(scoring, spec=spec, features=world)


def test_changed_code_alone_is_no_reason_to_repair_a_night(scoring, world):
    scoring = with_tables(scoring, world)
    first = scoring.run(NIGHT)
    world.newest = "_two"
    assert late(scoring) == []
    assert scoring.run(NIGHT, repair=True, known_at=LATER).run_id == first.run_id
    assert scoring.run(NIGHT).run_id == first.run_id


def test_a_repair_after_the_code_changed_scores_all_rows_of_the_night_with_one_generation(scoring, world):
    scoring = with_tables(scoring, world)
    first = scoring.run(NIGHT)
    world.newest = "_two"
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcdef")} | {"b": 7.0})
    [night] = late(scoring)
    assert night.touched == Touched(("b",), (), (), ("x",))
    second = scoring.run(NIGHT, repair=True, known_at=LATER)
    assert (second.scored, second.carried) == (6, 0)
    assert scores(scoring, second)["a"] == (2 * scores(scoring, first)["a"][0], None)
    inputs, run = scoring.inputs, scoring.store.run
    assert [inputs.generations(run(each.run_id)) for each in (first, second)] == [{}, {"weather": "_two"}]


def test_a_night_that_was_interrupted_goes_on_with_the_generation_that_it_began_with(scoring, world):
    scoring = with_tables(scoring, world)

    def second_part_fails(work, parts):
        work(parts[0])
        raise StoreUnavailable("The score database", "it is gone")

    with pytest.raises(StoreUnavailable):
        with_parts(scoring, second_part_fails).run(NIGHT)
    world.newest = "_two"
    ended = scoring.run(NIGHT)
    found = {key: score for key, (score, _) in scores(scoring, ended).items()}
    assert found == pytest.approx({key: 0.1 + 2 * n / 1000 for n, key in enumerate("abcdef")})


def test_a_repair_of_a_repair_still_names_the_run_that_computed_each_score(scoring, world):
    first = scoring.run(NIGHT)
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcdef")} | {"b": 7.0})
    second = scoring.run(NIGHT, repair=True, known_at=LATER)
    world.deliver(LATER + timedelta(days=1), gates={key: n for n, key in enumerate("abcdefg")})
    # "g" has no features, so it is set aside
    third = scoring.run(NIGHT, repair=True, known_at=LATER + timedelta(days=1))
    origins = {key: carried for key, (_, carried) in scores(scoring, third).items()}
    assert origins == dict.fromkeys("acdef", first.run_id) | {"b": second.run_id}


def test_rows_set_aside_are_scored_once_their_cause_is_mended(scoring, world):
    world.deliver(features={key: 100.0 + n for n, key in enumerate("abcd")})
    first = scoring.run(NIGHT)
    assert (first.scored, first.quarantined) == (4, 2)
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcdef")})
    second = scoring.run(NIGHT, repair=True, known_at=LATER)
    assert (second.scored, second.quarantined, second.carried) == (6, 0, 4)


def test_a_mended_contract_is_enough_to_score_what_it_had_set_aside(scoring):
    strict = changed(
        scoring,
        check=lambda spec, frame: check(
            spec, frame.with_columns(x=pl.when(pl.col("entity_key") != "c").then("x"))
        ),
    )
    first = strict.run(NIGHT)
    second = scoring.run(NIGHT, repair=True)
    assert (first.quarantined, second.quarantined, second.carried) == (1, 0, 5)


def test_a_repair_is_worth_its_while_only_where_it_would_publish_something_else(scoring, world):
    world.deliver(features={key: 100.0 + n for n, key in enumerate("abcd")})
    run = scoring.store.run(scoring.run(NIGHT).run_id)
    assert not repair_of(scoring.inputs, scoring.store, run, LATER).worthwhile
    assert scoring.run(NIGHT, repair=True, known_at=LATER).already_published
    lenient = changed(
        scoring, check=lambda spec, frame: check(spec, frame.with_columns(x=pl.col("x").fill_null(1.0)))
    )
    assert repair_of(lenient.inputs, lenient.store, run, LATER).worthwhile
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcde")})
    assert not repair_of(scoring.inputs, scoring.store, run, LATER - timedelta(seconds=1)).worthwhile
    assert repair_of(scoring.inputs, scoring.store, run, LATER).worthwhile
    assert len(scoring.store.runs()) == 1


def test_a_repair_that_was_killed_goes_on_where_it_was(scoring, world):
    scoring.run(NIGHT)
    world.deliver(LATER, features={key: 200.0 + n for n, key in enumerate("abcdef")})

    def first_part_only(work, parts):
        work(parts[0])
        raise StoreUnavailable("the database", "it is gone")

    with pytest.raises(StoreUnavailable):
        with_parts(scoring, first_part_only).run(NIGHT, repair=True, known_at=LATER, flow_run="f")
    assert scoring.run(NIGHT).already_published
    night = scoring.run(NIGHT, repair=True, known_at=LATER, flow_run="f")
    assert (night.revision, night.parts_done_now, night.carried) == (2, 1, 0)


def test_a_repair_fetches_what_a_night_saw_and_sees_once(scoring, world):
    """And once more what it scores."""
    scoring.run(NIGHT)
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcdef")} | {"b": 7.0})
    world.asked.clear()
    scoring.run(NIGHT, repair=True, known_at=LATER)
    assert sorted(key for keys in world.asked for key in keys) == sorted(
        "abcdef" * 2 + "b" + "abcdef"
    )  # the last is the audit's look at the inputs


def test_a_repair_that_waited_for_another_decides_again(scoring, world):
    """The other publishes between its look at the night and its claim."""
    scoring.run(NIGHT)
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcdef")} | {"b": 7.0})
    published = scoring.store.publication("toy", DAY)
    other = scoring.run(NIGHT, repair=True, known_at=LATER)
    looked = iter([published])
    scoring.store.publication = lambda *night: (
        next(looked, None) or MemoryNights.publication(scoring.store, *night)
    )
    night = scoring.run(NIGHT, repair=True, known_at=LATER)
    assert (night.already_published, night.run_id) == (True, other.run_id)
    assert len(scoring.store.runs()) == 2


def test_what_was_held_back_is_scored_whole_and_then_repaired_like_any_other(scoring, world):
    world.deliver(features={key: 100.0 + n for n, key in enumerate("ab")})
    with pytest.raises(AuditFailed):
        scoring.run(NIGHT)
    [aside] = nights_aside(scoring.store, "toy", date.min, date.max)
    assert (aside.score_date, aside.repair) == (DAY, True)
    world.deliver(LATER, features={key: 100.0 + n for n, key in enumerate("abcde")})
    whole = scoring.run(NIGHT, repair=True, known_at=LATER)
    assert (whole.revision, whole.scored, whole.carried, whole.quarantined) == (2, 5, 0, 1)
    assert scoring.run(NIGHT, repair=True, known_at=LATER).run_id == whole.run_id


def test_a_night_whose_population_came_late_is_scored_as_known_later(scoring, world):
    world.populations = {AS_OF: {}, LATER: {"a": 0, "b": 1}}
    night = scoring.run(NIGHT, known_at=LATER)
    assert (night.population, scoring.store.run(night.run_id).known_at) == (2, LATER)
