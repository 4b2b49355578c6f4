"""A night is scored again from what it fixed: the same bits, or what differs, by column and row."""

from datetime import date

import polars as pl
import pytest

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.inputs import MissingFeatures
from nightjar.core.errors.night import NothingToReplay, OtherCode
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import RunState
from nightjar.core.night.replay import difference, differences
from nightjar.executors.in_turn import InTurn
from nightjar.testing.nights import changed, in_memory, on
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.scoring.replay import Replay
from nightjar.usecases.scoring.switch import ExchangePart, SwitchNight

DAY = date(2013, 6, 15)
LEVEL = Formulas(lambda version: (pl.col("x") + pl.col("rain")) / 90 + version.number / 10)


class Raw(Steady):
    """Nine rows; what is known of them may change later."""

    def __init__(self):
        self.x = {f"k{n}": float(n) for n in range(9)}

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": [*self.x], "x": [*self.x.values()]})


class Features:
    """A column that a fault may change for one entity."""

    def __init__(self):
        self.wrong = "nobody"

    def retrieve(self, spec, entities):
        rain = pl.when(pl.col("entity_key") == self.wrong).then(9.0).otherwise(1.0)
        return entities.with_columns(rain=rain)


def check(spec, frame):
    aside = {"entity_key": pl.String, "reasons": pl.String, "row": pl.String}
    return Checked(valid=frame, quarantined=pl.DataFrame(schema=aside))


@pytest.fixture
def night(tmp_path):
    registry = MemoryRegistry()
    spec = toy_spec(numeric=("x", "rain"))
    registered(registry)
    champion_of(registry, artifact_sha256="2" * 64)
    registry.promote(registry.version("toy", 1), "challenger", "it was champion")
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{tmp_path}"),
        predictors=LEVEL,
        registry=registry,
        check=check,
    )


def replayed(night, run_id, changed_since=(), **options):
    replay = Replay(
        inputs=night.inputs,
        store=night.store,
        profiles=night.guard.profiles,
        changed_since=lambda version: changed_since,
    )
    return replay.run(night.store.run(run_id), **options)


def score(night, **options):
    return night.run(night_of(night.inputs.spec, DAY), **options)


def test_a_night_is_the_same_after_a_promotion(night):
    run = score(night).run_id
    night.inputs.registry.promote(night.inputs.registry.version("toy", 1), "champion", "better")
    night.inputs.raw.x["k3"] = 99.0
    found = replayed(night, run)
    assert found.identical
    assert (found.rows, found.version) == (9, 2)


def test_another_score_is_told_with_its_row_its_values_and_what_changed_since(night):
    run = score(night).run_id
    other = Formulas(lambda v: pl.when(pl.col("entity_key") == "k7").then(0.9).otherwise(LEVEL.of(v)))
    found = replayed(changed(night, predictors=other), run, changed_since=("polars was 1 and is 2",))
    one = {difference.column: difference for difference in found.scores}["score"]
    assert (one.rows, [example.entity_key for example in one.examples]) == (1, ["k7"])
    assert (one.examples[0].then, one.examples[0].now) == (repr(8 / 90 + 0.2), "0.9")
    assert found.changed == ("polars was 1 and is 2",)
    assert not found.identical


def test_an_input_that_the_run_read_otherwise_is_told_by_its_column(night):
    run = score(night).run_id
    night.inputs.features.wrong = "k2"
    found = replayed(night, run)
    assert found.profiles == ("rain",)
    assert [(one.column, one.rows) for one in found.scores] == [("score", 1), ("challenger_score", 1)]


def test_the_source_of_today_is_compared_by_column_and_row(night):
    run = score(night).run_id
    assert replayed(night, run, from_source=True).identical
    del night.inputs.raw.x["k0"]
    night.inputs.raw.x |= {"k5": 50.0, "new": 1.0}
    assert replayed(night, run).identical
    found = replayed(night, run, from_source=True)
    assert (found.gone, found.new, found.scores) == (("k0",), ("new",), ())
    (x,) = found.source
    assert (x.column, x.rows, x.largest) == ("x", 1, 45.0)
    assert [(example.entity_key, example.then, example.now) for example in x.examples] == [
        ("k5", "5.0", "50.0")
    ]


def test_rows_that_a_repair_carried_are_those_of_the_run_that_computed_them(night):
    score(night)
    night.inputs.raw.x["k5"] = 50.0
    repaired = score(night, repair=True)
    assert repaired.carried == 8
    assert replayed(night, repaired.run_id).identical
    other = Formulas(lambda v: pl.when(pl.col("entity_key") == "k1").then(0.9).otherwise(LEVEL.of(v)))
    found = replayed(changed(night, predictors=other), repaired.run_id)
    assert found.scores[0].examples[0].entity_key == "k1"


def test_a_night_that_took_its_shadow_scores_is_the_same(night):
    score(night)
    switching = SwitchNight(night, on(night, InTurn(ExchangePart(night.store))))
    switched = switching.run(DAY, night.inputs.registry.version("toy", 1), "it is worse")
    found = replayed(night, switched.summary.run_id)
    assert (found.identical, found.version) == (True, 1)


def test_a_run_without_scores_cannot_be_replayed(night):
    def broken(night, jobs):
        raise KeyError

    with pytest.raises(KeyError):
        score(on(night, type("Broken", (), {"run": staticmethod(broken)})()))
    (run,) = night.store.runs_of("toy", DAY)
    assert run.state is RunState.FAILED
    with pytest.raises(NothingToReplay):
        replayed(night, run.id)


def test_one_bit_is_a_difference_and_a_missing_number_is_none():
    then = pl.DataFrame({"entity_key": ["a", "b"], "score": [0.1 + 0.2, None]})
    now = pl.DataFrame({"entity_key": ["b", "a"], "score": [None, 0.3]})
    (one,) = differences(then, now, ["score"])
    assert (one.rows, one.examples[0].entity_key) == (1, "a")
    assert one.largest == pytest.approx(5.6e-17, rel=0.1)
    assert differences(then, then, ["score", "absent"]) == ()


@pytest.mark.parametrize(
    ("then", "now", "largest"),
    [
        (pl.Series([1], dtype=pl.UInt32), pl.Series([2], dtype=pl.UInt32), 1.0),
        (pl.Series([2**53 + 1]), pl.Series([2**53]), 1.0),
        (pl.Series([1]), pl.Series(["1"]), None),
    ],
    ids=["unsigned", "large", "of two types"],
)
def test_the_distance_of_two_numbers_is_that_of_their_values(then, now, largest):
    found = difference(pl.Series(["a"]), "x", then, now)
    assert found is not None
    assert (found.rows, found.largest) == (1, largest)


def test_code_that_asks_for_other_features_than_the_run_read_is_told_with_the_commit(night):
    run = score(night).run_id

    class Lacking(Features):
        def retrieve(self, spec, entities):
            raise MissingFeatures("toy", ["snow"], "toy")

    with pytest.raises(OtherCode, match=r"snow.* models/toy/spec\.py was a and is b.* its version: c\."):
        replayed(
            changed(night, features=Lacking()), run, changed_since=("models/toy/spec.py was a and is b",)
        )
