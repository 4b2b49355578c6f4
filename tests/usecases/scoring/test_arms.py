"""A night in which the challenger serves a share: whoever scores a row again, it has the same arm."""

from datetime import date
from functools import partial
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.night import AuditFailed, Stopped
from nightjar.core.lifecycle.arms import as_served
from nightjar.core.lifecycle.promotion import require_gates
from nightjar.core.night.clock import night_of
from nightjar.executors.in_turn import InTurn
from nightjar.testing.memory import MemoryGoOn
from nightjar.testing.nights import changed, in_memory, on
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.reasons import MemoryReasons
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.explaining.night import ExplainNight
from nightjar.usecases.scoring.replay import Replay
from nightjar.usecases.scoring.scorers import by_name, by_now, by_then
from nightjar.usecases.scoring.switch import ExchangePart, SwitchNight

DAY = date(2013, 6, 15)
LEVEL = Formulas(lambda version: pl.col("x") / 100 + version.number / 4)
KEYS = [f"k{n:02}" for n in range(40)]


class Raw(Steady):
    """x of the first keys is corrected later."""

    def __init__(self):
        self.corrected = 0

    def read(self, dataset, first, last, known_at=None):
        x = [9.0 if n < self.corrected else 1.0 + n % 7 for n in range(len(KEYS))]
        return pl.DataFrame({"entity_key": KEYS, "x": x})


class Features:
    def retrieve(self, spec, entities):
        return entities


def scoring(folder, share=0.3):
    registry, spec = MemoryRegistry(), toy_spec(part_rows=10)
    champion = champion_of(registry)
    challenger = registered(registry, artifact_sha256="2" * 64)
    registry.promote(challenger, "challenger", "try it")
    registry.set_share(challenger, champion, share, "let it serve", instead_of=0)
    return in_memory(
        spec=spec,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{folder}"),
        predictors=LEVEL,
        registry=registry,
        check=lambda spec, frame: Checked(valid=frame, quarantined=NONE_ASIDE),
    )


NONE_ASIDE = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))


@pytest.fixture
def night(tmp_path):
    return scoring(tmp_path)


def score(night, **more):
    return night.run(night_of(night.inputs.spec, DAY), **more)


def seen(night):
    run = night.store.run(night.store.publication("toy", DAY).run_id)
    return night.store.published_scores(run)


def arms(night):
    return dict(seen(night).select("entity_key", "arm").iter_rows())


def test_each_row_shows_the_score_of_its_arm_and_keeps_both(night):
    summary = score(night)
    rows = seen(night)
    assert 0 < summary.by_challenger == (rows["arm"] == "challenger").sum() < 40
    assert rows["score"].to_list() == [(1 + n % 7) / 100 + 1 / 4 for n in range(40)]
    assert rows["challenger_score"].to_list() == [(1 + n % 7) / 100 + 2 / 4 for n in range(40)]
    shown = night.store.scores_for(night.store.run(1), rows["entity_key"]).sort("entity_key")
    assert shown["score"].equals(as_served(rows)["score"])
    assert summary.mean_score == pytest.approx(shown["score"].mean())


@settings(max_examples=12, deadline=None)
@given(after=st.integers(0, 6), later=st.sampled_from([0.0, 0.05, 0.9]))
def test_a_night_that_was_stopped_goes_on_with_its_share_although_that_has_changed(after, later):
    with TemporaryDirectory() as whole, TemporaryDirectory() as folder:
        wanted = scoring(whole)
        score(wanted)
        night = scoring(folder)
        registry = night.inputs.registry
        try:
            score(changed(night, go_on=MemoryGoOn(after)))
        except Stopped:
            claimed = bool(night.store.runs_of("toy", DAY))
            versions = [registry.version("toy", number) for number in (2, 1)]
            if claimed:
                registry.set_share(*versions, later, "another", instead_of=0.3)
            score(night)
        assert arms(night) == arms(wanted)


def test_another_share_holds_from_the_next_run_on_and_moves_nobody_back(night):
    score(night)
    before = arms(night)
    versions = [night.inputs.registry.version("toy", number) for number in (2, 1)]
    night.inputs.registry.set_share(*versions, 0.7, "more", instead_of=0.3)
    score(night)
    assert arms(night) == before, "a published night stays"
    score(night, force=True)
    after = arms(night)
    assert all(after[key] == "challenger" for key, arm in before.items() if arm == "challenger")
    assert list(after.values()).count("challenger") > list(before.values()).count("challenger")


def test_a_repair_leaves_each_row_in_its_arm_after_the_challenge_has_ended(night):
    score(night)
    before = arms(night)
    versions = [night.inputs.registry.version("toy", number) for number in (2, 1)]
    night.inputs.registry.end_challenge(*versions, "withdrawn", "it is over")
    night.inputs.raw.corrected = 12
    repaired = score(night, repair=True)
    assert (repaired.carried, repaired.revision) == (28, 2)
    assert arms(night) == before
    rows = as_served(seen(night)).head(12)
    wanted = [0.09 + (2 if before[key] == "challenger" else 1) / 4 for key in rows["entity_key"]]
    assert rows["score"].to_list() == pytest.approx(wanted)


def test_the_champion_serves_all_rows_of_the_night_again_from_its_stored_scores(night):
    score(night)
    champion = night.inputs.registry.version("toy", 1)
    night.inputs.raw.corrected = 40
    exchanging = on(night, InTurn(ExchangePart(night.store, night.go_on)))
    switch = SwitchNight(night, exchanging)
    back = switch.run(DAY, champion, "the challenger is wrong")
    assert (back.from_shadow, back.summary.by_challenger, back.summary.version_number) == (True, 0, 1)
    assert set(arms(night).values()) == {None}
    assert seen(night)["score"].to_list() == [(1 + n % 7) / 100 + 1 / 4 for n in range(40)]
    assert switch.run(DAY, champion, "again").summary.already_published
    over = switch.run(DAY, night.inputs.registry.version("toy", 2), "now the other")
    assert (over.from_shadow, over.summary.version_number) == (True, 2)
    assert seen(night)["score"].to_list() == [(1 + n % 7) / 100 + 2 / 4 for n in range(40)]


def test_a_night_by_a_named_version_does_not_go_on_with_one_of_two(night):
    with pytest.raises(Stopped):
        score(changed(night, go_on=MemoryGoOn(2)))
    named = partial(by_name, number=1, reason="by hand", require_gates=require_gates)
    assert score(night, choose=named).by_challenger == 0
    assert set(arms(night).values()) == {None}


def test_a_night_of_the_past_is_served_by_one_version(night):
    of = night_of(night.inputs.spec, DAY)
    assert by_now(night.inputs.registry, of).share == 0.3
    assert by_then(night.inputs.registry, of).share == 0


def test_where_the_challenger_cannot_score_the_champion_serves(tmp_path):
    def broken(version):
        if version.number == 2:
            raise RuntimeError("its file is gone")
        return pl.col("x") / 100

    night = changed(scoring(tmp_path), predictors=Formulas(broken))
    summary = score(night)
    assert (summary.scored, summary.by_challenger, summary.without_challenger) == (40, 0, 40)
    assert set(arms(night).values()) == {"champion"}


def test_the_audit_notices_a_challenger_that_gives_other_scores_to_the_rows_that_it_serves(night):
    calls = []

    def wandering(version):
        calls.append(version.number)
        later = version.number == 2 and calls.count(2) > 4
        return pl.col("x") / 100 + version.number / 4 + (0.1 if later else 0)

    with pytest.raises(AuditFailed, match="are stored with other scores"):
        score(changed(night, predictors=Formulas(wandering)))


def test_a_replay_gives_the_same_scores_and_arms(night):
    score(night)
    replay = Replay(
        inputs=night.inputs,
        store=night.store,
        profiles=night.guard.profiles,
        changed_since=lambda version: (),
    )
    assert replay.run(night.store.run(1)).identical


def test_reasons_are_those_of_the_version_that_serves_the_row(night):
    score(night)
    explain = ExplainNight(inputs=night.inputs, store=night.store, ledger=MemoryReasons())
    versions = {
        version.number: set(keys) for version, keys in explain.by_version(night.store.run(1), seen(night))
    }
    by_arm = {
        number: {key for key, arm in arms(night).items() if arm == name}
        for number, name in ((1, "champion"), (2, "challenger"))
    }
    assert versions == by_arm
