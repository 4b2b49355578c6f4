"""Stored scores of a challenger that are not its own: the night is published, and people are told."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightjar.adapters.contracts import Checked
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.night.clock import night_of
from nightjar.executors.in_turn import InTurn
from nightjar.testing.nights import changed, in_memory, on
from nightjar.testing.predictors import Formulas
from nightjar.testing.raws import Steady
from nightjar.testing.specs import toy_spec
from nightjar.testing.versions import champion_of, registered
from nightjar.usecases.scoring.night import ScoreNight
from nightjar.usecases.scoring.part import ScorePart

DAY = date(2013, 6, 15)
SPEC = toy_spec(part_rows=10)
KEYS = [f"k{n:02}" for n in range(40)]
NONE_ASIDE = pl.DataFrame(schema=dict.fromkeys(("entity_key", "reasons", "row"), pl.String))
SHADOW = pl.col("challenger_score")
LEVEL = Formulas(lambda version: pl.col("x") / 100 + version.number / 4)


class Raw(Steady):
    def read(self, dataset, first, last, known_at=None):
        return pl.DataFrame({"entity_key": KEYS, "x": [1.0 + n % 7 for n in range(len(KEYS))]})


class Features:
    def retrieve(self, spec, entities):
        return entities


@dataclass(frozen=True)
class Writes:
    """A store that keeps other scores of each part than it is given."""

    store: Any
    change: Callable[[pl.DataFrame], pl.DataFrame]

    def __getattr__(self, name):
        return getattr(self.store, name)

    def write_part(self, run, part, scores, *others):
        return self.store.write_part(run, part, self.change(scores), *others)


def scoring(folder, predictors: Formulas = LEVEL, share: float = 0) -> ScoreNight:
    registry = MemoryRegistry()
    champion = champion_of(registry)
    challenger = registered(registry, artifact_sha256="2" * 64)
    registry.promote(challenger, "challenger", "try it")
    if share:
        registry.set_share(challenger, champion, share, "let it serve", instead_of=0)
    return in_memory(
        spec=SPEC,
        raw=Raw(),
        features=Features(),
        artifacts=FsspecArtifacts(f"file://{folder}"),
        predictors=predictors,
        registry=registry,
        check=lambda spec, frame: Checked(valid=frame, quarantined=NONE_ASIDE),
    )


def stored(night: ScoreNight, **columns: pl.Expr) -> ScoreNight:
    store = Writes(night.store, lambda scores: scores.with_columns(**columns))
    return on(night, InTurn(ScorePart(lambda _: night.inputs, store, night.go_on)))


def score(night: ScoreNight, **more: Any) -> Any:
    return night.run(night_of(SPEC, DAY), **more)


def doubts(night: ScoreNight) -> Any:
    return night.guard.readings.doubts("toy")


@settings(max_examples=25, deadline=None)
@given(wrong=st.sets(st.sampled_from(KEYS)), by=st.sampled_from([None, 1e-6, 0.4, -0.5]))
def test_each_sampled_row_with_another_score_is_counted_and_none_is_no_doubt(wrong, by):
    with TemporaryDirectory() as folder:
        night = scoring(folder)
        other = pl.lit(None, pl.Float64) if by is None else SHADOW + by
        there = pl.col("entity_key").is_in(pl.Series([*wrong], dtype=pl.String).implode())
        summary = score(stored(night, challenger_score=pl.when(there).then(other).otherwise(SHADOW)))
        assert not summary.already_published
        assert night.store.publication("toy", DAY) is not None
        told = doubts(night)
        assert [each.number for each in told.get(DAY, ())] == ([len(wrong)] if wrong else [])


def test_the_doubt_says_by_name_what_was_found_expected_and_allowed_and_what_to_do(tmp_path):
    night = scoring(tmp_path)
    score(stored(night, challenger_score=pl.col("score")))
    (doubt,) = doubts(night)[DAY]
    assert (doubt.name, doubt.number, doubt.expected, doubt.limit, doubt.runbook, doubt.holds) == (
        "challenger_irreproducible",
        40,
        0,
        0,
        "challenger-failed",
        False,
    )
    assert "Sampled rows with other scores: 40 of 40, such as 'k00'. Usual: 0. Limit: 0" in doubt.sentence


def test_a_challenger_that_cannot_score_is_no_doubt_for_it_gave_nothing(tmp_path):
    def broken(version):
        if version.number == 2:
            raise RuntimeError("its file is gone")
        return pl.col("x") / 100

    night = scoring(tmp_path, Formulas(broken))
    assert score(night).without_challenger == 40
    assert doubts(night) == {}


def test_another_revision_without_it_ends_the_doubt(tmp_path):
    night = scoring(tmp_path)
    score(stored(night, challenger_score=SHADOW / 2))
    assert DAY in doubts(night)
    score(night, force=True)
    assert doubts(night) == {}


def test_a_person_who_accepts_the_night_ends_the_doubt_and_the_ledger_keeps_it(tmp_path):
    night = stored(scoring(tmp_path), challenger_score=SHADOW / 2)
    score(night)
    score(night, force=True, accept="the challenger is withdrawn tomorrow")
    assert doubts(night) == {}
    (kept,) = night.store.publication("toy", DAY).findings
    assert "other scores of the challenger" in kept


def test_a_repair_keeps_the_rows_that_it_carries_and_doubts_only_what_it_scores(tmp_path):
    night = scoring(tmp_path)
    score(stored(night, challenger_score=SHADOW / 2))

    class Corrected(Raw):
        def read(self, dataset, first, last, known_at=None):
            rows = super().read(dataset, first, last, known_at)
            return rows.with_columns(x=pl.when(pl.col("entity_key") < "k05").then(3.5).otherwise("x"))

    corrected = changed(night, raw=Corrected())
    summary = score(replace(corrected), repair=True)
    assert summary.carried == 35
    assert doubts(night) == {}


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_the_champions_rows_are_served_whatever_the_shadow_holds(tmp_path, share):
    night = scoring(tmp_path, share=share)
    champions = pl.col("arm").eq_missing("challenger").not_()
    score(stored(night, challenger_score=pl.when(champions).then(SHADOW / 2).otherwise(SHADOW)))
    assert DAY in doubts(night)
    assert night.store.publication("toy", DAY).findings == ()
