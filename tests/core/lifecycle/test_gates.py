"""The gates of a version on made-up losses: 28 nights, three rivals, slices."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from nightjar.core.kinds.estimates import Estimate
from nightjar.core.kinds.gates import Verdict
from nightjar.core.kinds.metrics import Of
from nightjar.core.lifecycle.comparing import Losses, best_of_the_past, evidence_of
from nightjar.core.lifecycle.evidence import Evidence
from nightjar.core.lifecycle.gates import judged_by
from nightjar.core.model.slices import Slice
from nightjar.testing.specs import TOY, toy_spec

NIGHTS, ROWS = 28, 240
DAYS = [date(2013, 6, 1) + timedelta(days=n) for n in range(NIGHTS)]
LIMITS = {"max_loss_over_champion": 1.03, "max_loss_over_anchor": 1.03, "max_loss_within_nights": 1.025}
SPEC = toy_spec(gates=TOY.gates | LIMITS)
OWN = {
    "auc": Estimate(value=0.7, nights=28, error=0.01, degrees=27),
    "ece": Estimate(value=0.0, nights=28, error=0.0, degrees=27),
}
CITY = Slice(name="city", by="city", least_rows=100)


def losses(seen=None, numbers=None, **means):
    """Losses of predictors with these means a row. seen: predictor -> how many nights it has seen."""
    random = np.random.default_rng(3)
    hard = np.repeat(np.exp(random.normal(0, 0.3, NIGHTS)), ROWS)
    rows = pl.DataFrame(
        {
            "score_date": np.repeat(DAYS, ROWS).tolist(),
            "city": [("OSLO", "ROME", "LIMA")[min(n % 12 // 5, 2)] for n in range(NIGHTS * ROWS)],
        }
    )
    of = {}
    for name, mean in means.items():
        values = pl.Series(hard * mean * (1 + random.normal(0, 0.1, hard.size)))
        days_seen = (seen or {}).get(name, 0)
        of[Of(name)] = values.set(rows["score_date"] < DAYS[0] + timedelta(days=days_seen), None)
    return Losses(rows=rows, of=of, numbers={Of(name): number for name, number in (numbers or {}).items()})


def gates(given, slices=()):
    return {gate.name: gate for gate in judged_by(SPEC, evidence_of(given, slices, OWN))}


def first(version=0.16, baseline=0.18, constant=0.2):
    return losses(version=version, baseline=baseline, constant=constant)


def later(version=0.16, champion=0.16, anchor=0.16, seen=None):
    means = {"version": version, "baseline": 0.18, "constant": 0.2, "champion": champion, "anchor": anchor}
    return losses(seen, {"champion": 4, "anchor": 2}, **means)


def failed(found):
    return {name: gate.verdict for name, gate in found.items() if not gate.passed}


def test_a_first_version_passes_what_can_be_judged():
    found = gates(first())
    assert failed(found) == {}
    assert found["max_loss_over_champion"].reason == "there is no champion to compare with"


def test_a_version_that_is_no_better_than_a_constant_fails():
    assert failed(gates(first(version=0.21, baseline=0.21))) == {"max_loss_over_constant": Verdict.FAILED}


def test_one_that_is_worse_than_the_champion_fails_and_the_champion_is_named():
    found = gates(later(version=0.17, anchor=0.17))
    assert failed(found) == dict.fromkeys(
        ("max_loss_over_champion", "max_loss_within_nights"), Verdict.FAILED
    )
    assert found["max_loss_over_champion"].beside == 4
    assert "that of the champion, version 4, is 1.06" in found["max_loss_over_champion"].reason


def test_quality_cannot_slide_in_steps_that_each_pass_beside_the_champion():
    bench_of_anchor = gates(later(version=0.164, champion=0.162, anchor=0.13))
    names = ("max_loss_over_anchor", "max_loss_within_nights")
    assert failed(bench_of_anchor) == dict.fromkeys(names, Verdict.FAILED)
    assert bench_of_anchor["max_loss_over_anchor"].beside == 2


def test_nights_that_a_rival_has_seen_do_not_count():
    evidence = evidence_of(later(seen={"champion": 8}), (), OWN)
    assert [(one.beside, one.rows) for one in evidence.comparisons if one.number] == [
        (Of.CHAMPION, 20 * ROWS),
        (Of.ANCHOR, NIGHTS * ROWS),
    ]
    assert [night.losses[Of.CHAMPION] is None for night in evidence.nights] == [True] * 8 + [False] * 20


@pytest.mark.parametrize("seen", [NIGHTS, NIGHTS - 3])
def test_a_champion_that_has_seen_nearly_all_nights_leaves_the_version_held(seen):
    assert failed(gates(later(seen={"champion": seen})))["max_loss_over_champion"] is Verdict.CANNOT_TELL


def test_a_jump_over_the_champion_and_the_baseline_asks_a_person():
    found = gates(later(version=0.08))
    assert failed(found) == {"min_loss_over_rivals": Verdict.ASKS}
    assert "too good to be true, unless a person knows why" in found["min_loss_over_rivals"].reason
    assert failed(gates(first(version=0.08))) == {"min_loss_over_baseline": Verdict.ASKS}


def test_a_jump_over_one_of_the_two_alone_is_none():
    assert failed(gates(later(champion=0.22, anchor=0.22))) == {}
    assert failed(gates(losses(version=0.15, baseline=0.3, champion=0.16, anchor=0.16, constant=0.3))) == {}


def spoilt(given, city, factor):
    """The version loses more on the rows of a city."""
    own = (
        given.of[Of.VERSION]
        * pl.select(pl.when(given.rows["city"] == city).then(factor).otherwise(1.0)).to_series()
    )
    return Losses(rows=given.rows, of={**given.of, Of.VERSION: own}, numbers=given.numbers)


def test_a_version_that_is_worse_on_one_slice_alone_fails_and_the_slice_is_named():
    found = gates(spoilt(later(version=0.157), "LIMA", 1.08), [CITY])
    assert failed(found) == {"max_loss_in_slices": Verdict.FAILED}
    assert "city LIMA 1.0" in found["max_loss_in_slices"].reason
    assert "OSLO" not in found["max_loss_in_slices"].reason


def test_a_sensitive_slice_is_judged_to_its_last_row():
    """LIMA has too few rows to be judged by itself, so a plain slice tells no harm."""
    worse = spoilt(later(version=0.157), "LIMA", 1.08)
    assert failed(gates(worse, [replace(CITY, least_rows=2_000)])) == {}
    sensitive = replace(CITY, least_rows=2_000, sensitive=True)
    found = gates(worse, [sensitive])["max_loss_in_slices"]
    assert found.verdict is Verdict.FAILED
    assert "city all others" in found.reason
    judged = evidence_of(worse, [sensitive], {})
    assert sum(one.rows for one in judged.slices) == worse.rows.height
    assert judged.slices_left_out == ()


def test_a_first_version_is_compared_with_the_baseline_on_slices():
    assert failed(gates(first(), [CITY])) == {}
    found = gates(spoilt(first(), "ROME", 1.5), [CITY])
    assert failed(found)["max_loss_in_slices"] is Verdict.FAILED
    assert "of the baseline's" in found["max_loss_in_slices"].reason


def test_slices_with_few_rows_are_named_and_not_judged():
    many = Slice(name="city", by="city", least_rows=1500)
    evidence = evidence_of(later(), [many], OWN)
    assert [one.title for one in evidence.slices] == ["city OSLO", "city ROME"]
    assert evidence.slices_left_out == ("city LIMA",)
    nobody = Slice(name="city", by="city", least_rows=10_000)
    assert failed(gates(later(), [nobody])) == {"max_loss_in_slices": Verdict.CANNOT_TELL}


def test_the_anchor_stays_until_the_champion_is_surely_better():
    assert best_of_the_past(later(champion=0.15).by_night(), 0.05) is Of.CHAMPION
    assert best_of_the_past(later(champion=0.16).by_night(), 0.05) is Of.ANCHOR
    assert best_of_the_past(later(anchor=0.15).by_night(), 0.05) is Of.ANCHOR


def test_an_anchor_that_cannot_be_measured_is_none_any_more():
    assert best_of_the_past(later(seen={"anchor": NIGHTS}).by_night(), 0.05) is Of.CHAMPION


def test_evidence_is_read_as_it_was_written_and_what_later_versions_add_is_passed_over():
    evidence = evidence_of(later(), [CITY], OWN)
    document = evidence.model_dump_json()
    assert Evidence.model_validate_json(document) == evidence
    assert Evidence.model_validate_json(document[:-1] + ', "golden": [1]}') == evidence
    total = sum(night.losses[Of.VERSION] for night in evidence.nights)
    assert total == pytest.approx(later().of[Of.VERSION].sum())
