"""A published night gets another version's scores: those of its shadow, or new ones of the same rows."""

from datetime import date
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.model import GateFailed
from nightjar.core.errors.night import NotPublished, ReasonMissing, Stopped
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.lifecycle.promotion import require_gates
from nightjar.core.night.clock import night_of
from nightjar.core.night.entities import RunState
from nightjar.executors.in_turn import InTurn
from nightjar.testing.memory import (
    MemoryGoOn,
)
from nightjar.testing.nights import changed, in_memory, on
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.lifecycle.roll_back import roll_back_champion
from nightjar.usecases.scoring.switch import ExchangePart, SwitchNight

DAY = date(2013, 6, 15)
LEVEL = Formulas(lambda version: pl.col("x") / 40 + version.number / 4)
BY_FIRST = pytest.approx([(1 + n) / 40 + 1 / 4 for n in range(9) if n != 4])
KEYS = [f"k{n}" for n in range(9)]


class Raw(Steady):
    """What is delivered changes after the first night: a switch must not read it."""

    def __init__(self):
        self.x = 1.0

    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": KEYS, "x": [self.x + n for n in range(9)]})


class Features:
    def __init__(self):
        self.rows = 0

    def retrieve(self, spec, entities):
        self.rows += entities.height
        return entities


def check(spec, frame):
    """One row breaks the contract."""
    kept = pl.col("entity_key") != "k4"
    aside = frame.filter(~kept).select("entity_key", reasons=pl.lit("[]"), row=pl.lit("{}"))
    return Checked(valid=frame.filter(kept), quarantined=aside)


def scoring(folder):
    registry, spec = MemoryRegistry(), toy_spec()
    registered(registry)
    champion_of(registry, artifact_sha256="2" * 64)
    registry.promote(registry.version("toy", 1), "challenger", "it was champion")
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{folder}"),
        predictors=LEVEL,
        registry=registry,
        check=check,
    )


@pytest.fixture
def night(tmp_path):
    return scoring(tmp_path)


def switching(night):
    return SwitchNight(night, on(night, InTurn(ExchangePart(night.store, night.go_on))))


def switch(night, number):
    return switching(night).run(DAY, night.inputs.registry.version("toy", number), "it is worse")


def seen(night):
    run = night.store.run(night.store.publication("toy", DAY).run_id)
    return night.store.published_scores(run)


def test_shadow_scores_are_published_and_champion_and_challenger_change_places(night):
    night.run(night_of(night.inputs.spec, DAY))
    before = seen(night)
    night.inputs.raw.x, night.inputs.features.rows = 99.0, 0
    switched = switch(night, 1)
    after = seen(night)
    assert after["score"].to_list() == before["challenger_score"].to_list()
    assert after["challenger_score"].to_list() == before["score"].to_list()
    assert (switched.from_shadow, switched.summary.revision, switched.summary.version_number) == (True, 2, 1)
    assert (switched.summary.scored, switched.summary.quarantined) == (8, 1)
    assert night.inputs.features.rows == 9, "only the sample of the audit has its features fetched"
    reason = night.store.publication("toy", DAY).reason
    assert reason == "rolled back from version 2 to version 1, the shadow scores of run 1: it is worse"


def test_a_second_time_nothing_changes_and_the_way_back_is_the_same(night):
    night.run(night_of(night.inputs.spec, DAY))
    first = seen(night)
    switch(night, 1)
    again = switch(night, 1)
    assert (again.summary.already_published, again.summary.run_id) == (True, 2)
    back = switch(night, 2)
    assert (back.from_shadow, back.summary.revision) == (True, 3)
    assert seen(night).equals(first)


def test_without_shadow_scores_of_each_row_the_same_rows_are_scored_again(night):
    night.inputs.registry.promote(night.inputs.registry.version("toy", 2), "challenger", "none but itself")
    night.run(night_of(night.inputs.spec, DAY))
    night.inputs.raw.x = 99.0
    switched = switch(night, 1)
    assert (switched.from_shadow, switched.summary.version_number) == (False, 1)
    assert seen(night)["score"].to_list() == BY_FIRST


def test_a_night_that_was_never_published_is_not_switched(night):
    with pytest.raises(NotPublished):
        switch(night, 1)


@settings(max_examples=25, deadline=None)
@given(after=st.integers(0, 8), shadow=st.booleans())
def test_a_stopped_switch_shows_the_old_scores_and_the_next_one_publishes_once(after, shadow):
    with TemporaryDirectory() as folder:
        night = scoring(folder)
        if not shadow:
            night.inputs.registry.promote(night.inputs.registry.version("toy", 2), "challenger", "none")
        night.run(night_of(night.inputs.spec, DAY))
        before, stopped = seen(night), False
        try:
            switch(changed(night, go_on=MemoryGoOn(after)), 1)
        except Stopped:
            stopped = True
            assert seen(night).equals(before)
        done = switch(night, 1)
        assert done.summary.already_published is not stopped
        runs = night.store.runs_of("toy", DAY)
        assert [run.state for run in runs].count(RunState.PUBLISHED) == 2
        assert night.store.publication("toy", DAY).run_id == runs[-1].id == done.summary.run_id
        assert seen(night)["score"].to_list() == BY_FIRST


def test_a_repair_does_not_go_on_with_a_switch_that_was_stopped(night):
    night.run(night_of(night.inputs.spec, DAY))
    with pytest.raises(Stopped):
        switch(changed(night, go_on=MemoryGoOn(2)), 1)
    night.inputs.raw.x = 3.0
    repaired = night.run(night_of(night.inputs.spec, DAY), repair=True)
    assert (repaired.version_number, repaired.revision) == (2, 3)
    states = [run.state for run in night.store.runs_of("toy", DAY)]
    assert states == [RunState.PUBLISHED, RunState.ABANDONED, RunState.PUBLISHED]


def test_the_ledger_says_from_which_version_the_champion_was_rolled_back(night):
    registry = night.inputs.registry
    registry.promote(registry.version("toy", 1), "champion", "why not")
    registry.promote(registry.version("toy", 2), "champion", "better")
    row = roll_back_champion(registry, registry.version("toy", 1), "it is worse", require_gates)
    assert (row.version_number, row.reason) == (1, "rolled back from version 2: it is worse")
    assert roll_back_champion(registry, registry.version("toy", 1), "again", require_gates) == row
    with pytest.raises(ReasonMissing):
        roll_back_champion(registry, registry.version("toy", 2), " ", require_gates)


def test_only_a_version_that_was_never_champion_has_to_pass_its_gates(night):
    registry = night.inputs.registry
    gate = GateResult(name="auc", verdict=Verdict.FAILED, value=0.5, threshold=0.6, reason="AUC is 0.5")
    never = registered(registry, artifact_sha256="3" * 64, gates=(gate,))
    with pytest.raises(GateFailed):
        roll_back_champion(registry, never, "try it", require_gates)
    registry.promote(never, "champion", "despite its gates")
    registry.promote(registry.version("toy", 2), "champion", "better")
    assert roll_back_champion(registry, never, "it was right", require_gates).version_number == never.number
