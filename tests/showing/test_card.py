"""A card stands alone, tells who decided what, and says plainly what is not known."""

import re
from datetime import UTC, date, datetime

import numpy as np
import polars as pl
import pytest

from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.binary import BINARY
from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import GateResult, Verdict
from nightjar.core.kinds.metrics import MetricRow, Of
from nightjar.core.kinds.multiclass import multiclass
from nightjar.core.kinds.outputs import OUTPUTS
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.lifecycle.evidence import Comparison, Evidence, SliceLoss, Weight
from nightjar.core.model.entities import Promotion
from nightjar.core.model.record import Record, Surroundings
from nightjar.core.monitoring.entities import Measurement
from nightjar.showing.card import card_html, card_markdown
from nightjar.testing.backtests import MemoryBacktests
from nightjar.testing.memory import MemoryNights, MemoryOutcomes
from nightjar.testing.specs import spec_of_kind
from nightjar.testing.versions import champion_of, registered, toy_version
from nightjar.usecases.lifecycle.facts import Facts, FactsOf

KINDS = [BINARY, REGRESSION, multiclass("a", "b")]
NOON = datetime(2013, 6, 2, 12, tzinfo=UTC)
FOUND = Estimate(value=0.97, nights=20, error=0.01, degrees=10)


def evidence(kind):
    random = np.random.default_rng(0)
    outcome = pl.Series("outcome", random.integers(0, 2, 300))
    outputs = [[1 - p, p] for p in random.random(300)] if kind.classes else [None] * 300
    score = [max(pair) for pair in outputs] if kind.classes else random.random(300)
    published = pl.DataFrame({"score": score, "outputs": outputs}, {"score": pl.Float64, "outputs": OUTPUTS})
    return Evidence(
        nights=(),
        metrics={},
        comparisons=(Comparison(beside=Of.CHAMPION, number=3, rows=900, found=FOUND),),
        slices=(SliceLoss(slice="city", value="<OSLO>", beside=Of.CHAMPION, rows=400, found=FOUND),),
        slices_left_out=("city ROME",),
        curves=kind.drawn(published, outcome),
        confusion=kind.confused(published, outcome),
        weights=(Weight(input="wind", share=0.7), Weight(input="rain", share=0.3)),
    )


def facts(kind, **changes):
    gate = GateResult(
        name="max_loss", value=1.2, threshold=1.0, reason="is 1.2, must be 1.0", verdict=Verdict.CANNOT_TELL
    )
    metric = MetricRow(metric=kind.judging[0].name, of=Of.VERSION, value=0.7, low=0.6, high=0.8)
    version = toy_version(kind=kind.name, classes=kind.classes, gates=(gate,), metrics=(metric,))
    ledger = Promotion(
        id=1,
        model="toy",
        version_id=1,
        version_number=1,
        role="champion",
        reason="it rained",
        actor="nightjar_writer",
        promoted_at=NOON,
    )
    night = Measurement(
        run_id=1,
        version_id=1,
        model="toy",
        score_date=date(2013, 6, 1),
        rows=9,
        with_outcome=9,
        measured_at=NOON,
        metrics=dict.fromkeys(kind.headline, 0.5),
    )
    given = {
        "spec": spec_of_kind(kind),
        "version": version,
        "judged": version,
        "evidence": evidence(kind),
        "dataset": None,
        "ledger": (ledger,),
        "nights": (night,),
        "backtest": None,
    }
    return Facts(**given | changes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_card_opens_offline_and_draws_what_the_kind_has(kind):
    html = card_html(facts(kind), "It knows no storm.")
    assert not re.search(r"<script|src=|href=|https?://|url\(", html)
    wanted = {
        "binary": ("ROC", "Precision and recall"),
        "regression": ("Residuals",),
        "multiclass": ("Confusion",),
    }
    for title in (*wanted[kind.name], "Reliability", "Loss over that of the champion"):
        assert f"<figcaption>{title}</figcaption>" in html
    assert "city &lt;OSLO&gt;" in html
    assert "nan" not in re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_both_forms_tell_the_gates_who_decided_the_limits_and_the_hashes(kind):
    for text in (
        card_html(facts(kind), "It knows no storm."),
        card_markdown(facts(kind), "It knows no storm."),
    ):
        plain = text.replace("\\", "")
        for told in (
            "cannot tell",
            "is 1.2, must be 1.0",
            "nightjar_writer",
            "it rained",
            "It knows no storm.",
            "1" * 56,
        ):
            assert told in plain
        assert "0.700 (0.600 to 0.800)" in plain


def test_what_is_not_known_is_said_in_a_sentence():
    bare = facts(BINARY, evidence=None, ledger=(), nights=(), judged=toy_version(number=4))
    for text in (card_html(bare, ""), card_markdown(bare, "")):
        for told in (
            "It is version 4, fitted again",
            "No gate was judged.",
            "It never had a role.",
            "There is no evidence document",
            "No night that it scored has been measured.",
            "There is no backtest",
            "no section Limits",
        ):
            assert told in text.replace("\\", "")


def test_libraries_threads_recipes_and_files_stand_in_tables_of_their_own():
    around = Surroundings(
        libraries={"catboost": "1.2"},
        threads={"polars": 2},
        features={"rain": "r1"},
        code={"m/a.py": "0" * 64},
    )
    record = Record(
        dataset_sha256="1" * 64,
        known_at=NOON,
        windows={},
        embargo_days=0,
        seed=1,
        limits={},
        beside={},
        surroundings=around,
    )
    text = card_markdown(facts(BINARY, version=toy_version(record=record)), "").replace("\\", "")
    for row in ("| catboost | 1.2 |", "| polars | 2 |", "| rain | r1 |", f"| m/a.py | {'0' * 56}"):
        assert row in text


def test_the_facts_are_of_the_champion_or_of_the_version_that_is_named():
    registry, store = MemoryRegistry(), MemoryNights()
    spec = spec_of_kind(BINARY)
    gather = FactsOf(
        spec=spec,
        registry=registry,
        artifacts=None,
        store=store,
        outcomes=MemoryOutcomes(store),
        backtests=MemoryBacktests(),
    )
    with pytest.raises(BadSettings, match="has no version"):
        gather(None)
    champion = champion_of(registry)
    other = registered(registry, artifact_sha256="2" * 64)
    assert gather(None).version == champion
    assert [row.role for row in gather(None).ledger] == ["champion"]
    assert gather(other.number).version == other
    assert gather(other.number).ledger == ()
    with pytest.raises(BadSettings, match="Registered: 2, 1"):
        gather(9)
